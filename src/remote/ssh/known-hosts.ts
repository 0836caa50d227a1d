import { nodeCrypto } from '../../core/builtin.ts'

/** The entries for one server in a file of known hosts. */
export interface KnownKeys {
  /** Public keys in wire format that identify the server. */
  readonly keys: readonly Buffer[]
  /** Revoked keys, which no server may use. */
  readonly revoked: readonly Buffer[]
  /** Number of lines of certificate authorities for the server. */
  readonly authorities: number
}

/** One line. (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT) */
interface Line {
  readonly marker: string | undefined
  readonly hosts: string
  readonly key: Buffer
}

/** The name of a server in the file: `host`, or `[host]:port` for a port other than 22. */
export function knownName(host: string, port: number): string {
  const name = host.toLowerCase()
  return port === 22 ? name : `[${name}]:${port}`
}

/** The entries for a server, by its `knownName`. Lines that cannot be parsed are skipped. */
export function knownKeys(text: string, name: string): KnownKeys {
  const keys: Buffer[] = []
  const revoked: Buffer[] = []
  let authorities = 0
  for (const each of text.split('\n')) {
    const line = parseLine(each)
    if (line === undefined || !isNamed(line.hosts, name)) continue
    if (line.marker === '@revoked') revoked.push(line.key)
    else if (line.marker === '@cert-authority') authorities++
    else if (line.marker === undefined) keys.push(line.key)
  }
  return { keys, revoked, authorities }
}

/** The type in a public key (`ssh-ed25519`); '' if it is not a public key. (RFC 4253, section 6.6) */
export function keyType(key: Buffer): string {
  if (key.byteLength < 4) return ''
  const length = key.readUInt32BE(0)
  return length > 0 && length <= 64 && key.byteLength > 4 + length ? key.toString('latin1', 4, 4 + length) : ''
}

/** A key's fingerprint in the format of `ssh-keygen -l`. */
export function fingerprint(key: Buffer): string {
  return `SHA256:${nodeCrypto().createHash('sha256').update(key).digest('base64').replaceAll('=', '')}`
}

function parseLine(text: string): Line | undefined {
  const words = text.trim().split(/[ \t]+/)
  const marker = words[0]!.startsWith('@') ? words.shift() : undefined
  const [hosts, type, encoded] = words
  if (hosts === undefined || hosts.startsWith('#') || type === undefined || encoded === undefined) return undefined
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(encoded)) return undefined
  const key = Buffer.from(encoded, 'base64')
  return keyType(key) === type ? { marker, hosts, key } : undefined
}

/** Whether a line's list of hosts matches a name. A matching pattern with `!` excludes the name, even if another pattern matches. */
function isNamed(hosts: string, name: string): boolean {
  if (hosts.startsWith('|')) return isHashOf(hosts, name)
  let named = false
  for (const each of hosts.toLowerCase().split(',')) {
    const negated = each.startsWith('!')
    if (!fits(negated ? each.slice(1) : each, name)) continue
    if (negated) return false
    named = true
  }
  return named
}

/** `|1|salt|hash`, both in base64: HMAC-SHA1 of the name. */
function isHashOf(hashed: string, name: string): boolean {
  const [, version, salt, hash] = hashed.split('|')
  if (version !== '1' || salt === undefined || hash === undefined) return false
  const made = nodeCrypto().createHmac('sha1', Buffer.from(salt, 'base64')).update(name).digest()
  const wanted = Buffer.from(hash, 'base64')
  return wanted.byteLength === made.byteLength && nodeCrypto().timingSafeEqual(made, wanted)
}

/** Whether a pattern with `*` and `?` matches the whole name, in time of at most the product of their lengths. */
function fits(pattern: string, name: string): boolean {
  let [at, next, star, mark] = [0, 0, -1, 0]
  while (at < name.length) {
    if (pattern[next] === '*') {
      star = next++
      mark = at
    } else if (next < pattern.length && (pattern[next] === '?' || pattern[next] === name[at])) {
      next++
      at++
    } else if (star >= 0) {
      next = star + 1
      at = ++mark
    } else return false
  }
  while (pattern[next] === '*') next++
  return next === pattern.length
}

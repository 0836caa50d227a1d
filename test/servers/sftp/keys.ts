/** Keys of hosts and users, made for the tests. */
import { createHash, createHmac, randomBytes } from 'node:crypto'
import ssh2 from 'ssh2'

export type KeyType = 'ed25519' | 'rsa' | 'ecdsa'

const OPTIONS = { ed25519: {}, rsa: { bits: 2048 }, ecdsa: { bits: 256 } } as const

/** A key in OpenSSH's forms. */
export interface SshKey {
  readonly type: KeyType
  /** The file of the private key. */
  readonly privateKey: string
  /** `ssh-ed25519 AAAA... comment`. */
  readonly publicKey: string
  /** What OpenSSH shows: `SHA256:...`, without padding. */
  readonly fingerprint: string
}

/** Makes a key; with a passphrase the private key is encrypted. */
export function makeKey(type: KeyType = 'ed25519', passphrase?: string): SshKey {
  const encryption = passphrase === undefined ? {} : { passphrase, cipher: 'aes256-ctr', rounds: 1 }
  // The types know these options by pairs of key and options, which a variable key does not fit.
  const generate = ssh2.utils.generateKeyPairSync as (type: string, options: object) => ssh2.utils.KeyPairReturn
  const { private: privateKey, public: publicKey } = generate(type, { ...OPTIONS[type], ...encryption })
  const blob = Buffer.from(publicKey.split(' ')[1]!, 'base64')
  const digest = createHash('sha256').update(blob).digest('base64').replace(/=+$/, '')
  return { type, privateKey, publicKey, fingerprint: `SHA256:${digest}` }
}

const made = new Map<KeyType, SshKey>()

/** A key that is made once in a process: an RSA key takes a while. */
export function sharedKey(type: KeyType = 'ed25519'): SshKey {
  const key = made.get(type) ?? makeKey(type)
  made.set(type, key)
  return key
}

/** How a host is written in known_hosts. */
export interface KnownHost {
  readonly host: string
  readonly port?: number
  readonly hashed?: boolean
  /** `@revoked` or `@cert-authority`. */
  readonly marker?: string
}

/** A line of known_hosts. */
export function knownHostLine({ host, port = 22, hashed = false, marker }: KnownHost, { publicKey }: SshKey): string {
  const name = port === 22 ? host : `[${host}]:${port}`
  return `${marker === undefined ? '' : `${marker} `}${hashed ? hashedName(name) : name} ${publicKey}\n`
}

function hashedName(name: string): string {
  const salt = randomBytes(20)
  const hash = createHmac('sha1', salt).update(name).digest('base64')
  return `|1|${salt.toString('base64')}|${hash}`
}

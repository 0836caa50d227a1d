import { readFile } from 'node:fs/promises'
import { errnoOf } from '../../core/errno.ts'
import { ImproperlyConfigured, messageOf, StorageError } from '../../core/errors.ts'
import { homePath } from './home.ts'
import { fingerprint, type KnownKeys, keyType, knownKeys, knownName } from './known-hosts.ts'

/** How to verify a server. */
export interface TrustOptions {
  readonly host: string
  readonly port: number
  readonly knownHostFile: string | null
  readonly hostKey: string | null
  readonly unknownHosts: 'refuse' | 'accept'
}

/** Host key types in the order of preference, the safest first. */
const ALGORITHMS: readonly string[] = [
  'ssh-ed25519',
  'ecdsa-sha2-nistp256',
  'ecdsa-sha2-nistp384',
  'ecdsa-sha2-nistp521',
  'rsa-sha2-512',
  'rsa-sha2-256',
  'ssh-rsa',
]
/** Signature algorithms of an RSA key. Any other key type has one algorithm of the same name. (RFC 8332) */
const RSA: readonly string[] = ['rsa-sha2-512', 'rsa-sha2-256', 'ssh-rsa']
const NOTHING: KnownKeys = { keys: [], revoked: [], authorities: 0 }

/** Verifies a server by a host key in the settings or by a file of known hosts. */
export class HostTrust {
  readonly #options: TrustOptions
  readonly #known: KnownKeys
  /** The place where a key of the server is looked up. */
  readonly #place: string

  private constructor(options: TrustOptions, known: KnownKeys, place: string) {
    this.#options = options
    this.#known = known
    this.#place = place
  }

  /** Reads the file again, so that a new key counts at once. Code `improperly_configured` if the file is set and missing. */
  static async load(options: TrustOptions): Promise<HostTrust> {
    const { host, port, knownHostFile, hostKey } = options
    if (hostKey !== null) {
      const [, encoded] = hostKey.split(' ')
      const keys = encoded === undefined ? [] : [Buffer.from(encoded, 'base64')]
      return new HostTrust(options, { ...NOTHING, keys }, 'SFTP_HOST_KEY')
    }
    const path = homePath(knownHostFile ?? '~/.ssh/known_hosts')
    try {
      const text = await readFile(path, 'utf8')
      return new HostTrust(options, knownKeys(text, knownName(host, port)), knownHostFile ?? '~/.ssh/known_hosts')
    } catch (error) {
      if (errnoOf(error) === 'ENOENT' && knownHostFile === null)
        return new HostTrust(options, NOTHING, '~/.ssh/known_hosts')
      throw new ImproperlyConfigured(`SFTP_KNOWN_HOST_FILE: the file cannot be read: ${messageOf(error)}`, {
        cause: error,
      })
    }
  }

  /** Types of host keys to request: known ones come first, since a server sends only one. */
  algorithms(disabled: readonly string[]): readonly string[] {
    const known = this.#known.keys.map(keyType)
    const first = ALGORITHMS.filter(each => known.includes(RSA.includes(each) ? 'ssh-rsa' : each))
    const rest = ALGORITHMS.filter(each => !first.includes(each))
    // An obsolete type is accepted if it is the known one.
    const old = known.includes('ssh-dss') ? ['ssh-dss'] : []
    const allowed = [...first, ...old, ...rest].filter(each => !disabled.includes(each))
    if (allowed.length > 0) return allowed
    throw new ImproperlyConfigured('SFTP_STORAGE_PARAMS: disabled_algorithms: keys disables all types of host keys.')
  }

  /** The error of a server with this key; undefined if the key is the right one. */
  refusal(key: Buffer): StorageError | undefined {
    const { hostKey, unknownHosts } = this.#options
    const { keys, revoked, authorities } = this.#known
    const shown = `${keyType(key) || 'unknown'} ${fingerprint(key)}`
    if (revoked.some(each => each.equals(key))) {
      return this.#refused(
        `The server ${this.#name} shows a key that is marked as revoked in ${this.#place} (${shown}).`,
      )
    }
    const pinned = hostKey?.startsWith('SHA256:') === true ? fingerprint(key) === hostKey : undefined
    if (pinned === true || keys.some(each => each.equals(key))) return undefined
    if (pinned === false || keys.length > 0) {
      return this.#refused(
        `The server ${this.#name} shows another key (${shown}) than the one in ${this.#place}: it was reinstalled, or the connection is intercepted. ` +
          'If it was reinstalled, replace its key there.',
      )
    }
    if (authorities > 0) {
      return this.#unknown(
        `${this.#place} knows only a certificate authority for ${this.#name}, and certificates are not supported. Add the server's own key: ${this.#scan}`,
      )
    }
    if (unknownHosts === 'accept') return undefined
    return this.#unknown(
      `The server ${this.#name} is not known: ${this.#place} has no key of it. It shows ${shown}. Add it: ${this.#scan}`,
    )
  }

  get #name(): string {
    return knownName(this.#options.host, this.#options.port)
  }

  get #scan(): string {
    const { host, port, knownHostFile } = this.#options
    const flag = port === 22 ? '' : ` -p ${port}`
    return `ssh-keyscan${flag} ${host} >> ${knownHostFile ?? '~/.ssh/known_hosts'}`
  }

  #refused(text: string): StorageError {
    return new StorageError('permission_denied', text, { outcome: 'not_applied' })
  }

  #unknown(text: string): StorageError {
    return new ImproperlyConfigured(text)
  }
}

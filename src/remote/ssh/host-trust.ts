import { readFile } from 'node:fs/promises'
import { errnoOf } from '../../core/errno.ts'
import { ImproperlyConfigured, messageOf, StorageError } from '../../core/errors.ts'
import { homePath } from './home.ts'
import { fingerprint, type KnownKeys, keyType, knownKeys, knownName } from './known-hosts.ts'

/** How a server is known. */
export interface TrustOptions {
  readonly host: string
  readonly port: number
  readonly knownHostFile: string | null
  readonly hostKey: string | null
  readonly unknownHosts: 'refuse' | 'accept'
}

/** Host keys in the order in which they are asked for, the safest first. */
const ALGORITHMS: readonly string[] = [
  'ssh-ed25519',
  'ecdsa-sha2-nistp256',
  'ecdsa-sha2-nistp384',
  'ecdsa-sha2-nistp521',
  'rsa-sha2-512',
  'rsa-sha2-256',
  'ssh-rsa',
]
/** Signatures that a key of this type makes; any other has the name of its type. (RFC 8332) */
const RSA: readonly string[] = ['rsa-sha2-512', 'rsa-sha2-256', 'ssh-rsa']
const NOTHING: KnownKeys = { keys: [], revoked: [], authorities: 0 }

/** Decides whether a server is the one that is meant, by a key in the settings or by a file of known hosts. */
export class HostTrust {
  readonly #options: TrustOptions
  readonly #known: KnownKeys
  /** Where a key of the server would be looked for. */
  readonly #place: string

  private constructor(options: TrustOptions, known: KnownKeys, place: string) {
    this.#options = options
    this.#known = known
    this.#place = place
  }

  /** Reads the file anew, so that a key that was added counts at once. A file that is named and missing is `improperly_configured`. */
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

  /** Kinds of host keys to ask for: those that are known come first, since a server shows only one. */
  algorithms(disabled: readonly string[]): readonly string[] {
    const known = this.#known.keys.map(keyType)
    const first = ALGORITHMS.filter(each => known.includes(RSA.includes(each) ? 'ssh-rsa' : each))
    const rest = ALGORITHMS.filter(each => !first.includes(each))
    // A kind that is not used any more is taken where it is the one that is known.
    const old = known.includes('ssh-dss') ? ['ssh-dss'] : []
    const allowed = [...first, ...old, ...rest].filter(each => !disabled.includes(each))
    if (allowed.length > 0) return allowed
    throw new ImproperlyConfigured('SFTP_STORAGE_PARAMS: disabled_algorithms: no kind of host key is left in keys.')
  }

  /** The error of a server that shows this key, or undefined where it is the right one. */
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
        `The server ${this.#name} shows another key (${shown}) than the one in ${this.#place}: it was set up anew, or somebody is in between. ` +
          'If it was, replace its key there.',
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

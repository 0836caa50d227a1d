import { messageOf } from '../../core/errors.ts'
import { hint, nearest } from '../../core/nearest.ts'
import { parseFlag, parseMap, parsePlace, parseText } from '../../core/setting-types.ts'

/** Lists of algorithms to disable, by paramiko's names of the lists. */
export interface DisabledAlgorithms {
  readonly kex: readonly string[]
  /** Types of host keys. */
  readonly keys: readonly string[]
  readonly ciphers: readonly string[]
  readonly macs: readonly string[]
  readonly compression: readonly string[]
}

/** How to connect and log in to the server. */
export interface ConnectParams {
  readonly port: number
  /** null: the login name of this process. */
  readonly username: string | null
  readonly password: string | null
  /** Text of a private key, in OpenSSH's, PEM's or PuTTY's form. */
  readonly pkey: string | null
  /** Paths of private keys. */
  readonly keyFilename: readonly string[]
  /** null: the password. */
  readonly passphrase: string | null
  /** Seconds until the TCP connection must be established. */
  readonly timeout: number
  /** Seconds until the server must have sent its host key. */
  readonly bannerTimeout: number
  /** Seconds until the login must be answered. */
  readonly authTimeout: number
  /** Seconds until an SFTP session must have begun. */
  readonly channelTimeout: number
  /** Whether to try the keys of the agent at SSH_AUTH_SOCK. */
  readonly allowAgent: boolean
  /** Whether to try the keys at ~/.ssh/id_*. */
  readonly lookForKeys: boolean
  readonly compress: boolean
  readonly disabledAlgorithms: DisabledAlgorithms
}

/** The keyword arguments of paramiko's `SSHClient.connect()`, in its spelling or in camelCase. */
export interface SftpParams
  extends Partial<Omit<ConnectParams, 'pkey' | 'keyFilename' | 'disabledAlgorithms'>>,
    PythonParams {
  readonly pkey?: string | Uint8Array | null
  readonly keyFilename?: string | readonly string[]
  readonly disabledAlgorithms?: Partial<DisabledAlgorithms>
}

/** The parameters whose spelling in paramiko differs. */
export interface PythonParams {
  readonly key_filename?: string | readonly string[] | null
  readonly banner_timeout?: number | null
  readonly auth_timeout?: number | null
  readonly channel_timeout?: number | null
  readonly allow_agent?: boolean
  readonly look_for_keys?: boolean
  readonly disabled_algorithms?: Partial<DisabledAlgorithms> | null
}

const NO_ALGORITHMS: DisabledAlgorithms = { kex: [], keys: [], ciphers: [], macs: [], compression: [] }

/** The defaults. */
export const DEFAULT_PARAMS: ConnectParams = {
  port: 22,
  username: null,
  password: null,
  pkey: null,
  keyFilename: [],
  passphrase: null,
  timeout: 30,
  bannerTimeout: 15,
  authTimeout: 30,
  channelTimeout: 30,
  allowAgent: true,
  lookForKeys: true,
  compress: false,
  disabledAlgorithms: NO_ALGORITHMS,
}

const PARSERS: { readonly [K in keyof ConnectParams]: (raw: unknown) => ConnectParams[K] } = {
  port: parsePort,
  username: raw => parseText(raw) || null,
  password: parseSecret,
  pkey: parseKey,
  keyFilename: parseFiles,
  passphrase: parseSecret,
  timeout: parseSeconds,
  bannerTimeout: parseSeconds,
  authTimeout: parseSeconds,
  channelTimeout: parseSeconds,
  allowAgent: parseFlag,
  lookForKeys: parseFlag,
  compress: parseFlag,
  disabledAlgorithms: parseDisabled,
}

const NAMES = Object.keys(PARSERS) as (keyof ConnectParams)[]
const SNAKE: ReadonlyMap<string, keyof ConnectParams> = new Map(NAMES.map(name => [snake(name), name]))

/** Parameters of paramiko without a counterpart, with an alternative. */
const REFUSED: Readonly<Record<string, string>> = {
  hostname: 'the host is a setting of its own, SFTP_STORAGE_HOST',
  sock: 'a socket of your own cannot be given',
  transport_factory: 'it has no counterpart here',
  auth_strategy: 'it is not supported; set keys and a password instead',
  gss_auth: 'Kerberos (GSS-API) is not supported; use a key or a password',
  gss_kex: 'Kerberos (GSS-API) is not supported; leave it out',
  gss_deleg_creds: 'Kerberos (GSS-API) is not supported; leave it out',
  gss_host: 'Kerberos (GSS-API) is not supported; leave it out',
  gss_trust_dns: 'Kerberos (GSS-API) is not supported; leave it out',
}

/** Parses the parameters. Throws an `Error` that names the wrong parameter without its value. */
export function parseParams(raw: unknown): ConnectParams {
  if (raw === null || raw === '' || raw === 'None' || raw === 'null') return DEFAULT_PARAMS
  const parsed: Record<string, unknown> = {}
  for (const [key, value] of Object.entries(parseMap(raw))) {
    const spelled = snake(key)
    const reason = REFUSED[spelled]
    if (reason !== undefined) {
      if (value === null || value === false || value === undefined) continue
      throw new Error(`${spelled}: ${reason}`)
    }
    const name = SNAKE.get(spelled)
    if (name === undefined)
      throw new Error(`there is no parameter '${shownName(key)}'${hint(nearest(key, SNAKE.keys()))}`)
    if (value === null || value === undefined) continue
    try {
      parsed[name] = PARSERS[name](value)
    } catch (error) {
      throw new Error(`${spelled}: ${messageOf(error)}`)
    }
  }
  return { ...DEFAULT_PARAMS, ...parsed }
}

/** The parameters that were set, without secrets. */
export function shownParams(given: SftpParams): Record<string, unknown> {
  const shown: Record<string, unknown> = {}
  for (const name of NAMES) {
    const value = given[name]
    if (value === undefined || value === DEFAULT_PARAMS[name]) continue
    shown[name] = name === 'password' || name === 'passphrase' || name === 'pkey' ? '***' : value
  }
  return shown
}

function snake(name: string): string {
  return name.replace(/[A-Z]/g, letter => `_${letter.toLowerCase()}`)
}

/** A name without control characters of a terminal. */
function shownName(name: string): string {
  return name.replace(/[^\x20-\x7e]/g, '?').slice(0, 40)
}

function parsePort(raw: unknown): number {
  const port = typeof raw === 'string' && /^\d+$/.test(raw.trim()) ? Number(raw) : raw
  if (typeof port === 'number' && Number.isInteger(port) && port >= 1 && port <= 65_535) return port
  throw new Error('expected a port from 1 to 65535')
}

function parseSeconds(raw: unknown): number {
  const secs = typeof raw === 'string' && raw.trim() !== '' ? Number(raw) : raw
  if (typeof secs === 'number' && Number.isFinite(secs) && secs > 0) return secs
  throw new Error('expected a number of seconds above 0')
}

function parseSecret(raw: unknown): string {
  if (typeof raw !== 'string') throw new Error('expected text')
  return raw
}

function parseKey(raw: unknown): string {
  const text = raw instanceof Uint8Array ? Buffer.from(raw).toString('utf8') : raw
  if (typeof text === 'string' && text.trim() !== '') return text
  throw new Error('expected the text of a private key')
}

function parseFiles(raw: unknown): readonly string[] {
  const files = typeof raw === 'string' ? [raw] : raw
  if (!Array.isArray(files)) throw new Error('expected a path or a list of paths')
  return files.map(file => {
    const path = parsePlace(file)
    if (path === '') throw new Error('expected a path, got an empty one')
    return path
  })
}

function parseDisabled(raw: unknown): DisabledAlgorithms {
  const given = parseMap(raw)
  const lists: Record<string, readonly string[]> = {}
  for (const [name, value] of Object.entries(given)) {
    if (name === 'pubkeys')
      throw new Error("the list 'pubkeys' has no counterpart: the signature is the one that the server asks for")
    if (!Object.hasOwn(NO_ALGORITHMS, name)) {
      throw new Error(`there is no list '${shownName(name)}'${hint(nearest(name, Object.keys(NO_ALGORITHMS)))}`)
    }
    if (!Array.isArray(value) || !value.every(each => typeof each === 'string')) {
      throw new Error(`${name}: expected a list of names`)
    }
    lists[name] = value
  }
  return { ...NO_ALGORITHMS, ...lists }
}

import type { ConnectionOptions as TlsOptions } from 'node:tls'
import { onAbort } from '../../core/abort.ts'
import { nodeNet } from '../../core/builtin.ts'
import type { CallContext } from '../../core/call.ts'
import { ImproperlyConfigured } from '../../core/errors.ts'
import { secureContextOf, type TrustOptions } from '../../http/secure-context.ts'
import { transportError } from '../../http/transport-error.ts'
import { type Hide, hiding } from '../../remote/redact.ts'
import { newClient } from './client.ts'
import { Control } from './control.ts'
import { accepted, FtpConnectionError, isRefusal, loginError } from './errors.ts'
import type { FtpLocation } from './location.ts'
import { featuresIn, pathIn, type Reply } from './replies.ts'
import type { ServerMemory } from './server.ts'
import type { FtpEncoding } from './settings.ts'

const KEEP_ALIVE_MS = 15_000
/** How long to wait for further answers after the first of several, tested once per server. */
const PACK_MS = 1_000
/** Servers that are known to lose commands. (lftp's manual, ftp:auto-sync-mode) */
const LOSES_COMMANDS = /microsoft ftp|madgoat|mikrotik/i
/** Facts that are requested in a listing. (RFC 3659, section 7.5) */
const FACTS = ['type', 'size', 'modify', 'unique']

/** How to reach a server. */
export interface ServerOptions {
  readonly location: FtpLocation
  readonly port: number
  readonly tls: 'explicit' | 'implicit' | undefined
  readonly trust: TrustOptions
  readonly encoding: FtpEncoding
  readonly connectTimeoutMs: number
  /** Milliseconds without a byte after which a data connection fails; undefined: never. */
  readonly idleTimeoutMs: number | undefined
  readonly allowDataHost: boolean
}

/** A logged-in connection, and the server's reported features. */
export interface FtpConnection {
  readonly control: Control
  readonly options: ServerOptions
  /** For data connections; undefined if they are unencrypted. */
  readonly tls: TlsOptions | undefined
  readonly server: ServerMemory
  /** Names of FEAT in upper case. */
  readonly features: ReadonlyMap<string, string>
  /** The folder that holds the files: absolute, without a slash at its end; or relative, if the server does not report the login folder. */
  readonly root: string
  /** The login folder. */
  readonly home: string
  /** Whether the server refused to enter a folder. */
  wasRefused: boolean
  /** Buffer for bytes that arrive over its data connections; made at the first one. */
  inletBuffer: Buffer | undefined
  /** The answer with the port for the next transfer, if it was requested ahead. */
  waiting: Reply | undefined
  /** Number of leases. */
  uses: number
}

/** Opens connections to one server. */
export class Connector {
  readonly #options: ServerOptions
  readonly #server: ServerMemory
  readonly #hide: Hide
  #trust: Pick<TlsOptions, 'secureContext' | 'rejectUnauthorized'> | undefined

  constructor(options: ServerOptions, server: ServerMemory) {
    this.#options = options
    this.#server = server
    this.#hide = hiding([options.location.password])
  }

  /** Connects, logs in and sets the options that every transfer needs. */
  async open(ctx: CallContext): Promise<FtpConnection> {
    const server = this.#server
    const wasKnown = server.takesPacks !== undefined
    try {
      return await this.#open(ctx)
    } catch (error) {
      // The server turned out to lose commands.
      if (wasKnown || server.takesPacks !== false || ctx.signal.aborted) throw error
      return this.#open(ctx)
    }
  }

  async #open({ signal }: CallContext): Promise<FtpConnection> {
    const options = this.#options
    const { location } = options
    const client = await newClient()
    client.ftp.encoding = options.encoding === 'utf-8' ? 'utf8' : 'latin1'
    const control = new Control(client, this.#hide)
    const server = this.#server
    try {
      const tls = options.tls === undefined ? undefined : this.#tlsOptions()
      const { message } = await this.#connect(control, tls, signal)
      if (LOSES_COMMANDS.test(message)) server.takesPacks ??= false
      control.socket.setKeepAlive(true, KEEP_ALIVE_MS)
      control.socket.setNoDelay(true)
      await control
        .run('USER', signal, each => each.login(location.user, location.password))
        .catch(error => {
          throw loginError(error, location.user)
        })
      if (tls !== undefined) await protect(control, signal)
      const features = await featuresOf(control, signal)
      control.takesPacks = server.takesPacks !== false
      const home = await prepared(control, features, options.encoding, server, signal)
      const root = rootOf(location, home)
      return {
        control,
        options,
        tls,
        server,
        features,
        root,
        home: location.isAbsolute ? '/' : (home ?? ''),
        wasRefused: false,
        inletBuffer: undefined,
        waiting: undefined,
        uses: 0,
      }
    } catch (error) {
      control.close()
      throw error
    }
  }

  async #connect(control: Control, tls: TlsOptions | undefined, signal: AbortSignal): Promise<Reply> {
    const { location, port, connectTimeoutMs } = this.#options
    const { host } = location
    const limit = new AbortController()
    const off = onAbort(signal, () => limit.abort(signal.reason))
    const late = new FtpConnectionError(`No connection to ${host}:${port} within connectTimeoutSecs.`, {
      kind: 'timeout',
      outcome: 'not_applied',
    })
    const timer = connectTimeoutMs > 0 ? setTimeout(() => limit.abort(late), connectTimeoutMs) : undefined
    try {
      const implicit = this.#options.tls === 'implicit' ? tls : undefined
      const greeting = await control.run('connect', limit.signal, each =>
        implicit === undefined ? each.connect(host, port) : each.connectImplicitTLS(host, port, implicit),
      )
      if (tls !== undefined && implicit === undefined) await control.run('AUTH', limit.signal, each => each.useTLS(tls))
      return greeting
    } catch (error) {
      throw this.#unreached(error)
    } finally {
      clearTimeout(timer)
      off()
    }
  }

  #unreached(error: unknown): unknown {
    const { location, port } = this.#options
    if (isRefusal(error) && error.verb === 'AUTH') {
      return new ImproperlyConfigured(`FTP_STORAGE_LOCATION: ${location.host} refuses TLS: ${error.message}`)
    }
    if (!(error instanceof FtpConnectionError) || error.kind === 'timeout') return error
    const host = location.host.includes(':') ? `[${location.host}]` : location.host
    return transportError(error.cause ?? error, 'connect to', `${location.scheme}://${host}:${port}`)
  }

  /** Options of the control connection and of all data connections: Node resumes a session only for the same host. */
  #tlsOptions(): TlsOptions {
    const { trust, location } = this.#options
    const { host } = location
    this.#trust ??= { secureContext: secureContextOf(trust), rejectUnauthorized: trust.verify !== false }
    return { ...this.#trust, host, ...(nodeNet().isIP(host) === 0 && { servername: host }) }
  }
}

/** Also encrypts data connections. (RFC 4217, section 9) */
async function protect(control: Control, signal: AbortSignal): Promise<void> {
  await control.requestOptional('PBSZ 0', signal)
  try {
    await control.request('PROT P', signal)
  } catch (error) {
    if (!isRefusal(error)) throw error
    throw new ImproperlyConfigured(`The server does not encrypt data connections: ${error.message}`)
  }
}

async function featuresOf(control: Control, signal: AbortSignal): Promise<ReadonlyMap<string, string>> {
  const reply = await control.requestOptional('FEAT', signal)
  return reply === undefined ? new Map<string, string>() : featuresIn(reply)
}

/**
 * Sets the options that every transfer needs, and returns the login folder. The answers show whether the server accepts several commands in
 * one packet.
 */
async function prepared(
  control: Control,
  features: ReadonlyMap<string, string>,
  encoding: FtpEncoding,
  server: ServerMemory,
  signal: AbortSignal,
): Promise<string | undefined> {
  const given = features.get('MLST')?.toLowerCase().split(';') ?? []
  const wanted = FACTS.filter(fact => given.includes(fact) || given.includes(`${fact}*`))
  const commands = [
    // Unchanged bytes, and their sizes: the default is ASCII. (RFC 959, section 3.1.1.1)
    'TYPE I',
    ...(features.has('UTF8') ? [`OPTS UTF8 ${encoding === 'utf-8' ? 'ON' : 'OFF'}`] : []),
    ...(wanted.some(fact => given.includes(fact)) ? [`OPTS MLST ${wanted.join(';')};`] : []),
    'PWD',
  ]
  const isTried = control.takesPacks && server.takesPacks === undefined
  const lost = (): void => {
    server.takesPacks = false
    control.close()
  }
  const [type, ...others] = await control.ask(commands, signal, isTried ? { ms: PACK_MS, lost } : undefined)
  if (isTried) server.takesPacks = true
  accepted('TYPE I', type!)
  return pathIn(others.at(-1)!)
}

function rootOf({ folders, isAbsolute }: FtpLocation, home: string | undefined): string {
  if (isAbsolute) return folders.map(folder => `/${folder}`).join('')
  // So a name that begins with a dash is not read as an option.
  if (home === undefined) return ['.', ...folders].join('/')
  return [home.replace(/(?<!\/)\/+$/, ''), ...folders].join('/')
}

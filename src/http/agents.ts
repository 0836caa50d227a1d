import { Agent, type ClientRequestArgs, request as plainRequest } from 'node:http'
import type { Agent as HttpsAgent, RequestOptions } from 'node:https'
import type { Duplex } from 'node:stream'
import { nodeHttps } from '../core/builtin.ts'
import { StorageError } from '../core/errors.ts'
import type { ProxyServer } from './proxy.ts'

/** How the connections of one origin are made. */
export interface AgentSettings {
  readonly maxSockets: number
  /** Milliseconds for connecting, the proxy's tunnel and the TLS handshake included; 0 for no limit. */
  readonly connectTimeoutMs: number
  readonly ca: Buffer | undefined
  readonly rejectUnauthorized: boolean
  readonly keepAlive: boolean
}

type Connected = (error: Error | null, stream: Duplex) => void

/** Connections of one origin that speaks plain HTTP, to itself or to its proxy. */
export class PlainAgent extends Agent {
  readonly #timeoutMs: number
  #closed = false

  constructor({ maxSockets, connectTimeoutMs, keepAlive }: AgentSettings) {
    super({ keepAlive, maxSockets })
    this.#timeoutMs = connectTimeoutMs
  }

  /** All connections of this agent are alike. */
  override getName(): string {
    return 'origin'
  }

  override createConnection(options: ClientRequestArgs, done: Connected): Duplex | null | undefined {
    if (this.#closed) return refuse(done)
    const socket = super.createConnection(reachable(options), done)
    return socket && limited(socket, 'connect', this.#timeoutMs)
  }

  override destroy(): void {
    this.#closed = true
    refuseWaiting(this)
    super.destroy()
  }
}

type SecureAgentClass = new (settings: AgentSettings, tunnel: ProxyServer | undefined) => Agent

let SecureAgent: SecureAgentClass | undefined

/** Connections of one origin that speaks TLS; through a tunnel (RFC 9110 section 9.3.6) if `tunnel` names a proxy. */
export function secureAgent(settings: AgentSettings, tunnel: ProxyServer | undefined): Agent {
  SecureAgent ??= secureAgentClass(nodeHttps().Agent)
  return new SecureAgent(settings, tunnel)
}

/** Made at first use, since TLS takes longer to load than everything else together. */
function secureAgentClass(TlsAgent: typeof HttpsAgent): SecureAgentClass {
  return class SecureAgent extends TlsAgent {
    readonly #settings: AgentSettings
    readonly #tunnel: ProxyServer | undefined
    #closed = false

    constructor(settings: AgentSettings, tunnel: ProxyServer | undefined) {
      const { maxSockets, keepAlive, ca, rejectUnauthorized } = settings
      super({ keepAlive, maxSockets, rejectUnauthorized, ...(ca && { ca }) })
      this.#settings = settings
      this.#tunnel = tunnel
    }

    /** All connections of this agent are alike. */
    override getName(): string {
      return 'origin'
    }

    override createConnection(options: RequestOptions, done: Connected): Duplex | null | undefined {
      if (this.#closed) return refuse(done)
      if (this.#tunnel === undefined) return this.#connect(options, done)
      const authority = `${bracketed(String(options.host))}:${options.port}`
      openTunnel(this.#tunnel, authority, this.#settings, (error, raw) => {
        if (error !== null) return done(error, raw)
        if (this.#closed) {
          raw.destroy()
          return refuse(done)
        }
        const socket = this.#connect({ ...options, socket: raw } as RequestOptions, done)
        if (socket) done(null, socket)
      })
      return undefined
    }

    override destroy(): void {
      this.#closed = true
      refuseWaiting(this)
      super.destroy()
    }

    #connect(options: RequestOptions, done: Connected): Duplex | null | undefined {
      const socket = super.createConnection(reachable(options), done)
      return socket && limited(socket, 'secureConnect', this.#settings.connectTimeoutMs)
    }
  }
}

/** Names below localhost are this machine, also where the resolver does not know them. (RFC 6761 section 6.3) */
function reachable<T extends ClientRequestArgs>(options: T): T {
  return options.host?.endsWith('.localhost') ? { ...options, host: 'localhost' } : options
}

/** An IPv6 address in brackets, any other host as it is. */
export function bracketed(hostname: string): string {
  return hostname.includes(':') ? `[${hostname}]` : hostname
}

function openTunnel(proxy: ProxyServer, authority: string, settings: AgentSettings, done: Connected): void {
  const headers = ['Host', authority]
  if (proxy.authorization !== undefined) headers.push('Proxy-Authorization', proxy.authorization)
  const { ca, rejectUnauthorized, connectTimeoutMs } = settings
  const tls = proxy.secure ? { rejectUnauthorized, ...(ca && { ca }) } : undefined
  const { hostname, port } = proxy
  const options = { agent: false, method: 'CONNECT', hostname, port, path: authority, headers, ...tls } as const
  const request = proxy.secure ? nodeHttps().request(options) : plainRequest(options)
  const timer = timeLimit(connectTimeoutMs, error => request.destroy(error))
  request.on('error', error => {
    clearTimeout(timer)
    done(error, undefined as unknown as Duplex)
  })
  request.once('connect', (response, socket, head) => {
    clearTimeout(timer)
    const status = response.statusCode ?? 0
    if (status >= 200 && status < 300) {
      if (head.length > 0) socket.unshift(head)
      done(null, socket)
    } else {
      socket.destroy()
      done(refusedTunnel(status, authority), undefined as unknown as Duplex)
    }
  })
  request.end()
}

function refusedTunnel(status: number, authority: string): StorageError {
  const denied = status === 407 || status === 403 || status === 401
  return new StorageError(
    denied ? 'permission_denied' : 'unavailable',
    `The proxy refused a connection to ${authority} with status ${status}.`,
    { status, outcome: 'not_applied' },
  )
}

function refuse(done: Connected): undefined {
  process.nextTick(done, closedError(), undefined)
}

/** Ends the requests that have no connection yet: node would leave all but the first of them waiting for ever. */
function refuseWaiting(agent: Agent): void {
  for (const queue of Object.values(agent.requests)) {
    for (const request of queue ?? []) process.nextTick(() => request.emit('error', closedError()))
  }
}

function closedError(): StorageError {
  return new StorageError('closed', 'The HTTP transport was closed.', { outcome: 'not_applied' })
}

function limited(socket: Duplex, event: 'connect' | 'secureConnect', milliseconds: number): Duplex {
  const timer = timeLimit(milliseconds, error => socket.destroy(error))
  if (timer !== undefined) {
    const clear = (): void => clearTimeout(timer)
    socket.once(event, clear)
    socket.once('close', clear)
  }
  return socket
}

function timeLimit(milliseconds: number, end: (error: StorageError) => void): NodeJS.Timeout | undefined {
  if (milliseconds <= 0) return undefined
  return setTimeout(() => {
    const text = `No connection within ${milliseconds / 1000} seconds.`
    end(new StorageError('timeout', text, { outcome: 'not_applied' }))
  }, milliseconds)
}

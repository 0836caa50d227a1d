import { readFileSync } from 'node:fs'
import type { Agent } from 'node:http'
import { Readable } from 'node:stream'
import type { CallContext } from '../core/driver.ts'
import { ImproperlyConfigured, StorageError } from '../core/errors.ts'
import { type AgentSettings, bracketed, PlainAgent, secureAgent } from './agents.ts'
import { exchange, type Origin } from './exchange.ts'
import { type ProxyServer, ProxyTable } from './proxy.ts'
import { type HttpRequest, type HttpResponse, shownUrl } from './request.ts'

/** How a `Transport` reaches servers. */
export interface TransportOptions {
  /** Proxy addresses by scheme (`http`) or endpoint (`http://hostname`), which wins; as botocore's `proxies`. */
  readonly proxies?: Readonly<Record<string, string>> | null | undefined
  /** `false` accepts any certificate; a string is the path of a PEM file of the only authorities to trust. */
  readonly verify?: boolean | string | null | undefined
  /** Connections per origin at a time; more requests wait. Default: no limit. */
  readonly maxSockets?: number | undefined
  /** Seconds for one connection to stand, tunnel and TLS included; 0 for no limit. Default: 30. */
  readonly connectTimeoutSecs?: number | undefined
  /** Seconds that an answer's body may stand still while it is read; it breaks as `timeout`. 0 for no limit. Default: 0. */
  readonly idleTimeoutSecs?: number | undefined
}

/** The HTTP client of every backend: kept-alive connections, no redirects, no retries but that of a stale connection. */
export class Transport {
  readonly #options: TransportOptions
  readonly #proxies: ProxyTable
  readonly #origins: Map<string, Origin> = new Map()
  readonly #agents: Set<Agent> = new Set()
  #lastKey = ''
  #last: Origin | undefined
  #ca: Buffer | undefined
  #closed = false

  /** Throws `improperly_configured` for a bad proxy address; a CA file is read when the first `https` URL is asked for. */
  constructor(options: TransportOptions = {}) {
    this.#options = options
    this.#proxies = new ProxyTable(options.proxies)
  }

  /**
   * Sends a request and gives the answer of any status. Codes: `unavailable`, `timeout`, `aborted`, `permission_denied`
   * (by a proxy), `invalid_argument`, `improperly_configured`, `closed`; the reason of `ctx.signal` if a `StorageError`.
   */
  request(request: HttpRequest, ctx: CallContext): Promise<HttpResponse> {
    const { url } = request
    try {
      if (this.#closed) throw new StorageError('closed', 'The HTTP transport was closed.', { outcome: 'not_applied' })
      const cut = pathStart(url)
      const origin = this.#originOf(url, cut)
      const path = url.charCodeAt(cut) === SLASH ? url.slice(cut) : `/${url.slice(cut)}`
      return exchange(origin, path, request, ctx)
    } catch (error) {
      if (request.body instanceof Readable) request.body.destroy()
      return Promise.reject(error)
    }
  }

  /** Closes every connection; requests under way and later ones are `closed`. */
  async close(): Promise<void> {
    this.#closed = true
    for (const agent of this.#agents) agent.destroy()
    this.#agents.clear()
    this.#origins.clear()
    this.#last = undefined
  }

  #originOf(url: string, cut: number): Origin {
    if (this.#last !== undefined && cut === this.#lastKey.length && url.startsWith(this.#lastKey)) return this.#last
    const key = url.slice(0, cut)
    let origin = this.#origins.get(key)
    if (origin === undefined) {
      origin = this.#resolve(key)
      this.#origins.set(key, origin)
    }
    this.#lastKey = key
    this.#last = origin
    return origin
  }

  #resolve(key: string): Origin {
    const url = URL.canParse(key) ? new URL(key) : undefined
    if (url === undefined || (url.protocol !== 'http:' && url.protocol !== 'https:') || url.username || url.password) {
      const text = `'${shownUrl(key)}' is not the beginning of an http or https URL without user and password.`
      throw new StorageError('invalid_argument', text)
    }
    const secure = url.protocol === 'https:'
    const hostname = url.hostname.replace(/^\[|\]$/g, '')
    const port = url.port === '' ? (secure ? 443 : 80) : Number(url.port)
    const proxy = this.#proxies.select(secure ? 'https' : 'http', bracketed(hostname), port)
    const forward = secure ? undefined : proxy
    const connectSecure = secure || forward?.secure === true
    let fresh: Agent | undefined
    const isClosed = (): boolean => this.#closed
    return {
      protocol: connectSecure ? 'https:' : 'http:',
      hostname: forward?.hostname ?? hostname,
      port: forward?.port ?? port,
      host: url.host,
      absolute: forward !== undefined,
      proxyAuthorization: forward?.authorization,
      agent: this.#agent(connectSecure, secure ? proxy : undefined, true),
      freshAgent: () => (fresh ??= this.#agent(connectSecure, secure ? proxy : undefined, false)),
      idleMs: (this.#options.idleTimeoutSecs ?? 0) * 1000,
      get closed() {
        return isClosed()
      },
    }
  }

  #agent(secure: boolean, tunnel: ProxyServer | undefined, keepAlive: boolean): Agent {
    const { maxSockets = Number.POSITIVE_INFINITY, connectTimeoutSecs = 30, verify } = this.#options
    const settings: AgentSettings = {
      maxSockets,
      connectTimeoutMs: connectTimeoutSecs * 1000,
      ca: secure || tunnel !== undefined ? this.#authorities() : undefined,
      rejectUnauthorized: verify !== false,
      keepAlive,
    }
    const agent = secure ? secureAgent(settings, tunnel) : new PlainAgent(settings)
    this.#agents.add(agent)
    return agent
  }

  #authorities(): Buffer | undefined {
    const { verify } = this.#options
    if (typeof verify !== 'string' || verify === '') return undefined
    try {
      return (this.#ca ??= readFileSync(verify))
    } catch (cause) {
      throw new ImproperlyConfigured(`verify: the CA file '${verify}' cannot be read.`, { cause })
    }
  }
}

const SLASH = 0x2f

function pathStart(url: string): number {
  const start = url.indexOf('://') + 3
  for (let at = start; at < url.length; at++) {
    const unit = url.charCodeAt(at)
    if (unit === SLASH || unit === 0x3f || unit === 0x23) return at
  }
  return url.length
}

import { readFileSync } from 'node:fs'
import { Readable } from 'node:stream'
import type { CallContext } from '../core/call.ts'
import { ImproperlyConfigured, StorageError } from '../core/errors.ts'
import { bracketed, unbracketed } from './connect.ts'
import { exchange, type Origin } from './exchange.ts'
import { Pool } from './pool.ts'
import { ProxyTable } from './proxy.ts'
import { type HttpRequest, type HttpResponse, shownUrl } from './request.ts'
import { transportClosed } from './transport-error.ts'

/** How a `Transport` reaches servers. */
export interface TransportOptions {
  /** Proxy addresses by scheme (`http`) or endpoint (`http://hostname`), which wins; as botocore's `proxies`. */
  readonly proxies?: Readonly<Record<string, string>> | null | undefined
  /** Environment variables; where no `proxies` are given, `http_proxy`, `https_proxy` and `no_proxy` among them count. Default: none. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined
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
  #lastKey = ''
  #last: Origin | undefined
  #ca: Buffer | undefined
  #closed = false

  /** Throws `improperly_configured` for a bad proxy address; a CA file is read when the first `https` URL is asked for. */
  constructor(options: TransportOptions = {}) {
    this.#options = options
    this.#proxies = new ProxyTable(options.proxies, options.env)
  }

  /**
   * Sends a request and gives the answer of any status. Codes: `unavailable`, `timeout`, `aborted`, `permission_denied`
   * (by a proxy), `invalid_argument`, `improperly_configured`, `closed`; the reason of `ctx.signal` if a `StorageError`.
   */
  request(request: HttpRequest, ctx: CallContext): Promise<HttpResponse> {
    const { url } = request
    try {
      if (this.#closed) throw transportClosed()
      const cut = pathStart(url)
      const origin = this.#originOf(url, cut)
      const path = url.charCodeAt(cut) === SLASH ? url.slice(cut) : `/${url.slice(cut)}`
      return exchange(origin, path, request, ctx)
    } catch (error) {
      if (request.body instanceof Readable) request.body.on('error', () => undefined).destroy()
      return Promise.reject(error)
    }
  }

  /** Passwords of proxies and their `Proxy-Authorization` values, for redaction. */
  get secrets(): readonly string[] {
    return this.#proxies.secrets
  }

  /** Closes every connection; requests under way and later ones are `closed`. */
  async close(): Promise<void> {
    this.#closed = true
    for (const { pool } of this.#origins.values()) pool.close()
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
    const hostname = unbracketed(url.hostname)
    const port = url.port === '' ? (secure ? 443 : 80) : Number(url.port)
    const proxy = this.#proxies.select(secure ? 'https' : 'http', bracketed(hostname), port)
    const forward = secure ? undefined : proxy
    const {
      maxSockets = Number.POSITIVE_INFINITY,
      connectTimeoutSecs = 30,
      idleTimeoutSecs = 0,
      verify,
    } = this.#options
    const route = {
      hostname: forward?.hostname ?? hostname,
      port: forward?.port ?? port,
      secure: secure || forward?.secure === true,
      tunnel: secure ? proxy : undefined,
      connectTimeoutMs: connectTimeoutSecs * 1000,
      ca: secure || forward?.secure === true ? this.#authorities() : undefined,
      rejectUnauthorized: verify !== false,
    }
    return {
      host: url.host,
      absolute: forward !== undefined,
      proxyAuthorization: forward?.authorization,
      pool: new Pool(route, maxSockets),
      idleMs: idleTimeoutSecs * 1000,
    }
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

import type { SecureContext } from 'node:tls'
import { parseOrigin } from './checked-request.ts'
import { BaseClient, type ClientOptions } from './client.ts'
import { Connections } from './connections.ts'
import type { Call } from './exchange.ts'
import { NodeExchange } from './node-exchange.ts'
import { ProxyTable } from './proxy.ts'
import { unbracketed } from './request.ts'
import { secureContextOf } from './secure-context.ts'

/** Options of `NodeClient`. */
export interface NodeClientOptions extends ClientOptions {
  /** Proxy addresses by scheme (`http`) or endpoint (`http://hostname`), which takes precedence; like botocore's `proxies`. */
  readonly proxies?: Readonly<Record<string, string>> | null | undefined
  /** Environment variables; without `proxies`, its `http_proxy`, `https_proxy` and `no_proxy` are used. Default: none. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined
  /** `false` accepts any certificate; a string is the path of a PEM file with the only trusted authorities. */
  readonly verify?: boolean | string | null | undefined
  /** PEM file of the client certificate, and of its key where that is in a separate file; like botocore's `client_cert`. */
  readonly clientCert?: string | readonly [certificate: string, key: string] | null | undefined
  /** Maximum number of connections per origin; further requests wait. Default: no limit. */
  readonly maxSockets?: number | undefined
  /** Maximum time in seconds for opening a connection, including tunnel and TLS; 0 for no limit. Default: 30. */
  readonly connectTimeoutSecs?: number | undefined
  /**
   * Name or address to which connections go, whatever the URL's host is; `Host` and the server's name in TLS stay those of the URL. Not
   * used with a proxy.
   */
  readonly connectTo?: string | undefined
}

/**
 * The default client, over node:http and node:https, so that tracing and mocking tools see its requests. Idle connections are kept for 4 s,
 * or as long as the server announces. A request is sent again only where a kept connection was closed without an answer and the method is
 * idempotent.
 * @example
 * const client = new NodeClient({ proxies: { https: 'http://proxy.example.com:3128' }, maxSockets: 50 })
 * const storage = new S3Storage({ bucketName: 'media' }, { httpClient: client })
 * await storage.close()
 * await client.close() // A storage does not close a client that it was given.
 */
export class NodeClient extends BaseClient {
  /** Passwords of proxies and their `Proxy-Authorization` values. */
  readonly secrets: readonly string[]
  readonly #options: NodeClientOptions
  readonly #proxies: ProxyTable
  readonly #origins: Map<string, Connections> = new Map()
  #secureContext: SecureContext | undefined

  /** Throws `improperly_configured` for an invalid proxy address; PEM files are read at the first request for an `https` URL. */
  constructor(options: NodeClientOptions = {}) {
    super(options)
    this.#options = options
    this.#proxies = new ProxyTable(options.proxies, options.env)
    this.secrets = this.#proxies.secrets
  }

  protected override start(call: Call): void {
    const { origin } = call.checked
    new NodeExchange(call, this.#origins.get(origin) ?? this.#resolve(origin)).start()
  }

  /** Closes every connection; requests in progress and later ones are `closed`. */
  override close(): Promise<void> {
    for (const agent of this.#origins.values()) agent.close()
    this.#origins.clear()
    return super.close()
  }

  #resolve(origin: string): Connections {
    const url = parseOrigin(origin)
    const secure = url.protocol === 'https:'
    const hostname = unbracketed(url.hostname)
    const port = url.port === '' ? (secure ? 443 : 80) : Number(url.port)
    const proxy = this.#proxies.select(secure ? 'https' : 'http', url.hostname, port)
    const { maxSockets = Number.POSITIVE_INFINITY, connectTimeoutSecs = 30, verify, connectTo } = this.#options
    if (secure || proxy?.secure) this.#secureContext ??= secureContextOf(this.#options)
    const trust = { secureContext: this.#secureContext, rejectUnauthorized: verify !== false }
    const route = { secure, hostname, port, connectTo, proxy, trust, connectTimeoutMs: connectTimeoutSecs * 1000 }
    const agent = new Connections(route, maxSockets)
    this.#origins.set(origin, agent)
    return agent
  }
}

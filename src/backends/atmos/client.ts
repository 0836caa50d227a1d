import type { IncomingHttpHeaders } from 'node:http'
import type { CallContext } from '../../core/call.ts'
import type { HttpClient, HttpRequest, HttpResponse } from '../../http/request.ts'
import type { HttpStatusError } from '../../remote/http-error.ts'
import { hidingSecrets } from '../../remote/secrets.ts'
import { type Lesson, type Prepared, Service, type XmlAnswer } from '../../remote/service.ts'
import { encodeKey } from '../../remote/sign/encode.ts'
import type { AtmosEndpoint } from './endpoint.ts'
import { AtmosError, atmosError, SKEWED } from './errors.ts'
import { type AtmosRequest, expectedOf } from './operations.ts'
import { type AtmosKey, shareableQuery, stringToSign } from './sign.ts'

/** The address of a client's requests and its credentials. */
export interface AtmosClientOptions {
  readonly endpoint: AtmosEndpoint
  readonly key: AtmosKey
  /** The shared secret, which is hidden in texts of the service. */
  readonly secret: string
  /** The top folder that holds all keys; '' = the namespace itself. */
  readonly container: string
  /** Clock in ms. */
  readonly now?: (() => number) | undefined
}

/** The value that requests are prepared with: milliseconds that the service's clock is ahead of this machine's. */
interface Clock {
  readonly skewMs: number
}

/** Minimum difference of clocks, in ms, from which a request is signed with the server's time. */
const LEAST_SKEW_MS = 30_000
const ANY_TYPE = 'application/octet-stream'

/** Requests to one service. The client learns the service's clock. */
export class AtmosClient {
  readonly #options: AtmosClientOptions
  readonly #http: HttpClient
  readonly #now: () => number
  readonly #service: Service<AtmosRequest, Clock>
  /** Whether an answer has proved that the service is Atmos, so that a 404 without a body comes from the service. */
  #isKnown = false

  constructor(options: AtmosClientOptions, http: HttpClient) {
    this.#options = options
    this.#http = http
    this.#now = options.now ?? (() => Date.now())
    this.#service = new Service<AtmosRequest, Clock>(
      {
        expected: expectedOf,
        prepare: (request, clock) => this.#prepare(request, clock),
        refuse: (_request, sent, answer) => this.#refuse(sent, answer),
        explain: (request, error) => this.#question(request, error),
        learn: (error, clock) => this.#learn(error, clock),
      },
      http,
      { skewMs: 0 },
    )
  }

  /** The path of a key in the namespace. */
  pathOf(key: string): string {
    const { container } = this.#options
    return container === '' ? key : `${container}/${key}`
  }

  /** The URL of a path, without a signature. */
  url(path: string): string {
    const { origin, path: prefix } = this.#options.endpoint
    return `${origin}${prefix}${resourceOf(path)}`
  }

  /** The token (uid) that signs. */
  get uid(): string {
    return this.#options.key.uid
  }

  /** The service's time, as far as it is known. */
  time(): Date {
    return new Date(this.#now() + this.#service.known.skewMs)
  }

  /** A URL that reads the object without a key, valid for `expiresInSecs`. */
  shareableUrl(path: string, expiresInSecs: number, disposition?: string): string {
    const expires = Math.floor(this.time().getTime() / 1000) + expiresInSecs
    const query = shareableQuery(this.#options.key, { path: this.#signed(resourceOf(path)), expires, disposition })
    return `${this.url(path)}?${query}`
  }

  /** Sends a request; an error status is thrown as `AtmosError`. The caller must read or drain the body of the answer. */
  async send(request: AtmosRequest, ctx: CallContext): Promise<HttpResponse> {
    const answer = await this.#service.send(request, ctx)
    this.#isKnown = true
    return answer
  }

  /** Sends a request whose answer has no useful body; returns its headers. */
  async done(request: AtmosRequest, ctx: CallContext): Promise<IncomingHttpHeaders> {
    const headers = await this.#service.done(request, ctx)
    this.#isKnown = true
    return headers
  }

  /** Sends a request and returns its XML answer. */
  async xml(request: AtmosRequest, ctx: CallContext): Promise<XmlAnswer> {
    const answer = await this.#service.xml(request, ctx)
    this.#isKnown = true
    return answer
  }

  #signed(resource: string): string {
    const { path, signPath } = this.#options.endpoint
    return signPath ? path + resource : resource
  }

  #prepare({ method, path, query, headers: own, body }: AtmosRequest, { skewMs }: Clock): Prepared {
    const { key, secret, endpoint } = this.#options
    const headers: Record<string, string> = {
      accept: '*/*',
      'content-type': ANY_TYPE,
      ...own,
      'x-emc-date': new Date(this.#now() + skewMs).toUTCString(),
      'x-emc-uid': key.uid,
    }
    const resource = resourceOf(path)
    const signature = key.sign(stringToSign({ method, path: this.#signed(resource), query, headers }))
    headers['x-emc-signature'] = signature
    const url = `${endpoint.origin}${endpoint.path}${resource}${query === undefined ? '' : `?${query}`}`
    const wire: HttpRequest = { method, url, headers, body, repeatable: method !== 'POST' && body === undefined }
    const ofClient = (): readonly string[] => this.#http.secrets ?? []
    return { wire, hide: hidingSecrets({ headers, names: ['x-emc-signature'], others: [secret], ofClient }) }
  }

  async #refuse({ wire, hide }: Prepared, answer: HttpResponse): Promise<AtmosError> {
    const error = await atmosError(wire, answer, hide)
    if (error.serviceCode !== undefined) this.#isKnown = true
    return error
  }

  /** The request that finds out why a HEAD was refused; for a missing object only until the service is known. */
  #question({ method, path }: AtmosRequest, { status }: HttpStatusError): AtmosRequest | undefined {
    if (method !== 'HEAD' || status >= 500 || (status === 404 && this.#isKnown)) return undefined
    return { method: 'GET', path, query: 'metadata/system' }
  }

  /** Learns the service's clock if the time of the request was refused. */
  #learn(error: HttpStatusError, { skewMs: before }: Clock): Lesson<Clock> | undefined {
    if (!(error instanceof AtmosError) || error.serviceCode !== SKEWED || error.serverTime === undefined)
      return undefined
    const skewMs = error.serverTime.getTime() - this.#now()
    return Math.abs(skewMs - before) < LEAST_SKEW_MS ? undefined : { about: 'clock', known: { skewMs } }
  }
}

/** The encoded path of an object or a folder, or of the service itself. */
function resourceOf(path: string | undefined): string {
  return path === undefined ? '/rest/service' : `/rest/namespace/${encodeKey(path)}`
}

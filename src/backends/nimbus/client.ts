import type { IncomingHttpHeaders } from 'node:http'
import type { CallContext } from '../../core/call.ts'
import type { HttpClient, HttpRequest, HttpResponse } from '../../http/request.ts'
import { type Expected, isRead, noAnswer } from '../../remote/answers.ts'
import type { Bytes } from '../../remote/checksums.ts'
import { dateOf } from '../../remote/headers.ts'
import type { HttpStatusError } from '../../remote/http-error.ts'
import { hidingSecrets } from '../../remote/secrets.ts'
import { type Lesson, type Prepared, Service, type ServiceRequest } from '../../remote/service.ts'
import { encodeQuery, type Query } from '../../remote/sign/query.ts'
import { collectionUrl, managementUrl, type NimbusPlace } from './address.ts'
import { nimbusError } from './errors.ts'
import { type NimbusKey, signedHeaders } from './sign.ts'

/** The address of a client's requests and its credentials. */
export interface NimbusClientOptions extends NimbusPlace, NimbusKey {}

/** A request to the service. */
export interface NimbusRequest extends ServiceRequest {
  /** The collection whose host receives the request; absent for the management of an account. */
  readonly collection?: string | undefined
  /** Percent-encoded. */
  readonly path: string
  /** In the order that the service requires: it routes by the beginning of the query. */
  readonly query?: Exclude<Query, string> | undefined
  readonly headers?: Readonly<Record<string, string>> | undefined
  readonly body?: Bytes | undefined
  readonly expected: Expected
  /** Whether a 404 means that a file or a collection is missing. Default: false. */
  readonly seeksFile?: boolean | undefined
}

/** Difference of clocks in seconds from which the service's clock is used; the service allows 600. */
const MAX_SKEW_SECS = 300
/** Without HTML in this header, errors are plain text. */
const ACCEPT = 'application/json, text/plain, application/octet-stream'

/** Signed requests to one account. If the clocks differ, the service's clock is used. */
export class NimbusClient {
  readonly #options: NimbusClientOptions
  readonly #http: HttpClient
  /** `K` is the number of milliseconds that the service's clock is ahead. */
  readonly #service: Service<NimbusRequest, number>

  constructor(options: NimbusClientOptions, http: HttpClient) {
    this.#options = options
    this.#http = http
    this.#service = new Service<NimbusRequest, number>(
      {
        expected: ({ expected }) => expected,
        prepare: (request, skewMs) => this.#prepared(request, skewMs),
        refuse: ({ collection, seeksFile = false }, { wire, hide }, answer) =>
          nimbusError(wire, answer, { collection, seeksFile, hide }),
        learn: clockOf,
      },
      http,
      0,
    )
  }

  get user(): string {
    return this.#options.user
  }

  /** Sends a request. The caller must read or drain the body of the answer. */
  send(request: NimbusRequest, ctx: CallContext): Promise<HttpResponse> {
    return this.#service.send(request, ctx)
  }

  /** Sends a request whose answer has no useful body; returns its headers. */
  done(request: NimbusRequest, ctx: CallContext): Promise<IncomingHttpHeaders> {
    return this.#service.done(request, ctx)
  }

  /** Sends a request and returns its JSON answer, an object or a list. */
  async json<T extends object>(request: NimbusRequest, ctx: CallContext): Promise<T> {
    return (await this.#service.json<T>(request, ctx)).value
  }

  /** Sends a request whose successful answer is `{"success": true}`; any other answer is an error. */
  async succeed(request: Omit<NimbusRequest, 'expected'>, ctx: CallContext): Promise<void> {
    const expected = { statuses: [200], fields: ['success'] }
    const { success } = await this.json<{ success: unknown }>({ ...request, expected }, ctx)
    if (success === true) return
    const { method, reads } = request
    throw noAnswer({ method, reads, url: this.#urlOf(request) }, { status: 200 }, 'the answer does not report success.')
  }

  #prepared(request: NimbusRequest, skewMs: number): Prepared {
    const { method, headers: own, body } = request
    const timestamp = Math.floor((Date.now() + skewMs) / 1000)
    const headers: Record<string, string> = {
      accept: ACCEPT,
      ...own,
      ...signedHeaders(this.#options, { method, uri: uriOf(request), timestamp }),
    }
    // Writes always have a length, even 0: the service refuses a request without one.
    const wire: HttpRequest = {
      method,
      url: this.#urlOf(request),
      headers,
      body: body ?? (isRead(request) || method === 'DELETE' ? undefined : NOTHING),
      repeatable: isRead(request) || method === 'DELETE',
    }
    const ofClient = (): readonly string[] => this.#http.secrets ?? []
    return { wire, hide: hidingSecrets({ headers, names: [], others: [this.#options.key], ofClient }) }
  }

  #urlOf(request: Pick<NimbusRequest, 'collection' | 'path' | 'query'>): string {
    const { collection } = request
    const base = collection === undefined ? managementUrl(this.#options) : collectionUrl(this.#options, collection)
    return base + uriOf(request)
  }
}

const NOTHING = Buffer.alloc(0)

function uriOf({ path, query = [] }: Pick<NimbusRequest, 'path' | 'query'>): string {
  return query.length === 0 ? path : `${path}?${encodeQuery(query)}`
}

/** The service's clock, if a refusal shows that it differs. */
function clockOf({ status, headers }: HttpStatusError, skewMs: number): Lesson<number> | undefined {
  const serverTime = status === 401 ? dateOf(headers.date) : undefined
  if (serverTime === undefined) return undefined
  const known = serverTime.getTime() - Date.now()
  return Math.abs(known - skewMs) > MAX_SKEW_SECS * 1000 ? { about: 'clock', known } : undefined
}

import type { IncomingHttpHeaders } from 'node:http'
import type { Readable } from 'node:stream'
import { drain } from '../../core/body.ts'
import type { CallContext } from '../../core/call.ts'
import { StorageError } from '../../core/errors.ts'
import type { HttpClient, HttpRequest, HttpResponse } from '../../http/request.ts'
import { jsonOf, noAnswer } from '../../remote/answers.ts'
import { Container } from '../../remote/container.ts'
import { readDocument } from '../../remote/document.ts'
import type { HttpStatusError } from '../../remote/http-error.ts'
import type { Session } from '../../remote/openstack/session.ts'
import { hidingSecrets } from '../../remote/secrets.ts'
import { type Answered, type Lesson, type Prepared, Service } from '../../remote/service.ts'
import { encodeQuery } from '../../remote/sign/query.ts'
import { CREATED, type Headers, LISTING, pathOf, type SwiftRequest, seeksFile } from './api.ts'
import { swiftError, swiftErrorOf } from './errors.ts'

/** The source of sessions for requests. It discards a session whose token was refused. */
export interface Sessions {
  /** The session, without a promise if it is already loaded. */
  session(ctx: Pick<CallContext, 'signal' | 'step'>): Session | Promise<Session>
  /** Forgets a session; returns whether another one can be requested. */
  drop(session: unknown): boolean
  /** Texts that no message may contain, besides the token of a request. */
  readonly secrets: ReadonlyArray<string | undefined>
}

/** The options of a client. */
export interface SwiftClientOptions {
  readonly identity: Sessions
  /** Containers that are created if a request finds them missing, with the headers of their creation. */
  readonly creates: ReadonlyMap<string, Headers>
}

/** Requests to one account. The client renews a token that was refused, and creates missing containers if the options allow it. */
export class SwiftClient {
  readonly #identity: Sessions
  readonly #http: HttpClient
  readonly #service: Service<SwiftRequest, undefined>
  readonly #containers: ReadonlyMap<string, Container>

  constructor({ identity, creates }: SwiftClientOptions, http: HttpClient) {
    this.#identity = identity
    this.#http = http
    this.#containers = new Map(
      Array.from(creates, ([name, headers]) => [name, new Container(ctx => this.createContainer(name, headers, ctx))]),
    )
    this.#service = new Service(
      {
        expected: ({ expected }) => expected,
        prepare: (request, _known, ctx) => this.#prepare(request, ctx),
        refuse: (request, { wire, hide }, answer) => swiftError(wire, answer, { hide, seeksFile: seeksFile(request) }),
        learn: (error, _known, request, sent, ctx) => this.#learn(error, request, sent, ctx),
      },
      http,
      undefined,
    )
  }

  /** The session of the account; the wait ends with the call. */
  session(ctx: Pick<CallContext, 'signal' | 'step'>): Session | Promise<Session> {
    return this.#identity.session(ctx)
  }

  /** Sends a request; an error status is thrown as `SwiftError`. The caller must read or drain the body of the answer. */
  send(request: SwiftRequest, ctx: CallContext): Promise<HttpResponse> {
    return this.#service.send(request, ctx)
  }

  /**
   * Sends a request whose answer has no useful body; returns its headers, which identify the answer as Swift's. Its body may be an HTML
   * page: Swift sends one with a 202.
   */
  async done(request: SwiftRequest, ctx: CallContext): Promise<IncomingHttpHeaders> {
    const answer = await this.send(request, ctx)
    await drain(answer)
    return answer.headers
  }

  /** Sends a request and returns its JSON answer. */
  json<T extends object>(request: SwiftRequest, ctx: CallContext): Promise<Answered & { readonly value: T }> {
    return this.#service.json<T>(request, ctx)
  }

  /** Sends a GET and returns its listing: a JSON array, or an empty body. */
  async rows(request: Pick<SwiftRequest, 'place' | 'query' | 'seeks'>, ctx: CallContext): Promise<readonly unknown[]> {
    const answer = await this.send({ ...request, method: 'GET', expected: LISTING }, ctx)
    const text = await readDocument(answer)
    if (answer.status === 204) return []
    const rows = jsonOf(text)
    if (Array.isArray(rows)) return rows
    const session = await this.session(ctx)
    const about = { method: 'GET', url: session.storageUrl + pathOf(request.place) }
    throw noAnswer(about, answer, 'expected a JSON array, got something else.')
  }

  /** Creates a container; an existing one also gets the headers. */
  async createContainer(name: string, headers: Headers, ctx: CallContext): Promise<void> {
    await this.done({ method: 'PUT', place: { container: name }, headers, expected: CREATED, body: EMPTY }, ctx)
  }

  /** Discards the session: its token was refused, although the answer itself does not show that. */
  async renew(ctx: CallContext): Promise<void> {
    this.#identity.drop(await this.session(ctx))
  }

  #prepare(request: SwiftRequest, ctx: CallContext): Prepared | Promise<Prepared> {
    const session = this.session(ctx)
    return session instanceof Promise ? session.then(found => this.#wire(request, found)) : this.#wire(request, session)
  }

  #wire({ method, place, query, headers, body }: SwiftRequest, session: Session): Prepared {
    const { token, storageUrl } = session
    const isOpen = 'info' in place
    const base = isOpen ? infoUrl(storageUrl) : storageUrl + pathOf(place)
    const search = query === undefined || query.length === 0 ? '' : `?${encodeQuery(query)}`
    const own: Record<string, string> = isOpen ? { ...headers } : { ...headers, 'x-auth-token': token }
    const wire: HttpRequest = { method, url: base + search, headers: own, body }
    const others = [token, ...this.#identity.secrets]
    const ofClient = (): readonly string[] => this.#http.secrets ?? []
    return {
      wire,
      credential: isOpen ? undefined : session,
      hide: hidingSecrets({ headers: own, names: ['x-auth-token', ...TEMP_URL_KEYS], others, ofClient }),
    }
  }

  /** Learns that a token has expired, or that the container now exists. */
  async #learn(
    error: HttpStatusError,
    { place, method }: SwiftRequest,
    { credential }: Prepared,
    ctx: CallContext,
  ): Promise<Lesson<undefined> | undefined> {
    if (error.status === 401 && credential !== undefined) {
      return this.#identity.drop(credential) ? { about: 'token', known: undefined } : undefined
    }
    if (error.status !== 404 || !('container' in place) || (place.key !== undefined && method !== 'PUT'))
      return undefined
    const container = this.#containers.get(place.container)
    if (container === undefined || (place.key === undefined && method !== 'GET')) return undefined
    await container.ready(ctx)
    return { about: 'container', known: undefined }
  }

  /**
   * Sends a request whose body is a stream, which can be sent only once. A refused token is renewed for later requests, and the error
   * explains why this request was not sent again.
   */
  async stream(request: SwiftRequest & { readonly body: Readable }, ctx: CallContext): Promise<IncomingHttpHeaders> {
    const session = await this.session(ctx)
    try {
      return await this.done(request, ctx)
    } catch (error) {
      request.body.destroy()
      if (swiftErrorOf(error)?.status !== 401 || !this.#identity.drop(session)) throw error
      const text =
        'The token had ended, and a new one is used from now on; the content is a stream, which cannot be sent a second time.'
      throw new StorageError('unavailable', text, { cause: error, outcome: 'not_applied', status: 401 })
    }
  }
}

/** Headers that carry keys of temporary URLs. */
const TEMP_URL_KEYS = ['account', 'container'].flatMap(of =>
  ['key', 'key-2'].map(name => `x-${of}-meta-temp-url-${name}`),
)

export const EMPTY: Buffer = Buffer.alloc(0)

/** The address of the cluster's information, at the same host as a storage URL. */
export function infoUrl(storageUrl: string): string {
  const [, base = storageUrl] = /^(.*?)\/v\d[\d.]*(?:\/[^/]*)?$/.exec(storageUrl) ?? []
  return `${base}/info`
}

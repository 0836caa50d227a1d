import type { IncomingHttpHeaders } from 'node:http'
import { abortable } from '../../core/abort.ts'
import type { CallContext } from '../../core/call.ts'
import { ImproperlyConfigured } from '../../core/errors.ts'
import { bodySize, type HttpClient, type HttpRequest, type HttpResponse } from '../../http/request.ts'
import { sharedContext } from '../../remote/aftermath.ts'
import type { HttpStatusError } from '../../remote/http-error.ts'
import { type BatchedRequest, batchBody } from '../../remote/multipart.ts'
import { hidingSecrets } from '../../remote/secrets.ts'
import { type Lesson, type Prepared, Service, type ServiceProtocol, type XmlAnswer } from '../../remote/service.ts'
import { encodeComponent, encodeKey } from '../../remote/sign/encode.ts'
import { encodeQuery } from '../../remote/sign/query.ts'
import type { AzureAccount } from './credentials/account.ts'
import { type DelegationKey, DelegationKeys, keyInfo, parseDelegationKey } from './credentials/delegation-key.ts'
import type { AccessToken } from './credentials/token.ts'
import { AzureError, azureError, isUnauthenticated } from './errors.ts'
import { type AzureRequest, expectedOf, seeksFile } from './operations.ts'
import { type BlobSasOptions, delegationSas, SAS_VERSION, serviceSas } from './sas.ts'
import { signSharedKey } from './sign.ts'

/** Headers whose values are secrets, besides the signature. */
const SECRET_HEADERS = ['x-ms-copy-source', 'x-ms-copy-source-authorization']
/** Minimum difference of clocks, in ms, from which a request is signed with the server's time. */
const LEAST_SKEW_MS = 30_000

/** The options of a client besides the account. */
export interface AzureClientOptions {
  readonly account: AzureAccount
  readonly apiVersion: string
  /** Clock in ms. */
  readonly now?: (() => number) | undefined
}

/** The value that requests are prepared with: milliseconds that the service's clock is ahead of this machine's. */
interface Clock {
  readonly skewMs: number
}

/** Requests to one container. The client learns the service's clock and renews expired tokens. */
export class AzureClient {
  readonly account: AzureAccount
  readonly apiVersion: string
  readonly #now: () => number
  readonly #http: HttpClient
  readonly #service: Service<AzureRequest, Clock>
  readonly #delegationKeys: DelegationKeys

  constructor({ account, apiVersion, now = () => Date.now() }: AzureClientOptions, http: HttpClient) {
    this.account = account
    this.apiVersion = apiVersion
    this.#now = now
    this.#http = http
    this.#service = new Service(this.#protocol(), http, { skewMs: 0 })
    this.#delegationKeys = new DelegationKeys({
      load: (from, until) => this.#loadKey(from, until),
      now: () => this.time().getTime(),
    })
  }

  /** The URL of a key, without a signature. */
  url(key: string): string {
    return `${this.account.origin}${this.#path({ method: 'GET', key })}`
  }

  /** Sends a request; an error status is thrown as `AzureError`. The caller must read or drain the body of the answer. */
  send(request: AzureRequest, ctx: CallContext): Promise<HttpResponse> {
    return this.#service.send(request, ctx)
  }

  /** Sends a request whose answer has no useful body; returns its headers. */
  done(request: AzureRequest, ctx: CallContext): Promise<IncomingHttpHeaders> {
    return this.#service.done(request, ctx)
  }

  /** Sends a request and returns its XML answer. */
  xml(request: AzureRequest, ctx: CallContext): Promise<XmlAnswer> {
    return this.#service.xml(request, ctx)
  }

  /** The bearer token of the requests; undefined if they have none. */
  async bearer(ctx: CallContext): Promise<string | undefined> {
    return (await this.#token(ctx))?.token
  }

  /** The service's time, as far as it is known. */
  time(): Date {
    return new Date(this.#now() + this.#service.known.skewMs)
  }

  /** The query of a SAS for a blob of the container. Code `improperly_configured` without a key or identity to sign it. */
  async sas(
    options: Omit<BlobSasOptions, 'container'> & { readonly expiresAt: Date },
    ctx: CallContext,
  ): Promise<string> {
    const { credential, name, container } = this.account
    // An older service, such as Azure Stack Hub, supports no newer version in a SAS than in requests.
    const version = this.apiVersion < SAS_VERSION ? this.apiVersion : SAS_VERSION
    const own = { ...options, container, version }
    if (credential.kind === 'key') return serviceSas(credential.key, own)
    if (credential.kind === 'token' && name !== undefined) {
      const key = await this.#delegationKeys.get(options.expiresAt, ctx.signal)
      return delegationSas(name, key, own)
    }
    throw new ImproperlyConfigured(
      'A URL that ends must be signed: set AZURE_ACCOUNT_KEY or AZURE_TOKEN_CREDENTIAL, with AZURE_ACCOUNT_NAME.',
    )
  }

  async #loadKey(startsAt: Date, expiresAt: Date): Promise<DelegationKey> {
    const query = [['restype', 'service'] as const, ['comp', 'userdelegationkey'] as const]
    const body = Buffer.from(keyInfo(startsAt, expiresAt))
    const headers = { 'content-type': 'application/xml' }
    const ctx = sharedContext()
    const { root } = await ctx.step('delegationKey', true, step =>
      this.#service.xml({ method: 'POST', ofService: true, query, headers, body }, step),
    )
    return parseDelegationKey(root)
  }

  #path({ key, container: name = this.account.container, ofService = false }: AzureRequest): string {
    const { path } = this.account
    if (ofService) return `${path}/`
    const container = `${path}/${encodeComponent(name)}`
    return key === undefined ? container : `${container}/${encodeKey(key)}`
  }

  /** The token, without a promise if it is already loaded; the wait ends with the call. */
  #token({ signal }: CallContext): AccessToken | undefined | Promise<AccessToken> {
    const { credential } = this.account
    if (credential.kind !== 'token') return undefined
    const found = credential.tokens.get()
    return found instanceof Promise ? abortable(found, signal) : found
  }

  #prepare(request: AzureRequest, clock: Clock, ctx: CallContext): Prepared | Promise<Prepared> {
    const token = this.#token(ctx)
    return token instanceof Promise
      ? token.then(found => this.#sign(request, clock, found))
      : this.#sign(request, clock, token)
  }

  #sign(request: AzureRequest, clock: Clock, token: AccessToken | undefined, isPart = false): Prepared {
    const { credential, origin, secrets } = this.account
    const { method, query = [], batch } = request
    const path = this.#path(request)
    const headers: Record<string, string> = { ...request.headers }
    // The version of a batch applies to its parts.
    if (!isPart) headers['x-ms-version'] = this.apiVersion
    const parts = batch?.(part => this.#sign(part, clock, token, true))
    const made = parts && batchBody(parts.map(({ wire }) => partOf(wire, origin)))
    if (made !== undefined) headers['content-type'] = made.contentType
    const body = made?.body ?? request.body
    const size = lengthOf(body, headers)
    if (size !== undefined) headers['content-length'] = size
    if (credential.kind === 'key') {
      Object.assign(
        headers,
        signSharedKey({ method, path, query, headers }, credential.key, new Date(this.#now() + clock.skewMs)),
      )
    } else if (token !== undefined) headers['authorization'] = `Bearer ${token.token}`
    const search = [encodeQuery(query), credential.kind === 'sas' ? credential.sas : ''].filter(Boolean).join('&')
    const wire: HttpRequest = { method, url: `${origin}${path}${search && `?${search}`}`, headers, body }
    const others = token === undefined ? secrets : [...secrets, token.token]
    const ofClient = (): readonly string[] => this.#http.secrets ?? []
    return { wire, credential: token, hide: hidingSecrets({ headers, names: SECRET_HEADERS, others, ofClient }) }
  }

  #protocol(): ServiceProtocol<AzureRequest, Clock> {
    return {
      conflicts: [409, 412],
      expected: expectedOf,
      prepare: (request, clock, ctx) => this.#prepare(request, clock, ctx),
      refuse: (request, { wire, hide }, answer) => azureError(wire, answer, { hide, seeksFile: seeksFile(request) }),
      learn: (error, clock, _request, sent) => this.#learn(error, clock, sent),
    }
  }

  /** Learns the service's clock if the request's time was refused, or that a token has expired. */
  #learn(error: HttpStatusError, clock: Clock, { credential: token }: Prepared): Lesson<Clock> | undefined {
    if (!(error instanceof AzureError) || !isUnauthenticated(error)) return undefined
    const { credential } = this.account
    if (credential.kind === 'token') {
      credential.tokens.drop(token)
      return { about: 'token', known: clock }
    }
    if (credential.kind !== 'key' || error.serverTime === undefined) return undefined
    const skewMs = error.serverTime.getTime() - this.#now()
    return Math.abs(skewMs - clock.skewMs) < LEAST_SKEW_MS ? undefined : { about: 'clock', known: { skewMs } }
  }
}

/** A request in the format of a batch. */
function partOf({ method, url, headers }: HttpRequest, origin: string): BatchedRequest {
  return { method, target: url.slice(origin.length), headers: { ...headers, 'content-length': '0' } }
}

/** The length that is signed; for a stream it is in its headers. */
function lengthOf(body: AzureRequest['body'], headers: Readonly<Record<string, string>>): string | undefined {
  if (body === undefined || headers['content-length'] !== undefined) return undefined
  return body instanceof Uint8Array || Array.isArray(body) ? String(bodySize(body)) : undefined
}

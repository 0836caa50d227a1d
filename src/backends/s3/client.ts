import { Readable } from 'node:stream'
import { abortable } from '../../core/abort.ts'
import { drain } from '../../core/body.ts'
import type { CallContext } from '../../core/call.ts'
import { StorageError, withOutcome, wrapError } from '../../core/errors.ts'
import type { Hide } from '../../http/redact.ts'
import { bodySize, type HttpRequest, type HttpResponse } from '../../http/request.ts'
import type { Transport } from '../../http/transport.ts'
import { readXml, type XmlNode } from '../../http/xml.ts'
import { hashOf } from '../../remote/checksums.ts'
import { encodeKey } from '../../remote/sign/encode.ts'
import { type CredentialSource, encodeQuery, type Query, type SigningCredentials } from '../../remote/sign/query.ts'
import { presignV2, signV2 } from '../../remote/sign/v2.ts'
import { EMPTY_PAYLOAD_HASH, presignV4, signV4, UNSIGNED_PAYLOAD } from '../../remote/sign/v4.ts'
import type { AddressOptions, BucketAddress } from './addressing.ts'
import { hidingSecretsOf } from './credentials/secrets.ts'
import { classifyS3, errorInside, S3Error, s3Error } from './errors.ts'
import { Place } from './place.ts'

/** Where a client sends its requests and how it signs them. */
export interface S3ClientOptions extends AddressOptions {
  readonly credentials: CredentialSource
  readonly signatureVersion: 's3v4' | 's3' | 'unsigned'
  /** Whether signatures of version 4 cover the bytes of bodies; default `auto`. */
  readonly payloadSigning?: 'auto' | 'always' | 'never' | undefined
  /** Requests' clock. */
  readonly now?: (() => Date) | undefined
}

/** One request of the S3 protocol. */
export interface S3Request {
  readonly method: 'GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE'
  /** Absent: the bucket itself. */
  readonly key?: string | undefined
  readonly query?: Query | undefined
  /** Lower-case names; the client adds what signing needs. */
  readonly headers?: Record<string, string> | undefined
  /** A stream can be sent once and needs `content-length` in the headers. */
  readonly body?: HttpRequest['body']
  /** Whether another region is an error instead of being followed. */
  readonly stay?: boolean | undefined
}

/** What a signed URL is for. */
export interface PresignRequest {
  readonly method: string
  readonly key: string
  readonly query: Query
  readonly headers: Readonly<Record<string, string>>
  /** Seconds. */
  readonly expiresInSecs: number
}

/** A request as it was sent, and its answer. */
interface Sent {
  readonly wire: HttpRequest
  readonly credentials: SigningCredentials | null
  readonly response: HttpResponse
}

/** A document that answered a request, and what hides the request's secrets in its texts. */
export interface S3Document {
  readonly root: XmlNode
  readonly response: HttpResponse
  readonly hide: Hide
}

const MAX_HASHED = 1_048_576

/** Builds, signs and sends requests for one bucket; learns the bucket's region when it was told a wrong one. */
export class S3Client {
  readonly #options: S3ClientOptions
  readonly #transport: Transport
  #place: Place
  #hasBucket = false

  constructor(options: S3ClientOptions, transport: Transport) {
    this.#options = options
    this.#transport = transport
    this.#place = new Place(options)
  }

  get bucketName(): string {
    return this.#options.bucketName
  }

  /** Whether a request has succeeded, so that there is a bucket. */
  get hasBucket(): boolean {
    return this.#hasBucket
  }

  /** The region signed for. */
  get region(): string {
    return this.#place.region
  }

  get address(): BucketAddress {
    return this.#place.address
  }

  /** The URL of a key, unsigned. */
  url(key: string): string {
    const { origin, pathPrefix } = this.address
    return `${origin}${pathPrefix}/${encodeKey(key)}`
  }

  /** Sends a request; an error status is thrown as `S3Error`. The body of the answer has to be read or drained. */
  async send(request: S3Request, ctx: CallContext): Promise<HttpResponse> {
    return (await this.#send(request, ctx)).response
  }

  /** Sends a request whose answer has no body worth reading. */
  async call(request: S3Request, ctx: CallContext): Promise<HttpResponse> {
    const { response } = await this.#send(request, ctx)
    await drain(response)
    return response
  }

  /** Sends a request that is answered by a document; an error inside one with status 200 is thrown as well. */
  async document(request: S3Request, ctx: CallContext): Promise<S3Document> {
    const sent = await this.#send(request, ctx)
    const { wire, response } = sent
    const hide = this.#hiding(sent)
    const root = await readXml(response).catch(error => {
      throw request.method === 'GET' ? error : withOutcome(error, 'unknown')
    })
    const error = errorInside(wire, response.headers, root, hide)
    if (error !== undefined) throw error
    return { root, response, hide }
  }

  /** As `call`, with a `StorageError` for a failure. */
  sendOnly(request: S3Request, ctx: CallContext): Promise<HttpResponse> {
    return this.call(request, ctx).catch(error => {
      throw wrapError(error, { operation: request.method, backend: 's3' }, classifyS3)
    })
  }

  /** As `document`, with a `StorageError` for a failure. */
  sendForDocument(request: S3Request, ctx: CallContext): Promise<S3Document> {
    return this.document(request, ctx).catch(error => {
      throw wrapError(error, { operation: request.method, backend: 's3' }, classifyS3)
    })
  }

  /** A URL that carries its own signature. */
  async presign(request: PresignRequest, ctx: CallContext): Promise<string> {
    const { origin, host, pathPrefix, resourcePrefix } = this.address
    const { method, query, expiresInSecs } = request
    const encoded = encodeKey(request.key)
    const path = `${pathPrefix}/${encoded}`
    const found = this.#signers(ctx)
    const credentials = found instanceof Promise ? await found : found
    if (credentials === null) return `${origin}${path}${queryPart(query)}`
    const headers = { ...request.headers, host }
    const signable = { method, path, query, headers }
    const now = this.#now()
    const signed =
      this.#options.signatureVersion === 's3'
        ? presignV2(signable, credentials, { now, expiresInSecs, resource: `${resourcePrefix}/${encoded}` })
        : presignV4(signable, credentials, {
            now,
            expiresInSecs,
            region: this.region,
            signableHeaders: ['content-type'],
          })
    return `${origin}${path}?${signed}`
  }

  /** The keys to sign with now; null for an anonymous client. */
  async credentials(): Promise<SigningCredentials | null> {
    return this.#options.credentials.get()
  }

  /** Where the error names another region, the request goes there once; the region is kept if the service takes the request there. */
  async #send(request: S3Request, ctx: CallContext): Promise<Sent> {
    const place = this.#place
    try {
      return await this.#sendOnce(request, place, ctx)
    } catch (error) {
      const isFinal = request.stay === true || request.body instanceof Readable
      const other = isFinal ? undefined : place.namedBy(error)
      if (other === undefined) throw error
      return this.#sendElsewhere(request, other, ctx)
    }
  }

  async #sendElsewhere(request: S3Request, place: Place, ctx: CallContext): Promise<Sent> {
    try {
      const sent = await this.#sendOnce(request, place, ctx)
      this.#place = place
      return sent
    } catch (error) {
      if (error instanceof S3Error && TAKEN.has(error.status)) this.#place = place
      throw error
    }
  }

  async #sendOnce(request: S3Request, place: Place, ctx: CallContext): Promise<Sent> {
    const found = this.#signers(ctx)
    const credentials = found instanceof Promise ? await found : found
    const wire = this.#wireRequest(request, place, credentials)
    const response = await this.#transport.request(wire, ctx)
    const sent = { wire, credentials, response }
    if (response.status >= 300) throw await this.#failure(request, sent)
    this.#hasBucket = true
    return sent
  }

  /** The keys, waited for as long as the call lives. */
  #signers({ signal }: CallContext): ReturnType<CredentialSource['get']> {
    const found = this.#options.credentials.get()
    return found instanceof Promise ? abortable(found, signal) : found
  }

  #wireRequest(request: S3Request, place: Place, credentials: SigningCredentials | null): HttpRequest {
    const { method, query, body } = request
    const { origin, host, pathPrefix, resourcePrefix } = place.address
    const encoded = request.key === undefined ? '' : `/${encodeKey(request.key)}`
    const path = pathPrefix + encoded || '/'
    const headers: Record<string, string> = { ...request.headers, host }
    if (credentials !== null) {
      this.#sign({ method, path, query, headers }, credentials, body, place, resourcePrefix + encoded)
    }
    if (body !== undefined && !(body instanceof Readable)) headers['content-length'] ??= String(bodySize(body))
    return { method, url: `${origin}${path}${queryPart(query)}`, headers, body }
  }

  async #failure({ key }: S3Request, sent: Sent): Promise<S3Error | StorageError> {
    const { wire, response } = sent
    const { method, headers } = wire
    if (response.resent && response.status === 412 && isConditionalWrite(method, headers)) {
      void drain(response)
      const text = `${method} '${key}': the answer was lost, and the key is taken or changed now, perhaps by this very request.`
      return new StorageError('unavailable', text, { outcome: 'unknown', retryable: false, status: 412 })
    }
    const error = await s3Error(wire, response, this.#hiding(sent))
    if (error.serviceCode !== 'ConditionalRequestConflict') return error
    const { status, requestId, outcome = 'not_applied' } = error
    return new StorageError('unavailable', error.message, { status, requestId, outcome, cause: error })
  }

  #sign(
    request: { method: string; path: string; query: Query | undefined; headers: Record<string, string> },
    credentials: SigningCredentials,
    body: S3Request['body'],
    place: Place,
    resource: string,
  ): void {
    const now = this.#now()
    if (this.#options.signatureVersion === 's3') {
      Object.assign(request.headers, signV2(request, credentials, { now, resource }))
      return
    }
    const payloadHash = this.#payloadHash(body, place)
    Object.assign(request.headers, signV4(request, credentials, { now, region: place.region, payloadHash }))
  }

  /** Large bodies over TLS are left to TLS and their checksum; all others are covered by the signature. */
  #payloadHash(body: S3Request['body'], place: Place): string {
    if (body === undefined) return EMPTY_PAYLOAD_HASH
    if (body instanceof Readable) return UNSIGNED_PAYLOAD
    const { payloadSigning = 'auto' } = this.#options
    const leftToTls = bodySize(body) > MAX_HASHED && place.address.origin.startsWith('https:')
    if (payloadSigning === 'never' || (payloadSigning === 'auto' && leftToTls)) return UNSIGNED_PAYLOAD
    return hashOf('sha256', body, 'hex')
  }

  #hiding({ wire, credentials }: Sent): Hide {
    return hidingSecretsOf(wire.headers, credentials, () => this.#transport.secrets)
  }

  #now(): Date {
    return this.#options.now?.() ?? new Date()
  }
}

/** Statuses besides success by which a service shows that it took the signature, and so the region. */
const TAKEN: ReadonlySet<number> = new Set([304, 404, 409, 412, 416])

function queryPart(query: Query | undefined): string {
  if (query === undefined || query.length === 0) return ''
  return `?${encodeQuery(query)}`
}

function isConditionalWrite(method: string, headers: Readonly<Record<string, string>>): boolean {
  if (method === 'GET' || method === 'HEAD') return false
  return headers['if-none-match'] !== undefined || headers['if-match'] !== undefined
}

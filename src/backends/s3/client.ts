import { Readable } from 'node:stream'
import { drain, readText } from '../../core/body.ts'
import type { CallContext } from '../../core/driver.ts'
import { StorageError, wrapError } from '../../core/errors.ts'
import { bodySize, type HttpRequest, type HttpResponse } from '../../http/request.ts'
import type { Transport } from '../../http/transport.ts'
import { parseXml, type XmlNode } from '../../http/xml.ts'
import { type AddressOptions, type BucketAddress, bucketAddress, signingRegion } from './addressing.ts'
import { type CredentialSource, encodeQuery, type Query, type SigningCredentials } from './canonical.ts'
import { hashOf } from './checksums.ts'
import { encodeKey } from './encode.ts'
import { classifyS3, errorInside, S3Error, s3Error } from './errors.ts'
import { OpenUploads } from './open-uploads.ts'
import { presignV2, signV2 } from './sign-v2.ts'
import { EMPTY_PAYLOAD_HASH, presignV4, signV4, UNSIGNED_PAYLOAD } from './sign-v4.ts'

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

const MAX_HASHED = 1_048_576

/** Builds, signs and sends requests for one bucket; learns the bucket's region when it was told a wrong one. */
export class S3Client {
  /** The uploads in parts that are under way. */
  readonly uploads: OpenUploads = new OpenUploads()
  readonly #options: S3ClientOptions
  readonly #transport: Transport
  #region: string
  #address: BucketAddress | undefined
  #hasBucket = false

  constructor(options: S3ClientOptions, transport: Transport) {
    this.#options = options
    this.#transport = transport
    this.#region = signingRegion(options.regionName)
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
    return this.#region
  }

  get address(): BucketAddress {
    this.#address ??= bucketAddress(this.#options)
    return this.#address
  }

  /** The URL of a key, unsigned. */
  url(key: string): string {
    const { origin, pathPrefix } = this.address
    return `${origin}${pathPrefix}/${encodeKey(key)}`
  }

  /** Sends a request; an error status is thrown as `S3Error`. The body of the answer has to be read or drained. */
  send(request: S3Request, ctx: CallContext): Promise<HttpResponse> {
    return this.#sendOnce(request, ctx).catch(error => {
      if (request.stay === true || !this.#learn(error) || request.body instanceof Readable) throw error
      return this.#sendOnce(request, ctx)
    })
  }

  /** Sends a request whose answer has no body worth reading. */
  async call(request: S3Request, ctx: CallContext): Promise<HttpResponse> {
    const response = await this.send(request, ctx)
    await drain(response)
    return response
  }

  /** Sends a request that is answered by a document; an error inside one with status 200 is thrown as well. */
  async document(request: S3Request, ctx: CallContext): Promise<{ root: XmlNode; response: HttpResponse }> {
    const response = await this.send(request, ctx)
    const root = await this.#refuseError(request, response, await readText(response))
    return { root, response }
  }

  async #refuseError(request: S3Request, response: HttpResponse, text: string): Promise<XmlNode> {
    const root = await parseXml(text)
    const error = errorInside({ method: request.method, url: this.#plainUrl(request) }, response.headers, root)
    if (error !== undefined) throw error
    return root
  }

  /** As `call`, with a `StorageError` for a failure. */
  async sendOnly(request: S3Request, ctx: CallContext): Promise<HttpResponse> {
    try {
      return await this.call(request, ctx)
    } catch (error) {
      throw wrapError(error, { operation: request.method, backend: 's3' }, classifyS3)
    }
  }

  /** As `document`, with the text of the answer and a `StorageError` for a failure. */
  async sendForText(request: S3Request, ctx: CallContext): Promise<{ text: string; response: HttpResponse }> {
    try {
      const response = await this.send(request, ctx)
      const text = await readText(response)
      if (text.includes('<Error')) await this.#refuseError(request, response, text)
      return { text, response }
    } catch (error) {
      throw wrapError(error, { operation: request.method, backend: 's3' }, classifyS3)
    }
  }

  /** A URL that carries its own signature. */
  async presign(request: PresignRequest): Promise<string> {
    const { origin, host, pathPrefix, resourcePrefix } = this.address
    const { method, query, expiresInSecs } = request
    const encoded = encodeKey(request.key)
    const path = `${pathPrefix}/${encoded}`
    const credentials = await this.#options.credentials.get()
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
            region: this.#region,
            signableHeaders: ['content-type'],
          })
    return `${origin}${path}?${signed}`
  }

  /** The keys to sign with now; null for an anonymous client. */
  async credentials(): Promise<SigningCredentials | null> {
    return this.#options.credentials.get()
  }

  async #sendOnce(request: S3Request, ctx: CallContext): Promise<HttpResponse> {
    const credentials = this.#options.credentials.get()
    const wire = this.#wireRequest(request, credentials instanceof Promise ? await credentials : credentials)
    const response = await this.#transport.request(wire, ctx)
    if (response.status >= 300) throw await this.#failure(request, wire, response)
    this.#hasBucket = true
    return response
  }

  #wireRequest(request: S3Request, credentials: SigningCredentials | null): HttpRequest {
    const { method, query, body } = request
    const { origin, host, pathPrefix, resourcePrefix } = this.address
    const encoded = request.key === undefined ? '' : `/${encodeKey(request.key)}`
    const path = pathPrefix + encoded || '/'
    const headers: Record<string, string> = { ...request.headers, host }
    if (credentials !== null) this.#sign({ method, path, query, headers }, credentials, body, resourcePrefix + encoded)
    if (body !== undefined && !(body instanceof Readable)) headers['content-length'] ??= String(bodySize(body))
    return { method, url: `${origin}${path}${queryPart(query)}`, headers, body }
  }

  async #failure({ key }: S3Request, wire: HttpRequest, response: HttpResponse): Promise<S3Error | StorageError> {
    const { method, headers } = wire
    if (response.resent && response.status === 412 && isConditionalWrite(method, headers)) {
      response.body.resume()
      const text = `${method} '${key}': the answer was lost, and the key is taken or changed now, perhaps by this very request.`
      return new StorageError('unavailable', text, { outcome: 'unknown', retryable: false, status: 412 })
    }
    const error = await s3Error(wire, response)
    if (error.serviceCode !== 'ConditionalRequestConflict') return error
    const { status, requestId, outcome = 'not_applied' } = error
    return new StorageError('unavailable', error.message, { status, requestId, outcome, cause: error })
  }

  #sign(
    request: { method: string; path: string; query: Query | undefined; headers: Record<string, string> },
    credentials: SigningCredentials,
    body: S3Request['body'],
    resource: string,
  ): void {
    const now = this.#now()
    if (this.#options.signatureVersion === 's3') {
      Object.assign(request.headers, signV2(request, credentials, { now, resource }))
      return
    }
    const payloadHash = this.#payloadHash(body)
    Object.assign(request.headers, signV4(request, credentials, { now, region: this.#region, payloadHash }))
  }

  /** Large bodies over TLS are left to TLS and their checksum; all others are covered by the signature. */
  #payloadHash(body: S3Request['body']): string {
    if (body === undefined) return EMPTY_PAYLOAD_HASH
    if (body instanceof Readable) return UNSIGNED_PAYLOAD
    const { payloadSigning = 'auto' } = this.#options
    const leftToTls = bodySize(body) > MAX_HASHED && this.address.origin.startsWith('https:')
    if (payloadSigning === 'never' || (payloadSigning === 'auto' && leftToTls)) return UNSIGNED_PAYLOAD
    return hashOf('sha256', body, 'hex')
  }

  /** Whether the error told another region or host, which is used from now on. */
  #learn(error: unknown): boolean {
    if (!(error instanceof S3Error)) return false
    const { status, region } = error
    if (status !== 301 && status !== 307 && status !== 400 && status !== 403) return false
    const location = status === 307 ? error.headers.location : undefined
    if (location !== undefined && this.#options.endpointUrl == null && URL.canParse(location)) {
      const { origin, host } = new URL(location)
      if (!/\.amazonaws\.com(\.cn)?$/.test(host) || this.#address?.origin === origin) return false
      this.#address = { ...this.address, origin, host }
      return true
    }
    if (region === undefined || region === this.#region) return false
    this.#region = region
    if (this.#options.endpointUrl == null) {
      this.#address = bucketAddress({ ...this.#options, regionName: region })
    }
    return true
  }

  #plainUrl(request: S3Request): string {
    return request.key === undefined ? this.address.origin + this.address.pathPrefix : this.url(request.key)
  }

  #now(): Date {
    return this.#options.now?.() ?? new Date()
  }
}

function queryPart(query: Query | undefined): string {
  if (query === undefined || query.length === 0) return ''
  return `?${encodeQuery(query)}`
}

function isConditionalWrite(method: string, headers: Readonly<Record<string, string>>): boolean {
  if (method === 'GET' || method === 'HEAD') return false
  return headers['if-none-match'] !== undefined || headers['if-match'] !== undefined
}

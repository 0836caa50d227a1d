import type { IncomingHttpHeaders } from 'node:http'
import { abortable } from '../../core/abort.ts'
import type { CallContext } from '../../core/call.ts'
import type { HttpClient, HttpResponse } from '../../http/request.ts'
import { Container } from '../../remote/container.ts'
import { hidingSecrets } from '../../remote/secrets.ts'
import { type Lesson, type Prepared, Service, type ServiceProtocol, type XmlAnswer } from '../../remote/service.ts'
import { encodeKey } from '../../remote/sign/encode.ts'
import type { CredentialSource, SigningCredentials } from '../../remote/sign/query.ts'
import type { FormTarget } from '../../remote/upload-form.ts'
import type { XmlNode } from '../../remote/xml.ts'
import type { AddressOptions } from './addressing.ts'
import { type BucketOptions, bucketRequest, isOwnBucket } from './bucket.ts'
import { errorInside, isExpired, S3Error, s3Error } from './errors.ts'
import { expectedOf, type S3Request, seeksFile } from './operations.ts'
import { Place } from './place.ts'
import { type PresignRequest, Signer, type SignerOptions } from './signer.ts'

/** Headers whose values are secrets, besides the signature. */
const TOKEN = 'x-amz-security-token'
const SECRET_HEADERS: readonly string[] = [
  TOKEN,
  'x-amz-server-side-encryption-customer-key',
  'x-amz-copy-source-server-side-encryption-customer-key',
]

/** The address of a client's requests and how it signs them. */
export interface S3ClientOptions extends AddressOptions, BucketOptions, SignerOptions {
  readonly credentials: CredentialSource
}

/**
 * Requests to one bucket. The client learns the bucket's region and the service's clock if its own values were wrong, and creates a missing
 * bucket if the options allow it.
 */
export class S3Client {
  readonly #options: S3ClientOptions
  readonly #signer: Signer
  readonly #service: Service<S3Request, Place>
  /** Whether an answer has proved that the bucket exists. */
  #hasBucket = false

  constructor(options: S3ClientOptions, http: HttpClient) {
    this.#options = options
    this.#signer = new Signer(options)
    this.#service = new Service(this.#protocol(http), http, new Place(options))
  }

  get bucketName(): string {
    return this.#options.bucketName
  }

  /** The URL of a key, unsigned. */
  url(key: string): string {
    const { origin, pathPrefix } = this.#service.known.address
    return `${origin}${pathPrefix}/${encodeKey(key)}`
  }

  /** Sends a request; an error status is thrown as `S3Error`. The caller must read or drain the body of the answer. */
  async send(request: S3Request, ctx: CallContext): Promise<HttpResponse> {
    return this.#seen(await this.#service.send(request, ctx))
  }

  /** Sends a request whose answer has no useful body; returns its headers. */
  async done(request: S3Request, ctx: CallContext): Promise<IncomingHttpHeaders> {
    return this.#seen(await this.#service.done(request, ctx))
  }

  /** Sends a request and returns its XML answer; an error in a document with status 200 is also thrown. */
  async xml(request: S3Request, ctx: CallContext): Promise<XmlAnswer> {
    return this.#seen(await this.#service.xml(request, ctx))
  }

  /** Creates the bucket. A bucket of this account that exists is no error. */
  async createBucket(ctx: CallContext): Promise<void> {
    try {
      await this.done(bucketRequest(this.#options), ctx)
    } catch (error) {
      if (!isOwnBucket(error)) throw error
    }
  }

  /** A URL that contains its own signature. */
  async presign(request: PresignRequest, ctx: CallContext): Promise<string> {
    const credentials = await this.#credentials(ctx)
    return this.#signer.presign(request, this.#service.known, credentials)
  }

  /** The data to sign the form of a key with, by the service's clock as far as it is known. */
  formTarget(key: string): FormTarget {
    const { region } = this.#service.known
    const now = this.#service.known.timeOf(this.#signer.now())
    return { url: this.url(''), bucket: this.bucketName, key, region, now }
  }

  /** The keys for signing now; null for an anonymous client. */
  async credentials(): Promise<SigningCredentials | null> {
    return this.#options.credentials.get()
  }

  #seen<T>(answer: T): T {
    this.#hasBucket = true
    return answer
  }

  /** The keys; the wait ends with the call. */
  #credentials({ signal }: CallContext): ReturnType<CredentialSource['get']> {
    const found = this.#options.credentials.get()
    return found instanceof Promise ? abortable(found, signal) : found
  }

  #protocol(http: HttpClient): ServiceProtocol<S3Request, Place> {
    const container = new Container(ctx => this.createBucket(ctx))
    return {
      expected: expectedOf,
      prepare: (request, place, ctx) => {
        const prepared = (credentials: SigningCredentials | null): Prepared => {
          const wire = this.#signer.sign(request, place, credentials)
          const others = [credentials?.secretAccessKey, credentials?.sessionToken]
          const ofClient = (): readonly string[] => http.secrets ?? []
          return { wire, hide: hidingSecrets({ headers: wire.headers, names: SECRET_HEADERS, others, ofClient }) }
        }
        const found = this.#credentials(ctx)
        return found instanceof Promise ? found.then(prepared) : prepared(found)
      },
      refuse: async (request, { wire, hide }, answer) => {
        const error = await s3Error(wire, answer, { hide, seeksFile: seeksFile(request) })
        const { status, serviceCode } = error
        if (isExpired(error)) this.#dropKeys(wire.headers[TOKEN])
        if (status === 404 && serviceCode !== undefined && serviceCode !== 'NoSuchBucket') this.#hasBucket = true
        return error
      },
      inside: ({ wire, hide }, root: XmlNode, headers) => errorInside(wire, headers, root, hide),
      explain: (request, error) => this.#explain(request, error.status, error.serviceCode),
      learn: (error, place, request, _sent, ctx) =>
        error instanceof S3Error ? this.#learn(error, place, request, container, ctx) : undefined,
    }
  }

  /**
   * The answer to a refused HEAD has no body with the cause, so a GET of the first byte finds it. The same applies to the first 404, which
   * may also mean that the bucket is missing.
   */
  #explain(request: S3Request, status: number, serviceCode: string | undefined): S3Request | undefined {
    if (request.method !== 'HEAD' || serviceCode !== undefined) return undefined
    if (status >= 500 || (status === 404 && this.#hasBucket)) return undefined
    return { ...request, method: 'GET', headers: { ...request.headers, range: 'bytes=0-0' } }
  }

  /** Forgets expired keys, unless they were renewed meanwhile. */
  #dropKeys(token: string | undefined): void {
    const { credentials } = this.#options
    const keys = credentials.get()
    if (keys !== null && !(keys instanceof Promise) && keys.sessionToken === token) credentials.drop?.(keys)
  }

  /** Learns the service's clock from a refused time, that keys have expired, the bucket's region, or that the bucket exists. */
  async #learn(
    error: S3Error,
    place: Place,
    { stay = false }: S3Request,
    container: Container,
    ctx: CallContext,
  ): Promise<Lesson<Place> | undefined> {
    const corrected = place.withClockOf(error, this.#signer.now())
    if (corrected !== undefined) return { about: 'clock', known: corrected }
    if (isExpired(error) && this.#options.credentials.drop !== undefined) return { about: 'token', known: place }
    if (stay) return undefined
    const other = place.namedBy(error)
    if (other !== undefined) return { about: 'region', known: other }
    const { autoCreateBucket = false, readOnly = false } = this.#options
    if (!autoCreateBucket || readOnly || error.serviceCode !== 'NoSuchBucket') return undefined
    await container.ready(ctx)
    return { about: 'container', known: place }
  }
}

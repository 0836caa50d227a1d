import type { IncomingHttpHeaders } from 'node:http'
import { abortable } from '../../core/abort.ts'
import type { CallContext } from '../../core/call.ts'
import type { HttpClient, HttpRequest, HttpResponse } from '../../http/request.ts'
import { Container } from '../../remote/container.ts'
import type { HttpStatusError } from '../../remote/http-error.ts'
import { hidingSecrets } from '../../remote/secrets.ts'
import { type Answered, type Lesson, type Prepared, Service, type XmlAnswer } from '../../remote/service.ts'
import { encodeQuery } from '../../remote/sign/query.ts'
import { type GcsRequest, type GcsVersion, objectPath } from './api.ts'
import type { GcsCredentials, GcsToken } from './credentials/credentials.ts'
import type { GcsEndpoint } from './endpoint.ts'
import { GcsError, gcsError } from './errors.ts'
import { type HmacKey, hmacHeaders } from './sign.ts'

/** The address of a client's requests and its credentials. */
export interface GcsClientOptions {
  readonly endpoint: GcsEndpoint
  readonly bucketName: string
  readonly credentials: GcsCredentials
  /** Signs instead of the credentials; requests then use the XML API. */
  readonly hmacKey?: HmacKey | undefined
  /** Creates the bucket if a request finds it missing. */
  readonly createBucket?: ((ctx: CallContext) => Promise<void>) | undefined
}

const OF_OBJECTS = ['x-goog-generation', 'x-goog-hash']

/** Requests to one bucket. The client renews expired tokens, and creates a missing bucket if the options allow it. */
export class GcsClient {
  readonly bucketName: string
  readonly endpoint: GcsEndpoint
  readonly #options: GcsClientOptions
  readonly #http: HttpClient
  readonly #service: Service<GcsRequest, undefined>

  constructor(options: GcsClientOptions, http: HttpClient) {
    this.#options = options
    this.#http = http
    this.bucketName = options.bucketName
    this.endpoint = options.endpoint
    const { createBucket } = options
    const container = createBucket === undefined ? undefined : new Container(createBucket)
    this.#service = new Service<GcsRequest, undefined>(
      {
        expected: ({ expected }) => expected,
        prepare: (request, _known, ctx) => this.prepared(request, ctx),
        refuse: ({ seeksFile = false }, { wire, hide }, answer) => gcsError(wire, answer, { hide, seeksFile }),
        explain: (request, error) => explain(request, error),
        learn: (error, _known, { ofBucket }, sent, ctx) =>
          this.#learn(error, sent, ofBucket ? undefined : container, ctx),
      },
      http,
      undefined,
    )
  }

  /** Sends a request; an error status is thrown as `GcsError`. The caller must read or drain the body of the answer. */
  send(request: GcsRequest, ctx: CallContext): Promise<HttpResponse> {
    return this.#service.send(request, ctx)
  }

  /** Sends a request whose answer has no useful body; returns its headers. */
  done(request: GcsRequest, ctx: CallContext): Promise<IncomingHttpHeaders> {
    return this.#service.done(request, ctx)
  }

  /** Sends a request and returns its JSON answer. */
  json(request: GcsRequest, ctx: CallContext): Promise<Answered & { readonly value: Record<string, unknown> }> {
    return this.#service.json(request, ctx)
  }

  /**
   * A GET of a file, with the XML API even if tokens are used: its answers have all attributes. Compressed files are returned as stored.
   * (https://cloud.google.com/storage/docs/xml-api/get-object-download)
   */
  download(
    key: string,
    { generation, ifGeneration }: GcsVersion,
    range: string | undefined,
    ctx: CallContext,
  ): Promise<HttpResponse> {
    const headers: Record<string, string> = { 'accept-encoding': 'gzip' }
    if (range !== undefined) headers['range'] = range
    if (ifGeneration !== undefined) headers['x-goog-if-generation-match'] = ifGeneration
    const path = objectPath(this.bucketName, key)
    const query = generation === undefined ? [] : [['generation', generation] as const]
    const expected = { statuses: range === undefined ? [200] : [200, 206], fileHas: OF_OBJECTS }
    return this.send({ method: 'GET', path, query, headers, expected, seeksFile: true }, ctx)
  }

  /** Sends a request and returns its XML answer. */
  xml(request: GcsRequest, ctx: CallContext): Promise<XmlAnswer> {
    return this.#service.xml(request, ctx)
  }

  /** Adds address and authorisation to a request, for sending alone or in a batch. */
  prepared(request: GcsRequest, { signal }: CallContext): Prepared | Promise<Prepared> {
    if (this.#options.hmacKey !== undefined) return this.#signed(request, this.#options.hmacKey)
    const found = this.#options.credentials.token()
    if (!(found instanceof Promise)) return this.#authorised(request, found)
    return abortable(found, signal).then(token => this.#authorised(request, token))
  }

  /** Forgets a token that the service has refused. */
  drop(credential: object): void {
    this.#options.credentials.drop(credential)
  }

  #authorised(request: GcsRequest, token: GcsToken | null): Prepared {
    const headers: Record<string, string> = { ...request.headers }
    if (token !== null) headers['authorization'] = `Bearer ${token.text}`
    if (token?.quotaProject !== undefined) headers['x-goog-user-project'] = token.quotaProject
    return { ...this.#wire(request, headers, [token?.text]), credential: token ?? undefined }
  }

  #signed(request: GcsRequest, key: HmacKey): Prepared {
    const { method, path, query, isSession = false, headers = {} } = request
    const { host, path: basePath } = this.endpoint
    const signing = { method, path: `${basePath}${path}`, basePath, query, host, headers }
    const added = isSession ? {} : hmacHeaders(signing, key, new Date())
    return this.#wire(request, { ...headers, ...added }, [key.secretAccessKey])
  }

  #wire(
    { method, path, query, body }: GcsRequest,
    headers: Record<string, string>,
    others: ReadonlyArray<string | undefined>,
  ): Pick<Prepared, 'wire' | 'hide'> {
    const { scheme, host, path: base } = this.endpoint
    const search = query === undefined || query.length === 0 ? '' : `?${encodeQuery(query)}`
    const wire: HttpRequest = { method, url: `${scheme}://${host}${base}${path}${search}`, headers, body }
    const ofClient = (): readonly string[] => this.#http.secrets ?? []
    return { wire, hide: hidingSecrets({ headers, names: [], others, ofClient }) }
  }

  /** Learns that a token has expired, or that the bucket now exists. */
  async #learn(
    error: HttpStatusError,
    { credential }: Prepared,
    container: Container | undefined,
    ctx: CallContext,
  ): Promise<Lesson<undefined> | undefined> {
    if (error.status === 401 && credential !== undefined) {
      this.drop(credential)
      return { about: 'token', known: undefined }
    }
    if (container === undefined || !(error instanceof GcsError) || !error.lacksBucket) return undefined
    await container.ready(ctx)
    return { about: 'container', known: undefined }
  }
}

/** The answer to a refused HEAD has no cause, so a GET of the first byte finds it. */
function explain(request: GcsRequest, { status, serviceCode }: HttpStatusError): GcsRequest | undefined {
  if (request.method !== 'HEAD' || serviceCode !== undefined || status >= 500) return undefined
  const expected = { ...request.expected, statuses: [200, 206] }
  return { ...request, method: 'GET', headers: { ...request.headers, range: 'bytes=0-0' }, expected }
}

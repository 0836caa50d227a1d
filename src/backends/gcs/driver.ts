import type { CallContext } from '../../core/call.ts'
import type { ContainerDriver } from '../../core/container-driver.ts'
import type { Content } from '../../core/content.ts'
import type { DirectUpload, DirectUploadLimits } from '../../core/direct-uploads.ts'
import type {
  DeleteOptions,
  DeleteResult,
  Driver,
  Features,
  Page,
  PageRequest,
  ReadOptions,
  ReadResult,
  RequestOptions,
  SignUrlOptions,
  Stat,
  StatOptions,
  WriteOptions,
} from '../../core/driver.ts'
import { type ErrorCode, ImproperlyConfigured, StorageError } from '../../core/errors.ts'
import type { HttpClient } from '../../http/request.ts'
import { Batches } from '../../remote/batches.ts'
import { conditionFailed, deleted, type WriteConditions } from '../../remote/conditions.ts'
import { type ContainerProtocol, containersOf } from '../../remote/containers.ts'
import { formOptions, formUpload } from '../../remote/direct-upload.ts'
import { OpenUploads } from '../../remote/open-uploads.ts'
import type { PartOptions } from '../../remote/options.ts'
import { isEmptyRange, sizedPage } from '../../remote/page-range.ts'
import { partPlan } from '../../remote/part-plan.ts'
import { writeObject } from '../../remote/part-upload.ts'
import { resumableUploads } from '../../remote/resumable.ts'
import type { PostForm } from '../../remote/sign/post-policy.ts'
import { formPolicy, type UploadFormOptions } from '../../remote/upload-form.ts'
import { setVisibility, visibilityOf } from './acl.ts'
import { type GcsApi, type GcsTarget, generationOf, isGeneration, objectPath } from './api.ts'
import { BATCH_LIMIT, deleteBatch } from './batch.ts'
import { type BucketOptions, createOwn, JsonBuckets, XmlBuckets } from './buckets.ts'
import { GcsClient, type GcsClientOptions } from './client.ts'
import { rewriteObject } from './copying.ts'
import { type SignerOptions, textSigner } from './credentials/signer.ts'
import { urlBase } from './endpoint.ts'
import { classifyGcs } from './errors.ts'
import { JsonApi } from './json-api.ts'
import { GcsParts, withoutCrc } from './parts.ts'
import { readStored } from './reading.ts'
import { fieldHeaders, fieldsOf } from './resource.ts'
import { type KeyOrSigner, plainUrl, signedForm, signedUrl, type UrlBase, urlRequest } from './sign.ts'
import { XmlApi } from './xml-api.ts'

/** The options of a `GcsDriver`; `GcsStorage` makes them from its own options. */
export interface GcsDriverOptions
  extends Omit<GcsClientOptions, 'createBucket'>,
    Omit<PartOptions, 'uploadConcurrency'>,
    BucketOptions,
    SignerOptions {
  /** The client that sends the requests; it is closed with the driver. */
  readonly httpClient: HttpClient
  /** Host that replaces the bucket's address in URLs. */
  readonly customEndpoint: string | null
  readonly autoCreateBucket: boolean
}

/** Google Cloud Storage for one bucket: with the JSON API, or with the XML API if an HMAC key signs. */
export class GcsDriver implements Driver {
  readonly name = 'gcs'
  readonly features: Features = {
    ranges: true,
    exclusiveCreate: true,
    ifMatch: true,
    deleteIfMatch: true,
    metadata: true,
    versions: true,
    listRange: true,
  }
  readonly client: GcsClient
  /** Absent with an HMAC key, like ACLs of files: the XML API cannot copy large files in several calls. */
  readonly copy?: NonNullable<Driver['copy']>
  readonly deleteMany?: NonNullable<Driver['deleteMany']>
  readonly visibility?: NonNullable<Driver['visibility']>
  readonly setVisibility?: NonNullable<Driver['setVisibility']>
  readonly containers: ContainerDriver
  readonly resumable: NonNullable<Driver['resumable']>
  readonly #options: GcsDriverOptions
  readonly #api: GcsApi
  readonly #buckets: ContainerProtocol
  readonly #parts: GcsParts
  readonly #uploads: OpenUploads = new OpenUploads()
  readonly #urlBase: UrlBase

  constructor(options: GcsDriverOptions) {
    this.#options = options
    const { httpClient, endpoint, bucketName, customEndpoint, hmacKey } = options
    const create = (ctx: CallContext): Promise<void> => this.createContainer(ctx)
    const needed = options.autoCreateBucket ? { ...options, createBucket: create } : options
    this.client = new GcsClient(needed, httpClient)
    const json = hmacKey === undefined ? new JsonApi(this.client) : undefined
    this.#api = json ?? new XmlApi(this.client)
    this.#buckets = json === undefined ? new XmlBuckets(this.client, options) : new JsonBuckets(this.client, options)
    this.containers = containersOf(this.#buckets)
    this.#parts = new GcsParts(this.client, this.#api)
    this.#urlBase = urlBase(endpoint, objectPath(bucketName, '').slice(0, -1), customEndpoint)
    this.resumable = resumableUploads({
      plan: async (key, write) => ({
        ...this.#plan(key, write),
        failed: error => conditionFailed(error, write, classifyGcs),
      }),
      place: key => this.address(key),
    })
    if (json === undefined) return
    this.visibility = (key, ctx) => visibilityOf(this.client, key, ctx)
    this.setVisibility = (key, visibility, ctx) => setVisibility(this.client, key, visibility, ctx)
    this.copy = (from, to, write, ctx) => this.#copy(json, { from, to }, write, ctx)
    const batches = new Batches<RequestOptions>({
      limit: BATCH_LIMIT,
      holds: () => true,
      send: (keys, ctx) => deleteBatch(this.client, keys, key => this.#api.deletion(key), ctx),
      delete: (key, ctx) => this.delete(key, ctx),
      isUnsupported: error => isWithoutBatches(error),
    })
    this.deleteMany = (keys, ctx, request = {}): Promise<readonly DeleteResult[]> =>
      batches.deleteMany(keys, ctx, request)
  }

  async stat(key: string, ctx: CallContext, { versionId }: StatOptions = {}): Promise<Stat> {
    return withoutCrc(await this.#api.stat(key, versionOf(versionId), ctx))
  }

  read(key: string, options: ReadOptions, ctx: CallContext): Promise<ReadResult> {
    const version = versionOf(options.versionId)
    const get = ({ range, 'if-match': match }: Readonly<Record<string, string>>) =>
      this.client.download(key, { ...version, ifGeneration: match && generationOf(match) }, range, ctx)
    return readStored(get, options)
  }

  async write(key: string, content: Content, options: WriteOptions, ctx: CallContext): Promise<Stat | undefined> {
    ctx.signal.throwIfAborted()
    const { protocol, target, plan } = this.#plan(key, options)
    try {
      const stat = await writeObject(protocol, target, content, plan, ctx)
      return stat && withoutCrc(stat)
    } catch (error) {
      throw conditionFailed(error, options, classifyGcs)
    }
  }

  async delete(key: string, ctx: CallContext, { ifMatch }: DeleteOptions = {}): Promise<void> {
    const request = this.#api.deletion(key, { ifGeneration: conditionOf({ ifMatch }) })
    await deleted(this.client.done(request, ctx), { ifMatch }, classifyGcs)
  }

  async list(prefix: string, page: PageRequest, ctx: CallContext): Promise<Page> {
    if (isEmptyRange(prefix, page)) return { files: [], directories: [] }
    const found = await this.#api.page(prefix, page, ctx)
    return sizedPage(found, key => this.stat(key, ctx), classifyGcs)
  }

  async #copy(
    api: JsonApi,
    { from, to }: { readonly from: string; readonly to: string },
    options: WriteOptions,
    ctx: CallContext,
  ): Promise<Stat> {
    const { objectParameters: parameters = {}, ...changes } = options
    if (from === to && Object.values(changes).every(value => value === undefined)) return this.stat(from, ctx)
    const copy = { from, to, options, parameters, ifGeneration: conditionOf(options) }
    return withoutCrc(await rewriteObject(this.client, api, copy, ctx))
  }

  publicUrl(key: string): string {
    return plainUrl(this.#urlBase, key)
  }

  /** The object's URL at the service. */
  async address(key: string): Promise<string> {
    const { scheme, host, path } = this.client.endpoint
    return `${scheme}://${host}${path}${objectPath(this.client.bucketName, key)}`
  }

  async signUrl(key: string, options: SignUrlOptions & RequestOptions, ctx: CallContext): Promise<string> {
    const { objectParameters: _, ...rest } = options
    return signedUrl(this.#urlBase, urlRequest(key, rest), await this.#signer(), ctx)
  }

  /** A URL for a POST with the header `x-goog-resumable: start`, which begins a resumable upload of the key. */
  async resumableUrl(
    key: string,
    { expiresInSecs, contentType }: Pick<SignUrlOptions, 'expiresInSecs' | 'contentType'>,
    ctx: CallContext,
  ): Promise<string> {
    const { headers } = urlRequest(key, { method: 'PUT', expiresInSecs, contentType })
    const started = { ...headers, 'x-goog-resumable': 'start' }
    const request = { method: 'POST', key, query: [], headers: started, expiresInSecs } as const
    return signedUrl(this.#urlBase, request, await this.#signer(), ctx)
  }

  /** A form with which a browser uploads the key. */
  async uploadForm(key: string, options: UploadFormOptions, lifeSecs: number, ctx: CallContext): Promise<PostForm> {
    const target = { url: plainUrl(this.#urlBase, ''), bucket: this.client.bucketName, key }
    const now = new Date()
    const policy = formPolicy({ ...target, region: 'auto', now }, options, lifeSecs)
    return signedForm(policy, await this.#signer(), ctx)
  }

  /** A form that stores exactly this key. */
  async uploadTarget(
    key: string,
    options: WriteOptions,
    limits: DirectUploadLimits,
    ctx: CallContext,
  ): Promise<DirectUpload> {
    const { objectParameters = {} } = options
    const form = formOptions(fieldHeaders(fieldsOf(objectParameters, options)), limits)
    return formUpload(await this.uploadForm(key, form, limits.expiresInSecs, ctx))
  }

  classify(error: unknown): ErrorCode | undefined {
    return classifyGcs(error)
  }

  /** Creates the bucket. A bucket of this account that exists is no error. */
  async createContainer(ctx: CallContext): Promise<void> {
    await createOwn(this.#buckets, this.client.bucketName, ctx)
  }

  /** Ends the uploads in progress and closes its own connections. */
  async close(): Promise<void> {
    await this.#uploads.close()
    await this.#options.httpClient.close()
  }

  #plan(key: string, options: WriteOptions) {
    const { objectParameters = {} } = options
    const ifGeneration = conditionOf(options)
    const target: GcsTarget = { key, options, fields: fieldsOf(objectParameters, options), ifGeneration }
    // A session reports the result of its last part, and the file that of `put`: both requests are repeated even under a condition.
    const plan = partPlan(this.#uploads, { ...this.#options, uploadConcurrency: 1 }, { put: {}, finish: {} })
    return { protocol: this.#parts, target, plan }
  }

  async #signer(): Promise<KeyOrSigner> {
    const { hmacKey, credentials } = this.#options
    return hmacKey ?? textSigner(credentials, this.#options)
  }
}

function versionOf(versionId: string | undefined): { readonly generation?: string } {
  if (versionId === undefined) return {}
  if (isGeneration(versionId)) return { generation: versionId }
  throw new StorageError('not_found', `'${versionId}' is not the generation of a file.`)
}

/** The generation that a write requires. */
function conditionOf({ ifAbsent, ifMatch }: WriteConditions): string | undefined {
  if (ifAbsent === true) return '0'
  return ifMatch === undefined ? undefined : generationOf(ifMatch)
}

/** Emulators have no batches. */
function isWithoutBatches(error: unknown): boolean {
  const code = classifyGcs(error)
  return code === 'unsupported' || (code === 'improperly_configured' && !(error instanceof ImproperlyConfigured))
}

import type { CallContext } from '../../core/call.ts'
import type { Content } from '../../core/content.ts'
import type { DirectUpload, DirectUploadLimits } from '../../core/direct-uploads.ts'
import type {
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
  WriteOptions,
} from '../../core/driver.ts'
import type { ErrorCode } from '../../core/errors.ts'
import type { HttpClient } from '../../http/request.ts'
import { refuseMaxSize } from '../../remote/direct-upload.ts'
import { isEmptyRange } from '../../remote/page-range.ts'
import { resumableUploads } from '../../remote/resumable.ts'
import { OBJECT } from './api.ts'
import { type Sessions, SwiftClient, type SwiftClientOptions } from './client.ts'
import { SwiftContainers } from './containers.ts'
import { Deletions } from './deletions.ts'
import { classifySwift } from './errors.ts'
import { statOf, writeHeaders } from './headers.ts'
import { ClusterInfo } from './info.ts'
import { completedPage, listQuery, pageOf, rowsOf } from './listing.ts'
import { checkKey } from './names.ts'
import { readStored } from './reading.ts'
import { Segments } from './segments.ts'
import { SwiftUrls, type UrlOptions } from './urls.ts'
import { Writes, type WritesOptions } from './writes.ts'

/** The options of a `SwiftDriver`; `SwiftStorage` makes them from its own options. */
export interface SwiftDriverOptions extends Omit<SwiftClientOptions, 'creates'>, WritesOptions, UrlOptions {
  /** The client that sends the requests; it is closed with the driver. */
  readonly httpClient: HttpClient
  readonly segmentsContainer: string
  readonly autoCreate: boolean
  /** Headers of a new container, and of a new container of segments. */
  readonly containerHeaders: Readonly<Record<string, string>>
}

/** The object storage API for one container. (https://docs.openstack.org/api-ref/object-store/) */
export class SwiftDriver implements Driver {
  readonly name: string = 'swift'
  readonly features: Features = {
    ranges: true,
    exclusiveCreate: false,
    checkedCopy: true,
    rereads: 'small',
    ifMatch: false,
    metadata: true,
    listRange: true,
  }
  readonly client: SwiftClient
  readonly info: ClusterInfo
  readonly containers: SwiftContainers
  readonly urls: SwiftUrls
  readonly identity: Sessions
  readonly httpClient: HttpClient
  readonly #options: SwiftDriverOptions
  readonly resumable: NonNullable<Driver['resumable']>
  readonly #writes: Writes
  readonly #deletions: Deletions

  constructor(options: SwiftDriverOptions) {
    const { container, segmentsContainer: segments, autoCreate, containerHeaders, httpClient, identity } = options
    this.#options = options
    this.identity = identity
    this.httpClient = httpClient
    const creates = new Map([[segments, containerHeaders]])
    if (autoCreate) creates.set(container, containerHeaders)
    this.client = new SwiftClient({ identity, creates }, httpClient)
    this.info = new ClusterInfo(this.client)
    this.containers = new SwiftContainers(this.client)
    this.urls = new SwiftUrls(this.client, this.info, options)
    const tools = { client: this.client, info: this.info, segments: new Segments(this.client, { container, segments }) }
    this.#writes = new Writes(tools, options)
    this.resumable = resumableUploads({
      plan: (key, write, ctx) => this.#writes.plan(key, write, ctx),
      place: (key, ctx) => this.address(key, ctx),
    })
    this.#deletions = new Deletions({ ...options, ...tools })
  }

  async stat(key: string, ctx: CallContext): Promise<Stat> {
    const expected = { ...OBJECT, statuses: [200, 204] }
    return statOf(await this.client.done({ method: 'HEAD', place: this.#place(key), expected }, ctx))
  }

  read(key: string, options: ReadOptions, ctx: CallContext): Promise<ReadResult> {
    return readStored(this.client, this.#place(key), options, ctx)
  }

  write(key: string, content: Content, options: WriteOptions, ctx: CallContext): Promise<Stat | undefined> {
    return this.#writes.write(key, content, options, ctx)
  }

  /** Deletes a large object with its own segments. A missing object is no error. */
  delete(key: string, ctx: CallContext): Promise<void> {
    return this.#deletions.delete(key, ctx)
  }

  /** Bulk deletion, if the cluster supports it. */
  deleteMany(
    keys: readonly string[],
    ctx: CallContext,
    options: RequestOptions = {},
  ): Promise<readonly DeleteResult[]> {
    return this.#deletions.deleteMany(keys, ctx, options)
  }

  async list(prefix: string, page: PageRequest, ctx: CallContext): Promise<Page> {
    if (isEmptyRange(prefix, page)) return { files: [], directories: [] }
    const { listingLimit } = await this.info.get(ctx)
    const asked = rowsOf(page, listingLimit)
    const place = { container: this.#options.container }
    const rows = await this.client.rows({ place, query: listQuery(prefix, page, asked) }, ctx)
    // Fewer rows than requested are the last ones only if the cluster allows that many rows.
    const found = pageOf(rows, prefix, page, { asked, whole: listingLimit !== undefined })
    return completedPage(found, (key, step) => this.stat(key, step), ctx)
  }

  copy(from: string, to: string, options: WriteOptions, ctx: CallContext): Promise<Stat | undefined> {
    return this.#writes.copy(from, to, options, ctx)
  }

  /** The URL of a key for a publicly readable container, on the public interface. */
  plainUrl(key: string, ctx: CallContext): Promise<string> {
    return this.urls.plain(key, ctx)
  }

  /** A temporary URL (TempURL), on the public interface. */
  async signUrl(key: string, options: SignUrlOptions & RequestOptions, ctx: CallContext): Promise<string> {
    if (options.method === 'PUT') checkKey(key)
    return this.urls.temporary(key, options, ctx)
  }

  /**
   * A temporary URL for PUT. A form (FormPOST middleware) is signed for a prefix of names, to which the client adds its own text, so it
   * could store files with other names.
   */
  async uploadTarget(
    key: string,
    options: WriteOptions,
    limits: DirectUploadLimits,
    ctx: CallContext,
  ): Promise<DirectUpload> {
    refuseMaxSize(limits, 'Swift')
    const { objectParameters = {} } = options
    const { expiresInSecs } = limits
    const url = await this.signUrl(key, { method: 'PUT', expiresInSecs }, ctx)
    return { method: 'PUT', url, headers: writeHeaders(objectParameters, options) }
  }

  /** The object's URL at the service. */
  address(key: string, ctx: CallContext): Promise<string> {
    return this.urls.address(key, ctx)
  }

  /** Creates the container. An existing container is no error. */
  createContainer(ctx: CallContext): Promise<void> {
    const { container, containerHeaders } = this.#options
    return this.client.createContainer(container, containerHeaders, ctx)
  }

  /** Makes the container and its segments publicly readable, or private again. */
  setPublic(isPublic: boolean, ctx: CallContext): Promise<void> {
    const { container, segmentsContainer } = this.#options
    return this.containers.setPublic(container, [segmentsContainer], isPublic, ctx)
  }

  classify(error: unknown): ErrorCode | undefined {
    return classifySwift(error)
  }

  /** Ends the uploads in progress and closes its own connections. */
  async close(): Promise<void> {
    await this.#writes.close()
    await this.#options.httpClient.close()
  }

  #place(key: string) {
    return { container: this.#options.container, key }
  }
}

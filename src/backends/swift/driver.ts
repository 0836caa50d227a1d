import type { CallContext } from '../../core/call.ts'
import type { Content } from '../../core/content.ts'
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
import { type ErrorCode, StorageError } from '../../core/errors.ts'
import type { HttpClient } from '../../http/request.ts'
import { OpenUploads } from '../../remote/open-uploads.ts'
import type { PartOptions } from '../../remote/options.ts'
import { isEmptyRange } from '../../remote/page-range.ts'
import { type PartPlan, partPlan } from '../../remote/part-plan.ts'
import { writeObject } from '../../remote/part-upload.ts'
import { OBJECT } from './api.ts'
import { type Sessions, SwiftClient, type SwiftClientOptions } from './client.ts'
import { SwiftContainers } from './containers.ts'
import { changeObject, changesNothing, copyObject, isLarge } from './copying.ts'
import { Deletions } from './deletions.ts'
import { classifySwift } from './errors.ts'
import { statOf, writeHeaders } from './headers.ts'
import { ClusterInfo } from './info.ts'
import { completedPage, listQuery, pageOf, rowsOf } from './listing.ts'
import { checkKey } from './names.ts'
import { SwiftParts, type SwiftTarget } from './parts.ts'
import { readStored } from './reading.ts'
import { Replaced } from './replaced.ts'
import { Segments } from './segments.ts'
import { writeStream } from './stream.ts'
import { SwiftUrls, type UrlOptions } from './urls.ts'

/** How large objects are made: `auto` = as the cluster tells, `none` = not at all. */
export type LargeObjects = 'auto' | 'slo' | 'dlo' | 'none'

/** What a `SwiftDriver` needs; `SwiftStorage` makes it of its options. */
export interface SwiftDriverOptions extends Omit<SwiftClientOptions, 'creates'>, PartOptions, UrlOptions {
  /** Sends the requests, and is closed with the driver. */
  readonly httpClient: HttpClient
  readonly segmentsContainer: string
  readonly largeObjects: LargeObjects
  readonly leaveSegments: boolean
  readonly autoCreate: boolean
  /** Headers of a container that is created, and of that of its segments. */
  readonly containerHeaders: Readonly<Record<string, string>>
  /** Milliseconds without progress after which a dynamic large object that does not have its size is given up. Default: one minute. */
  readonly settleMs?: number | undefined
}

const GIB = 1024 ** 3
const SETTLE_MS = 60_000
/** Bytes that every cluster takes in one object. */
const SURE_SIZE = 1024 * 1024

/** The object storage API for one container. (https://docs.openstack.org/api-ref/object-store/) */
export class SwiftDriver implements Driver {
  readonly name: string = 'swift'
  readonly features: Features = {
    ranges: true,
    exclusiveCreate: false,
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
  readonly #segments: Segments
  readonly #deletions: Deletions
  readonly #uploads: OpenUploads = new OpenUploads()

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
    this.#segments = new Segments(this.client, { container, segments })
    this.#deletions = new Deletions({ ...options, client: this.client, info: this.info, segments: this.#segments })
  }

  async stat(key: string, ctx: CallContext): Promise<Stat> {
    const expected = { ...OBJECT, statuses: [200, 204] }
    return statOf(await this.client.done({ method: 'HEAD', place: this.#place(key), expected }, ctx))
  }

  read(key: string, options: ReadOptions, ctx: CallContext): Promise<ReadResult> {
    return readStored(this.client, this.#place(key), options, ctx)
  }

  async write(key: string, content: Content, options: WriteOptions, ctx: CallContext): Promise<Stat | undefined> {
    ctx.signal.throwIfAborted()
    checkKey(key)
    const target = this.#targetOf(key, options, ctx)
    const { bytes } = content
    const { threshold, isSmall, parts } = await this.#sizing(bytes?.byteLength ?? content.size, ctx)
    const isStream = this.#options.largeObjects === 'none' && bytes === undefined && !isSmall
    return await this.#replacing(target, ctx, () =>
      isStream
        ? writeStream(this.client, this.#options.container, target, content, ctx)
        : writeObject(parts, target, content, this.#planOf(target, threshold), ctx),
    )
  }

  /** A large object goes with its own segments, a missing one is fine. */
  delete(key: string, ctx: CallContext): Promise<void> {
    return this.#deletions.delete(key, ctx)
  }

  /** Bulk deletion, where the cluster has it. */
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
    // Fewer rows than were asked for are the last ones only where the cluster gives as many as that.
    const found = pageOf(rows, prefix, page, { asked, whole: listingLimit !== undefined })
    return completedPage(found, (key, step) => this.stat(key, step), ctx)
  }

  async copy(from: string, to: string, options: WriteOptions, ctx: CallContext): Promise<Stat | undefined> {
    checkKey(to)
    const source = await this.#segments.find(from, ctx)
    if (source === undefined) throw new StorageError('not_found', `There is no '${from}'.`, { status: 404 })
    if (from === to && changesNothing(options)) return statOf(source.headers)
    const { container, partSize } = this.#options
    const target = this.#targetOf(to, options, ctx)
    const parts = await this.#parts(ctx)
    const most = Math.min(isLarge(source) ? partSize : GIB, parts.limits.maxPart ?? GIB)
    const tools = { client: this.client, parts, plan: this.#planOf(target, 0), container, most }
    if (from === to) await changeObject(tools, this.#segments, source, { from, to, options }, ctx)
    else await this.#replacing(target, ctx, () => copyObject(tools, source, { from, to, options }, target, ctx))
    return undefined
  }

  /** The URL of a key for a container that anybody may read, on the public interface. */
  plainUrl(key: string, ctx: CallContext): Promise<string> {
    return this.urls.plain(key, ctx)
  }

  /** A temporary URL (TempURL), on the public interface. */
  async signUrl(key: string, options: SignUrlOptions & RequestOptions, ctx: CallContext): Promise<string> {
    if (options.method === 'PUT') checkKey(key)
    return this.urls.temporary(key, options, ctx)
  }

  /** The object's URL in the service. */
  address(key: string, ctx: CallContext): Promise<string> {
    return this.urls.address(key, ctx)
  }

  /** Creates the container; one that is there is fine. */
  createContainer(ctx: CallContext): Promise<void> {
    const { container, containerHeaders } = this.#options
    return this.client.createContainer(container, containerHeaders, ctx)
  }

  /** Lets anybody read the container and its segments, or nobody without a token any more. */
  setPublic(isPublic: boolean, ctx: CallContext): Promise<void> {
    const { container, segmentsContainer } = this.#options
    return this.containers.setPublic(container, [segmentsContainer], isPublic, ctx)
  }

  classify(error: unknown): ErrorCode | undefined {
    return classifySwift(error)
  }

  /** Ends the uploads under way and closes its own connections. */
  async close(): Promise<void> {
    await this.#uploads.close()
    await this.#options.httpClient.close()
  }

  #place(key: string) {
    return { container: this.#options.container, key }
  }

  #targetOf(key: string, options: WriteOptions, ctx: CallContext): SwiftTarget {
    const { objectParameters = {}, isNew: wanted = false, ifAbsent, ifMatch } = options
    if (ifAbsent === true || ifMatch !== undefined) {
      throw new StorageError('unsupported', 'Swift has no conditions of writes that hold.')
    }
    // A later try may meet what an earlier one stored.
    const isNew = wanted && ctx.attempt === 1
    const replaced = new Replaced(this.#segments, key, { isNew, leaveSegments: this.#options.leaveSegments })
    const conditions: Readonly<Record<string, string>> = isNew ? { 'if-none-match': '*' } : {}
    return { key, options, headers: writeHeaders(objectParameters, options), conditions, replaced }
  }

  #planOf({ conditions, replaced }: SwiftTarget, multipartThreshold: number): PartPlan {
    const look = (ctx: CallContext): Promise<void> => replaced.look(ctx)
    const options = { ...this.#options, multipartThreshold }
    return partPlan(this.#uploads, options, { put: conditions, finish: {} }, look)
  }

  /** How content of so many bytes is written. What is surely small for every cluster asks nothing of it. */
  async #sizing(size: number | undefined, ctx: CallContext) {
    const { largeObjects, multipartThreshold } = this.#options
    const isSure = (size ?? Number.POSITIVE_INFINITY) <= Math.min(multipartThreshold, SURE_SIZE)
    if (largeObjects === 'none' || isSure) {
      const threshold = largeObjects === 'none' ? Number.POSITIVE_INFINITY : multipartThreshold
      return { threshold, isSmall: size !== undefined && size <= multipartThreshold, parts: this.#partsOf('slo') }
    }
    const parts = await this.#parts(ctx)
    return {
      threshold: Math.min(multipartThreshold, parts.limits.maxPart ?? multipartThreshold),
      isSmall: false,
      parts,
    }
  }

  /** Runs a write, then deletes the segments of what it replaced. */
  async #replacing<T>({ conditions, replaced }: SwiftTarget, ctx: CallContext, work: () => Promise<T>): Promise<T> {
    let result: T
    try {
      result = await work()
    } catch (error) {
      if (conditions['if-none-match'] === undefined || classifySwift(error) !== 'precondition_failed') throw error
      throw new StorageError('exists', 'The key is taken.', { cause: error, status: 412 })
    }
    await this.#uploads.keep(replaced.discard(ctx))
    return result
  }

  async #parts(ctx: CallContext): Promise<SwiftParts> {
    const { largeObjects } = this.#options
    const { slo } = await this.info.get(ctx)
    if (largeObjects === 'slo' || largeObjects === 'dlo') return this.#partsOf(largeObjects)
    return this.#partsOf(slo === undefined ? 'dlo' : 'slo')
  }

  #partsOf(kind: 'slo' | 'dlo'): SwiftParts {
    const { container, settleMs = SETTLE_MS } = this.#options
    const later = (work: Promise<unknown>): void => void this.#uploads.keep(work)
    return new SwiftParts(this.client, this.#segments, { container, kind, info: this.info.known, settleMs, later })
  }
}

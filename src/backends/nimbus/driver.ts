import type { CallContext } from '../../core/call.ts'
import type { ContainerDriver } from '../../core/container-driver.ts'
import type { Content } from '../../core/content.ts'
import type {
  Driver,
  Features,
  FileAttributes,
  ListedFile,
  Page,
  PageRequest,
  ReadOptions,
  ReadResult,
  Stat,
  StatOptions,
  WriteOptions,
} from '../../core/driver.ts'
import { type ErrorCode, StorageError } from '../../core/errors.ts'
import type { HttpClient } from '../../http/request.ts'
import { Conditions, NO_CONDITIONS } from '../../remote/conditions.ts'
import { containersOf } from '../../remote/containers.ts'
import { OpenUploads } from '../../remote/open-uploads.ts'
import type { PartOptions } from '../../remote/options.ts'
import { sizedPage } from '../../remote/page-range.ts'
import { partPlan } from '../../remote/part-plan.ts'
import { writeObject } from '../../remote/part-upload.ts'
import { collectionUrl } from './address.ts'
import { NimbusClient, type NimbusClientOptions } from './client.ts'
import { Collections } from './collections.ts'
import { classifyNimbus } from './errors.ts'
import { Listing } from './listing.ts'
import { attributesIn } from './metadata.ts'
import { keyPath } from './names.ts'
import { emptyRefused, NimbusParts } from './parts.ts'
import { Reading, type StoredFile, versionQuery } from './reading.ts'

/** The options of a `NimbusDriver`; `NimbusStorage` makes them from its own options. */
export interface NimbusDriverOptions extends NimbusClientOptions, PartOptions {
  /** The client that sends the requests; it is closed with the driver. */
  readonly httpClient: HttpClient
  readonly collection: string
  /** Whether the collection is readable without a key, so that its files have URLs. */
  readonly publicRead: boolean
  /** Whether listings have sizes, with one request for each. */
  readonly listSizes: boolean
}

/** Nimbus.io with its REST API, for one collection. */
export class NimbusDriver implements Driver {
  readonly name = 'nimbus'
  readonly features: Features = {
    ranges: true,
    exclusiveCreate: false,
    ifMatch: false,
    metadata: true,
    versions: true,
    listRange: false,
  }
  /** Absent if only signed requests can read: there are no signed URLs. */
  readonly publicUrl?: NonNullable<Driver['publicUrl']>
  readonly containers: ContainerDriver
  readonly #options: NimbusDriverOptions
  readonly #client: NimbusClient
  readonly #reading: Reading
  readonly #listing: Listing
  readonly #parts: NimbusParts
  readonly #conditions: Conditions = new Conditions(NO_CONDITIONS)
  readonly #uploads: OpenUploads = new OpenUploads()

  constructor(options: NimbusDriverOptions) {
    const { collection, publicRead } = options
    this.#options = options
    this.#client = new NimbusClient(options, options.httpClient)
    this.#reading = new Reading(this.#client)
    this.#listing = new Listing(this.#client, collection)
    this.#parts = new NimbusParts(this.#client, collection)
    this.containers = containersOf(new Collections(this.#client))
    if (publicRead) this.publicUrl = key => this.#url(key)
  }

  /** Two parallel requests: size and time, and metadata. The metadata of an old version is not available. */
  async stat(key: string, ctx: CallContext, { versionId }: StatOptions = {}): Promise<Stat> {
    const file = this.#file(key, versionId)
    const [stat, attributes] = await Promise.all([this.#reading.head(file, ctx), this.#attributes(file, ctx)])
    return { ...stat, ...attributes }
  }

  read(key: string, options: ReadOptions, ctx: CallContext): Promise<ReadResult> {
    if (options.ifMatch !== undefined) this.#conditions.matchHeader(options.ifMatch)
    return this.#reading.read(this.#file(key, options.versionId), options, ctx)
  }

  /** Files without bytes are `unsupported`, before any request. */
  async write(key: string, content: Content, options: WriteOptions, ctx: CallContext): Promise<Stat | undefined> {
    ctx.signal.throwIfAborted()
    const conditions = this.#conditions.headersOf(options)
    if (content.size === 0) throw emptyRefused()
    const beforeFinish = options.isNew === true ? (step: CallContext) => this.#refuseTaken(key, step) : undefined
    const plan = partPlan(this.#uploads, this.#options, { put: conditions, finish: conditions }, beforeFinish)
    return writeObject(this.#parts, { key, options }, content, plan, ctx)
  }

  delete(key: string, ctx: CallContext): Promise<void> {
    return this.#remove(this.#file(key), ctx)
  }

  async list(prefix: string, page: PageRequest, ctx: CallContext): Promise<Page> {
    if (page.startAfter !== undefined || page.until !== undefined)
      throw new StorageError('unsupported', 'Nimbus.io does not list keys in the order of their UTF-8 bytes.')
    const found = await this.#listing.page(prefix, page, ctx)
    if (!this.#options.listSizes) return found
    return sizedPage(found, key => this.#reading.head(this.#file(key), ctx), classifyNimbus)
  }

  /** The versions of a key, the oldest first. */
  versions(key: string, ctx: CallContext): Promise<readonly ListedFile[]> {
    return this.#listing.versions(key, ctx)
  }

  /** Removes one version of a key; a missing one is no error. */
  deleteVersion(key: string, versionId: string, ctx: CallContext): Promise<void> {
    return this.#remove(this.#file(key, versionId), ctx)
  }

  /** The service's URL of the file. */
  async address(key: string): Promise<string> {
    return this.#url(key)
  }

  /** Makes the collection of the storage. A collection of this account that exists is no error. */
  async createContainer(ctx: CallContext): Promise<void> {
    const { collection } = this.#options
    try {
      await this.containers.create(collection, ctx)
    } catch (error) {
      if (classifyNimbus(error) !== 'exists') throw error
      const found = await this.containers.stat(collection, ctx).catch(reason => {
        throw classifyNimbus(reason) === 'not_found' ? error : reason
      })
      if (found.name !== collection) throw error
    }
  }

  classify(error: unknown): ErrorCode | undefined {
    return classifyNimbus(error)
  }

  /** Ends the uploads in progress and closes its own connections. */
  async close(): Promise<void> {
    await this.#uploads.close()
    await this.#options.httpClient.close()
  }

  #file(key: string, versionId?: string): StoredFile {
    return { collection: this.#options.collection, key, versionId }
  }

  #url(key: string): string {
    return collectionUrl(this.#options, this.#options.collection) + keyPath('data', key)
  }

  async #attributes({ collection, key, versionId }: StoredFile, ctx: CallContext): Promise<FileAttributes> {
    if (versionId !== undefined) return {}
    const path = keyPath('data', key)
    const request = { method: 'GET', collection, path, query: [['action', 'meta']], seeksFile: true } as const
    const pairs = await this.#client.json<object>({ ...request, expected: { statuses: [200] } }, ctx).catch(error => {
      // The request for the file itself reports that it is missing.
      if (classifyNimbus(error) === 'not_found') return []
      throw error
    })
    if (Array.isArray(pairs)) return attributesIn(pairs)
    throw new StorageError('unavailable', 'The service answered with no list of metadata.', { outcome: 'not_applied' })
  }

  #remove({ collection, key, versionId }: StoredFile, ctx: CallContext): Promise<void> {
    const path = keyPath('data', key)
    return this.#client.succeed({ method: 'DELETE', collection, path, query: versionQuery(versionId) }, ctx)
  }

  async #refuseTaken(key: string, ctx: CallContext): Promise<void> {
    const taken = await ctx.step('stat', true, step =>
      this.#reading.head(this.#file(key), step).then(
        () => true,
        error => {
          if (classifyNimbus(error) === 'not_found') return false
          throw error
        },
      ),
    )
    if (taken) throw new StorageError('exists', 'The key is taken.')
  }
}

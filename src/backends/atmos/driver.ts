import type { CallContext } from '../../core/call.ts'
import type { ContainerDriver } from '../../core/container-driver.ts'
import type { Content } from '../../core/content.ts'
import type {
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
import { containersOf } from '../../remote/containers.ts'
import { OpenUploads } from '../../remote/open-uploads.ts'
import { headerText } from '../../remote/parameters.ts'
import { writeObject } from '../../remote/part-upload.ts'
import { TreeListing } from '../../remote/tree-listing.ts'
import { AtmosClient, type AtmosClientOptions } from './client.ts'
import { AtmosContainers } from './containers.ts'
import { classifyAtmos } from './errors.ts'
import { makeFolders } from './folders.ts'
import { listFolder } from './listing.ts'
import { look, lookFor } from './lookup.ts'
import { publicStat, tagsOfAttributes } from './metadata.ts'
import { checkKey, folderOf } from './names.ts'
import { isFolder } from './operations.ts'
import { parameterHeaders } from './parameters.ts'
import { AtmosParts } from './parts.ts'
import { rename } from './publication.ts'
import { readStored } from './reading.ts'
import { type AtmosServiceInfo, serviceInfo } from './service-info.ts'
import type { AtmosTarget } from './upload.ts'
import { signedUrl } from './url.ts'

/** The options of an `AtmosDriver`; `AtmosStorage` makes them from its own options. */
export interface AtmosDriverOptions extends AtmosClientOptions {
  /** The client that sends the requests; it is closed with the driver. */
  readonly httpClient: HttpClient
  /** Size of a part in bytes; one part is held in memory. */
  readonly partSize: number
  /** Whether checksums are sent and compared. */
  readonly checksums: boolean
  /** The short name of the backend. Default: `atmos`. */
  readonly name?: string | undefined
}

/**
 * Objects in the namespace of EMC Atmos. Each write makes a temporary object beside its target and renames it. Exclusive creation is not
 * supported: the service refuses an existing name, but does not guarantee this for two parallel requests.
 */
export class AtmosDriver implements Driver {
  readonly name: string
  readonly features: Features = {
    ranges: true,
    exclusiveCreate: false,
    ifMatch: false,
    metadata: true,
    listRange: true,
  }
  /** The top folders of the namespace. */
  readonly containers: ContainerDriver
  readonly #options: AtmosDriverOptions
  readonly #client: AtmosClient
  readonly #containers: AtmosContainers
  readonly #parts: AtmosParts
  readonly #uploads: OpenUploads = new OpenUploads()
  readonly #listing: TreeListing

  constructor(options: AtmosDriverOptions) {
    this.name = options.name ?? 'atmos'
    this.#options = options
    this.#client = new AtmosClient(options, options.httpClient)
    this.#parts = new AtmosParts(this.#client, options)
    this.#containers = new AtmosContainers(this.#client)
    this.containers = containersOf(this.#containers)
    this.#listing = new TreeListing({
      read: (prefix, ctx) => listFolder(this.#client, this.#client.pathOf(prefix), ctx),
      look: (key, ctx) => this.stat(key, ctx),
      classify: classifyAtmos,
      isStrict: true,
    })
  }

  /** Size, times, type and metadata with one HEAD; for a folder `isDirectory`. */
  async stat(key: string, ctx: CallContext): Promise<Stat> {
    ctx.signal.throwIfAborted()
    return publicStat(await look(this.#client, this.#client.pathOf(key), ctx))
  }

  async read(key: string, { range, ifMatch, versionId }: ReadOptions, ctx: CallContext): Promise<ReadResult> {
    if (ifMatch !== undefined || versionId !== undefined)
      throw unsupported('Atmos has neither conditions nor versions of paths.')
    if (isFolder(key)) throw new StorageError('is_directory', `'${key}' is a directory.`)
    const wanted = { range, isChecked: this.#options.checksums }
    return readStored(this.#client, this.#client.pathOf(key), wanted, ctx)
  }

  /** The service makes missing folders, including the container. `extra`: `userAcl`, `groupAcl`, `listableMeta`. */
  async write(key: string, content: Content, options: WriteOptions, ctx: CallContext): Promise<Stat | undefined> {
    ctx.signal.throwIfAborted()
    refuseConditions(options)
    checkKey(key)
    const { partSize } = this.#options
    const repeat = { put: false, finish: false }
    const plan = { uploads: this.#uploads, threshold: 0, partSize, concurrency: 1, repeat }
    return writeObject(this.#parts, targetOf(key, options), content, plan, ctx)
  }

  /** Removes a file or an empty folder; a folder with files is `is_directory`. */
  async delete(key: string, ctx: CallContext): Promise<void> {
    ctx.signal.throwIfAborted()
    if (key === '') throw new StorageError('invalid_argument', 'The name must be given to delete().')
    const path = this.#client.pathOf(key)
    try {
      // The path of a folder would also delete a plain file.
      if (isFolder(path) && (await lookFor(this.#client, path, ctx)) === undefined) return
      await this.#client.done({ method: 'DELETE', path }, ctx)
    } catch (error) {
      const code = classifyAtmos(error)
      if (code === 'not_found' || code === 'not_a_directory') return
      if (code === 'is_directory' && !isFolder(path)) return this.delete(`${key}/`, ctx)
      if (code !== 'not_empty') throw error
      throw new StorageError('is_directory', `'${key}' is a directory that is not empty.`, { cause: error })
    }
  }

  /** One page in the order of the keys' UTF-8 bytes; see `TreeListing`. */
  async list(prefix: string, page: PageRequest, ctx: CallContext): Promise<Page> {
    ctx.signal.throwIfAborted()
    return this.#listing.page(prefix, page, ctx)
  }

  /** Renames the file, and makes missing folders of the new name. */
  async move(from: string, to: string, options: WriteOptions, ctx: CallContext): Promise<Stat | undefined> {
    refuseConditions(options)
    const { isNew = false, objectParameters: _, ...changes } = options
    if (Object.values(changes).some(value => value !== undefined)) throw unsupported('Renaming changes no attributes.')
    checkKey(to)
    const [source, target] = [this.#client.pathOf(from), this.#client.pathOf(to)]
    const found = await ctx.step('stat', true, step => look(this.#client, source, step))
    if (found.isDirectory === true) throw new StorageError('is_directory', `'${from}' is a directory.`)
    if (from === to) return publicStat(found)
    const renaming = { from: source, to: target, isNew, objectId: found.objectId }
    try {
      await rename(this.#client, renaming, ctx)
    } catch (error) {
      if (classifyAtmos(error) !== 'not_found') throw error
      await makeFolders(this.#client, folderOf(target), ctx)
      await rename(this.#client, renaming, ctx)
    }
    return undefined
  }

  /** A shareable URL, which only allows reading. */
  async signUrl(key: string, options: SignUrlOptions & RequestOptions): Promise<string> {
    return signedUrl(this.#client, this.#client.pathOf(key), options)
  }

  /** The URL of the object with the subtenant, since each subtenant has its own namespace. */
  async address(key: string): Promise<string> {
    const { uid } = this.#client
    return `${this.#client.url(this.#client.pathOf(key))} ${uid.slice(0, Math.max(0, uid.indexOf('/')))}`
  }

  /** Makes the container. An existing one is no error; a file of that name is `not_a_directory`. */
  async createContainer(ctx: CallContext): Promise<void> {
    const { container } = this.#options
    if (container !== '') await this.#containers.ensure(container, ctx)
  }

  /** The version of the service and its features. */
  serviceInfo(ctx: CallContext): Promise<AtmosServiceInfo> {
    return serviceInfo(this.#client, ctx)
  }

  classify(error: unknown): ErrorCode | undefined {
    return classifyAtmos(error)
  }

  /** Ends the uploads in progress and closes its own connections. */
  async close(): Promise<void> {
    this.#listing.close()
    await this.#uploads.close()
    await this.#options.httpClient.close()
  }
}

function targetOf(key: string, options: WriteOptions): AtmosTarget {
  const { contentType, objectParameters, extra } = options
  const headers = parameterHeaders(objectParameters, extra)
  if (contentType !== undefined) headers['content-type'] = headerText('contentType', contentType)
  return { key, options, headers, tags: tagsOfAttributes(options) }
}

function refuseConditions({ ifAbsent, ifMatch }: WriteOptions): void {
  if (ifAbsent === true || ifMatch !== undefined) throw unsupported('Atmos has no conditions.')
}

function unsupported(text: string): StorageError {
  return new StorageError('unsupported', text)
}

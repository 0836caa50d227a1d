import type { Readable } from 'node:stream'
import { ATTRIBUTE_OPTIONS } from '../../core/attributes.ts'
import type { CallOptions } from '../../core/call.ts'
import type { ContentSource } from '../../core/content.ts'
import { isStorageError, StorageError } from '../../core/errors.ts'
import { CALL_OPTIONS, checkCallOptions, checkKnownOptions, type KnownOptions } from '../../core/known-options.ts'
import type { NameOrContainer } from '../../storage/containers.ts'
import type { AnyStorage } from '../../storage/storage.ts'
import { type HasCalls, StorageDriver } from '../../storage/storage-driver.ts'
import type { SaveOptions, UrlOptions } from '../../storage/types.ts'
import { type CdnOptions, RackspaceStorage } from '../swift/index.ts'
import {
  checkedRange,
  DOWNLOAD_OPTIONS,
  type DownloadOptions,
  download,
  localFile,
  RANGE_OPTIONS,
  type RangeOptions,
} from './download.ts'
import { entryOrName, type LibCloudObject, type ObjectOrNames, objectOf } from './objects.ts'

/** The methods of its storage that a `LibCloudDriver` uses. */
export interface HasContainers extends HasCalls {
  readonly bucket: string
  /** A storage of a whole container of the same account. */
  storageOf(container: string): AnyStorage
  /** Runs work whose errors do not pass a storage's layers. */
  explained<T>(work: () => Promise<T>): Promise<T>
}

/** Options of listing objects. */
export interface ListObjectsOptions extends CallOptions {
  /** Lists only objects whose names begin with this. */
  readonly prefix?: string | undefined
}

/** Options of an uploaded object, including its name. */
export interface UploadObjectOptions
  extends Omit<SaveOptions, 'overwrite' | 'ifAbsent' | 'ifMatch' | 'maxLength' | 'maxSize' | 'extra'> {
  readonly extra?:
    | { readonly contentType?: string | undefined; readonly metaData?: Readonly<Record<string, string>> | undefined }
    | undefined
}

const LIST_OPTIONS: KnownOptions<ListObjectsOptions> = { ...CALL_OPTIONS, prefix: true }
const UPLOAD_OPTIONS: KnownOptions<UploadObjectOptions> = {
  ...CALL_OPTIONS,
  ...ATTRIBUTE_OPTIONS,
  verify: true,
  onProgress: true,
  extra: true,
}

/**
 * The methods of libcloud's storage drivers, over all containers of the account. Errors are those of the storage: a missing object or container is
 * `not_found`.
 * @example
 * const { driver } = new LibCloudStorage('amazon_1')
 * await driver.uploadObject('/tmp/notes.txt', 'bucket-1', 'notes.txt')
 * for await (const object of driver.iterateContainerObjects('bucket-1', { prefix: 'n' })) {
 *   await driver.downloadObject(object, './downloads/')
 * }
 */
export class LibCloudDriver extends StorageDriver {
  readonly #storage: HasContainers

  constructor(storage: HasContainers) {
    super(storage)
    this.#storage = storage
  }

  /** All objects of a container in the service's order. Missing: `not_found` if the service reports it, otherwise an empty list. */
  async listContainerObjects(container: NameOrContainer, options: ListObjectsOptions = {}): Promise<LibCloudObject[]> {
    checkKnownOptions('listContainerObjects', options, LIST_OPTIONS)
    const objects: LibCloudObject[] = []
    for await (const object of this.iterateContainerObjects(container, options)) objects.push(object)
    return objects
  }

  /** The same, one page per request. */
  async *iterateContainerObjects(
    container: NameOrContainer,
    options: ListObjectsOptions = {},
  ): AsyncGenerator<LibCloudObject, void, undefined> {
    checkKnownOptions('iterateContainerObjects', options, LIST_OPTIONS)
    const { prefix = '', signal } = options
    const storage = this.#at(container)
    const name = nameOf(container)
    // A storage lists folders: the part before the last slash of the prefix is one.
    const folder = prefix.slice(0, prefix.lastIndexOf('/') + 1)
    const range = prefix !== folder && storage.supports('listRange') ? rangeOf(prefix) : {}
    try {
      for await (const entry of storage.entries(folder, { ...range, recursive: true, signal })) {
        if (entry.name.startsWith(prefix)) yield objectOf(entry, name)
      }
    } catch (error) {
      throw ofContainer(error, name)
    }
  }

  /** The stat of an object. Missing: `not_found`. */
  async getObject(container: NameOrContainer, objectName: string, options: CallOptions = {}): Promise<LibCloudObject> {
    checkCallOptions('getObject', options)
    const stat = await this.#in(container, storage => storage.stat(objectName, options))
    return objectOf(stat, nameOf(container))
  }

  /** Stores a local file; replaces an object of that name. */
  async uploadObject(
    path: string,
    container: NameOrContainer,
    objectName: string,
    options: UploadObjectOptions = {},
  ): Promise<LibCloudObject> {
    checkKnownOptions('uploadObject', options, UPLOAD_OPTIONS)
    const { folder, name } = localFile(path, objectName)
    try {
      const given = { ...attributesOf(options), overwrite: true }
      const stored = await this.#in(container, storage => folder.copy(name, objectName, { ...given, storage }))
      return await this.getObject(container, stored, { signal: options.signal })
    } finally {
      await folder.close()
    }
  }

  /** Stores the bytes of a stream, an iterator, a text or a buffer; replaces an object of that name. */
  async uploadObjectViaStream(
    source: ContentSource,
    container: NameOrContainer,
    objectName: string,
    options: UploadObjectOptions = {},
  ): Promise<LibCloudObject> {
    checkKnownOptions('uploadObjectViaStream', options, UPLOAD_OPTIONS)
    const given = { ...attributesOf(options), overwrite: true }
    const stored = await this.#in(container, storage => storage.save(objectName, source, given))
    return await this.getObject(container, stored, { signal: options.signal })
  }

  /** Writes an object to a local file, which appears when it is complete. A path that ends in a slash is a folder. */
  async downloadObject(object: ObjectOrNames, path: string, options: DownloadOptions = {}): Promise<void> {
    checkKnownOptions('downloadObject', options, DOWNLOAD_OPTIONS)
    const { signal } = options
    await download(this.downloadObjectAsStream(object, { signal }), localFile(path, object.name), options)
  }

  /** The bytes of an object. Errors, including `not_found`, are emitted as the stream's `error`. */
  downloadObjectAsStream(object: ObjectOrNames, options: CallOptions = {}): Readable {
    checkCallOptions('downloadObjectAsStream', options)
    return this.#stream(object, options)
  }

  /** Writes a part of an object to a local file. Code `invalid_argument` for a `start` below 0, and for an `end` that is not above it. */
  async downloadObjectRange(
    object: ObjectOrNames,
    path: string,
    options: RangeOptions & DownloadOptions,
  ): Promise<void> {
    checkKnownOptions('downloadObjectRange', options, { ...RANGE_OPTIONS, ...DOWNLOAD_OPTIONS })
    const { start, end, signal } = options
    const source = this.downloadObjectRangeAsStream(object, { start, end, signal })
    await download(source, localFile(path, object.name), options)
  }

  /** The bytes of a part of an object. Code `invalid_argument` for a `start` below 0, and for an `end` that is not above it. */
  downloadObjectRangeAsStream(object: ObjectOrNames, options: RangeOptions): Readable {
    checkKnownOptions('downloadObjectRangeAsStream', options, RANGE_OPTIONS)
    const { signal } = options
    const range = checkedRange(options)
    return this.#stream(object, { ...range, signal })
  }

  /** Removes an object; a missing one is no error. */
  async deleteObject(object: ObjectOrNames, options: CallOptions = {}): Promise<void> {
    checkCallOptions('deleteObject', options)
    await this.#in(object.container, storage => storage.delete(entryOrName(object), options))
  }

  /** A URL from which an object can be downloaded; see `LibCloudStorage#url`. */
  async getObjectCdnUrl(object: ObjectOrNames, options: UrlOptions = {}): Promise<string> {
    return await this.#in(object.container, storage => storage.url(entryOrName(object), options))
  }

  /** The address of a container at the provider's CDN. Not published: `not_found`. Code `unsupported` except for Rackspace. */
  async getContainerCdnUrl(container: NameOrContainer, options: CallOptions = {}): Promise<string> {
    const operation = 'getContainerCdnUrl'
    checkCallOptions(operation, options)
    const state = await this.#rackspace(container, operation).cdnState(options)
    const url = state?.enabled === true ? (state.sslUri ?? state.uri) : undefined
    if (url !== undefined) return url
    const containerName = nameOf(container)
    throw new StorageError('not_found', `The container '${containerName}' is not published at the CDN.`, {
      operation,
      containerName,
    })
  }

  /** Publishes a container at the provider's CDN and returns its address there. Code `unsupported` except for Rackspace. */
  async enableContainerCdn(container: NameOrContainer, options: CdnOptions & CallOptions = {}): Promise<string> {
    await this.#rackspace(container, 'enableContainerCdn').enableCdn(options)
    return await this.getContainerCdnUrl(container, { signal: options.signal })
  }

  #rackspace(container: NameOrContainer, operation: string): RackspaceStorage {
    const storage = this.#at(container)
    if (storage instanceof RackspaceStorage) return storage
    throw new StorageError('unsupported', `${operation}: '${this.name}' has no CDN of its own.`, { operation })
  }

  /** The bytes of an object. A missing container has its own error. */
  #stream(object: ObjectOrNames, options: Partial<RangeOptions>): Readable {
    const { start, end, signal } = options
    const range = { ...(start !== undefined && { start }), ...(typeof end === 'number' && { end }) }
    const stream = this.#at(object.container).createReadStream(entryOrName(object), { ...range, signal })
    const destroy = stream._destroy.bind(stream)
    stream._destroy = (error, done) =>
      destroy(error === null ? null : ofContainer(error, nameOf(object.container)), done)
    return stream
  }

  /** Runs work in a container. */
  async #in<T>(container: NameOrContainer, work: (storage: AnyStorage) => Promise<T>): Promise<T> {
    const storage = this.#at(container)
    try {
      return await this.#storage.explained(() => work(storage))
    } catch (error) {
      throw ofContainer(error, nameOf(container))
    }
  }

  #at(container: NameOrContainer): AnyStorage {
    return this.#storage.storageOf(nameOf(container))
  }
}

function nameOf(container: NameOrContainer): string {
  return typeof container === 'string' ? container : container.name
}

/** For a storage, a missing container is a wrong setting; here it is an argument of the method: `not_found`. */
function ofContainer<E>(error: E, containerName: string): E | StorageError {
  if (!isStorageError(error, 'improperly_configured') || error.status !== 404) return error
  const { operation, fileName, backend, status, requestId } = error
  const details = { operation, fileName, containerName, backend, status, requestId, cause: error }
  return new StorageError('not_found', `The container '${containerName}' does not exist.`, details)
}

/** A range that contains all names with a prefix and few others; none next to surrogates, which no name contains. */
function rangeOf(prefix: string): { readonly startAfter?: string; readonly until?: string } {
  const last = [...prefix].at(-1)!
  const [begin, code] = [prefix.slice(0, -last.length), last.codePointAt(0)!]
  if (code < 1 || code >= 0xd7ff) return {}
  return {
    startAfter: `${begin}${String.fromCodePoint(code - 1)}\u{10ffff}`,
    until: `${begin}${String.fromCodePoint(code + 1)}`,
  }
}

function attributesOf({ extra = {}, ...rest }: UploadObjectOptions): SaveOptions {
  const { contentType = rest.contentType, metaData: metadata = rest.metadata } = extra
  return { ...rest, contentType, metadata }
}

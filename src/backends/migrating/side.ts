import { attributesOf } from '../../core/attributes.ts'
import type { CallContext, FileRef } from '../../core/call.ts'
import type { Content } from '../../core/content.ts'
import type {
  DeleteResult,
  Driver,
  Page,
  PageRequest,
  ReadOptions,
  ReadResult,
  Stat,
  WriteOptions,
} from '../../core/driver.ts'
import { isStorageError, StorageError } from '../../core/errors.ts'
import { versionOf } from '../../storage/bodies.ts'
import { deleteOne } from '../../storage/delete-many.ts'
import { listedEntry } from '../../storage/entry-keys.ts'
import { NamedFile } from '../../storage/named-file.ts'
import type { AnyStorage } from '../../storage/storage.ts'
import type { Entry } from '../../storage/types.ts'
import { writeContent } from '../../storage/write.ts'
import { marked, type SideName } from './marks.ts'

/** The part of a call's context that a storage needs. */
export type Caller = Pick<CallContext, 'signal'> & Partial<Pick<CallContext, 'progress'>>

/** One of the two storages, by the keys of the storage over both. Its calls pass the layers of its storage: tries, timeouts, traces. */
export class Side {
  readonly title: SideName
  readonly storage: AnyStorage

  constructor(title: SideName, storage: AnyStorage) {
    this.title = title
    this.storage = storage
  }

  get driver(): Driver {
    return this.storage.calls.driver
  }

  get features(): Driver['features'] {
    return this.storage.features
  }

  ref(key: string): FileRef {
    return new NamedFile(this.storage, key, this.storage.prefix + key)
  }

  /** The file as an argument of the storage's methods. It means exactly this key, also where the name is not in its normal form. */
  entry(key: string): Entry {
    return listedEntry(this.storage, { size: 0, key: this.storage.prefix + key }, false)
  }

  /** Whether a file of this key can be written by its name. */
  canName(key: string): boolean {
    const { storage } = this
    try {
      return storage.keyOf(key) === storage.prefix + key
    } catch {
      return false
    }
  }

  async stat(key: string, { signal }: Caller, versionId?: string): Promise<Stat> {
    versionOf(this.storage, key, { versionId })
    const { name: _, isDirectory, ...stat } = await this.storage.stat(this.entry(key), { signal, versionId })
    return this.#marked({ ...stat, ...(isDirectory && { isDirectory }) })
  }

  /** Like `stat`; undefined if the file is missing. */
  async find(key: string, caller: Caller): Promise<Stat | undefined> {
    try {
      return await this.stat(key, caller)
    } catch (error) {
      if (isStorageError(error, 'not_found', 'not_a_directory')) return undefined
      throw error
    }
  }

  async read(key: string, { range, ifMatch, versionId }: ReadOptions, { signal }: Caller): Promise<ReadResult> {
    const { calls } = this.storage
    const ref = this.ref(key)
    const { objectParameters } = ref
    const condition = this.features.ifMatch ? ifMatch : undefined
    const options = { range, ifMatch: condition, versionId, objectParameters }
    const result = await calls.run('read', ref, { signal, range }, ctx => calls.driver.read(ref.key, options, ctx))
    return { ...result, stat: result.stat && this.#marked(result.stat) }
  }

  /** Writes content with the conditions in the options, which are those of this storage. */
  async write(key: string, content: Content, given: WriteOptions, caller: Caller): Promise<Stat | undefined> {
    const { storage } = this
    const { ifAbsent, isNew, ifMatch, extra, onProgress } = given
    const ref = this.ref(key)
    const write = {
      ...storage.writeOptions(ref, content, { ...attributesOf(given), extra }),
      ...{ ifAbsent, isNew, ifMatch },
    }
    const report = ({ loaded }: { readonly loaded: number }): void => {
      caller.progress?.()
      onProgress?.(loaded)
    }
    return writeContent(storage, ref, content, write, { signal: caller.signal, onProgress: report })
  }

  async delete(key: string, ifMatch: string | undefined, { signal }: Caller): Promise<void> {
    await deleteOne(this.storage, this.ref(key), { signal, ifMatch })
  }

  /** Deletes many files; the result has the error of each one that failed. */
  async deleteMany(keys: readonly string[], { signal }: Caller): Promise<readonly DeleteResult[]> {
    if (keys.length === 0) return []
    const { errors } = await this.storage.deleteMany(
      keys.map(key => this.entry(key)),
      { signal },
    )
    const failed = new Map(errors.map(({ name, error }) => [name, error]))
    return keys.map(key => ({ key, error: failed.get(this.storage.nameOf(this.storage.prefix + key)) }))
  }

  async list(prefix: string, page: PageRequest, { signal }: Caller): Promise<Page> {
    const { calls, prefix: own } = this.storage
    const { objectParameters } = this.ref(prefix)
    const { startAfter, until } = page
    const request = {
      ...page,
      objectParameters,
      startAfter: startAfter === undefined ? undefined : own + startAfter,
      until: until === undefined ? undefined : own + until,
    }
    const key = own + prefix
    const found = await calls.run('list', { name: prefix, key }, { signal }, ctx =>
      calls.driver.list(key, request, ctx),
    )
    return {
      files: found.files.map(file => ({ ...this.#marked(file), key: this.#keyOf(file.key) })),
      directories: found.directories.map(directory => this.#keyOf(directory)),
      next: found.next,
    }
  }

  /** The error of a call in this storage after the other one was changed. Its code never makes a save try another name. */
  failure(error: unknown, done: string): StorageError {
    const { code, message, retryable = false } = this.storage.calls.failure(error, 'write', undefined)
    const isCondition = code === 'exists' || code === 'is_directory' || code === 'precondition_failed'
    return new StorageError(isCondition ? 'unknown' : code, `${done}, but '${this.title}' failed: ${message}`, {
      cause: error,
      retryable,
      outcome: 'unknown',
    })
  }

  #keyOf(key: string): string {
    const { prefix } = this.storage
    return key.startsWith(prefix) ? key.slice(prefix.length) : key
  }

  #marked<T extends { readonly etag?: string | undefined; readonly versionId?: string | undefined }>(stat: T): T {
    const { etag, versionId } = stat
    return {
      ...stat,
      ...(etag !== undefined && { etag: marked(this.title, etag) }),
      ...(versionId !== undefined && { versionId: marked(this.title, versionId) }),
    }
  }
}

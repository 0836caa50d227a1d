import { type BigIntStats, constants } from 'node:fs'
import { copyFile, type FileHandle, lstat, open, rmdir, stat, unlink } from 'node:fs/promises'
import { Readable } from 'node:stream'
import type { Content } from '../../core/content.ts'
import type {
  CallContext,
  CopyOptions,
  Driver,
  Features,
  FileAttributes,
  HandleFlags,
  Page,
  PageRequest,
  RandomAccess,
  ReadOptions,
  ReadResult,
  SignUrlOptions,
  Stat,
  WriteOptions,
} from '../../core/driver.ts'
import { type ErrorCode, StorageError } from '../../core/errors.ts'
import { joinUrl } from '../../core/urls.ts'
import { etagOf, syncFolder } from './atomic-write.ts'
import { classifyErrno, errnoOf, unless } from './errno.ts'
import { openForWriting, ReadHandle, writeAll } from './handle.ts'
import { Listing } from './listing.ts'
import { type Place, Root } from './paths.ts'
import { dropTemporary, openTemporary, publishFile, publishTemporary, type WritePolicy } from './publication.ts'
import type { LocalOptions } from './settings.ts'
import { guessedAttributes, readSidecar, removeSidecar } from './sidecar.ts'
import { UrlSigner } from './signed-urls.ts'
import { statOf } from './stat.ts'

/** Reads of at most so many bytes are made at once, without a stream over the open file. */
const SMALL_READ = 65_536
const NOFOLLOW = constants.O_NOFOLLOW ?? 0
const READ_FLAGS = constants.O_RDONLY | NOFOLLOW | (constants.O_NONBLOCK ?? 0)
const LINK_ERRORS: ReadonlySet<string> = new Set(['ELOOP', 'EMLINK'])

/** What the driver needs of the storage's options. */
export type LocalDriverOptions = Pick<
  LocalOptions,
  'location' | 'baseUrl' | 'filePermissionsMode' | 'directoryPermissionsMode' | 'keepMetadata' | 'urlSecret' | 'fsync'
>

interface OpenFile {
  readonly handle: FileHandle
  readonly stats: BigIntStats
  readonly place: Place
}

/**
 * Files below one folder of this machine. Every write goes to a temporary file beside its target and is published by one rename or
 * link. Symbolic links are followed only as long as they stay inside the folder.
 */
export class LocalDriver implements Driver {
  readonly name = 'local'
  readonly features: Features
  /** Present when there is a `baseUrl`. */
  readonly publicUrl?: (key: string) => string
  /** Present when there are a `baseUrl` and a `urlSecret`. */
  readonly signUrl?: (key: string, options: SignUrlOptions) => Promise<string>
  readonly #root: Root
  readonly #policy: WritePolicy
  readonly #listing: Listing

  constructor(options: LocalDriverOptions) {
    const { baseUrl, urlSecret, keepMetadata } = options
    this.#root = new Root(options.location, options.directoryPermissionsMode, options.fsync)
    this.#policy = options
    this.#listing = new Listing(this.#root, keepMetadata)
    this.features = { ranges: true, exclusiveCreate: true, ifMatch: true, metadata: keepMetadata }
    if (baseUrl === null) return
    this.publicUrl = key => joinUrl(baseUrl, key)
    if (urlSecret === null) return
    const signer = new UrlSigner(urlSecret)
    this.signUrl = async (key, request) => `${joinUrl(baseUrl, key)}?${signer.sign(key, request)}`
  }

  /** The absolute path of a key; nothing is looked up. */
  localPath(key: string): string {
    return this.#root.lexical(key)
  }

  /** Times, size and etag; for a folder `isDirectory`. */
  async stat(key: string, ctx: CallContext): Promise<Stat> {
    ctx.signal.throwIfAborted()
    if (key === '') return statOf(await stat(this.#root.path, { bigint: true }), {})
    const place = await this.#root.place(withoutSlash(key))
    const stats = await this.#statPlace(place)
    if (key.endsWith('/') && !stats.isDirectory()) throw new StorageError('not_found', `There is no folder '${key}'.`)
    return statOf(stats, stats.isDirectory() ? {} : await this.#attributes(place, stats))
  }

  /** Small answers are read at once; a `start` behind the last byte is `invalid_range`. */
  async read(key: string, options: ReadOptions, ctx: CallContext): Promise<ReadResult> {
    ctx.signal.throwIfAborted()
    const { handle, stats, place } = await this.#openFile(key)
    try {
      const etag = etagOf(stats)
      if (options.ifMatch !== undefined && options.ifMatch !== etag) {
        throw new StorageError('precondition_failed', `'${key}' has changed.`)
      }
      const known = statOf(stats, await this.#attributes(place, stats))
      const { start = 0, end = known.size } = options.range ?? {}
      if (start > 0 && start >= known.size) {
        throw new StorageError('invalid_range', `'${key}' has ${known.size} bytes; none at ${start}.`)
      }
      const length = Math.max(0, Math.min(end, known.size) - start)
      if (length > SMALL_READ) {
        const body = handle.createReadStream({ start, end: start + length - 1, highWaterMark: 262_144 })
        return { body, stat: known }
      }
      const bytes = await readFully(handle, start, length)
      await handle.close()
      ctx.progress()
      return { body: readableOf(bytes), stat: known }
    } catch (error) {
      await handle.close().catch(() => undefined)
      throw error
    }
  }

  /** Makes missing folders; a file in their way is `not_a_directory`. */
  write(key: string, content: Content, options: WriteOptions, ctx: CallContext): Promise<Stat> {
    return this.#writing(key, async place => {
      if (content.temporaryPath !== undefined) {
        const moved = await this.#takeTemporary(content.temporaryPath, place, options, ctx)
        if (moved !== undefined) return moved
      }
      const temporary = await openTemporary(place.folder, this.#policy)
      try {
        if (content.bytes !== undefined) {
          await writeAll(temporary.handle, content.bytes, null)
          ctx.progress()
          options.onProgress?.(content.bytes.byteLength)
        } else {
          await pump(content, temporary.handle, options, ctx)
        }
        ctx.signal.throwIfAborted()
        return await publishTemporary(temporary, place, options, this.#policy)
      } catch (error) {
        await dropTemporary(temporary)
        throw error
      }
    })
  }

  /** Removes a file, a link (never what it points to) or an empty folder; a folder that is not empty is `is_directory`. */
  async delete(key: string, ctx: CallContext): Promise<void> {
    ctx.signal.throwIfAborted()
    if (key === '') throw new StorageError('invalid_argument', 'The name must be given to delete().')
    const place = await unless(['ENOENT', 'ENOTDIR'], this.#root.place(withoutSlash(key)))
    if (place === undefined) return
    const stats = await unless(['ENOENT', 'ENOTDIR'], lstat(place.path, { bigint: true }))
    if (stats === undefined || (key.endsWith('/') && !stats.isDirectory())) return
    await unless(['ENOENT'], stats.isDirectory() ? rmdir(place.path) : unlink(place.path))
    if (this.#policy.keepMetadata && stats.isFile()) await removeSidecar(place, stats)
    if (this.#policy.fsync) await syncFolder(place.folder)
  }

  /** One page in the file system's order, sorted within itself; see `Listing`. */
  async list(prefix: string, page: PageRequest, ctx: CallContext): Promise<Page> {
    ctx.signal.throwIfAborted()
    return this.#listing.page(prefix, page, ctx.signal)
  }

  /** Copies within the file system, sharing blocks where it can; attributes come along unless given anew. */
  async copy(from: string, to: string, options: CopyOptions, ctx: CallContext): Promise<Stat> {
    ctx.signal.throwIfAborted()
    const { handle, stats, place: source } = await this.#openFile(from)
    await handle.close()
    const merged = await this.#inherited(source, stats, options)
    return this.#writing(to, async place => {
      const temporary = await openTemporary(place.folder, this.#policy)
      try {
        await copyFile(source.path, temporary.path, constants.COPYFILE_FICLONE)
        return await publishTemporary(temporary, place, merged, this.#policy)
      } catch (error) {
        await dropTemporary(temporary)
        throw error
      }
    })
  }

  /** Renames where it can, else copies and deletes. */
  async move(from: string, to: string, options: CopyOptions, ctx: CallContext): Promise<Stat> {
    ctx.signal.throwIfAborted()
    const { handle, stats, place: source } = await this.#openFile(from)
    await handle.close()
    const named = await this.#root.place(from)
    if (source.path !== named.path) return this.#copyAndDelete(from, to, options, ctx)
    const merged = await this.#inherited(source, stats, options)
    if (from === to) {
      if (options.ifAbsent === true) throw new StorageError('exists', `'${to}' exists.`)
      return statOf(stats, await this.#attributes(source, stats))
    }
    try {
      return await this.#writing(to, async place => {
        ctx.signal.throwIfAborted()
        const moved = await publishFile(source.path, stats, place, merged, this.#policy)
        if (this.#policy.keepMetadata) await removeSidecar(source, stats)
        if (this.#policy.fsync && source.folder !== place.folder) await syncFolder(source.folder)
        return moved
      })
    } catch (error) {
      if (errnoOf(error) !== 'EXDEV') throw error
      return this.#copyAndDelete(from, to, options, ctx)
    }
  }

  /** Reads in place; writes go to a temporary file that `commit` publishes. */
  async openHandle(key: string, flags: HandleFlags, options: WriteOptions, ctx: CallContext): Promise<RandomAccess> {
    ctx.signal.throwIfAborted()
    if (!flags.write) {
      return new ReadHandle((await this.#openFile(key)).handle)
    }
    const source = await unless(['ENOENT', 'ENOTDIR'], this.#openFile(key))
    await source?.handle.close()
    if (source === undefined && !flags.create) throw new StorageError('not_found', `'${key}' does not exist.`)
    return this.#writing(key, place => openForWriting(place, source?.place.path, flags, options, this.#policy))
  }

  /** Makes the folder. */
  async createContainer(): Promise<void> {
    await this.#root.makeFolders([])
  }

  /** Closes listings that were not read to their end. */
  async close(): Promise<void> {
    this.#listing.close()
  }

  classify(error: unknown): ErrorCode | undefined {
    return classifyErrno(error)
  }

  /** Runs `work` at a place whose folders exist, again when somebody removed a just made one. */
  async #writing<T>(key: string, work: (place: Place) => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await work(await this.#root.placeForWriting(key))
      } catch (error) {
        if (errnoOf(error) === 'ENOTDIR') throw await this.#root.notAFolder(key, error)
        if (errnoOf(error) !== 'ENOENT' || attempt === 3 || !(await this.#folderIsGone(key))) throw error
      }
    }
  }

  async #folderIsGone(key: string): Promise<boolean> {
    const place = await unless(['ENOENT'], this.#root.place(key))
    return place === undefined || (await unless(['ENOENT'], stat(place.folder))) === undefined
  }

  async #statPlace(place: Place): Promise<BigIntStats> {
    const stats = await lstat(place.path, { bigint: true })
    return stats.isSymbolicLink() ? stat(await this.#root.confine(place.path), { bigint: true }) : stats
  }

  async #openFile(key: string): Promise<OpenFile> {
    if (key === '') throw new StorageError('is_directory', 'The storage’s own folder is no file.')
    const place = await this.#root.place(key)
    const { handle, path } = await this.#openConfined(place.path)
    try {
      const stats = await handle.stat({ bigint: true })
      if (stats.isDirectory()) throw new StorageError('is_directory', `'${key}' is a directory.`)
      if (!stats.isFile()) throw new StorageError('unsupported', `'${key}' is no regular file.`)
      return { handle, stats, place: { ...place, path } }
    } catch (error) {
      await handle.close()
      throw error
    }
  }

  async #openConfined(path: string): Promise<{ handle: FileHandle; path: string }> {
    try {
      const target = NOFOLLOW === 0 ? await this.#root.confine(path) : path
      return { handle: await open(target, READ_FLAGS), path: target }
    } catch (error) {
      if (!LINK_ERRORS.has(errnoOf(error) ?? '')) throw error
      const target = await this.#root.confine(path)
      return { handle: await open(target, READ_FLAGS), path: target }
    }
  }

  #attributes(place: Place, stats: BigIntStats): Promise<FileAttributes> | FileAttributes {
    return this.#policy.keepMetadata ? readSidecar(place, stats) : guessedAttributes(place.base)
  }

  async #inherited(source: Place, stats: BigIntStats, options: CopyOptions): Promise<CopyOptions> {
    if (!this.#policy.keepMetadata) return options
    const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined))
    return { ...(await readSidecar(source, stats)), ...given }
  }

  async #copyAndDelete(from: string, to: string, options: CopyOptions, ctx: CallContext): Promise<Stat> {
    const copied = await this.copy(from, to, options, ctx)
    await this.delete(from, ctx)
    return copied
  }

  /** Moves an upload's temporary file here; undefined when it is on another file system and has to be copied. */
  async #takeTemporary(
    path: string,
    target: Place,
    options: WriteOptions,
    ctx: CallContext,
  ): Promise<Stat | undefined> {
    const handle = await open(path, READ_FLAGS)
    try {
      const stats = await handle.stat({ bigint: true })
      const folder = await stat(target.folder, { bigint: true })
      if (!stats.isFile() || stats.nlink !== 1n || stats.dev !== folder.dev) return undefined
      if (this.#policy.filePermissionsMode !== null) await handle.chmod(this.#policy.filePermissionsMode)
      if (this.#policy.fsync) await handle.sync()
      ctx.signal.throwIfAborted()
      const moved = await unless(['EXDEV'], publishFile(path, stats, target, options, this.#policy))
      if (moved !== undefined) options.onProgress?.(moved.size)
      return moved
    } finally {
      await handle.close()
    }
  }
}

function withoutSlash(key: string): string {
  return key.endsWith('/') ? key.slice(0, -1) : key
}

async function pump(content: Content, handle: FileHandle, options: WriteOptions, ctx: CallContext): Promise<void> {
  const source = content.open()
  const chunks = source[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>
  const { promise: ended, reject } = Promise.withResolvers<never>()
  ended.catch(() => undefined)
  const abort = () => reject(ctx.signal.reason)
  if (ctx.signal.aborted) abort()
  ctx.signal.addEventListener('abort', abort, { once: true })
  let done = 0
  try {
    for (;;) {
      // A source that hangs does not even end when it is destroyed, so the abort is awaited beside it.
      const next = await Promise.race([chunks.next(), ended])
      if (next.done === true) break
      await writeAll(handle, next.value, null)
      done += next.value.byteLength
      ctx.progress()
      options.onProgress?.(done)
    }
  } finally {
    ctx.signal.removeEventListener('abort', abort)
    if (!source.destroyed) source.on('error', () => undefined).destroy()
  }
  if (content.size !== undefined && content.size !== done) {
    throw new StorageError('invalid_argument', `The content gave ${done} bytes instead of ${content.size}.`)
  }
}

async function readFully(handle: FileHandle, start: number, length: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafeSlow(length)
  let done = 0
  while (done < length) {
    const { bytesRead } = await handle.read(buffer, done, length - done, start + done)
    if (bytesRead === 0) break
    done += bytesRead
  }
  return buffer.subarray(0, done)
}

function readableOf(bytes: Buffer): Readable {
  return new Readable({
    read() {
      if (bytes.byteLength > 0) this.push(bytes)
      this.push(null)
    },
  })
}

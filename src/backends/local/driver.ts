import { type BigIntStats, constants } from 'node:fs'
import { copyFile, lstat, open, rmdir, stat, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { type Content, contentChunks } from '../../core/content.ts'
import type {
  CallContext,
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
import { classifyErrno, errnoOf, unless } from '../../core/errno.ts'
import { type ErrorCode, StorageError, withOutcome, wrapError } from '../../core/errors.ts'
import { joinUrl } from '../../core/urls.ts'
import { syncFolder } from './atomic-write.ts'
import { bodyOf } from './body.ts'
import { openForWriting, ReadHandle, writeAll } from './handle.ts'
import { Listing } from './listing.ts'
import { type OpenFile, openFile, READ_FLAGS, statPlace, withAttributes } from './open-file.ts'
import { type Place, Root, withoutSlash } from './paths.ts'
import { beating, publishFile, publishTemporary, type WritePolicy, withTemporary } from './publication.ts'
import type { LocalOptions } from './settings.ts'
import { removeSidecar } from './sidecar.ts'
import { UrlSigner } from './signed-urls.ts'
import { statOf } from './stat.ts'
import { emptyFolder, sweepTree } from './sweep.ts'

/** What a rename says between two file systems. */
const OTHER_DEVICE = 'EXDEV'
/** Age in milliseconds at which leftovers in a folder that is being deleted are taken for such. */
const LEFTOVER_MS = 60_000

/** What the driver needs of the storage's options. */
export type LocalDriverOptions = Pick<
  LocalOptions,
  'location' | 'baseUrl' | 'filePermissionsMode' | 'directoryPermissionsMode' | 'keepMetadata' | 'urlSecret' | 'fsync'
>

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

  /** The absolute path with every link on the way resolved. */
  async address(key: string): Promise<string> {
    const real = unless(
      ['ENOENT', 'ENOTDIR'],
      this.#root.within(key, async ({ anchor, base }) => join(anchor.real, base)),
    )
    return (await real) ?? this.#root.lexical(key)
  }

  /** Times, size and etag; for a folder `isDirectory`. */
  async stat(key: string, ctx: CallContext): Promise<Stat> {
    ctx.signal.throwIfAborted()
    if (key === '') return statOf(await stat(this.#root.path, { bigint: true }), {})
    return this.#root.within(withoutSlash(key), async place => {
      const look = () => statPlace(this.#root, place)
      const [{ stats }, attributes] = await withAttributes(place, this.#policy.keepMetadata, look)
      if (key.endsWith('/') && !stats.isDirectory()) throw new StorageError('not_found', `There is no folder '${key}'.`)
      return statOf(stats, attributes)
    })
  }

  /** Small answers are read at once; a `start` behind the last byte is `invalid_range`. */
  async read(key: string, options: ReadOptions, ctx: CallContext): Promise<ReadResult> {
    ctx.signal.throwIfAborted()
    return this.#reading(key, async (place, look, drop) => {
      const [{ handle, stats }, attributes] = await withAttributes(place, this.#policy.keepMetadata, look, drop)
      return bodyOf(key, handle, statOf(stats, attributes), options, ctx)
    })
  }

  /** Makes missing folders; a file in their way is `not_a_directory`. */
  write(key: string, content: Content, options: WriteOptions, ctx: CallContext): Promise<Stat> {
    return this.#writing(key, async place => {
      if (content.temporaryPath !== undefined) {
        const moved = await this.#takeTemporary(content.temporaryPath, place, options, ctx)
        if (moved !== undefined) return moved
      }
      return withTemporary(place.folder, this.#policy, async temporary => {
        if (content.bytes !== undefined) {
          await writeAll(temporary.handle, content.bytes, null)
          ctx.progress()
          options.onProgress?.(content.bytes.byteLength)
        } else {
          for await (const chunk of contentChunks(content, ctx, options.onProgress)) {
            await writeAll(temporary.handle, chunk, null)
          }
        }
        return publishTemporary(temporary, place, options, this.#policy, ctx)
      })
    })
  }

  /** Removes a file, a link (never what it points to) or an empty folder; a folder that is not empty is `is_directory`. */
  async delete(key: string, ctx: CallContext): Promise<void> {
    ctx.signal.throwIfAborted()
    if (key === '') throw new StorageError('invalid_argument', 'The name must be given to delete().')
    const missing = ['ENOENT', 'ENOTDIR']
    const remove = this.#root.within(withoutSlash(key), async place => {
      const stats = await lstat(place.path, { bigint: true })
      if (key.endsWith('/') && !stats.isDirectory()) return
      await (stats.isDirectory() ? this.#removeFolder(key, place.path) : unlink(place.path))
      if (this.#policy.keepMetadata && stats.isFile()) await removeSidecar(place, stats)
      if (this.#policy.fsync) await syncFolder(place.folder)
    })
    await unless(missing, remove)
  }

  /** One page in the file system's order, sorted within itself; see `Listing`. */
  async list(prefix: string, page: PageRequest, ctx: CallContext): Promise<Page> {
    ctx.signal.throwIfAborted()
    return this.#listing.page(prefix, page, ctx.signal)
  }

  /** Copies within the file system, sharing blocks where it can; attributes come along unless given anew. */
  async copy(from: string, to: string, options: WriteOptions, ctx: CallContext): Promise<Stat> {
    ctx.signal.throwIfAborted()
    const { source, write } = await this.#reading(from, async (place, look, drop) => {
      const [source, attributes] = await withAttributes(place, this.#policy.keepMetadata, look, drop)
      return { source, write: this.#inherited(attributes, options) }
    })
    try {
      return await this.#writing(to, place =>
        withTemporary(place.folder, this.#policy, async temporary => {
          await beating(copyFile(source.path, temporary.path, constants.COPYFILE_FICLONE), ctx)
          return publishTemporary(temporary, place, write, this.#policy, ctx)
        }),
      )
    } finally {
      await source.handle.close()
    }
  }

  /** Renames where it can, else copies and deletes. */
  async move(from: string, to: string, options: WriteOptions, ctx: CallContext): Promise<Stat> {
    ctx.signal.throwIfAborted()
    const moved = await this.#reading(from, async (place, look, drop) => {
      const [source, attributes] = await withAttributes(place, this.#policy.keepMetadata, look, drop)
      await source.handle.close()
      if (source.linked) return undefined
      if (from === to) {
        if (options.ifAbsent === true) throw new StorageError('exists', `'${to}' exists.`)
        return statOf(source.stats, attributes)
      }
      const write = this.#inherited(attributes, options)
      return unless([OTHER_DEVICE], this.#rename(place, source.stats, to, write, ctx))
    })
    if (moved !== undefined) return moved
    const copied = await this.copy(from, to, options, ctx)
    await this.delete(from, ctx).catch(error => {
      const details = { operation: 'move', fileName: from, backend: this.name }
      throw withOutcome(wrapError(error, details, classifyErrno), 'unknown')
    })
    return copied
  }

  /** Reads in place; writes go to a temporary file that `commit` publishes. */
  async openHandle(key: string, flags: HandleFlags, options: WriteOptions, ctx: CallContext): Promise<RandomAccess> {
    ctx.signal.throwIfAborted()
    const opened = this.#reading(key, (_place, look) => look())
    if (!flags.write) return new ReadHandle((await opened).handle)
    const source = await unless(['ENOENT', 'ENOTDIR'], opened)
    try {
      if (source === undefined && !flags.create) throw new StorageError('not_found', `'${key}' does not exist.`)
      return await this.#retried(key, async () => {
        const place = await this.#root.placeMade(key)
        return openForWriting(place, source, flags, options, this.#policy, ctx).catch(error => {
          place.anchor.release()
          throw place.anchor.explain(error)
        })
      })
    } finally {
      await source?.handle.close()
    }
  }

  /** Makes the folder. */
  async createContainer(ctx: CallContext): Promise<void> {
    ctx.signal.throwIfAborted()
    await this.#root.makeFolders([])
  }

  /** Removes what killed processes have left anywhere in the storage, older than `minAgeMs`; gives how many files. */
  sweep(minAgeMs: number, ctx: CallContext): Promise<number> {
    return sweepTree(this.#root, minAgeMs, ctx)
  }

  /** Closes listings that were not read to their end. */
  async close(): Promise<void> {
    await this.#listing.close()
  }

  classify(error: unknown): ErrorCode | undefined {
    return classifyErrno(error)
  }

  /** Runs `work` at the place of a file, with a way to open it, as often as it takes, and to close it again. */
  #reading<T>(
    key: string,
    work: (place: Place, look: () => Promise<OpenFile>, drop: (file: OpenFile) => Promise<void>) => Promise<T>,
  ): Promise<T> {
    if (key === '') throw new StorageError('is_directory', 'The storage’s own folder is no file.')
    return this.#root.within(key, place =>
      work(
        place,
        () => openFile(this.#root, place),
        file => file.handle.close(),
      ),
    )
  }

  /** Runs `work` at a place whose folders exist. */
  #writing<T>(key: string, work: (place: Place) => Promise<T>): Promise<T> {
    return this.#retried(key, () => this.#root.withinMade(key, work))
  }

  /** Again when somebody removed a folder that was just found or made. */
  async #retried<T>(key: string, work: () => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await work()
      } catch (error) {
        if (errnoOf(error) === 'ENOTDIR') throw await this.#root.notAFolder(key, error)
        if (errnoOf(error) !== 'ENOENT' || attempt === 3 || !(await this.#root.isGone(key))) throw error
      }
    }
  }

  async #rename(source: Place, stats: BigIntStats, to: string, write: WriteOptions, ctx: CallContext): Promise<Stat> {
    const { keepMetadata, fsync } = this.#policy
    return this.#writing(to, async place => {
      ctx.signal.throwIfAborted()
      const moved = await publishFile(source.path, stats, place, write, this.#policy)
      // Two names of one inode: a rename of one onto the other does nothing. (rename(2))
      if (stats.nlink > 1n) await this.#unlinkSame(source.path, stats)
      if (keepMetadata) await removeSidecar(source, stats)
      if (fsync && source.anchor.real !== place.anchor.real) await syncFolder(source.folder)
      return moved
    })
  }

  async #unlinkSame(path: string, stats: BigIntStats): Promise<void> {
    const left = await unless(['ENOENT'], lstat(path, { bigint: true }))
    if (left?.ino === stats.ino && left.dev === stats.dev) await unless(['ENOENT'], unlink(path))
  }

  /** A folder that holds nothing but what killed processes left is empty to everybody. */
  async #removeFolder(key: string, path: string): Promise<void> {
    try {
      await rmdir(path)
    } catch (error) {
      if (classifyErrno(error) !== 'is_directory' && errnoOf(error) !== 'EEXIST') throw error
      const folder = await this.#root.folder(key.endsWith('/') ? key : `${key}/`)
      try {
        await emptyFolder(folder.path, LEFTOVER_MS)
      } finally {
        folder.release()
      }
      await rmdir(path)
    }
  }

  #inherited(kept: FileAttributes, options: WriteOptions): WriteOptions {
    if (!this.#policy.keepMetadata) return options
    const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined))
    return { ...kept, ...given }
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
      if (this.#policy.fsync) await beating(handle.sync(), ctx)
      ctx.signal.throwIfAborted()
      const moved = await unless([OTHER_DEVICE], publishFile(path, stats, target, options, this.#policy))
      if (moved !== undefined) options.onProgress?.(moved.size)
      return moved
    } finally {
      await handle.close()
    }
  }
}

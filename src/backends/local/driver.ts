import type { BigIntStats } from 'node:fs'
import { open, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { CallContext } from '../../core/call.ts'
import { type Content, contentChunks } from '../../core/content.ts'
import type {
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
import { writeAll } from '../../files/write-all.ts'
import type { Anchor } from './anchor.ts'
import { unlinkSame } from './atomic-write.ts'
import { bodyOf } from './body.ts'
import { closeRead, copyBytes } from './bytes.ts'
import { explain } from './explain.ts'
import { openForWriting, ReadHandle } from './handle.ts'
import { Listing } from './listing.ts'
import { type OpenFile, openFile, statPlace, withAttributes } from './open-file.ts'
import { READ_FLAGS } from './own-file.ts'
import { type Place, withoutSlash } from './place.ts'
import { beating, publishFile, publishTemporary, syncPublished, type WritePolicy } from './publication.ts'
import { remove } from './removal.ts'
import { type Finding, Root } from './root.ts'
import type { LocalOptions } from './settings.ts'
import { removeSidecar } from './sidecar.ts'
import { UrlSigner } from './signed-urls.ts'
import { statOf } from './stat.ts'
import { sweepTree } from './sweep.ts'
import { withTemporary } from './temporary.ts'

/** What a rename says between two file systems. */
const OTHER_DEVICE = 'EXDEV'

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
    this.features = { ranges: true, exclusiveCreate: true, ifMatch: true, metadata: keepMetadata, listRange: true }
    if (baseUrl === null) return
    this.publicUrl = key => joinUrl(baseUrl, key)
    if (urlSecret === null) return
    const signer = new UrlSigner(urlSecret, baseUrl)
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
    if (key === '') return this.#root.held(async at => statOf(await stat(at.path, { bigint: true }), {}))
    return this.#root.looking(withoutSlash(key), async place => {
      const look = () => statPlace(this.#root, place)
      const [{ stats }, attributes] = await withAttributes(place, this.#policy.keepMetadata, look)
      if (key.endsWith('/') && !stats.isDirectory()) throw new StorageError('not_found', `There is no folder '${key}'.`)
      return statOf(stats, attributes)
    })
  }

  /** Small answers are read at once; a `start` behind the last byte is `invalid_range`. */
  async read(key: string, options: ReadOptions, ctx: CallContext): Promise<ReadResult> {
    ctx.signal.throwIfAborted()
    return this.#reading(key, undefined, async (place, look, drop) => {
      const [{ handle, stats }, attributes] = await withAttributes(place, this.#policy.keepMetadata, look, drop)
      return bodyOf(key, handle, statOf(stats, attributes), options, ctx)
    })
  }

  /** Makes missing folders; a file in their way is `not_a_directory`. */
  write(key: string, content: Content, options: WriteOptions, ctx: CallContext): Promise<Stat> {
    const write = async (place: Place): Promise<Stat> => {
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
    }
    return this.#writing(key, write, { brief: content.bytes !== undefined })
  }

  /** Removes a file, a link (never what it points to) or an empty folder; a folder that is not empty is `is_directory`. */
  async delete(key: string, ctx: CallContext): Promise<void> {
    ctx.signal.throwIfAborted()
    if (key === '') throw new StorageError('invalid_argument', 'The name must be given to delete().')
    await unless(['ENOENT', 'ENOTDIR'], this.#delete(key, { brief: true }))
  }

  /** One page in the order of the keys' UTF-8 bytes; see `Listing`. */
  async list(prefix: string, page: PageRequest, ctx: CallContext): Promise<Page> {
    ctx.signal.throwIfAborted()
    return this.#listing.page(prefix, page, ctx.signal)
  }

  /** Copies within the file system, sharing blocks where it can; attributes come along unless given anew. */
  async copy(from: string, to: string, options: WriteOptions, ctx: CallContext): Promise<Stat> {
    ctx.signal.throwIfAborted()
    return this.#root.held(at => this.#copy(from, to, options, ctx, at))
  }

  /** Renames where it can, else copies and deletes. */
  async move(from: string, to: string, options: WriteOptions, ctx: CallContext): Promise<Stat> {
    ctx.signal.throwIfAborted()
    return this.#root.held(async at => {
      const moved = await this.#reading(from, at, async (place, look, drop) => {
        const [source, attributes] = await withAttributes(place, this.#policy.keepMetadata, look, drop)
        await closeRead(source.handle)
        if (source.linked) return undefined
        if (from === to) {
          if (options.ifAbsent === true) throw new StorageError('exists', `'${to}' exists.`)
          return statOf(source.stats, attributes)
        }
        const write = this.#inherited(attributes, options)
        return unless([OTHER_DEVICE], this.#rename(place, source.stats, from, to, write, ctx, at))
      })
      if (moved !== undefined) return moved
      const copied = await this.#copy(from, to, options, ctx, at)
      await this.#delete(from, { at }).catch(error => this.#left(from, error))
      return copied
    })
  }

  /** Reads in place; writes go to a temporary file that `commit` publishes. */
  async openHandle(key: string, flags: HandleFlags, options: WriteOptions, ctx: CallContext): Promise<RandomAccess> {
    ctx.signal.throwIfAborted()
    if (!flags.write) return new ReadHandle(await this.#reading(key, undefined, (_place, look) => look()))
    if (key === '') throw rootIsNoFile()
    return this.#retried(key, async () => {
      const found = this.#root.found(() => (flags.create ? this.#root.placeMade(key) : this.#root.place(key)))
      const place = flags.create ? await found : await unless(['ENOENT', 'ENOTDIR'], found)
      if (place === undefined) throw missing(key)
      let source: OpenFile | undefined
      try {
        source = await unless(['ENOENT'], openFile(this.#root, place))
        if (source === undefined && !flags.create) throw missing(key)
        return await openForWriting(place, source, flags, options, this.#policy, ctx)
      } catch (error) {
        const explained = explain(error, place)
        place.anchor.release()
        throw explained
      } finally {
        if (source !== undefined) await closeRead(source.handle)
      }
    })
  }

  /** Makes the folder. */
  async createContainer(ctx: CallContext): Promise<void> {
    ctx.signal.throwIfAborted()
    const { folder } = await this.#root.makeFolders([])
    folder.release()
  }

  /** Removes what killed processes have left anywhere in the storage, older than `minAgeMs`; gives how many files. */
  sweep(minAgeMs: number, ctx: CallContext): Promise<number> {
    return sweepTree(this.#root, minAgeMs, ctx).catch(error => {
      throw this.#root.explained(error)
    })
  }

  /** Forgets listings that were not read to their end. */
  async close(): Promise<void> {
    this.#listing.close()
  }

  classify(error: unknown): ErrorCode | undefined {
    return classifyErrno(error)
  }

  async #copy(from: string, to: string, options: WriteOptions, ctx: CallContext, at: Anchor): Promise<Stat> {
    const { source, write } = await this.#reading(from, at, async (place, look, drop) => {
      const [source, attributes] = await withAttributes(place, this.#policy.keepMetadata, look, drop)
      return { source, write: this.#inherited(attributes, options) }
    })
    try {
      return await this.#writing(
        to,
        place =>
          withTemporary(place.folder, this.#policy, async temporary => {
            await beating(copyBytes(source.handle, temporary.handle), ctx)
            return publishTemporary(temporary, place, write, this.#policy, ctx)
          }),
        { at },
      )
    } finally {
      await closeRead(source.handle)
    }
  }

  #delete(key: string, how: Finding): Promise<void> {
    return this.#root.within(withoutSlash(key), place => remove(place, key.endsWith('/'), this.#policy), how)
  }

  /** Runs `work` at the place of a file, with a way to open it, as often as it takes, and to close it again. */
  #reading<T>(
    key: string,
    at: Anchor | undefined,
    work: (place: Place, look: () => Promise<OpenFile>, drop: (file: OpenFile) => Promise<void>) => Promise<T>,
  ): Promise<T> {
    if (key === '') throw rootIsNoFile()
    const reading = (place: Place): Promise<T> =>
      work(
        place,
        () => openFile(this.#root, place),
        file => closeRead(file.handle),
      )
    return at === undefined ? this.#root.looking(key, reading) : this.#root.within(key, reading, { at })
  }

  /** Runs `work` at a place whose folders exist. */
  #writing<T>(key: string, work: (place: Place) => Promise<T>, how: Finding): Promise<T> {
    return this.#retried(key, () => this.#root.withinMade(key, work, how))
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

  async #rename(
    source: Place,
    stats: BigIntStats,
    from: string,
    to: string,
    write: WriteOptions,
    ctx: CallContext,
    at: Anchor,
  ): Promise<Stat> {
    const { keepMetadata, fsync } = this.#policy
    const work = async (place: Place): Promise<Stat> => {
      ctx.signal.throwIfAborted()
      const moved = await publishFile(source.path, stats, place, write, this.#policy)
      // Two names of one inode: a rename of one onto the other does nothing. (rename(2))
      if (stats.nlink > 1n) await unlinkSame(source.path, stats).catch(error => this.#left(from, error))
      if (keepMetadata) await removeSidecar(source, stats)
      if (fsync && source.anchor.real !== place.anchor.real) await syncPublished(source)
      return moved
    }
    return this.#writing(to, work, { at })
  }

  /** The failure of a move that has made the new name and could not remove the old one. */
  #left(from: string, error: unknown): never {
    const details = { operation: 'move', fileName: from, backend: this.name }
    throw withOutcome(wrapError(error, details, classifyErrno), 'unknown')
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
      await closeRead(handle)
    }
  }
}

function missing(key: string): StorageError {
  return new StorageError('not_found', `'${key}' does not exist.`)
}

function rootIsNoFile(): StorageError {
  return new StorageError('is_directory', 'The storage’s own folder is no file.')
}

import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { CallContext } from '../../core/call.ts'
import { type Content, contentChunks } from '../../core/content.ts'
import type {
  DeleteOptions,
  Driver,
  Features,
  HandleFlags,
  Page,
  PageRequest,
  RandomAccess,
  ReadOptions,
  ReadResult,
  SignUrlOptions,
  Stat,
  SweepRequest,
  WriteOptions,
} from '../../core/driver.ts'
import { classifyErrno, unless } from '../../core/errno.ts'
import { type ErrorCode, StorageError } from '../../core/errors.ts'
import { joinUrl } from '../../core/urls.ts'
import { writeAll } from '../../files/write-all.ts'
import { Access, rootIsNoFile } from './access.ts'
import { bodyOf } from './body.ts'
import { closeRead } from './bytes.ts'
import { descriptors } from './descriptors.ts'
import { explain } from './explain.ts'
import { openForWriting, ReadHandle } from './handle.ts'
import { Listing } from './listing.ts'
import { type OpenFile, openFile, statPlace, withAttributes } from './open-file.ts'
import { type Place, withoutSlash } from './place.ts'
import { policyFor, publishTemporary, type WritePolicy } from './publication.ts'
import { localUploads } from './resumable.ts'
import { Root } from './root.ts'
import type { LocalOptions } from './settings.ts'
import { directUpload, UrlSigner } from './signed-urls.ts'
import { statOf } from './stat.ts'
import { sweepTree } from './sweep.ts'
import { takeTemporary } from './taken-file.ts'
import { withTemporary } from './temporary.ts'
import { setTime } from './times.ts'
import { Transfers } from './transfers.ts'

/** The options of the storage that the driver needs. */
export type LocalDriverOptions = Pick<
  LocalOptions,
  'location' | 'baseUrl' | 'filePermissionsMode' | 'directoryPermissionsMode' | 'keepMetadata' | 'urlSecret' | 'fsync'
>

/**
 * Files below one folder of this machine. Every write goes to a temporary file beside its target, which is published with one rename or
 * link. Symbolic links are followed only within the folder.
 */
export class LocalDriver implements Driver {
  readonly name = 'local'
  readonly features: Features
  /** Present if there is a `baseUrl`. */
  readonly publicUrl?: (key: string) => string
  /** Present if there are a `baseUrl` and a `urlSecret`. */
  readonly signUrl?: (key: string, options: SignUrlOptions) => Promise<string>
  /** Present if there are a `baseUrl` and a `urlSecret`: a signed PUT, which `createFileHandler` handles. */
  readonly uploadTarget?: NonNullable<Driver['uploadTarget']>
  readonly resumable: NonNullable<Driver['resumable']>
  readonly #root: Root
  readonly #policy: WritePolicy
  readonly #access: Access
  readonly #transfers: Transfers
  readonly #listing: Listing

  constructor(options: LocalDriverOptions) {
    const { baseUrl, urlSecret, keepMetadata } = options
    this.#root = new Root(options.location, options.directoryPermissionsMode, options.fsync)
    this.#policy = options
    this.#access = new Access(this.#root, options)
    this.#transfers = new Transfers(this.#access)
    this.resumable = localUploads(this.#access, key => this.address(key))
    this.#listing = new Listing(this.#root, keepMetadata)
    this.features = {
      ranges: true,
      exclusiveCreate: true,
      ifMatch: true,
      deleteIfMatch: true,
      metadata: keepMetadata,
      listRange: true,
    }
    if (baseUrl === null) return
    this.publicUrl = key => joinUrl(baseUrl, key)
    if (urlSecret === null) return
    const signer = new UrlSigner(urlSecret, baseUrl)
    const signUrl = async (key: string, request: SignUrlOptions): Promise<string> =>
      `${joinUrl(baseUrl, key)}?${signer.sign(key, request)}`
    this.signUrl = signUrl
    this.uploadTarget = (key, request, limits) => directUpload(key, request, limits, signUrl)
  }

  /** The absolute path of a key. Does no I/O. */
  localPath(key: string): string {
    return this.#root.lexical(key)
  }

  /** The absolute path with every link resolved. */
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
    return descriptors.run(ctx, () => {
      if (key === '') return this.#root.held(async at => statOf(await stat(at.path, { bigint: true }), {}))
      return this.#root.looking(withoutSlash(key), place => this.#statAt(place, key.endsWith('/')))
    })
  }

  /** Small files are read at once. A `start` after the last byte is `invalid_range`. */
  async read(key: string, options: ReadOptions, ctx: CallContext): Promise<ReadResult> {
    ctx.signal.throwIfAborted()
    return descriptors.run(ctx, () =>
      this.#access.reading(key, undefined, async (place, look, drop) => {
        const [{ handle, stats }, attributes] = await withAttributes(place, this.#policy.keepMetadata, look, drop)
        return bodyOf(key, handle, statOf(stats, attributes), options, ctx)
      }),
    )
  }

  /** Makes missing folders; a file in their place is `not_a_directory`. The new file gets the mode of a file that it replaces. */
  async write(key: string, content: Content, options: WriteOptions, ctx: CallContext): Promise<Stat> {
    let isTaken = false
    const write = async (place: Place): Promise<Stat> => {
      const policy = policyFor(place, options, this.#policy)
      if (content.temporaryPath !== undefined) {
        const moved = await takeTemporary(content.temporaryPath, place, options, await policy, ctx)
        if (moved !== undefined) return moved
      }
      // A new file that other users cannot read need not wait for its mode; one with the mode of the umask must.
      const first = this.#policy.filePermissionsMode === null ? await policy : this.#policy
      policy.catch(() => undefined)
      return withTemporary(place.folder, first, async temporary => {
        if (content.bytes !== undefined) {
          await writeAll(temporary.handle, content.bytes, null)
          ctx.progress()
          options.onProgress?.(content.bytes.byteLength)
        } else {
          isTaken = !content.replayable
          for await (const chunk of contentChunks(content, ctx, options.onProgress)) {
            await writeAll(temporary.handle, chunk, null)
          }
        }
        return publishTemporary(temporary, place, options, await policy, ctx)
      })
    }
    const how = { brief: content.bytes !== undefined }
    return descriptors.run(ctx, () => this.#access.writing(key, write, how), { mayRepeat: () => !isTaken })
  }

  /** Removes a file, a link (never its target) or an empty folder. A folder with files is `is_directory`. */
  async delete(key: string, ctx: CallContext, { ifMatch }: DeleteOptions = {}): Promise<void> {
    ctx.signal.throwIfAborted()
    if (key === '') throw new StorageError('invalid_argument', 'The name must be given to delete().')
    if (ifMatch !== undefined) {
      await descriptors.run(ctx, () => this.#access.deleteVersion(key, ifMatch))
      return
    }
    await descriptors.run(ctx, () => unless(['ENOENT', 'ENOTDIR'], this.#access.delete(key, { brief: true })))
  }

  /** One page in the order of the keys' UTF-8 bytes; see `Listing`. */
  async list(prefix: string, page: PageRequest, ctx: CallContext): Promise<Page> {
    ctx.signal.throwIfAborted()
    return descriptors.run(ctx, () => this.#listing.page(prefix, page, ctx.signal))
  }

  /** Copies within the file system, sharing blocks if possible. Attributes that are not set come from the source. */
  async copy(from: string, to: string, options: WriteOptions, ctx: CallContext): Promise<Stat> {
    ctx.signal.throwIfAborted()
    return descriptors.run(ctx, () => this.#transfers.copy(from, to, options, ctx))
  }

  /** Renames if possible, otherwise copies and deletes. */
  async move(from: string, to: string, options: WriteOptions, ctx: CallContext): Promise<Stat> {
    ctx.signal.throwIfAborted()
    return descriptors.run(ctx, () => this.#transfers.move(from, to, options, ctx))
  }

  /** Reads in place; writes go to a temporary file, which `commit` publishes. */
  async openHandle(key: string, flags: HandleFlags, options: WriteOptions, ctx: CallContext): Promise<RandomAccess> {
    ctx.signal.throwIfAborted()
    return descriptors.run(ctx, async () => {
      if (!flags.write) return new ReadHandle(await this.#access.reading(key, undefined, (_place, look) => look()))
      if (key === '') throw rootIsNoFile()
      return this.#access.retried(key, () => this.#openForWriting(key, flags, options, ctx))
    })
  }

  /** In milliseconds; the time of the last access stays. The etag changes. Follows a link only within the folder. */
  async setModifiedAt(key: string, time: Date, ctx: CallContext): Promise<void> {
    ctx.signal.throwIfAborted()
    await descriptors.run(ctx, () =>
      this.#access.reading(key, undefined, (place, look) => setTime(place, time, this.#policy, look)),
    )
  }

  /** Makes the folder. */
  async createContainer(ctx: CallContext): Promise<void> {
    ctx.signal.throwIfAborted()
    const { folder } = await descriptors.run(ctx, () => this.#root.makeFolders([]))
    folder.release()
  }

  /** Removes the leftovers of killed processes in a folder and below it; returns the number of files. */
  async sweep(request: SweepRequest, ctx: CallContext): Promise<number> {
    return descriptors
      .run(ctx, () => sweepTree(this.#root, request, ctx))
      .catch(error => {
        throw this.#root.explained(error)
      })
  }

  /** Discards listings that were not read to their end. */
  async close(): Promise<void> {
    this.#listing.close()
  }

  classify(error: unknown): ErrorCode | undefined {
    return classifyErrno(error)
  }

  async #statAt(place: Place, isFolder: boolean): Promise<Stat> {
    const look = () => statPlace(this.#root, place)
    const [{ stats }, attributes] = await withAttributes(place, this.#policy.keepMetadata, look)
    if (isFolder && !stats.isDirectory()) throw new StorageError('not_found', `There is no folder '${place.base}'.`)
    return statOf(stats, attributes)
  }

  async #openForWriting(
    key: string,
    flags: HandleFlags,
    options: WriteOptions,
    ctx: CallContext,
  ): Promise<RandomAccess> {
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
  }
}

function missing(key: string): StorageError {
  return new StorageError('not_found', `'${key}' does not exist.`)
}

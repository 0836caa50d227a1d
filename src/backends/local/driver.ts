import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { CallContext } from '../../core/call.ts'
import { type Content, contentChunks } from '../../core/content.ts'
import type {
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
import { Transfers } from './transfers.ts'

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
  /** Present when there are a `baseUrl` and a `urlSecret`: a signed PUT, which `createFileHandler` carries out. */
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
    this.features = { ranges: true, exclusiveCreate: true, ifMatch: true, metadata: keepMetadata, listRange: true }
    if (baseUrl === null) return
    this.publicUrl = key => joinUrl(baseUrl, key)
    if (urlSecret === null) return
    const signer = new UrlSigner(urlSecret, baseUrl)
    const signUrl = async (key: string, request: SignUrlOptions): Promise<string> =>
      `${joinUrl(baseUrl, key)}?${signer.sign(key, request)}`
    this.signUrl = signUrl
    this.uploadTarget = (key, request, limits) => directUpload(key, request, limits, signUrl)
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
    return descriptors.run(ctx, () => {
      if (key === '') return this.#root.held(async at => statOf(await stat(at.path, { bigint: true }), {}))
      return this.#root.looking(withoutSlash(key), place => this.#statAt(place, key.endsWith('/')))
    })
  }

  /** Small answers are read at once; a `start` behind the last byte is `invalid_range`. */
  async read(key: string, options: ReadOptions, ctx: CallContext): Promise<ReadResult> {
    ctx.signal.throwIfAborted()
    return descriptors.run(ctx, () =>
      this.#access.reading(key, undefined, async (place, look, drop) => {
        const [{ handle, stats }, attributes] = await withAttributes(place, this.#policy.keepMetadata, look, drop)
        return bodyOf(key, handle, statOf(stats, attributes), options, ctx)
      }),
    )
  }

  /** Makes missing folders; a file in their way is `not_a_directory`. A file that is replaced gives its mode to the new one. */
  async write(key: string, content: Content, options: WriteOptions, ctx: CallContext): Promise<Stat> {
    let isTaken = false
    const write = async (place: Place): Promise<Stat> => {
      const policy = policyFor(place, options, this.#policy)
      if (content.temporaryPath !== undefined) {
        const moved = await takeTemporary(content.temporaryPath, place, options, await policy, ctx)
        if (moved !== undefined) return moved
      }
      // A new file that is closed to others need not wait for its mode; one with the mode of the umask must.
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

  /** Removes a file, a link (never what it points to) or an empty folder; a folder that is not empty is `is_directory`. */
  async delete(key: string, ctx: CallContext): Promise<void> {
    ctx.signal.throwIfAborted()
    if (key === '') throw new StorageError('invalid_argument', 'The name must be given to delete().')
    await descriptors.run(ctx, () => unless(['ENOENT', 'ENOTDIR'], this.#access.delete(key, { brief: true })))
  }

  /** One page in the order of the keys' UTF-8 bytes; see `Listing`. */
  async list(prefix: string, page: PageRequest, ctx: CallContext): Promise<Page> {
    ctx.signal.throwIfAborted()
    return descriptors.run(ctx, () => this.#listing.page(prefix, page, ctx.signal))
  }

  /** Copies within the file system, sharing blocks where it can; attributes come along unless given anew. */
  async copy(from: string, to: string, options: WriteOptions, ctx: CallContext): Promise<Stat> {
    ctx.signal.throwIfAborted()
    return descriptors.run(ctx, () => this.#transfers.copy(from, to, options, ctx))
  }

  /** Renames where it can, else copies and deletes. */
  async move(from: string, to: string, options: WriteOptions, ctx: CallContext): Promise<Stat> {
    ctx.signal.throwIfAborted()
    return descriptors.run(ctx, () => this.#transfers.move(from, to, options, ctx))
  }

  /** Reads in place; writes go to a temporary file that `commit` publishes. */
  async openHandle(key: string, flags: HandleFlags, options: WriteOptions, ctx: CallContext): Promise<RandomAccess> {
    ctx.signal.throwIfAborted()
    return descriptors.run(ctx, async () => {
      if (!flags.write) return new ReadHandle(await this.#access.reading(key, undefined, (_place, look) => look()))
      if (key === '') throw rootIsNoFile()
      return this.#access.retried(key, () => this.#openForWriting(key, flags, options, ctx))
    })
  }

  /** Makes the folder. */
  async createContainer(ctx: CallContext): Promise<void> {
    ctx.signal.throwIfAborted()
    const { folder } = await descriptors.run(ctx, () => this.#root.makeFolders([]))
    folder.release()
  }

  /** Removes what killed processes have left in a folder and below it; returns how many files. */
  async sweep(request: SweepRequest, ctx: CallContext): Promise<number> {
    return descriptors
      .run(ctx, () => sweepTree(this.#root, request, ctx))
      .catch(error => {
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

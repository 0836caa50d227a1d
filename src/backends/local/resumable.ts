import { constants } from 'node:fs'
import { type FileHandle, lstat, open, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import type { CallContext } from '../../core/call.ts'
import type { PartialUpload, ResumableUploads, SavedUpload, WantedParts } from '../../core/direct-uploads.ts'
import type { Stat, WriteOptions } from '../../core/driver.ts'
import { unless } from '../../core/errno.ts'
import { StorageError } from '../../core/errors.ts'
import { ownerOf } from '../../core/hidden-names.ts'
import { writeAll } from '../../files/write-all.ts'
import type { Access } from './access.ts'
import { descriptors } from './descriptors.ts'
import { heldUploads } from './hidden.ts'
import type { Place } from './place.ts'
import { policyFor, publishTemporary } from './publication.ts'
import { openTemporary } from './temporary.ts'

/** Number of bytes that are collected before a write, unless the caller sets another. */
const PART_SIZE = 1024 * 1024
const FLAGS = constants.O_RDWR | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0)

/** Uploads in parts: a hidden file beside the target, to which other processes can append. `address` is the real path of a key. */
export function localUploads(
  access: Access,
  address: (key: string) => Promise<string>,
): ResumableUploads<WriteOptions, Stat> {
  return {
    place: address,
    async begin(key, options, wanted, ctx) {
      ctx.signal.throwIfAborted()
      const id = await descriptors.run(ctx, () =>
        access.writing(
          key,
          async place => {
            const { handle, path } = await openTemporary(place.folder, await policyFor(place, options, access.policy))
            await handle.close()
            return path.slice(place.folder.length + 1)
          },
          { brief: true },
        ),
      )
      return new LocalUpload(access, key, options, { id }, wanted, 0)
    },
    async resume(key, options, saved, wanted, ctx) {
      if (ownerOf(saved.id) === undefined) {
        throw new StorageError('invalid_argument', 'token: it does not name an upload of this storage.')
      }
      const upload = new LocalUpload(access, key, options, saved, wanted, 0)
      await upload.look(ctx)
      return upload
    },
  }
}

/** One upload. Its file is opened for each part, so that a forgotten handle holds no descriptor. */
class LocalUpload implements PartialUpload<Stat> {
  readonly saved: SavedUpload
  readonly partSize: number
  readonly minPart = 1
  readonly align = 1
  readonly holdsLast = false
  readonly #access: Access
  readonly #key: string
  readonly #options: WriteOptions
  #offset: number
  /** Whether a part has failed, of which bytes may be there. */
  #isDoubtful = false

  constructor(
    access: Access,
    key: string,
    options: WriteOptions,
    saved: SavedUpload,
    { partSize = PART_SIZE }: WantedParts,
    offset: number,
  ) {
    this.#access = access
    this.#key = key
    this.#options = options
    this.saved = saved
    this.partSize = partSize
    this.#offset = offset
    heldUploads.add(saved.id)
  }

  get offset(): number {
    return this.#offset
  }

  /** Uses the size of the file as the offset to continue from. */
  async look(ctx: CallContext): Promise<void> {
    await this.#opened(ctx, async handle => {
      this.#offset = (await handle.stat()).size
    })
  }

  async append(chunks: readonly Uint8Array[], _last: boolean, ctx: CallContext): Promise<void> {
    ctx.signal.throwIfAborted()
    await this.#opened(ctx, async handle => {
      const { size } = await handle.stat()
      // Bytes of a part that failed.
      if (this.#isDoubtful && size > this.#offset) await handle.truncate(this.#offset)
      else this.#checkSize(size)
      this.#isDoubtful = true
      let at = this.#offset
      for (const chunk of chunks) {
        await writeAll(handle, chunk, at)
        at += chunk.byteLength
        ctx.progress()
      }
      this.#offset = at
      this.#isDoubtful = false
    })
  }

  async finish(ctx: CallContext): Promise<Stat> {
    const stat = await this.#opened(ctx, async (handle, path, place) => {
      this.#checkSize((await handle.stat()).size)
      const options = this.#options
      const policy = await policyFor(place, options, this.#access.policy)
      return publishTemporary({ handle, path }, place, options, policy, ctx)
    })
    heldUploads.delete(this.saved.id)
    return stat
  }

  async end(ctx: CallContext): Promise<void> {
    const remove = (place: Place): Promise<unknown> => unless(['ENOENT'], unlink(join(place.folder, this.saved.id)))
    await descriptors.run(ctx, () => unless(['ENOENT', 'ENOTDIR'], this.#access.root.within(this.#key, remove)))
    heldUploads.delete(this.saved.id)
  }

  /** `sweep` treats the file by its age, like that of a process that has ended. */
  release(): void {
    heldUploads.delete(this.saved.id)
  }

  /** Two processes that continue one upload at the same time would mix their bytes. */
  #checkSize(size: number): void {
    if (size === this.#offset) return
    const text = `The upload has ${size} bytes where ${this.#offset} were expected: another process writes to it.`
    throw new StorageError('unavailable', text, { outcome: 'not_applied', retryable: false })
  }

  /** Works on the file, without following a link. */
  #opened<T>(ctx: CallContext, work: (handle: FileHandle, path: string, place: Place) => Promise<T>): Promise<T> {
    const inPlace = async (place: Place): Promise<T> => {
      const path = join(place.folder, this.saved.id)
      const handle = await unless(['ENOENT', 'ELOOP', 'EMLINK', 'EISDIR', 'ENXIO'], open(path, FLAGS))
      if (handle === undefined) throw this.#gone()
      try {
        const [opened, named] = await Promise.all([handle.stat(), unless(['ENOENT'], lstat(path))])
        if (!opened.isFile() || named?.ino !== opened.ino || named.nlink !== 1) throw this.#gone()
        return await work(handle, path, place)
      } finally {
        await handle.close().catch(() => undefined)
      }
    }
    return descriptors.run(ctx, async () => {
      const found = await unless(
        ['ENOENT', 'ENOTDIR'],
        this.#access.root.within(this.#key, async place => ({ result: await inPlace(place) })),
      )
      if (found === undefined) throw this.#gone()
      return found.result
    })
  }

  #gone(): StorageError {
    const text = `The upload of '${this.#key}' no longer exists: it was completed, cancelled or swept.`
    return new StorageError('not_found', text)
  }
}

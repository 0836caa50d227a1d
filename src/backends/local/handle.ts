import { type FileHandle, lstat } from 'node:fs/promises'
import type { CallContext } from '../../core/call.ts'
import type { HandleFlags, RandomAccess, WriteOptions } from '../../core/driver.ts'
import { unless } from '../../core/errno.ts'
import { StorageError } from '../../core/errors.ts'
import { notWritable } from '../../files/modes.ts'
import { writeAll } from '../../files/write-all.ts'
import { etagOf } from './atomic-write.ts'
import { closeRead, copyBytes } from './bytes.ts'
import { explain } from './explain.ts'
import type { OpenFile } from './open-file.ts'
import type { Place } from './place.ts'
import { beating, policyLike, publishTemporary, type WritePolicy } from './publication.ts'
import { dropTemporary, type Temporary, withTemporary } from './temporary.ts'

/** Reads of more bytes allocate no more than the file has. */
const LARGE_READ = 65_536
/** Bytes to request at the expected end of a file, in case it has grown. */
const PROBE = 2048

/** Reads a published file in place. The size of the file is looked up again only if it turns out to have grown. */
export class ReadHandle implements RandomAccess {
  readonly #handle: FileHandle
  #end: number

  constructor({ handle, stats }: OpenFile) {
    this.#handle = handle
    this.#end = Number(stats.size)
  }

  async size(): Promise<number> {
    return (await this.#handle.stat()).size
  }

  async read(position: number, length: number, ctx: CallContext): Promise<Buffer> {
    ctx.signal.throwIfAborted()
    const room = roomFor(length, this.#end - position)
    const bytes = await readSome(this.#handle, position, room, ctx)
    if (bytes.byteLength === room && position + room > this.#end) this.#end = await this.size()
    return bytes
  }

  write(): Promise<void> {
    return Promise.reject(notWritable())
  }

  truncate(): Promise<void> {
    return Promise.reject(notWritable())
  }

  commit(): Promise<void> {
    return closeRead(this.#handle)
  }

  discard(): Promise<void> {
    return closeRead(this.#handle)
  }
}

/** Writes to a temporary file beside the target, which `commit` publishes; the changes are invisible before. Holds the target's folder. */
export class WriteHandle implements RandomAccess {
  readonly #temporary: Temporary
  readonly #target: Place
  readonly #options: WriteOptions
  readonly #policy: WritePolicy
  #dirty: boolean

  constructor(temporary: Temporary, target: Place, options: WriteOptions, policy: WritePolicy, dirty: boolean) {
    this.#temporary = temporary
    this.#target = target
    this.#options = options
    this.#policy = policy
    this.#dirty = dirty
  }

  async size(): Promise<number> {
    return (await this.#temporary.handle.stat()).size
  }

  async read(position: number, length: number, ctx: CallContext): Promise<Buffer> {
    ctx.signal.throwIfAborted()
    const room = length > LARGE_READ ? roomFor(length, (await this.size()) - position) : length
    return readSome(this.#temporary.handle, position, room, ctx)
  }

  async write(position: number, data: Uint8Array, ctx: CallContext): Promise<void> {
    ctx.signal.throwIfAborted()
    this.#dirty = true
    await writeAll(this.#temporary.handle, data, position)
    ctx.progress()
  }

  async truncate(size: number, ctx: CallContext): Promise<void> {
    ctx.signal.throwIfAborted()
    this.#dirty = true
    await this.#temporary.handle.truncate(size)
    ctx.progress()
  }

  async commit(ctx: CallContext): Promise<void> {
    if (!this.#dirty) return this.discard()
    try {
      ctx.signal.throwIfAborted()
      await publishTemporary(this.#temporary, this.#target, this.#options, this.#policy, ctx)
    } catch (error) {
      await this.discard()
      throw explain(error, this.#target)
    }
    this.#target.anchor.release()
  }

  async discard(): Promise<void> {
    await dropTemporary(this.#temporary)
    this.#target.anchor.release()
  }
}

/**
 * Opens a handle for writing. Without `truncate` the handle starts with the old bytes, and only that version is replaced; without a
 * `source`, a new file of another process is not replaced. A replaced file passes its mode to the new one. With `exclusive` an existing
 * name throws `exists`, now or at `commit`. A file without changes is not replaced.
 */
export async function openForWriting(
  target: Place,
  source: OpenFile | undefined,
  flags: HandleFlags,
  options: WriteOptions,
  policy: WritePolicy,
  ctx: CallContext,
): Promise<WriteHandle> {
  if (flags.exclusive) {
    const taken = await unless(['ENOENT'], lstat(target.path))
    if (taken !== undefined) throw new StorageError('exists', `${target.base} exists.`)
  }
  const own = source === undefined ? policy : policyLike(source.stats, policy)
  return withTemporary(target.folder, own, async temporary => {
    if (flags.truncate || source === undefined) {
      const conditions = flags.exclusive || !flags.truncate ? { ...options, ifAbsent: true } : options
      return new WriteHandle(temporary, target, conditions, own, true)
    }
    await beating(copyBytes(source.handle, temporary.handle), ctx)
    const conditions = source.linked ? options : { ...options, ifMatch: etagOf(source.stats) }
    return new WriteHandle(temporary, target, conditions, own, false)
  })
}

/** At most the rest of the file: reading 'all the rest' of a small file must not allocate the memory for a large one. */
function roomFor(length: number, left: number): number {
  return length > LARGE_READ ? Math.min(length, Math.max(left, PROBE)) : length
}

async function readSome(handle: FileHandle, position: number, room: number, ctx: CallContext): Promise<Buffer> {
  const buffer = Buffer.allocUnsafe(room)
  const { bytesRead } = await handle.read(buffer, 0, room, position)
  ctx.progress()
  return bytesRead === room ? buffer : buffer.subarray(0, bytesRead)
}

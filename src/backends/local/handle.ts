import { constants } from 'node:fs'
import { copyFile, type FileHandle, lstat } from 'node:fs/promises'
import type { CallContext, HandleFlags, RandomAccess, WriteOptions } from '../../core/driver.ts'
import { unless } from '../../core/errno.ts'
import { StorageError } from '../../core/errors.ts'
import { notWritable } from '../../files/modes.ts'
import { etagOf } from './atomic-write.ts'
import type { OpenFile } from './open-file.ts'
import type { Place } from './paths.ts'
import {
  beating,
  dropTemporary,
  publishTemporary,
  type Temporary,
  type WritePolicy,
  withTemporary,
} from './publication.ts'

/** Reads of more bytes ask for the size of the file first. */
const LARGE_READ = 65_536
/** Bytes asked for where the file should end, in case it has grown. */
const PROBE = 2048

/** Reads a published file in place. */
export class ReadHandle implements RandomAccess {
  readonly #handle: FileHandle

  constructor(handle: FileHandle) {
    this.#handle = handle
  }

  async size(): Promise<number> {
    return (await this.#handle.stat()).size
  }

  read(position: number, length: number, ctx: CallContext): Promise<Buffer> {
    return readAt(this.#handle, position, length, ctx)
  }

  write(): Promise<void> {
    return Promise.reject(notWritable())
  }

  truncate(): Promise<void> {
    return Promise.reject(notWritable())
  }

  commit(): Promise<void> {
    return this.#handle.close()
  }

  async discard(): Promise<void> {
    await this.#handle.close().catch(() => undefined)
  }
}

/** Writes to a temporary file beside the target, which `commit` publishes; nobody sees any of it before. Holds the target's folder. */
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

  read(position: number, length: number, ctx: CallContext): Promise<Buffer> {
    return readAt(this.#temporary.handle, position, length, ctx)
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
      throw this.#target.anchor.explain(error)
    }
    this.#target.anchor.release()
  }

  async discard(): Promise<void> {
    await dropTemporary(this.#temporary)
    this.#target.anchor.release()
  }
}

/**
 * Opens a handle that writes. Without `truncate` the old bytes are there, and only their version is replaced; without a `source` nobody
 * else's new file is; with `exclusive` a taken name throws `exists`, now or at `commit`. A file that was not changed is not replaced.
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
  return withTemporary(target.folder, policy, async temporary => {
    if (flags.truncate || source === undefined) {
      const conditions = flags.exclusive || !flags.truncate ? { ...options, ifAbsent: true } : options
      return new WriteHandle(temporary, target, conditions, policy, true)
    }
    await beating(copyFile(source.path, temporary.path, constants.COPYFILE_FICLONE), ctx)
    const conditions = source.linked ? options : { ...options, ifMatch: etagOf(source.stats) }
    return new WriteHandle(temporary, target, conditions, policy, false)
  })
}

/** Writes all of the bytes, however few of them the system takes at a time. */
export async function writeAll(handle: FileHandle, data: Uint8Array, position: number | null): Promise<void> {
  let done = 0
  while (done < data.byteLength) {
    const at = position === null ? null : position + done
    done += (await handle.write(data, done, data.byteLength - done, at)).bytesWritten
  }
}

async function readAt(handle: FileHandle, position: number, length: number, ctx: CallContext): Promise<Buffer> {
  ctx.signal.throwIfAborted()
  const room = length > LARGE_READ ? await roomFor(handle, position, length) : length
  const buffer = Buffer.allocUnsafe(room)
  const { bytesRead } = await handle.read(buffer, 0, room, position)
  ctx.progress()
  return bytesRead === room ? buffer : buffer.subarray(0, bytesRead)
}

/** No more than the file has left: 'all the rest' of a small file must not cost the memory of a large one. */
async function roomFor(handle: FileHandle, position: number, length: number): Promise<number> {
  const { size } = await handle.stat()
  return Math.min(length, Math.max(size - position, PROBE))
}

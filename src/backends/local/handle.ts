import { constants } from 'node:fs'
import { copyFile, type FileHandle, lstat, open } from 'node:fs/promises'
import type { CallContext, HandleFlags, RandomAccess, WriteOptions } from '../../core/driver.ts'
import { StorageError } from '../../core/errors.ts'
import { unless } from './errno.ts'
import type { Place } from './paths.ts'
import { dropTemporary, openTemporary, publishTemporary, type Temporary, type WritePolicy } from './publication.ts'

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

/** Writes to a temporary file beside the target, which `commit` publishes; nobody sees any of it before. */
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
      await publishTemporary(this.#temporary, this.#target, this.#options, this.#policy)
    } catch (error) {
      await this.discard()
      throw error
    }
  }

  discard(): Promise<void> {
    return dropTemporary(this.#temporary)
  }
}

/**
 * Opens a handle that writes. Without `truncate` the old bytes are there; without `create` a missing file throws the system's
 * ENOENT; with `exclusive` a taken name throws EEXIST, now or at `commit`. A file that was not changed is not replaced.
 */
export async function openForWriting(
  target: Place,
  source: string | undefined,
  flags: HandleFlags,
  options: WriteOptions,
  policy: WritePolicy,
): Promise<WriteHandle> {
  if (flags.exclusive) {
    const taken = await unless(['ENOENT'], lstat(target.path))
    if (taken !== undefined) throw new StorageError('exists', `${target.base} exists.`)
  }
  let temporary = await openTemporary(target.folder, policy)
  try {
    const keep = source !== undefined && !flags.truncate
    if (keep) {
      await copyFile(source, temporary.path, constants.COPYFILE_FICLONE)
      // copyFile may replace the file's content through a handle of its own; ours sees the same inode.
      await temporary.handle.close()
      temporary = { path: temporary.path, handle: await open(temporary.path, 'r+') }
    }
    const conditions = flags.exclusive ? { ...options, ifAbsent: true } : options
    return new WriteHandle(temporary, target, conditions, policy, !keep)
  } catch (error) {
    await dropTemporary(temporary)
    throw error
  }
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

function notWritable(): StorageError {
  return new StorageError('unsupported_mode', 'The file was opened for reading only.')
}

import { abortable } from '../../core/abort.ts'
import type { CallContext } from '../../core/call.ts'
import type { RandomAccess } from '../../core/driver.ts'
import { isStorageError, StorageError } from '../../core/errors.ts'
import { notWritable } from '../../files/modes.ts'
import type { Lease } from '../../remote/pool.ts'
import { sizeIn } from './attributes.ts'
import type { Channel } from './channel.ts'
import { PieceReader, readOnce } from './reader.ts'
import type { Sessions } from './sessions.ts'

/** A file that is open on a session. */
export interface OpenedFile {
  readonly lease: Lease<Channel>
  readonly handle: Buffer
}

/** Reads an open file in place. Sequential reads use read-ahead. */
export class ReadHandle implements RandomAccess {
  readonly #sessions: Sessions
  /** The last known end of the file; it may have changed. */
  readonly #expected: number | undefined
  readonly #again: ((ctx: CallContext) => Promise<OpenedFile>) | undefined
  #file: OpenedFile
  #isClosed = false
  /** Where the last read ended. */
  #end = -1
  #ahead: PieceReader | undefined
  /** Bytes that were read ahead and not returned yet. */
  #rest: Buffer | undefined

  /** `again` opens the same version of the file on another session. */
  constructor(
    sessions: Sessions,
    file: OpenedFile,
    expected?: number,
    again?: (ctx: CallContext) => Promise<OpenedFile>,
  ) {
    this.#sessions = sessions
    this.#expected = expected
    this.#file = file
    this.#again = again
  }

  size(ctx: CallContext): Promise<number> {
    return this.#on(ctx, (channel, handle) => sizeOf(channel, handle, ctx.signal))
  }

  async read(position: number, length: number, ctx: CallContext): Promise<Buffer> {
    ctx.signal.throwIfAborted()
    const bytes = await this.#on(ctx, async (channel, handle) => {
      if (position === this.#end) return this.#readOn(channel, handle, position, length, ctx)
      this.#forget()
      // A read to the expected end also requests the end itself.
      const left = (this.#expected ?? 0) - position
      if (left > 0 && left < length) this.#ahead = this.#reader(channel, handle, position, false)
      if (this.#ahead !== undefined) return this.#readOn(channel, handle, position, length, ctx)
      return readOnce(channel, handle, position, Math.min(length, channel.piece), ctx.signal)
    })
    this.#end = position + bytes.byteLength
    this.#file.lease.touch()
    ctx.progress()
    return bytes
  }

  write(): Promise<void> {
    return Promise.reject(notWritable())
  }

  truncate(): Promise<void> {
    return Promise.reject(notWritable())
  }

  commit(): Promise<void> {
    return this.discard()
  }

  async discard(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#forget()
    await this.#sessions.closeRead(this.#file.lease, this.#file.handle)
  }

  /** Works on the open file, which is reopened if its session is lost. */
  async #on<T>(ctx: CallContext, work: (channel: Channel, handle: Buffer) => Promise<T>): Promise<T> {
    const { lease, handle } = this.#file
    try {
      return await work(lease.connection, handle)
    } catch (error) {
      const isLost = isStorageError(error, 'unavailable', 'timeout') && !lease.connection.isUsable
      if (!isLost || this.#again === undefined || ctx.signal.aborted || this.#isClosed) throw error
    }
    this.#forget()
    lease.release()
    this.#file = await this.#again(ctx)
    return work(this.#file.lease.connection, this.#file.handle)
  }

  async #readOn(
    channel: Channel,
    handle: Buffer,
    position: number,
    length: number,
    { signal }: CallContext,
  ): Promise<Buffer> {
    this.#ahead ??= this.#reader(channel, handle, position, true)
    const rest = this.#rest ?? (await this.#next(this.#ahead, signal)) ?? Buffer.alloc(0)
    this.#rest = rest.byteLength > length ? rest.subarray(length) : undefined
    // The file may grow, so bytes after its end are requested again.
    if (rest.byteLength === 0) this.#forget()
    return rest.byteLength > length ? rest.subarray(0, length) : rest
  }

  /** The read-ahead requests outlive the call that sent them, so its signal ends only the waiting. */
  async #next(reader: PieceReader, signal: AbortSignal): Promise<Buffer | undefined> {
    try {
      return await abortable(reader.next(), signal)
    } catch (error) {
      this.#forget()
      throw error
    }
  }

  #reader(channel: Channel, handle: Buffer, start: number, isCautious: boolean): PieceReader {
    return new PieceReader(channel, handle, { start, expected: this.#expected, isCautious })
  }

  #forget(): void {
    this.#ahead?.stop()
    this.#ahead = undefined
    this.#rest = undefined
  }
}

/** The size of an open file. Code `unsupported` if the server does not report it. */
export async function sizeOf(channel: Channel, handle: Buffer, signal: AbortSignal): Promise<number> {
  const size = sizeIn(await channel.fstat(handle, signal))
  if (size !== undefined) return size
  throw new StorageError('unsupported', 'The server does not report the size of the file.')
}

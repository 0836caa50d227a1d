import type { CallContext } from '../../core/call.ts'
import type { RandomAccess } from '../../core/driver.ts'
import { isStorageError, StorageError } from '../../core/errors.ts'
import { notWritable } from '../../files/modes.ts'
import type { Lease } from '../../remote/pool.ts'
import type { OpenFile } from './access.ts'
import { sizeIn } from './attributes.ts'
import type { Channel } from './channel.ts'
import { PieceReader, readOnce } from './reader.ts'
import type { Sessions } from './sessions.ts'
import type { Attributes } from './ssh2.ts'

/** Sessions on which one read is tried. */
const MAX_TRIES = 3

/** A file that is open on a session. */
interface Opened {
  readonly lease: Lease<Channel>
  readonly handle: Buffer
}

/**
 * Reads an open file in place. Who reads on from where the last read ended is read ahead for. When the connection is lost the file is opened again on
 * another one, and read on; `precondition_failed` where it has another size or time by then.
 */
export class ReadHandle implements RandomAccess {
  readonly #sessions: Sessions
  readonly #again: (channel: Channel, ctx: CallContext) => Promise<OpenFile>
  /** Of the file as it was first opened. */
  readonly #first: Attributes
  /** Undefined while no connection is there. */
  #opened: Opened | undefined
  #isClosed = false
  /** Where the last read ended. */
  #end = -1
  #ahead: PieceReader | undefined
  /** Read ahead, and not yet given. */
  #rest: Buffer | undefined

  constructor(
    sessions: Sessions,
    lease: Lease<Channel>,
    { handle, attributes }: OpenFile,
    again: (channel: Channel, ctx: CallContext) => Promise<OpenFile>,
  ) {
    this.#sessions = sessions
    this.#again = again
    this.#first = attributes
    this.#opened = { lease, handle }
  }

  async size(ctx: CallContext): Promise<number> {
    return this.#use(ctx, ({ lease, handle }) => sizeOf(lease.connection, handle, ctx.signal))
  }

  async read(position: number, length: number, ctx: CallContext): Promise<Buffer> {
    ctx.signal.throwIfAborted()
    return this.#use(ctx, async ({ lease, handle }) => {
      const channel = lease.connection
      let bytes: Buffer
      if (position === this.#end) bytes = await this.#readOn(channel, handle, position, length)
      else {
        this.#forget()
        bytes = await readOnce(channel, handle, position, Math.min(length, channel.piece))
      }
      this.#end = position + bytes.byteLength
      lease.touch()
      ctx.progress()
      return bytes
    })
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
    if (this.#opened !== undefined) await this.#sessions.closeRead(this.#opened.lease, this.#opened.handle)
  }

  async #use<T>(ctx: CallContext, work: (opened: Opened) => Promise<T>): Promise<T> {
    for (let tries = 1; ; tries++) {
      this.#opened ??= await this.#reopened(ctx)
      const { lease } = this.#opened
      try {
        return await work(this.#opened)
      } catch (error) {
        const isLost = !lease.connection.isUsable && isStorageError(error, 'unavailable')
        if (!isLost || this.#isClosed) throw error
        this.#forget()
        this.#opened = undefined
        lease.release()
        if (tries === MAX_TRIES || ctx.signal.aborted) throw error
      }
    }
  }

  #reopened(ctx: CallContext): Promise<Opened> {
    return this.#sessions.lease(ctx, async lease => {
      const { handle, attributes } = await this.#again(lease.connection, ctx)
      if (attributes.size === this.#first.size && attributes.mtime === this.#first.mtime) return { lease, handle }
      await this.#sessions.closeRead(lease, handle)
      throw new StorageError('precondition_failed', 'The file has changed since it was opened.')
    })
  }

  async #readOn(channel: Channel, handle: Buffer, position: number, length: number): Promise<Buffer> {
    this.#ahead ??= new PieceReader(channel, handle, { start: position, isCautious: true })
    const rest = this.#rest ?? (await this.#ahead.next()) ?? Buffer.alloc(0)
    this.#rest = rest.byteLength > length ? rest.subarray(length) : undefined
    // The file may grow: what comes after its end is asked for anew.
    if (rest.byteLength === 0) this.#forget()
    return rest.byteLength > length ? rest.subarray(0, length) : rest
  }

  #forget(): void {
    this.#ahead?.stop()
    this.#ahead = undefined
    this.#rest = undefined
  }
}

/** The size of an open file; `unsupported` where the server does not tell. */
export async function sizeOf(channel: Channel, handle: Buffer, signal: AbortSignal): Promise<number> {
  const size = sizeIn(await channel.fstat(handle, signal))
  if (size !== undefined) return size
  throw new StorageError('unsupported', 'The server does not tell the size of the file.')
}

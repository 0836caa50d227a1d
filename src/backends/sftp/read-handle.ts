import type { CallContext } from '../../core/call.ts'
import type { RandomAccess } from '../../core/driver.ts'
import { StorageError } from '../../core/errors.ts'
import { notWritable } from '../../files/modes.ts'
import type { Lease } from '../../remote/pool.ts'
import { sizeIn } from './attributes.ts'
import type { Channel } from './channel.ts'
import { PieceReader, readOnce } from './reader.ts'
import type { Sessions } from './sessions.ts'

/** Reads an open file in place. Who reads on from where the last read ended is read ahead for. */
export class ReadHandle implements RandomAccess {
  readonly #sessions: Sessions
  readonly #lease: Lease<Channel>
  readonly #handle: Buffer
  #isClosed = false
  /** Where the last read ended. */
  #end = -1
  #ahead: PieceReader | undefined
  /** Read ahead, and not yet given. */
  #rest: Buffer | undefined

  constructor(sessions: Sessions, lease: Lease<Channel>, handle: Buffer) {
    this.#sessions = sessions
    this.#lease = lease
    this.#handle = handle
  }

  async size(ctx: CallContext): Promise<number> {
    return sizeOf(this.#lease.connection, this.#handle, ctx.signal)
  }

  async read(position: number, length: number, ctx: CallContext): Promise<Buffer> {
    ctx.signal.throwIfAborted()
    const channel = this.#lease.connection
    let bytes: Buffer
    if (position === this.#end) bytes = await this.#readOn(channel, position, length)
    else {
      this.#forget()
      bytes = await readOnce(channel, this.#handle, position, Math.min(length, channel.piece))
    }
    this.#end = position + bytes.byteLength
    this.#lease.touch()
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
    await this.#sessions.closeRead(this.#lease, this.#handle)
  }

  async #readOn(channel: Channel, position: number, length: number): Promise<Buffer> {
    this.#ahead ??= new PieceReader(channel, this.#handle, { start: position, isCautious: true })
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

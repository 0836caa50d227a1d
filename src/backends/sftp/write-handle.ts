import type { CallContext } from '../../core/call.ts'
import type { RandomAccess } from '../../core/driver.ts'
import type { Lease } from '../../remote/pool.ts'
import type { Channel } from './channel.ts'
import { type Finish, type FinishOptions, finishTemporary } from './finishing.ts'
import { readOnce } from './reader.ts'
import type { Place } from './root.ts'
import { soon } from './sessions.ts'
import { dropTemporary, notApplied, type Temporary, type Workshop } from './temporary.ts'
import { PieceWriter } from './writer.ts'

/** The contents of a file that is written. */
export interface Written {
  readonly temporary: Temporary
  readonly target: Place
  /** Number of bytes that it already has. */
  readonly size: number
  /** Whether the file is published even if nothing was written. */
  readonly isDirty: boolean
  readonly options: FinishOptions
}

/** Writes to a temporary file, which `commit` publishes; the changes are invisible before. */
export class WriteHandle implements RandomAccess {
  readonly #workshop: Workshop & Finish
  readonly #lease: Lease<Channel>
  readonly #file: Written
  #size: number
  #isDirty: boolean
  #isOver = false
  #writer: PieceWriter | undefined

  constructor(workshop: Workshop & Finish, lease: Lease<Channel>, file: Written) {
    this.#workshop = workshop
    this.#lease = lease
    this.#file = file
    this.#size = file.size
    this.#isDirty = file.isDirty
  }

  get knownSize(): number {
    return this.#size
  }

  async size(): Promise<number> {
    return this.#size
  }

  async read(position: number, length: number, ctx: CallContext): Promise<Buffer> {
    ctx.signal.throwIfAborted()
    await this.#settle()
    const channel = this.#lease.connection
    const bytes = await readOnce(channel, this.#file.temporary.handle, position, Math.min(length, channel.piece))
    ctx.progress()
    return bytes
  }

  async write(position: number, data: Uint8Array, ctx: CallContext): Promise<void> {
    ctx.signal.throwIfAborted()
    this.#isDirty = true
    if (this.#writer?.position !== position) {
      await this.#settle()
      this.#writer = new PieceWriter(this.#lease.connection, this.#file.temporary.handle, position)
    }
    await this.#writer!.add(data, ctx)
    this.#size = Math.max(this.#size, position + data.byteLength)
    this.#lease.touch()
  }

  async truncate(size: number, ctx: CallContext): Promise<void> {
    ctx.signal.throwIfAborted()
    await this.#settle()
    if (size === this.#size) return
    this.#isDirty = true
    await this.#lease.connection.fsetstat(this.#file.temporary.handle, { size }, ctx.signal)
    this.#size = size
    ctx.progress()
  }

  async commit(ctx: CallContext): Promise<void> {
    if (!this.#isDirty) return this.discard()
    const { temporary, target, options } = this.#file
    try {
      ctx.signal.throwIfAborted()
      await this.#settle()
      const writer = new PieceWriter(this.#lease.connection, temporary.handle, this.#size)
      await finishTemporary(this.#workshop, this.#lease.connection, temporary, writer, target, options, ctx)
    } catch (error) {
      await this.discard()
      throw error
    }
    this.#isOver = true
    this.#lease.release()
  }

  async discard(): Promise<void> {
    if (this.#isOver) return
    this.#isOver = true
    await soon(dropTemporary(this.#workshop, this.#lease.connection, this.#file.temporary))
    this.#lease.release()
  }

  /** Waits until the server has all written bytes. */
  async #settle(): Promise<void> {
    const writer = this.#writer
    this.#writer = undefined
    await writer?.end().catch(error => {
      throw notApplied(error)
    })
  }
}

import { onAbort } from '../../core/abort.ts'
import type { CallContext } from '../../core/call.ts'
import { type Channel, SMALL_PIECE } from './channel.ts'
import { SftpError } from './errors.ts'

/** Maximum number of parallel requests for one file. */
const WINDOW = 16

/** Writes an open file with several parallel requests. Memory is bounded: `add` waits while too many requests are unanswered. */
export class PieceWriter {
  readonly #channel: Channel
  readonly #handle: Buffer
  #ctx: CallContext | undefined
  #position: number
  /** Bytes that do not fill a piece yet. */
  #partial: Buffer | undefined
  #filled = 0
  /** Buffers for reuse. */
  readonly #free: Buffer[] = []
  #underWay = 0
  #wasRepeated = false
  #failure: { readonly error: unknown } | undefined
  #wake: (() => void) | undefined

  constructor(channel: Channel, handle: Buffer, position: number) {
    this.#channel = channel
    this.#handle = handle
    this.#position = position
  }

  /** The position of the next byte. */
  get position(): number {
    return this.#position + this.#filled
  }

  /** Adds bytes, which may be changed as soon as this has settled. */
  async add(bytes: Uint8Array, ctx: CallContext): Promise<void> {
    this.#ctx = ctx
    const { piece } = this.#channel
    for (let done = 0; done < bytes.byteLength; ) {
      this.#throwIfFailed()
      this.#partial ??= this.#free.pop() ?? Buffer.allocUnsafeSlow(piece)
      const part = bytes.subarray(done, done + this.#partial.byteLength - this.#filled)
      this.#partial.set(part, this.#filled)
      this.#filled += part.byteLength
      done += part.byteLength
      if (this.#filled === this.#partial.byteLength) await this.#flush()
    }
  }

  /** Adds bytes that must not change before `end` has settled: they are not copied. */
  async addWhole(bytes: Buffer, ctx: CallContext): Promise<void> {
    this.#ctx = ctx
    await this.#flush()
    const { piece } = this.#channel
    for (let start = 0; start < bytes.byteLength; start += piece) {
      await this.#room()
      this.#send(bytes.subarray(start, start + piece), undefined)
    }
  }

  /** Continues after bytes that already exist. */
  skip(bytes: number): void {
    this.#position += bytes
  }

  /** Whether a request was repeated in smaller ones. */
  get wasRepeated(): boolean {
    return this.#wasRepeated
  }

  /** Sends the remaining bytes. */
  send(): Promise<void> {
    return this.#flush()
  }

  /** Sends the remaining bytes, and waits for all answers. */
  async end(): Promise<void> {
    await this.#flush()
    while (this.#underWay > 0 && this.#failure === undefined) await this.#answer()
    this.#throwIfFailed()
  }

  async #flush(): Promise<void> {
    const buffer = this.#partial
    if (buffer === undefined) return
    await this.#room()
    const bytes = buffer.subarray(0, this.#filled)
    this.#partial = undefined
    this.#filled = 0
    this.#send(bytes, buffer)
  }

  async #room(): Promise<void> {
    while (this.#underWay >= WINDOW && this.#failure === undefined) await this.#answer()
    this.#throwIfFailed()
  }

  #answer(): Promise<void> {
    return new Promise((resolve, reject) => {
      const signal = this.#ctx?.signal
      const off = signal === undefined ? undefined : onAbort(signal, () => reject(signal.reason))
      this.#wake = () => {
        off?.()
        resolve()
      }
      if (signal?.aborted) reject(signal.reason)
    })
  }

  #send(bytes: Buffer, reusable: Buffer | undefined): void {
    const position = this.#position
    this.#position += bytes.byteLength
    this.#underWay++
    this.#write(bytes, position).then(
      () => {
        this.#underWay--
        if (reusable?.byteLength === this.#channel.piece) this.#free.push(reusable)
        this.#ctx?.progress()
        this.#wake?.()
      },
      error => {
        this.#underWay--
        this.#failure ??= { error }
        this.#wake?.()
      },
    )
  }

  /** A large request that is refused is sent again in small ones: some servers refuse all larger requests. */
  async #write(bytes: Buffer, position: number): Promise<void> {
    const signal = this.#ctx?.signal
    try {
      await this.#channel.write(this.#handle, bytes, position, signal)
    } catch (error) {
      if (!(error instanceof SftpError) || bytes.byteLength <= SMALL_PIECE) throw error
      for (let start = 0; start < bytes.byteLength; start += SMALL_PIECE) {
        await this.#channel.write(this.#handle, bytes.subarray(start, start + SMALL_PIECE), position + start, signal)
      }
      this.#wasRepeated = true
      this.#channel.shrink()
    }
  }

  #throwIfFailed(): void {
    if (this.#failure !== undefined) throw this.#failure.error
  }
}

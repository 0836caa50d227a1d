import { Readable } from 'node:stream'
import { closedEarly, sourceError } from './errors.ts'

/** Reads a stream that stays its giver's: it is never destroyed, and paused where reading ends before it does. */
export class BorrowedStream extends Readable {
  readonly #source: Readable
  readonly #bytesOf: (chunk: unknown) => Uint8Array
  #reads = false

  /** `bytesOf` says what a chunk of the source is; it throws for one that cannot be taken. */
  constructor(source: Readable, bytesOf: (chunk: unknown) => Uint8Array) {
    // The source has a buffer of its own.
    super({ highWaterMark: 1 })
    this.#source = source
    this.#bytesOf = bytesOf
  }

  override _read(): void {
    const source = this.#source
    if (!this.#reads) {
      this.#reads = true
      source.on('data', this.#onData).on('end', this.#onEnd).on('error', this.#onError).on('close', this.#onClose)
      if (source.errored) this.#onError(source.errored)
      else if (source.readableEnded) this.#onEnd()
      else if (source.destroyed) this.#onClose()
    }
    source.resume()
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    const source = this.#source
    source.off('data', this.#onData).off('end', this.#onEnd).off('error', this.#onError).off('close', this.#onClose)
    if (this.#reads) source.pause()
    done(error)
  }

  readonly #onData = (chunk: unknown): void => {
    try {
      const bytes = this.#bytesOf(chunk)
      if (bytes.byteLength > 0 && !this.push(bytes)) this.#source.pause()
    } catch (error) {
      this.#onError(error)
    }
  }

  readonly #onEnd = (): void => void this.push(null)
  readonly #onError = (error: unknown): void => void this.destroy(sourceError(error))
  readonly #onClose = (): void => {
    if (!this.#source.readableEnded) this.destroy(closedEarly())
  }
}

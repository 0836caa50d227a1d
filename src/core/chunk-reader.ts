import type { Readable } from 'node:stream'
import { onAbort } from './abort.ts'
import { closedEarly, sourceError } from './errors.ts'

/** Bytes that may wait to be taken. */
const READ_AHEAD = 64 * 1024

/**
 * Takes the chunks of a stream one by one, each as it was given: an iterator joins those that wait, which copies them. Ends
 * at once when the signal fires, also while the stream hangs.
 */
export class ChunkReader {
  readonly #source: Readable
  readonly #signal: AbortSignal
  readonly #release: () => void
  readonly #chunks: Array<Uint8Array | string> = []
  #size = 0
  #over: { readonly error?: unknown } | undefined
  #wake: (() => void) | undefined

  constructor(source: Readable, signal: AbortSignal) {
    this.#source = source
    this.#signal = signal
    this.#release = onAbort(signal, () => this.#wake?.())
    source.on('data', this.#onData).on('end', this.#onEnd).on('error', this.#onError).on('close', this.#onClose)
    if (source.errored) this.#onError(source.errored)
    else if (source.readableEnded) this.#onEnd()
    else if (source.destroyed) this.#onClose()
  }

  /** The next chunk; undefined at the end. */
  async next(): Promise<Uint8Array | string | undefined> {
    for (;;) {
      this.#signal.throwIfAborted()
      if (this.#over?.error !== undefined) throw this.#over.error
      const chunk = this.#chunks.shift()
      if (chunk !== undefined) {
        this.#size -= chunk.length
        return chunk
      }
      if (this.#over !== undefined) return undefined
      const moved = new Promise<void>(resolve => {
        this.#wake = resolve
      })
      this.#source.resume()
      await moved
    }
  }

  /** Lets the stream go and destroys it, unless it is over. */
  close(): void {
    this.#release()
    const source = this.#source
    source.off('data', this.#onData).off('end', this.#onEnd).off('close', this.#onClose)
    // A source that hangs does not even end when it is destroyed, so nothing waits for that; its error is no news any more.
    if (!source.destroyed) source.destroy()
  }

  readonly #onData = (chunk: Uint8Array | string): void => {
    this.#chunks.push(chunk)
    this.#size += chunk.length
    if (this.#size >= READ_AHEAD) this.#source.pause()
    this.#wake?.()
  }

  readonly #onEnd = (): void => this.#end({})
  readonly #onError = (error: unknown): void => this.#end({ error: sourceError(error) })
  readonly #onClose = (): void => this.#end({ error: closedEarly() })

  #end(over: { readonly error?: unknown }): void {
    this.#over ??= over
    this.#wake?.()
  }
}

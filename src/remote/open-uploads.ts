import { onAbort } from '../core/abort.ts'
import type { CallContext } from '../core/call.ts'
import { StorageError } from '../core/errors.ts'

/** Ends the work of an upload that has failed: its other parts, and the reading of its content. */
export type Stop = (reason: unknown) => void

/** The uploads in progress of one storage. Closing the storage ends them and waits until the server has removed all of their data. */
export class OpenUploads {
  readonly #closing = new AbortController()
  readonly #running = new Set<Promise<unknown>>()
  /** Ids of the uploads that this storage created and has not ended. */
  readonly ids: Set<string> = new Set()

  /** Runs an upload in a context whose signal fires with the call's signal, on `stop` and on `close`. */
  async run<T>(ctx: CallContext, work: (inner: CallContext, stop: Stop) => Promise<T>): Promise<T> {
    const controller = new AbortController()
    const stop: Stop = reason => controller.abort(reason)
    const unlink = [ctx.signal, this.#closing.signal].map(signal => follow(signal, stop))
    try {
      return await this.keep(work({ ...ctx, signal: controller.signal }, stop))
    } finally {
      for (const each of unlink) each()
    }
  }

  /** Makes `close` wait for work. */
  keep<T>(work: Promise<T>): Promise<T> {
    const settled = work.then(
      () => undefined,
      () => undefined,
    )
    this.#running.add(settled)
    void settled.then(() => this.#running.delete(settled))
    return work
  }

  /** Ends all uploads with code `closed` and waits until they are removed. */
  async close(): Promise<void> {
    const text = 'The storage was closed during the upload.'
    this.#closing.abort(new StorageError('closed', text, { outcome: 'unknown' }))
    do {
      await Promise.all(this.#running)
      // The clean-up of an upload starts after its end.
      await new Promise(resolve => setImmediate(resolve))
    } while (this.#running.size > 0)
  }
}

/** Calls `stop` with the signal's reason when it fires. Returns a function that ends this. */
function follow(signal: AbortSignal, stop: Stop): () => void {
  const relay = (): void => stop(signal.reason)
  if (signal.aborted) relay()
  return onAbort(signal, relay)
}

import type { CallContext, CallOptions } from '../core/call.ts'
import type { RandomAccess } from '../core/driver.ts'
import { abortReason, notBegun } from '../core/errors.ts'
import type { OpenMode } from './modes.ts'

/** The services of the storage that opened a file. */
export interface FileServices {
  /** Returns the context of the file's next call, which ends when its own signal or the file's fires. */
  ctx(options: CallOptions): CallContext
  /** Opens the same name again; without it a closed file stays closed. */
  reopen?(mode: OpenMode, options: CallOptions): Promise<RandomAccess>
  /** Converts an error from the bytes below to a `StorageError`. */
  wrap?(error: unknown, operation: string): unknown
}

/** The calls on one open file: queued, and with errors that name the call and the file. */
export class FileCalls {
  readonly #name: string
  readonly #services: FileServices
  #queue: Promise<unknown> = Promise.resolve()

  constructor(name: string, services: FileServices) {
    this.#name = name
    this.#services = services
  }

  /** Whether the call's signal, or the file's, has fired. */
  isAborted(options: CallOptions): boolean {
    return this.#services.ctx(options).signal.aborted
  }

  /** Makes a call. */
  async run<T>(operation: string, options: CallOptions, work: (ctx: CallContext) => Promise<T>): Promise<T> {
    const ctx = this.#services.ctx(options)
    const { signal } = ctx
    const details = { operation, fileName: this.#name }
    try {
      if (signal.aborted) throw notBegun(signal, details)
      return await work(ctx)
    } catch (error) {
      const failure = signal.aborted ? abortReason(signal, error, details) : error
      throw this.#services.wrap?.(failure, operation) ?? failure
    }
  }

  /** Begins work after all queued work has ended. */
  queue<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#queue.then(work)
    this.#queue = result.catch(() => undefined)
    return result
  }

  /** Waits for all queued work. */
  async idle(): Promise<void> {
    await this.#queue
  }
}

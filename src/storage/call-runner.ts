import { never } from '../core/abort.ts'
import type { CallContext, CallOptions, FileRef } from '../core/call.ts'
import type { Driver } from '../core/driver.ts'
import { abortReason, isStorageError, notBegun, type StorageError, wrapError } from '../core/errors.ts'
import { concurrency } from '../layers/concurrency.ts'
import { type Call, compose, type Layer } from '../layers/layer.ts'
import { readOnly, readOnlyError } from '../layers/read-only.ts'
import { retry } from '../layers/retry.ts'
import { timeout } from '../layers/timeout.ts'
import { isTraced, trace } from '../layers/trace.ts'
import type { CommonOptions } from './common-settings.ts'

function noProgress(): void {}
const NONE: Partial<FileRef> = {}

/** The location of a storage, for traces. */
export interface StoragePlace {
  readonly alias?: string | undefined
  readonly bucket?: string | undefined
}

/** Called with the error of a failed attempt, also where the next attempt succeeds. */
export type FailureWatcher = (error: StorageError) => void

/** Sends every call of a storage through its layers: trace > retry > concurrency > time-out > (wrap > the caller's own) > wrap. */
export class CallRunner {
  /** The protocol underneath, without the layers: for backends and for code that extends Holdall. */
  readonly driver: Driver
  readonly #call: Layer
  readonly #step: Layer
  readonly #backend: string
  readonly #readOnly: boolean
  readonly #classify: Driver['classify']
  readonly #place: StoragePlace
  readonly #watchers = new Set<FailureWatcher>()

  constructor(driver: Driver, options: CommonOptions, extra: readonly Layer[] = [], place: StoragePlace = {}) {
    this.driver = driver
    this.#place = place
    this.#backend = driver.name
    this.#readOnly = options.readOnly
    this.#classify = error => driver.classify(error)
    const wrap: Layer = (call, next, ctx) =>
      next(ctx).catch(error => {
        throw this.#wrapped(error, call, ctx.signal)
      })
    const again = retry({ maxAttempts: options.maxAttempts })
    const own = extra.length === 0 ? [] : [wrap, ...extra]
    const watch: Layer = (_call, next, ctx) => (this.#watchers.size === 0 ? next(ctx) : this.#watched(next(ctx)))
    const inner = [watch, ...(options.timeoutSecs === null ? [] : [timeout(options.timeoutSecs * 1000)]), ...own, wrap]
    this.#call = compose([
      ...(options.readOnly ? [readOnly] : []),
      trace,
      again,
      concurrency(options.concurrency),
      ...inner,
    ])
    this.#step = compose([trace, again, ...inner])
  }

  /** Calls `watcher` with the error of every failed attempt until the returned function is called. An aborted call is no failure. */
  watchFailures(watcher: FailureWatcher): () => void {
    this.#watchers.add(watcher)
    return () => void this.#watchers.delete(watcher)
  }

  #watched<T>(attempt: Promise<T>): Promise<T> {
    return attempt.catch((error: unknown) => {
      if (isStorageError(error) && error.code !== 'aborted') for (const watcher of this.#watchers) watcher(error)
      throw error
    })
  }

  /** Makes a call about a file, a folder or a container. By default it may be repeated. */
  run<T>(
    operation: string,
    ref: FileRef | undefined,
    options: CallOptions &
      Partial<Pick<Call, 'repeat' | 'paced' | 'streams' | 'containerName' | 'range' | 'bytesSent'>>,
    call: (ctx: CallContext) => Promise<T>,
  ): Promise<T> {
    const { repeat = true, paced, streams, signal, containerName, range, bytesSent } = options
    const { key, name: fileName } = ref ?? NONE
    const backend = this.#backend
    if (signal?.aborted) return Promise.reject(notBegun(signal, { operation, fileName, containerName, backend }))
    const { alias, bucket } = this.#place
    const about: Call = {
      operation,
      backend,
      alias,
      bucket,
      key,
      fileName,
      containerName,
      repeat,
      paced,
      streams,
      range,
      bytesSent,
    }
    return this.#call(about, call, this.context(options))
  }

  /** Runs work that sends no request, such as making a URL. It is traced, but passes no other layer: it waits for no slot and no timer. */
  local<T>(
    operation: string,
    ref: FileRef,
    options: CallOptions,
    work: (ctx: CallContext) => T | Promise<T>,
  ): Promise<T> {
    const { key, name: fileName } = ref
    const call: Call = { operation, backend: this.#backend, ...this.#place, key, fileName, repeat: false }
    return this.guard(operation, fileName, options, () => trace(call, async ctx => work(ctx), this.context(options)))
  }

  /**
   * Rejects a call before it begins: its signal is already aborted (`aborted`), or it would change a read-only storage
   * (`permission_denied`).
   */
  begin(operation: string, name: string | undefined, { signal }: CallOptions, changes = false): void {
    const details = { operation, fileName: name, backend: this.#backend }
    if (signal?.aborted) throw notBegun(signal, details)
    if (changes && this.#readOnly) throw readOnlyError(details)
  }

  /** Converts an error that was thrown outside of the layers to a `StorageError`: a driver's own error, or an aborted signal. */
  failure(error: unknown, operation: string, fileName: string | undefined, signal?: AbortSignal): StorageError {
    // The name may be a value that is not text: that is one of the errors.
    const name = typeof fileName === 'string' ? fileName : undefined
    return this.#wrapped(error, { operation, fileName: name }, signal)
  }

  #wrapped(
    error: unknown,
    { operation, fileName, containerName }: Pick<Call, 'operation' | 'fileName' | 'containerName'>,
    signal?: AbortSignal,
  ): StorageError {
    const details = { operation, fileName, containerName, backend: this.#backend }
    return wrapError(signal?.aborted ? abortReason(signal, error, details) : error, details, this.#classify)
  }

  /**
   * Runs a public method that does more than calls through the layers. Its errors are `StorageError`s, with code `aborted` when the signal
   * fired.
   */
  async guard<T>(
    operation: string,
    name: string | undefined,
    options: CallOptions,
    work: () => Promise<T>,
  ): Promise<T> {
    try {
      return await work()
    } catch (error) {
      throw this.failure(error, operation, name, options.signal)
    }
  }

  /** Like `guard`, and published on the tracing channel of the operation: for a public method that makes more than one call. */
  operation<T>(operation: string, name: string | undefined, options: CallOptions, work: () => Promise<T>): Promise<T> {
    if (!isTraced(operation)) return this.guard(operation, name, options, work)
    const call: Call = { operation, backend: this.#backend, ...this.#place, fileName: name, repeat: false }
    return trace(call, () => this.guard(operation, name, options, work), this.context(options))
  }

  /** Like `guard`, for synchronous work such as making a key of a name. */
  checked<T>(operation: string, name: string, work: () => T): T {
    try {
      return work()
    } catch (error) {
      throw this.failure(error, operation, name)
    }
  }

  /** Returns a context for work on an open handle, outside of the layers. */
  context(options: CallOptions = {}): CallContext {
    const signal = options.signal ?? never()
    return this.#context(signal, noProgress)
  }

  #context(signal: AbortSignal, progress: () => void): CallContext {
    const runStep = <T>(parent: CallContext, step: Call, run: (ctx: CallContext) => Promise<T>) =>
      this.#step(
        step,
        run,
        this.#context(parent.signal, () => parent.progress()),
      )
    const backend = this.#backend
    const place = this.#place
    return {
      signal,
      attempt: 1,
      progress,
      step(operation, repeat, run) {
        // `this` is the context as the layers have changed it: its signal and its progress callback apply to the step.
        return runStep(this, { operation, backend, ...place, repeat }, run)
      },
    }
  }
}

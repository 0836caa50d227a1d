import type { CallContext, Driver } from '../core/driver.ts'
import { abortedError, StorageError, wrapError } from '../core/errors.ts'
import { concurrency } from '../layers/concurrency.ts'
import { type Call, compose, type Layer } from '../layers/layer.ts'
import { readOnly } from '../layers/read-only.ts'
import { retry } from '../layers/retry.ts'
import { timeout } from '../layers/timeout.ts'
import { trace } from '../layers/trace.ts'
import type { CommonOptions } from './common-settings.ts'

/** What the caller of a public method may say of the call itself. */
export interface CallOptions {
  /** Ends the call with code `aborted`. */
  readonly signal?: AbortSignal | undefined
}

/** A signal that never fires: one for all calls that nobody can end. */
const NEVER: AbortSignal = new AbortController().signal

function noProgress(): void {}

/** Sends every call of a storage through its layers: trace > retry > concurrency > time-out > (the caller's own) > wrap. */
export class CallRunner {
  readonly #call: Layer
  readonly #step: Layer
  readonly #backend: string

  constructor(driver: Driver, options: CommonOptions, extra: readonly Layer[] = []) {
    this.#backend = driver.name
    const wrap: Layer = async (call, next, ctx) => {
      try {
        return await next(ctx)
      } catch (error) {
        const failure = ctx.signal.aborted ? abortReason(ctx.signal, error) : error
        throw wrapError(failure, { operation: call.operation, fileName: call.key, backend: this.#backend }, native =>
          driver.classify(native),
        )
      }
    }
    const again = retry({ maxAttempts: options.maxAttempts })
    const inner = [...(options.timeoutSecs === null ? [] : [timeout(options.timeoutSecs * 1000)]), ...extra, wrap]
    this.#call = compose([
      ...(options.readOnly ? [readOnly] : []),
      trace,
      again,
      concurrency(options.concurrency),
      ...inner,
    ])
    this.#step = compose([trace, again, ...inner])
  }

  /** Makes a call; `replayable` false lets it be tried only once. */
  run<T>(
    operation: string,
    key: string | undefined,
    options: CallOptions & Partial<Pick<Call, 'replayable' | 'conditional' | 'paced' | 'streams'>>,
    call: (ctx: CallContext) => Promise<T>,
  ): Promise<T> {
    const { signal, replayable = true, conditional, paced, streams } = options
    if (signal?.aborted)
      return Promise.reject(abortedError({ operation, fileName: key, backend: this.#backend }, signal.reason))
    const about: Call = { operation, backend: this.#backend, key, replayable, conditional, paced, streams }
    return this.#call(about, call, this.context(options))
  }

  /** A context for work on an open handle, outside the layers. */
  context(options: CallOptions = {}): CallContext {
    const signal = options.signal ?? NEVER
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
    return {
      signal,
      attempt: 1,
      progress,
      step(operation, replayable, run) {
        // `this` is the context as the layers have narrowed it: its signal and progress reach the step.
        return runStep(this, { operation, backend, replayable }, run)
      },
    }
  }
}

function abortReason(signal: AbortSignal, error: unknown): unknown {
  if (error instanceof StorageError && error.code !== 'unavailable' && error.code !== 'unknown') return error
  return abortedError({}, signal.reason)
}

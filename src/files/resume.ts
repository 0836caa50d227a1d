import { Readable } from 'node:stream'
import { onAbort } from '../core/abort.ts'
import { type Body, drain } from '../core/body.ts'
import type { ExpectedHash } from '../core/driver.ts'
import { abortedError, classifyCommon, type ErrorCode, type ErrorDetails, StorageError } from '../core/errors.ts'
import { hashedSink, isExpected, type Sink } from './sink.ts'

const READ_AHEAD = 64 * 1024
/** A remainder of at most this many bytes is read to its end, so that its connection can be used again. */
const SHORT_REST = 64 * 1024
/** Maximum number of new requests per body, whatever they deliver ... */
const FREE_RESUMES = 16
/** ... and one more for each of these bytes that arrived. */
const BYTES_PER_RESUME = 64 * 1024

/** When and how often a broken body is continued. */
export interface ResumeOptions {
  /** Requests the same version of the file again, from this number of bytes on. Without it a broken body fails. */
  readonly again?: ((offset: number) => Promise<Body>) | undefined
  /** Maximum number of new requests in a row that deliver no byte (default: 4). */
  readonly maxAttempts?: number | undefined
  /** Expected number of bytes: a shorter body counts as broken, a longer one is an error. */
  readonly length?: number | undefined
  /**
   * The hash that all bytes together must have; otherwise the body fails at its end with code `checksum_mismatch`, and its last bytes are
   * not passed on.
   */
  readonly expected?: ExpectedHash | undefined
  /** Ends the body with code `aborted`. */
  readonly signal?: AbortSignal | undefined
  /** Details of the call for errors. */
  readonly details?: ErrorDetails | undefined
  /** Returns the code of the driver's native errors. */
  readonly classify?: ((error: unknown) => ErrorCode | undefined) | undefined
  /** Milliseconds to wait before the nth request in a row without progress; default: 0, 100, 200, 400 ... */
  readonly delayMs?: ((n: number) => number) | undefined
}

/**
 * A body that is requested again at its offset when the connection breaks, and that has exactly the announced bytes. `again` must fail with
 * `precondition_failed` when the file has changed since; this error and every other one that is not retryable is passed on. A server that
 * keeps breaking is asked at most 16 times, and once more for each 64 KiB that arrived.
 */
export class ResumedBody implements Body {
  readonly #first: Body
  readonly #options: ResumeOptions
  /** Bytes in memory that are too few, too many, or not those that the service has stored. */
  #early: Buffer | undefined
  #isTaken = false
  #stream: Readable | undefined
  #following: Following | undefined
  readonly #off: () => void

  constructor(first: Body, options: ResumeOptions = {}) {
    this.#first = first
    this.#options = options
    const { signal } = options
    // The connection is closed even if the bytes were not requested yet.
    this.#off = signal === undefined ? nothing : onAbort(signal, () => destroy(first.stream()))
  }

  take(): Buffer | undefined {
    const { length, signal, expected } = this.#options
    if (this.#isTaken || signal?.aborted) return undefined
    const whole = this.#first.take()
    if (whole === undefined) return undefined
    const isWhole = length === undefined || whole.byteLength === length
    if (isWhole && (expected === undefined || isExpected(whole, expected))) {
      this.#begin()
      return whole
    }
    this.#early = whole
    return undefined
  }

  stream(): Readable {
    this.#stream ??= this.#isTaken ? Readable.from([]) : new ResumedStream(sink => this.#follow(sink))
    return this.#stream
  }

  /** Returns all bytes. Most bodies do not break, so no additional stream is put between the connection and the bytes. */
  bytes(): Promise<Buffer> {
    const whole = this.take()
    if (whole !== undefined) return Promise.resolve(whole)
    return new Promise((resolve, reject) => {
      const chunks: Buffer[] = []
      this.#follow({
        data: chunk => chunks.push(chunk) > 0,
        end: () => resolve(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)),
        fail: reject,
      }).resume()
    })
  }

  /**
   * Closes the connection; a read in progress ends with code `aborted`. A short body that was not requested is read to its end, so that its
   * connection can be used again.
   */
  release(): void {
    if (this.#stream !== undefined) this.#stream.destroy()
    const { length } = this.#options
    if (this.#isTaken) this.#following?.fail(new StorageError('aborted', 'The body was given up.'))
    else if (length !== undefined && length <= SHORT_REST) void drain({ body: this.#first })
    else destroy(this.#first.stream())
    this.#begin()
  }

  #begin(): void {
    this.#isTaken = true
    this.#off()
  }

  #follow(sink: Sink): Following {
    if (this.#isTaken) throw new StorageError('invalid_argument', 'A body can be read only once.')
    this.#begin()
    const { expected } = this.#options
    const checked = expected === undefined ? sink : hashedSink(sink, expected)
    this.#following = new Following(this.#first, this.#early, checked, this.#options)
    return this.#following
  }
}

/** Reads one body after another into a sink, each from the offset at which the previous one broke. Begins paused. */
class Following {
  readonly #sink: Sink
  readonly #options: ResumeOptions
  readonly #off: () => void
  #body: Readable
  #offset = 0
  /** Number of new requests in a row without a byte. */
  #failures = 0
  #resumes = 0
  #isWanted = false
  #isOver = false
  #timer: NodeJS.Timeout | undefined

  constructor(first: Body, early: Buffer | undefined, sink: Sink, options: ResumeOptions) {
    this.#sink = sink
    this.#options = options
    this.#body = first.stream()
    const { signal } = options
    this.#off = signal === undefined ? nothing : onAbort(signal, () => this.#abort(signal))
    if (signal?.aborted) this.#abort(signal)
    else if (early !== undefined) this.#take(early)
    if (!this.#isOver) this.#attach(this.#body)
  }

  resume(): void {
    this.#isWanted = true
    this.#body.resume()
  }

  /** Ends with an error, unless it has ended. */
  fail(error: unknown): void {
    if (this.#isOver) return
    this.destroy()
    this.#sink.fail(error)
  }

  /** Ends without an error. */
  destroy(): void {
    this.#isOver = true
    clearTimeout(this.#timer)
    this.#off()
    destroy(this.#body)
  }

  #attach(body: Readable): void {
    this.#body = body
    let isOver = false
    const once = (then: () => void) => (): void => {
      if (isOver) return
      isOver = true
      if (!this.#isOver) then()
    }
    const ended = once(() => (this.#isShort ? this.#broken(cutShort()) : this.#end()))
    const closed = once(() => this.#broken(cutShort()))
    const failed = (error: unknown): void => once(() => this.#broken(error))()
    body.on('data', (chunk: Buffer) => {
      if (isOver || this.#isOver) return
      this.#failures = 0
      this.#take(chunk)
      if (!this.#isWanted) body.pause()
    })
    body.on('end', ended)
    body.on('error', failed)
    body.on('close', closed)
    if (body.errored) failed(body.errored)
    else if (body.readableEnded) ended()
    else if (body.destroyed) closed()
    if (!this.#isWanted) body.pause()
  }

  #take(chunk: Buffer): void {
    const { length } = this.#options
    this.#offset += chunk.byteLength
    if (length !== undefined && this.#offset > length) this.fail(tooLong(length))
    else this.#isWanted = this.#sink.data(chunk)
  }

  get #isShort(): boolean {
    return this.#offset < (this.#options.length ?? 0)
  }

  #broken(error: unknown): void {
    const { length, again, maxAttempts = 4, delayMs = defaultDelay } = this.#options
    if (!this.#passes(error)) this.fail(error)
    // All announced bytes have arrived: later events of the connection do not matter.
    else if (length !== undefined && !this.#isShort) this.#end()
    else if (again === undefined || !this.#mayResume(maxAttempts)) this.fail(error)
    else {
      destroy(this.#body)
      this.#timer = setTimeout(() => this.#again(again), delayMs(this.#failures))
    }
  }

  /** Counts a new request; false when the requests deliver too little. */
  #mayResume(maxAttempts: number): boolean {
    this.#failures += 1
    this.#resumes += 1
    return this.#failures <= maxAttempts && this.#resumes <= FREE_RESUMES + this.#offset / BYTES_PER_RESUME
  }

  #again(again: (offset: number) => Promise<Body>): void {
    again(this.#offset).then(
      body => {
        const stream = body.stream()
        if (this.#isOver) destroy(stream)
        else this.#attach(stream)
      },
      error => {
        if (!this.#isOver) this.#broken(error)
      },
    )
  }

  /** Whether the same request may deliver more. */
  #passes(error: unknown): boolean {
    if (error instanceof StorageError && !error.retryable) return false
    const { classify } = this.#options
    const code = error instanceof StorageError ? error.code : (classify?.(error) ?? classifyCommon(error))
    return code === 'unavailable' || code === 'timeout' || code === 'throttled'
  }

  #abort(signal: AbortSignal): void {
    this.fail(abortedError(this.#options.details ?? {}, signal.reason))
  }

  #end(): void {
    this.#isOver = true
    this.#off()
    this.#sink.end()
  }
}

class ResumedStream extends Readable {
  /** Not set yet when the first body fails at once. */
  readonly #following: Following | undefined

  constructor(follow: (sink: Sink) => Following) {
    super({ highWaterMark: READ_AHEAD })
    this.#following = follow({
      data: chunk => this.push(chunk),
      end: () => this.push(null),
      fail: error => this.destroy(error as Error),
    })
  }

  override _read(): void {
    this.#following?.resume()
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#following?.destroy()
    done(error)
  }
}

function nothing(): void {}

function destroy(body: Readable): void {
  body.on('error', nothing).destroy()
}

function defaultDelay(n: number): number {
  return n === 1 ? 0 : 50 * 2 ** (n - 1)
}

function cutShort(): StorageError {
  return new StorageError('unavailable', 'The connection broke before all bytes had arrived.')
}

function tooLong(length: number): StorageError {
  return new StorageError('unknown', `The answer has more than the ${length} bytes that it announced.`)
}

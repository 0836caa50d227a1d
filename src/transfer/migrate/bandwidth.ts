import { onAbort } from '../../core/abort.ts'
import { StorageError } from '../../core/errors.ts'

/** Maximum number of bytes after which another file gets its turn. */
const TURN = 65_536
/**
 * Number of turns per second at low rates. With 16 files each waits 2 s for its turn: far less than the time without progress after which
 * this library, or a service, ends a request.
 */
const TURNS_PER_SEC = 8
/** The maximum delay of a timer. (https://nodejs.org/api/timers.html#settimeoutcallback-delay-args) */
const MAX_MS = 2 ** 31 - 1

/** Time in milliseconds that only goes forward, and a timer; `after` returns a function that ends it. */
export interface Clock {
  now(): number
  after(ms: number, run: () => void): () => void
}

const SYSTEM: Clock = {
  now: () => performance.now(),
  after: (ms, run) => {
    const timer = setTimeout(run, ms)
    return () => clearTimeout(timer)
  },
}

/** Bytes that wait for their turn. */
interface Waiting {
  readonly bytes: number
  pass(): void
}

/**
 * Limits the bytes per second of many parallel files: a token bucket that holds one second's worth. Files take turns of 64 KiB, or less at
 * low rates, in the order in which they came. A turn of more bytes than the bucket holds waits until it is full, and passes in debt.
 */
export class Bandwidth {
  readonly #clock: Clock
  readonly #waiting = new Set<Waiting>()
  #rate: number | undefined
  #tokens = 0
  #filledAt: number
  #endTimer: (() => void) | undefined

  /** `rate` is in bytes per second; without it, nothing waits. `invalid_argument` if it is not a positive number. */
  constructor(rate: number | undefined, clock: Clock = SYSTEM) {
    this.#clock = clock
    this.#filledAt = clock.now()
    this.#rate = checkedRate(rate)
    this.#tokens = rate ?? 0
  }

  /** Sets the bytes per second from now on, also for those who wait; without a rate, nothing waits. */
  setRate(rate: number | undefined): void {
    checkedRate(rate)
    this.#fill()
    // A bucket that had no limit is full.
    this.#tokens = this.#rate === undefined ? (rate ?? 0) : Math.min(this.#tokens, rate ?? 0)
    this.#rate = rate
    this.#next()
  }

  /** Waits until this number of bytes may be transferred. The signal's reason is thrown when it fires. */
  async take(bytes: number, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    for (let left = bytes; left > 0; ) {
      const turn = Math.min(left, this.turn)
      left -= turn
      if (this.#waiting.size > 0 || !this.#passes(turn)) await this.#turn(turn, signal)
    }
  }

  /** Number of bytes that should be sent at a time. */
  get turn(): number {
    return this.#rate === undefined ? TURN : Math.min(TURN, Math.max(1, Math.floor(this.#rate / TURNS_PER_SEC)))
  }

  #turn(bytes: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        stay()
        this.#waiting.delete(waiting)
      }
      const waiting: Waiting = {
        bytes,
        pass() {
          leave()
          resolve()
        },
      }
      const stay = onAbort(signal, () => {
        leave()
        reject(signal.reason)
        this.#next()
      })
      this.#waiting.add(waiting)
      if (this.#waiting.size === 1) this.#next()
    })
  }

  /** Lets pass who can, and sets the timer for the first of the others. */
  #next(): void {
    this.#endTimer?.()
    this.#endTimer = undefined
    for (const waiting of this.#waiting) {
      if (this.#passes(waiting.bytes)) {
        waiting.pass()
        continue
      }
      const rate = this.#rate!
      const missing = Math.min(waiting.bytes, rate) - this.#tokens
      const ms = Math.max(1, Math.ceil((missing / rate) * 1000))
      this.#endTimer = this.#clock.after(Math.min(ms, MAX_MS), () => this.#next())
      return
    }
  }

  #passes(bytes: number): boolean {
    if (this.#rate === undefined) return true
    this.#fill()
    if (this.#tokens < Math.min(bytes, this.#rate)) return false
    this.#tokens -= bytes
    return true
  }

  #fill(): void {
    const now = this.#clock.now()
    const rate = this.#rate ?? 0
    this.#tokens = Math.min(rate, this.#tokens + ((now - this.#filledAt) / 1000) * rate)
    this.#filledAt = now
  }
}

function checkedRate(rate: number | undefined): number | undefined {
  if (rate === undefined || (Number.isFinite(rate) && rate > 0)) return rate
  const text = `bandwidth: expected a positive number of bytes per second, got ${String(rate)}.`
  throw new StorageError('invalid_argument', text)
}

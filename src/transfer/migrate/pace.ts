import { setTimeout as sleep } from 'node:timers/promises'
import type { Pacer } from './engine-options.ts'

/** The share of the rate that is left after a service asked to slow down. */
const LOWERED = 0.7
/** Seconds in which the limit rises to the rate at which the service asked to slow down: fast first, and slowly near that rate. */
const KNOWN_SECS = 20
/** The limit ends when it has risen to this multiple of that rate. */
const FREE = 2
/** Least limit in files per second. */
const LEAST = 0.1
/** Time in milliseconds in which further requests to slow down are taken for the same one. */
const SAME_MS = 2000
/** Maximum time in milliseconds that a service can ask to wait. */
const MAX_WAIT_MS = 300_000
/** Least time in milliseconds from which a rate is concluded. */
const LEAST_MS = 100
/**
 * Share of the files of the last seconds up to which requests to slow down have no effect: large services refuse single requests at any rate,
 * and those are repeated.
 */
const TOLERATED = 0.02
/** The same as a number of requests, for a low rate. */
const TOLERATED_COUNT = 2
/** Seconds over which the rate is measured. */
const MEASURED_SECS = 5

/** The time in milliseconds, and a way to wait for it. */
export interface PaceClock {
  now(): number
  wait(ms: number, signal: AbortSignal): Promise<void>
}

const SYSTEM: PaceClock = {
  now: () => performance.now(),
  async wait(ms, signal) {
    await sleep(ms, undefined, { signal }).catch((error: unknown) => {
      signal.throwIfAborted()
      throw error
    })
  },
}

/**
 * The pace at which files are processed. There is no limit until a service asks to slow down, by more than single answers: then it is
 * 70 % of the rate so far, rises fast to that rate, stays near it, rises faster again, and ends at twice that rate. (the cubic curve of RFC 9438)
 */
export class Pace implements Pacer {
  readonly #clock: PaceClock
  /** The rate before the last request to slow down; for how long the limit has risen until a time from which it goes on to rise. */
  #slowed: { readonly before: number; readonly risenMs: number; readonly sinceMs: number } | undefined
  #given: number | undefined
  #loweredMs = Number.NEGATIVE_INFINITY
  #isTriedSince = true
  #pausedUntilMs = Number.NEGATIVE_INFINITY
  #lastMs = Number.NEGATIVE_INFINITY
  #beganMs: number | undefined
  /** Number of files taken in each of the last seconds. */
  readonly #taken: Array<{ readonly sec: number; count: number }> = []
  /** When the service asked to slow down, in the last seconds. */
  readonly #refusedMs: number[] = []
  /** Ends when all earlier callers have taken their file. */
  #tail: Promise<void> = Promise.resolve()
  #waiting = 0

  constructor(clock: PaceClock = SYSTEM) {
    this.#clock = clock
  }

  /** The limit in files per second; undefined if there is none. */
  get current(): number | undefined {
    const own = this.#own()
    if (own === undefined || this.#given === undefined) return own ?? this.#given
    return Math.min(own, this.#given)
  }

  /** Sets a limit in files per second that others have decided; undefined removes it. The lower one of both limits holds. */
  setRate(filesPerSec: number | undefined): void {
    this.#given = filesPerSec === undefined ? undefined : Math.max(LEAST, filesPerSec)
  }

  async take(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    if (this.#waiting === 0 && this.#waitMs() <= 0) return this.#count()
    const before = this.#tail
    let end = (): void => undefined
    this.#tail = new Promise(resolve => {
      end = resolve
    })
    this.#waiting++
    try {
      await before
      signal.throwIfAborted()
      // The limit may fall while the first one waits.
      for (let ms = this.#waitMs(); ms > 0; ms = this.#waitMs()) await this.#clock.wait(ms, signal)
      this.#count()
    } finally {
      this.#waiting--
      end()
    }
  }

  throttled(retryAfterMs: number | undefined): void {
    const now = this.#clock.now()
    const fromMs = now - MEASURED_SECS * 1000
    while (this.#refusedMs.length > 0 && this.#refusedMs[0]! <= fromMs) this.#refusedMs.shift()
    this.#refusedMs.push(now)
    const { length } = this.#refusedMs
    if (length <= TOLERATED_COUNT || length < TOLERATED * this.#takenSince(fromMs)) return
    const before = this.current ?? this.#measured(now)
    const pauseMs = Math.min(MAX_WAIT_MS, Math.max(0, retryAfterMs ?? 0))
    this.#pausedUntilMs = Math.max(this.#pausedUntilMs, now + pauseMs)
    // The limit does not rise in a pause.
    if (this.#slowed !== undefined) {
      this.#slowed = { ...this.#slowed, risenMs: this.#risingMs(this.#slowed, now), sinceMs: this.#pausedUntilMs }
    }
    // Answers to requests that were sent before the limit was lowered say nothing about it.
    if (!this.#isTriedSince || now - this.#loweredMs < SAME_MS) return
    this.#slowed = { before: Math.max(LEAST, before), risenMs: 0, sinceMs: this.#pausedUntilMs }
    this.#loweredMs = now
    this.#isTriedSince = false
  }

  #own(): number | undefined {
    if (this.#slowed === undefined) return undefined
    const { before } = this.#slowed
    const risingMs = this.#risingMs(this.#slowed, this.#clock.now())
    const limit = before * (1 + (1 - LOWERED) * (risingMs / 1000 / KNOWN_SECS - 1) ** 3)
    if (limit < before * FREE) return Math.max(LEAST, limit)
    this.#slowed = undefined
    return undefined
  }

  #risingMs({ risenMs, sinceMs }: { readonly risenMs: number; readonly sinceMs: number }, now: number): number {
    return risenMs + Math.max(0, now - sinceMs)
  }

  /** Returns the time until the next file may be taken. */
  #waitMs(): number {
    const limit = this.current
    const dueMs = limit === undefined ? this.#pausedUntilMs : Math.max(this.#pausedUntilMs, this.#lastMs + 1000 / limit)
    return dueMs === Number.NEGATIVE_INFINITY ? 0 : dueMs - this.#clock.now()
  }

  #count(): void {
    const now = this.#clock.now()
    this.#lastMs = now
    this.#beganMs ??= now
    this.#isTriedSince = true
    const sec = Math.floor(now / 1000)
    const last = this.#taken.at(-1)
    if (last?.sec === sec) {
      last.count++
      return
    }
    this.#taken.push({ sec, count: 1 })
    if (this.#taken.length > MEASURED_SECS + 1) this.#taken.shift()
  }

  /** Returns the files taken per second, over the last seconds. */
  #measured(now: number): number {
    const from = Math.floor(now / 1000) - MEASURED_SECS
    const sinceMs = now - Math.max(from * 1000, this.#beganMs ?? now)
    return (this.#takenSince(from * 1000) * 1000) / Math.max(LEAST_MS, sinceMs)
  }

  #takenSince(ms: number): number {
    const from = Math.floor(ms / 1000)
    return this.#taken.reduce((sum, one) => (one.sec >= from ? sum + one.count : sum), 0)
  }
}

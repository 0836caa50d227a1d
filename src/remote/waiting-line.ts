import { onAbort } from '../core/abort.ts'
import type { CallContext } from '../core/call.ts'

/** A call that waits for a `T`. */
export interface Waiter<T> {
  readonly ctx: CallContext
  /** Its position in the order of arrival. */
  readonly ticket: number
  /** The start of its timeout, as a time in ms. */
  since: number
  resolve(value: T): void
  reject(error: unknown): void
}

/** Minimum time between two reports of progress to waiting calls, in ms. */
const RELAY_MS = 1_000

/** Calls that wait in order for something that other calls use. A call fails if there is no progress for `stallMs`. */
export class WaitingLine<T> {
  readonly #stallMs: number
  readonly #refusal: () => Error
  #waiters: Waiter<T>[] = []
  #tickets = 0
  #movedAt = 0
  #relayedAt = 0
  #timer: NodeJS.Timeout | undefined

  /** `refusal` makes the error of a call that timed out. */
  constructor(stallMs: number, refusal: () => Error) {
    this.#stallMs = stallMs
    this.#refusal = refusal
  }

  get length(): number {
    return this.#waiters.length
  }

  /** Waits at the end of the line, until the waiter is resolved or the call's signal fires. */
  wait(ctx: CallContext): Promise<T> {
    return new Promise((resolve, reject) => {
      const waiter: Waiter<T> = {
        ctx,
        ticket: this.#tickets++,
        since: Date.now(),
        resolve(value) {
          leave()
          resolve(value)
        },
        reject(error) {
          leave()
          reject(error)
        },
      }
      const leave = onAbort(ctx.signal, () => {
        this.#remove([waiter])
        waiter.reject(ctx.signal.reason)
      })
      this.#waiters.push(waiter)
      if (this.#timer === undefined) this.#watch()
    })
  }

  /** Removes the first waiter from the line and returns it. */
  next(): Waiter<T> | undefined {
    const first = this.#waiters.shift()
    if (this.#waiters.length === 0) this.#watch()
    return first
  }

  /** Puts a waiter back, before all that arrived later. */
  putBack(waiter: Waiter<T>): void {
    waiter.since = Date.now()
    const later = this.#waiters.findIndex(({ ticket }) => ticket > waiter.ticket)
    this.#waiters.splice(later < 0 ? this.#waiters.length : later, 0, waiter)
    this.#watch()
  }

  /** Reports progress: the timeouts of all waiters start again. */
  moved(): void {
    if (this.#waiters.length === 0) return
    this.#movedAt = Date.now()
    if (this.#movedAt - this.#relayedAt < RELAY_MS) return
    this.#relayedAt = this.#movedAt
    for (const { ctx } of this.#waiters) ctx.progress()
  }

  /** Rejects all waiters, each with an error. */
  refuseAll(error: () => Error): void {
    for (const waiter of this.#remove(this.#waiters)) waiter.reject(error())
  }

  #remove(gone: readonly Waiter<T>[]): readonly Waiter<T>[] {
    this.#waiters = this.#waiters.filter(waiter => !gone.includes(waiter))
    this.#watch()
    return gone
  }

  /** Runs one timer while there are waiters. It is not unref'd: the wait may be all that the process does. */
  #watch(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    const first = this.#waiters[0]
    if (first === undefined) return
    this.#timer = setTimeout(() => this.#refuse(), Math.max(this.#sinceOf(first) + this.#stallMs - Date.now(), 1))
  }

  #sinceOf({ since }: Waiter<T>): number {
    return Math.max(since, this.#movedAt)
  }

  #refuse(): void {
    const latest = Date.now() - this.#stallMs
    const stalled = this.#waiters.filter(waiter => this.#sinceOf(waiter) <= latest)
    for (const waiter of this.#remove(stalled)) waiter.reject(this.#refusal())
  }
}

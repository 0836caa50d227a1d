import { abortable } from '../core/abort.ts'

/** How a `Renewed` value is kept. */
export interface RenewalOptions<T> {
  /** When a value expires; undefined for a value that does not expire. */
  endOf(value: T): Date | undefined
  /** How long before its end a value is renewed, in ms; at most nine tenths of its lifetime. Default 5 minutes. */
  readonly earlyMs?: number | undefined
  /** Clock in ms. */
  readonly now?: (() => number) | undefined
}

const EARLY_MS = 5 * 60_000
/** Time between two attempts to renew a value that is still valid, in ms. */
const PAUSE_MS = 5_000

/**
 * A token, or keys, loaded at first use and again before they expire: once for all waiting calls. A failed load is not remembered: the next
 * call loads again. While the old value is valid, a failed renewal is not reported, and is tried again after 5 s.
 *
 * @example
 * const token = new Renewed(requestToken, { endOf: token => token.expiresAt })
 * headers.authorization = `Bearer ${(await token.get(ctx.signal)).text}`
 */
export class Renewed<T extends object> {
  readonly #load: () => Promise<T>
  readonly #endOf: (value: T) => Date | undefined
  readonly #earlyMs: number
  readonly #now: () => number
  #current: T | undefined
  #endMs = Number.POSITIVE_INFINITY
  #renewMs = Number.POSITIVE_INFINITY
  #loading: Promise<T> | undefined

  constructor(load: () => Promise<T>, { endOf, earlyMs = EARLY_MS, now = () => Date.now() }: RenewalOptions<T>) {
    this.#load = load
    this.#endOf = endOf
    this.#earlyMs = earlyMs
    this.#now = now
  }

  /**
   * The value, without a promise if it is already loaded. `signal` ends the wait, not the load, which all calls share. A value that `fits`
   * refuses is loaded again; the new value is not checked.
   */
  get(signal?: AbortSignal, fits?: (value: T) => boolean): T | Promise<T> {
    const current = this.#current
    const now = this.#now()
    if (current === undefined || now >= this.#endMs || fits?.(current) === false) {
      const renewed = this.#renew()
      return signal === undefined ? renewed : abortable(renewed, signal)
    }
    if (now < this.#renewMs) return current
    this.#renew().catch(() => {
      this.#renewMs = this.#now() + PAUSE_MS
    })
    return current
  }

  /** Forgets a value that the service has refused, unless it was already renewed. */
  drop(value: unknown): void {
    if (this.#current === value) this.#current = undefined
  }

  #renew(): Promise<T> {
    this.#loading ??= this.#loadOnce().finally(() => {
      this.#loading = undefined
    })
    return this.#loading
  }

  async #loadOnce(): Promise<T> {
    const value = await this.#load()
    const now = this.#now()
    const given = this.#endOf(value)?.getTime() ?? Number.POSITIVE_INFINITY
    const end = Number.isNaN(given) ? now + this.#earlyMs : given
    this.#current = value
    this.#endMs = end
    this.#renewMs = end - Math.min(this.#earlyMs, Math.max(0, end - now) * 0.9)
    return value
  }
}

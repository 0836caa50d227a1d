import { abortable } from '../../core/abort.ts'
import type { CallContext } from '../../core/call.ts'
import { errnoOf } from '../../core/errno.ts'

/**
 * Interval in milliseconds in which the next call in the queue tries again: some descriptors, such as those of sockets, are freed without
 * notice.
 */
const POLL_MS = 20
/** Milliseconds without progress after which waiting fails: while calls of a storage are running, and while none is. */
const STUCK_MS = 30_000
const IDLE_MS = 2_000

/** System calls that need a descriptor, by their names in errors. */
const OPENING: ReadonlySet<string> = new Set(['open', 'opendir', 'scandir', 'copyfile'])

/** Options of waiting. */
export interface QueueOptions {
  /** Whether it belongs to a call that holds descriptors meanwhile: it does not wait behind others. */
  readonly holds?: boolean
  /** Whether it may be repeated after a lack of descriptors. Default: always. */
  readonly mayRepeat?: () => boolean
}

interface Waiter {
  readonly ctx: CallContext
  readonly wake: () => void
}

/**
 * A queue for calls that found no free descriptor. Each has released the descriptors that it held, so waiting calls do not block each
 * other. The first one tries again when another call has ended, and every `POLL_MS`. Waiting ends with the call's signal, or with the
 * system's error if no call has made progress for a while.
 */
export class DescriptorQueue {
  readonly #waiting: Waiter[] = []
  #active = 0
  #movedAt = Number.NEGATIVE_INFINITY
  #timer: NodeJS.Timeout | undefined

  /**
   * Runs work that opens files, and repeats it while no file can be opened (EMFILE, ENFILE). Work that failed in this way has released its
   * descriptors, unless it `holds` some, and has changed nothing.
   */
  async run<T>(ctx: CallContext, work: () => Promise<T>, options: QueueOptions = {}): Promise<T> {
    const { holds = false, mayRepeat = always } = options
    if (!holds && this.#waiting.length > 0) await this.#turn(ctx, false)
    for (let failedAt: number | undefined; ; ) {
      this.#active++
      try {
        const result = await work()
        this.#moved()
        return result
      } catch (error) {
        if (!isShortage(error)) this.#moved()
        if (!isShortage(error) || !mayRepeat()) throw error
        failedAt ??= performance.now()
        if (this.#isStuck(failedAt)) throw error
      } finally {
        this.#active--
      }
      await this.#turn(ctx, true)
    }
  }

  /** Waits until this call may try. A call that has tried before goes to the head of the queue. */
  async #turn(ctx: CallContext, again: boolean): Promise<void> {
    const { promise, resolve: wake } = Promise.withResolvers<void>()
    const waiter = { ctx, wake }
    if (again) this.#waiting.unshift(waiter)
    else this.#waiting.push(waiter)
    this.#timer ??= setTimeout(() => this.#poll(performance.now()), POLL_MS)
    try {
      await abortable(promise, ctx.signal)
    } catch (error) {
      const at = this.#waiting.indexOf(waiter)
      if (at >= 0) this.#waiting.splice(at, 1)
      // This call was woken to try, so the next one tries instead.
      else this.#waiting.shift()?.wake()
      throw error
    }
  }

  /** Wakes the first call, and resets the time-outs of the others. */
  #poll(since: number): void {
    const isMoving = this.#movedAt >= since - POLL_MS
    if (isMoving) for (const { ctx } of this.#waiting) ctx.progress()
    this.#waiting.shift()?.wake()
    const now = performance.now()
    this.#timer = this.#waiting.length === 0 ? undefined : setTimeout(() => this.#poll(now), POLL_MS)
  }

  /** A call has ended and released its descriptors. */
  #moved(): void {
    this.#movedAt = performance.now()
    this.#waiting.shift()?.wake()
  }

  #isStuck(failedAt: number): boolean {
    // The call that checks is counted itself.
    const limit = this.#active > 1 ? STUCK_MS : IDLE_MS
    return performance.now() - Math.max(failedAt, this.#movedAt) > limit
  }
}

/** Descriptors belong to the process, so all its storages share one queue. */
export const descriptors: DescriptorQueue = new DescriptorQueue()

function always(): boolean {
  return true
}

/** Whether the system refused to open a file because of a lack of descriptors. */
function isShortage(error: unknown): boolean {
  const errno = errnoOf(error)
  if (errno !== 'EMFILE' && errno !== 'ENFILE') return false
  return OPENING.has((error as NodeJS.ErrnoException).syscall ?? '')
}

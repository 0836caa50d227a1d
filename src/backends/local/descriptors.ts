import { abortable } from '../../core/abort.ts'
import type { CallContext } from '../../core/call.ts'
import { errnoOf } from '../../core/errno.ts'

/** How often the next call in the queue tries again, in milliseconds: descriptors come free that nobody tells of, such as those of sockets. */
const POLL_MS = 20
/** How long nothing may go on before waiting is given up, in milliseconds: while calls of a storage are at work, and when none is. */
const STUCK_MS = 30_000
const IDLE_MS = 2_000

/** Calls of the system that take a descriptor, as errors name them. */
const OPENING: ReadonlySet<string> = new Set(['open', 'opendir', 'scandir', 'copyfile'])

/** How a call waits. */
export interface QueueOptions {
  /** Whether it is a part of a call that holds descriptors meanwhile: it does not wait behind others. */
  readonly holds?: boolean
  /** Whether it may be done again after it was short of descriptors. Default: always. */
  readonly mayRepeat?: () => boolean
}

interface Waiter {
  readonly ctx: CallContext
  readonly wake: () => void
}

/**
 * Calls that found no descriptor free wait here for one. Each has given back those that it held, so that they cannot keep each other from going on;
 * the first one tries again when another call has ended, and every `POLL_MS`. Waiting ends with the call's signal, and with the system's error when
 * no call has gone on for a while.
 */
export class DescriptorQueue {
  readonly #waiting: Waiter[] = []
  #active = 0
  #movedAt = Number.NEGATIVE_INFINITY
  #timer: NodeJS.Timeout | undefined

  /**
   * Runs work that opens files, again and again while none can be opened (EMFILE, ENFILE). Work that failed in this way has given back its
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

  /** Waits until it is this call's turn to try. One that has tried before goes to the head of the queue. */
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
      // It was told to try: the next one does it instead.
      else this.#waiting.shift()?.wake()
      throw error
    }
  }

  /** Lets the first one try, and tells the others' time-outs that the queue moves. */
  #poll(since: number): void {
    const isMoving = this.#movedAt >= since - POLL_MS
    if (isMoving) for (const { ctx } of this.#waiting) ctx.progress()
    this.#waiting.shift()?.wake()
    const now = performance.now()
    this.#timer = this.#waiting.length === 0 ? undefined : setTimeout(() => this.#poll(now), POLL_MS)
  }

  /** A call has ended, and given back what it held. */
  #moved(): void {
    this.#movedAt = performance.now()
    this.#waiting.shift()?.wake()
  }

  #isStuck(failedAt: number): boolean {
    // The one that asks is counted itself.
    const limit = this.#active > 1 ? STUCK_MS : IDLE_MS
    return performance.now() - Math.max(failedAt, this.#movedAt) > limit
  }
}

/** The descriptors are those of the process, so its storages wait in one queue. */
export const descriptors: DescriptorQueue = new DescriptorQueue()

function always(): boolean {
  return true
}

/** Whether the system refused to open something for want of a descriptor. */
function isShortage(error: unknown): boolean {
  const errno = errnoOf(error)
  if (errno !== 'EMFILE' && errno !== 'ENFILE') return false
  return OPENING.has((error as NodeJS.ErrnoException).syscall ?? '')
}

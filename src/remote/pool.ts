import { abortable } from '../core/abort.ts'
import type { CallContext } from '../core/call.ts'
import { StorageError } from '../core/errors.ts'
import { type Waiter, WaitingLine } from './waiting-line.ts'

/** How the connections of a pool are opened, checked and closed. */
export interface PoolProtocol<C> {
  /** Connects and logs in. */
  open(ctx: CallContext): Promise<C>
  /** Whether the connection can be used again; otherwise it is closed. */
  isUsable(connection: C): boolean
  close(connection: C): void | Promise<void>
  /** Whether `open` failed because the server accepts no more connections: the task then waits for one of the open connections. */
  isFull?(error: unknown): boolean
  /** Maximum number of leases of this connection, if it is lower than that of the others. */
  tasks?(connection: C): number
  /** Called when the connection becomes idle: its socket should not keep the process alive. */
  rest?(connection: C): void
  /** Called when an idle connection is used again. */
  wake?(connection: C): void
}

/** Sizes and times of a pool. */
export interface PoolOptions {
  /** Maximum number of connections. */
  readonly size: number
  /** Time after which an idle connection is closed, in ms. */
  readonly idleMs: number
  /** Maximum number of leases of one connection at a time. Default 1. */
  readonly tasks?: number | undefined
  /** How long a task waits while no other task makes progress, in ms. Default 60,000. */
  readonly stallMs?: number | undefined
  /** The option that sets `size`, for errors. Default `poolSize`. */
  readonly setting?: string | undefined
}

/** The use of a connection by one task. */
export interface Lease<C> {
  readonly connection: C
  /** Reports that bytes moved: the timeout of waiting tasks starts again. */
  touch(): void
  /** Closes the connection and opens another in its place. If that fails, the lease has ended. */
  renew(ctx: CallContext): Promise<C>
  /** Returns the connection to the pool; it is closed if it is not usable. Further calls do nothing. */
  release(): void
  /** Closes the connection, for all tasks that use it. Further calls do nothing. */
  drop(): void
}

interface Slot<C> {
  readonly connection: C
  leases: number
  /** Accepts no more leases, and is closed with its last one. */
  retired: boolean
  idle?: NodeJS.Timeout | undefined
}

const STALL_MS = 60_000
/** Time after which a pool that the server limited grows by one connection. */
const GROW_MS = 30_000

/**
 * At most `size` connections, which are opened on demand and closed when idle. Tasks wait in order. A broken connection is replaced. Code
 * `timeout` if a task waited while no other task made progress, as happens if one task needs two connections of a pool of one.
 *
 * @example
 * const size = await pool.use(ctx, connection => connection.size(path))
 */
export class Pool<C> {
  readonly #protocol: PoolProtocol<C>
  readonly #size: number
  readonly #idleMs: number
  readonly #tasks: number
  readonly #slots = new Set<Slot<C>>()
  readonly #line: WaitingLine<Slot<C>>
  #opening = 0
  /** Number of connections that the server is assumed to accept; at most `size`. */
  #limit: number
  #growAt = 0
  /** Number of times the pool was closed. Connections from before the last close are not kept. */
  #era = 0

  constructor(protocol: PoolProtocol<C>, options: PoolOptions) {
    const { size, idleMs, tasks = 1, stallMs = STALL_MS, setting = 'poolSize' } = options
    this.#protocol = protocol
    this.#size = size
    this.#idleMs = idleMs
    this.#tasks = tasks
    this.#limit = size
    this.#line = new WaitingLine(stallMs, () => {
      const what = `All ${this.#limit} connections ('${setting}') have been in use for ${stallMs / 1000} s without progress`
      const details = { outcome: 'not_applied', retryable: false } as const
      return new StorageError('timeout', `${what}: close files that are open, or raise '${setting}'.`, details)
    })
  }

  /** Runs a task with a connection, and returns the connection to the pool afterwards, even if the task fails. */
  async use<T>(ctx: CallContext, task: (connection: C, lease: Lease<C>) => Promise<T>): Promise<T> {
    const lease = await this.lease(ctx)
    try {
      return await task(lease.connection, lease)
    } finally {
      lease.release()
    }
  }

  /** Returns a connection, which is leased until it is released. */
  async lease(ctx: CallContext): Promise<Lease<C>> {
    ctx.signal.throwIfAborted()
    const turn = this.#line.wait(ctx)
    this.#serve()
    return this.#leaseOf(await turn)
  }

  /**
   * Closes idle connections now, and leased ones when they are released. Waiting tasks fail with code `closed`. The pool can be used again.
   */
  async close(): Promise<void> {
    this.#era++
    this.#line.refuseAll(() => new StorageError('closed', 'The storage was closed.'))
    await Promise.all([...this.#slots].map(slot => this.#retire(slot)))
  }

  #leaseOf(first: Slot<C>): Lease<C> {
    let slot = first
    let over = false
    const end = (now: boolean): void => {
      if (over) return
      over = true
      this.#giveBack(slot, now)
    }
    return {
      get connection() {
        return slot.connection
      },
      touch: () => this.#line.moved(),
      renew: async ctx => {
        if (over) throw new StorageError('closed', 'The connection was already released.')
        over = true
        slot.leases--
        // Counts as opening from here on, so that no other task takes the place.
        slot = await this.#open(ctx, this.#retire(slot)).finally(() => this.#serve())
        over = false
        return slot.connection
      },
      release: () => end(false),
      drop: () => end(true),
    }
  }

  #giveBack(slot: Slot<C>, now = false): void {
    slot.leases--
    this.#line.moved()
    if (now || slot.retired || !this.#protocol.isUsable(slot.connection)) this.#retire(slot, now)
    else if (slot.leases === 0) this.#rest(slot)
    this.#serve()
  }

  /** Hands connections to waiting tasks, and opens more. */
  #serve(): void {
    for (let slot = this.#free(); slot !== undefined; slot = this.#free()) this.#take(slot, this.#line.next())
    if (this.#limit < this.#size && Date.now() >= this.#growAt) {
      this.#limit++
      this.#growAt = Date.now() + GROW_MS
    }
    // Tasks that will share a connection that is being opened do not need their own.
    while (this.#line.length > this.#opening * (this.#tasks - 1) && this.#slots.size + this.#opening < this.#limit) {
      const waiter = this.#line.next()
      if (waiter !== undefined) this.#openFor(waiter)
    }
  }

  /** The connection with the fewest leases that accepts another one, if a task is waiting. */
  #free(): Slot<C> | undefined {
    if (this.#line.length === 0) return undefined
    let best: Slot<C> | undefined
    for (const slot of this.#slots) {
      if (!slot.retired && !this.#protocol.isUsable(slot.connection)) this.#retire(slot)
      if (slot.retired || slot.leases >= this.#tasksOf(slot)) continue
      if (best === undefined || slot.leases < best.leases) best = slot
    }
    return best
  }

  #tasksOf({ connection }: Slot<C>): number {
    return Math.min(this.#tasks, this.#protocol.tasks?.(connection) ?? this.#tasks)
  }

  #take(slot: Slot<C>, waiter: Waiter<Slot<C>> | undefined): void {
    if (slot.idle !== undefined) this.#protocol.wake?.(slot.connection)
    clearTimeout(slot.idle)
    slot.idle = undefined
    slot.leases++
    waiter?.resolve(slot)
  }

  async #openFor(waiter: Waiter<Slot<C>>): Promise<void> {
    const { signal } = waiter.ctx
    try {
      const slot = await this.#open(waiter.ctx)
      waiter.resolve(slot)
      // The task was aborted, so it has not taken the connection.
      if (signal.aborted) this.#giveBack(slot)
    } catch (error) {
      const others = this.#slots.size + this.#opening
      if (others === 0 || signal.aborted || this.#protocol.isFull?.(error) !== true) waiter.reject(error)
      else {
        this.#limit = others
        this.#growAt = Date.now() + GROW_MS
        this.#line.putBack(waiter)
      }
    }
    this.#serve()
  }

  /** A new connection with one lease. */
  async #open(ctx: CallContext, before?: Promise<void>): Promise<Slot<C>> {
    const era = this.#era
    this.#opening++
    try {
      await before
      // A login that prompts a person may take long: the timeout of all waiting tasks starts again.
      const progress = (): void => {
        ctx.progress()
        this.#line.moved()
      }
      const opened = this.#protocol.open({ ...ctx, progress })
      const connection = await abortable(opened, ctx.signal, late => this.#protocol.close(late))
      const slot: Slot<C> = { connection, leases: 1, retired: era !== this.#era }
      this.#slots.add(slot)
      return slot
    } catch (error) {
      const others = this.#slots.size + this.#opening - 1
      const waits = others > 0 && this.#protocol.isFull?.(error) === true
      if (this.#slots.size === 0 && !waits && !ctx.signal.aborted) this.#refuseSharers(error)
      throw error
    } finally {
      this.#opening--
    }
  }

  /** Tasks that waited to share a connection also fail with its error. Otherwise each would open another and prompt the person again. */
  #refuseSharers(error: unknown): void {
    for (let sharers = this.#tasks - 1; sharers > 0 && this.#line.length > 0; sharers--)
      this.#line.next()?.reject(error)
  }

  #rest(slot: Slot<C>): void {
    slot.idle = setTimeout(() => this.#retire(slot), this.#idleMs)
    slot.idle.unref()
    this.#protocol.rest?.(slot.connection)
  }

  /** Retires a connection, and closes it when no task uses it, or at once if `now`. */
  async #retire(slot: Slot<C>, now = false): Promise<void> {
    clearTimeout(slot.idle)
    slot.retired = true
    if ((slot.leases > 0 && !now) || !this.#slots.delete(slot)) return
    try {
      await this.#protocol.close(slot.connection)
    } catch {
      // The connection is gone in either case.
    }
  }
}

import { abortable } from '../core/abort.ts'
import type { CallContext } from '../core/call.ts'
import { StorageError } from '../core/errors.ts'
import { type Waiter, WaitingLine } from './waiting-line.ts'

/** How the connections of a pool are made, judged and ended. */
export interface PoolProtocol<C> {
  /** Connects and logs in. */
  open(ctx: CallContext): Promise<C>
  /** Whether the connection can be used again; one that cannot is closed. */
  isUsable(connection: C): boolean
  close(connection: C): void | Promise<void>
  /** Whether `open` failed because the server takes no more connections: then the task waits for one of those that live. */
  isFull?(error: unknown): boolean
  /** Leases that this connection may have at a time, where it takes fewer than the others. */
  tasks?(connection: C): number
  /** Called when the connection begins to rest: its socket should not keep the process alive. */
  rest?(connection: C): void
  /** Called when a connection that rested is used again. */
  wake?(connection: C): void
}

/** Sizes and times of a pool. */
export interface PoolOptions {
  /** Connections at most. */
  readonly size: number
  /** How long a connection may rest before it is closed, in ms. */
  readonly idleMs: number
  /** Leases that one connection may have at a time. Default 1. */
  readonly tasks?: number | undefined
  /** How long a task waits while no other makes progress, in ms. Default 60,000. */
  readonly stallMs?: number | undefined
  /** The option that sets `size`, for errors. Default `poolSize`. */
  readonly setting?: string | undefined
}

/** The use of a connection by one task. */
export interface Lease<C> {
  readonly connection: C
  /** Says that bytes moved: tasks that wait count their time from here. */
  touch(): void
  /** Closes the connection and opens another in its place. When that fails, the lease has ended. */
  renew(ctx: CallContext): Promise<C>
  /** Gives the connection back; it is closed if it is not usable. Further calls do nothing. */
  release(): void
  /** Closes the connection, for all who use it. Further calls do nothing. */
  drop(): void
}

interface Slot<C> {
  readonly connection: C
  leases: number
  /** Takes no more leases, and is closed with its last one. */
  retired: boolean
  idle?: NodeJS.Timeout | undefined
}

const STALL_MS = 60_000
/** A pool that the server made smaller grows by one connection after this time. */
const GROW_MS = 30_000

/**
 * Connections that are opened when they are needed, at most `size` of them, and closed when they rest. Tasks wait in order. A broken connection
 * is replaced. `timeout`: a task waited while no other made progress, as happens when one task needs two connections of a pool of one.
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
  /** Connections that the server is thought to take; `size` at most. */
  #limit: number
  #growAt = 0
  /** How often the pool was closed: connections of an earlier time are not kept. */
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

  /** Runs a task with a connection, and gives that back whatever becomes of the task. */
  async use<T>(ctx: CallContext, task: (connection: C, lease: Lease<C>) => Promise<T>): Promise<T> {
    const lease = await this.lease(ctx)
    try {
      return await task(lease.connection, lease)
    } finally {
      lease.release()
    }
  }

  /** A connection until it is released. */
  async lease(ctx: CallContext): Promise<Lease<C>> {
    ctx.signal.throwIfAborted()
    const turn = this.#line.wait(ctx)
    this.#serve()
    return this.#leaseOf(await turn)
  }

  /** Closes what rests now, and what is leased when it is released. Those who wait get code `closed`. The pool can be used again. */
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
        if (over) throw new StorageError('closed', 'The connection was given back.')
        over = true
        slot.leases--
        // Counted from here as one that is opened, so that nobody else takes the place.
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

  /** Gives connections to those who wait, and opens more. */
  #serve(): void {
    for (let slot = this.#free(); slot !== undefined; slot = this.#free()) this.#take(slot, this.#line.next())
    if (this.#limit < this.#size && Date.now() >= this.#growAt) {
      this.#limit++
      this.#growAt = Date.now() + GROW_MS
    }
    // Those who will share a connection that is being opened need none of their own.
    while (this.#line.length > this.#opening * (this.#tasks - 1) && this.#slots.size + this.#opening < this.#limit) {
      const waiter = this.#line.next()
      if (waiter !== undefined) this.#openFor(waiter)
    }
  }

  /** The connection with the fewest leases that may have one more, if anybody waits. */
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
      // Nobody has taken it then.
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
      // Where a person is asked it may take long: those who wait in the line wait for that, too.
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

  /** Those who waited to share a connection have its error, too: each would else open another, and a person be asked anew. */
  #refuseSharers(error: unknown): void {
    for (let sharers = this.#tasks - 1; sharers > 0 && this.#line.length > 0; sharers--)
      this.#line.next()?.reject(error)
  }

  #rest(slot: Slot<C>): void {
    slot.idle = setTimeout(() => this.#retire(slot), this.#idleMs)
    slot.idle.unref()
    this.#protocol.rest?.(slot.connection)
  }

  /** Takes a connection out of use, and closes it when nobody has it, or `now`. */
  async #retire(slot: Slot<C>, now = false): Promise<void> {
    clearTimeout(slot.idle)
    slot.retired = true
    if ((slot.leases > 0 && !now) || !this.#slots.delete(slot)) return
    try {
      await this.#protocol.close(slot.connection)
    } catch {
      // It is gone either way.
    }
  }
}

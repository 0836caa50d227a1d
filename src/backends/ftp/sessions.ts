import type { CallContext } from '../../core/call.ts'
import { Pool } from '../../remote/pool.ts'
import { checkBlanks } from './blanks.ts'
import { Connector, type FtpConnection, type ServerOptions } from './connection.ts'
import { isLost, isRefusal, isServerFull } from './errors.ts'
import { removeLeftovers } from './leftovers.ts'
import { checkKey } from './paths.ts'
import type { ServerMemory } from './server.ts'
import type { Slot } from './slots.ts'

/** The number of connections, and how long they may be idle. */
export interface SessionOptions extends ServerOptions {
  readonly poolSize: number
  readonly idleSecs: number
}

/** A task with a connection in a slot of the pool. `keep` makes the lease outlive the task, and returns a function that ends the lease. */
export type SessionTask<T> = (slot: Slot, keep: () => () => void) => Promise<T>

/** The connections of one storage. An idle connection does not keep the process alive. */
export class Sessions {
  readonly #options: SessionOptions
  readonly #pool: Pool<FtpConnection>
  readonly #beside = new Set<Promise<void>>()

  constructor(options: SessionOptions) {
    this.#options = options
    const server: ServerMemory = { leftovers: new Map() }
    const connector = new Connector(options, server)
    this.#pool = new Pool<FtpConnection>(
      {
        open: ctx => connector.open(ctx),
        isUsable: ({ control }) => control.isUsable,
        close: ({ control }) => control.close(),
        isFull: isServerFull,
        rest: ({ control }) => void control.socket.unref(),
        wake: ({ control }) => void control.socket.ref(),
      },
      { size: options.poolSize, idleMs: options.idleSecs * 1000 },
    )
  }

  /**
   * Runs a task about a key over a connection. An idle connection may be lost without notice: if its first command gets no answer, another
   * connection replaces it. Code `suspicious_name` for a key that no command can contain, or that the server would interpret as another
   * one.
   */
  async run<T>(key: string, ctx: CallContext, task: SessionTask<T>): Promise<T> {
    ctx.signal.throwIfAborted()
    checkKey(key, this.#options.encoding)
    const lease = await this.#pool.lease(ctx)
    let isKept = false
    const keep = (): (() => void) => {
      isKept = true
      return () => lease.release()
    }
    const attempt = async (): Promise<T> => {
      lease.connection.waiting = undefined
      await removeLeftovers(lease.connection, ctx.signal)
      await checkBlanks(lease.connection, key, ctx)
      return task(lease, keep)
    }
    try {
      const { control } = lease.connection
      const { answers } = control
      const isFresh = lease.connection.uses === 0
      try {
        return await attempt()
      } catch (error) {
        const isStale = isLost(error) && control.answers <= answers + (isRefusal(error, 421) ? 1 : 0)
        if (isFresh || !isStale || ctx.signal.aborted) throw error
        await lease.renew(ctx)
        return await attempt()
      }
    } finally {
      lease.connection.uses++
      if (!isKept) lease.release()
    }
  }

  /** Lets work continue after its call; `close` waits for it. */
  beside(work: Promise<unknown>): void {
    const settled = work.then(nothing, nothing)
    this.#beside.add(settled)
    void settled.then(() => this.#beside.delete(settled))
  }

  /** Closes idle connections, and the others when they are free. */
  async close(): Promise<void> {
    await Promise.all(this.#beside)
    await this.#pool.close()
  }
}

function nothing(): void {}

import type { CallContext } from '../../core/call.ts'
import { isStorageError } from '../../core/errors.ts'
import { sharedContext } from '../../remote/aftermath.ts'
import { type Lease, Pool } from '../../remote/pool.ts'
import type { Channel } from './channel.ts'
import { Connections, type ConnectionsOptions } from './connections.ts'
import { SessionFull } from './errors.ts'

/** Maximum number of calls that share one session. */
const TASKS = 16
/** How long a failed call waits for its clean-up, in milliseconds. */
const CLEAN_MS = 2000
/** How long the server's limit of open files is cached, in milliseconds. */
const LIMIT_MS = 60_000
/** Maximum number of sessions on which a task is tried. */
const MAX_TRIES = 20

/** Options for the number of sessions. */
export interface SessionsOptions extends ConnectionsOptions {
  readonly poolSize: number
  readonly idleSecs: number
}

/** The sessions of a storage, and files that earlier sessions left on the server. */
export class Sessions {
  readonly pool: Pool<Channel>
  /** Temporary files that could not be removed because the connection was lost. */
  readonly #left = new Set<string>()
  /** Number of calls that may share a session, as learnt from the server. */
  #limit = { tasks: TASKS, until: 0 }
  readonly #closing = new Set<Promise<void>>()
  #isClosed = false

  constructor(options: SessionsOptions) {
    const connections = new Connections(options)
    this.pool = new Pool<Channel>(
      {
        open: async ctx => {
          const channel = await connections.open(ctx)
          void this.#clear(channel)
          return channel
        },
        isUsable: channel => channel.isUsable,
        close: channel => channel.close(),
        isFull: error => isStorageError(error, 'unavailable'),
        rest: channel => channel.rest(),
        wake: channel => channel.wake(),
        tasks: () => (performance.now() < this.#limit.until ? this.#limit.tasks : TASKS),
      },
      { size: options.poolSize, idleMs: options.idleSecs * 1000, tasks: TASKS },
    )
  }

  /**
   * Runs a task on a session. The task is repeated on another session if the first one has too many open files (`SessionFull`), or if an
   * idle session turns out to be dead before any answer.
   */
  async use<T>(ctx: CallContext, task: (channel: Channel, lease: Lease<Channel>) => Promise<T>): Promise<T> {
    return this.lease(ctx, async lease => {
      try {
        return await task(lease.connection, lease)
      } finally {
        lease.release()
      }
    })
  }

  /** The same for a task that keeps the session, or releases it itself. On failure, the session is released here. */
  async lease<T>(ctx: CallContext, task: (lease: Lease<Channel>) => Promise<T>): Promise<T> {
    for (let tries = 1; ; tries++) {
      const lease = await this.pool.lease(ctx)
      const isUnproven = lease.connection.isUnproven
      try {
        return await task(lease)
      } catch (error) {
        lease.release()
        const isFull = error instanceof SessionFull
        if (isFull) this.#limit = { tasks: error.handles, until: performance.now() + LIMIT_MS }
        const isDead = isUnproven && lease.connection.isUnproven && isStorageError(error, 'unavailable')
        if (!ctx.signal.aborted && tries < MAX_TRIES && (isFull || isDead)) continue
        throw isFull ? error.refusal : error
      }
    }
  }

  /** Closes a file that was read, and releases its session; the caller need not wait. */
  closeRead(lease: Lease<Channel>, handle: Buffer): Promise<void> {
    const closing = lease.connection
      .closeHandle(handle)
      .catch(() => undefined)
      .then(() => {
        this.#closing.delete(closing)
        lease.release()
      })
    this.#closing.add(closing)
    return closing
  }

  /** Ends the connections after their pending requests have ended. */
  async close(): Promise<void> {
    this.#isClosed = true
    await soon(Promise.all(this.#closing).then(() => undefined))
    await this.pool.close()
  }

  /** Removes an unneeded file, on another session if this one is gone. Never fails. */
  async remove(channel: Channel, path: string): Promise<void> {
    if (await removed(channel, path)) return
    this.#left.add(path)
    const work = this.use(sharedContext(), other => this.#clear(other))
      .catch(() => undefined)
      .then(async () => {
        this.#closing.delete(work)
        if (this.#isClosed) await this.pool.close()
      })
    this.#closing.add(work)
  }

  /** Files that cannot be removed now are tried again with the next one. */
  async #clear(channel: Channel): Promise<void> {
    const paths = [...this.#left]
    this.#left.clear()
    await Promise.all(
      paths.map(async path => {
        if (!(await removed(channel, path))) this.#left.add(path)
      }),
    )
  }
}

/** Whether a file is gone, or cannot be removed: the server would refuse again. */
function removed(channel: Channel, path: string): Promise<boolean> {
  return channel.unlink(path).then(
    () => true,
    error => !isStorageError(error),
  )
}

/** Waits for cleaning up for a limited time; the work continues by itself. */
export async function soon(work: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const limit = new Promise<void>(resolve => {
    timer = setTimeout(resolve, CLEAN_MS)
  })
  await Promise.race([work, limit])
  clearTimeout(timer)
}

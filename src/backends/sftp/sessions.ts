import type { CallContext } from '../../core/call.ts'
import { isStorageError } from '../../core/errors.ts'
import { type Lease, Pool } from '../../remote/pool.ts'
import type { Channel } from './channel.ts'
import { Connections, type ConnectionsOptions } from './connections.ts'

/** Calls that share one session. */
const TASKS = 16
/** How long a failed call waits until what it has made is gone, in milliseconds. */
const CLEAN_MS = 2000

/** How many sessions there are. */
export interface SessionsOptions extends ConnectionsOptions {
  readonly poolSize: number
  readonly idleSecs: number
}

/** The sessions of a storage, and what earlier ones have left on the server. */
export class Sessions {
  readonly pool: Pool<Channel>
  /** Temporary files that could not be removed since the connection was lost. */
  readonly #left = new Set<string>()
  readonly #closing = new Set<Promise<void>>()

  constructor(options: SessionsOptions) {
    const connections = new Connections(options)
    this.pool = new Pool<Channel>(
      {
        open: async ctx => {
          const channel = await connections.open(ctx)
          this.#clear(channel)
          return channel
        },
        isUsable: channel => channel.isUsable,
        close: channel => channel.close(),
        isFull: error => isStorageError(error, 'unavailable'),
        rest: channel => channel.rest(),
        wake: channel => channel.wake(),
      },
      { size: options.poolSize, idleMs: options.idleSecs * 1000, tasks: TASKS },
    )
  }

  /** Runs a task on a session. */
  use<T>(ctx: CallContext, task: (channel: Channel) => Promise<T>): Promise<T> {
    return this.pool.use(ctx, task)
  }

  /** Closes a file that was read, and gives its session back; nobody has to wait for that. */
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

  /** Ends the connections, when what is under way on them has ended. */
  async close(): Promise<void> {
    await soon(Promise.all(this.#closing).then(() => undefined))
    await this.pool.close()
  }

  /** Removes a file that nobody needs, now or on the next session. Never fails. */
  async remove(channel: Channel, path: string): Promise<void> {
    try {
      await channel.unlink(path)
    } catch (error) {
      // What the server refuses to remove it will refuse again.
      if (isStorageError(error)) this.#left.add(path)
    }
  }

  #clear(channel: Channel): void {
    for (const path of this.#left) {
      this.#left.delete(path)
      void this.remove(channel, path)
    }
  }
}

/** Waits for cleaning up, but not for ever: it goes on by itself. */
export async function soon(work: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const limit = new Promise<void>(resolve => {
    timer = setTimeout(resolve, CLEAN_MS)
  })
  await Promise.race([work, limit])
  clearTimeout(timer)
}

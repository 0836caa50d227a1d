import type { CallContext } from '../../core/call.ts'
import { isStorageError } from '../../core/errors.ts'
import { Pool } from '../../remote/pool.ts'
import type { Channel } from './channel.ts'
import { Connections, type ConnectionsOptions } from './connections.ts'

/** Calls that share one session. */
const TASKS = 16

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

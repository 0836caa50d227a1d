import type { CallContext } from '../../core/call.ts'
import type { Lease } from '../../remote/pool.ts'
import type { FtpConnection } from './connection.ts'
import { isLost } from './errors.ts'

/** A lease of a connection, which is replaced if it breaks. */
export type Slot = Lease<FtpConnection>

/** Runs work over the connection of a slot, and once more over another one if the first breaks. */
export async function overWorking<T>(
  slot: Slot,
  ctx: CallContext,
  work: (connection: FtpConnection) => Promise<T>,
): Promise<T> {
  if (slot.connection.control.isUsable) {
    try {
      return await work(slot.connection)
    } catch (error) {
      if (!isLost(error) || ctx.signal.aborted) throw error
    }
  }
  return work(await slot.renew(ctx))
}

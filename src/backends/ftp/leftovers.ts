import type { CallContext } from '../../core/call.ts'
import type { FtpConnection } from './connection.ts'
import { isRefusal, saysMissing } from './errors.ts'
import type { Slot } from './slots.ts'

/** Maximum number of attempts to remove a file, and of removals before one call. */
const MAX_TRIES = 5
const AT_ONCE = 8

/** Removes a temporary file over the same slot of the pool. If that fails, later calls remove it. Never fails. */
export async function removeTemporary(slot: Slot, path: string, ctx: CallContext): Promise<void> {
  const { leftovers } = slot.connection.server
  leftovers.set(path, 1)
  try {
    const connection = slot.connection.control.isUsable ? slot.connection : await slot.renew(ctx)
    if (await isRemoved(connection, path, ctx.signal)) leftovers.delete(path)
  } catch {
    // The next connection may succeed.
  }
}

/** Removes files whose earlier removal failed. */
export async function removeLeftovers(connection: FtpConnection, signal: AbortSignal): Promise<void> {
  const { leftovers } = connection.server
  if (leftovers.size === 0) return
  for (const [path, tries] of [...leftovers].slice(0, AT_ONCE)) {
    if (!leftovers.has(path)) continue
    const isRemovedNow = await isRemoved(connection, path, signal)
    if (isRemovedNow || tries >= MAX_TRIES) leftovers.delete(path)
    else leftovers.set(path, tries + 1)
  }
}

/** Whether a file is gone; false if the server refuses to remove it. */
async function isRemoved({ control }: FtpConnection, path: string, signal: AbortSignal): Promise<boolean> {
  try {
    await control.request(`DELE ${path}`, signal)
    return true
  } catch (error) {
    if (saysMissing(error)) return true
    if (isRefusal(error) && error.status !== 421) return false
    throw error
  }
}

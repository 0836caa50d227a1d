import type { CallContext } from '../../core/call.ts'
import type { Content } from '../../core/content.ts'
import { isLost, isRefusal } from './errors.ts'
import { makeFolders } from './making-folders.ts'
import { parentOf } from './paths.ts'
import { type SendOptions, type SendState, type Sent, send } from './sending.ts'
import { overWorking, type Slot } from './slots.ts'

/** Sends content, and once more if its folder had to be made. */
export async function store(
  slot: Slot,
  path: string,
  content: Content,
  { onProgress }: Pick<SendOptions, 'onProgress'>,
  state: SendState,
  ctx: CallContext,
): Promise<Sent> {
  const options = { onProgress, touch: () => slot.touch(), state }
  let error: unknown
  for (let tries = 0; tries < 3; tries++) {
    try {
      return await send(slot.connection, path, content, options, ctx)
    } catch (failure) {
      if (state.isMade || ctx.signal.aborted) throw failure
      // A server may refuse and then end the connection.
      if (error !== undefined && isLost(failure)) await slot.renew(ctx)
      else if (error !== undefined || !isRefusal(failure, 550, 553, 501, 450, 451) || failure.verb !== 'STOR')
        throw failure
      else {
        error = failure
        if (parentOf(path) === '') break
        await overWorking(slot, ctx, connection => makeFolders(connection, parentOf(path), ctx))
      }
    }
  }
  throw error
}

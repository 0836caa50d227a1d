import type { CallContext } from '../../core/call.ts'
import type { Content } from '../../core/content.ts'
import { isRefusal } from './errors.ts'
import { makeFolders } from './making-folders.ts'
import { parentOf } from './paths.ts'
import { type SendOptions, type SendState, type Sent, send } from './sending.ts'
import { overWorking, type Slot } from './slots.ts'

/** Sends content, once more when its folder had to be made. */
export async function store(
  slot: Slot,
  path: string,
  content: Content,
  { onProgress }: Pick<SendOptions, 'onProgress'>,
  state: SendState,
  ctx: CallContext,
): Promise<Sent> {
  const options = { onProgress, touch: () => slot.touch(), state }
  try {
    return await send(slot.connection, path, content, options, ctx)
  } catch (error) {
    if (state.isMade || !isRefusal(error, 550, 553, 501, 450, 451) || error.verb !== 'STOR') throw error
    await overWorking(slot, ctx, connection => makeFolders(connection, parentOf(path), ctx))
    return send(slot.connection, path, content, options, ctx)
  }
}

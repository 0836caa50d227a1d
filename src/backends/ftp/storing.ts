import type { CallContext } from '../../core/call.ts'
import type { Content } from '../../core/content.ts'
import type { Lease } from '../../remote/pool.ts'
import type { FtpConnection } from './connection.ts'
import { isRefusal } from './errors.ts'
import { makeFolders } from './making-folders.ts'
import { parentOf } from './paths.ts'
import { type SendOptions, type Sent, send } from './sending.ts'

/** Sends content, once more when its folder had to be made. `state` tells whether there may be a file. */
export async function store(
  lease: Lease<FtpConnection>,
  path: string,
  content: Content,
  { onProgress }: Pick<SendOptions, 'onProgress'>,
  state: { isMade: boolean },
  ctx: CallContext,
): Promise<Sent> {
  const begun = (): void => {
    state.isMade = true
  }
  const options = { onProgress, touch: () => lease.touch(), begun }
  try {
    return await send(lease.connection, path, content, options, ctx)
  } catch (error) {
    if (state.isMade || !isRefusal(error, 550, 553, 501, 450, 451) || error.verb !== 'STOR') throw error
    await makeFolders(lease.connection, parentOf(path), ctx)
    return send(lease.connection, path, content, options, ctx)
  }
}

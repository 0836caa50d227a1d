import type { CallContext } from '../../core/call.ts'
import type { FolderItem } from '../../remote/folder-items.ts'
import type { FtpConnection } from './connection.ts'
import { diagnosis } from './diagnosis.ts'
import { isRefusal, notFound } from './errors.ts'
import { enterFolder, leaveFolder, readEntered } from './folder.ts'
import { pathOf } from './paths.ts'
import { kindOf } from './renaming.ts'
import type { Sessions } from './sessions.ts'

/** The items of a folder, as they arrive. A missing folder, and a file, are `not_found`. */
export async function* listFolder(
  sessions: Sessions,
  prefix: string,
  ctx: CallContext,
): AsyncGenerator<readonly FolderItem[]> {
  const { connection, release } = await sessions.run(prefix, ctx, async ({ connection }, keep) => {
    await enter(connection, pathOf(connection, prefix), ctx)
    return { connection, release: keep() }
  })
  try {
    yield* readEntered(connection, ctx)
  } finally {
    const { control } = connection
    if (control.isUsable) await leaveFolder(connection, ctx).catch(() => control.close())
    release()
  }
}

async function enter(connection: FtpConnection, path: string, ctx: CallContext): Promise<void> {
  // Pure-FTPd delays its answer to each further refusal more, and finally sends none.
  if (connection.wasRefused && connection.features.has('MLST') && (await kindOf(connection, path, ctx)) !== 'folder') {
    throw notFound()
  }
  try {
    await enterFolder(connection, path, ctx)
  } catch (error) {
    if (!isRefusal(error, 550, 450)) throw error
    connection.wasRefused = true
    const found = await diagnosis(connection, path, error, ctx)
    if (found === 'missing' || found === 'closed file') throw notFound()
    // The folder was made meanwhile, or access is forbidden.
    if (found === 'folder') await enterFolder(connection, path, ctx)
    else throw error
  }
}

import type { CallContext } from '../../core/call.ts'
import type { FolderItem } from '../../remote/folder-items.ts'
import type { FtpConnection } from './connection.ts'
import { diagnosis } from './diagnosis.ts'
import { isRefusal, notFound } from './errors.ts'
import { enterFolder, leaveFolder, readEntered } from './folder.ts'
import { pathOf } from './paths.ts'
import { kindOf } from './renaming.ts'
import type { Sessions } from './sessions.ts'

/** What is in a folder, as it comes. A missing one, and a file, are `not_found`. */
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
  // Pure-FTPd answers each further refusal later, and then none at all.
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
    // It was made meanwhile, or it is forbidden.
    if (found === 'folder') await enterFolder(connection, path, ctx)
    else throw error
  }
}

import type { CallContext } from '../../core/call.ts'
import { StorageError } from '../../core/errors.ts'
import type { FtpConnection } from './connection.ts'
import { isRefusal, isUnknownCommand, saysMissing } from './errors.ts'
import { kindOf } from './renaming.ts'

/**
 * Removes a file or an empty folder; a missing one is no error. A folder with files is `is_directory`. `isFolder`: a file with the name is
 * kept.
 */
export async function remove(
  connection: FtpConnection,
  path: string,
  { isFolder }: { readonly isFolder: boolean },
  ctx: CallContext,
): Promise<void> {
  if (!isFolder) {
    const refusal = await refusalOf(connection, `DELE ${path}`, ctx)
    if (refusal === undefined) return
    const kind = await kindOf(connection, path, ctx)
    if (kind === 'file') throw refusal
    if (kind === undefined) return
  }
  const refusal = await refusalOf(connection, `RMD ${path}`, ctx)
  if (refusal === undefined || (await kindOf(connection, path, ctx)) !== 'folder') return
  throw new StorageError('is_directory', 'The folder is not empty, or may not be removed.', { cause: refusal })
}

/** The reason why a command was refused; undefined if it succeeded, or if the path is missing. */
async function refusalOf(connection: FtpConnection, command: string, ctx: CallContext): Promise<unknown> {
  try {
    await connection.control.request(command, ctx.signal)
    return undefined
  } catch (error) {
    if (saysMissing(error)) return undefined
    if (!isRefusal(error) || error.status === 421 || isUnknownCommand(error)) throw error
    return error
  }
}

import type { CallContext } from '../../core/call.ts'
import { StorageError } from '../../core/errors.ts'
import type { FolderItem } from '../../remote/folder-items.ts'
import type { FtpConnection } from './connection.ts'
import { isRefusal, notFound, saysMissing } from './errors.ts'
import { canEnter, enterFolder, leaveFolder, listsFacts, readEntered } from './folder.ts'
import { isPlain, learnListing, listedAlone } from './one-file.ts'
import { nameIn, parentOf } from './paths.ts'

/** The meaning of a refusal for a path: missing, a folder, a folder that cannot be entered, or an unreadable file. */
export type Diagnosis = 'missing' | 'folder' | 'locked folder' | 'closed file'

/**
 * Finds the reason of a refused command. Servers have one code for all reasons (550). If the server's message does not contain the reason,
 * a test checks whether the path could be renamed, which fails with another message and changes nothing. As the last step, the parent
 * folder is read. A folder is not entered to test it: Pure-FTPd answers that with increasing delays, and finally not at all.
 */
export async function diagnosis(
  connection: FtpConnection,
  path: string,
  error: unknown,
  ctx: CallContext,
): Promise<Diagnosis> {
  const { control, server } = connection
  if (saysMissing(error)) return 'missing'
  if (!isRefusal(error, 550, 450, 553)) return 'closed file'
  let isThere = false
  if (server.isSilent !== true) {
    try {
      await control.request(`RNFR ${path}`, ctx.signal)
      isThere = true
      await control.deselect(ctx.signal)
    } catch (refusal) {
      if (!isRefusal(refusal) || refusal.status === 421) throw refusal
      if (saysMissing(refusal)) return 'missing'
    }
  }
  if (isThere && (await canEnter(connection, path, ctx))) return 'folder'
  const item = await listedItem(connection, path, ctx)
  if (item === undefined && !isThere) {
    server.isSilent = true
    return 'missing'
  }
  if (item?.isDirectory !== true) return 'closed file'
  return (await canEnter(connection, path, ctx)) ? 'folder' : 'locked folder'
}

/**
 * The error of a refused command about a file: `not_found` if the file is missing, `is_directory` for a folder, otherwise the refusal,
 * since access is forbidden.
 */
export async function explained(
  connection: FtpConnection,
  path: string,
  error: unknown,
  ctx: CallContext,
): Promise<unknown> {
  const found = await diagnosis(connection, path, error, ctx)
  if (found === 'missing') return notFound()
  return found === 'folder' ? new StorageError('is_directory', 'It is a folder.') : error
}

/** The entry of a path in its folder; undefined if there is none, or if the folder does not exist. An unreadable folder is an error. */
export async function listedItem(
  connection: FtpConnection,
  path: string,
  ctx: CallContext,
): Promise<FolderItem | undefined> {
  const alone = await listedAlone(connection, path, ctx)
  if (alone !== undefined) return alone.item
  const parent = parentOf(path)
  if (!(await enters(connection, parent || '/', ctx))) {
    const above = await listedItem(connection, parent, ctx)
    // A file has no entries below it.
    if (above?.isDirectory !== true) return undefined
    // The folder may have been made meanwhile.
    await enterFolder(connection, parent, ctx)
  }
  const name = nameIn(path)
  let sample: string | undefined
  try {
    for await (const batch of readEntered(connection, ctx)) {
      const found = batch.find(item => item.name === name)
      if (found !== undefined) return found
      sample ??= batch.find(item => !item.isDirectory && item.stat !== undefined && isPlain(item.name))?.name
    }
  } finally {
    if (connection.control.isUsable) await leaveFolder(connection, ctx)
  }
  if (sample !== undefined && !listsFacts(connection)) {
    await learnListing(connection, `${parent}/${sample}`, path, ctx)
  }
  return undefined
}

/** Enters a folder if possible. The server's root and the login folder have no parent that could be listed. */
async function enters(connection: FtpConnection, path: string, ctx: CallContext): Promise<boolean> {
  try {
    await enterFolder(connection, path, ctx)
    return true
  } catch (error) {
    if (!isRefusal(error, 550) || path === '/' || path === '.' || path === connection.home) throw error
    return false
  }
}

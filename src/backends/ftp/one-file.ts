import type { CallContext } from '../../core/call.ts'
import { isStorageError } from '../../core/errors.ts'
import type { FolderItem } from '../../remote/folder-items.ts'
import type { FtpConnection } from './connection.ts'
import { isRefusal, saysMissing } from './errors.ts'
import { canEnter, readBy } from './folder.ts'
import { nameIn } from './paths.ts'

/** Names that no server takes for a pattern, an option or a hidden file. */
const PLAIN = /^\w[\w.-]*$/

/** Whether LIST of a path alone may be asked of a server: it lists by LIST, and the path has no letter of a meaning. */
export function isPlain(path: string): boolean {
  return /^[\w./-]*$/.test(path) && PLAIN.test(nameIn(path))
}

/**
 * The entry of a path by LIST of that path alone: in a large folder that costs less than to read all of it. Undefined where the answer is not to be believed: where
 * the server was not seen to list a file so, and nothing for one that is missing.
 */
export async function listedAlone(
  connection: FtpConnection,
  path: string,
  ctx: CallContext,
): Promise<{ readonly item: FolderItem | undefined } | undefined> {
  if (connection.server.listsOne !== true || !isPlain(path)) return undefined
  return entryOf(connection, path, ctx)
}

async function entryOf(
  connection: FtpConnection,
  path: string,
  ctx: CallContext,
): Promise<{ readonly item: FolderItem | undefined } | undefined> {
  const items = await itemsOf(connection, path, ctx)
  if (items === undefined || items.length > 1) return undefined
  const [item] = items
  if (item !== undefined && !isOf(item, path)) return undefined
  // A folder lists what is in it: nothing, or a file of the folder's own name.
  if (item?.name !== path && (await canEnter(connection, path, ctx)))
    return { item: { name: nameIn(path), isDirectory: true } }
  return { item }
}

/** Tries it out on a file that is there and on a path that is not. */
export async function learnListing(
  connection: FtpConnection,
  there: string,
  missing: string,
  ctx: CallContext,
): Promise<void> {
  const { server } = connection
  if (server.listsOne !== undefined || !isPlain(there) || !isPlain(missing)) return
  const found = await entryOf(connection, there, ctx)
  const none = found?.item?.isDirectory === false ? await entryOf(connection, missing, ctx) : undefined
  // What somebody has made meanwhile teaches nothing.
  if (none?.item === undefined) server.listsOne = none !== undefined
}

function isOf({ name, isDirectory }: FolderItem, path: string): boolean {
  return !isDirectory && (name === nameIn(path) || name === path)
}

/** What the server lists for a path; nothing where it says that it is missing, undefined where it refuses otherwise. */
async function itemsOf(
  connection: FtpConnection,
  path: string,
  ctx: CallContext,
): Promise<readonly FolderItem[] | undefined> {
  const items: FolderItem[] = []
  try {
    for await (const batch of readBy(`LIST ${path}`, connection, ctx)) items.push(...batch)
    return items
  } catch (error) {
    if (saysMissing(error)) return []
    // The folder is missing, or it cannot be read: that is found out otherwise.
    if (isStorageError(error, 'permission_denied', 'too_large')) return undefined
    if (!isRefusal(error) || error.status === 421) throw error
    return undefined
  }
}

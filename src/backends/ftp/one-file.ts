import type { CallContext } from '../../core/call.ts'
import { isStorageError } from '../../core/errors.ts'
import type { FolderItem } from '../../remote/folder-items.ts'
import type { FtpConnection } from './connection.ts'
import { isRefusal, saysMissing } from './errors.ts'
import { canEnter, readBy } from './folder.ts'
import { nameIn } from './paths.ts'

/** Names that no server interprets as a pattern, an option or a hidden file. */
const PLAIN = /^\w[\w.-]*$/

/** Whether LIST of a single path may be sent: the path has no characters with a special meaning. */
export function isPlain(path: string): boolean {
  return /^[\w./-]*$/.test(path) && PLAIN.test(nameIn(path))
}

/**
 * The entry of a path from LIST of that path alone: in a large folder, that costs less than reading the whole folder. Undefined if the
 * answer is not reliable: unless the server was tested to list a single file in this way, and nothing for a missing one.
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
  // For a folder, LIST returns its contents: nothing, or a file with the folder's own name.
  if (item?.name !== path && (await canEnter(connection, path, ctx)))
    return { item: { name: nameIn(path), isDirectory: true } }
  return { item }
}

/** Tests this with an existing file and a missing path. */
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
  // If another client has made the file meanwhile, the test has no result.
  if (none?.item === undefined) server.listsOne = none !== undefined
}

function isOf({ name, isDirectory }: FolderItem, path: string): boolean {
  return !isDirectory && (name === nameIn(path) || name === path)
}

/** The server's listing for a path; empty if the server reports that it is missing, undefined for any other refusal. */
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
    // The folder is missing or unreadable, which is checked in another way.
    if (isStorageError(error, 'permission_denied', 'too_large')) return undefined
    if (!isRefusal(error) || error.status === 421) throw error
    return undefined
  }
}

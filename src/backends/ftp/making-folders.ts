import type { CallContext } from '../../core/call.ts'
import { isStorageError, StorageError } from '../../core/errors.ts'
import type { FtpConnection } from './connection.ts'
import { isRefusal } from './errors.ts'
import { statPath } from './stat.ts'

/**
 * Makes a folder and its parents, from the top. A folder that another client makes meanwhile is no error. Code `not_a_directory` if a file
 * is in the path; if a folder cannot be made, throws the server's refusal.
 */
export async function makeFolders(connection: FtpConnection, path: string, ctx: CallContext): Promise<void> {
  const { control, root } = connection
  const above = path === root || path.startsWith(`${root}/`) ? root : ''
  // The parents of the storage's own folder usually exist.
  const steps = path.slice(above.length).split('/').slice(1)
  const paths = [...foldersOf(above), ...steps.map((_, at) => `${above}/${steps.slice(0, at + 1).join('/')}`)]
  let refusal: unknown
  for (const each of paths) {
    try {
      await control.request(`MKD ${each}`, ctx.signal)
      refusal = undefined
    } catch (error) {
      if (!isRefusal(error) || error.status === 421) throw error
      // The folder usually exists: servers have no code for that.
      refusal = error
    }
  }
  if (refusal !== undefined) await checkFolder(connection, paths, refusal, ctx)
}

function foldersOf(path: string): string[] {
  const parts = path.split('/')
  const first = parts[0] === '' ? '' : `${parts[0]}`
  return parts.slice(1).map((_, at) => [first, ...parts.slice(1, at + 2)].join('/'))
}

/** Throws the reason why the last folder was not made, unless it exists. */
async function checkFolder(
  connection: FtpConnection,
  paths: readonly string[],
  refusal: unknown,
  ctx: CallContext,
): Promise<void> {
  for (const path of paths.toReversed()) {
    try {
      const { isDirectory } = await statPath(connection, path, ctx)
      if (isDirectory !== true)
        throw new StorageError('not_a_directory', `A file is in the way of a folder of this name.`)
      if (path === paths.at(-1)) return
      throw refusal
    } catch (error) {
      if (!isStorageError(error, 'not_found')) throw error
    }
  }
  throw refusal
}

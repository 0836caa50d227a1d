import type { CallContext } from '../../core/call.ts'
import { isStorageError, StorageError } from '../../core/errors.ts'
import type { FtpConnection } from './connection.ts'
import { isRefusal } from './errors.ts'
import { statPath } from './stat.ts'

/**
 * Makes a folder and those on the way to it, from the top. One that somebody else makes meanwhile is as good. `not_a_directory`: a file is in the way;
 * a folder that cannot be made fails with the server's refusal.
 */
export async function makeFolders(connection: FtpConnection, path: string, ctx: CallContext): Promise<void> {
  const { control, root } = connection
  const above = path === root || path.startsWith(`${root}/`) ? root : ''
  // What lies above the storage's own folder is there, as a rule.
  const steps = path.slice(above.length).split('/').slice(1)
  const paths = [...foldersOf(above), ...steps.map((_, at) => `${above}/${steps.slice(0, at + 1).join('/')}`)]
  let refusal: unknown
  for (const each of paths) {
    try {
      await control.request(`MKD ${each}`, ctx.signal)
      refusal = undefined
    } catch (error) {
      if (!isRefusal(error) || error.status === 421) throw error
      // It exists, as a rule: servers have no code for that.
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

/** Tells why the last folder was not made, if it is not there. */
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

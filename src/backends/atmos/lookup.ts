import type { CallContext } from '../../core/call.ts'
import { StorageError } from '../../core/errors.ts'
import { sizedStat } from '../../remote/headers.ts'
import type { AtmosClient } from './client.ts'
import { classifyAtmos } from './errors.ts'
import { type AtmosStat, statOf } from './metadata.ts'
import { isFolder } from './operations.ts'

/** What a look at a path finds. */
export interface Found extends AtmosStat {
  readonly size: number
}

/** Names and values of tags come percent-encoded. */
export const UTF8 = { 'x-emc-utf8': 'true' } as const

/** Looks at a path by HEAD. Missing, also below a file, or a file where the path is that of a folder: `not_found`. */
export async function look(client: AtmosClient, path: string, ctx: CallContext): Promise<Found> {
  let found: Found
  try {
    const stat = statOf(await client.done({ method: 'HEAD', path, headers: UTF8 }, ctx))
    found = { ...stat, ...sizedStat(stat) }
  } catch (error) {
    const code = classifyAtmos(error)
    // Without its slash a folder may be refused.
    if (code === 'is_directory') return FOLDER
    throw code === 'not_a_directory' ? missing(error) : error
  }
  // A plain file may be found also by the path of a folder.
  if (isFolder(path) && found.isDirectory !== true) throw missing()
  return found
}

/** The same, undefined for what is missing. */
export async function lookFor(client: AtmosClient, path: string, ctx: CallContext): Promise<Found | undefined> {
  try {
    return await look(client, path, ctx)
  } catch (error) {
    if (classifyAtmos(error) !== 'not_found') throw error
    return undefined
  }
}

const FOLDER: Found = {
  size: 0,
  isDirectory: true,
  objectId: undefined,
  createdAt: undefined,
  md5: undefined,
}

/** The error of an object that is not there. */
export function missing(cause?: unknown): StorageError {
  return new StorageError('not_found', 'The file does not exist.', { cause, status: 404 })
}

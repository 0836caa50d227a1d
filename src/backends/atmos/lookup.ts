import type { CallContext } from '../../core/call.ts'
import { StorageError } from '../../core/errors.ts'
import { sizedStat } from '../../remote/headers.ts'
import type { AtmosClient } from './client.ts'
import { classifyAtmos } from './errors.ts'
import { type AtmosStat, statOf } from './metadata.ts'
import { isFolder } from './operations.ts'

/** The result of looking up a path. */
export interface Found extends AtmosStat {
  readonly size: number
}

/** Requests percent-encoded names and values of tags. */
export const UTF8 = { 'x-emc-utf8': 'true' } as const

/** Looks up a path with HEAD. Code `not_found` for a missing path, a path below a file, and a file at the path of a folder. */
export async function look(client: AtmosClient, path: string, ctx: CallContext): Promise<Found> {
  let found: Found
  try {
    const stat = statOf(await client.done({ method: 'HEAD', path, headers: UTF8 }, ctx))
    found = { ...stat, ...sizedStat(stat) }
  } catch (error) {
    const code = classifyAtmos(error)
    // The service may refuse a folder without its slash.
    if (code === 'is_directory') return FOLDER
    throw code === 'not_a_directory' ? missing(error) : error
  }
  // The path of a folder may also find a plain file.
  if (isFolder(path) && found.isDirectory !== true) throw missing()
  return found
}

/** The same; undefined for a missing path. */
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

/** The error of a missing object. */
export function missing(cause?: unknown): StorageError {
  return new StorageError('not_found', 'The file does not exist.', { cause, status: 404 })
}

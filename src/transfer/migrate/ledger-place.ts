import { sep } from 'node:path'
import { StorageError } from '../../core/errors.ts'
import { nearestReal } from '../overlap.ts'
import type { Places } from '../places.ts'
import type { Side } from '../side.ts'

/**
 * Rejects a ledger that would be listed as a file of the source or the target, with `invalid_argument`: it changes all the time, and `delete`
 * would delete it.
 */
export async function refuseInPlace(path: string, places: Places): Promise<void> {
  const ledger = await nearestReal(path)
  for (const side of [places.source, places.target]) {
    const folder = await realFolderOf(side)
    if (folder === undefined || !ledger.startsWith(folder)) continue
    const name = ledger.slice(folder.length).split(sep).join('/')
    if (!places.isWanted(name)) continue
    const text = `ledger: '${path}' lies in the ${side.title}. Choose a path outside of both places, or exclude '${name}*'.`
    throw new StorageError('invalid_argument', text, { fileName: path })
  }
}

/** Returns the real path of a place of this machine, with a separator at the end. */
async function realFolderOf({ storage, folder }: Side): Promise<string | undefined> {
  if (!storage.supports('path')) return undefined
  const path = await nearestReal(storage.path(folder === '' ? '' : folder.slice(0, -1)))
  return path.endsWith(sep) ? path : `${path}${sep}`
}

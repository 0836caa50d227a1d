import { isStorageError } from '../core/errors.ts'
import type { Entry } from '../storage/types.ts'
import type { Side } from './side.ts'

/** Returns a file of a side as it is now; undefined if there is none of this name, or the storage can have none. */
export async function statedFile(side: Side, name: string, signal: AbortSignal): Promise<Entry | undefined> {
  try {
    const entry = await side.storage.stat(side.fileOf(name), { signal })
    return entry.isDirectory ? undefined : entry
  } catch (error) {
    if (isStorageError(error, 'not_found', 'not_a_directory', 'suspicious_name', 'invalid_argument')) return undefined
    throw error
  }
}

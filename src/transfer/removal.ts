import { isStorageError, type StorageError } from '../core/errors.ts'
import type { Side } from './side.ts'
import type { HeldBack, SyncOptions } from './types.ts'

/** Default maximum share of the target's files, in percent, that may be deleted. */
const MAX_DELETE = 50
/** Number of names that are deleted together. */
const BATCH = 1000

/** The state of a run before anything is deleted. */
export interface BeforeRemoval {
  readonly failed: number
  /** Files of the source that take part. */
  readonly wanted: number
  /** Files of the target that take part, and how many of them would be deleted. */
  readonly atTarget: number
  readonly extra: number
  /** Whether a listing left out entries. */
  readonly isIncomplete: boolean
}

/** Returns why nothing is deleted; undefined if the deletion is allowed. */
export function heldBack(before: BeforeRemoval, options: SyncOptions): HeldBack | undefined {
  const { allowEmptySource = false } = options
  const { failed, wanted, atTarget, extra, isIncomplete } = before
  if (extra === 0) return undefined
  if (failed > 0) return 'failures'
  if (isIncomplete) return 'incomplete_source'
  if (wanted === 0 && !allowEmptySource) return 'empty_source'
  // Allowing an empty source also allows deleting all files, unless a share is set.
  const { maxDelete = wanted === 0 ? 100 : MAX_DELETE } = options
  return extra > (atTarget * maxDelete) / 100 ? 'max_delete' : undefined
}

/** Receives what became of each file. */
interface Removed {
  deleted(name: string): Promise<void>
  failed(name: string, error: StorageError): Promise<void>
}

/** Deletes files of the target, and folders of a local disk that are empty then. */
export async function deleteExtras(
  { storage, folder }: Side,
  names: readonly string[],
  { dryRun = false, signal }: SyncOptions,
  removed: Removed,
): Promise<void> {
  for (let at = 0; at < names.length; at += BATCH) {
    const batch = names.slice(at, at + BATCH)
    const failures = new Map<string, StorageError>()
    if (!dryRun) {
      const { errors } = await storage.deleteMany(
        batch.map(name => folder + name),
        { signal },
      )
      for (const { name, error } of errors) failures.set(name.slice(folder.length), error)
    }
    for (const name of batch) {
      const error = failures.get(name)
      if (error === undefined) await removed.deleted(name)
      else await removed.failed(name, error)
    }
  }
  if (!dryRun && storage.supports('path')) await deleteEmptyFolders({ storage, folder }, names, signal)
}

async function deleteEmptyFolders(
  { storage, folder }: Pick<Side, 'storage' | 'folder'>,
  names: readonly string[],
  signal: AbortSignal | undefined,
): Promise<void> {
  const parents = new Set<string>()
  for (const name of names) {
    for (let at = name.lastIndexOf('/'); at > 0; at = name.lastIndexOf('/', at - 1)) {
      const parent = name.slice(0, at)
      if (parents.has(parent)) break
      parents.add(parent)
    }
  }
  const deepestFirst = [...parents].sort((a, b) => b.length - a.length)
  for (const parent of deepestFirst) {
    try {
      await storage.delete(folder + parent, { signal })
    } catch (error) {
      // It has other files, or no longer exists.
      if (!isStorageError(error, 'is_directory', 'not_empty', 'not_found', 'not_a_directory')) throw error
    }
  }
}

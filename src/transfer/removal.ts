import { isStorageError, StorageError } from '../core/errors.ts'
import { forEachParallel } from '../core/parallel.ts'
import type { Side } from './side.ts'
import type { HeldBack, SyncOptions } from './types.ts'

/** Default maximum share of the target's files, in percent, that may be deleted. */
const MAX_DELETE = 50
/** Number of names that are deleted together. */
const BATCH = 1000
/** Number of files that are deleted in parallel, where each is a request. */
const AT_ONCE = 4

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

/** A file of the target to be deleted. */
export interface Extra {
  readonly name: string
  readonly etag: string | undefined
}

/** Receives the result for each file. */
interface Removed {
  deleted(name: string): Promise<void>
  failed(name: string, error: StorageError): Promise<void>
}

/** Options of deleting files. */
export interface RemovalOptions extends Pick<SyncOptions, 'dryRun' | 'signal'> {
  /** Whether different names of the target may be one file. */
  readonly isFolded: boolean
}

/**
 * Deletes files of the target, and folders of a local disk that are then empty. If different names may be one file, as on disks and in
 * Dropbox, only the listed version is deleted: the file may have just been copied under its other name.
 */
export async function deleteExtras(
  target: Side,
  extras: readonly Extra[],
  { dryRun = false, isFolded, signal }: RemovalOptions,
  removed: Removed,
): Promise<void> {
  const { storage, folder } = target
  const isLocal = storage.supports('path')
  const areVersioned = (isLocal || isFolded) && storage.supports('deleteIfMatch')
  for (let at = 0; at < extras.length; at += BATCH) {
    const batch = extras.slice(at, at + BATCH)
    const failures = new Map<string, StorageError>()
    if (!dryRun && areVersioned) {
      await forEachParallel(batch, { limit: AT_ONCE, signal }, async ({ name, etag }) => {
        try {
          await storage.delete(target.fileOf(name), { signal, ifMatch: etag })
        } catch (error) {
          if (signal?.aborted === true || !isStorageError(error)) throw error
          failures.set(name, isStorageError(error, 'precondition_failed') ? changed(name, error) : error)
        }
      })
    } else if (!dryRun) {
      const names = batch.map(({ name }) => target.fileOf(name))
      const { errors } = await storage.deleteMany(names, { signal })
      for (const { name, error } of errors) failures.set(name.slice(folder.length), error)
    }
    for (const { name } of batch) {
      const error = failures.get(name)
      if (error === undefined) await removed.deleted(name)
      else await removed.failed(name, error)
    }
  }
  if (!dryRun && isLocal) {
    const names = extras.map(({ name }) => name)
    await deleteEmptyFolders(target, names, signal)
  }
}

function changed(name: string, cause: StorageError): StorageError {
  const text = `'${name}' is not deleted: it was changed after it was listed.`
  return new StorageError('precondition_failed', text, { operation: 'delete', fileName: name, cause })
}

async function deleteEmptyFolders(
  { storage, folder }: Side,
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

import { isStorageError, StorageError } from '../core/errors.ts'
import { trimTrailingSlashes } from '../core/names.ts'
import type { AnyStorage } from '../storage/storage.ts'
import type { Entry } from '../storage/types.ts'
import { shownTarget, type Target } from './context.ts'
import { lastPart } from './target.ts'

/** A stored file below a place. */
export interface Found {
  readonly entry: Entry
  /** Its name relative to the place. */
  readonly relative: string
}

/** Returns every file below a place, page by page; a place that is a file returns itself. Nothing there: `not_found`. */
export async function* filesBelow(target: Target, signal: AbortSignal): AsyncGenerator<Found> {
  const { storage, path } = target
  const folder = path === '' || path.endsWith('/') ? path : `${path}/`
  let count = 0
  for await (const entry of storage.entries(folder, { recursive: true, signal })) {
    count++
    yield { entry, relative: entry.name.slice(folder.length) }
  }
  if (count > 0) return
  const entry = await existing(target, signal)
  if (!entry.isDirectory) yield { entry, relative: lastPart(entry.name) }
}

/**
 * Returns the attributes of the file or folder at a place. Nothing there: `not_found`. In a bucket a folder is known only by the files
 * below it, so they are looked up for a name without a file.
 */
export async function existing(target: Target, signal: AbortSignal): Promise<Entry> {
  const { alias, storage, path } = target
  const name = trimTrailingSlashes(path)
  try {
    return await storage.stat(name, { signal })
  } catch (error) {
    if (!isStorageError(error, 'not_found')) throw error
    for await (const _ of storage.entries(`${name}/`, { signal })) return { name, isDirectory: true, size: 0 }
    throw new StorageError('not_found', `There is nothing at '${shownTarget(alias, path)}'.`, {
      ...error,
      fileName: path,
      cause: error,
    })
  }
}

/** Returns the attributes of the file at a place. A folder is `is_directory`, nothing there `not_found`. */
export async function existingFile(target: Target, signal: AbortSignal, remedy = '; use -r'): Promise<Entry> {
  const { alias, path } = target
  if (path !== '') {
    const entry = await existing(target, signal)
    if (!entry.isDirectory) {
      if (!path.endsWith('/')) return entry
      throw new StorageError('not_a_directory', `'${shownTarget(alias, path)}' is a file: leave the slash out.`, {
        fileName: path,
      })
    }
  }
  const text = `'${shownTarget(alias, path)}' is a folder${remedy}.`
  throw new StorageError('is_directory', text, { fileName: path })
}

/**
 * Throws why a file could not be read: nothing is there, or a folder. In a bucket no object has a folder's name, so this is checked only
 * after a failure.
 */
export async function explainUnread(target: Target, error: unknown, signal: AbortSignal, remedy = ''): Promise<never> {
  const mayBeFolder = isStorageError(error, 'not_found', 'suspicious_name') && !signal.aborted
  if (mayBeFolder) await existingFile(target, signal, remedy)
  throw error
}

/** Removes the emptied folders below a place, which a file system keeps; the root stays. A folder that is not empty is `is_directory`. */
export async function removeFolders(storage: AnyStorage, path: string, signal: AbortSignal): Promise<void> {
  const [folders] = await storage.listdir(path, { signal })
  for (const folder of folders)
    await removeFolders(storage, path === '' ? folder : `${path.replace(/\/$/, '')}/${folder}`, signal)
  if (path !== '') await storage.delete(path.replace(/\/$/, ''), { signal })
}

import { isStorageError, StorageError } from '../core/errors.ts'
import { trimTrailingSlashes } from '../core/names.ts'
import type { Entry } from '../storage/types.ts'
import { shownTarget, type Target } from './context.ts'
import { lastPart } from './target.ts'

/** A stored file that was found below a place. */
export interface Found {
  readonly entry: Entry
  /** Its name from the place on. */
  readonly relative: string
}

/** Every file below a place, page by page; a place that is a file gives itself. Nothing there: `not_found`. */
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
 * What is known of the file or folder at a place. Nothing there: `not_found`. In a bucket a folder is known only by what is below it, so a name
 * without a file is looked for there.
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
      fileName: path,
      cause: error,
    })
  }
}

/** What is known of the file at a place. A folder is `is_directory`, nothing there `not_found`. */
export async function existingFile(target: Target, signal: AbortSignal): Promise<Entry> {
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
  const text = `'${shownTarget(alias, path)}' is a folder; use -r.`
  throw new StorageError('is_directory', text, { fileName: path })
}

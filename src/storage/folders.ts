import type { CallOptions, FileRef } from '../core/call.ts'
import { isStorageError, StorageError, withOutcome } from '../core/errors.ts'
import { kindOf } from '../core/kind.ts'
import { CALL_OPTIONS, checkKnownOptions, type KnownOptions } from '../core/known-options.ts'
import { trimTrailingSlashes } from '../core/names.ts'
import { forEachParallel } from '../core/parallel.ts'
import { addressesOf } from './address.ts'
import type { AnyBase } from './base.ts'
import { DELETE_ALL_OPTIONS } from './call-options.ts'
import { type CopyFileOptions, copyFile, moveFile, type Naming } from './copy.ts'
import { type DeletedFiles, deleteMany } from './delete-many.ts'
import { folderOf, foldersIn } from './listing.ts'
import type { DeleteAllOptions, Entry } from './types.ts'

/** Number of parallel copies by default. */
const CONCURRENCY = 8

/** Options of `copyAll` and `moveAll`. */
export interface CopyAllOptions extends CallOptions {
  /** Another storage to copy into. Default: the same storage. */
  readonly storage?: AnyBase | undefined
  /** Overrides the option `fileOverwrite` of the target. */
  readonly overwrite?: boolean | undefined
  /** Number of parallel copies; default 8. */
  readonly concurrency?: number | undefined
}

const COPY_ALL_OPTIONS: KnownOptions<CopyAllOptions> = {
  ...CALL_OPTIONS,
  storage: true,
  overwrite: true,
  concurrency: true,
}

/** The files that failed, by their names in the source, with their errors. */
export type FailedFiles = DeletedFiles['errors']

/** The result of many copies. */
export interface CopiedFiles {
  readonly copied: number
  readonly errors: FailedFiles
}

/** The result of many moves. */
export interface MovedFiles {
  readonly moved: number
  readonly errors: FailedFiles
}

/** Deletes all files below a folder, then the folders; see `Storage#deleteAll`. */
export async function deleteAll(storage: AnyBase, path: string, options: DeleteAllOptions): Promise<DeletedFiles> {
  checkKnownOptions('deleteAll', options, DELETE_ALL_OPTIONS)
  const { all = false, signal } = options
  const folder = folderAt('deleteAll', storage, path)
  if (storage.isRoot(folder.key) && !all) {
    const text = 'deleteAll: an empty path is the whole storage: pass the name of a folder, or { all: true }.'
    throw new StorageError('invalid_argument', text)
  }
  storage.calls.begin('deleteAll', path, options, true)
  const result = await deleteMany(storage, storage.entries(withoutRoot(path), { recursive: true, signal }), { signal })
  await removeFolders(storage, folder, { signal })
  return result
}

/** Copies all files below a folder; see `Storage#copyAll`. */
export async function copyAll(
  source: AnyBase,
  from: string,
  to: string,
  options: CopyAllOptions,
): Promise<CopiedFiles> {
  const { done, errors } = await transferAll('copyAll', source, from, to, options)
  return { copied: done, errors }
}

/** Moves all files below a folder and removes the folders that are then empty; see `Storage#moveAll`. */
export async function moveAll(source: AnyBase, from: string, to: string, options: CopyAllOptions): Promise<MovedFiles> {
  const { done, errors } = await transferAll('moveAll', source, from, to, options)
  if (errors.length === 0) await removeFolders(source, folderAt('moveAll', source, from), { signal: options.signal })
  return { moved: done, errors }
}

async function transferAll(
  method: 'copyAll' | 'moveAll',
  source: AnyBase,
  from: string,
  to: string,
  options: CopyAllOptions,
): Promise<{ readonly done: number; readonly errors: FailedFiles }> {
  checkKnownOptions(method, options, COPY_ALL_OPTIONS)
  const { storage: target = source, concurrency = CONCURRENCY, signal } = options
  const { overwrite = target.options.fileOverwrite as boolean } = options
  if (!(Number.isSafeInteger(concurrency) && concurrency >= 1)) {
    throw new StorageError(
      'invalid_argument',
      `${method}: concurrency: expected a whole number from 1, got ${concurrency}.`,
    )
  }
  const [sourceFolder, targetFolder] = [folderAt(method, source, from), folderAt(method, target, to)]
  if (method === 'moveAll') source.calls.begin(method, from, options, true)
  target.calls.begin(method, to, options, true)
  await checkApart(
    method,
    { storage: source, folder: sourceFolder },
    { storage: target, folder: targetFolder },
    { signal },
  )
  const errors: Array<FailedFiles[number]> = []
  let done = 0
  const transfer = method === 'copyAll' ? copyFile : moveFile
  const naming: Naming = overwrite ? 'policy' : 'only'
  const given: CopyFileOptions = { signal, storage: target, ...(overwrite ? { overwrite } : {}) }
  const one = async (entry: Entry): Promise<void> => {
    try {
      await transfer(
        source,
        entry,
        nameAt(target, targetFolder, entry.name.slice(source.nameOf(sourceFolder.key).length)),
        given,
        naming,
      )
      done++
    } catch (error) {
      if (signal?.aborted) throw error
      errors.push({ name: entry.name, error: source.calls.failure(error, method, entry.name) })
    }
  }
  try {
    await forEachParallel(filesBelow(source, withoutRoot(from), signal), { limit: concurrency, signal }, one)
  } catch (error) {
    throw done > 0 ? withOutcome(error, 'unknown') : error
  }
  return { done, errors }
}

/** The files below a folder, without the empty objects that stand for folders in a bucket. */
async function* filesBelow(storage: AnyBase, path: string, signal: AbortSignal | undefined): AsyncGenerator<Entry> {
  for await (const entry of storage.entries(path, { recursive: true, signal })) {
    if (!entry.isDirectory && !entry.name.endsWith('/')) yield entry
  }
}

/** Returns a name in the target. A name that is not in its normal form would be the name of another file there: `suspicious_name`. */
function nameAt(storage: AnyBase, folder: FileRef, relative: string): string {
  const name = storage.nameOf(folder.key) + relative
  return storage.fileRef(name).name
}

function folderAt(method: string, storage: AnyBase, path: unknown): FileRef {
  if (typeof path !== 'string') {
    throw new StorageError('invalid_argument', `${method}: expected the path of a folder, got ${kindOf(path)}.`)
  }
  return folderOf(storage, withoutRoot(path))
}

/**
 * Returns '' for a path that consists of slashes. It means the root of the storage, on local disk too, where `/` would be the root of the
 * machine.
 */
function withoutRoot(path: string): string {
  return trimTrailingSlashes(path) === '' ? '' : path
}

interface Side {
  readonly storage: AnyBase
  readonly folder: FileRef
}

/** Rejects a target that is the source or lies in it, also in two storages of one location, and in parts of a storage. */
async function checkApart(method: string, source: Side, target: Side, options: CallOptions): Promise<void> {
  if (!(await isInside(source, target, options))) return
  const { name } = target.folder
  throw new StorageError('invalid_argument', `${method}: the target '${name}' is the source folder or lies in it.`, {
    fileName: name,
  })
}

async function isInside(source: Side, target: Side, options: CallOptions): Promise<boolean> {
  if (source.storage.calls.driver === target.storage.calls.driver) {
    return target.folder.key.startsWith(source.folder.key)
  }
  const [outer, inner] = await Promise.all([placesOf(source, options), placesOf(target, options)])
  return outer.some(place => inner.some(other => other.startsWith(place)))
}

/** A name for the lookup of a folder's address, since the folder itself may have no address. */
const PROBE = '-holdall'

/** Returns the locations of a folder, with a slash at the end; those that the backend cannot determine are left out. */
async function placesOf({ storage, folder }: Side, options: CallOptions): Promise<readonly string[]> {
  const name = storage.nameOf(folder.key) + PROBE
  const addresses = await addressesOf(storage, { name, key: folder.key + PROBE }, options)
  return addresses.filter(address => address.endsWith(`/${PROBE}`)).map(address => address.slice(0, -PROBE.length))
}

/**
 * Removes the empty folders below a folder, and the folder itself if it is empty. The keys end in a slash, so that they match no file of
 * that name: on backends without real folders they are the objects that stand for folders.
 */
async function removeFolders(storage: AnyBase, top: FileRef, options: CallOptions): Promise<void> {
  const levels: FileRef[][] = []
  for (let level: FileRef[] = [top]; level.length > 0; ) {
    levels.push(level)
    const next: FileRef[] = []
    await forEachParallel(level, { limit: CONCURRENCY, signal: options.signal }, async folder => {
      for await (const inner of foldersIn(storage, folder, options)) next.push(inner)
    })
    level = next
  }
  for (const level of levels.reverse()) {
    await forEachParallel(level, { limit: CONCURRENCY, signal: options.signal }, folder =>
      removeFolder(storage, folder, options),
    )
  }
}

async function removeFolder(storage: AnyBase, folder: FileRef, options: CallOptions): Promise<void> {
  const { calls } = storage
  const { key, objectParameters } = folder
  if (storage.isRoot(key)) return
  try {
    await calls.run('delete', folder, options, ctx => calls.driver.delete(key, ctx, { objectParameters }))
  } catch (error) {
    // Another process has put a file into it.
    if (!isStorageError(error, 'is_directory', 'not_empty')) throw error
  }
}

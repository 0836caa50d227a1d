import type { CallOptions } from '../core/call.ts'
import { isStorageError, StorageError } from '../core/errors.ts'
import { trimTrailingSlashes } from '../core/names.ts'
import type { AnyStorage } from '../storage/storage.ts'
import { isHeld, type StoredFile } from './claims.ts'
import { type FileRegistry, type FileUser, fileRegistry } from './registry.ts'
import { nameInStorage, storedFile } from './stored.ts'

/** Which files are searched, and whether they are deleted. */
export interface OrphanOptions extends CallOptions {
  /** Default: the default registry of fields. */
  readonly registry?: FileRegistry | undefined
  /** Whether the files found are deleted; default false. */
  readonly delete?: boolean | undefined
  /** Minimum age of a file in seconds; younger files are kept, since the row of an upload may not be written yet. Default 86400, a day. */
  readonly graceSecs?: number | undefined
  /** Folders to search, instead of those that the fields write to; '' is a whole storage. */
  readonly prefixes?: readonly string[] | undefined
}

/** A file that no row names. */
export interface Orphan {
  readonly storage: AnyStorage
  readonly name: string
  /** Size in bytes. */
  readonly size: number
  readonly modifiedAt: Date
  /** Whether it was deleted. */
  readonly deleted: boolean
  /** Why it could not be deleted. */
  readonly error?: StorageError
}

/** The result of a search. */
export interface OrphanSummary {
  readonly found: number
  readonly deleted: number
  readonly failed: number
  /** Files that a row names. */
  readonly used: number
  /** Files that are younger than the grace time, or of unknown age. */
  readonly spared: number
  /** Leftovers of unfinished uploads that are older than the grace time; they are removed where `delete` is set. */
  readonly unfinished: number
}

const DAY_SECS = 86_400
/** Number of files in one query. */
const BATCH = 200
/** Number of files that are checked again, and then deleted, together. */
const TOGETHER = 20

/**
 * Finds files that no row of a registered column names, below the folders that the fields write to, and deletes them with `delete`. First
 * it queries every column: when one cannot be read, or none is registered, it deletes nothing and throws the error. Each batch of files is
 * checked after it was listed, and once more before it is deleted; a file that was written again in between stays. Returns the counts at
 * its end.
 * @example
 * for await (const { name } of findOrphans({ graceSecs: 3600 })) console.log(name)
 */
export async function* findOrphans(options: OrphanOptions = {}): AsyncGenerator<Orphan, OrphanSummary, undefined> {
  const { registry = fileRegistry, graceSecs = DAY_SECS, prefixes, signal } = options
  if (!(graceSecs >= 0)) throw new StorageError('invalid_argument', `graceSecs: expected seconds, got ${graceSecs}.`)
  if (registry.users.size === 0) {
    throw new StorageError('invalid_argument', 'No column is registered, so no file can be known to be unused.')
  }
  const places = await placesOf(registry.users, prefixes, { signal })
  await registry.check({ signal })
  const summary = { found: 0, deleted: 0, failed: 0, used: 0, spared: 0, unfinished: 0 }
  const search = { registry, summary, delete: options.delete === true, signal }
  for (const { storage, folders } of places) {
    for (const folder of folders) {
      yield* searchFolder(storage, folder, graceSecs, search)
      summary.unfinished += await sweep(storage, folder, graceSecs, search)
    }
  }
  return summary
}

interface Place {
  readonly storage: AnyStorage
  readonly folders: readonly string[]
}

interface Search extends CallOptions {
  readonly registry: FileRegistry
  readonly delete: boolean
  readonly summary: { -readonly [K in keyof OrphanSummary]: OrphanSummary[K] }
}

interface Candidate extends StoredFile {
  readonly size: number
  readonly modifiedAt: Date
}

async function* searchFolder(
  storage: AnyStorage,
  folder: string,
  graceSecs: number,
  search: Search,
): AsyncGenerator<Orphan, void, undefined> {
  const { summary, signal } = search
  const isOld = olderThan(Date.now() - graceSecs * 1000)
  let batch: Candidate[] = []
  for await (const { name, isDirectory, size, modifiedAt } of storage.entries(folder, { recursive: true, signal })) {
    if (isDirectory) continue
    if (!isOld(modifiedAt)) {
      summary.spared += 1
      continue
    }
    batch.push({ ...(await storedFile(storage, name, { signal })), size, modifiedAt })
    if (batch.length < BATCH) continue
    yield* settle(batch, isOld, search)
    batch = []
  }
  yield* settle(batch, isOld, search)
}

type AgeCheck = (modifiedAt: Date | undefined) => modifiedAt is Date

function olderThan(time: number): AgeCheck {
  return (modifiedAt): modifiedAt is Date => modifiedAt !== undefined && modifiedAt.getTime() <= time
}

async function* settle(
  batch: readonly Candidate[],
  isOld: AgeCheck,
  search: Search,
): AsyncGenerator<Orphan, void, undefined> {
  const { registry, summary, signal } = search
  const used = await registry.used(batch, { signal })
  const unused = batch.filter(file => !used.has(file) && !isHeld(file.address))
  summary.used += batch.length - unused.length
  summary.found += unused.length
  for (let at = 0; at < unused.length; at += TOGETHER) {
    const files = unused.slice(at, at + TOGETHER)
    const { removed, errors } = search.delete ? await remove(files, isOld, search) : NOTHING
    summary.deleted += removed.length
    summary.failed += errors.size
    for (const file of files) {
      const { storage, name, size, modifiedAt } = file
      const error = errors.get(name)
      yield { storage, name, size, modifiedAt, deleted: removed.includes(file), ...(error && { error }) }
    }
  }
}

interface Removed {
  readonly removed: readonly StoredFile[]
  readonly errors: ReadonlyMap<string, StorageError>
}

const NOTHING: Removed = { removed: [], errors: new Map() }

/** Deletes files that are still unused, except those that were written again since they were listed: their rows may not be written yet. */
async function remove(files: readonly Candidate[], isOld: AgeCheck, { registry, signal }: Search): Promise<Removed> {
  const errors = new Map<string, StorageError>()
  const check = async ({ storage, name }: Candidate): Promise<boolean> => {
    try {
      return isOld((await storage.stat(name, { signal })).modifiedAt)
    } catch (error) {
      if (!isStorageError(error) || error.code === 'aborted') throw error
      if (error.code !== 'not_found') errors.set(name, error)
      return false
    }
  }
  const areOld = await Promise.all(files.map(check))
  const old = files.filter((_, at) => areOld[at])
  const removed = await registry.removeUnused(old, ({ name, error }) => errors.set(name, error))
  return { removed, errors }
}

async function sweep(storage: AnyStorage, path: string, minAgeSecs: number, search: Search): Promise<number> {
  try {
    return await storage.sweep({ path, minAgeSecs, dryRun: !search.delete, signal: search.signal })
  } catch (error) {
    // The service discards them by itself, or this user may not list them.
    if (isStorageError(error, 'unsupported', 'permission_denied')) return 0
    throw error
  }
}

/** Returns the storages of the columns, each once, with the folders to search. */
async function placesOf(
  users: Iterable<FileUser>,
  prefixes: readonly string[] | undefined,
  options: CallOptions,
): Promise<Place[]> {
  const storages: AnyStorage[] = []
  const folders = new Map<AnyStorage, string[]>()
  for (const { field, label } of users) {
    let storage = field.storage
    for (const other of storages) if (await isSamePlace(storage, other, options)) storage = other
    if (!folders.has(storage)) storages.push(storage)
    const given = prefixes ?? [field.prefix ?? unknownPrefix(label)]
    folders.set(storage, [...(folders.get(storage) ?? []), ...given.map(trimTrailingSlashes)])
  }
  return storages.map(storage => ({ storage, folders: withoutNested(folders.get(storage)!) }))
}

async function isSamePlace(a: AnyStorage, b: AnyStorage, options: CallOptions): Promise<boolean> {
  if (a === b) return true
  const probe = await storedFile(a, 'holdall', options)
  return (await nameInStorage(probe, b, options)) === 'holdall'
}

function unknownPrefix(label: string): never {
  throw new StorageError(
    'invalid_argument',
    `'${label}' can write anywhere in its storage: name the folders to look in with 'prefixes', or in the field with 'prefix'. '' is the whole storage.`,
  )
}

/** Returns each folder once, without those inside of another. */
function withoutNested(folders: readonly string[]): string[] {
  const all = [...new Set(folders)]
  return all.filter(folder => !all.some(other => other !== folder && (other === '' || folder.startsWith(`${other}/`))))
}

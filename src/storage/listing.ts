import type { CallOptions, FileRef } from '../core/call.ts'
import type { Page, PageRequest } from '../core/driver.ts'
import { StorageError } from '../core/errors.ts'
import { kindOf } from '../core/kind.ts'
import { checkCallOptions, checkKnownOptions } from '../core/known-options.ts'
import type { AnyBase } from './base.ts'
import { ENTRIES_OPTIONS, PAGE_OPTIONS } from './call-options.ts'
import { listedEntry } from './entry-keys.ts'
import { PageProgress } from './page-progress.ts'
import type { EntriesOptions, Entry, EntryPage, PageOptions } from './types.ts'

/** The entries of a folder, page by page; see `Storage#entries`. */
export async function* entriesBelow(
  storage: AnyBase,
  path: string,
  options: EntriesOptions,
): AsyncGenerator<Entry, void, undefined> {
  checkKnownOptions('entries', options, ENTRIES_OPTIONS)
  const folder = folderOf(storage, path)
  const request = requestOf(storage, options)
  const isWanted = await filterOf(storage, folder, options)
  const progress = new PageProgress({ operation: 'list', fileName: folder.name })
  let token: string | undefined
  do {
    const page = await drivePage(storage, folder, { ...request, token }, options)
    yield* entriesOf(storage, folder, page, isWanted)
    token = page.next
    progress.check(page)
  } while (token !== undefined)
}

/** One page of a folder; see `Storage#page`. */
export async function pageBelow(storage: AnyBase, path: string, options: PageOptions): Promise<EntryPage> {
  checkKnownOptions('page', options, PAGE_OPTIONS)
  const { token, limit } = options
  if (limit !== undefined && !(Number.isSafeInteger(limit) && limit > 0)) {
    throw new StorageError('invalid_argument', `page: limit: expected an integer above 0, got ${String(limit)}.`)
  }
  if (token !== undefined && typeof token !== 'string') {
    throw new StorageError('invalid_argument', `page: token: expected text, got ${kindOf(token)}.`)
  }
  const folder = folderOf(storage, path)
  const request = requestOf(storage, options)
  const isWanted = await filterOf(storage, folder, options)
  const page = await drivePage(storage, folder, { ...request, token, limit }, options)
  new PageProgress({ operation: 'list', fileName: folder.name }, token).check(page)
  return { entries: [...entriesOf(storage, folder, page, isWanted)], next: page.next }
}

/** Names in a folder, relative to it; see `Storage#listdir`. */
export async function listFolder(
  storage: AnyBase,
  path: string,
  options: CallOptions,
): Promise<[directories: string[], files: string[]]> {
  checkCallOptions('listdir', options)
  const directories: string[] = []
  const files: string[] = []
  const start = folderKey(storage.keyOf(path)).length - storage.prefix.length
  for await (const entry of storage.entries(path, options)) {
    const names = entry.isDirectory ? directories : files
    const name = entry.name.slice(start)
    if (!isNoName(name)) names.push(name)
  }
  return [directories, files]
}

async function drivePage(storage: AnyBase, folder: FileRef, request: PageRequest, options: CallOptions): Promise<Page> {
  const { calls } = storage
  const { objectParameters } = folder
  return calls.run('list', folder, options, ctx => calls.driver.list(folder.key, { ...request, objectParameters }, ctx))
}

/** The folders in a folder, by their keys with a slash at the end. */
export async function* foldersIn(storage: AnyBase, folder: FileRef, options: CallOptions): AsyncGenerator<FileRef> {
  const progress = new PageProgress({ operation: 'list', fileName: folder.name })
  let token: string | undefined
  do {
    const page: Page = await drivePage(storage, folder, { recursive: false, token }, options)
    for (const directory of page.directories) {
      const key = folderKey(directory)
      yield { name: storage.nameOf(key), key, objectParameters: folder.objectParameters }
    }
    token = page.next
    progress.check(page)
  } while (token !== undefined)
}

/** Folders without a name of their own (`a//b` lies in one) are left out: only a recursive listing returns the files in them. */
function* entriesOf(
  storage: AnyBase,
  folder: FileRef,
  page: Page,
  isWanted: (name: string) => boolean = () => true,
): Generator<Entry> {
  for (const key of page.directories) {
    if (!isNoName(key.slice(key.lastIndexOf('/') + 1))) yield listedEntry(storage, { key, size: 0 }, true)
  }
  for (const file of page.files) {
    if (file.key !== folder.key && isWanted(file.key.slice(folder.key.length))) yield listedEntry(storage, file, false)
  }
}

/** Returns a filter for names of files, relative to the folder; undefined where all files are wanted. */
async function filterOf(
  storage: AnyBase,
  folder: FileRef,
  { match, recursive }: EntriesOptions,
): Promise<((name: string) => boolean) | undefined> {
  if (match === undefined) return undefined
  const patterns = typeof match === 'string' ? [match] : match
  if (
    !Array.isArray(patterns) ||
    patterns.length === 0 ||
    !patterns.every(each => typeof each === 'string' && each !== '')
  ) {
    throw new StorageError('invalid_argument', 'match: expected a pattern, or a list of patterns.')
  }
  if (recursive === false) {
    throw new StorageError(
      'invalid_argument',
      'match: expected recursive: true with it, got false: patterns are for all files below a folder.',
    )
  }
  // Loaded only where a pattern is used.
  const { globMatcher } = await import('./lazy-globs.ts')
  return storage.calls.checked('list', folder.name, () => globMatcher(patterns, 'match'))
}

/** Whether a part of a path is empty, or stands for a folder on the way (`.`, `..`). */
function isNoName(part: string): boolean {
  return part === '' || part === '.' || part === '..'
}

function requestOf(
  storage: AnyBase,
  { match, recursive = match !== undefined, startAfter, until, trailingSlash = false }: EntriesOptions,
): PageRequest {
  const whole = trailingSlash ? { recursive, trailingSlash } : { recursive }
  if (startAfter === undefined && until === undefined) return whole
  if (storage.features.listRange !== true) {
    throw new StorageError('unsupported', `${storage.constructor.name} cannot list a range of names.`)
  }
  return {
    ...whole,
    startAfter: boundOf(storage, 'startAfter', startAfter),
    until: boundOf(storage, 'until', until),
  }
}

/** Returns a position in the order of keys. It may be any text and need not be the name of a file. */
function boundOf(storage: AnyBase, option: string, bound: unknown): string | undefined {
  if (bound === undefined) return undefined
  if (typeof bound === 'string' && bound.isWellFormed()) return storage.prefix + bound
  throw new StorageError('invalid_argument', `${option}: expected text, got ${kindOf(bound)}.`)
}

/** Returns a folder. Its key ends in a slash; the key of the root is the storage's prefix. */
export function folderOf(storage: AnyBase, path: string): FileRef {
  const { name, key, objectParameters } = storage.normalRef(path)
  return { name, key: folderKey(key), objectParameters }
}

function folderKey(key: string): string {
  return key === '' || key.endsWith('/') ? key : `${key}/`
}

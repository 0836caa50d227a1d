import type { CallOptions } from '../core/call.ts'
import type { AnyStorage, Entry } from './types.ts'

/** How a folder is gone through. */
export interface EntriesOptions extends CallOptions {
  /** Whether all files below are given, and no folders. */
  readonly recursive?: boolean
}

/** The entries of a folder, page by page; see `Storage#entries`. */
export async function* entriesBelow(
  storage: AnyStorage,
  path: string,
  options: EntriesOptions,
): AsyncGenerator<Entry, void, undefined> {
  const { recursive = false } = options
  const folder = folderOf(storage, path)
  let token: string | undefined
  do {
    const request = { recursive, token }
    const page = await storage.calls.run('list', folder, options, ctx => storage.driver.list(folder, request, ctx))
    for (const directory of page.directories) yield { name: storage.nameOf(directory), isDirectory: true, size: 0 }
    for (const { key, ...stat } of page.files) {
      if (key !== folder) yield { ...stat, name: storage.nameOf(key), isDirectory: false }
    }
    token = page.next
  } while (token !== undefined)
}

/** Names in a folder, relative to it; see `Storage#listdir`. */
export async function listFolder(
  storage: AnyStorage,
  path: string,
  options: CallOptions,
): Promise<[directories: string[], files: string[]]> {
  const directories: string[] = []
  const files: string[] = []
  const start = folderOf(storage, path).length - storage.prefix.length
  for await (const entry of storage.entries(path, options)) {
    const names = entry.isDirectory ? directories : files
    names.push(entry.name.slice(start))
  }
  return [directories, files]
}

/** The key of a folder with its slash; that of the root is the storage's prefix. */
function folderOf(storage: AnyStorage, path: string): string {
  const key = storage.keyOf(path)
  return key === '' || key.endsWith('/') ? key : `${key}/`
}

import type { CallOptions, FileRef } from '../core/call.ts'
import type { AnyBase } from './base.ts'
import type { EntriesOptions, Entry } from './types.ts'

/** The entries of a folder, page by page; see `Storage#entries`. */
export async function* entriesBelow(
  storage: AnyBase,
  path: string,
  options: EntriesOptions,
): AsyncGenerator<Entry, void, undefined> {
  const { recursive = false } = options
  const ref = folderOf(storage, path)
  const folder = ref.key
  let token: string | undefined
  do {
    const request = { recursive, token, objectParameters: ref.objectParameters }
    const page = await storage.calls.run('list', ref, options, ctx => storage.driver.list(folder, request, ctx))
    for (const directory of page.directories) yield { name: storage.nameOf(directory), isDirectory: true, size: 0 }
    for (const { key, ...stat } of page.files) {
      if (key !== folder) yield { ...stat, name: storage.nameOf(key), isDirectory: false }
    }
    token = page.next
  } while (token !== undefined)
}

/** Names in a folder, relative to it; see `Storage#listdir`. */
export async function listFolder(
  storage: AnyBase,
  path: string,
  options: CallOptions,
): Promise<[directories: string[], files: string[]]> {
  const directories: string[] = []
  const files: string[] = []
  const start = folderKey(storage.keyOf(path)).length - storage.prefix.length
  for await (const entry of storage.entries(path, options)) {
    const names = entry.isDirectory ? directories : files
    names.push(entry.name.slice(start))
  }
  return [directories, files]
}

/** A folder, whose key has its slash; that of the root is the storage's prefix. */
function folderOf(storage: AnyBase, path: string): FileRef {
  const { name, key, objectParameters } = storage.ref(path)
  return { name, key: folderKey(key), objectParameters }
}

function folderKey(key: string): string {
  return key === '' || key.endsWith('/') ? key : `${key}/`
}

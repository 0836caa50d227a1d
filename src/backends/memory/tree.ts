import type { FileAttributes, ListedFile, Page, PageRequest, Stat } from '../../core/driver.ts'
import { StorageError } from '../../core/errors.ts'

/** One version of a file; a write replaces it whole, so a reader keeps the version that it began with. */
export interface FileNode {
  readonly kind: 'file'
  readonly bytes: Uint8Array
  readonly attributes: FileAttributes
  readonly etag: string
  readonly createdAt: number
  readonly modifiedAt: number
  accessedAt: number
}

/** A folder; it stays when its last file is gone, as on a disk. */
export class FolderNode {
  readonly kind = 'folder'
  readonly createdAt: number = Date.now()
  readonly #children = new Map<string, FileNode | FolderNode>()
  #sorted: string[] | undefined

  get(name: string): FileNode | FolderNode | undefined {
    return this.#children.get(name)
  }

  set(name: string, node: FileNode | FolderNode): void {
    if (!this.#children.has(name)) this.#sorted = undefined
    this.#children.set(name, node)
  }

  delete(name: string): void {
    if (this.#children.delete(name)) this.#sorted = undefined
  }

  /** Names in code-unit order, from `from` on. */
  *names(from: string): Generator<string> {
    this.#sorted ??= [...this.#children.keys()].sort()
    const names = this.#sorted
    for (let at = lowerBound(names, from); at < names.length; at++) yield names[at]!
  }
}

/** Files and folders in memory. All of it is synchronous, so whatever one call does is atomic. */
export class MemoryTree {
  readonly #root = new FolderNode()

  /** What stands under the key; undefined when nothing does, also when a file stands where a folder is needed (`key` ends in '/'). */
  find(key: string): FileNode | FolderNode | undefined {
    let node: FileNode | FolderNode | undefined = this.#root
    for (const part of segments(key)) {
      if (node?.kind !== 'folder') return undefined
      node = node.get(part)
    }
    return key.endsWith('/') && node?.kind === 'file' ? undefined : node
  }

  /** The file; missing: `not_found`; a folder: `is_directory`. */
  file(key: string): FileNode {
    const node = this.find(key)
    if (node === undefined) throw missing(key)
    if (node.kind === 'folder') throw isDirectory(key)
    return node
  }

  /** Fails with `not_a_directory` when a file stands where the key needs a folder. Changes nothing. */
  checkParents(key: string): void {
    let node: FileNode | FolderNode | undefined = this.#root
    const parts = segments(key)
    for (const [at, part] of parts.slice(0, -1).entries()) {
      node = node.get(part)
      if (node === undefined) return
      if (node.kind === 'file') throw notADirectory(parts.slice(0, at + 1).join('/'))
    }
  }

  /** Puts a file in its place, making folders; the caller has checked the parents. */
  put(key: string, node: FileNode): void {
    const parts = segments(key)
    const name = parts.pop()
    if (name === undefined) throw isDirectory(key)
    let folder = this.#root
    for (const part of parts) {
      const child = folder.get(part) ?? new FolderNode()
      if (child.kind === 'file') throw notADirectory(key)
      folder.set(part, child)
      folder = child
    }
    folder.set(name, node)
  }

  /** Takes a file, or a folder with all that is in it, away. Missing: fine. */
  remove(key: string): void {
    const parts = segments(key)
    const name = parts.pop()
    if (name === undefined) throw new StorageError('invalid_argument', 'The name must be given to delete().')
    const folder = this.find(parts.join('/'))
    if (folder?.kind === 'folder' && this.find(key) !== undefined) folder.delete(name)
  }

  /** One page in the order of names, folder by folder; nothing lies below a file. The token is the last key given, so deletions between pages lose nothing. */
  page(prefix: string, { recursive, token, limit = 1000 }: PageRequest): Page {
    const folder = this.find(prefix)
    const files: ListedFile[] = []
    const directories: string[] = []
    if (folder?.kind !== 'folder') return { files, directories }
    let last = token
    const after = token === undefined ? [] : segments(token.slice(prefix.length))
    for (const [key, node] of walk(folder, prefix, recursive, after)) {
      if (files.length + directories.length >= Math.max(1, limit)) return { files, directories, next: last! }
      if (node.kind === 'file') files.push({ key, ...statOf(node) })
      else directories.push(key)
      last = key
    }
    return { files, directories }
  }
}

/** What is known of a node, in objects of its own. */
export function statOf(node: FileNode | FolderNode): Stat {
  if (node.kind === 'folder') return { size: 0, isDirectory: true, createdAt: new Date(node.createdAt) }
  const { metadata } = node.attributes
  return {
    ...node.attributes,
    ...(metadata === undefined ? {} : { metadata: { ...metadata } }),
    size: node.bytes.byteLength,
    etag: node.etag,
    createdAt: new Date(node.createdAt),
    modifiedAt: new Date(node.modifiedAt),
    accessedAt: new Date(node.accessedAt),
  }
}

/** The error of a folder where a file is needed. */
export function isDirectory(key: string): StorageError {
  return new StorageError('is_directory', `${key === '' ? '/' : key} is a directory.`)
}

function missing(key: string): StorageError {
  return new StorageError('not_found', `File does not exist: ${key}`)
}

function notADirectory(key: string): StorageError {
  return new StorageError('not_a_directory', `${key} exists and is not a directory.`)
}

function segments(key: string): string[] {
  return key.split('/').filter(part => part !== '')
}

/** Entries below a folder that come after the path `after`; however deep it is, no call is nested. */
function* walk(
  folder: FolderNode,
  prefix: string,
  recursive: boolean,
  after: readonly string[],
): Generator<[string, FileNode | FolderNode]> {
  const levels = [{ folder, prefix, passed: after[0], names: folder.names(after[0] ?? '') }]
  for (let level = levels.at(-1); level !== undefined; level = levels.at(-1)) {
    const { done, value: name } = level.names.next()
    const node = done === true ? undefined : level.folder.get(name)
    if (done === true) levels.pop()
    else if (node?.kind === 'folder' && recursive) {
      const passed = name === level.passed ? after[levels.length] : undefined
      levels.push({ folder: node, prefix: `${level.prefix}${name}/`, passed, names: node.names(passed ?? '') })
    } else if (node !== undefined && name !== level.passed) yield [level.prefix + name, node]
  }
}

function lowerBound(names: readonly string[], wanted: string): number {
  let low = 0
  let high = names.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (names[middle]! < wanted) low = middle + 1
    else high = middle
  }
  return low
}

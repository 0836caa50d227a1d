import type { FileAttributes, ListedFile, Page, PageRequest, Stat } from '../../core/driver.ts'
import { StorageError } from '../../core/errors.ts'
import { compareKeys, firstStep, laterKey, restBelow, sortKeys } from '../../core/key-order.ts'

/** One version of a file. A write replaces the whole version, so a reader keeps the version that it began with. */
export interface FileNode {
  readonly kind: 'file'
  readonly bytes: Uint8Array
  readonly attributes: FileAttributes
  readonly etag: string
  readonly createdAt: number
  readonly modifiedAt: number
  accessedAt: number
}

/** A folder; it remains when its last file is deleted, as on a disk. */
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

  get isEmpty(): boolean {
    return this.#children.size === 0
  }

  /** Names after `after` in the order of keys; names of folders end with a slash. */
  *names(after: string): Generator<string> {
    this.#sorted ??= sortKeys([...this.#children].map(([name, { kind }]) => (kind === 'folder' ? `${name}/` : name)))
    const names = this.#sorted
    for (let at = firstAfter(names, after); at < names.length; at++) yield names[at]!
  }
}

/** Files and folders in memory. All methods are synchronous, so each call is atomic. */
export class MemoryTree {
  readonly #root = new FolderNode()

  /** The node under the key. Undefined if there is none, or if a file is there and a folder is needed (`key` ends in '/'). */
  find(key: string): FileNode | FolderNode | undefined {
    let node: FileNode | FolderNode | undefined = this.#root
    for (const part of segments(key)) {
      if (node?.kind !== 'folder') return undefined
      node = node.get(part)
    }
    return key.endsWith('/') && node?.kind === 'file' ? undefined : node
  }

  /** The file. Missing: `not_found`; a folder: `is_directory`. */
  file(key: string): FileNode {
    const node = this.find(key)
    if (node === undefined) throw missing(key)
    if (node.kind === 'folder') throw isDirectory(key)
    return node
  }

  /** Throws `not_a_directory` if a file is where the key needs a folder. Changes nothing. */
  checkParents(key: string): void {
    let node: FileNode | FolderNode | undefined = this.#root
    const parts = segments(key)
    for (const [at, part] of parts.slice(0, -1).entries()) {
      node = node.get(part)
      if (node === undefined) return
      if (node.kind === 'file') throw notADirectory(parts.slice(0, at + 1).join('/'))
    }
  }

  /** Stores a node and creates its folders; the caller has checked the parents. */
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

  /** Removes a file or an empty folder; a folder with files is `is_directory`. A missing file is no error. */
  remove(key: string): void {
    const parts = segments(key)
    const name = parts.pop()
    if (name === undefined) throw new StorageError('invalid_argument', 'The name must be given to delete().')
    const folder = this.find(parts.join('/'))
    const node = this.find(key)
    if (folder?.kind !== 'folder' || node === undefined) return
    if (node.kind === 'folder' && !node.isEmpty) throw isDirectory(key)
    folder.delete(name)
  }

  /**
   * One page in the order of keys; a file has no entries below it. The token is the place of the last entry, so changes between pages lose
   * nothing.
   */
  page(prefix: string, { recursive, token, limit = 1000, startAfter, until }: PageRequest): Page {
    const folder = this.find(prefix)
    const files: ListedFile[] = []
    const directories: string[] = []
    const rest = restBelow(prefix, laterKey(token, startAfter))
    if (folder?.kind !== 'folder' || rest === undefined) return { files, directories }
    let last = ''
    for (const [place, node] of walk(folder, prefix, recursive, rest)) {
      if (until !== undefined && compareKeys(place, until) >= 0) break
      if (files.length + directories.length >= Math.max(1, limit)) return { files, directories, next: last }
      if (node.kind === 'file') files.push({ key: place, ...statOf(node) })
      else directories.push(place.slice(0, -1))
      last = place
    }
    return { files, directories }
  }
}

/** The stat of a node, as a new object. */
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

/** The error if a folder is used as a file. */
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

interface Level {
  readonly prefix: string
  readonly folder: FolderNode
  readonly names: Generator<string>
}

/** Entries after the path `after` below a folder; a folder's key has its slash. Not recursive, so any depth is possible. */
function* walk(
  folder: FolderNode,
  prefix: string,
  recursive: boolean,
  after: string,
): Generator<[place: string, FileNode | FolderNode]> {
  const levels: Level[] = []
  const enter = (node: FolderNode, below: string, passed: string): string | undefined => {
    const { step, rest } = firstStep(passed)
    levels.push({ prefix: below, folder: node, names: node.names(step) })
    return rest
  }
  let passed = enter(folder, prefix, after)
  for (let path = after; recursive && passed !== undefined; ) {
    const { prefix: below, folder: parent } = levels.at(-1)!
    const { step } = firstStep(path)
    const node = parent.get(step.slice(0, -1))
    if (node?.kind !== 'folder') break
    path = passed
    passed = enter(node, below + step, path)
  }
  for (let level = levels.at(-1); level !== undefined; level = levels.at(-1)) {
    const { done, value: name } = level.names.next()
    if (done === true) levels.pop()
    else if (!name.endsWith('/')) yield [level.prefix + name, level.folder.get(name)!]
    else {
      const node = level.folder.get(name.slice(0, -1))
      if (node?.kind !== 'folder') continue
      if (recursive) enter(node, `${level.prefix}${name}`, '')
      else yield [level.prefix + name, node]
    }
  }
}

/** Index of the first of the sorted names after the wanted one. */
function firstAfter(names: readonly string[], wanted: string): number {
  let low = 0
  let high = names.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (compareKeys(names[middle]!, wanted) <= 0) low = middle + 1
    else high = middle
  }
  return low
}

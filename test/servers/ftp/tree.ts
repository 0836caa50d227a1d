/** The files of a server, in memory. Names are the bytes that clients sent, as Latin-1 text. */
import { Refusal } from './refusal.ts'

/** A file; its bytes are there as they arrive, as on a disk. */
export interface FileNode {
  readonly kind: 'file'
  readonly id: number
  chunks: Buffer[]
  size: number
  modified: Date
  mode: number
}

/** A folder. */
export interface FolderNode {
  readonly kind: 'folder'
  readonly id: number
  readonly entries: Map<string, Node>
  modified: Date
  mode: number
}

export type Node = FileNode | FolderNode

/** Files and folders under `/`. Paths are absolute and normal here; those of clients are made so by `absolute`. */
export class Tree {
  readonly #now: () => Date
  readonly #root: FolderNode
  #ids = 0

  constructor(now: () => Date) {
    this.#now = now
    this.#root = this.#folder()
  }

  /** The absolute path of a client's path. */
  static absolute(cwd: string, path: string): string {
    const names: string[] = []
    for (const name of `${path.startsWith('/') ? '' : `${cwd}/`}${path}`.split('/')) {
      if (name === '..') names.pop()
      else if (name !== '' && name !== '.') names.push(name)
    }
    return `/${names.join('/')}`
  }

  find(path: string): Node | undefined {
    let node: Node | undefined = this.#root
    for (const name of namesOf(path)) node = node?.kind === 'folder' ? node.entries.get(name) : undefined
    return node
  }

  /** The folder; refused with 550 where there is none. */
  folder(path: string): FolderNode {
    const node = this.find(path)
    if (node === undefined) throw new Refusal(550, 'No such file or directory.')
    if (node.kind !== 'folder') throw new Refusal(550, 'Not a directory.')
    return node
  }

  /** The file; refused with 550 where there is none. */
  file(path: string): FileNode {
    const node = this.find(path)
    if (node === undefined) throw new Refusal(550, 'No such file or directory.')
    if (node.kind !== 'file') throw new Refusal(550, 'Not a plain file.')
    return node
  }

  /** The file, made where there is none; its folder must be there. */
  openFile(path: string): FileNode {
    const { folder, name } = this.#place(path)
    const old = folder.entries.get(name)
    if (old?.kind === 'folder') throw new Refusal(550, 'Is a directory.')
    const file = old ?? this.#file()
    if (old === undefined) this.#set(folder, name, file)
    return file
  }

  makeFolder(path: string): void {
    const { folder, name } = this.#place(path)
    if (folder.entries.has(name)) throw new Refusal(550, 'File exists.')
    this.#set(folder, name, this.#folder())
  }

  /** Makes a folder and those above it where they are missing. */
  ensureFolder(path: string): void {
    const names = namesOf(path)
    for (let depth = 1; depth <= names.length; depth++) {
      const folder = `/${names.slice(0, depth).join('/')}`
      if (this.find(folder) === undefined) this.makeFolder(folder)
    }
  }

  remove(path: string, kind: Node['kind']): void {
    const { folder, name } = this.#place(path)
    const node = kind === 'file' ? this.file(path) : this.folder(path)
    if (node.kind === 'folder' && node.entries.size > 0) throw new Refusal(550, 'Directory not empty.')
    folder.entries.delete(name)
    folder.modified = this.#now()
  }

  rename(from: string, to: string): void {
    const source = this.#place(from)
    const node = source.folder.entries.get(source.name)
    if (node === undefined) throw new Refusal(550, 'No such file or directory.')
    const target = this.#place(to)
    const old = target.folder.entries.get(target.name)
    if (old === node) return
    if (old?.kind === 'folder') throw new Refusal(550, 'Is a directory.')
    if (`${to}/`.startsWith(`${from}/`)) throw new Refusal(550, 'Invalid argument.')
    source.folder.entries.delete(source.name)
    this.#set(target.folder, target.name, node)
  }

  append(file: FileNode, bytes: Buffer): void {
    file.chunks.push(bytes)
    file.size += bytes.length
    file.modified = this.#now()
  }

  /** Puts bytes at an offset that is not beyond the end; what stands behind them stays. */
  overwrite(file: FileNode, offset: number, bytes: Buffer): void {
    if (offset < file.size) {
      const old = bytesOf(file)
      file.chunks = [old.subarray(0, offset), bytes, old.subarray(offset + bytes.length)]
      file.size = Math.max(file.size, offset + bytes.length)
      file.modified = this.#now()
    } else this.append(file, bytes)
  }

  truncate(file: FileNode): void {
    file.chunks = []
    file.size = 0
    file.modified = this.#now()
  }

  /** Takes all away. */
  clear(): void {
    this.#root.entries.clear()
  }

  /** Every path with its node; folders before what is in them. */
  *walk(folder = this.#root, path = ''): Generator<readonly [path: string, node: Node]> {
    for (const [name, node] of folder.entries) {
      yield [`${path}/${name}`, node]
      if (node.kind === 'folder') yield* this.walk(node, `${path}/${name}`)
    }
  }

  #place(path: string): { folder: FolderNode; name: string } {
    const names = namesOf(path)
    const name = names.pop()
    if (name === undefined) throw new Refusal(550, 'Permission denied.')
    return { folder: this.folder(`/${names.join('/')}`), name }
  }

  #set(folder: FolderNode, name: string, node: Node): void {
    folder.entries.set(name, node)
    folder.modified = this.#now()
  }

  #file(): FileNode {
    return { kind: 'file', id: ++this.#ids, chunks: [], size: 0, modified: this.#now(), mode: 0o644 }
  }

  #folder(): FolderNode {
    return { kind: 'folder', id: ++this.#ids, entries: new Map(), modified: this.#now(), mode: 0o755 }
  }
}

/** All bytes of a file in one piece. */
export function bytesOf(file: FileNode): Buffer {
  if (file.chunks.length !== 1) file.chunks = [Buffer.concat(file.chunks)]
  return file.chunks[0]!
}

function namesOf(path: string): string[] {
  return path.split('/').filter(name => name !== '')
}

/** The files of an SFTP server, looked at and changed without the protocol. Paths are text; relative ones begin at the home folder. */
import { Inode, type Kind } from './inode.ts'
import { nameBytes, shownName } from './log.ts'
import { StatusError } from './protocol.ts'
import type { Tree } from './tree.ts'

export class Contents {
  readonly #tree: Tree

  constructor(tree: Tree) {
    this.#tree = tree
  }

  /** Writes a file, whose folders are made. */
  put(path: string, bytes: Uint8Array | string, change: Partial<Pick<Inode, 'mode' | 'uid' | 'gid' | 'mtime'>> = {}) {
    const { inode: found } = this.#found(path)
    const inode = found ?? this.make(path, 'file', 0o644)
    inode.bytes.truncate(0)
    inode.bytes.write(0, Buffer.from(bytes))
    Object.assign(inode, change)
  }

  /** Makes something, and its folders. */
  make(path: string, kind: Kind, mode: number, target = ''): Inode {
    const inode = new Inode(kind, mode, nameBytes(target))
    const folder = path.slice(0, Math.max(0, path.lastIndexOf('/')))
    if (folder !== '') this.folder(folder)
    this.#tree.add(nameBytes(path), inode)
    return inode
  }

  /** Makes a folder with all above it, where they are missing. */
  folder(path: string): Inode {
    return this.node(path) ?? this.make(path, 'folder', 0o755)
  }

  /** Makes an empty file in a folder, whose name is bytes that need not be UTF-8. */
  raw(folder: string, name: Buffer): void {
    this.#tree.add(`${nameBytes(folder)}/${name.toString('latin1')}`, new Inode('file', 0o644))
  }

  link(path: string, target: string): void {
    this.make(path, 'link', 0o777, target)
  }

  /** What stands there, links not followed; undefined for nothing. */
  node(path: string): Inode | undefined {
    return this.#found(path, false).inode
  }

  /** The bytes of a file; undefined where there is none. */
  get(path: string): Buffer | undefined {
    const { inode } = this.#found(path)
    return inode?.kind === 'file' ? inode.bytes.read(0, inode.size) : undefined
  }

  text(path: string): string | undefined {
    return this.get(path)?.toString('utf8')
  }

  /** Permission bits of what stands there. */
  mode(path: string): number | undefined {
    return this.node(path)?.mode
  }

  remove(path: string): void {
    const { folders, name } = this.#tree.find(nameBytes(path), false)
    folders.at(-1)!.entries.delete(name)
  }

  /** Paths of all that is no folder below a folder, relative to it and sorted. */
  names(path = '.'): string[] {
    const found = this.#found(path).inode
    return found === undefined ? [] : [...below(found, '')].map(shownName).sort()
  }

  /** Empties the home folder, or another one. */
  clear(path = '.'): void {
    this.#found(path).inode?.entries.clear()
  }

  #found(path: string, follow = true): { readonly inode: Inode | undefined } {
    try {
      return this.#tree.find(nameBytes(path), follow)
    } catch (error) {
      if (error instanceof StatusError) return { inode: undefined }
      throw error
    }
  }
}

function* below(folder: Inode, prefix: string): Generator<string> {
  for (const [name, inode] of folder.entries) {
    if (inode.kind === 'folder') yield* below(inode, `${prefix}${name}/`)
    else yield prefix + name
  }
}

/** A tree of files in memory, which behaves as one on a POSIX disk. All paths are bytes, one character each. */
import { Inode, type Kind } from './inode.ts'
import { STATUS, StatusError } from './protocol.ts'

const MOST_LINKS = 40
const LONGEST_NAME = 255

/** Where a path leads: the folders on the way, and what stands there, if anything. */
interface Place {
  /** From the root to the folder that the name is in; empty for the root itself. */
  readonly folders: readonly Inode[]
  /** The true path of the folder, without a slash at its end. */
  readonly folderPath: string
  readonly name: string
  readonly inode: Inode | undefined
}

interface Walk {
  folders: Inode[]
  names: string[]
}

export class Tree {
  readonly root: Inode = new Inode('folder', 0o755)
  readonly home: string
  readonly umask: number

  constructor(home: string, umask = 0o022) {
    this.home = home
    this.umask = umask
    const walk: string[] = []
    for (const name of home.split('/').filter(Boolean)) {
      walk.push(name)
      this.add(`/${walk.join('/')}`, new Inode('folder', 0o755))
    }
  }

  /** What stands at a path; throws where nothing does. */
  get(path: string, follow = true): Inode {
    const { inode } = this.find(path, follow)
    if (inode === undefined) throw new StatusError(STATUS.NO_SUCH_FILE)
    return inode
  }

  /** Finds the place of a path; throws when a folder on the way is missing. */
  find(path: string, follow: boolean): Place {
    const from = path.startsWith('/') ? path : `${this.home}/${path}`
    const walk: Walk = { folders: [this.root], names: [] }
    const last = this.#walk(walk, from, follow, { links: 0 })
    if (last === undefined) {
      const inode = walk.folders.at(-1)!
      const name = walk.names.at(-1) ?? ''
      return { folders: walk.folders.slice(0, -1), folderPath: pathOf(walk.names.slice(0, -1)), name, inode }
    }
    const inode = walk.folders.at(-1)!.entries.get(last)
    return { folders: walk.folders, folderPath: pathOf(walk.names), name: last, inode }
  }

  /** The path without links and dots; only its last name may be missing. */
  realPath(path: string): string {
    const { folderPath, name } = this.find(path, true)
    return `${folderPath}/${name}`
  }

  /** Gives something its first name, or another one. */
  add(path: string, inode: Inode): void {
    const { folders, name, inode: taken } = this.find(path, false)
    if (taken !== undefined) throw new StatusError(STATUS.FAILURE)
    this.#link(folders.at(-1)!, name, inode)
  }

  /** Makes something new under a free name. */
  create(path: string, kind: Kind, mode: number): Inode {
    const inode = new Inode(kind, mode & 0o7777 & ~this.umask)
    this.add(path, inode)
    return inode
  }

  symlink(path: string, target: string): void {
    this.add(path, new Inode('link', 0o777, target))
  }

  /** unlink(2). */
  remove(path: string): void {
    const inode = this.get(path, false)
    if (inode.kind === 'folder') throw new StatusError(STATUS.FAILURE)
    this.#unlink(path)
  }

  removeFolder(path: string): void {
    const inode = this.get(path, false)
    if (inode.kind !== 'folder') throw new StatusError(STATUS.NO_SUCH_FILE)
    if (inode.entries.size > 0 || inode === this.root) throw new StatusError(STATUS.FAILURE)
    this.#unlink(path)
  }

  /** link(2): never follows, never replaces. */
  link(from: string, to: string): void {
    const inode = this.get(from, false)
    if (inode.kind === 'folder') throw new StatusError(STATUS.PERMISSION_DENIED)
    this.add(to, inode)
  }

  /** rename(2): replaces what stands at `to`, where that is of its kind. */
  rename(from: string, to: string): void {
    const inode = this.get(from, false)
    const target = this.find(to, false)
    if (target.folders.includes(inode)) throw new StatusError(STATUS.BAD_MESSAGE)
    if (target.inode === inode) return
    if (target.inode !== undefined) {
      const isFolder = target.inode.kind === 'folder'
      if (isFolder !== (inode.kind === 'folder') || target.inode.entries.size > 0) {
        throw new StatusError(STATUS.FAILURE)
      }
      this.#unlink(to)
    }
    this.#link(target.folders.at(-1)!, target.name, inode)
    this.#unlink(from)
  }

  #link(folder: Inode, name: string, inode: Inode): void {
    if (name.length > LONGEST_NAME) throw new StatusError(STATUS.BAD_MESSAGE)
    folder.entries.set(name, inode)
    inode.links++
  }

  #unlink(path: string): void {
    const { folders, name, inode } = this.find(path, false)
    folders.at(-1)!.entries.delete(name)
    inode!.links--
  }

  /** Walks along a path; gives its last name, or nothing where that is a folder that was entered. */
  #walk(walk: Walk, path: string, follow: boolean, count: { links: number }): string | undefined {
    if (path.startsWith('/')) {
      walk.folders.length = 1
      walk.names.length = 0
    }
    const parts = path.split('/').filter(part => part !== '' && part !== '.')
    for (const [at, part] of parts.entries()) {
      const isLast = at === parts.length - 1
      if (part === '..') {
        if (walk.folders.length > 1) walk.folders.pop()
        walk.names.pop()
        continue
      }
      const inode = walk.folders.at(-1)!.entries.get(part)
      const isFollowed = inode?.kind === 'link' && (!isLast || follow)
      if (isFollowed) {
        if (++count.links > MOST_LINKS) throw new StatusError(STATUS.NO_SUCH_FILE)
        const last = this.#walk(walk, inode.target, true, count)
        if (last === undefined) continue
        if (isLast) return last
        throw new StatusError(STATUS.NO_SUCH_FILE)
      }
      if (isLast && inode?.kind !== 'folder') return part
      if (inode?.kind !== 'folder') throw new StatusError(STATUS.NO_SUCH_FILE)
      walk.folders.push(inode)
      walk.names.push(part)
    }
    return undefined
  }
}

function pathOf(names: readonly string[]): string {
  return names.map(name => `/${name}`).join('')
}

/** What the server keeps, all in memory: folders and objects, and objects that have an id only. */
import { randomBytes } from 'node:crypto'
import type { Acl } from './acl.ts'
import { AtmosError } from './errors.ts'

/** One tag of the user. */
export interface UserTag {
  readonly value: string
  readonly listable: boolean
}

/** A checksum that the client keeps up to date. */
export interface WsChecksum {
  readonly algorithm: 'SHA1' | 'MD5'
  readonly hex: string
}

/** What folders and objects have in common. */
interface NodeBase {
  readonly id: string
  name: string
  parent: AtmosFolder | undefined
  readonly uid: string
  acl: Acl
  readonly tags: Map<string, UserTag>
  readonly createdAt: number
  modifiedAt: number
  changedAt: number
}

/** A folder. */
export interface AtmosFolder extends NodeBase {
  readonly type: 'directory'
  readonly children: Map<string, AtmosNode>
}

/** An object. */
export interface AtmosObject extends NodeBase {
  readonly type: 'regular'
  body: Buffer
  contentType: string
  checksum: WsChecksum | undefined
  /** Its versions, the oldest first. */
  readonly versions: AtmosObject[]
}

export type AtmosNode = AtmosFolder | AtmosObject

/** Orders names by their UTF-8 bytes. */
export function compareNames(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b))
}

/** 44 hexadecimal digits. */
export function newObjectId(): string {
  return randomBytes(22).toString('hex')
}

/** The namespace and the objects without a name. */
export class AtmosTree {
  readonly root: AtmosFolder
  readonly #byId = new Map<string, AtmosNode>()
  readonly #now: () => number

  constructor(now: () => number) {
    this.#now = now
    this.root = this.#folder('', undefined, 'root', { users: new Map(), other: 'WRITE' })
  }

  /** The names of a path, of which `.` and `..` are like all others; 1002 where one is empty, 1041 where one is too long. */
  static names(path: string): string[] {
    const names = path === '' ? [] : path.split('/')
    for (const name of names) {
      if (name === '' || name.includes('\0')) throw new AtmosError(1002, 'A name is not valid.')
      if (Buffer.byteLength(name) > 255) throw new AtmosError(1041)
    }
    return names
  }

  /** What has this path; 1045 where it leads through an object. */
  find(path: string): AtmosNode | undefined {
    let node: AtmosNode | undefined = this.root
    for (const name of AtmosTree.names(path)) {
      if (node === undefined) return undefined
      if (node.type === 'regular') return undefined
      node = node.children.get(name)
    }
    return node
  }

  byId(id: string): AtmosNode | undefined {
    return this.#byId.get(id)
  }

  /** The content of the object of this path, to look behind the protocol. */
  body(path: string): Buffer | undefined {
    const node = this.find(path)
    return node?.type === 'regular' ? node.body : undefined
  }

  /** Puts an object behind the protocol, in place of what has its path; `checksum` is that of its bytes. */
  put(path: string, uid: string, body: Buffer, checksum?: WsChecksum): AtmosObject {
    const there = this.find(path)
    if (there !== undefined) this.remove(there)
    const acl: Acl = { users: new Map(), other: 'NONE' }
    return this.makeObject(path, { uid, acl, tags: new Map(), body, contentType: 'application/octet-stream', checksum })
  }

  /** Paths of all objects in a folder and those below, in order. */
  paths(folder: AtmosFolder = this.root, prefix = ''): string[] {
    const children = [...folder.children.values()].toSorted((a, b) => compareNames(a.name, b.name))
    return children.flatMap(node =>
      node.type === 'regular' ? [prefix + node.name] : this.paths(node, `${prefix}${node.name}/`),
    )
  }

  /** The folder in which a path's last name is, made where it is missing; 1045 where an object is in the way. */
  parentOf(path: string, uid: string, acl: Acl): { folder: AtmosFolder; name: string } {
    const names = AtmosTree.names(path)
    const name = names.pop()
    if (name === undefined) throw new AtmosError(1016)
    let folder = this.root
    for (const each of names) {
      const next = folder.children.get(each) ?? this.#folder(each, folder, uid, acl)
      if (next.type === 'regular') throw new AtmosError(1045)
      folder = next
    }
    return { folder, name }
  }

  /** Makes a folder; 1016 where there is something of its path. */
  makeFolder(path: string, uid: string, acl: Acl): AtmosFolder {
    this.#needFree(path)
    const { folder, name } = this.parentOf(path, uid, acl)
    return this.#folder(name, folder, uid, acl)
  }

  /** Makes an object, without a name where there is no path; 1016 where there is something of its path. */
  makeObject(
    path: string | undefined,
    given: Pick<AtmosObject, 'uid' | 'acl' | 'tags' | 'body' | 'contentType' | 'checksum'>,
  ): AtmosObject {
    if (path !== undefined) this.#needFree(path)
    const place = path === undefined ? undefined : this.parentOf(path, given.uid, given.acl)
    const node: AtmosObject = {
      ...given,
      ...this.#base(place?.name ?? '', place?.folder),
      type: 'regular',
      versions: [],
    }
    return this.#add(node)
  }

  /** Keeps the content of an object as it is now, by an id of its own. */
  keepVersion(object: AtmosObject): AtmosObject {
    const { uid, acl, body, contentType, checksum } = object
    const version = this.makeObject(undefined, { uid, acl, tags: new Map(object.tags), body, contentType, checksum })
    object.versions.push(version)
    return version
  }

  /** The folder of a path that is there, or of as much of the path as there is. */
  nearest(path: string): AtmosFolder {
    let folder = this.root
    for (const name of AtmosTree.names(path)) {
      const next = folder.children.get(name)
      if (next?.type !== 'directory') break
      folder = next
    }
    return folder
  }

  /** Takes a node away; a folder must be empty (1023). */
  remove(node: AtmosNode): void {
    if (node === this.root) throw new AtmosError(1015)
    if (node.type === 'directory' && node.children.size > 0) throw new AtmosError(1023)
    node.parent?.children.delete(node.name)
    this.#byId.delete(node.id)
    if (node.parent !== undefined) this.touch(node.parent)
  }

  /** Gives a node another place. */
  move(node: AtmosNode, folder: AtmosFolder, name: string): void {
    node.parent?.children.delete(node.name)
    node.parent = folder
    node.name = name
    folder.children.set(name, node)
    node.changedAt = this.#now()
  }

  /** Notes that the content changed. */
  touch(node: AtmosNode): void {
    node.modifiedAt = this.#now()
    node.changedAt = node.modifiedAt
  }

  /** Forgets all. */
  clear(): void {
    this.root.children.clear()
    this.#byId.clear()
  }

  /** The object that has this version. */
  ownerOf(version: AtmosNode): AtmosObject | undefined {
    for (const node of this.#byId.values()) {
      if (node.type === 'regular' && node.versions.some(one => one === version)) return node
    }
    return undefined
  }

  #needFree(path: string): void {
    if (this.find(path) !== undefined) throw new AtmosError(1016)
  }

  #folder(name: string, parent: AtmosFolder | undefined, uid: string, acl: Acl): AtmosFolder {
    const base = this.#base(name, parent)
    return this.#add({ ...base, uid, acl, tags: new Map(), type: 'directory', children: new Map() })
  }

  #base(
    name: string,
    parent: AtmosFolder | undefined,
  ): Pick<NodeBase, 'id' | 'name' | 'parent' | 'createdAt' | 'modifiedAt' | 'changedAt'> {
    const now = this.#now()
    return { id: newObjectId(), name, parent, createdAt: now, modifiedAt: now, changedAt: now }
  }

  #add<N extends AtmosNode>(node: N): N {
    if (node.parent !== undefined) {
      node.parent.children.set(node.name, node)
      this.touch(node.parent)
    }
    this.#byId.set(node.id, node)
    return node
  }
}

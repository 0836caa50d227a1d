/** What the server keeps, all in memory: folders and files, their revisions, and the order of their changes. */
import { randomBytes } from 'node:crypto'
import { contentHash } from './content-hash.ts'

/** One revision of a file; never changed. */
export interface Revision {
  readonly rev: string
  readonly body: Buffer
  readonly contentHash: string
  /** Milliseconds since 1970, in whole seconds. */
  readonly clientModified: number
  readonly serverModified: number
}

interface Named {
  readonly id: string
  /** As it is shown; compared without its case. */
  name: string
  parent: FolderNode | undefined
}

/** One file. */
export interface FileNode extends Named {
  readonly kind: 'file'
  revision: Revision
}

/** One folder. */
export interface FolderNode extends Named {
  readonly kind: 'folder'
  /** By their names in lower case. */
  readonly children: Map<string, Node>
}

export type Node = FileNode | FolderNode

/** One change of the tree. */
export interface Change {
  /** Names from the root of the tree down, as they were shown. */
  readonly names: readonly string[]
}

/** Names are compared without their case, in form C of Unicode. */
export function keyOf(name: string): string {
  return name.normalize('NFC').toLowerCase()
}

function newId(): string {
  return `id:${randomBytes(16).toString('base64url')}`
}

/** All files of a user and of their team: one tree, some folders of which are namespaces. */
export class Space {
  readonly root: FolderNode
  /** Nodes that are still there. */
  readonly nodes: Map<string, Node> = new Map()
  readonly revisions: Map<string, { readonly node: FileNode; readonly revision: Revision }> = new Map()
  readonly changes: Change[] = []
  /** What was deleted and not made again, by the path in lower case. */
  readonly deleted: Map<string, readonly string[]> = new Map()
  #revs = 0

  constructor() {
    this.root = { kind: 'folder', id: newId(), name: '', parent: undefined, children: new Map() }
    this.nodes.set(this.root.id, this.root)
  }

  /** Bytes of all files. */
  get used(): number {
    const files = [...this.nodes.values()].filter(node => node.kind === 'file')
    return files.reduce((sum, { revision }) => sum + revision.body.length, 0)
  }

  /** A new revision; the times are cut to seconds. */
  revision(bytes: Uint8Array, now: number, clientModified: number = now): Revision {
    const whole = (time: number): number => Math.floor(time / 1000) * 1000
    const rev = `16${(++this.#revs).toString(16).padStart(10, '0')}`
    const body = Buffer.from(bytes)
    const times = { clientModified: whole(clientModified), serverModified: whole(now) }
    return { rev, body, contentHash: contentHash(body), ...times }
  }

  addFolder(parent: FolderNode, name: string): FolderNode {
    const folder: FolderNode = { kind: 'folder', id: newId(), name, parent, children: new Map() }
    this.#attach(folder, parent)
    return folder
  }

  addFile(parent: FolderNode, name: string, revision: Revision): FileNode {
    const file: FileNode = { kind: 'file', id: newId(), name, parent, revision }
    this.revisions.set(revision.rev, { node: file, revision })
    this.#attach(file, parent)
    return file
  }

  overwrite(file: FileNode, revision: Revision): void {
    file.revision = revision
    this.revisions.set(revision.rev, { node: file, revision })
    this.changes.push({ names: namesOf(file) })
  }

  /** Takes a node and all below it out of the tree. */
  remove(node: Node): void {
    for (const one of [...below(node)].reverse()) this.#detach(one)
  }

  /** Moves a node; files get new revisions. */
  move(node: Node, parent: FolderNode, name: string, now: number): void {
    const all = [...below(node)]
    for (const one of all) this.#forget(one)
    node.parent?.children.delete(keyOf(node.name))
    node.name = name
    this.#attach(node, parent)
    for (const one of all) this.#moved(one, now)
  }

  /** Copies a node and all below it. */
  copy(node: Node, parent: FolderNode, name: string, now: number): Node {
    if (node.kind === 'file') {
      const { body, clientModified } = node.revision
      return this.addFile(parent, name, this.revision(body, now, clientModified))
    }
    const children = [...node.children.values()]
    const folder = this.addFolder(parent, name)
    for (const child of children) this.copy(child, folder, child.name, now)
    return folder
  }

  #moved(node: Node, now: number): void {
    this.#appeared(node)
    if (node.kind === 'folder') return
    const { body, clientModified } = node.revision
    this.overwrite(node, this.revision(body, now, clientModified))
  }

  #attach(node: Node, parent: FolderNode): void {
    node.parent = parent
    parent.children.set(keyOf(node.name), node)
    this.nodes.set(node.id, node)
    this.#appeared(node)
  }

  #appeared(node: Node): void {
    const names = namesOf(node)
    this.changes.push({ names })
    this.deleted.delete(pathKey(names))
  }

  #detach(node: Node): void {
    this.#forget(node)
    node.parent?.children.delete(keyOf(node.name))
    this.nodes.delete(node.id)
  }

  #forget(node: Node): void {
    const names = namesOf(node)
    this.changes.push({ names })
    this.deleted.set(pathKey(names), names)
  }
}

/** A node and all below it, from above to below. */
export function* below(node: Node): Generator<Node> {
  yield node
  if (node.kind === 'file') return
  for (const child of node.children.values()) yield* below(child)
}

/** The names from the root of the tree down. */
export function namesOf(node: Node): string[] {
  const names: string[] = []
  for (let at: Node = node; at.parent !== undefined; at = at.parent) names.unshift(at.name)
  return names
}

/** Names as one text without their case. */
export function pathKey(names: readonly string[]): string {
  return names.map(name => `/${keyOf(name)}`).join('')
}

/** Whether a folder is another one or below it. */
export function isWithin(node: Node, folder: FolderNode): boolean {
  for (let at: Node | undefined = node; at !== undefined; at = at.parent) if (at === folder) return true
  return false
}

/** What names below a folder lead to; undefined where there is nothing. */
export function follow(folder: FolderNode, names: readonly string[]): Node | undefined {
  let at: Node | undefined = folder
  for (const name of names) {
    if (at?.kind !== 'folder') return undefined
    at = at.children.get(keyOf(name))
  }
  return at
}

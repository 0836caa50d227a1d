/** Paths: what their grammar allows, and what they lead to (https://www.dropbox.com/developers/documentation/http/documentation#path-formats). */
import type { OperationContext } from './context.ts'
import { PathProblem } from './errors.ts'
import { type FileNode, type FolderNode, follow, isWithin, keyOf, type Node, type Revision } from './tree.ts'

/** Where a path leads. */
export interface Target {
  readonly base: FolderNode
  /** Names below the base; none for the base itself. */
  readonly names: readonly string[]
}

/** Names that are never stored (https://help.dropbox.com/installs-integrations/sync-uploads/files-not-syncing). */
const DISALLOWED = ['desktop.ini', 'thumbs.db', '.ds_store', 'icon\r', '.dropbox', '.dropbox.attr']
const TEMPORARY = /^(~\$|\.~)|^~.*\.tmp$/

/** Whether Dropbox will not save a file or folder because of its name. */
export function isDisallowed(name: string): boolean {
  return DISALLOWED.includes(keyOf(name)) || TEMPORARY.test(keyOf(name))
}

function isMalformed(name: string, refusesAstral: boolean): boolean {
  if (name === '' || name === '.' || name === '..' || name.length > 255) return true
  if (/[\\\u0000\u007f]/.test(name) || name.endsWith(' ')) return true
  return refusesAstral && /[\u{10000}-\u{10ffff}]/u.test(name)
}

function namesIn(context: OperationContext, path: string): string[] {
  if (path === '') return []
  const [, ...names] = path.split('/')
  const refusesAstral = context.state.options.refusesAstral ?? false
  if (names.some(name => isMalformed(name, refusesAstral))) throw new PathProblem('malformed_path')
  return names
}

/** Where a path or an id leads; malformed_path, or not_found for an id or a namespace that there is none of. */
export function targetOf(context: OperationContext, text: string): Target {
  const match = /^(id:[^/]*|ns:[^/]*)?(.*)$/s.exec(text)
  const [, first, path = ''] = match ?? []
  if (first === undefined) return { base: context.base, names: namesIn(context, path) }
  const { space, account } = context.state
  const base = first.startsWith('id:')
    ? visible(context, space.nodes.get(first))
    : account.namespaces.get(first.slice(3))
  const names = namesIn(context, path)
  if (base === undefined) throw new PathProblem('not_found')
  if (base.kind === 'folder') return { base, names }
  if (names.length > 0 || base.parent === undefined) throw new PathProblem('not_found')
  return { base: base.parent, names: [base.name] }
}

function visible(context: OperationContext, node: Node | undefined): Node | undefined {
  return node !== undefined && isWithin(node, context.base) ? node : undefined
}

/** What a path leads to; not_found. */
export function nodeAt(context: OperationContext, text: string): Node {
  const { base, names } = targetOf(context, text)
  // Only what is written is brought into form C: https://github.com/samschott/maestral/pull/678
  const node = text === text.normalize('NFC') ? follow(base, names) : undefined
  if (node === undefined) throw new PathProblem('not_found')
  return node
}

/** The file that a path leads to, and its revision; not_file for a folder. */
export function fileAt(context: OperationContext, text: string): { node: FileNode; revision: Revision } {
  if (text.startsWith('rev:')) {
    const found = context.state.space.revisions.get(text.slice(4))
    if (found === undefined || !isWithin(found.node, context.base)) throw new PathProblem('not_found')
    return found
  }
  const node = nodeAt(context, text)
  if (node.kind !== 'file') throw new PathProblem('not_file')
  return { node, revision: node.revision }
}

/** A place to write to: its folder, which may have to be made, and its name; malformed_path for a root, disallowed_name. */
export interface Place {
  readonly base: FolderNode
  readonly folders: readonly string[]
  readonly name: string
  /** What is there. */
  readonly node: Node | undefined
}

/** Where a path to write leads; conflict/file_ancestor where a file is above it. */
export function placeAt(context: OperationContext, text: string): Place {
  const { base, names } = targetOf(context, text)
  const name = names.at(-1)
  if (name === undefined) throw new PathProblem('malformed_path')
  if (names.some(isDisallowed)) throw new PathProblem('disallowed_name')
  const folders = names.slice(0, -1)
  let above: Node | undefined = base
  for (const one of folders) {
    above = above.kind === 'folder' ? above.children.get(keyOf(one)) : undefined
    if (above === undefined) break
    if (above.kind === 'file') throw new PathProblem('conflict/file_ancestor')
  }
  return { base, folders, name, node: follow(base, names) }
}

/** The folder of a place, made with all above it where there is none. */
export function folderOf({ state }: OperationContext, { base, folders }: Pick<Place, 'base' | 'folders'>): FolderNode {
  let folder = base
  for (const name of folders) {
    const found = folder.children.get(keyOf(name))
    folder = found?.kind === 'folder' ? found : state.space.addFolder(folder, name)
  }
  return folder
}

/** The first free name with a number, or with the words of a conflicted copy. */
export function freeName(folder: FolderNode | undefined, name: string, isCopy = false): string {
  const dot = name.lastIndexOf('.')
  const [stem, extension] = dot > 0 ? [name.slice(0, dot), name.slice(dot)] : [name, '']
  for (let count = 1; ; count++) {
    const number = isCopy && count === 1 ? '' : ` ${count}`
    const tried = isCopy ? `${stem} (conflicted copy${number})${extension}` : `${stem} (${count})${extension}`
    if (folder?.children.has(keyOf(tried)) !== true) return tried
  }
}

/** `files/list_folder` and `files/list_folder/continue`: what is there, in no order of names, and then what has changed since. */
import { createHash } from 'node:crypto'
import { jsonAnswer } from '../strict/answer.ts'
import type { DropboxAnswer, OperationContext } from './context.ts'
import type { Cursor } from './cursors.ts'
import { badInput, endpointError, nested, PathProblem, type Tagged, within } from './errors.ts'
import type { continueArg, listArg } from './fields.ts'
import { deletedMetadata, metadata } from './metadata.ts'
import { nodeAt } from './paths.ts'
import { BadArgument, type Read } from './schema.ts'
import { below, type FolderNode, follow, isWithin, keyOf, type Node, namesOf } from './tree.ts'

/** `files/list_folder`. */
export function listFolder(context: OperationContext, arg: Read<typeof listArg>): DropboxAnswer {
  const { state, base } = context
  if (arg.path === '/') throw new BadArgument('path', 'Specify the root folder as an empty string rather than as "/".')
  const folder = within('path', () => folderAt(context, arg.path))
  const { recursive, include_deleted: includeDeleted } = arg
  const cursor: Cursor = {
    base,
    folder,
    recursive,
    includeDeleted,
    limit: Math.min(arg.limit ?? 2000, state.options.pageSize ?? 500),
    snapshot: [...present(folder, base, recursive), ...(includeDeleted ? gone(context, folder, recursive) : [])],
    given: 0,
    seen: state.space.changes.length,
    empty: 0,
    isFresh: true,
  }
  return page(context, cursor)
}

function folderAt(context: OperationContext, path: string): FolderNode {
  const node = nodeAt(context, path)
  if (node.kind !== 'folder') throw new PathProblem('not_folder')
  return node
}

/** Ids of what is in a folder; a recursive listing has the folder itself as well. */
function present(folder: FolderNode, base: FolderNode, recursive: boolean): string[] {
  const nodes = recursive ? [...below(folder)] : [...folder.children.values()]
  return mixed(
    nodes.filter(node => node !== base),
    ({ name }) => name,
  ).map(({ id }) => id)
}

function gone({ state }: OperationContext, folder: FolderNode, recursive: boolean): (readonly string[])[] {
  return [...state.space.deleted.values()].filter(names => isIn(names, folder, recursive))
}

/** Whether names from the root of the tree down are those of something in a folder. */
function isIn(names: readonly string[], folder: FolderNode, recursive: boolean): boolean {
  const above = namesOf(folder)
  if (names.length <= above.length || (!recursive && names.length !== above.length + 1)) return false
  return above.every((name, at) => keyOf(name) === keyOf(names[at] as string))
}

/** An order that is the same each time, and has nothing to do with that of the names. */
function mixed<T>(items: readonly T[], nameOf: (item: T) => string): readonly T[] {
  const rank = (item: T): string => createHash('md5').update(nameOf(item)).digest('hex')
  return items.toSorted((a, b) => (rank(a) < rank(b) ? -1 : 1))
}

/** `files/list_folder/continue`. */
export function listFolderContinue(context: OperationContext, arg: Read<typeof continueArg>): DropboxAnswer {
  const cursor = context.state.cursors.find(arg.cursor)
  if (cursor === undefined) throw badInput(`Invalid "cursor" parameter: '${arg.cursor}'`)
  if (cursor === 'reset') throw endpointError(nested('reset'))
  if (context.state.space.nodes.get(cursor.folder.id) === undefined) throw endpointError(nested('path/not_found'))
  return page(context, cursor)
}

function page(context: OperationContext, cursor: Cursor): DropboxAnswer {
  const { options, cursors } = context.state
  const isSnapshot = cursor.isFresh || cursor.given < cursor.snapshot.length
  if (!isSnapshot) return changes(context, cursor)
  if (cursor.empty < (options.emptyPages ?? 0)) {
    return jsonAnswer({ entries: [], cursor: cursors.add({ ...cursor, empty: cursor.empty + 1 }), has_more: true })
  }
  const end = Math.min(cursor.snapshot.length, cursor.given + cursor.limit + (options.extraEntries ?? 0))
  const entries = cursor.snapshot.slice(cursor.given, end).map(item => entryOf(context, cursor, item))
  const next: Cursor = { ...cursor, given: end, empty: 0, isFresh: false }
  return jsonAnswer({
    entries: entries.filter(entry => entry !== undefined),
    cursor: cursors.add(next),
    has_more: end < cursor.snapshot.length || changed(context, next).length > 0,
  })
}

/** An item of the snapshot as it is now; undefined for what was deleted or moved away meanwhile. */
function entryOf(
  { state }: OperationContext,
  { base, folder }: Cursor,
  item: string | readonly string[],
): Tagged | undefined {
  if (typeof item !== 'string') return deletedMetadata(item.slice(namesOf(base).length))
  const node = state.space.nodes.get(item)
  return node !== undefined && isWithin(node, folder) ? metadata(base, node) : undefined
}

/** Names of what has changed in a folder since a cursor. */
function changed({ state }: OperationContext, { folder, recursive, seen }: Cursor): (readonly string[])[] {
  return state.space.changes
    .slice(seen)
    .map(({ names }) => names)
    .filter(names => isIn(names, folder, recursive))
}

/** What has changed since: each path once, as it is now; what is gone is told as deleted whether that was asked for or not. */
function changes(context: OperationContext, cursor: Cursor): DropboxAnswer {
  const { space, cursors } = context.state
  const depth = namesOf(cursor.base).length
  const paths = new Map(changed(context, cursor).map(names => [keyOf(names.join('/')), names]))
  const entries = [...paths.values()].map(names => {
    const node: Node | undefined = follow(space.root, names)
    return node === undefined ? deletedMetadata(names.slice(depth)) : metadata(cursor.base, node)
  })
  return jsonAnswer({ entries, cursor: cursors.add({ ...cursor, seen: space.changes.length }), has_more: false })
}

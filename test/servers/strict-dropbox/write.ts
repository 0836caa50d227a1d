/** Putting bytes at a path: what is a conflict, and what another name is then (WriteMode, `strict_conflict` and `autorename`). */
import { allocatedBytes } from './account.ts'
import type { OperationContext } from './context.ts'
import { PathProblem } from './errors.ts'
import type { CommitInfo } from './fields.ts'
import { folderOf, freeName, type Place, placeAt } from './paths.ts'
import { type FileNode, follow, type Revision } from './tree.ts'

/** The conflict that a write to a place is, or undefined. */
function conflictAt(
  { state }: OperationContext,
  { node }: Place,
  revision: Revision,
  info: CommitInfo,
): string | undefined {
  const { mode, strict_conflict: strict } = info
  const isUpdate = mode['.tag'] === 'update'
  if (node === undefined) return isUpdate && strict ? 'conflict/file' : undefined
  if (node.kind === 'folder') return 'conflict/folder'
  const isSame = node.revision.contentHash === revision.contentHash
  if (isSame && !strict) return undefined
  if (isSame && state.options.strictConflict !== 'by mode') return 'conflict/file'
  if (mode['.tag'] === 'overwrite') return undefined
  return isUpdate && mode['update'] === node.revision.rev ? undefined : 'conflict/file'
}

/** Writes a file as a commit says; throws a `PathProblem` with nothing written. */
export function commit(context: OperationContext, bytes: Buffer, info: CommitInfo): FileNode {
  const { state } = context
  const { space } = state
  const now = state.now()
  const place = placeAt(context, info.path)
  const revision = space.revision(bytes, now, info.client_modified)
  const conflict = conflictAt(context, place, revision, info)
  if (conflict !== undefined && !info.autorename) throw new PathProblem(conflict)
  if (conflict === undefined && place.node?.kind === 'file') {
    // Nothing is written where the same bytes are there, not even another time, unless the write is strict.
    if (place.node.revision.contentHash === revision.contentHash && !info.strict_conflict) return place.node
    needSpace(context, bytes.length - place.node.revision.body.length)
    space.overwrite(place.node, revision)
    return place.node
  }
  needSpace(context, bytes.length)
  const folder = follow(place.base, place.folders)
  const isUpdate = info.mode['.tag'] === 'update'
  const name =
    conflict === undefined ? place.name : freeName(folder?.kind === 'folder' ? folder : undefined, place.name, isUpdate)
  return space.addFile(folderOf(context, place), name, revision)
}

/** insufficient_space where so many bytes more are too many. */
export function needSpace({ state }: OperationContext, bytes: number): void {
  if (state.space.used + bytes > allocatedBytes(state.options)) throw new PathProblem('insufficient_space')
}

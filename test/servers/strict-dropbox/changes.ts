/** Functions that change the tree without bytes: folders, deletes, copies and moves, alone and in batches. */
import { jsonAnswer } from '../strict/answer.ts'
import type { DropboxAnswer, OperationContext } from './context.ts'
import { DropboxError, endpointError, nested, PathProblem, type Tagged, within } from './errors.ts'
import type { copyBatchArg, deleteArg, deleteBatchArg, folderArg, relocationArg } from './fields.ts'
import { type JobKind, launch } from './jobs.ts'
import { folderMetadata, metadata } from './metadata.ts'
import { folderOf, freeName, nodeAt, placeAt } from './paths.ts'
import type { Read } from './schema.ts'
import { below, follow, isWithin, keyOf, type Node } from './tree.ts'
import { needSpace } from './write.ts'

/** `files/create_folder_v2`. */
export function createFolder(context: OperationContext, { path, autorename }: Read<typeof folderArg>): DropboxAnswer {
  const { state, base } = context
  const folder = within('path', () => {
    if (state.contention.take('files/create_folder_v2', path)) throw new PathProblem('too_many_write_operations')
    const place = placeAt(context, path)
    if (place.node !== undefined && !autorename) throw new PathProblem(`conflict/${place.node.kind}`)
    const parent = folderOf(context, place)
    return state.space.addFolder(parent, place.node === undefined ? place.name : freeName(parent, place.name))
  })
  return jsonAnswer({ metadata: folderMetadata(base, folder) })
}

/** Deletes one; what it returns tells of it as it was. */
function remove(context: OperationContext, route: string, { path, parent_rev: rev }: Read<typeof deleteArg>): Tagged {
  const { state, base } = context
  if (state.contention.take(route, path)) throw endpointError(nested('too_many_write_operations'))
  const node = within('path_lookup', () => {
    const found = nodeAt(context, path)
    if (found.parent === undefined || found === base) throw new PathProblem('malformed_path')
    return found
  })
  const isOther = rev !== undefined && (node.kind === 'folder' || node.revision.rev !== rev)
  if (isOther) throw endpointError(nested(`path_write/conflict/${node.kind}`))
  const was = metadata(base, node)
  state.space.remove(node)
  return was
}

/** `files/delete_v2`. */
export function deleteOne(context: OperationContext, arg: Read<typeof deleteArg>): DropboxAnswer {
  return jsonAnswer({ metadata: remove(context, 'files/delete_v2', arg) })
}

/** The error of one entry of a batch. */
function failureOf(work: () => Tagged): Tagged {
  try {
    return work()
  } catch (error) {
    if (!(error instanceof DropboxError)) throw error
    return { '.tag': 'failure', failure: JSON.parse(error.details['error'] as string) as Tagged }
  }
}

/** `files/delete_batch`. */
export function deleteBatch(context: OperationContext, { entries }: Read<typeof deleteBatchArg>): DropboxAnswer {
  const results = entries.map(entry =>
    failureOf(() => ({ '.tag': 'success', metadata: remove(context, 'files/delete_batch', entry) })),
  )
  return launch(context, 'delete_batch', results)
}

type Relocation = Read<typeof copyBatchArg>['entries'][number]
type Verb = 'copy' | 'move'

/** Copies or moves one. */
function relocate(
  context: OperationContext,
  verb: Verb,
  { from_path, to_path }: Relocation,
  autorename: boolean,
): Tagged {
  const { state, base } = context
  const node = within('from_lookup', () => {
    const found = nodeAt(context, from_path)
    if (found.parent === undefined) throw new PathProblem('malformed_path')
    return found
  })
  const place = within('to', () => placeAt(context, to_path))
  const folder = follow(place.base, place.folders)
  if (place.node === node) {
    // Only the case is another one: that is taken for a success, and nothing changes.
    if (verb === 'move' && place.name !== node.name && keyOf(place.name) === keyOf(node.name))
      return metadata(base, node)
    throw endpointError(nested('duplicated_or_nested_paths'))
  }
  if (node.kind === 'folder' && folder !== undefined && isWithin(folder, node)) {
    throw endpointError(nested(verb === 'move' ? 'cant_move_folder_into_itself' : 'duplicated_or_nested_paths'))
  }
  return within('to', () => {
    if (place.node !== undefined && !autorename) throw new PathProblem(`conflict/${place.node.kind}`)
    if (verb === 'copy') needSpace(context, sizeOf(node))
    const parent = folderOf(context, place)
    const name = place.node === undefined ? place.name : freeName(parent, place.name)
    if (verb === 'copy') return metadata(base, state.space.copy(node, parent, name, state.now()))
    state.space.move(node, parent, name, state.now())
    return metadata(base, node)
  })
}

function sizeOf(node: Node): number {
  return [...below(node)].reduce((sum, one) => sum + (one.kind === 'file' ? one.revision.body.length : 0), 0)
}

/** `files/copy_v2` and `files/move_v2`. */
export function relocation(verb: Verb): (context: OperationContext, arg: Read<typeof relocationArg>) => DropboxAnswer {
  return (context, arg) => {
    const refusal = context.state.contention.take(`files/${verb}_v2`, arg.from_path)
    if (refusal !== undefined) throw endpointError(nested(refusal === 'internal_error' ? refusal : `to/${refusal}`))
    return jsonAnswer({ metadata: relocate(context, verb, arg, arg.autorename) })
  }
}

/** `files/copy_batch_v2` and `files/move_batch_v2`. */
export function relocationBatch(
  verb: Verb,
): (context: OperationContext, arg: Read<typeof copyBatchArg>) => DropboxAnswer {
  const kind: JobKind = `${verb}_batch`
  return (context, { entries, autorename }) => {
    const results = entries.map((entry): Tagged => {
      const refusal = context.state.contention.take(`files/${verb}_batch_v2`, entry.from_path)
      if (refusal !== undefined) return { '.tag': 'failure', failure: nested(refusal) }
      const result = failureOf(() => ({ '.tag': 'success', success: relocate(context, verb, entry, autorename) }))
      if (result['.tag'] === 'success') return result
      return { '.tag': 'failure', failure: { '.tag': 'relocation_error', relocation_error: result['failure'] } }
    })
    return launch(context, kind, results)
  }
}

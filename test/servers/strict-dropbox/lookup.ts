/** `files/get_metadata`. */
import { jsonAnswer } from '../strict/answer.ts'
import type { DropboxAnswer, OperationContext } from './context.ts'
import { PathProblem, within } from './errors.ts'
import type { metadataArg } from './fields.ts'
import { deletedMetadata, fileMetadata, metadata } from './metadata.ts'
import { fileAt, targetOf } from './paths.ts'
import { BadArgument, type Read } from './schema.ts'
import { follow, namesOf, pathKey } from './tree.ts'

/** Metadata of a file or a folder; the root has none. */
export function getMetadata(context: OperationContext, arg: Read<typeof metadataArg>): DropboxAnswer {
  const { state, base } = context
  const { path } = arg
  if (path === '/') throw new BadArgument('path', 'The root folder is unsupported.')
  return within('path', () => {
    if (path.startsWith('rev:')) {
      const { node, revision } = fileAt(context, path)
      return jsonAnswer({ '.tag': 'file', ...fileMetadata(base, node, revision) })
    }
    const target = targetOf(context, path)
    const node = follow(target.base, target.names)
    if (node === base) throw new PathProblem('malformed_path')
    if (node !== undefined) return jsonAnswer(metadata(base, node))
    const deleted = state.space.deleted.get(pathKey([...namesOf(target.base), ...target.names]))
    if (deleted === undefined || !arg.include_deleted) throw new PathProblem('not_found')
    return jsonAnswer(deletedMetadata(deleted.slice(namesOf(base).length)))
  })
}

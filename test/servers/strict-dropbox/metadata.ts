/** Metadata of files and folders as the service tells it, with paths relative to the root that the request chose. */
import type { Tagged } from './errors.ts'
import { type FileNode, type FolderNode, keyOf, type Node, type Revision } from './tree.ts'

type Fields = Readonly<Record<string, unknown>>

/** A moment in seconds. */
export function timeText(time: number): string {
  return new Date(time).toISOString().replace(/\.\d+Z$/, 'Z')
}

function paths(base: FolderNode, node: Node): Fields {
  const names: string[] = []
  let at: Node | undefined = node
  for (; at !== undefined && at !== base; at = at.parent) names.unshift(at.name)
  // What is not below the root is not mounted there.
  if (at === undefined) return { name: node.name }
  return pathFields(names, node.name)
}

function pathFields(names: readonly string[], name: string): Fields {
  const display = names.map(one => `/${one}`).join('')
  return { name, path_lower: keyOf(display), path_display: display }
}

/** FileMetadata without its tag. */
export function fileMetadata(base: FolderNode, node: FileNode, revision: Revision = node.revision): Fields {
  return {
    ...paths(base, node),
    id: node.id,
    client_modified: timeText(revision.clientModified),
    server_modified: timeText(revision.serverModified),
    rev: revision.rev,
    size: revision.body.length,
    is_downloadable: true,
    content_hash: revision.contentHash,
  }
}

/** FolderMetadata without its tag. */
export function folderMetadata(base: FolderNode, node: FolderNode): Fields {
  return { ...paths(base, node), id: node.id }
}

/** Metadata with its tag. */
export function metadata(base: FolderNode, node: Node): Tagged {
  return node.kind === 'file'
    ? { '.tag': 'file', ...fileMetadata(base, node) }
    : { '.tag': 'folder', ...folderMetadata(base, node) }
}

/** DeletedMetadata of names below the root. */
export function deletedMetadata(names: readonly string[]): Tagged {
  return { '.tag': 'deleted', ...pathFields(names, names.at(-1) ?? '') }
}

/** What a request is about. */
import type { AtmosContext } from './context.ts'
import { AtmosError } from './errors.ts'
import type { AtmosFolder, AtmosNode, AtmosObject } from './tree.ts'

/** The node, a folder with or without a slash; 1003 where there is none. */
export function needNode({ state, request }: AtmosContext): AtmosNode {
  const { key, interface: part, method } = request
  const old = part === 'namespace' && (method === 'GET' || method === 'HEAD') ? state.stale.get(key) : undefined
  if (old !== undefined && old.left-- > 0) return old.node
  const found = part === 'objects' ? state.tree.byId(key) : state.tree.find(key)
  if (found === undefined) throw new AtmosError(1003)
  return found
}

/** The object; 1022 where it is a folder, 1021 where the path ends as a folder's. */
export function needObject(context: AtmosContext): AtmosObject {
  const node = needNode(context)
  if (node.type === 'directory') throw new AtmosError(1022)
  if (context.request.isFolder && !context.state.options.ignoresSlashes) throw new AtmosError(1021)
  return node
}

/** The folder; 1021 where it is an object. */
export function needFolder(context: AtmosContext): AtmosFolder {
  const node = needNode(context)
  if (node.type === 'regular') throw new AtmosError(1021)
  return node
}

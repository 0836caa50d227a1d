/** Making, changing and deleting. */
import { needRight, ownAcl, readAcl } from './acl.ts'
import { checksumHeader, generatedHeader, nextChecksum } from './checksums.ts'
import type { AtmosContext, StrictAnswer } from './context.ts'
import { AtmosError } from './errors.ts'
import { needFolder, needNode, needObject } from './lookup.ts'
import { headerText, setTags, tagNames } from './metadata.ts'
import { writeRange } from './ranges.ts'
import type { AtmosNode, UserTag } from './tree.ts'

function created(node: AtmosNode, headers: Readonly<Record<string, string>> = {}): StrictAnswer {
  const size = node.type === 'regular' ? node.body.length : 0
  const told = { location: `/rest/objects/${node.id}`, 'x-emc-delta': String(size), 'x-emc-policy': 'default' }
  return { status: 201, headers: { ...told, ...headers } }
}

/** A body has a length, which is no longer than an object may be. */
function needLength({ request, state }: AtmosContext): void {
  const { headers, body } = request
  if (headers['content-length'] === undefined) {
    if (headers['transfer-encoding'] !== undefined || request.method === 'PUT')
      throw new AtmosError(1054, 'Content-Length is needed.')
  }
  if (body.length > (state.options.maxSize ?? 5 * 2 ** 40)) throw new AtmosError(1010)
}

/** POST of an object, by its path or without one; folders that are missing are made. */
export function createObject(context: AtmosContext): StrictAnswer {
  const { state, request, uid } = context
  const { headers, body } = request
  needLength(context)
  if (headers['range'] !== undefined) throw new AtmosError(1002, 'A new object has no range.')
  const isNamed = request.interface === 'namespace'
  if (!isNamed && request.key !== '') throw new AtmosError(1009)
  const tags = new Map<string, UserTag>()
  setTags(headers, tags)
  const object = {
    uid,
    acl: readAcl(headers, ownAcl(uid)),
    tags,
    body,
    contentType: headers['content-type'] ?? 'application/octet-stream',
    checksum: nextChecksum(headers, { body, kind: 'create', old: undefined }, state.options),
  }
  const generated = generatedHeader(headers, body)
  if (isNamed) needRight(context, state.tree.nearest(request.key), 'WRITE')
  const node = state.tree.makeObject(isNamed ? request.key : undefined, object)
  return created(node, { ...checksumHeader(node, state.options), ...generated })
}

/** POST of a folder. */
export function createDirectory(context: AtmosContext): StrictAnswer {
  const { state, request, uid } = context
  if (request.body.length > 0) throw new AtmosError(1002, 'A directory has no content.')
  const tags = new Map<string, UserTag>()
  setTags(request.headers, tags)
  needRight(context, state.tree.nearest(request.key), 'WRITE')
  const node = state.tree.makeFolder(request.key, uid, readAcl(request.headers, ownAcl(uid)))
  for (const [name, tag] of tags) node.tags.set(name, tag)
  return created(node)
}

/** PUT of an object: all of it, or a part of it. */
export function updateObject(context: AtmosContext): StrictAnswer {
  const { state, request } = context
  const { headers, body } = request
  const node = needObject(context)
  needRight(context, node, 'WRITE')
  needLength(context)
  const range = writeRange(headers['range'], node.body.length, body.length)
  const whole = range === undefined ? body : joined(node.body, range.start, body)
  if (whole.length > (state.options.maxSize ?? 5 * 2 ** 40)) throw new AtmosError(1010)
  const kind = range?.start === node.body.length ? 'append' : 'other'
  const checksum = nextChecksum(headers, { body: whole, kind, old: node.checksum }, state.options)
  const generated = generatedHeader(headers, body)
  const acl = readAcl(headers, node.acl)
  setTags(headers, node.tags)
  const delta = whole.length - node.body.length
  node.body = whole
  node.acl = acl
  node.checksum = checksum
  if (range === undefined && headers['content-type'] !== undefined) node.contentType = headers['content-type']
  state.tree.touch(node)
  const told = { 'x-emc-delta': String(delta), 'x-emc-policy': 'default' }
  return { status: 200, headers: { ...told, ...checksumHeader(node, state.options), ...generated } }
}

function joined(old: Buffer, start: number, body: Buffer): Buffer {
  return Buffer.concat([old.subarray(0, start), body, old.subarray(start + body.length)])
}

/** DELETE of an object, or of a folder by a path with a slash. */
export function deleteNode(context: AtmosContext): StrictAnswer {
  const { state, request } = context
  const isFolder = request.isFolder && !(state.options.ignoresSlashes && needNode(context).type === 'regular')
  const node = isFolder ? needFolder(context) : needObject(context)
  needRight(context, node, 'FULL_CONTROL')
  state.tree.remove(node)
  const size = node.type === 'regular' ? node.body.length : 0
  return { status: 204, headers: { 'x-emc-delta': String(-size), 'x-emc-policy': 'default' } }
}

/** POST ?metadata/user. */
export function setUserMetadata(context: AtmosContext): StrictAnswer {
  const { headers } = context.request
  const node = needNode(context)
  needRight(context, node, 'WRITE')
  if (!headers['x-emc-meta'] && !headers['x-emc-listable-meta']) throw new AtmosError(1054, 'There is no metadata.')
  setTags(headers, node.tags)
  node.changedAt = context.state.now()
  return { status: 200 }
}

/** DELETE ?metadata/user; 1005 where a tag is missing. */
export function deleteUserMetadata(context: AtmosContext): StrictAnswer {
  const node = needNode(context)
  needRight(context, node, 'WRITE')
  const names = tagNames(context.request.headers, 'x-emc-tags')
  if (names === undefined) throw new AtmosError(1054, 'x-emc-tags is needed.')
  if (names.some(name => !node.tags.has(name))) throw new AtmosError(1005)
  for (const name of names) node.tags.delete(name)
  node.changedAt = context.state.now()
  return { status: 204 }
}

/** POST ?acl. */
export function setAcl(context: AtmosContext): StrictAnswer {
  const node = needNode(context)
  needRight(context, node, 'FULL_CONTROL')
  node.acl = readAcl(context.request.headers, node.acl)
  return { status: 200 }
}

/** POST ?rename; 1016 where the target exists and is not to be overwritten. */
export function rename(context: AtmosContext): StrictAnswer {
  const { state, request } = context
  const { tree } = state
  if (request.interface !== 'namespace') throw new AtmosError(1046)
  const node = needNode(context)
  needRight(context, node, 'FULL_CONTROL')
  const path = headerText(request.headers, 'x-emc-path')?.replace(/^\//, '').replace(/\/$/, '')
  if (path === undefined || path === '') throw new AtmosError(1054, 'x-emc-path is needed.')
  const old = tree.find(path)
  if (old === node) throw new AtmosError(1047)
  if (`${path}/`.startsWith(`${request.key}/`)) throw new AtmosError(1002, 'A directory cannot be moved into itself.')
  const folder = tree.find(path.split('/').slice(0, -1).join('/'))
  if (folder === undefined) throw new AtmosError(1044)
  if (folder.type === 'regular') throw new AtmosError(1045)
  if (old !== undefined) {
    if (request.headers['x-emc-force'] !== 'true') throw new AtmosError(1016)
    if (old.type !== node.type) throw new AtmosError(old.type === 'directory' ? 1022 : 1021)
    if (old.type === 'directory' && old.children.size > 0) throw new AtmosError(1048)
    tree.remove(old)
    state.stale.set(path, { node: old, left: state.options.staleReads ?? 0 })
  }
  tree.move(node, folder, path.slice(path.lastIndexOf('/') + 1))
  return { status: 200 }
}

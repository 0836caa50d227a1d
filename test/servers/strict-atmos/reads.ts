/** Reading objects, and what is known of them. */
import { aclHeaders, needRight } from './acl.ts'
import { checksumHeader } from './checksums.ts'
import type { AtmosContext, StrictAnswer } from './context.ts'
import { needNode, needObject } from './lookup.ts'
import { namesHeader, only, pairsHeader, systemTags, tagNames, userTags } from './metadata.ts'
import { type ByteRange, readRanges } from './ranges.ts'
import type { AtmosNode } from './tree.ts'

/** Headers that HEAD and GET have: tags of both kinds, rights, policy and checksum. */
export function nodeHeaders({ request, state }: AtmosContext, node: AtmosNode): Record<string, string> {
  const all = [...systemTags(node), ...userTags(node, false)]
  const headers: Record<string, string> = {
    ...pairsHeader(request.headers, 'x-emc-meta', all),
    ...pairsHeader(request.headers, 'x-emc-listable-meta', userTags(node, true)),
    ...aclHeaders(node.acl),
    'x-emc-policy': 'default',
  }
  if (node.type === 'directory') return headers
  Object.assign(headers, checksumHeader(node, state.options))
  if (state.options.etags) headers['etag'] = `"${node.id}-${node.modifiedAt}"`
  return headers
}

/** GET of an object, or of parts of it. */
export function readObject(context: AtmosContext): StrictAnswer {
  const { request, disposition } = context
  const node = needObject(context)
  needRight(context, node, 'READ')
  const { body, contentType } = node
  const ranges = readRanges(request.headers['range'], body.length)
  const headers = {
    ...nodeHeaders(context, node),
    'content-type': contentType,
    'last-modified': new Date(node.modifiedAt).toUTCString(),
    ...(disposition === undefined ? {} : { 'content-disposition': disposition }),
  }
  if (ranges === undefined) return { status: 200, headers, body }
  const [only, ...more] = ranges as [ByteRange, ...ByteRange[]]
  if (more.length === 0) {
    const told = { ...headers, 'content-range': contentRange(only, body.length) }
    return { status: 206, headers: told, body: body.subarray(only.start, only.end) }
  }
  const boundary = `atmos${request.requestId}`
  const parts = ranges.map(range =>
    Buffer.concat([
      Buffer.from(
        `--${boundary}\r\nContent-Type: ${contentType}\r\nContent-Range: ${contentRange(range, body.length)}\r\n\r\n`,
      ),
      body.subarray(range.start, range.end),
      Buffer.from('\r\n'),
    ]),
  )
  return {
    status: 206,
    headers: { ...headers, 'content-type': `multipart/byteranges; boundary=${boundary}` },
    body: Buffer.concat([...parts, Buffer.from(`--${boundary}--\r\n`)]),
  }
}

function contentRange({ start, end }: ByteRange, size: number): string {
  return `bytes ${start}-${end - 1}/${size}`
}

/** HEAD of an object or a folder. */
export function headObject(context: AtmosContext): StrictAnswer {
  const node = needNode(context)
  needRight(context, node, 'READ')
  const headers = { ...nodeHeaders(context, node), 'last-modified': new Date(node.modifiedAt).toUTCString() }
  if (node.type === 'directory') return { status: 200, headers }
  return { status: 200, headers: { ...headers, 'content-type': node.contentType }, body: node.body }
}

/** GET ?metadata/system. */
export function getSystemMetadata(context: AtmosContext): StrictAnswer {
  const { headers } = context.request
  const node = needNode(context)
  needRight(context, node, 'READ')
  const tags = only(systemTags(node), tagNames(headers, 'x-emc-tags'))
  return { status: 200, headers: { ...pairsHeader(headers, 'x-emc-meta', tags), ...aclHeaders(node.acl) } }
}

/** GET ?metadata/user. */
export function getUserMetadata(context: AtmosContext): StrictAnswer {
  const { headers } = context.request
  const node = needNode(context)
  needRight(context, node, 'READ')
  const names = tagNames(headers, 'x-emc-tags')
  return {
    status: 200,
    headers: {
      ...pairsHeader(headers, 'x-emc-meta', only(userTags(node, false), names)),
      ...pairsHeader(headers, 'x-emc-listable-meta', only(userTags(node, true), names)),
      ...aclHeaders(node.acl),
    },
  }
}

/** GET ?metadata/tags. */
export function getTags(context: AtmosContext): StrictAnswer {
  const { headers } = context.request
  const node = needNode(context)
  needRight(context, node, 'READ')
  const names = (listable: boolean): string[] => userTags(node, listable).map(([name]) => name)
  return {
    status: 200,
    headers: {
      ...namesHeader(headers, 'x-emc-tags', names(false)),
      ...namesHeader(headers, 'x-emc-listable-tags', names(true)),
    },
  }
}

/** GET ?acl. */
export function getAcl(context: AtmosContext): StrictAnswer {
  const node = needNode(context)
  needRight(context, node, 'READ')
  return { status: 200, headers: { ...aclHeaders(node.acl), 'x-emc-policy': 'default' } }
}

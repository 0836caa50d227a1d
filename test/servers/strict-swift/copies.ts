/** Copies on the server: PUT with X-Copy-From, and COPY. */
import type { StrictAnswer } from '../strict/answer.ts'
import type { OperationContext } from './context.ts'
import { complaint, failed } from './errors.ts'
import { isYes } from './headers.ts'
import { findObject, needContainer } from './lookup.ts'
import { putManifest } from './manifest.ts'
import { rawManifest, readObject } from './read.ts'
import type { SwiftRequest } from './request.ts'
import { httpDate, md5, type StoredObject } from './store.ts'
import { attributesOf, checkUpload, pathOf, plainEtag, store, typeOf, written } from './write.ts'

/** What the copy has of the source unless the request says else. */
function merged(source: StoredObject, request: SwiftRequest): Record<string, string> {
  if (isYes(request.headers['x-fresh-metadata'])) {
    return { 'content-type': source.contentType, ...request.headers }
  }
  return {
    ...Object.fromEntries(source.meta),
    ...Object.fromEntries(source.extra),
    ...(source.deleteAt === undefined ? {} : { 'x-delete-at': String(source.deleteAt) }),
    'content-type': source.contentType,
    ...request.headers,
  }
}

/** Copies from a place to another one of the same account. */
function copy(
  context: OperationContext,
  from: { readonly container: string; readonly name: string },
  to: { readonly container: string; readonly name: string },
): StrictAnswer {
  const { state, request } = context
  if (!state.features.copy) throw complaint('a copy on a server that cannot')
  const reading = { ...request, container: from.container, key: from.name, method: 'GET' }
  const source = findObject(state, needContainer({ ...context, request: reading }), from.name)
  if (source === undefined) throw failed(404)
  const isManifest = request.query['multipart-manifest'] === 'get'
  const answer = readObject({ ...context, request: reading })
  const bytes = Buffer.from(answer.body ?? '')
  if (bytes.length > state.limits.maxFileSize) throw failed(413)
  const { etag: claimed, 'x-copy-from': _, destination: __, ...headers } = merged(source, request)
  const keepsPlace = isManifest && source.manifest !== undefined
  const writing: SwiftRequest = {
    ...request,
    method: 'PUT',
    container: to.container,
    key: to.name,
    headers: {
      ...headers,
      'content-length': '0',
      ...(keepsPlace ? { 'x-object-manifest': source.manifest as string } : {}),
    },
    query: {},
    body: bytes,
  }
  const target = { ...context, request: writing }
  const container = checkUpload(target, state.limits.maxFileSize)
  const copied = {
    'x-copied-from': `${encodeURIComponent(from.container)}/${encodeURI(from.name)}`,
    'x-copied-from-account': request.account,
    'x-copied-from-last-modified': httpDate(source.stamp),
  }
  if (isManifest && source.slo !== undefined) {
    const put = putManifest({ ...target, request: { ...writing, body: rawManifest(source) } })
    return { ...put, headers: { ...put.headers, ...copied, ...told(container.objects.get(to.name)) } }
  }
  const etag = md5(bytes)
  if (claimed !== undefined && plainEtag(claimed) !== etag) throw failed(422)
  const object = {
    name: to.name,
    bytes,
    etag,
    contentType: typeOf(writing, to.name),
    stamp: state.stamp(),
    slo: undefined,
    ...attributesOf(writing, state),
  }
  store(container, object)
  return written(object, { ...copied, ...told(object) })
}

/** What the answer tells of the new object: its metadata and its end. */
function told(object: StoredObject | undefined): Record<string, string> {
  const { deleteAt, meta = new Map<string, string>() } = object ?? {}
  return { ...Object.fromEntries(meta), ...(deleteAt === undefined ? {} : { 'x-delete-at': String(deleteAt) }) }
}

/** `PUT` with `X-Copy-From`. */
export function putCopy(context: OperationContext): StrictAnswer {
  const { headers, container, key } = context.request
  if (headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? '0') > 0) {
    throw failed(400, 'Copy requests require a zero byte body')
  }
  if (headers['content-length'] === undefined) throw failed(411, 'Missing Content-Length header.')
  return copy(context, pathOf(headers['x-copy-from'] ?? '', 'X-Copy-From'), { container, name: key })
}

/** `COPY` with `Destination`. */
export function copyObject(context: OperationContext): StrictAnswer {
  const { headers, container, key } = context.request
  if (headers['destination'] === undefined) throw failed(412, 'Destination header required')
  return copy(context, { container, name: key }, pathOf(headers['destination'], 'Destination header'))
}

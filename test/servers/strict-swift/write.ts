/** Storing, changing and deleting objects. */
import type { StrictAnswer } from '../strict/answer.ts'
import type { OperationContext, ServerState } from './context.ts'
import { complaint, failed } from './errors.ts'
import { isYes, KEPT, metadataOf, textOf } from './headers.ts'
import { findObject, needContainer } from './lookup.ts'
import { bytesOf, decode, type SwiftRequest } from './request.ts'
import { type Container, httpDate, md5, type StoredObject } from './store.ts'

/** Types by the end of the name, for uploads that say none. */
const TYPES: Readonly<Record<string, string>> = {
  txt: 'text/plain',
  html: 'text/html',
  json: 'application/json',
  png: 'image/png',
  jpg: 'image/jpeg',
  gz: 'application/x-gzip',
}

/** The type of an upload. */
export function typeOf(request: SwiftRequest, name: string): string {
  const { headers } = request
  const given = headers['content-type']
  if (given !== undefined && given !== '' && !isYes(headers['x-detect-content-type'])) return given
  return TYPES[name.slice(name.lastIndexOf('.') + 1).toLowerCase()] ?? 'application/octet-stream'
}

/** Unix seconds at which an upload is to be deleted. */
function deleteAtOf(request: SwiftRequest, state: ServerState): number | undefined {
  const { 'x-delete-after': after, 'x-delete-at': at } = request.headers
  if (after !== undefined) {
    if (!/^-?\d+$/.test(after)) throw failed(400, 'Non-integer X-Delete-After')
    if (Number(after) <= 0) throw failed(400, 'X-Delete-After in past')
    return Math.floor(state.now() / 1000) + Number(after)
  }
  if (at === undefined) return undefined
  if (!/^-?\d+$/.test(at)) throw failed(400, 'Non-integer X-Delete-At')
  if (Number(at) * 1000 < state.now()) throw failed(400, 'X-Delete-At in past')
  return Number(at)
}

/** `container/prefix` of a dynamic large object; 400 for any other form. */
function manifestOf({ headers }: SwiftRequest, state: ServerState): string | undefined {
  const value = headers['x-object-manifest']
  if (value === undefined) return undefined
  if (!state.features.dlo) throw complaint('X-Object-Manifest to a server without DLO')
  const at = value.indexOf('/')
  const prefix = value.slice(at + 1)
  if (at <= 0 || prefix === '' || prefix.startsWith('/') || /[?&]/.test(value)) {
    throw failed(400, 'X-Object-Manifest must be in the format container/prefix')
  }
  if (!/^[!-~]*$/.test(value)) throw complaint('X-Object-Manifest is not encoded')
  decode(value)
  return value
}

/** What a write says of the object, apart from its bytes and type. */
export function attributesOf(
  request: SwiftRequest,
  state: ServerState,
): Pick<StoredObject, 'meta' | 'extra' | 'deleteAt' | 'manifest'> {
  const extra = new Map<string, string>()
  for (const name of KEPT) {
    const value = request.headers[name]
    if (value !== undefined && value !== '') extra.set(name, value)
  }
  const meta = new Map([...metadataOf(request, 'object')].filter(([, value]) => value !== ''))
  return { meta, extra, deleteAt: deleteAtOf(request, state), manifest: manifestOf(request, state) }
}

/** What can be refused before the body comes. */
export function checkUpload(context: OperationContext, limit: number): Container {
  const { state, request } = context
  const { headers, key } = request
  const { maxObjectName } = state.limits
  const container = needContainer(context)
  if (bytesOf(key) > maxObjectName)
    throw failed(400, `Object name length of ${bytesOf(key)} longer than ${maxObjectName}`)
  const length = headers['content-length']
  const coding = headers['transfer-encoding']
  if (coding !== undefined && coding.toLowerCase() !== 'chunked') throw failed(400, 'Invalid Transfer-Encoding')
  if (length === undefined && coding === undefined) throw failed(411, 'Missing Content-Length header.')
  if (Number(length ?? '0') > limit) throw failed(413, 'Your request is too large.')
  checkAbsence(context, container)
  return container
}

/** `If-None-Match: *`; Swift takes no other condition on a PUT. */
function checkAbsence({ state, request }: OperationContext, container: Container): void {
  const condition = request.headers['if-none-match']
  if (condition === undefined) return
  if (condition !== '*') throw failed(400, 'If-None-Match only supports *')
  if (findObject(state, container, request.key) !== undefined) throw failed(412)
}

/** An ETag without quotes. */
export function plainEtag(text: string | undefined): string | undefined {
  return text?.trim().replace(/^"(.*)"$/, '$1')
}

/** The answer to a write. */
export function written(object: StoredObject, more: Readonly<Record<string, string>> = {}): StrictAnswer {
  const { slo, etag, stamp } = object
  const headers = {
    'content-type': 'text/html; charset=UTF-8',
    'last-modified': httpDate(stamp),
    etag: slo === undefined ? etag : `"${slo.etag}"`,
    ...more,
  }
  return { status: 201, headers }
}

/** Stores an upload. */
export function putObject(context: OperationContext): StrictAnswer {
  const { state, request } = context
  const { key: name, body } = request
  const { maxFileSize } = state.limits
  const container = checkUpload(context, maxFileSize)
  if (body.length > maxFileSize) throw failed(413, 'Your request is too large.')
  const etag = md5(body)
  const attributes = attributesOf(request, state)
  const claimed = plainEtag(request.headers['etag'])
  if (claimed !== undefined && claimed.toLowerCase() !== etag) throw failed(422)
  const contentType = typeOf(request, name)
  const object = { name, bytes: body, etag, contentType, stamp: state.stamp(), slo: undefined, ...attributes }
  store(container, object)
  return written(object)
}

/** Puts an object in place. */
export function store(container: Container, object: StoredObject): void {
  container.ghosts.delete(object.name)
  container.objects.set(object.name, object)
}

/** Changes metadata: all that is not sent is dropped, except the type. */
export function postObject(context: OperationContext): StrictAnswer {
  const { state, request } = context
  const container = needContainer(context)
  const object = findObject(state, container, request.key)
  if (object === undefined) throw failed(404)
  const attributes = attributesOf(request, state)
  const contentType = request.headers['content-type'] ?? object.contentType
  container.objects.set(object.name, { ...object, ...attributes, contentType, stamp: state.stamp() })
  const html = { 'content-type': 'text/html; charset=UTF-8' }
  return { status: 202, headers: html, body: '<html><h1>Accepted</h1></html>' }
}

/** Deletes one object; the segments of a large one stay. */
export function deleteObject(context: OperationContext): StrictAnswer {
  const container = needContainer(context)
  removeObject(context.state, container, context.request.key)
  return { status: 204, headers: { 'content-type': 'text/html; charset=UTF-8' } }
}

/** Removes an object; 404 when there is none. */
export function removeObject(state: ServerState, container: Container, name: string): void {
  if (findObject(state, container, name) === undefined) throw failed(404)
  container.objects.delete(name)
}

/** A header's path: `container/object`, encoded, a slash before it or not. */
export function pathOf(value: string, header: string): { readonly container: string; readonly name: string } {
  if (!/^[!-~]*$/.test(value) || /%(?![0-9A-Fa-f]{2})/.test(value)) {
    throw complaint(`${header} is not encoded: ${textOf(value)}`)
  }
  const [container = '', ...rest] = decode(value).replace(/^\//, '').split('/')
  const name = rest.join('/')
  if (container === '' || name === '') throw failed(412, `${header} must be of the form <container name>/<object name>`)
  return { container, name }
}

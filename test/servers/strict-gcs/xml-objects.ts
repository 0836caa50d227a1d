/** Objects of the XML API (https://cloud.google.com/storage/docs/xml-api/reference-methods). */
import { document, element } from '../strict/xml.ts'
import { need, needBucket, needObject, ownerOf } from './access.ts'
import { checkAclAllowed } from './acl.ts'
import { expectedByHeaders } from './checksums.ts'
import type { GcsAnswer, OperationContext } from './context.ts'
import { copiedSettings } from './copies.ts'
import { mediaAnswer } from './download.ts'
import { GcsError, invalid } from './errors.ts'
import { etagOf } from './etag.ts'
import { removeObject } from './objects.ts'
import { checkPreconditions, readXmlPreconditions } from './preconditions.ts'
import { decode, numberParameter } from './request.ts'
import { segment } from './resource.ts'
import { sessionHeaders, startSession } from './resumable.ts'
import { askedXmlAcl, readHeaders } from './settings.ts'
import { storeObject } from './write.ts'
import { googleHeaders, xmlWriteHeaders } from './xml-headers.ts'

const overridable = /^response-(cache-control|content-(?:disposition|encoding|language|type)|expires)$/

/** GET and HEAD. */
export function xmlGetObject(context: OperationContext): GcsAnswer {
  const { request, identity } = context
  const bucket = needBucket(context)
  const object = needObject(context, bucket, request.key, numberParameter(request, 'generation'))
  checkPreconditions(readXmlPreconditions(googleHeaders(request.headers)), object, { read: true })
  const overrides: Record<string, string> = {}
  for (const [name, value] of request.pairs) {
    const header = overridable.exec(name)?.[1]
    if (header !== undefined) overrides[header] = value
  }
  if (Object.keys(overrides).length > 0 && identity.account === undefined) {
    throw invalid('Request-specific response headers cannot be used for anonymous GET requests.')
  }
  return mediaAnswer(context, object, 'xml', overrides)
}

/** PUT: the body, or a copy of `x-goog-copy-source`. */
export function xmlPutObject(context: OperationContext): GcsAnswer {
  const headers = googleHeaders(context.request.headers)
  if (headers['x-goog-copy-source'] !== undefined) return copy(context, headers, headers['x-goog-copy-source'])
  const { request } = context
  const bucket = needBucket(context)
  if (headers['content-length'] === undefined && headers['transfer-encoding'] === undefined) {
    throw new GcsError(411, 'lengthRequired', 'You must provide the Content-Length HTTP header.')
  }
  checkLengthRange(headers['x-goog-content-length-range'], request.body.length)
  const write = {
    name: request.key,
    change: readHeaders(headers),
    acl: askedXmlAcl(headers, ownerOf(context)),
    conditions: readXmlPreconditions(headers),
  }
  const object = storeObject(context, bucket, request.body, write, expectedByHeaders(headers))
  return { status: 200, headers: xmlWriteHeaders(object) }
}

/** 400 for a body that a signed URL does not allow. */
function checkLengthRange(range: string | undefined, size: number): void {
  if (range === undefined) return
  const match = /^(\d{1,15}),\s*(\d{1,15})$/.exec(range)
  if (match === null) throw invalid(`Invalid x-goog-content-length-range: ${range}`)
  if (size < Number(match[1]))
    throw new GcsError(400, 'invalid', 'Your proposed upload is too small.', { xml: 'EntityTooSmall' })
  if (size > Number(match[2]))
    throw new GcsError(400, 'invalid', 'Your proposed upload is too large.', { xml: 'EntityTooLarge' })
}

function copy(context: OperationContext, headers: Readonly<Record<string, string>>, text: string): GcsAnswer {
  const [path = '', query = ''] = text.replace(/^\//, '').split(/[?#](.*)/s)
  const slash = path.indexOf('/')
  if (slash <= 0) throw invalid(`Invalid x-goog-copy-source: ${text}`)
  const from = needBucket(context, decode(path.slice(0, slash)))
  const generation = headers['x-goog-copy-source-generation'] ?? /^(?:generation|versionId)=(\d+)$/.exec(query)?.[1]
  const source = needObject(
    context,
    from,
    decode(path.slice(slash + 1)),
    generation === undefined ? undefined : BigInt(generation),
  )
  checkPreconditions(readXmlPreconditions(headers, 'x-goog-copy-source-'), source)
  const directive = headers['x-goog-metadata-directive'] ?? 'COPY'
  if (directive !== 'COPY' && directive !== 'REPLACE') throw invalid(`Invalid x-goog-metadata-directive: ${directive}`)
  const own = readHeaders(headers)
  const change =
    directive === 'REPLACE'
      ? own
      : { ...copiedSettings(source, {}), storageClass: own.storageClass ?? source.storageClass }
  const write = {
    name: context.request.key,
    change,
    acl: askedXmlAcl(headers, ownerOf(context)),
    conditions: readXmlPreconditions(headers),
    componentCount: source.componentCount,
  }
  const object = storeObject(context, needBucket(context), source.body, write)
  const time = element('LastModified', new Date(object.updated).toISOString())
  const body = document('CopyObjectResult', `${time}${element('ETag', etagOf(object, 'xml'))}`)
  return {
    status: 200,
    headers: { 'content-type': 'application/xml; charset=UTF-8', ...xmlWriteHeaders(object) },
    body,
  }
}

/** DELETE: 204; 404 where there is nothing, unlike Amazon S3. */
export function xmlDeleteObject(context: OperationContext): GcsAnswer {
  const { request } = context
  const generation = numberParameter(request, 'generation')
  removeObject(context, needBucket(context), generation, readXmlPreconditions(googleHeaders(request.headers)))
  return { status: 204 }
}

/** POST with `x-goog-resumable: start`: 201 with the address of a session. */
export function xmlStartSession(context: OperationContext): GcsAnswer {
  const { request } = context
  const headers = googleHeaders(request.headers)
  if (request.body.length > 0) throw invalid('The request that starts an upload has no body.')
  const write = {
    name: request.key,
    change: readHeaders(headers),
    acl: askedXmlAcl(headers, ownerOf(context)),
    conditions: readXmlPreconditions(headers),
  }
  const session = startSession(context, write, [expectedByHeaders(headers)])
  const path = `/${segment(request.bucket)}/${request.key.split('/').map(segment).join('/')}?`
  return { status: 201, headers: sessionHeaders(context, session, path) }
}

/** `?acl`: the list as XML, or a predefined one by `x-goog-acl`. */
export function xmlObjectAcl(context: OperationContext): GcsAnswer {
  const { request, state } = context
  const bucket = needBucket(context)
  const isRead = request.method === 'GET'
  checkAclAllowed(bucket, undefined)
  need(context, isRead ? 'objects.getIamPolicy' : 'objects.setIamPolicy', bucket)
  const object = bucket.need(request.key, numberParameter(request, 'generation'))
  if (!isRead) {
    const acl = askedXmlAcl(googleHeaders(request.headers), object.owner)
    if (acl === undefined || request.body.length > 0) throw invalid('The test server takes ACLs by x-goog-acl only.')
    checkAclAllowed(bucket, acl)
    bucket.change(object, { ...object, acl }, state.now())
    return { status: 200 }
  }
  const entries = object.acl.map(entry => {
    const permission = entry.role === 'OWNER' ? 'FULL_CONTROL' : entry.role === 'WRITER' ? 'WRITE' : 'READ'
    const type = entry.entity.startsWith('all') ? entry.entity.replace('all', 'All') : 'UserByEmail'
    const scope = `<Scope type="${type}">${element('EmailAddress', entry.entity.replace(/^user-/, ''))}</Scope>`
    return `<Entry>${scope}${element('Permission', permission)}</Entry>`
  })
  const body = document('AccessControlList', `<Entries>${entries.join('')}</Entries>`)
  return { status: 200, headers: { 'content-type': 'application/xml; charset=UTF-8' }, body }
}

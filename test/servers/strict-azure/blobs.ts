/** Put Blob, Get Blob, Get Blob Properties, Delete Blob. */
import {
  checkLease,
  checkReadConditions,
  checkWritable,
  checkWriteConditions,
  describe,
  readSettings,
  writtenHeaders,
} from './blob-headers.ts'
import { crc64, md5Of, verifyBody } from './checksums.ts'
import { type AzureAnswer, needBlob, needContainer, type OperationContext } from './context.ts'
import {
  AzureError,
  blobArchived,
  blobNotFound,
  conditionNotMet,
  invalidHeader,
  missingHeader,
  notAuthorized,
} from './errors.ts'
import type { AzureRequest } from './request.ts'
import type { StoredBlob } from './store.ts'

const MIB = 1024 * 1024

/** Throws 400 for names longer than 1,024 characters or with more than 254 segments. */
export function checkName(key: string): void {
  if (key.length <= 1024 && key.split('/').length <= 254 && !/[\0-\x1f]/.test(key)) return
  throw new AzureError(400, 'InvalidResourceName', 'The specifed resource name contains invalid characters.')
}

/** Throws 411 without a length and 413 over the limit. */
export function checkLength({ headers, body }: AzureRequest, limit: number): void {
  if (headers['content-length'] === undefined) {
    throw new AzureError(411, 'MissingContentLengthHeader', 'Content-Length HTTP header is missing.')
  }
  if (body.length <= limit) return
  const message = 'The request body is too large and exceeds the maximum permissible limit.'
  throw new AzureError(413, 'RequestBodyTooLarge', message, { MaxLimit: String(limit) })
}

/** PUT of a whole block blob. */
export function putBlob(context: OperationContext): AzureAnswer {
  const { request, state } = context
  const { headers, body, key } = request
  const container = needContainer(context)
  checkName(key)
  const type = headers['x-ms-blob-type']
  if (type === undefined) throw missingHeader('x-ms-blob-type')
  if (type !== 'BlockBlob') throw invalidHeader('x-ms-blob-type', type, 'UnsupportedHeader')
  checkLength(request, state.options.maxPutSize ?? 5000 * MIB)
  const echoed = verifyBody(headers, body, state.options.echoCrc64 !== false)
  const said = headers['x-ms-blob-content-md5']
  if (said !== undefined && said !== md5Of(body)) {
    throw new AzureError(400, 'Md5Mismatch', 'The MD5 value specified in the request did not match.')
  }
  const settings = readSettings(request, true)
  checkWriteConditions(context, container.blobs.get(key))
  checkWritable(context, container)
  refuseFolder(container.blobs.get(key))
  const properties = { ...settings.properties, 'content-md5': md5Of(body) }
  const blob = container.put(key, { ...settings, properties, body, blocks: [] }, state.now())
  return { status: 201, headers: { ...writtenHeaders(blob), 'content-md5': md5Of(body), ...echoed } }
}

/** 409 for a write onto a folder of an account with a hierarchical namespace. */
export function refuseFolder(blob: StoredBlob | undefined): void {
  if (!blob?.isDirectory) return
  throw new AzureError(
    409,
    'ResourceTypeMismatch',
    'The specified resource type does not match the type of the existing resource.',
  )
}

interface Bytes {
  readonly start: number
  readonly end: number
}

/** The bytes that a range asks for; undefined where there is none, or one of a form that the service does not know. */
function rangeOf({ headers }: AzureRequest, size: number): Bytes | undefined {
  const text = headers['x-ms-range'] ?? headers['range']
  const match = /^bytes=(\d+)-(\d*)$/.exec(text ?? '')
  if (match === null) return undefined
  const start = Number(match[1])
  const end = match[2] === '' ? size : Math.min(size, Number(match[2]) + 1)
  if (start < size && start < end) return { start, end }
  const message = 'The range specified is invalid for the current size of the resource.'
  throw new AzureError(416, 'InvalidRange', message, {}, { 'content-range': `bytes */${size}` })
}

/** A checksum of a read may be asked for with a range of at most 4 MiB only, and one at a time. */
function wantedChecksum({ headers }: AzureRequest, range: Bytes | undefined): 'md5' | 'crc64' | undefined {
  const md5 = headers['x-ms-range-get-content-md5']
  const crc = headers['x-ms-range-get-content-crc64']
  for (const [name, value] of [
    ['x-ms-range-get-content-md5', md5],
    ['x-ms-range-get-content-crc64', crc],
  ] as const) {
    if (value === undefined) continue
    if (!/^(true|false)$/i.test(value)) throw invalidHeader(name, value)
    if (range === undefined || range.end - range.start > 4 * MIB) throw invalidHeader(name, value)
  }
  const [hasMd5, hasCrc] = [md5, crc].map(value => value?.toLowerCase() === 'true')
  if (hasMd5 && hasCrc) throw invalidHeader('x-ms-range-get-content-crc64', crc)
  if (hasMd5) return 'md5'
  return hasCrc ? 'crc64' : undefined
}

const OVERRIDES: Readonly<Record<string, string>> = {
  rscc: 'cache-control',
  rscd: 'content-disposition',
  rsce: 'content-encoding',
  rscl: 'content-language',
  rsct: 'content-type',
}

function overrides({ request, identity }: OperationContext): Record<string, string> {
  if (identity.kind !== 'sas' || identity.sas.type === 'account') return {}
  const given = Object.entries(OVERRIDES).map(([name, header]) => [header, request.query[name]] as const)
  return Object.fromEntries(given.filter((one): one is [string, string] => one[1] !== undefined))
}

/** GET of a blob. */
export function getBlob(context: OperationContext): AzureAnswer {
  const { request } = context
  const { container, blob } = needBlob(context)
  checkReadLease(context)
  checkReadConditions(request.headers, blob)
  if (blob.tier === 'Archive') throw blobArchived()
  // An empty blob has no range at all: even one from 0 is refused.
  const range = rangeOf(request, blob.body.length)
  const wanted = wantedChecksum(request, range)
  pollCopy(blob)
  const headers = { ...describe(blob, container, request.key), ...overrides(context) }
  if (range === undefined) return { status: 200, headers, body: blob.body }
  const body = blob.body.subarray(range.start, range.end)
  const { 'content-md5': whole, ...rest } = headers
  const answer: Record<string, string> = {
    ...rest,
    'content-range': `bytes ${range.start}-${range.end - 1}/${blob.body.length}`,
  }
  if (whole !== undefined) answer['x-ms-blob-content-md5'] = whole
  if (wanted === 'md5') answer['content-md5'] = md5Of(body)
  if (wanted === 'crc64') answer['x-ms-content-crc64'] = crc64(body)
  return { status: 206, headers: answer, body }
}

/** HEAD of a blob. */
export function getProperties(context: OperationContext): AzureAnswer {
  const { request } = context
  const { container, blob } = needBlob(context)
  checkReadLease(context)
  checkReadConditions(request.headers, blob)
  pollCopy(blob)
  const { blob: now } = needBlob(context)
  return { status: 200, headers: { ...describe(now, container, request.key), ...overrides(context) }, body: now.body }
}

/** One question less until a pending copy is over. */
function pollCopy({ copy }: StoredBlob): void {
  if (copy?.status !== 'pending') return
  if (copy.polls > 0) copy.polls--
  else copy.finish()
}

/** A read may name a lease, which must then be the right one. */
function checkReadLease({ request, state }: OperationContext): void {
  const given = request.headers['x-ms-lease-id']
  const container = state.containers.get(request.container)
  if (given !== undefined && container !== undefined) checkLease(container, request.key, given, state.now())
}

/** DELETE of a blob, of its snapshots, or of one version or snapshot. */
export function deleteBlob(context: OperationContext): AzureAnswer {
  const { request, state } = context
  const { headers, key, query } = request
  const { container, blob } = needBlob(context)
  if (state.options.undeletable?.includes(key)) throw notAuthorized('AuthorizationFailure')
  const match = headers['if-match']
  if (match !== undefined && match !== '*' && match.replaceAll('"', '') !== blob.etag) throw conditionNotMet()
  checkWriteConditions(context, blob)
  const answer: AzureAnswer = { status: 202, headers: { 'x-ms-delete-type-permanent': 'true' } }
  const which = headers['x-ms-delete-snapshots']
  if (query['snapshot'] !== undefined || query['versionid'] !== undefined) {
    if (which !== undefined) throw invalidHeader('x-ms-delete-snapshots', which)
    drop(context, blob)
    return answer
  }
  if (which !== undefined && which !== 'include' && which !== 'only')
    throw invalidHeader('x-ms-delete-snapshots', which)
  if (which !== 'only') checkLease(container, key, headers['x-ms-lease-id'], state.now())
  if (which === undefined && (container.snapshots.get(key) ?? []).length > 0) {
    throw new AzureError(409, 'SnapshotsPresent', 'This operation is not permitted because the blob has snapshots.')
  }
  if (blob.isDirectory && [...container.blobs.keys()].some(other => other.startsWith(`${key}/`))) {
    throw new AzureError(409, 'DirectoryIsNotEmpty', 'This operation is not permitted on a non-empty directory.')
  }
  container.snapshots.delete(key)
  if (which !== 'only') container.remove(key)
  return answer
}

/** Removes one version or one snapshot. */
function drop(context: OperationContext, blob: StoredBlob): void {
  const { key, query } = context.request
  const container = needContainer(context)
  const kept = (all: StoredBlob[] | undefined): StoredBlob[] => (all ?? []).filter(one => one !== blob)
  if (query['snapshot'] !== undefined) {
    container.snapshots.set(key, kept(container.snapshots.get(key)))
    return
  }
  if (container.blobs.get(key) === blob) {
    throw new AzureError(403, 'OperationNotAllowedOnRootBlob', 'This operation is not allowed on the current version.')
  }
  if (!container.versions.get(key)?.includes(blob)) throw blobNotFound()
  container.versions.set(key, kept(container.versions.get(key)))
}

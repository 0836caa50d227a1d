/** Copy Blob, Copy Blob From URL, Put Blob From URL, Put Block From URL, Abort Copy Blob. */
import { randomUUID } from 'node:crypto'
import { queryPairs } from '../strict/request.ts'
import {
  checkSourceConditions,
  checkWritable,
  checkWriteConditions,
  readSettings,
  readTier,
  writtenHeaders,
} from './blob-headers.ts'
import { checkName, refuseFolder } from './blobs.ts'
import { keepBlock } from './blocks.ts'
import { crc64, md5Of } from './checksums.ts'
import { type AzureAnswer, findBlob, needBlob, needContainer, type OperationContext } from './context.ts'
import { AzureError, blobArchived, blobNotFound, invalidHeader } from './errors.ts'
import { decode, placeOf } from './request.ts'
import { verifySas } from './sas.ts'
import type { CopyState, StoredBlob } from './store.ts'

const MIB = 1024 * 1024

function unverified(status = 403): AzureError {
  return new AzureError(status, 'CannotVerifyCopySource', 'The specified copy source cannot be verified.')
}

/** The blob that `x-ms-copy-source` names, if the request may read it; `own` is for copies that use the request's own rights. */
function sourceOf({ state, request, identity }: OperationContext, own: boolean): StoredBlob {
  const text = request.headers['x-ms-copy-source'] ?? ''
  let url: URL
  try {
    url = new URL(text)
  } catch {
    throw invalidHeader('x-ms-copy-source', text)
  }
  if (/[^\x21-\x7e]/.test(text)) throw invalidHeader('x-ms-copy-source', text)
  // The path as it was sent: URL would resolve segments of dots.
  const path = /^[a-z]+:\/\/[^/]+([^?#]*)/.exec(text)?.[1] ?? ''
  const place = placeOf(path, url.host, state.domains)
  if (place.account !== state.account) throw unverified(404)
  const pairs = queryPairs(url.search.slice(1), decode)
  const query = Object.fromEntries(pairs)
  const container = state.containers.get(place.container)
  const hasRight = own && (identity.kind === 'key' || identity.kind === 'token')
  const token = request.headers['x-ms-copy-source-authorization']
  if (!hasRight && container?.publicAccess === undefined) {
    if (token !== undefined) {
      if (!state.tokens.some(one => token === `Bearer ${one.token}`)) throw unverified()
    } else {
      if (query['sig'] === undefined) throw unverified()
      const sas = verifySas({ ...request, ...place, query, pairs }, state)
      if (!sas.permissions.includes('r')) throw unverified()
    }
  }
  const blob = container === undefined ? undefined : findBlob(container, place.key, query)
  if (blob === undefined) throw hasRight ? blobNotFound() : unverified(404)
  if (blob.tier === 'Archive') throw blobArchived()
  checkSourceConditions(request.headers, blob)
  return blob
}

/** The new blob: what is not sent comes from the source, all the metadata or none of it. */
function copied(context: OperationContext, source: StoredBlob): Omit<StoredBlob, 'etag' | 'created' | 'modified'> {
  const { request } = context
  const sent = readSettings(request, false)
  const hasMetadata = Object.keys(sent.metadata).length > 0
  const keepsTags = request.headers['x-ms-copy-source-tag-option']?.toUpperCase() === 'COPY'
  return {
    body: source.body,
    blocks: source.blocks,
    properties: source.properties,
    metadata: hasMetadata ? sent.metadata : source.metadata,
    tags: keepsTags ? source.tags : sent.tags,
    tier: readTier(request.headers),
  }
}

/** PUT with x-ms-copy-source: done at once, or pending for as long as the plan says. */
export function copyBlob(context: OperationContext): AzureAnswer {
  const { request, state } = context
  const { key } = request
  const container = needContainer(context)
  checkName(key)
  const source = sourceOf(context, true)
  checkWriteConditions(context, container.blobs.get(key))
  checkWritable(context, container)
  refuseFolder(container.blobs.get(key))
  const { polls, end } = state.plans.copies
  const whole = copied(context, source)
  const size = source.body.length
  const copy: CopyState = {
    id: randomUUID(),
    source: (request.headers['x-ms-copy-source'] ?? '').replace(/\?.*/, ''),
    status: 'pending',
    progress: `0/${size}`,
    completed: undefined,
    description: undefined,
    polls,
    finish: () => {
      copy.status = end
      copy.completed = state.now()
      if (end === 'success') copy.progress = `${size}/${size}`
      else copy.description = end === 'failed' ? '500 InternalServerError "Copy failed."' : 'Aborted.'
      if (container.blobs.get(key)?.copy === copy)
        container.update(key, { body: end === 'success' ? source.body : Buffer.alloc(0) }, state.now())
    },
  }
  // Until it is over, the blob has its length and no bytes of the source.
  let blob = container.put(key, { ...whole, body: Buffer.alloc(size), copy }, state.now())
  if (polls === 0 && end === 'success') copy.finish()
  blob = container.blobs.get(key) ?? blob
  return { status: 202, headers: { ...writtenHeaders(blob), 'x-ms-copy-id': copy.id, 'x-ms-copy-status': copy.status } }
}

/** The same, done when it is answered, for sources that need no more than this request; 409 over 256 MiB. */
export function copyFromUrl(context: OperationContext): AzureAnswer {
  const { request, state } = context
  const { key } = request
  const container = needContainer(context)
  checkName(key)
  const source = sourceOf(context, false)
  if (source.body.length > (state.options.maxSyncCopySize ?? 256 * MIB)) {
    const message = 'The source blob is larger than the maximum size for a synchronous copy.'
    throw new AzureError(409, 'CannotVerifyCopySource', message)
  }
  verifySource(context, source.body)
  checkWriteConditions(context, container.blobs.get(key))
  checkWritable(context, container)
  refuseFolder(container.blobs.get(key))
  const id = randomUUID()
  const blob = container.put(key, copied(context, source), state.now())
  const headers = { 'x-ms-copy-id': id, 'x-ms-copy-status': 'success', 'content-md5': md5Of(source.body) }
  return { status: 202, headers: { ...writtenHeaders(blob), ...headers } }
}

/** PUT with x-ms-blob-type and x-ms-copy-source: a new block blob of one source. */
export function putBlobFromUrl(context: OperationContext): AzureAnswer {
  const { request, state } = context
  const { key, headers } = request
  const container = needContainer(context)
  checkName(key)
  const source = sourceOf(context, false)
  verifySource(context, source.body)
  const sent = readSettings(request, false)
  const keeps = headers['x-ms-copy-source-blob-properties']?.toLowerCase() !== 'false'
  checkWriteConditions(context, container.blobs.get(key))
  checkWritable(context, container)
  refuseFolder(container.blobs.get(key))
  const properties = { ...(keeps ? source.properties : sent.properties), 'content-md5': md5Of(source.body) }
  const blob = container.put(key, { ...sent, properties, body: source.body, blocks: [] }, state.now())
  return { status: 201, headers: { ...writtenHeaders(blob), 'content-md5': md5Of(source.body) } }
}

/** PUT ?comp=block with x-ms-copy-source. */
export function putBlockFromUrl(context: OperationContext): AzureAnswer {
  const { request, state } = context
  needContainer(context)
  const source = sourceOf(context, false)
  const text = request.headers['x-ms-source-range']
  const match = /^bytes=(\d+)-(\d*)$/.exec(text ?? 'bytes=0-')
  if (match === null) throw invalidHeader('x-ms-source-range', text)
  const start = Number(match[1])
  const end = match[2] === '' ? source.body.length : Number(match[2]) + 1
  if (start >= end || end > source.body.length) {
    throw new AzureError(416, 'InvalidRange', 'The range specified is invalid for the current size of the resource.')
  }
  const body = source.body.subarray(start, end)
  verifySource(context, body)
  if (body.length > (state.options.maxBlockSize ?? 4000 * MIB)) {
    throw new AzureError(413, 'RequestBodyTooLarge', 'The request body is too large.')
  }
  keepBlock(context, Buffer.from(body))
  const echoed =
    request.headers['x-ms-source-content-md5'] === undefined
      ? { 'x-ms-content-crc64': crc64(body) }
      : { 'content-md5': md5Of(body) }
  return { status: 201, headers: { ...echoed, 'x-ms-request-server-encrypted': 'true' } }
}

function verifySource({ request }: OperationContext, body: Uint8Array): void {
  const md5 = request.headers['x-ms-source-content-md5']
  const crc = request.headers['x-ms-source-content-crc64']
  if (md5 !== undefined && md5 !== md5Of(body)) throw new AzureError(400, 'Md5Mismatch', 'The MD5 value did not match.')
  if (crc !== undefined && crc !== crc64(body))
    throw new AzureError(400, 'Crc64Mismatch', 'The CRC64 value did not match.')
}

/** PUT ?comp=copy&copyid=. */
export function abortCopy(context: OperationContext): AzureAnswer {
  const { request, state } = context
  if (request.headers['x-ms-copy-action'] !== 'abort') throw invalidHeader('x-ms-copy-action')
  const { container, blob } = needBlob(context)
  if (blob.copy?.status !== 'pending') {
    throw new AzureError(409, 'NoPendingCopyOperation', 'There is currently no pending copy operation.')
  }
  if (blob.copy.id !== request.query['copyid']) {
    throw new AzureError(
      409,
      'CopyIdMismatch',
      'The specified copy ID did not match the copy ID for the pending copy operation.',
    )
  }
  blob.copy.status = 'aborted'
  blob.copy.completed = state.now()
  container.update(request.key, { body: Buffer.alloc(0) }, state.now())
  return { status: 204 }
}

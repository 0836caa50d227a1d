import type { CallContext } from '../../../core/call.ts'
import { isStorageError, StorageError } from '../../../core/errors.ts'
import { type ChecksumMode, checksumHeaders, headerOf } from '../../../remote/checksums.ts'
import type { Piece } from '../../../remote/pieces.ts'
import type { S3Client } from '../client.ts'
import { detached } from './aftermath.ts'

/** A part that the service has. */
export interface Part {
  readonly number: number
  readonly etag: string
  /** Bytes. */
  readonly size: number
  readonly checksum?: string | undefined
}

/** One upload in parts. */
export interface UploadPlace {
  readonly client: S3Client
  readonly key: string
  readonly uploadId: string
}

/** What goes with the requests of an upload. */
export interface UploadHeaders {
  readonly checksum: ChecksumMode
  /** Of the object, sent when the upload is created. */
  readonly headers: Readonly<Record<string, string>>
  /** Of every part: the keys of encryption by the customer's key. */
  readonly partHeaders: Readonly<Record<string, string>>
  /** Conditions, sent when the upload is completed. */
  readonly conditions: Readonly<Record<string, string>>
}

/** CreateMultipartUpload; gives the id. `onLost` is told when an answer was lost, which may leave an upload behind. */
export function createUpload(
  client: S3Client,
  key: string,
  options: UploadHeaders,
  ctx: CallContext,
  onLost: () => void,
): Promise<string> {
  const headers: Record<string, string> = { ...options.headers }
  if (isVerified(options.checksum)) headers['x-amz-checksum-algorithm'] = options.checksum
  return ctx.step('createUpload', true, async step => {
    try {
      const request = { method: 'POST', key, query: [['uploads']], headers } as const
      const { root, response } = await client.sendForDocument(request, step)
      if (response.resent) onLost()
      const id = root.child('UploadId')?.text
      if (id === undefined) throw new StorageError('unavailable', 'The service created an upload without an id.')
      return id
    } catch (error) {
      if (!isStorageError(error) || error.outcome !== 'not_applied') onLost()
      throw error
    }
  })
}

/** UploadPart. */
export async function uploadPart(
  place: UploadPlace,
  { number, chunks, size }: Piece,
  { checksum, partHeaders }: UploadHeaders,
  ctx: CallContext,
): Promise<Part> {
  const { client, key, uploadId } = place
  const headers: Record<string, string> = { ...partHeaders, ...checksumHeaders(checksum, chunks) }
  const response = await ctx.step('uploadPart', true, step =>
    client.sendOnly({ method: 'PUT', key, query: partQuery(uploadId, number), headers, body: chunks }, step),
  )
  const { etag = '' } = response.headers
  const sum = isVerified(checksum) ? headers[headerOf(checksum)] : undefined
  return { number, etag, size, checksum: sum }
}

/** The query that names a part. */
export function partQuery(uploadId: string, number: number): Array<[string, string]> {
  return [
    ['partNumber', String(number)],
    ['uploadId', uploadId],
  ]
}

/** CompleteMultipartUpload, once. An answer that is cut short or tells an error is one, whatever its status. */
export async function completeUpload(
  { client, key, uploadId }: UploadPlace,
  parts: readonly Part[],
  { checksum, partHeaders, conditions }: UploadHeaders,
  ctx: CallContext,
): Promise<void> {
  const tag = isVerified(checksum) ? `Checksum${checksum}` : undefined
  const listed = parts.map(({ number, etag, checksum: sum }) => {
    const checked = tag === undefined || sum === undefined ? '' : `<${tag}>${sum}</${tag}>`
    return `<Part><PartNumber>${number}</PartNumber><ETag>${etag}</ETag>${checked}</Part>`
  })
  const xml = `<CompleteMultipartUpload xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${listed.join('')}</CompleteMultipartUpload>`
  const headers = { 'content-type': 'application/xml', ...partHeaders, ...conditions }
  const body = Buffer.from(xml)
  await client.sendForDocument({ method: 'POST', key, query: [['uploadId', uploadId]], headers, body }, ctx)
}

/** How many parts of an upload the service has (1,000 at most); undefined when there is no such upload. */
export async function partCount({ client, key, uploadId }: UploadPlace, ctx: CallContext): Promise<number | undefined> {
  try {
    const query: Array<[string, string]> = [['uploadId', uploadId]]
    const send = (step: CallContext) => client.sendForDocument({ method: 'GET', key, query }, step)
    return (await ctx.step('listParts', true, send)).root.children('Part').length
  } catch (error) {
    if (isStorageError(error, 'not_found')) return undefined
    throw error
  }
}

/** Whether an upload is neither completed nor ended; it counts as open when the service cannot be asked. */
export async function isOpen(place: UploadPlace, ctx: CallContext): Promise<boolean> {
  try {
    return (await partCount(place, detached(ctx))) !== undefined
  } catch {
    return true
  }
}

const ROUNDS = 3

/**
 * AbortMultipartUpload under a context of its own, also when the call was aborted, and again if a part came late; whether the
 * upload is gone.
 */
export async function endUpload(place: UploadPlace, ctx: CallContext): Promise<boolean> {
  const { client, key, uploadId } = place
  const clean = detached(ctx)
  const request = { method: 'DELETE', key, query: [['uploadId', uploadId]] as Array<[string, string]> } as const
  for (let round = 0; round < ROUNDS; round++) {
    try {
      await clean.step('abortUpload', true, step => client.sendOnly(request, step))
    } catch (error) {
      if (isStorageError(error, 'not_found')) return true
      if (!isStorageError(error) || !error.retryable) return false
      continue
    }
    // A service that cannot be asked has at least accepted the abort.
    if ((await partCount(place, clean).catch(() => undefined)) === undefined) return true
  }
  return false
}

function isVerified(mode: ChecksumMode): mode is Exclude<ChecksumMode, 'MD5' | 'none'> {
  return mode !== 'MD5' && mode !== 'none'
}

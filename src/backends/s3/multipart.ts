import { hash } from 'node:crypto'
import type { Content } from '../../core/content.ts'
import type { CallContext } from '../../core/driver.ts'
import { abortedError, isStorageError, StorageError } from '../../core/errors.ts'
import { parseXml } from '../../http/xml.ts'
import type { ChecksumAlgorithm } from './checksums.ts'
import { checksumOf, headerOf } from './checksums.ts'
import { md5Base64, type S3Client } from './client.ts'

/** Parts that one upload may have. (Amazon S3 multipart upload limits) */
const MAX_PARTS = 10_000
/** Bytes of the smallest part but the last. */
const MIN_PART = 5 * 1024 * 1024

/** How an upload in parts is made. */
export interface MultipartOptions {
  readonly partSize: number
  /** Parts under way at once; memory is at most part size x (concurrency + 1). */
  readonly concurrency: number
  readonly checksum: ChecksumAlgorithm | 'MD5' | 'none'
  /** Of the object, sent when the upload is created. */
  readonly headers: Readonly<Record<string, string>>
  /** Of every part: the keys of encryption by the customer's key. */
  readonly partHeaders: Readonly<Record<string, string>>
  /** Conditions, sent when the upload is completed. */
  readonly conditions: Readonly<Record<string, string>>
  readonly onProgress?: ((bytes: number) => void) | undefined
}

/** A part that the service has. */
export interface Part {
  readonly number: number
  readonly etag: string
  readonly checksum?: string | undefined
}

/** Bytes of a part: grown where the wanted size would need more than 10,000 parts. */
export function partSizeFor(size: number | undefined, wanted: number): number {
  const least = size === undefined ? 0 : Math.ceil(size / MAX_PARTS)
  return Math.max(MIN_PART, wanted, least)
}

/** Uploads pieces side by side; the object is whole or absent, and a failed upload leaves no part behind. */
export async function uploadPieces(
  client: S3Client,
  key: string,
  pieces: AsyncIterable<Piece>,
  size: number | undefined,
  options: MultipartOptions,
  ctx: CallContext,
): Promise<void> {
  await inUpload(client, key, options, ctx, async uploadId => {
    let sent = 0
    const parts = await parallel(pieces, options.concurrency, async ({ number, bytes }) => {
      const part = await uploadPart(client, key, uploadId, number, bytes, options, ctx)
      sent += bytes.byteLength
      options.onProgress?.(sent)
      return part
    })
    if (size !== undefined && sent !== size) throw wrongLength(sent, size)
    return parts
  })
}

/** The error of a content that is not as long as it said. */
export function wrongLength(found: number, said: number): StorageError {
  return new StorageError('invalid_argument', `The content has ${found} bytes and not ${said} as it said.`)
}

/** Creates an upload, lets `work` make its parts and completes it; aborts it when anything fails. */
export async function inUpload(
  client: S3Client,
  key: string,
  options: MultipartOptions,
  ctx: CallContext,
  work: (uploadId: string) => Promise<readonly Part[]>,
): Promise<void> {
  const { checksum } = options
  const announce: Record<string, string> =
    checksum === 'MD5' || checksum === 'none' ? {} : { 'x-amz-checksum-algorithm': checksum }
  const uploadId = await ctx.step('createUpload', false, async step => {
    const headers = { ...options.headers, ...announce }
    const { text } = await client.sendForText({ method: 'POST', key, query: [['uploads']], headers }, step)
    const id = (await parseXml(text)).child('UploadId')?.text
    if (id === undefined) throw new StorageError('unavailable', 'The service created an upload without an id.')
    return id
  })
  let completing = false
  try {
    const parts = [...(await work(uploadId))].sort((a, b) => a.number - b.number)
    completing = true
    await complete(client, key, uploadId, parts, options, ctx).catch(async error => {
      // An answer was lost and the request came a second time: the object shows whether the first one was carried out.
      if (!isStorageError(error, 'not_found') || !(await isOf(client, key, parts, options))) throw error
    })
  } catch (error) {
    const refused = !completing || (error instanceof StorageError && error.outcome === 'not_applied')
    // The answer to the completion was lost: if the upload is no longer there, it was carried out.
    if (!refused && !(await isOpen(client, key, uploadId))) return
    await abort(client, key, uploadId)
    throw error
  }
}

async function complete(
  client: S3Client,
  key: string,
  uploadId: string,
  parts: readonly Part[],
  options: MultipartOptions,
  ctx: CallContext,
): Promise<void> {
  const { checksum } = options
  const tag = checksum === 'MD5' || checksum === 'none' ? undefined : `Checksum${checksum}`
  const listed = parts.map(({ number, etag, checksum: sum }) => {
    const checked = tag === undefined || sum === undefined ? '' : `<${tag}>${sum}</${tag}>`
    return `<Part><PartNumber>${number}</PartNumber><ETag>${etag}</ETag>${checked}</Part>`
  })
  const xml = `<CompleteMultipartUpload xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${listed.join('')}</CompleteMultipartUpload>`
  const headers = { 'content-type': 'application/xml', ...options.partHeaders, ...options.conditions }
  const replayable = Object.keys(options.conditions).length === 0
  await ctx.step('completeUpload', replayable, step =>
    client.sendForText({ method: 'POST', key, query: [['uploadId', uploadId]], headers, body: Buffer.from(xml) }, step),
  )
}

async function uploadPart(
  client: S3Client,
  key: string,
  uploadId: string,
  number: number,
  bytes: Uint8Array,
  options: MultipartOptions,
  ctx: CallContext,
): Promise<Part> {
  const { checksum } = options
  const sum = checksum === 'MD5' || checksum === 'none' ? undefined : checksumOf(checksum, bytes)
  const headers: Record<string, string> = { ...options.partHeaders }
  if (sum !== undefined) headers[headerOf(checksum as ChecksumAlgorithm)] = sum
  if (checksum === 'MD5') headers['content-md5'] = md5Base64(bytes)
  const query: Array<[string, string]> = [
    ['partNumber', String(number)],
    ['uploadId', uploadId],
  ]
  const response = await ctx.step('uploadPart', true, step =>
    client.sendOnly({ method: 'PUT', key, query, headers, body: bytes }, step),
  )
  return { number, etag: response.headers.etag ?? '', checksum: sum }
}

/** Whether the object was made of just these parts; false where their etags are no MD5s, so that it cannot be told. */
async function isOf(
  client: S3Client,
  key: string,
  parts: readonly Part[],
  options: MultipartOptions,
): Promise<boolean> {
  const digests = parts.map(({ etag }) => Buffer.from(etag.replaceAll('"', ''), 'hex'))
  if (digests.some(digest => digest.length !== 16)) return false
  const digest = hash('md5', Buffer.concat(digests), 'hex')
  try {
    const { headers } = await client.sendOnly({ method: 'HEAD', key, headers: { ...options.partHeaders } }, detached())
    return headers.etag?.replaceAll('"', '') === `${digest}-${parts.length}`
  } catch {
    return false
  }
}

/** Whether an upload is neither completed nor aborted; it counts as open when the service cannot be asked. */
async function isOpen(client: S3Client, key: string, uploadId: string): Promise<boolean> {
  try {
    await client.sendOnly({ method: 'GET', key, query: [['uploadId', uploadId]] }, detached())
    return true
  } catch (error) {
    return !isStorageError(error, 'not_found')
  }
}

/** Ends an upload under a context of its own: also when the call was aborted, nothing billed is left. */
async function abort(client: S3Client, key: string, uploadId: string): Promise<void> {
  const query: Array<[string, string]> = [['uploadId', uploadId]]
  for (let tries = 0; tries < 4; tries++) {
    try {
      await client.sendOnly({ method: 'DELETE', key, query }, detached())
      return
    } catch (error) {
      if (error instanceof StorageError && !error.retryable) return
    }
  }
}

function detached(): CallContext {
  return {
    signal: AbortSignal.timeout(30_000),
    attempt: 1,
    progress() {},
    step(_operation, _replayable, run) {
      return run(this)
    },
  }
}

/** One part's bytes. */
export interface Piece {
  readonly number: number
  readonly bytes: Buffer
}

/**
 * Cuts a content into parts, at least one; those of an unknown length double every 1,000 parts, so that 5 TiB fit, unless they have to
 * be `uniform`.
 */
export async function* piecesOf(
  content: Content,
  partSize: number,
  signal: AbortSignal,
  uniform = false,
): AsyncGenerator<Piece> {
  const grows = content.size === undefined && !uniform
  const sizeOf = (number: number) => (grows ? partSize * 2 ** Math.min(9, Math.floor((number - 1) / 1000)) : partSize)
  const body = content.open()
  const end = () => body.destroy(abortedError({ operation: 'write' }, signal.reason))
  signal.addEventListener('abort', end, { once: true })
  try {
    if (signal.aborted) end()
    let number = 1
    let held: Buffer[] = []
    let size = 0
    for await (const chunk of body as AsyncIterable<Buffer>) {
      let rest = chunk
      for (let room = sizeOf(number) - size; rest.byteLength >= room; room = sizeOf(number)) {
        held.push(rest.subarray(0, room))
        yield { number, bytes: Buffer.concat(held) }
        rest = rest.subarray(room)
        held = []
        size = 0
        if (++number > MAX_PARTS)
          throw new StorageError('too_large', 'The content needs more than 10,000 parts: set a larger partSize.')
      }
      if (rest.byteLength > 0) held.push(rest)
      size += rest.byteLength
    }
    if (size > 0 || number === 1) yield { number, bytes: Buffer.concat(held) }
  } finally {
    signal.removeEventListener('abort', end)
    body.destroy()
  }
}

/** Runs `work` for each item, so many at once; the first failure waits for those under way and is thrown. */
export async function parallel<I, R>(
  items: AsyncIterable<I> | Iterable<I>,
  limit: number,
  work: (item: I) => Promise<R>,
): Promise<R[]> {
  const results: R[] = []
  const running = new Set<Promise<void>>()
  let failure: { error: unknown } | undefined
  try {
    for await (const item of items) {
      const job: Promise<void> = work(item)
        .then(
          result => {
            results.push(result)
          },
          error => {
            failure ??= { error }
          },
        )
        .finally(() => running.delete(job))
      running.add(job)
      if (running.size >= limit) await Promise.race(running)
      if (failure !== undefined) break
    }
  } finally {
    await Promise.all(running)
  }
  if (failure !== undefined) throw failure.error
  return results
}

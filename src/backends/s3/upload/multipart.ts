import { nodeCrypto } from '../../../core/builtin.ts'
import type { CallContext } from '../../../core/call.ts'
import { isStorageError, StorageError } from '../../../core/errors.ts'
import { shownText } from '../../../http/http-error.ts'
import type { Stop } from '../../../remote/open-uploads.ts'
import { MAX_PARTS, type Piece, parallel } from '../../../remote/pieces.ts'
import type { S3Client } from '../client.ts'
import { detached, isUploadGone } from './aftermath.ts'
import { type Creation, endOrphans } from './orphans.ts'
import {
  completeUpload,
  createUpload,
  endUpload,
  isOpen,
  type Part,
  type UploadHeaders,
  type UploadPlace,
  uploadPart,
} from './requests.ts'

/** Bytes of the smallest part but the last. */
const MIN_PART = 5 * 1024 * 1024

/** How an upload in parts is made. */
export interface MultipartOptions extends UploadHeaders {
  /** Parts under way at once; memory is at most part size x (concurrency + 1). */
  readonly concurrency: number
  readonly onProgress?: ((bytes: number) => void) | undefined
  /** What has to happen when all parts are there. */
  readonly beforeCompletion?: ((ctx: CallContext) => Promise<void>) | undefined
}

/** Bytes of a part: grown where the wanted size would need more than 10,000 parts. */
export function partSizeFor(size: number | undefined, wanted: number, smallest: number = MIN_PART): number {
  const least = size === undefined ? 0 : Math.ceil(size / MAX_PARTS)
  return Math.max(smallest, wanted, least)
}

/** Uploads pieces side by side; the object is whole or absent, and a failed upload leaves no part behind. */
export async function uploadPieces(
  client: S3Client,
  key: string,
  pieces: AsyncIterator<Piece>,
  options: MultipartOptions,
  ctx: CallContext,
  stop: Stop,
): Promise<void> {
  let sent = 0
  await inUpload(client, key, options, ctx, place =>
    parallel(pieces, options.concurrency, stop, async piece => {
      const part = await uploadPart(place, piece, options, ctx)
      piece.release?.()
      sent += part.size
      options.onProgress?.(sent)
      return part
    }),
  )
}

/** Creates an upload, lets `work` make its parts and completes it; ends it when anything fails. */
export async function inUpload(
  client: S3Client,
  key: string,
  options: MultipartOptions,
  ctx: CallContext,
  work: (place: UploadPlace) => Promise<readonly Part[]>,
): Promise<void> {
  const creation: Creation = { since: Date.now(), until: Number.POSITIVE_INFINITY, lost: false }
  const { promise: ended, resolve: end } = Promise.withResolvers<void>()
  let place: UploadPlace | undefined
  try {
    const uploadId = await createUpload(client, key, options, ctx, () => {
      creation.lost = true
    })
    place = { client, key, uploadId }
    client.uploads.ids.add(uploadId)
    creation.until = Date.now()
    void client.uploads.keep(endOrphans(client, key, creation, ended, ctx))
    const parts = [...(await work(place))].sort((a, b) => a.number - b.number)
    await options.beforeCompletion?.(ctx)
    await complete(place, parts, options, ctx)
  } catch (error) {
    if (place === undefined) {
      creation.until = Date.now()
      creation.lost ||= !isStorageError(error) || error.outcome === 'unknown'
      if (creation.lost || (error as StorageError).retryable)
        void client.uploads.keep(endOrphans(client, key, creation, ended, ctx))
    } else if (!(await endUpload(place, ctx))) tellOpen(error, place)
    throw isUploadGone(error) ? endedElsewhere(key, error, 'not_applied') : error
  } finally {
    if (place !== undefined) client.uploads.ids.delete(place.uploadId)
    end()
  }
}

/**
 * Completes an upload. When the answer was lost, the server is asked what came of it: the upload is still there and may be
 * completed again, also under a condition; or it is gone and the object is what the parts make.
 */
async function complete(
  place: UploadPlace,
  parts: readonly Part[],
  options: MultipartOptions,
  ctx: CallContext,
): Promise<void> {
  const conditional = Object.keys(options.conditions).length > 0
  let lost = false
  await ctx.step('completeUpload', true, async outer => {
    try {
      await outer.step('sendCompletion', conditional ? 'if_not_applied' : true, step =>
        completeUpload(place, parts, options, step),
      )
    } catch (error) {
      if (!isStorageError(error)) throw error
      lost ||= error.outcome === 'unknown'
      const gone = isUploadGone(error) || ((lost || error.retryable) && !(await isOpen(place, outer)))
      if (gone) {
        if (await isOf(place, parts, options, lost, outer)) return
        throw endedElsewhere(place.key, error, 'unknown')
      }
      // The refusal of a request that went twice: it is a true one, since the upload is still there.
      if (error.status === 412)
        throw new StorageError('precondition_failed', error.message, { cause: error, status: 412 })
      throw error
    }
  })
}

/**
 * Whether the object is what the parts make. Where its etag is no MD5 of MD5s, size and number of parts have to do, which
 * is enough only if our own request may have been carried out (`lost`).
 */
async function isOf(
  { client, key }: UploadPlace,
  parts: readonly Part[],
  options: MultipartOptions,
  lost: boolean,
  ctx: CallContext,
): Promise<boolean> {
  try {
    const { headers } = await detached(ctx).step('stat', true, step =>
      client.sendOnly({ method: 'HEAD', key, headers: { ...options.partHeaders } }, step),
    )
    const etag = headers.etag?.replaceAll('"', '') ?? ''
    if (etag === etagOf(parts)) return true
    const count = /-(\d+)$/.exec(etag)?.[1]
    const size = parts.reduce((sum, part) => sum + part.size, 0)
    return lost && Number(headers['content-length']) === size && (count ?? `${parts.length}`) === `${parts.length}`
  } catch {
    return false
  }
}

/** The etag of an unencrypted object of these parts; undefined where theirs are no MD5s. */
function etagOf(parts: readonly Part[]): string | undefined {
  const digests = parts.map(({ etag }) => Buffer.from(etag.replaceAll('"', ''), 'hex'))
  if (digests.some(digest => digest.length !== 16)) return undefined
  return `${nodeCrypto().hash('md5', Buffer.concat(digests), 'hex')}-${parts.length}`
}

function endedElsewhere(key: string, cause: unknown, outcome: 'not_applied' | 'unknown'): StorageError {
  return new StorageError('unavailable', `The upload of '${key}' in parts was ended by somebody else.`, {
    cause,
    outcome,
  })
}

/** A failed upload costs money as long as it is there, so its owner has to hear of it. */
function tellOpen(error: unknown, { key, uploadId }: UploadPlace): void {
  if (!(error instanceof Error)) return
  error.message += ` What was sent of '${key}' could not be removed and stays as the unfinished upload ${shownText(uploadId)}.`
}

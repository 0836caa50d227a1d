import { setTimeout as sleep } from 'node:timers/promises'
import type { CallContext } from '../../../core/call.ts'
import { isStorageError } from '../../../core/errors.ts'
import type { S3Client } from '../client.ts'
import { keyDecoder } from '../listing.ts'
import { detached } from './aftermath.ts'
import { endUpload, partCount } from './requests.ts'

/** Milliseconds that an upload of somebody else gets at least to show its first part. */
const GRACE_MS = 2000
/** Milliseconds that a request whose answer was lost gets to arrive late. */
const LATE_MS = 2000
/** Milliseconds by which the server's times may be off: it tells whole seconds. */
const SLACK_MS = 2000

/** The making of an upload. */
export interface Creation {
  /** When the first request was sent and the last one was over, by this machine's clock. */
  since: number
  until: number
  /** Whether an answer was lost, so that there may be an upload whose id nobody knows. */
  lost: boolean
}

/**
 * Ends uploads of a key that nobody knows of: a request to create one that was carried out twice, or whose answer was lost,
 * leaves one behind. Taken for such are uploads from just that time that have no part even after our own `work` has ended;
 * what this client's other uploads have made is left alone. Never fails, and does nothing where uploads cannot be listed.
 */
export async function endOrphans(
  client: S3Client,
  key: string,
  creation: Creation,
  work: Promise<void>,
  ctx: CallContext,
): Promise<void> {
  const { uploads } = client
  if (!uploads.listable) return
  try {
    if (creation.lost) await Promise.all([work, sleep(LATE_MS)])
    const found = await strangers(client, key, creation, detached(ctx))
    if (found.length === 0) return
    await Promise.all([work, sleep(GRACE_MS)])
    const clean = detached(ctx)
    for (const uploadId of found) {
      const place = { client, key, uploadId }
      if ((await partCount(place, clean)) === 0 && !uploads.ids.has(uploadId)) await endUpload(place, clean)
    }
  } catch (error) {
    if (!isStorageError(error) || !error.retryable) uploads.listable = false
  }
}

/** Ids of the key's uploads that were created at that time, but not by this client as far as it knows. */
async function strangers(client: S3Client, key: string, creation: Creation, ctx: CallContext): Promise<string[]> {
  const query: Array<[string, string?]> = [['uploads'], ['encoding-type', 'url'], ['prefix', key]]
  const { root, response } = await ctx.step('listUploads', true, step =>
    client.sendForDocument({ method: 'GET', query }, step),
  )
  const date = Date.parse(response.headers.date ?? '')
  const offset = Number.isNaN(date) ? 0 : date - Date.now()
  const from = creation.since + offset - SLACK_MS
  const to = creation.until + offset + SLACK_MS + (creation.lost ? LATE_MS : 0)
  const decode = keyDecoder(root)
  const ids: string[] = []
  for (const upload of root.children('Upload')) {
    const id = upload.child('UploadId')?.text ?? ''
    const at = Date.parse(upload.child('Initiated')?.text ?? '')
    if (decode(upload.child('Key')?.text ?? '') === key && at >= from && at <= to && !client.uploads.ids.has(id))
      ids.push(id)
  }
  return ids
}

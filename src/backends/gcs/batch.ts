import { BytesBody } from '../../core/body.ts'
import type { CallContext } from '../../core/call.ts'
import { StorageError, wrapError } from '../../core/errors.ts'
import type { BatchAnswer } from '../../remote/batches.ts'
import { readDocument } from '../../remote/document.ts'
import { type BatchedAnswer, batchAnswers, batchBody } from '../../remote/multipart.ts'
import type { Prepared } from '../../remote/service.ts'
import type { GcsRequest } from './api.ts'
import type { GcsClient } from './client.ts'
import { classifyGcs, type GcsError, gcsError } from './errors.ts'

/** Maximum number of keys per batch. (https://cloud.google.com/storage/docs/batch) */
export const BATCH_LIMIT = 100

/**
 * Deletes keys with one batch. If the answer lacks a part, only that key fails; a missing file counts as deleted. Each part has its own
 * token: parts with an expired token are sent once more.
 */
export async function deleteBatch(
  client: GcsClient,
  keys: readonly string[],
  requestOf: (key: string) => GcsRequest,
  ctx: CallContext,
  mayRenew = true,
): Promise<BatchAnswer> {
  const requests = keys.map(requestOf)
  const sent = await Promise.all(requests.map(request => client.prepared(request, ctx)))
  // The path of a proxy in front is not for the service itself.
  const { contentType, body } = batchBody(
    sent.map(({ wire: { method, headers } }, at) => ({ method, target: requests[at]!.path, headers })),
  )
  const headers = { 'content-type': contentType }
  const request = { method: 'POST', path: '/batch/storage/v1', headers, body, expected: { statuses: [200] } } as const
  const answer = await client.send(request, ctx)
  const results = new Map<string, StorageError | undefined>()
  const refused = new Map<string, object>()
  for (const part of batchAnswers(answer.headers['content-type'], await readDocument(answer))) {
    // A part without its index could belong to any key.
    const { place = -1 } = part
    const key = keys[place]
    if (key === undefined) continue
    if (results.has(key)) {
      const text = 'The answer to the batch names it twice.'
      results.set(
        key,
        new StorageError('unavailable', text, { operation: 'delete', fileName: key, outcome: 'unknown' }),
      )
      continue
    }
    const { credential } = sent[place]!
    if (part.status === 401 && credential !== undefined) refused.set(key, credential)
    const error = await errorOf(part, requests[place]!, sent[place]!)
    const isMissing = error !== undefined && classifyGcs(error) === 'not_found'
    const details = { operation: 'delete', fileName: key }
    results.set(key, error === undefined || isMissing ? undefined : wrapError(error, details, classifyGcs))
  }
  if (!mayRenew || refused.size === 0) return results
  for (const credential of refused.values()) client.drop(credential)
  const again = await deleteBatch(client, [...refused.keys()], requestOf, ctx, false)
  return new Map([...results, ...again])
}

/** The error in a part; undefined if the file was deleted. */
async function errorOf(
  { status, headers, bodyText }: BatchedAnswer,
  { expected }: GcsRequest,
  { wire, hide }: Prepared,
): Promise<GcsError | StorageError | undefined> {
  if (expected.statuses.includes(status)) return undefined
  if (status < 300)
    return new StorageError('unavailable', `Status ${status} is not an answer to a deletion.`, { status })
  return gcsError(wire, { status, headers, body: new BytesBody(Buffer.from(bodyText)) }, { hide, seeksFile: true })
}

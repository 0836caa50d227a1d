import type { CallContext } from '../../core/call.ts'
import { StorageError, withOutcome } from '../../core/errors.ts'
import { type Polled, polled } from '../../remote/polling.ts'
import type { DropboxClient } from './client.ts'
import { codeOfTags, type Fields, fieldsOf, tagOf, tagsOf } from './errors.ts'

/** Maximum number of entries per batch. */
export const BATCH_LIMIT = 1000

/** The API functions that start a batch and report its progress. */
export interface Batch {
  readonly start: string
  readonly check: string
  readonly arg: Fields
}

/**
 * The error of each entry of a batch, in order; undefined for an entry that succeeded. An entry that the answer lacks is an error with
 * outcome `unknown`. Polls the job until it is done.
 * (https://www.dropbox.com/developers/documentation/http/documentation#files-delete_batch)
 */
export async function batchErrors(
  client: DropboxClient,
  { start, check, arg }: Batch,
  count: number,
  ctx: CallContext,
): Promise<Array<StorageError | undefined>> {
  const launched = await client.rpc(start, arg, ctx, { fields: ['.tag'] })
  const job = launched['async_job_id']
  const ask = async (step: CallContext): Promise<Polled<readonly unknown[]>> =>
    statusOf(await client.rpc(check, { async_job_id: job }, step, { fields: ['.tag'], reads: true }))
  const first = tagOf(launched) === 'async_job_id' ? undefined : statusOf(launched)
  const isDone = first !== undefined && 'result' in first
  // The batch may be carried out even if polling fails.
  const entries = isDone
    ? first.result
    : await polled('batch', ask, ctx).catch(error => {
        throw withOutcome(error, 'unknown')
      })
  return Array.from({ length: count }, (_, at) => errorOf(entries[at]))
}

function statusOf(status: Fields): Polled<readonly unknown[]> {
  const { entries } = status
  const tag = tagOf(status)
  if (tag === 'in_progress') return { progress: undefined }
  if (tag === 'complete' && Array.isArray(entries)) return { result: entries }
  if (tag === 'failed') throw refused(tagsOf(status['failed']))
  throw new StorageError('unavailable', 'The answer does not contain the state of the batch.', { outcome: 'unknown' })
}

function errorOf(entry: unknown): StorageError | undefined {
  const tag = tagOf(entry)
  if (tag === 'success') return undefined
  if (tag === 'failure') return refused(tagsOf(fieldsOf(entry)['failure']))
  const text = 'The answer does not contain the result of the batch.'
  return new StorageError('unavailable', text, { outcome: 'unknown', retryable: false })
}

function refused(tags: readonly string[]): StorageError {
  return new StorageError(codeOfTags(tags) ?? 'unknown', `Dropbox refused it: ${tags.join('/') || 'no reason'}.`, {
    outcome: 'not_applied',
  })
}

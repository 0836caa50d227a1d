import type { CallContext } from '../../core/call.ts'
import { type ErrorCode, StorageError } from '../../core/errors.ts'
import type { BatchAnswer } from '../../remote/batches.ts'
import { encodedPath } from './api.ts'
import type { SwiftClient } from './client.ts'
import { swiftErrorOf } from './errors.ts'

/** Names per request if the cluster does not report its limit. */
export const BATCH_LIMIT = 1000

/** The error of a cluster without bulk deletion: it treats the request as one about the account. */
const NO_BULK = 'This cluster has no bulk deletion.'

/**
 * Deletes keys of a container with one bulk deletion. Its status is always 200, so the counts and errors in the body decide. Names that are
 * not listed as errors count as deleted or missing only if the counts confirm that for all of them.
 * (https://docs.openstack.org/swift/latest/middleware.html#bulk-delete)
 */
export async function deleteBatch(
  client: SwiftClient,
  container: string,
  keys: readonly string[],
  ctx: CallContext,
): Promise<BatchAnswer> {
  const body = Buffer.from(keys.map(key => `/${encodedPath(container, key)}\n`).join(''))
  const { value } = await client.json<Record<string, unknown>>(
    {
      method: 'POST',
      place: { account: true },
      query: [['bulk-delete']],
      headers: { 'content-type': 'text/plain', accept: 'application/json' },
      expected: { statuses: [200], fields: ['Response Status', 'Number Deleted', 'Errors'], lists: ['Errors'] },
      body,
    },
    ctx,
  )
  return await resultsOf(client, container, keys, value, ctx)
}

/** Whether an error of `deleteBatch` means that the cluster has no bulk deletion. */
export function isWithoutBulk(error: unknown): boolean {
  const status = swiftErrorOf(error)?.status ?? (error instanceof StorageError ? error.status : undefined)
  // 204: the cluster treated the request as a change of the account's metadata without any metadata.
  return status === 204 || status === 400 || status === 403 || status === 404 || status === 405 || status === 501
}

async function resultsOf(
  client: SwiftClient,
  container: string,
  keys: readonly string[],
  answer: Readonly<Record<string, unknown>>,
  ctx: CallContext,
): Promise<BatchAnswer> {
  const status = statusIn(answer['Response Status'])
  const errors = errorsIn(answer['Errors'], container)
  const missing = countIn(answer['Number Not Found'] ?? 0)
  const deleted = countIn(answer['Number Deleted'])
  if (status === 401 || [...errors.values()].some(text => statusIn(text) === 401)) await client.renew(ctx)
  if (!(status >= 200 && status < 300) && errors.size === 0) {
    const text = `The bulk deletion failed: ${textIn(answer['Response Status'])}. ${textIn(answer['Response Body'])}`
    throw new StorageError(codeOf(status), text.trim(), { outcome: 'unknown', status })
  }
  const isComplete = deleted + missing + errors.size === keys.length
  const results = new Map<string, StorageError | undefined>()
  for (const key of keys) {
    const said = errors.get(key)
    if (said !== undefined) results.set(key, errorOf(key, said))
    else results.set(key, isComplete ? undefined : uncounted(key))
  }
  return results
}

/** The error of one name; undefined for a missing one. */
function errorOf(key: string, said: string): StorageError | undefined {
  const status = statusIn(said)
  if (status === 404) return undefined
  const details = { operation: 'delete', fileName: key, status }
  return new StorageError(codeOf(status), `delete '${key}': ${said}.`, details)
}

/**
 * The error of a name that the answer does not mention, if its counts do not confirm that all other names are gone. The name is sent again.
 */
function uncounted(key: string): StorageError {
  const text = `delete '${key}': the counts of the bulk deletion do not confirm that it is gone.`
  return new StorageError('unavailable', text, { operation: 'delete', fileName: key, outcome: 'unknown' })
}

/** The errors of single names in the answer, by key. */
function errorsIn(rows: unknown, container: string): ReadonlyMap<string, string> {
  const found = new Map<string, string>()
  for (const row of Array.isArray(rows) ? rows : []) {
    const [path, status] = Array.isArray(row) ? row : []
    if (typeof path !== 'string' || typeof status !== 'string') continue
    const key = keyIn(path, container)
    if (key !== undefined) found.set(key, status)
  }
  return found
}

/** The key in a path in the form that was sent, with or without its leading slash. */
function keyIn(path: string, container: string): string | undefined {
  try {
    const plain = decodeURIComponent(path.startsWith('/') ? path.slice(1) : path)
    return plain.startsWith(`${container}/`) ? plain.slice(container.length + 1) : undefined
  } catch {
    return undefined
  }
}

function codeOf(status: number): ErrorCode {
  if (status === 401) return 'unavailable'
  if (status === 403) return 'permission_denied'
  if (status === 409) return 'precondition_failed'
  if (status === 413) return 'too_large'
  if (status === 429 || status === 498) return 'throttled'
  return status >= 500 || Number.isNaN(status) ? 'unavailable' : 'unknown'
}

function statusIn(value: unknown): number {
  return typeof value === 'string' ? Number(/^\d{3}/.exec(value)?.[0] ?? Number.NaN) : Number.NaN
}

function countIn(value: unknown): number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : Number.NaN
}

function textIn(value: unknown): string {
  return typeof value === 'string' ? value.slice(0, 200) : ''
}

/** The error of a cluster that is known to have no bulk deletion. */
export function withoutBulk(): StorageError {
  return new StorageError('unsupported', NO_BULK, { status: 501 })
}

import { BytesBody } from '../../core/body.ts'
import type { CallContext } from '../../core/call.ts'
import type { ObjectParameters } from '../../core/driver.ts'
import { StorageError, wrapError } from '../../core/errors.ts'
import type { BatchAnswer } from '../../remote/batches.ts'
import { readDocument } from '../../remote/document.ts'
import { type BatchedAnswer, batchAnswers } from '../../remote/multipart.ts'
import type { Prepared } from '../../remote/service.ts'
import type { AzureClient } from './client.ts'
import { type AzureError, azureError, classifyAzure } from './errors.ts'
import { otherHeaders } from './headers.ts'
import type { AzureRequest } from './operations.ts'

/** Maximum number of keys per batch. (https://learn.microsoft.com/rest/api/storageservices/blob-batch) */
export const BATCH_LIMIT = 256

const SERVICE_BATCH = [['comp', 'batch']] as const
const CONTAINER_BATCH = [['restype', 'container'], ...SERVICE_BATCH] as const

/** Whether the credential is an account SAS for the service itself. With such a SAS, emulators accept only batches of the service. */
function isOfService({ account: { credential } }: AzureClient): boolean {
  return credential.kind === 'sas' && new URLSearchParams(credential.sas).get('srt')?.includes('s') === true
}

/** The request that deletes a blob. */
export function deletion(
  key: string,
  deleteSnapshots: boolean,
  parameters: ObjectParameters | undefined,
): AzureRequest {
  const headers = otherHeaders('delete', parameters)
  if (deleteSnapshots) headers['x-ms-delete-snapshots'] = 'include'
  return { method: 'DELETE', key, headers }
}

/**
 * Deletes keys with one Blob Batch. If the answer has fewer parts than were sent, all keys fail, since it is unknown which parts are
 * missing.
 */
export async function deleteBatch(
  client: AzureClient,
  keys: readonly string[],
  requestOf: (key: string) => AzureRequest,
  ctx: CallContext,
): Promise<BatchAnswer> {
  let sent: readonly Prepared[] = []
  const batch: AzureRequest['batch'] = sign => {
    sent = keys.map(key => sign(requestOf(key)))
    return sent
  }
  const place = isOfService(client) ? { ofService: true, query: SERVICE_BATCH } : { query: CONTAINER_BATCH }
  const answer = await client.send({ method: 'POST', ...place, batch }, ctx)
  const parts = batchAnswers(answer.headers['content-type'], await readDocument(answer))
  if (parts.length !== keys.length) {
    const refused = parts.length === 1 ? await errorOf(parts[0]!, sent[0]!) : undefined
    if (refused !== undefined) throw refused
    const text = `The answer to a batch of ${keys.length} has ${parts.length} parts.`
    throw new StorageError('unavailable', text, { outcome: 'unknown' })
  }
  return resultsOf(keys, sent, parts)
}

async function resultsOf(
  keys: readonly string[],
  sent: readonly Prepared[],
  parts: readonly BatchedAnswer[],
): Promise<BatchAnswer> {
  const results = new Map<string, StorageError | undefined>()
  for (const [at, part] of parts.entries()) {
    const place = part.place ?? at
    const key = keys[place]
    if (key === undefined || results.has(key)) continue
    const error = await errorOf(part, sent[place]!)
    const isMissing = error !== undefined && classifyAzure(error) === 'not_found'
    const details = { operation: 'delete', fileName: key }
    results.set(key, error === undefined || isMissing ? undefined : wrapError(error, details, classifyAzure))
  }
  return results
}

/** The error in a part; undefined if the blob was deleted. */
async function errorOf(
  { status, headers, bodyText }: BatchedAnswer,
  { wire, hide }: Prepared,
): Promise<AzureError | StorageError | undefined> {
  if (status === 202) return undefined
  if (status < 300)
    return new StorageError('unavailable', `Status ${status} is not an answer to a deletion.`, { status })
  return azureError(wire, { status, headers, body: new BytesBody(Buffer.from(bodyText)) }, { hide, seeksFile: true })
}

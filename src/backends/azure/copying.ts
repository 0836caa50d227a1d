import type { IncomingHttpHeaders } from 'node:http'
import { ATTRIBUTES, givenAttributes } from '../../core/attributes.ts'
import type { CallContext } from '../../core/call.ts'
import type { ObjectParameters, Stat, StatOptions, WriteOptions } from '../../core/driver.ts'
import { isStorageError, StorageError } from '../../core/errors.ts'
import { strongEtag } from '../../core/etags.ts'
import { detached } from '../../remote/aftermath.ts'
import { headerTextOf } from '../../remote/headers.ts'
import type { PartPlan } from '../../remote/part-plan.ts'
import { copyInRanges } from '../../remote/part-upload.ts'
import { polled } from '../../remote/polling.ts'
import type { AzureClient } from './client.ts'
import { ARCHIVED, AzureError } from './errors.ts'
import { addFileAttributes, otherHeaders, statOf, tagHeaders } from './headers.ts'
import type { AzureParts } from './parts.ts'

/** One copy within the container. */
export interface Copy {
  readonly from: string
  readonly to: string
  readonly options: WriteOptions
  /** Parameters of every upload under the target's key. */
  readonly parameters: ObjectParameters
  /** Conditions on the target. */
  readonly conditions: Readonly<Record<string, string>>
}

/** Maximum size in bytes of a copy with Copy Blob From URL. */
const MAX_WHOLE = 256 * 1024 * 1024
/** Seconds in which the service may read the source. */
const SOURCE_SECS = 3600 * 24
const EMPTY = Buffer.alloc(0)

/**
 * Copies on the server; the target is either complete or unchanged. Uses Copy Blob From URL, or blocks if the blob is too large for that or
 * gets other attributes. Only if the service cannot read the source in this way, it uses Copy Blob and waits for it. Attributes that are
 * not set come from the source.
 */
export async function copyBlob(
  client: AzureClient,
  parts: AzureParts,
  plan: PartPlan,
  copy: Copy,
  ctx: CallContext,
): Promise<void> {
  const { from, options } = copy
  // A copy can set new metadata, but not empty metadata.
  const hasMetadata = Object.keys(options.metadata ?? {}).length > 0
  const isPlain = ATTRIBUTES.every(name => options[name] === undefined || (name === 'metadata' && hasMetadata))
  const source = await statBlob(client, from, {}, ctx)
  if (source.isDirectory === true) throw new StorageError('is_directory', `'${from}' is a directory.`)
  // Copy Blob would rehydrate the source, in the tier of the target.
  if (source.storageClass === 'Archive') throw new StorageError('unsupported', `'${from}': ${ARCHIVED}.`)
  try {
    const named = await sourceHeaders(client, from, source, ctx)
    if (source.size <= MAX_WHOLE && isPlain) {
      await copyWhole(client, copy, { ...named, 'x-ms-requires-sync': 'true' }, ctx)
    } else await copyBlocks(parts, plan, copy, source, named, ctx)
  } catch (error) {
    if (!isUnreadable(error)) throw error
    if (!isPlain) {
      throw new StorageError('unsupported', 'The service cannot read the source by its URL.', { cause: error })
    }
    const named = { 'x-ms-copy-source': client.url(from), ...pinned(source) }
    await copyWhole(client, copy, named, ctx)
  }
}

/** Copy Blob From URL, or Copy Blob, which may take long. */
async function copyWhole(
  client: AzureClient,
  { to, options, parameters, conditions }: Copy,
  source: Readonly<Record<string, string>>,
  ctx: CallContext,
): Promise<void> {
  const own = otherHeaders('copy', parameters, options.extra)
  const headers: Record<string, string> = { ...own, ...tagHeaders(options.extra), ...conditions, ...source }
  if (options.metadata !== undefined) addFileAttributes(headers, { metadata: options.metadata })
  const answer = await client.done({ method: 'PUT', key: to, headers, body: EMPTY }, ctx)
  if (isCopied(answer, to)) return
  const copyId = headerTextOf(answer['x-ms-copy-id'])
  try {
    await polled('copyStatus', step => copyProgress(client, to, copyId, step), ctx)
  } catch (error) {
    if (copyId !== undefined && !isStorageError(error, 'unavailable'))
      await abortCopy(client, to, copyId, detached(ctx))
    throw error
  }
}

async function copyProgress(client: AzureClient, to: string, copyId: string | undefined, ctx: CallContext) {
  const headers = await client.done({ method: 'HEAD', key: to }, ctx)
  if (copyId !== undefined && headerTextOf(headers['x-ms-copy-id']) !== copyId) {
    throw copyFailed(to, 'another one took its place')
  }
  return isCopied(headers, to) ? { result: true } : { progress: headerTextOf(headers['x-ms-copy-progress']) }
}

/** Whether a copy is complete; false while it is pending. */
function isCopied(headers: IncomingHttpHeaders, to: string): boolean {
  const status = headerTextOf(headers['x-ms-copy-status'])
  if (status === 'success') return true
  if (status === 'pending') return false
  throw copyFailed(to, status === 'aborted' ? 'it was aborted' : 'the service cancelled it')
}

function copyFailed(to: string, why: string): StorageError {
  // The target is empty now, so the whole copy may be tried again.
  return new StorageError('unavailable', `The copy to '${to}' failed: ${why}.`, { outcome: 'unknown' })
}

async function abortCopy(client: AzureClient, key: string, copyId: string, ctx: CallContext): Promise<void> {
  const query = [['comp', 'copy'] as const, ['copyid', copyId] as const]
  const headers = { 'x-ms-copy-action': 'abort' }
  await ctx
    .step('abortCopy', true, step => client.done({ method: 'PUT', key, query, headers, body: EMPTY }, step))
    .catch(() => undefined)
}

/** Put Block From URL for each range, then Put Block List. */
async function copyBlocks(
  parts: AzureParts,
  plan: PartPlan,
  { to, options, parameters, conditions }: Copy,
  source: Stat,
  named: Readonly<Record<string, string>>,
  ctx: CallContext,
): Promise<void> {
  const headers = { ...otherHeaders('copy', parameters, options.extra), ...tagHeaders(options.extra) }
  addFileAttributes(headers, { ...source, ...givenAttributes(options) })
  const blockHeaders = otherHeaders('block', parameters, options.extra)
  const target = { key: to, options, headers, blockHeaders, conditions }
  if (source.size === 0) {
    await parts.put(target, EMPTY, ctx)
    return
  }
  // The bytes of the source do not count as progress of this call; only the number of blocks does.
  await copyInRanges(
    parts,
    target,
    source,
    (upload, range, step) => parts.copyPart(upload, range, named, step),
    plan,
    ctx,
  )
}

/** Headers that identify the source, allow the service to read it, and make the copy fail if the source has changed. */
async function sourceHeaders(
  client: AzureClient,
  from: string,
  source: Stat,
  ctx: CallContext,
): Promise<Record<string, string>> {
  const { credential } = client.account
  const url = client.url(from)
  const pin = pinned(source)
  if (credential.kind === 'sas') return { ...pin, 'x-ms-copy-source': `${url}?${credential.sas}` }
  if (credential.kind === 'anonymous') return { ...pin, 'x-ms-copy-source': url }
  const token = await client.bearer(ctx)
  if (token !== undefined) {
    return { ...pin, 'x-ms-copy-source': url, 'x-ms-copy-source-authorization': `Bearer ${token}` }
  }
  const expiresAt = new Date(client.time().getTime() + SOURCE_SECS * 1000)
  const sas = await client.sas({ blob: from, permissions: 'r', expiresAt }, ctx)
  return { ...pin, 'x-ms-copy-source': `${url}?${sas}` }
}

function pinned({ etag }: Stat): Record<string, string> {
  const match = strongEtag(etag)
  return match === undefined ? {} : { 'x-ms-source-if-match': `"${match}"` }
}

/** Whether a copy failed because the service could not read the source by its URL, or does not support such copies. */
function isUnreadable(error: unknown): boolean {
  const native = error instanceof StorageError ? error.cause : error
  if (!(native instanceof AzureError)) return false
  if (native.serviceCode === 'CannotVerifyCopySource') return native.status !== 404
  return native.status === 501 || native.serviceCode === 'UnsupportedHeader'
}

/** HEAD of a blob. */
export async function statBlob(
  client: AzureClient,
  key: string,
  options: StatOptions,
  ctx: CallContext,
): Promise<Stat> {
  const stat = statOf(await client.done({ method: 'HEAD', key, query: versionQuery(options) }, ctx))
  checkVersion(options, stat)
  return stat
}

/** The query for a version. */
export function versionQuery({ versionId }: StatOptions): Array<[string, string]> {
  return versionId === undefined ? [] : [['versionid', versionId]]
}

/** Checks the version of an answer: an account without versions, or an emulator, may return the newest blob for any version. */
export function checkVersion({ versionId }: StatOptions, stat: { readonly versionId?: string | undefined }): void {
  if (versionId === undefined || versionId === stat.versionId) return
  throw new StorageError(
    'unsupported',
    'The account does not keep versions: the service did not return the requested one.',
  )
}

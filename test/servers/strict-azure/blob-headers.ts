/** The headers that set up a blob, those that describe it again, and conditions. */
import type { OperationContext } from './context.ts'
import { AzureError, blobAlreadyExists, blobArchived, conditionNotMet, invalidHeader } from './errors.ts'
import type { BlobSettings, Container, StoredBlob } from './store.ts'

type Headers = Readonly<Record<string, string>>

const NAMES = [
  'content-type',
  'content-encoding',
  'content-language',
  'content-disposition',
  'cache-control',
  'content-md5',
]
const TIERS = ['Hot', 'Cool', 'Cold', 'Archive', 'Premium', 'Smart']

/** Reads `x-ms-meta-*`; 400 for names that are no identifiers and for more than 8 KiB. */
export function readMetadata(headers: Headers, rawNames: ReadonlyMap<string, string>): Record<string, string> {
  const metadata: Record<string, string> = {}
  let size = 0
  for (const [name, value] of Object.entries(headers)) {
    if (!name.startsWith('x-ms-meta-')) continue
    const key = (rawNames.get(name) ?? name).slice('x-ms-meta-'.length)
    if (key === '')
      throw new AzureError(400, 'EmptyMetadataKey', 'The key for one of the metadata key-value pairs is empty.')
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(key)) {
      throw new AzureError(
        400,
        'InvalidMetadata',
        'The metadata specified is invalid. It has characters that are not permitted.',
      )
    }
    size += key.length + value.length
    metadata[key] = value
  }
  if (size > 8192) {
    throw new AzureError(
      400,
      'MetadataTooLarge',
      'The size of the specified metadata exceeds the maximum size permitted.',
    )
  }
  return metadata
}

/** Reads `a=b&c=d`; 400 for more than ten tags, or characters that tags do not have. */
export function readTags(text: string | undefined): Record<string, string> {
  const tags = Object.fromEntries(new URLSearchParams(text ?? ''))
  checkTags(tags)
  return tags
}

/** 400 for tags that the service refuses. */
export function checkTags(tags: Readonly<Record<string, string>>): void {
  const all = Object.entries(tags)
  const isRight = ([name, value]: [string, string]): boolean =>
    /^[A-Za-z0-9 +\-./:=_]{1,128}$/.test(name) && /^[A-Za-z0-9 +\-./:=_]{0,256}$/.test(value)
  if (all.length <= 10 && all.every(isRight)) return
  throw new AzureError(
    400,
    'InvalidTag',
    'The tags specified are invalid. It contains characters that are not permitted.',
  )
}

/** Reads `x-ms-access-tier`. */
export function readTier(headers: Headers): string | undefined {
  const tier = headers['x-ms-access-tier']
  if (tier !== undefined && !TIERS.includes(tier)) throw invalidHeader('x-ms-access-tier', tier)
  return tier
}

/** Reads everything a write says besides the bytes: properties by `x-ms-blob-*` or, where that is allowed, by the plain header. */
export function readSettings({ headers, rawNames }: Sent, plain: boolean): BlobSettings {
  const properties: Record<string, string> = {}
  for (const name of NAMES) {
    const value = headers[`x-ms-blob-${name}`] ?? (plain ? headers[name] : undefined)
    if (value !== undefined && value !== '') properties[name] = value
  }
  properties['content-type'] ??= 'application/octet-stream'
  return {
    properties,
    metadata: readMetadata(headers, rawNames),
    tags: readTags(headers['x-ms-tags']),
    tier: readTier(headers),
  }
}

/** Headers with their names as they were sent. */
export interface Sent {
  readonly headers: Headers
  readonly rawNames: ReadonlyMap<string, string>
}

const date = (ms: number): string => new Date(ms).toUTCString()

/** The headers that a write answers. */
export function writtenHeaders(blob: StoredBlob): Record<string, string> {
  const headers: Record<string, string> = { etag: `"${blob.etag}"`, 'last-modified': date(blob.modified) }
  if (blob.versionId !== undefined) headers['x-ms-version-id'] = blob.versionId
  return { ...headers, 'x-ms-request-server-encrypted': 'true' }
}

/** The headers that describe a blob, but for its length. */
export function describe(blob: StoredBlob, container: Container, key: string): Record<string, string> {
  const lease = container.leases.get(key)
  const headers: Record<string, string> = {
    ...blob.properties,
    etag: `"${blob.etag}"`,
    'last-modified': date(blob.modified),
    'x-ms-creation-time': date(blob.created),
    'x-ms-blob-type': 'BlockBlob',
    'x-ms-server-encrypted': 'true',
    'accept-ranges': 'bytes',
    'x-ms-lease-status': lease?.state === 'leased' || lease?.state === 'breaking' ? 'locked' : 'unlocked',
    'x-ms-lease-state': lease?.state ?? 'available',
    'x-ms-access-tier': blob.tier ?? 'Hot',
  }
  if (blob.tier === undefined) headers['x-ms-access-tier-inferred'] = 'true'
  if (blob.archiveStatus !== undefined) headers['x-ms-archive-status'] = blob.archiveStatus
  if (blob.isDirectory) headers['x-ms-resource-type'] = 'directory'
  if (blob.versionId !== undefined) {
    headers['x-ms-version-id'] = blob.versionId
    if (container.blobs.get(key) === blob) headers['x-ms-is-current-version'] = 'true'
  }
  const tags = Object.keys(blob.tags).length
  if (tags > 0) headers['x-ms-tag-count'] = String(tags)
  for (const [name, value] of Object.entries(blob.metadata)) headers[`x-ms-meta-${name}`] = value
  return { ...headers, ...copyHeaders(blob) }
}

function copyHeaders({ copy }: StoredBlob): Record<string, string> {
  if (copy === undefined) return {}
  const headers: Record<string, string> = {
    'x-ms-copy-id': copy.id,
    'x-ms-copy-status': copy.status,
    'x-ms-copy-source': copy.source,
    'x-ms-copy-progress': copy.progress,
  }
  if (copy.completed !== undefined) headers['x-ms-copy-completion-time'] = date(copy.completed)
  if (copy.description !== undefined) headers['x-ms-copy-status-description'] = copy.description
  return headers
}

/** Whether a list of etags in a header has this one; quotes may be missing. */
function matches(list: string, blob: StoredBlob | undefined): boolean {
  if (blob === undefined) return false
  return list.trim() === '*' || list.split(',').some(one => one.trim().replace(/^"(.*)"$/, '$1') === blob.etag)
}

function timeIn(headers: Headers, name: string): number {
  const text = headers[name]
  const time = text === undefined ? Number.NaN : Date.parse(text)
  if (text !== undefined && Number.isNaN(time)) throw invalidHeader(name, text)
  return time
}

/** Checks the conditions of a write; a blob that is there and must not be is 409, all else 412. */
export function checkWriteConditions({ request }: OperationContext, blob: StoredBlob | undefined): void {
  const { headers } = request
  const none = headers['if-none-match']
  if (none?.trim() === '*' && blob !== undefined) throw blobAlreadyExists()
  if (none !== undefined && matches(none, blob)) throw conditionNotMet()
  if (headers['if-match'] !== undefined && !matches(headers['if-match'], blob)) throw conditionNotMet()
  checkTimes(headers, '', blob, () => conditionNotMet())
}

function checkTimes(headers: Headers, prefix: string, blob: StoredBlob | undefined, error: () => AzureError): void {
  const since = timeIn(headers, `${prefix}if-modified-since`)
  const until = timeIn(headers, `${prefix}if-unmodified-since`)
  if (blob === undefined) return
  const modified = Math.floor(blob.modified / 1000) * 1000
  if (modified <= since || modified > until) throw error()
}

/** Checks the conditions of a read: 304 where what is known is still true, 412 where what is wanted is not there. */
export function checkReadConditions(headers: Headers, blob: StoredBlob): void {
  const none = headers['if-none-match']
  if (headers['if-match'] !== undefined && !matches(headers['if-match'], blob)) throw conditionNotMet()
  const modified = Math.floor(blob.modified / 1000) * 1000
  if (modified > timeIn(headers, 'if-unmodified-since')) throw conditionNotMet()
  const since = timeIn(headers, 'if-modified-since')
  if ((none !== undefined && matches(none, blob)) || (none === undefined && modified <= since))
    throw conditionNotMet(304)
}

/** Checks the conditions on the source of a copy. */
export function checkSourceConditions(headers: Headers, blob: StoredBlob): void {
  const failed = (): AzureError =>
    new AzureError(
      412,
      'SourceConditionNotMet',
      'The source condition specified using HTTP conditional header(s) is not met.',
    )
  const match = headers['x-ms-source-if-match']
  const none = headers['x-ms-source-if-none-match']
  if (match !== undefined && !matches(match, blob)) throw failed()
  if (none !== undefined && matches(none, blob)) throw failed()
  checkTimes(headers, 'x-ms-source-', blob, failed)
}

/** Refuses a write to a blob that is leased to others, archived, or being copied to. */
export function checkWritable({ request, state }: OperationContext, container: Container, isMeta = false): void {
  const { key, headers } = request
  checkLease(container, key, headers['x-ms-lease-id'], state.now())
  const blob = container.blobs.get(key)
  if (blob?.tier === 'Archive' && !isMeta) throw blobArchived()
  if (blob?.copy?.status === 'pending') {
    throw new AzureError(409, 'PendingCopyOperation', 'There is currently a pending copy operation.')
  }
}

/** Refuses what only the holder of the lease may do. */
export function checkLease(container: Container, key: string, given: string | undefined, now: number): void {
  const lease = container.leases.get(key)
  if (lease?.state === 'leased' && lease.until !== undefined && now >= lease.until) lease.state = 'expired'
  if (lease === undefined || (lease.state !== 'leased' && lease.state !== 'breaking')) {
    if (given === undefined) return
    throw new AzureError(412, 'LeaseNotPresentWithBlobOperation', 'There is currently no lease on the blob.')
  }
  if (given === undefined) {
    throw new AzureError(
      412,
      'LeaseIdMissing',
      'There is currently a lease on the blob and no lease ID was specified in the request.',
    )
  }
  if (given.toLowerCase() !== lease.id) {
    throw new AzureError(
      412,
      'LeaseIdMismatchWithBlobOperation',
      'The lease ID specified did not match the lease ID for the blob.',
    )
  }
}

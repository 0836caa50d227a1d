import { ATTRIBUTES, givenAttributes } from '../../../core/attributes.ts'
import type { CallContext } from '../../../core/call.ts'
import type { Stat, StatOptions, WriteOptions } from '../../../core/driver.ts'
import { strongEtag } from '../../../core/etags.ts'
import { addAttributes } from '../../../remote/attribute-headers.ts'
import type { PartPlan } from '../../../remote/part-plan.ts'
import { copyInRanges } from '../../../remote/part-upload.ts'
import { encodeComponent, encodeKey } from '../../../remote/sign/encode.ts'
import type { S3Client } from '../client.ts'
import { S3Error } from '../errors.ts'
import { otherHeaders, statOf, writeHeaders } from '../headers.ts'
import { METADATA_PREFIX } from '../settings/object-parameters.ts'
import type { S3Parts, S3Target } from './parts.ts'

/** One copy within the bucket. */
export interface Copy {
  readonly from: string
  readonly to: string
  readonly options: WriteOptions
  /** Parameters of every upload under the target's key. */
  readonly parameters: Readonly<Record<string, unknown>>
  /** Conditions on the target. */
  readonly conditions: Readonly<Record<string, string>>
  /** Stat of the source, if it is already known. */
  readonly source?: Stat | undefined
  /** Maximum size in bytes of a copy with one request. */
  readonly maxSize: number
}

/**
 * Copies with one request (CopyObject), or by ranges (UploadPartCopy) if the object is too large for that. Attributes that are not set come
 * from the source. A source that changes meanwhile is `precondition_failed`, so two versions are never mixed.
 */
export async function copyObject(
  client: S3Client,
  parts: S3Parts,
  plan: PartPlan,
  copy: Copy,
  ctx: CallContext,
): Promise<void> {
  const replaces = ATTRIBUTES.some(name => copy.options[name] !== undefined)
  let { source } = copy
  // New attributes replace all of the source's, so the ones to keep are also sent.
  if (replaces) source ??= await statObject(client, copy.from, { objectParameters: copy.parameters }, ctx)
  if (source !== undefined && source.size > copy.maxSize) return copyParts(client, parts, plan, copy, source, ctx)
  try {
    await copyWhole(client, copy, replaces ? source : undefined, ctx)
  } catch (error) {
    if (!(error instanceof S3Error) || !/^(InvalidRequest|EntityTooLarge)$/.test(error.serviceCode ?? '')) throw error
    source ??= await statObject(client, copy.from, { objectParameters: copy.parameters }, ctx)
    if (source.size <= copy.maxSize) throw error
    await copyParts(client, parts, plan, copy, source, ctx)
  }
}

/** CopyObject; sends the source's attributes if some of them are replaced. */
async function copyWhole(client: S3Client, copy: Copy, source: Stat | undefined, ctx: CallContext): Promise<void> {
  const { from, to, options, parameters, conditions } = copy
  const headers: Record<string, string> = {
    ...keptParameters(parameters, options),
    ...conditions,
    'x-amz-copy-source': sourceOf(client, from),
    'x-amz-metadata-directive': source === undefined ? 'COPY' : 'REPLACE',
  }
  if (headers[TAGGING] !== undefined) headers['x-amz-tagging-directive'] = 'REPLACE'
  if (source !== undefined) {
    addAttributes(headers, { ...source, ...givenAttributes(options) }, METADATA_PREFIX)
    Object.assign(headers, pinned(source))
  }
  await client.xml({ method: 'PUT', key: to, headers, body: '' }, ctx)
}

async function copyParts(
  client: S3Client,
  parts: S3Parts,
  plan: PartPlan,
  { from, to, options, parameters, conditions }: Copy,
  source: Stat,
  ctx: CallContext,
): Promise<void> {
  const headers = keptParameters(parameters, options)
  addAttributes(headers, { ...source, ...givenAttributes(options) }, METADATA_PREFIX)
  const target: S3Target = {
    key: to,
    options,
    checksum: 'none',
    headers,
    partHeaders: otherHeaders('part', parameters),
    baseHeaders: otherHeaders('base', parameters),
    conditions: { put: conditions, complete: conditions },
  }
  const named = {
    ...sourceKeyHeaders(parameters),
    'x-amz-copy-source': sourceOf(client, from),
    ...pinned(source),
  }
  await copyInRanges(
    parts,
    target,
    source,
    (upload, range, step) => parts.copyPart(upload, range, named, step),
    plan,
    ctx,
  )
}

/** Headers that make a copy fail if its source has changed from this version. */
function pinned({ etag, modifiedAt }: Stat): Record<string, string> {
  // A weak etag never matches. (RFC 9110, section 13.1.1)
  const match = strongEtag(etag)
  if (match !== undefined) return { 'x-amz-copy-source-if-match': `"${match}"` }
  if (modifiedAt === undefined) return {}
  return { 'x-amz-copy-source-if-unmodified-since': modifiedAt.toUTCString() }
}

/** The storage's parameters that a copy does not take from its source (ACL, encryption, class), and the caller's own, including tags. */
function keptParameters(parameters: Copy['parameters'], options: WriteOptions): Record<string, string> {
  const { extra } = options
  const headers = writeHeaders(parameters, { extra })
  for (const name of Object.keys(headers)) if (isDescriptive(name)) delete headers[name]
  const tags = writeHeaders({}, { extra })[TAGGING]
  if (tags !== undefined) headers[TAGGING] = tags
  return { ...headers, ...sourceKeyHeaders(parameters) }
}

const TAGGING = 'x-amz-tagging'

function isDescriptive(header: string): boolean {
  if (header.startsWith('content-') || header.startsWith(METADATA_PREFIX)) return true
  return header === 'cache-control' || header === 'expires' || header === TAGGING
}

/** A customer's key also decrypts the source. */
function sourceKeyHeaders(parameters: Copy['parameters']): Record<string, string> {
  const headers: Record<string, string> = {}
  const prefix = 'x-amz-server-side-encryption-customer-'
  for (const [name, value] of Object.entries(otherHeaders('part', parameters))) {
    if (name.startsWith(prefix))
      headers[`x-amz-copy-source-server-side-encryption-customer-${name.slice(prefix.length)}`] = value
  }
  return headers
}

/** HEAD of an object, with the parameters for reading it. */
export async function statObject(
  client: S3Client,
  key: string,
  options: StatOptions,
  ctx: CallContext,
  asked: Readonly<Record<string, string>> = {},
): Promise<Stat> {
  const headers = { ...otherHeaders('read', options.objectParameters), ...asked }
  return statOf(await client.done({ method: 'HEAD', key, query: versionQuery(options), headers }, ctx))
}

/** The query for a version. */
export function versionQuery({ versionId }: StatOptions): Array<[string, string]> {
  return versionId === undefined ? [] : [['versionId', versionId]]
}

function sourceOf(client: S3Client, key: string): string {
  return `/${encodeComponent(client.bucketName)}/${encodeKey(key)}`
}

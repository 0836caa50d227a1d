import type { IncomingHttpHeaders } from 'node:http'
import type { FileAttributes, ObjectParameters, Stat, WriteOptions } from '../../core/driver.ts'
import { StorageError } from '../../core/errors.ts'
import { addAttributes } from '../../remote/attribute-headers.ts'
import { checksumsOf } from '../../remote/checksums.ts'
import { dateOf, type HeaderStat, headerTextOf, sizedStat, statOfHeaders } from '../../remote/headers.ts'
import { metadataHeaders } from '../../remote/metadata.ts'
import { ParameterTable, recordOf } from '../../remote/parameters.ts'
import { storedNames, userNames } from './metadata-names.ts'

/** Parameters of uploads. (https://learn.microsoft.com/rest/api/storageservices/put-blob) */
const TABLE: ParameterTable = new ParameterTable('an Azure', [
  ['accessTier', 'x-ms-access-tier'],
  ['blobTier', 'x-ms-access-tier'],
  ['cacheControl', 'x-ms-blob-cache-control'],
  ['contentDisposition', 'x-ms-blob-content-disposition', 'disposition'],
  ['contentEncoding', 'x-ms-blob-content-encoding'],
  ['contentLanguage', 'x-ms-blob-content-language'],
  ['contentMd5', 'x-ms-blob-content-md5', addMd5],
  ['contentType', 'x-ms-blob-content-type'],
  ['encryptionScope', 'x-ms-encryption-scope'],
  ['immutabilityPolicyMode', 'x-ms-immutability-policy-mode'],
  ['immutabilityPolicyUntil', 'x-ms-immutability-policy-until-date', 'http-date'],
  ['leaseId', 'x-ms-lease-id'],
  ['legalHold', 'x-ms-legal-hold'],
  ['metadata', '', addMetadata],
  ['standardBlobTier', 'x-ms-access-tier'],
  ['tags', 'x-ms-tags', 'query'],
])

/** Prefix of the headers with user metadata. */
export const METADATA_PREFIX = 'x-ms-meta-'
const ATTRIBUTE_PREFIX = 'x-ms-blob-'

/** The kind of a request, by the parameters that it supports. */
export type ParameterUse = 'write' | 'block' | 'delete' | 'copy'

const USES: Readonly<Record<ParameterUse, ReadonlySet<string> | undefined>> = {
  write: undefined,
  block: new Set(['encryptionScope', 'leaseId']),
  delete: new Set(['leaseId']),
  copy: new Set([
    ...['accessTier', 'blobTier', 'standardBlobTier', 'encryptionScope', 'leaseId', 'legalHold'],
    ...['immutabilityPolicyMode', 'immutabilityPolicyUntil'],
  ]),
}

/** The parameter's own spelling. Code `invalid_argument`, with the name, for an unknown one. */
export function parameterName(name: string): string {
  return TABLE.nameOf(name)
}

/** Refuses parameters that no upload can have: unknown names, and values that no header can carry. */
export function checkParameters(parameters: ObjectParameters): void {
  TABLE.add({}, parameters)
}

/** The headers of an upload: the storage's parameters, overridden by the call's own attributes and `extra`. */
export function writeHeaders(parameters: ObjectParameters, options: WriteOptions): Record<string, string> {
  const headers: Record<string, string> = {}
  TABLE.add(headers, parameters)
  addFileAttributes(headers, options)
  if (options.extra !== undefined) TABLE.add(headers, options.extra)
  return headers
}

/** The headers of a request other than an upload, from the same parameters. */
export function otherHeaders(
  use: Exclude<ParameterUse, 'write'>,
  ...sources: ReadonlyArray<ObjectParameters | undefined>
): Record<string, string> {
  const headers: Record<string, string> = {}
  for (const parameters of sources) if (parameters !== undefined) TABLE.add(headers, parameters, USES[use])
  return headers
}

/** Tags that the call itself sets: a copy gets no others. */
export function tagHeaders(extra: ObjectParameters | undefined): Record<string, string> {
  const headers: Record<string, string> = {}
  if (extra !== undefined) TABLE.add(headers, extra, new Set(['tags']))
  return headers
}

/** Adds the headers of portable attributes. */
export function addFileAttributes(headers: Record<string, string>, attributes: FileAttributes): void {
  const { metadata, ...texts } = attributes
  addAttributes(headers, texts, METADATA_PREFIX, ATTRIBUTE_PREFIX)
  if (metadata !== undefined) metadataHeaders(headers, storedNames(metadata), METADATA_PREFIX)
}

/** Parses the headers of an answer to GET or HEAD, or the same properties in a listing. */
export function headerStatOf(headers: IncomingHttpHeaders): HeaderStat {
  const stat = statOfHeaders(headers, METADATA_PREFIX)
  const metadata = stat.metadata && userNames(stat.metadata)
  // A folder is marked by its type, or by another tool's metadata on an empty blob.
  const isMarked = stat.size === 0 && /^true$/i.test(metadata?.['hdi_isfolder'] ?? '')
  const isDirectory = isMarked || headers['x-ms-resource-type'] === 'directory'
  return {
    ...stat,
    metadata,
    createdAt: dateOf(headers['x-ms-creation-time']),
    versionId: headerTextOf(headers['x-ms-version-id']),
    storageClass: headerTextOf(headers['x-ms-access-tier']),
    checksums: checksumsOf({ md5: md5In(headers) }, 'base64'),
    ...(isDirectory ? { isDirectory } : {}),
  }
}

/**
 * The MD5 of the whole blob in base64. The service computes it for a blob that is sent with one request. The MD5 of a blob made of blocks
 * is the one that the client set, which the service does not verify; this library sets none. The MD5 of an append or page blob may be older
 * than its bytes, and is not reported. (https://learn.microsoft.com/rest/api/storageservices/get-blob-properties)
 */
function md5In(headers: IncomingHttpHeaders): string | undefined {
  const kind = headerTextOf(headers['x-ms-blob-type'] ?? headers['blobtype'])
  if (kind !== undefined && kind !== 'BlockBlob') return undefined
  // The answer to a range may have the MD5 of the range in the plain header.
  const isPart = headers['content-range'] !== undefined
  return headerTextOf(headers['x-ms-blob-content-md5']) ?? (isPart ? undefined : headerTextOf(headers['content-md5']))
}

/** The same as a `Stat`. Code `unavailable` if the answer does not contain the size. */
export function statOf(headers: IncomingHttpHeaders): Stat {
  return sizedStat(headerStatOf(headers))
}

function addMetadata(headers: Record<string, string>, value: unknown): void {
  const metadata = recordOf('metadata', value)
  metadataHeaders(headers, storedNames(metadata as Record<string, string>), METADATA_PREFIX)
}

/** An MD5 in base64, or its 16 bytes. */
function addMd5(headers: Record<string, string>, value: unknown): void {
  const bytes = value instanceof Uint8Array ? Buffer.from(value) : Buffer.from(String(value), 'base64')
  if (bytes.byteLength !== 16) throw new StorageError('invalid_argument', 'contentMd5 must be an MD5 in base64.')
  headers['x-ms-blob-content-md5'] = bytes.toString('base64')
}

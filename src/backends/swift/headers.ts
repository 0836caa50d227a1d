import type { IncomingHttpHeaders } from 'node:http'
import type { FileAttributes, ObjectParameters, Stat, WriteOptions } from '../../core/driver.ts'
import { StorageError } from '../../core/errors.ts'
import { addAttributes } from '../../remote/attribute-headers.ts'
import { checksumsOf } from '../../remote/checksums.ts'
import { type HeaderStat, headerTextOf, sizedStat, statOfHeaders } from '../../remote/headers.ts'
import { metadataHeaders } from '../../remote/metadata.ts'
import { ParameterTable, recordOf } from '../../remote/parameters.ts'
import { storedNames, userNames } from './names.ts'

/** Prefix of the headers with user metadata. */
export const METADATA_PREFIX = 'x-object-meta-'
/** The content type that programs use to mark an empty object as a folder. */
export const FOLDER_TYPE = 'application/directory'

/** Parameters of uploads. (https://docs.openstack.org/api-ref/object-store/#create-or-replace-object) */
const TABLE: ParameterTable = new ParameterTable('a Swift', [
  ['cacheControl', 'cache-control'],
  ['contentDisposition', 'content-disposition', 'disposition'],
  ['contentEncoding', 'content-encoding'],
  ['contentLanguage', 'content-language'],
  ['contentType', 'content-type'],
  ['deleteAfter', 'x-delete-after', addDeleteAfter],
  ['deleteAt', 'x-delete-at', addDeleteAt],
  ['expires', 'expires', 'http-date'],
  ['metadata', '', addMetadata],
  ['xDeleteAfter', 'x-delete-after', addDeleteAfter],
  ['xDeleteAt', 'x-delete-at', addDeleteAt],
  ['xRobotsTag', 'x-robots-tag'],
])

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
  addExtra(headers, options.extra)
  return headers
}

/** Adds the headers that only this backend has. A new expiry time replaces one of the other kind. */
export function addExtra(headers: Record<string, string>, extra: WriteOptions['extra']): void {
  const own: Record<string, string> = {}
  if (extra !== undefined) TABLE.add(own, extra)
  if (own['x-delete-at'] !== undefined) delete headers['x-delete-after']
  if (own['x-delete-after'] !== undefined) delete headers['x-delete-at']
  Object.assign(headers, own)
}

/** Adds the headers of portable attributes. */
export function addFileAttributes(headers: Record<string, string>, attributes: FileAttributes): void {
  const { metadata, ...texts } = attributes
  addAttributes(headers, texts, METADATA_PREFIX)
  if (metadata !== undefined) metadataHeaders(headers, storedNames(metadata), METADATA_PREFIX)
}

/** Parses the headers of an answer to GET or HEAD. The time is that of `X-Timestamp`, which is exact, as in listings. */
export function headerStatOf(headers: IncomingHttpHeaders): HeaderStat {
  const stat = statOfHeaders(headers, METADATA_PREFIX)
  const isDirectory = stat.size === 0 && isFolderType(stat.contentType)
  return {
    ...stat,
    metadata: stat.metadata && userNames(stat.metadata),
    modifiedAt: timestampOf(headers['x-timestamp']) ?? stat.modifiedAt,
    checksums: checksumsOf({ md5: md5In(headers) }, 'hex'),
    ...(isDirectory ? { isDirectory } : {}),
  }
}

/** The same as a `Stat`. Code `unavailable` if the answer does not contain the size. */
export function statOf(headers: IncomingHttpHeaders): Stat {
  return sizedStat(headerStatOf(headers))
}

/** Whether a content type is that of a folder, with any parameters. */
export function isFolderType(contentType: string | undefined): boolean {
  return (contentType ?? '').split(';', 1)[0]!.trim().toLowerCase() === FOLDER_TYPE
}

/** How an object is composed: not at all, of a list of segments (static), or of all segments with a prefix (dynamic). */
export type LargeKind = 'plain' | 'slo' | 'dlo'

/** The kind of an object, from the headers of an answer about it. */
export function kindOf(headers: IncomingHttpHeaders): LargeKind {
  if (isOn(headers['x-static-large-object'])) return 'slo'
  return headerTextOf(headers['x-object-manifest']) === undefined ? 'plain' : 'dlo'
}

/** Whether Swift interprets the value of a header as true. */
export function isOn(value: string | string[] | undefined): boolean {
  return /^(?:true|1|yes|on|t|y)$/i.test(headerTextOf(value) ?? '')
}

const MD5 = /^[0-9a-f]{32}$/i

/** The MD5 of an object's bytes in hexadecimal; undefined for a large object, whose ETag is not an MD5 of its bytes. */
export function md5In(headers: IncomingHttpHeaders): string | undefined {
  const etag = headerTextOf(headers.etag)
  return etag !== undefined && kindOf(headers) === 'plain' && MD5.test(etag) ? etag.toLowerCase() : undefined
}

const TIMESTAMP = /^\d{1,11}(?:\.\d{1,12})?(?:_[0-9a-f]{1,16})?$/

/** Seconds since 1970 with a fraction, in the format of `X-Timestamp`. */
function timestampOf(value: string | string[] | undefined): Date | undefined {
  if (typeof value !== 'string' || !TIMESTAMP.test(value)) return undefined
  return new Date(Math.floor(Number.parseFloat(value) * 1000))
}

function addMetadata(headers: Record<string, string>, value: unknown): void {
  const metadata = recordOf('metadata', value)
  metadataHeaders(headers, storedNames(metadata as Record<string, string>), METADATA_PREFIX)
}

function addDeleteAfter(headers: Record<string, string>, value: unknown): void {
  headers['x-delete-after'] = String(wholeSeconds('deleteAfter', value))
}

/** A date, or seconds since 1970. */
function addDeleteAt(headers: Record<string, string>, value: unknown): void {
  const secs = value instanceof Date ? Math.floor(value.getTime() / 1000) : value
  headers['x-delete-at'] = String(wholeSeconds('deleteAt', secs))
}

function wholeSeconds(name: string, value: unknown): number {
  const secs = typeof value === 'string' && /^\d{1,12}$/.test(value) ? Number(value) : value
  if (Number.isSafeInteger(secs) && (secs as number) > 0) return secs as number
  throw new StorageError(
    'invalid_argument',
    `${name}: expected whole seconds above 0${name === 'deleteAt' ? ' since 1970, or a date' : ''}.`,
  )
}

/** The same headers with an absolute expiry time, for an object and its segments. */
export function withAbsoluteEnd(headers: Readonly<Record<string, string>>): Record<string, string> {
  const { 'x-delete-after': after, ...others } = headers
  return after === undefined
    ? others
    : { ...others, 'x-delete-at': String(Math.ceil(Date.now() / 1000) + Number(after)) }
}

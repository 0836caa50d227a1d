import type { IncomingHttpHeaders } from 'node:http'
import type { FileAttributes, ObjectParameters, Stat, WriteOptions } from '../../core/driver.ts'
import { StorageError } from '../../core/errors.ts'
import { checksumsOf } from '../../remote/checksums.ts'
import { countOf, dateOf, type HeaderStat, headerTextOf, statOfHeaders } from '../../remote/headers.ts'
import { metadataHeaders } from '../../remote/metadata.ts'
import { dispositionText, headerText, ParameterTable, recordOf } from '../../remote/parameters.ts'

/** Predefined ACLs: names of the JSON API and of the XML API. (https://cloud.google.com/storage/docs/access-control/lists#predefined-acl) */
const ACLS: ReadonlyMap<string, string> = new Map([
  ['authenticatedRead', 'authenticated-read'],
  ['bucketOwnerFullControl', 'bucket-owner-full-control'],
  ['bucketOwnerRead', 'bucket-owner-read'],
  ['private', 'private'],
  ['projectPrivate', 'project-private'],
  ['publicRead', 'public-read'],
  ['publicReadWrite', 'public-read-write'],
])

/** The JSON API's name of an ACL, from either name. Code `invalid_argument`, with `what`, for any other text. */
export function aclName(given: string, what: string): string {
  for (const [json, xml] of ACLS) if (given === json || given === xml) return json
  throw new StorageError('invalid_argument', `${what}: expected one of ${[...ACLS.keys()].join(', ')}.`)
}

/** The XML API's name of an ACL. */
export function aclHeader(name: string): string {
  return ACLS.get(name) ?? name
}

/** Fields of an object that a request sets. (https://cloud.google.com/storage/docs/json_api/v1/objects#resource) */
export interface ObjectFields {
  /** The JSON API's name. */
  readonly acl: string | undefined
  readonly kmsKeyName: string | undefined
  readonly resource: Readonly<Record<string, unknown>>
}

/** A `Stat` with the checksum that shows whether the bytes are the ones that were sent. */
export interface GcsStat extends Stat {
  /** In base64; absent if the service does not report it. */
  readonly crc32c?: string | undefined
}

/** Prefix of the headers with user metadata. */
export const METADATA_PREFIX = 'x-goog-meta-'

/** Parameters of uploads, by the names of the JSON API; Django's names are the same in snake_case. */
const TABLE: ParameterTable = new ParameterTable('a Google Cloud Storage', [
  ['acl', 'acl'],
  ['cacheControl', 'cacheControl'],
  ['contentDisposition', 'contentDisposition', 'disposition'],
  ['contentEncoding', 'contentEncoding'],
  ['contentLanguage', 'contentLanguage'],
  ['contentType', 'contentType'],
  ['customTime', 'customTime', 'iso-date'],
  ['eventBasedHold', 'eventBasedHold'],
  ['kmsKeyName', 'kmsKeyName'],
  ['metadata', 'metadata', (_, value) => void recordOf('metadata', value)],
  ['storageClass', 'storageClass'],
  ['temporaryHold', 'temporaryHold'],
])

/** The parameter's own spelling. Code `invalid_argument`, with the name, for an unknown one. */
export function parameterName(name: string): string {
  return TABLE.nameOf(name)
}

/** Refuses parameters that no upload can have: unknown names, and values that the service cannot store. */
export function checkParameters(parameters: ObjectParameters): void {
  fieldsOf(parameters, {})
}

/** The fields of an upload: the storage's parameters, overridden by the call's own attributes and `extra`. */
export function fieldsOf(parameters: ObjectParameters, options: WriteOptions): ObjectFields {
  const fields: Record<string, string> = {}
  TABLE.add(fields, parameters)
  const { metadata, extra, ...attributes } = options
  addTexts(fields, attributes)
  if (extra !== undefined) TABLE.add(fields, extra)
  const { acl, kmsKeyName, ...texts } = fields
  const resource: Record<string, unknown> = texts
  for (const hold of ['eventBasedHold', 'temporaryHold']) {
    if (fields[hold] !== undefined) resource[hold] = fields[hold] === 'true'
  }
  const merged = { ...metadataIn(parameters), ...metadata, ...metadataIn(extra ?? {}) }
  if (Object.keys(merged).length > 0) resource['metadata'] = merged
  return { acl: acl && aclName(acl, 'acl'), kmsKeyName, resource }
}

/** The fields of portable attributes for a copy. */
export function attributeFields(attributes: FileAttributes): Record<string, unknown> {
  const fields: Record<string, string> = {}
  addTexts(fields, attributes)
  const { metadata } = attributes
  return metadata === undefined ? fields : { ...fields, metadata }
}

function addTexts(fields: Record<string, string>, attributes: FileAttributes): void {
  for (const name of ['contentType', 'contentEncoding', 'contentLanguage', 'cacheControl'] as const) {
    const value = attributes[name]
    if (value !== undefined) fields[name] = headerText(name, value)
  }
  const { contentDisposition } = attributes
  if (contentDisposition !== undefined)
    fields['contentDisposition'] = dispositionText('contentDisposition', contentDisposition)
}

function metadataIn(parameters: ObjectParameters): Record<string, string> {
  const given = Object.entries(parameters).find(([name]) => name.toLowerCase() === 'metadata')?.[1]
  if (given === undefined || given === null) return {}
  const entries = Object.entries(recordOf('metadata', given)).filter(([, value]) => value !== undefined)
  return Object.fromEntries(entries.map(([name, value]) => [name.toLowerCase(), String(value)]))
}

const HEADERS: Readonly<Record<string, string>> = {
  cacheControl: 'cache-control',
  contentDisposition: 'content-disposition',
  contentEncoding: 'content-encoding',
  contentLanguage: 'content-language',
  contentType: 'content-type',
  customTime: 'x-goog-custom-time',
  storageClass: 'x-goog-storage-class',
}

/** The same fields as headers of the XML API. Code `unsupported` for a field without a header. */
export function fieldHeaders({ acl, kmsKeyName, resource }: ObjectFields): Record<string, string> {
  const headers: Record<string, string> = {}
  for (const [name, value] of Object.entries(resource)) {
    const header = HEADERS[name]
    if (name === 'metadata') metadataHeaders(headers, value as Record<string, string>, METADATA_PREFIX)
    else if (header !== undefined) headers[header] = String(value)
    else
      throw new StorageError(
        'unsupported',
        `The parameter ${name} needs the JSON API, which does not accept HMAC keys.`,
      )
  }
  if (acl !== undefined) headers['x-goog-acl'] = aclHeader(acl)
  if (kmsKeyName !== undefined) headers['x-goog-encryption-kms-key-name'] = kmsKeyName
  return headers
}

/** Parses a resource of the JSON API; undefined if it lacks the generation or the size. */
export function statOfResource(resource: Readonly<Record<string, unknown>>): GcsStat {
  const textOf = (name: string): string | undefined => {
    const value = resource[name]
    return typeof value === 'string' ? headerTextOf(value) : undefined
  }
  const generation = textOf('generation')
  return {
    size: countOf(textOf('size')) ?? Number.NaN,
    etag: generation,
    versionId: generation,
    modifiedAt: dateOf(textOf('updated')),
    createdAt: dateOf(textOf('timeCreated')),
    contentType: textOf('contentType'),
    contentEncoding: textOf('contentEncoding'),
    contentDisposition: textOf('contentDisposition'),
    contentLanguage: textOf('contentLanguage'),
    cacheControl: textOf('cacheControl'),
    storageClass: textOf('storageClass'),
    metadata: userMetadata(resource['metadata']),
    crc32c: crc32cOf(resource['crc32c']),
    checksums: checksumsOf({ md5: resource['md5Hash'], crc32c: resource['crc32c'] }, 'base64'),
  }
}

/** A CRC32C in base64; undefined for any other value. */
function crc32cOf(value: unknown): string | undefined {
  return typeof value === 'string' && /^[A-Za-z0-9+/]{6}==$/.test(value) ? value : undefined
}

function userMetadata(given: unknown): Record<string, string> | undefined {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) return undefined
  const texts = Object.entries(given).filter((entry): entry is [string, string] => typeof entry[1] === 'string')
  return texts.length === 0 ? undefined : Object.fromEntries(texts.map(([name, text]) => [name.toLowerCase(), text]))
}

/** Parses the headers of the XML API. The size is that of the stored bytes. */
export function statOfAnswer(headers: IncomingHttpHeaders): HeaderStat & Pick<GcsStat, 'crc32c'> {
  const generation = headerTextOf(headers['x-goog-generation'])
  return {
    ...statOfHeaders(headers, METADATA_PREFIX),
    etag: generation,
    versionId: generation,
    storageClass: headerTextOf(headers['x-goog-storage-class']),
    crc32c: crc32cIn(headers),
    checksums: checksumsOf({ md5: hashIn(headers, 'md5'), crc32c: hashIn(headers, 'crc32c') }, 'base64'),
  }
}

/** The CRC32C of the stored bytes in `x-goog-hash: crc32c=...,md5=...`. */
export function crc32cIn(headers: IncomingHttpHeaders): string | undefined {
  return crc32cOf(hashIn(headers, 'crc32c'))
}

/** A hash in `x-goog-hash`, in base64. (https://cloud.google.com/storage/docs/xml-api/reference-headers#xgooghash) */
function hashIn(headers: IncomingHttpHeaders, name: 'crc32c' | 'md5'): string | undefined {
  const value = headers['x-goog-hash']
  const texts = (Array.isArray(value) ? value.join(',') : (value ?? '')).split(',')
  const found = texts.map(text => text.trim()).find(text => text.startsWith(`${name}=`))
  return found?.slice(name.length + 1)
}

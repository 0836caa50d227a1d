/** What a request says of an object: JSON resources, and headers of the XML API. */
import { predefined, predefinedXml, readAcl } from './acl.ts'
import type { Expected } from './checksums.ts'
import { GcsError, invalid } from './errors.ts'
import type { AclEntry, ObjectSettings } from './store.ts'

/** The storage classes. */
export const storageClasses: readonly string[] =
  'STANDARD,NEARLINE,COLDLINE,ARCHIVE,MULTI_REGIONAL,REGIONAL,DURABLE_REDUCED_AVAILABILITY'.split(',')

const textFields = ['contentType', 'contentEncoding', 'contentDisposition', 'contentLanguage', 'cacheControl'] as const
const flagFields = ['temporaryHold', 'eventBasedHold'] as const

/** Fields of an object resource that only the service sets, or that are read elsewhere, and `token`, which the official client lets slip in: they are not looked at. */
const passive: readonly string[] = (
  'kind,id,selfLink,mediaLink,name,bucket,generation,metageneration,etag,size,md5Hash,crc32c,owner,timeCreated,updated,' +
  'timeDeleted,timeStorageClassUpdated,timeFinalized,componentCount,kmsKeyName,acl,token'
).split(',')

/** What was changed; null takes a field away. */
export type SettingsChange = {
  -readonly [K in keyof ObjectSettings]?: ObjectSettings[K] | undefined
}

function readText(name: string, value: unknown): string {
  if (typeof value !== 'string') throw invalid(`Invalid value for: ${name}: expected a string`)
  if (/[\r\n\0]/.test(value)) throw invalid(`Invalid value for: ${name}: control characters`)
  return value
}

function readTime(value: unknown): string {
  const text = readText('customTime', value)
  const isTime = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$/.test(text)
  if (!isTime || Number.isNaN(Date.parse(text)))
    throw invalid(`Invalid value for: customTime: '${text}' is no RFC 3339 time`)
  return new Date(text).toISOString()
}

function readStorageClass(value: unknown): string {
  const text = readText('storageClass', value).toUpperCase()
  if (storageClasses.includes(text)) return text
  throw new GcsError(400, 'invalid', `Invalid argument: storage class ${text}`, { xml: 'InvalidStorageClass' })
}

/** Custom metadata: strings only, at most 8 KiB. */
export function readMetadata(value: unknown): Record<string, string> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw invalid('Invalid value for: metadata')
  let size = 0
  const found: Record<string, string> = {}
  for (const [name, text] of Object.entries(value)) {
    if (name === '') throw invalid('Invalid value for: metadata: empty key')
    found[name] = readText(`metadata.${name}`, text)
    size += Buffer.byteLength(name) + Buffer.byteLength(found[name])
  }
  if (size > 8192) {
    const message = `The metadata size exceeds the limit of 8192 bytes: ${size}`
    throw new GcsError(400, 'invalid', message, { xml: 'MetadataTooLarge' })
  }
  return found
}

/** The fields that a JSON resource sets or takes away; 400 for a field that there is not. */
export function readResource(resource: Readonly<Record<string, unknown>>): SettingsChange {
  const found: SettingsChange = {}
  for (const [name, value] of Object.entries(resource)) {
    const isNone = value === null || value === undefined
    if (textFields.includes(name as 'contentType')) {
      found[name as 'contentType'] = isNone || value === '' ? undefined : readText(name, value)
    } else if (flagFields.includes(name as 'temporaryHold')) {
      if (!isNone && typeof value !== 'boolean') throw invalid(`Invalid value for: ${name}: expected a boolean`)
      found[name as 'temporaryHold'] = isNone ? undefined : (value as boolean)
    } else if (name === 'metadata') found.metadata = isNone ? undefined : (value as Record<string, string>)
    else if (name === 'customTime') found.customTime = isNone ? undefined : readTime(value)
    else if (name === 'storageClass') {
      if (!isNone) found.storageClass = readStorageClass(value)
    } else if (!passive.includes(name)) {
      throw invalid(`Invalid JSON payload received. Unknown name "${name}": Cannot find field.`)
    }
  }
  return found
}

/** The checksums that a JSON resource expects. */
export function expectedByResource(resource: Readonly<Record<string, unknown>>): Expected {
  const { md5Hash, crc32c } = resource
  return {
    ...(md5Hash === undefined ? {} : { md5: readText('md5Hash', md5Hash) }),
    ...(crc32c === undefined ? {} : { crc32c: readText('crc32c', crc32c) }),
  }
}

/** The ACL that a request asks for by `predefinedAcl` or in its resource; undefined where it asks for none. */
export function askedAcl(
  resource: Readonly<Record<string, unknown>>,
  predefinedName: string | undefined,
  owner: string,
): AclEntry[] | undefined {
  if (predefinedName !== undefined) return predefined(predefinedName, owner, 'object')
  return resource['acl'] === undefined || resource['acl'] === null ? undefined : readAcl(resource['acl'])
}

/** The settings of a new object: what was said, over the defaults. */
export function settingsOf(change: SettingsChange, storageClass: string, acl: readonly AclEntry[]): ObjectSettings {
  const metadata = change.metadata === undefined ? undefined : readMetadata(change.metadata)
  return { ...change, metadata, storageClass: change.storageClass ?? storageClass, acl }
}

/** Text of a header: UTF-8 that Node shows as Latin-1. */
function headerText(value: string): string {
  return Buffer.from(value, 'latin1').toString('utf8')
}

const headerNames: Readonly<Record<string, (typeof textFields)[number]>> = {
  'content-type': 'contentType',
  'content-encoding': 'contentEncoding',
  'content-disposition': 'contentDisposition',
  'content-language': 'contentLanguage',
  'cache-control': 'cacheControl',
}

/** What headers of the XML API say of an object. */
export function readHeaders(headers: Readonly<Record<string, string>>): SettingsChange {
  const found: SettingsChange = {}
  const metadata: Record<string, string> = {}
  for (const [name, value] of Object.entries(headers)) {
    const field = headerNames[name]
    if (field !== undefined && value !== '') found[field] = headerText(value)
    else if (name.startsWith('x-goog-meta-')) metadata[name.slice('x-goog-meta-'.length)] = headerText(value)
  }
  if (Object.keys(metadata).length > 0) found.metadata = metadata
  const storageClass = headers['x-goog-storage-class']
  if (storageClass !== undefined) found.storageClass = readStorageClass(storageClass)
  const customTime = headers['x-goog-custom-time']
  if (customTime !== undefined) found.customTime = readTime(customTime)
  const key = headers['x-goog-encryption-kms-key-name']
  if (key !== undefined) found.kmsKeyName = key
  return found
}

/** The ACL that `x-goog-acl` asks for. */
export function askedXmlAcl(headers: Readonly<Record<string, string>>, owner: string): AclEntry[] | undefined {
  const name = headers['x-goog-acl']
  return name === undefined ? undefined : predefinedXml(name, owner, 'object')
}

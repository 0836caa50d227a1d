import type { IncomingHttpHeaders } from 'node:http'
import type { Checksums, FileAttributes, Stat } from '../../core/driver.ts'
import { countOf, dateOf, etagOf, type HeaderStat, headerTextOf, sizeOf } from '../../remote/headers.ts'
import { dispositionText, headerText } from '../../remote/parameters.ts'
import { checksumIn } from './checksum.ts'
import { tagsIn } from './tags.ts'

/** Tags of the service itself, which are in the same header as those of the user. */
const SYSTEM: ReadonlySet<string> = new Set([
  'atime',
  'mtime',
  'ctime',
  'itime',
  'type',
  'uid',
  'gid',
  'objectid',
  'objname',
  'size',
  'nlink',
  'policyname',
  'x-emc-wschecksum',
])

/** The tag in which libcloud stores the MD5 of the bytes, in hex. */
export const MD5_TAG = 'md5'

/** Prefix of this library's tags, and of user metadata whose names would collide with other tags. */
const OWN = 'holdall-'
const ESCAPED = 'holdall-tag-'

/** Attributes that Atmos cannot store otherwise; it stores the Content-Type itself. */
const KEPT = {
  contentEncoding: `${OWN}content-encoding`,
  contentDisposition: `${OWN}content-disposition`,
  contentLanguage: `${OWN}content-language`,
  cacheControl: `${OWN}cache-control`,
} as const

/** The tags that store the attributes of a file; its Content-Type is a header. */
export function tagsOfAttributes(attributes: FileAttributes): Record<string, string> {
  const tags: Array<[string, string]> = []
  for (const [name, value] of Object.entries(attributes.metadata ?? {})) {
    const isTaken = SYSTEM.has(name) || name === MD5_TAG || name.startsWith(OWN)
    tags.push([isTaken ? ESCAPED + name : name, value])
  }
  for (const name of Object.keys(KEPT) as Array<keyof typeof KEPT>) {
    const value = attributes[name]
    if (value === undefined) continue
    tags.push([KEPT[name], name === 'contentDisposition' ? dispositionText(name, value) : headerText(name, value)])
  }
  return Object.fromEntries(tags)
}

/** The service's information about an object. */
export interface AtmosStat extends HeaderStat {
  readonly objectId: string | undefined
  readonly createdAt: Date | undefined
  readonly isDirectory: boolean | undefined
  /** The MD5 of the bytes in hex, which libcloud and this library store as a tag. */
  readonly md5: string | undefined
}

/** Parses the headers of an answer about an object. A value that cannot be parsed is left out. */
export function statOf(headers: IncomingHttpHeaders): AtmosStat {
  const tags = tagsIn(headers['x-emc-meta'])
  for (const [name, value] of tagsIn(headers['x-emc-listable-meta'])) if (!SYSTEM.has(name)) tags.set(name, value)
  const kept = (name: keyof typeof KEPT): string | undefined => headerTextOf(tags.get(KEPT[name]))
  return {
    ...systemStat(tags),
    etag: etagOf(headers.etag) ?? weakEtag(tags),
    md5: md5In(tags),
    checksums: ownChecksums(headers, tags),
    contentType: headerTextOf(headers['content-type']),
    contentEncoding: kept('contentEncoding'),
    contentDisposition: kept('contentDisposition'),
    contentLanguage: kept('contentLanguage'),
    cacheControl: kept('cacheControl'),
    metadata: userTags(tags),
  }
}

/** Size and times from the tags of the service; a directory has no size. */
export function systemStat(
  tags: ReadonlyMap<string, string>,
): Pick<AtmosStat, 'size' | 'modifiedAt' | 'createdAt' | 'accessedAt' | 'isDirectory' | 'objectId'> {
  const isDirectory = tags.get('type') === 'directory' || undefined
  return {
    size: isDirectory ? 0 : countOf(tags.get('size')),
    modifiedAt: dateOf(tags.get('mtime')),
    createdAt: dateOf(tags.get('itime')),
    accessedAt: dateOf(tags.get('atime')),
    isDirectory,
    objectId: tags.get('objectid') || undefined,
  }
}

/** A public stat, without the fields that only this backend has. */
export function publicStat({ objectId: _, md5: __, size, ...stat }: AtmosStat & { readonly size: number }): Stat {
  return { ...stat, size }
}

/** The service's own checksum, if it covers all bytes. */
function ownChecksums(headers: IncomingHttpHeaders, tags: ReadonlyMap<string, string>): Checksums | undefined {
  const own = checksumIn(headers)
  const { size } = systemStat(tags)
  if (own === undefined || (own.offset !== undefined && own.offset !== (size ?? sizeOf(headers)))) return undefined
  return { [own.algorithm === 'MD5' ? 'md5' : 'sha1']: own.value }
}

/** Object, size and second of the last change. The etag is weak: other bytes in the same second have the same etag. */
function weakEtag(tags: ReadonlyMap<string, string>): string | undefined {
  const parts = [tags.get('objectid'), tags.get('mtime'), tags.get('size')]
  return parts.every(part => part !== undefined && /^[\w:.-]+$/.test(part)) ? `W/"${parts.join('/')}"` : undefined
}

function md5In(tags: ReadonlyMap<string, string>): string | undefined {
  const value = tags.get(MD5_TAG) ?? ''
  return /^[0-9a-f]{32}$/i.test(value) ? value.toLowerCase() : undefined
}

function userTags(tags: ReadonlyMap<string, string>): Record<string, string> | undefined {
  const found: Array<[string, string]> = []
  for (const [name, value] of tags) {
    if (name.startsWith(ESCAPED)) found.push([name.slice(ESCAPED.length), value])
    else if (!SYSTEM.has(name) && name !== MD5_TAG && !name.startsWith(OWN)) found.push([name, value])
  }
  return found.length === 0 ? undefined : Object.fromEntries(found)
}

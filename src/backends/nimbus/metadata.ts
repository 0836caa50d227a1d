import type { FileAttributes } from '../../core/driver.ts'
import { guessType } from '../../core/mime.ts'
import { textOf } from '../../remote/answers.ts'

/** Prefix of metadata names in a query. */
const PREFIX = '__nimbus_io__'
/** Prefix of metadata names for attributes that the service does not support. */
const ATTRIBUTE = 'holdall-'

/** Attributes that are stored as metadata, and their names there. */
const NAMES = {
  contentType: `${ATTRIBUTE}content-type`,
  contentEncoding: `${ATTRIBUTE}content-encoding`,
  contentDisposition: `${ATTRIBUTE}content-disposition`,
  contentLanguage: `${ATTRIBUTE}content-language`,
  cacheControl: `${ATTRIBUTE}cache-control`,
} as const

type Query = ReadonlyArray<readonly [name: string, value: string]>

/**
 * The query parameters that store the attributes of a file. The service supports only user metadata, and guesses type and encoding from the
 * name. These two are stored only if the guess would be wrong.
 */
export function metadataQuery(key: string, attributes: FileAttributes): Query {
  const guess = guessType(key)
  const query: Array<readonly [string, string]> = []
  for (const [field, name] of Object.entries(NAMES) as Array<[keyof typeof NAMES, string]>) {
    const value = attributes[field]
    const guessed = field === 'contentType' || field === 'contentEncoding' ? guess[field] : undefined
    if (value !== undefined && value !== guessed) query.push([PREFIX + name, value])
  }
  for (const [name, value] of Object.entries(attributes.metadata ?? {})) query.push([PREFIX + name, value])
  return query
}

/** The attributes in an answer to `?action=meta`, a list of pairs; an invalid pair is left out. */
export function attributesIn(pairs: readonly unknown[]): FileAttributes {
  const found = new Map<string, string>()
  for (const pair of pairs) {
    const [given, value]: unknown[] = Array.isArray(pair) ? pair : []
    const name = textOf(given)?.toLowerCase()
    if (name === undefined || typeof value !== 'string') continue
    found.set(name.startsWith(PREFIX) ? name.slice(PREFIX.length) : name, value)
  }
  const attributes: Record<string, string> = {}
  for (const [field, name] of Object.entries(NAMES)) {
    const value = found.get(name)
    if (value !== undefined) attributes[field] = value
    found.delete(name)
  }
  return found.size === 0 ? attributes : { ...attributes, metadata: Object.fromEntries(found) }
}

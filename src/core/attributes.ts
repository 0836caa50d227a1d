import type { FileAttributes } from './driver.ts'
import { StorageError } from './errors.ts'
import { hasControls, isHeaderText } from './header-text.ts'
import { kindOf } from './kind.ts'
import type { KnownOptions } from './known-options.ts'

/** The attributes of a file as options of a method. */
export const ATTRIBUTE_OPTIONS: KnownOptions<FileAttributes> = {
  contentType: true,
  contentEncoding: true,
  contentDisposition: true,
  contentLanguage: true,
  cacheControl: true,
  metadata: true,
}

/** Names of the attributes of a file. */
export const ATTRIBUTES: readonly (keyof FileAttributes)[] = Object.keys(ATTRIBUTE_OPTIONS) as (keyof FileAttributes)[]

/** Returns the attributes among other fields. */
export function attributesOf(source: FileAttributes): FileAttributes {
  const { contentType, contentEncoding, contentDisposition, contentLanguage, cacheControl, metadata } = source
  return { contentType, contentEncoding, contentDisposition, contentLanguage, cacheControl, metadata }
}

/** Returns the attributes that are set, without those that are undefined. */
export function givenAttributes(source: FileAttributes): FileAttributes {
  return Object.fromEntries(ATTRIBUTES.filter(name => source[name] !== undefined).map(name => [name, source[name]]))
}

/** Characters of a header's name (RFC 9110, token), in lower case. */
const NAME = /^[!#$%&'*+.^_`|~0-9a-z-]+$/

/**
 * Returns the attributes among other fields in the form that every backend keeps: text without blanks at its ends, names of metadata in
 * lower case. `invalid_argument` for a value that no header can carry: another type, control characters, half surrogates, text outside
 * ASCII except in a disposition (RFC 8187 encodes it) and in metadata values. Also for metadata names that are no tokens (RFC 9110) or
 * differ only in case.
 */
export function checkedAttributes(given: FileAttributes): FileAttributes {
  const { metadata } = given
  return {
    contentType: checkedText('contentType', given),
    contentEncoding: checkedText('contentEncoding', given),
    contentDisposition: checkedText('contentDisposition', given),
    contentLanguage: checkedText('contentLanguage', given),
    cacheControl: checkedText('cacheControl', given),
    metadata: metadata === undefined ? undefined : checkedMetadata(metadata),
  }
}

function checkedText(name: Exclude<keyof FileAttributes, 'metadata'>, given: FileAttributes): string | undefined {
  const value: unknown = given[name]
  if (value === undefined) return undefined
  if (typeof value !== 'string') throw invalid(`${name}: expected text, got ${kindOf(value)}.`)
  if (hasControls(value))
    throw invalid(`${name}: it has characters that no header can carry: ${JSON.stringify(value)}.`)
  if (!value.isWellFormed()) throw invalid(`${name}: it has half of a surrogate pair: ${JSON.stringify(value)}.`)
  if (name !== 'contentDisposition' && !isHeaderText(value)) {
    throw invalid(`${name}: expected ASCII, got ${JSON.stringify(value)}.`)
  }
  return value.trim()
}

function checkedMetadata(metadata: Readonly<Record<string, unknown>>): Readonly<Record<string, string>> {
  if (typeof metadata !== 'object' || metadata === null || Array.isArray(metadata)) {
    throw invalid(
      `metadata: expected an object of texts, got ${Array.isArray(metadata) ? 'a list' : kindOf(metadata)}.`,
    )
  }
  const values = new Map<string, string>()
  for (const [given, value] of Object.entries(metadata)) {
    if (value === undefined) continue
    const name = given.toLowerCase()
    if (!NAME.test(name)) {
      throw invalid(`'${given}' cannot be the name of metadata. Use letters, digits and the signs !#$%&'*+-.^_\`|~.`)
    }
    if (values.has(name)) throw invalid(`metadata: two names are '${name}' in lower case.`)
    if (typeof value !== 'string') throw invalid(`metadata '${given}': expected text, got ${kindOf(value)}.`)
    if (!value.isWellFormed()) throw invalid(`metadata '${given}': it has half of a surrogate pair.`)
    values.set(name, value)
  }
  return Object.fromEntries(values)
}

function invalid(text: string): StorageError {
  return new StorageError('invalid_argument', text)
}

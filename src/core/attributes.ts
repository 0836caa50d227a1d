import type { FileAttributes } from './driver.ts'

/** Names of the attributes of a file. */
export const ATTRIBUTES: readonly (keyof FileAttributes)[] = [
  'contentType',
  'contentEncoding',
  'contentDisposition',
  'contentLanguage',
  'cacheControl',
  'metadata',
]

/** The attributes among other fields. */
export function attributesOf(source: FileAttributes): FileAttributes {
  const { contentType, contentEncoding, contentDisposition, contentLanguage, cacheControl, metadata } = source
  return { contentType, contentEncoding, contentDisposition, contentLanguage, cacheControl, metadata }
}

/** The attributes that are given, without those that are undefined. */
export function givenAttributes(source: FileAttributes): FileAttributes {
  return Object.fromEntries(ATTRIBUTES.filter(name => source[name] !== undefined).map(name => [name, source[name]]))
}

/** Headers of the XML API: those that a write answers, and Amazon's names for Google's. */

import { storedHeaders } from './download.ts'
import { etagOf } from './etag.ts'
import type { StoredObject } from './store.ts'

/** What a write answers. */
export function xmlWriteHeaders(object: StoredObject): Record<string, string> {
  return { etag: etagOf(object, 'xml'), ...storedHeaders(object, 'xml') }
}

/** The headers with `x-amz-*` under Google's names as well, as the service reads requests that were signed the other way. */
export function googleHeaders(headers: Readonly<Record<string, string>>): Record<string, string> {
  const found: Record<string, string> = { ...headers }
  for (const [name, value] of Object.entries(headers)) {
    if (name.startsWith('x-amz-')) found[`x-goog-${name.slice('x-amz-'.length)}`] ??= value
  }
  return found
}

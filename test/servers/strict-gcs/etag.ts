/** ETags of objects: opaque in the JSON API, the MD5 in quotes in the XML API. */
import type { StoredObject } from './store.ts'

/** The ETag of an object as one of the APIs tells it. */
export function etagOf(object: StoredObject, api: 'json' | 'xml' = 'json'): string {
  if (api === 'xml' && object.md5 !== undefined) return `"${Buffer.from(object.md5, 'base64').toString('hex')}"`
  const bytes = Buffer.alloc(13)
  bytes[0] = 8
  bytes.writeBigUInt64BE(object.generation, 1)
  bytes.writeUInt32BE(Number(object.metageneration), 9)
  const text = bytes.toString('base64')
  return api === 'xml' ? `"-${text}"` : text
}

import { isWeakEtag } from '../../core/etags.ts'

/** Which storage an etag or the id of a version is from. */
export type SideName = 'from' | 'to'

const FROM = 'from-'
const TO = 'to-'

/**
 * Returns an etag (or the id of a version) that names its storage, so that two versions of one file never have the same one. That of `to` stays
 * as it is: it is valid after the migration, too.
 */
export function marked<T extends string | undefined>(side: SideName, etag: T): T {
  if (etag === undefined) return etag
  const [open, text] = isWeakEtag(etag) ? ['W/"', etag.slice(3)] : ['', etag]
  const mark = side === 'from' ? FROM : text.startsWith(FROM) || text.startsWith(TO) ? TO : ''
  return `${open}${mark}${text}` as T
}

/** Returns the storage's own etag, and which storage it is from. */
export function unmarked(etag: string): { readonly side: SideName; readonly etag: string } {
  const [open, text] = isWeakEtag(etag) ? ['W/"', etag.slice(3)] : ['', etag]
  if (text.startsWith(FROM)) return { side: 'from', etag: open + text.slice(FROM.length) }
  return { side: 'to', etag: open + (text.startsWith(TO) ? text.slice(TO.length) : text) }
}

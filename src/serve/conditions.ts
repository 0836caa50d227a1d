import type { Stat } from '../core/driver.ts'
import { isWeakEtag } from '../core/etags.ts'

/** Returns the `ETag` of a file as a header value, weak where the backend's is; undefined where the backend keeps none. (RFC 9110 8.8.3) */
export function entityTag({ etag }: Stat): string | undefined {
  if (etag === undefined || etag === '') return undefined
  const isWeak = isWeakEtag(etag)
  const opaque = isWeak ? etag.slice(3, -1) : etag
  const escaped = opaque.replace(/[^\x21\x23-\x7e]/g, character => `%${character.charCodeAt(0).toString(16)}`)
  return `${isWeak ? 'W/' : ''}"${escaped}"`
}

/** Evaluates the preconditions of a request: 200 to continue, 304 or 412 to end here. (RFC 9110 13.2.2) */
export function checkConditions(request: Headers, stat: Stat): 200 | 304 | 412 {
  const tag = entityTag(stat)
  const modified = wholeSeconds(stat.modifiedAt)
  const ifMatch = request.get('if-match')
  const unmodifiedSince = parseDate(request.get('if-unmodified-since'))
  if (ifMatch !== null) {
    if (!matches(ifMatch, tag, true)) return 412
  } else if (unmodifiedSince !== undefined && modified !== undefined && modified > unmodifiedSince) {
    return 412
  }
  const ifNoneMatch = request.get('if-none-match')
  if (ifNoneMatch !== null) return matches(ifNoneMatch, tag, false) ? 304 : 200
  const modifiedSince = parseDate(request.get('if-modified-since'))
  return modifiedSince !== undefined && modified !== undefined && modified <= modifiedSince ? 304 : 200
}

/** Each character is read at most twice: an unterminated tag contains no `"` at which another attempt could start. */
const ENTITY_TAG = /(W\/)?("[\x21\x23-\x7e\x80-\xff]*")/g

/** Whether a list of entity tags, or `*`, contains this one; a strong comparison never matches a weak tag. (RFC 9110 8.8.3.2) */
function matches(list: string, tag: string | undefined, strong: boolean): boolean {
  if (list === '*') return true
  if (tag === undefined || (strong && isWeakEtag(tag))) return false
  const own = tag.slice(tag.indexOf('"'))
  for (const [, weak, opaque] of list.matchAll(ENTITY_TAG)) {
    if (opaque === own && !(strong && weak !== undefined)) return true
  }
  return false
}

/** A part of a file; `end` is exclusive. */
export interface Part {
  readonly start: number
  readonly end: number
}

/**
 * Returns the requested part: undefined for the whole file (no, several or malformed ranges, another version by `If-Range`),
 * 'unsatisfiable' for a 416. (RFC 9110 14.2, 13.1.5)
 */
export function requestedPart(request: Headers, stat: Stat): Part | 'unsatisfiable' | undefined {
  const range = /^bytes=(\d*)-(\d*)$/i.exec(request.get('range') ?? '')
  if (range === null || !sameVersion(request.get('if-range'), stat)) return undefined
  const [, first = '', last = ''] = range
  if (first === '' && last === '') return undefined
  if (first === '') {
    const length = Math.min(Number(last), stat.size)
    return length === 0 ? 'unsatisfiable' : { start: stat.size - length, end: stat.size }
  }
  const start = Number(first)
  const end = last === '' ? stat.size : Math.min(Number(last) + 1, stat.size)
  if (last !== '' && Number(last) < start) return undefined
  return start >= stat.size ? 'unsatisfiable' : { start, end }
}

function sameVersion(ifRange: string | null, stat: Stat): boolean {
  if (ifRange === null) return true
  if (ifRange.startsWith('"')) return ifRange === entityTag(stat)
  const date = parseDate(ifRange)
  return date !== undefined && date === wholeSeconds(stat.modifiedAt)
}

/** The three forms of an HTTP date. (RFC 9110 5.6.7) */
const FIXDATE = /^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/
const RFC850 = /^[A-Z][a-z]{5,8}, \d{2}-[A-Z][a-z]{2}-\d{2} \d{2}:\d{2}:\d{2} GMT$/
const ASCTIME = /^[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d{2}:\d{2}:\d{2} \d{4}$/

/** Parses an HTTP date (always GMT); undefined for anything else. */
function parseDate(value: string | null): number | undefined {
  if (value === null) return undefined
  const isAsctime = ASCTIME.test(value)
  if (!isAsctime && !FIXDATE.test(value) && !RFC850.test(value)) return undefined
  const time = Date.parse(isAsctime ? `${value} GMT` : value)
  return Number.isNaN(time) ? undefined : time
}

function wholeSeconds(date: Date | undefined): number | undefined {
  return date === undefined ? undefined : Math.floor(date.getTime() / 1000) * 1000
}

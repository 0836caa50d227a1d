import type { Stat } from '../core/driver.ts'

/** The `ETag` of a file as a header value; undefined where the backend keeps none. (RFC 9110 8.8.3) */
export function entityTag(stat: Stat): string | undefined {
  if (stat.etag === undefined || stat.etag === '') return undefined
  return `"${stat.etag.replace(/[^\x21\x23-\x7e]/g, character => `%${character.charCodeAt(0).toString(16)}`)}"`
}

/** What a request's preconditions say: 200 to go on, 304 or 412 to end here. (RFC 9110 13.2.2) */
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

/** Whether a list of entity tags, or `*`, holds this one; a strong comparison never takes a weak tag. (RFC 9110 8.8.3.2) */
function matches(list: string, tag: string | undefined, strong: boolean): boolean {
  if (list.trim() === '*') return true
  if (tag === undefined) return false
  for (const [, weak, opaque] of list.matchAll(/(W\/)?("[\x21\x23-\x7e\x80-\xff]*")/g)) {
    if (opaque === tag && !(strong && weak !== undefined)) return true
  }
  return false
}

/** A part of a file; `end` is exclusive. */
export interface Part {
  readonly start: number
  readonly end: number
}

/**
 * The part that a request asks for: undefined for all of it (no, several or malformed ranges, another version by `If-Range`),
 * 'unsatisfiable' for a 416. (RFC 9110 14.2, 13.1.5)
 */
export function requestedPart(request: Headers, stat: Stat): Part | 'unsatisfiable' | undefined {
  const range = /^bytes[ \t]*=[ \t]*(\d*)[ \t]*-[ \t]*(\d*)$/i.exec(request.get('range')?.trim() ?? '')
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
  const value = ifRange.trim()
  if (value.startsWith('"')) return value === entityTag(stat)
  if (value.startsWith('W/')) return false
  const date = parseDate(value)
  return date !== undefined && date === wholeSeconds(stat.modifiedAt)
}

/** An HTTP date in any of its three forms, all in GMT; undefined for anything else. (RFC 9110 5.6.7) */
function parseDate(value: string | null): number | undefined {
  const text = value?.trim() ?? ''
  const isAsctime = /^[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d [\d:]{8} \d{4}$/.test(text)
  const time =
    isAsctime || /^[A-Z][a-z]+, .* GMT$/.test(text) ? Date.parse(isAsctime ? `${text} GMT` : text) : Number.NaN
  return Number.isNaN(time) ? undefined : time
}

function wholeSeconds(date: Date | undefined): number | undefined {
  return date === undefined ? undefined : Math.floor(date.getTime() / 1000) * 1000
}

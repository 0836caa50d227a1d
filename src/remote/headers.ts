import type { IncomingHttpHeaders } from 'node:http'
import type { Stat } from '../core/driver.ts'
import { StorageError } from '../core/errors.ts'
import { hasControls } from '../core/header-text.ts'
import { metadataOf } from './metadata.ts'

/** What the headers of an answer contain about a file. The size is undefined if they do not contain it. */
export type HeaderStat = Omit<Stat, 'size'> & { readonly size: number | undefined }

/**
 * Parses the headers of an answer to GET or HEAD (RFC 9110, section 8). The size is that of the whole file, also in the answer to a range.
 * A value that cannot be parsed is left out. User metadata is in headers whose names begin with `metadataPrefix`.
 */
export function statOfHeaders(headers: IncomingHttpHeaders, metadataPrefix?: string): HeaderStat {
  return {
    size: sizeOf(headers),
    modifiedAt: dateOf(headers['last-modified']),
    etag: etagOf(headers.etag),
    contentType: headerTextOf(headers['content-type']),
    contentEncoding: headerTextOf(headers['content-encoding']),
    contentDisposition: headerTextOf(headers['content-disposition']),
    contentLanguage: headerTextOf(headers['content-language']),
    cacheControl: headerTextOf(headers['cache-control']),
    metadata: metadataPrefix === undefined ? undefined : metadataOf(headers, metadataPrefix),
  }
}

/** The same as a `Stat`. Code `unavailable` if the answer does not contain the size. */
export function sizedStat(stat: HeaderStat): Stat {
  if (isSized(stat)) return stat
  throw new StorageError('unavailable', 'The service does not report the size of the file.', {
    retryable: false,
    outcome: 'not_applied',
  })
}

function isSized(stat: HeaderStat): stat is Stat {
  return stat.size !== undefined
}

const BYTES = /^\d{1,15}$/

/** A number of bytes; undefined for any other text. */
export function countOf(text: string | undefined): number | undefined {
  const digits = text?.trim()
  return digits !== undefined && BYTES.test(digits) ? Number(digits) : undefined
}

/** The size of the whole file in bytes: the total of `content-range`, else `content-length`; undefined if neither contains it. */
export function sizeOf(headers: IncomingHttpHeaders): number | undefined {
  const range = headers['content-range']
  const text = range === undefined ? headers['content-length'] : range.slice(range.lastIndexOf('/') + 1)
  return countOf(text)
}

/** A header's value; undefined if it is repeated, empty, or has control characters, which no request can send. */
export function headerTextOf(value: string | string[] | undefined): string | undefined {
  if (typeof value !== 'string' || value === '' || hasControls(value)) return undefined
  return value
}

/**
 * An etag without its quotes, for `Stat.etag`. A weak etag keeps its mark, `W/"abc"`: it means that two versions are equivalent, not that
 * their bytes are equal, and `If-Match` never matches it (RFC 9110, sections 8.8.3 and 13.1.1).
 */
export function etagOf(value: string | undefined): string | undefined {
  const text = headerTextOf(value?.trim())
  if (text === undefined) return undefined
  const weak = /^w\/"?([^"]*)"?$/i.exec(text)
  if (weak !== null) return weak[1] === '' ? undefined : `W/"${weak[1]}"`
  return /^"[^"]+"$/.test(text) ? text.slice(1, -1) : text === '""' ? undefined : text
}

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec']
const DAY = '(?:[a-z]{3,9},?[ ]{1,2})?'
const TIME = '(\\d{1,2}):(\\d{2})(?::(\\d{2})(?:\\.\\d{1,9})?)?'
/** `Sun, 06 Nov 1994 08:49:37 GMT` and `Sunday, 06-Nov-94 08:49:37 GMT`, with other zones as mail has them. */
const DAY_FIRST = new RegExp(`^${DAY}(\\d{1,2})[ -]([a-z]{3})[a-z]{0,6}[ -](\\d{4}|\\d{2}) ${TIME}(?: (.{1,6}))?$`, 'i')
/** `Sun Nov  6 08:49:37 1994`, which means UTC. */
const MONTH_FIRST = new RegExp(`^${DAY}([a-z]{3}) {1,2}(\\d{1,2}) ${TIME} (\\d{4})$`, 'i')
/** `Sun, 06 Nov 1994 08:49:37 GMT` */
const FIXED = /^[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:[0-5]\d GMT$/
const ISO = /^\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(Z|[+-]\d{2}:?\d{2})?)?$/i
const MAX_DATE = 64

/**
 * Parses the time in a header or a listing: the three formats of RFC 9110 section 5.6.7 (RFC 1123, RFC 850, asctime) and ISO 8601. A time
 * without a zone is UTC. Undefined for any other text.
 */
export function dateOf(value: string | string[] | undefined): Date | undefined {
  if (typeof value !== 'string' || value.length > MAX_DATE) return undefined
  const text = value.trim()
  // The usual format. `Date` parses it at a third of the cost; a day that does not exist in its month is checked below.
  const fixed = FIXED.test(text) ? new Date(text) : undefined
  if (fixed?.getUTCDate() === Number(text.slice(5, 7))) return fixed
  const iso = ISO.exec(text)
  if (iso !== null) return valid(Date.parse(iso[1] === undefined && text.length > 10 ? `${text}Z` : text))
  const first = DAY_FIRST.exec(text)
  if (first !== null) {
    const [, day, month, year, hour, minute, second, zone] = first
    const offset = offsetOf(zone)
    return offset === undefined ? undefined : timeOf([year, month, day, hour, minute, second], offset)
  }
  const [, month, day, hour, minute, second, year] = MONTH_FIRST.exec(text) ?? []
  return year === undefined ? undefined : timeOf([year, month, day, hour, minute, second], 0)
}

type Text = string | undefined
type Parts = readonly [year: Text, month: Text, day: Text, hour: Text, minute: Text, second: Text]

function timeOf([year = '', month = '', day, hour, minute, second = '0']: Parts, offsetMs: number): Date | undefined {
  const index = MONTHS.indexOf(month.toLowerCase())
  const [date, hours, minutes, seconds] = [day, hour, minute, second].map(Number) as [number, number, number, number]
  if (index < 0 || date < 1 || hours > 23 || minutes > 59 || seconds > 60) return undefined
  const whole = year.length === 4 ? Number(year) : fullYear(Number(year))
  const time = Date.UTC(whole, index, date, hours, minutes, seconds)
  // The 31st of a month with 30 days is not a date.
  if (seconds < 60 && new Date(time).getUTCDate() !== date) return undefined
  return valid(time - offsetMs)
}

/** A two-digit year that would be more than 50 years ahead is the most recent past year with these digits (RFC 9110). */
function fullYear(digits: number): number {
  const now = new Date().getUTCFullYear()
  const year = now - (now % 100) + digits
  return year > now + 50 ? year - 100 : year
}

function offsetOf(zone: string | undefined): number | undefined {
  if (zone === undefined || /^(?:gmt|utc?|z)$/i.test(zone)) return 0
  const [, sign, hours, minutes] = /^([+-])(\d{2}):?(\d{2})$/.exec(zone) ?? []
  if (sign === undefined) return undefined
  return (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes)) * 60_000
}

function valid(time: number): Date | undefined {
  return Number.isNaN(time) ? undefined : new Date(time)
}

/** The Content-Range header of a part of a resumable upload. */
import { GcsError } from './errors.ts'

/** What it says. */
export interface ContentRange {
  /** Undefined for a status query. */
  readonly first: number | undefined
  /** Undefined where the part goes on to the end of the body. */
  readonly last: number | undefined
  /** Undefined for `*`. */
  readonly total: number | undefined
  /** Whether the upload ends with this part. */
  readonly isLast: boolean
}

/** Reads the header; without one the body is the whole upload. 400 for anything else. */
export function readContentRange(header: string | undefined, length: number): ContentRange {
  if (header === undefined) return { first: 0, last: undefined, total: length, isLast: true }
  const query = /^bytes \*\/(\*|\d{1,15})$/.exec(header)
  if (query !== null) {
    const total = query[1] === '*' ? undefined : Number(query[1])
    return { first: undefined, last: undefined, total, isLast: false }
  }
  const part = /^bytes (\d{1,15})-(\*|\d{1,15})\/(\*|\d{1,15})$/.exec(header)
  if (part === null) throw malformed(header)
  const first = Number(part[1])
  const total = part[3] === '*' ? undefined : Number(part[3])
  if (part[2] === '*') return { first, last: undefined, total, isLast: true }
  const last = Number(part[2])
  if (last < first || (total !== undefined && last >= total)) throw malformed(header)
  return { first, last, total, isLast: total !== undefined && last + 1 === total }
}

function malformed(header: string): GcsError {
  const text = `Failed to parse Content-Range header: ${header}`
  return new GcsError(400, 'badRequest', text, { plain: text })
}

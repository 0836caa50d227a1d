/** Bodies of several parts: `multipart/related`, `multipart/mixed` and `multipart/form-data` (RFC 2046). */
import { GcsError } from './errors.ts'

/** One part. */
export interface MimePart {
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
}

function malformed(why: string): GcsError {
  return new GcsError(400, 'badRequest', `Malformed multipart body: ${why}.`, { xml: 'MalformedPOSTRequest' })
}

/** Headers of text with one on each line. */
export function readHead(text: string): Record<string, string> {
  const headers: Record<string, string> = {}
  for (const line of text.split('\r\n')) {
    if (line === '') continue
    const colon = line.indexOf(':')
    if (colon <= 0) throw malformed('a header has no colon')
    headers[line.slice(0, colon).trim().toLowerCase()] = line.slice(colon + 1).trim()
  }
  return headers
}

/** Splits a body; 400 unless it is of this type, and whole. */
export function splitParts(body: Buffer, contentType: string, type: string): MimePart[] {
  if (!contentType.toLowerCase().startsWith(`${type};`)) throw malformed(`the Content-Type is not ${type}`)
  const match = /;\s*boundary=(?:"([^"]{1,70})"|([^\s;"]{1,70}))/i.exec(contentType)
  const boundary = match?.[1] ?? match?.[2]
  if (boundary === undefined) throw malformed('the boundary is missing')
  const mark = Buffer.from(`\r\n--${boundary}`)
  const all = Buffer.concat([Buffer.from('\r\n'), body])
  const parts: MimePart[] = []
  let at = all.indexOf(mark)
  if (at === -1) throw malformed('there is no part')
  for (;;) {
    at += mark.length
    if (all.toString('latin1', at, at + 2) === '--') return parts
    while (all[at] === 0x20 || all[at] === 0x09) at++
    if (all.toString('latin1', at, at + 2) !== '\r\n') throw malformed('a delimiter is followed by something else')
    const end = all.indexOf(mark, at)
    if (end === -1) throw malformed('the last delimiter is missing')
    const headEnd = all.indexOf('\r\n\r\n', at)
    if (headEnd === -1 || headEnd > end) throw malformed('a part has no head')
    parts.push({
      headers: readHead(all.toString('utf8', at + 2, headEnd)),
      body: all.subarray(headEnd + 4, Math.max(end, headEnd + 4)),
    })
    at = end
  }
}

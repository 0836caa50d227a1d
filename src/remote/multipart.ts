import { nodeCrypto } from '../core/builtin.ts'
import { StorageError } from '../core/errors.ts'

/** A request within a batch. */
export interface BatchedRequest {
  readonly method: string
  /** Path and query, encoded. */
  readonly target: string
  readonly headers: Readonly<Record<string, string>>
}

/** An answer within the answer to a batch. */
export interface BatchedAnswer {
  /** Index of the request that it answers, counted from 0; undefined if the answer does not contain it. */
  readonly place: number | undefined
  readonly status: number
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  readonly bodyText: string
}

const CRLF = '\r\n'

/** The body of a batch: `multipart/mixed` of HTTP requests without bodies; their ids are their indexes. (RFC 2046, section 5.1) */
export function batchBody(requests: readonly BatchedRequest[]): {
  readonly contentType: string
  readonly body: Buffer
} {
  const boundary = `batch_${nodeCrypto().randomUUID()}`
  const parts = requests.map(({ method, target, headers }, place) => {
    const head = Object.entries(headers).map(([name, value]) => `${name}: ${value}${CRLF}`)
    const about = `content-type: application/http${CRLF}content-transfer-encoding: binary${CRLF}content-id: ${place}${CRLF}`
    return `--${boundary}${CRLF}${about}${CRLF}${method} ${target} HTTP/1.1${CRLF}${head.join('')}${CRLF}`
  })
  return {
    contentType: `multipart/mixed; boundary=${boundary}`,
    body: Buffer.from(`${parts.join('')}--${boundary}--${CRLF}`),
  }
}

/**
 * The answers in the answer to a batch, in its order. A part may end without a blank line and may lack its id. Code `unavailable`, outcome
 * `unknown`, for a body of another format or one that is truncated.
 */
export function batchAnswers(contentType: string | undefined, text: string): BatchedAnswer[] {
  const [, quoted, plain] =
    /^multipart\/mixed\s{0,8};\s{0,8}boundary=(?:"([^"]{1,70})"|([^\s;"]{1,70}))/i.exec(contentType ?? '') ?? []
  const boundary = quoted ?? plain
  if (boundary === undefined) throw noBatch('its type is not multipart/mixed')
  const lines = text.split(/\r?\n/)
  const answers: BatchedAnswer[] = []
  let part: string[] | undefined
  for (const line of lines) {
    const mark = line.startsWith(`--${boundary}`) ? line.slice(boundary.length + 2).trimEnd() : undefined
    if (mark !== '' && mark !== '--') {
      part?.push(line)
      continue
    }
    if (part !== undefined) answers.push(answerOf(part))
    if (mark === '--') return answers
    part = []
  }
  throw noBatch('it is cut short')
}

function answerOf(lines: readonly string[]): BatchedAnswer {
  const about = headersIn(lines, 0)
  let at = about.end
  while (lines[at] === '') at++
  const status = /^HTTP\/\d(?:\.\d)? (\d{3})(?: |$)/.exec(lines[at] ?? '')?.[1]
  if (status === undefined) throw noBatch('a part of it has no status')
  const { headers, end } = headersIn(lines, at + 1)
  const place = /^<?(?:response-)?(\d{1,6})>?$/.exec(about.headers['content-id'] ?? headers['content-id'] ?? '')?.[1]
  return {
    place: place === undefined ? undefined : Number(place),
    status: Number(status),
    headers,
    bodyText: lines.slice(end).join('\n').trim(),
  }
}

/** The headers from a line on; `end` is the first line after the blank line that ends them. */
function headersIn(lines: readonly string[], start: number): { headers: Record<string, string>; end: number } {
  const found = new Map<string, string>()
  let at = start
  for (; at < lines.length && lines[at] !== ''; at++) {
    const line = lines[at]!
    const colon = line.indexOf(':')
    if (colon > 0) found.set(line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim())
  }
  return { headers: Object.fromEntries(found), end: at + 1 }
}

function noBatch(why: string): StorageError {
  return new StorageError('unavailable', `The answer to a batch cannot be read: ${why}.`, { outcome: 'unknown' })
}

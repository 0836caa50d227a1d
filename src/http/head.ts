import type { IncomingHttpHeaders } from 'node:http'

/** The first lines of an answer. */
export interface AnswerHead {
  readonly status: number
  /** Names in lower case, repeated ones joined as by node:http. */
  readonly headers: IncomingHttpHeaders
  /** Whether the server speaks HTTP/1.0, which closes its connections unless it says otherwise. */
  readonly old: boolean
}

/** An answer that is not HTTP/1.1, so that nobody can tell where it ends. */
export class MalformedAnswer extends Error {
  readonly code = 'ERR_MALFORMED_ANSWER'

  constructor(what: string) {
    super(`the answer is not valid HTTP: ${what}`)
  }
}

/** What no head contains: a NUL, and a CR or LF that does not end a line. (RFC 9112 section 2.2) */
const STRAY = /\0|\r(?!\n)|[^\r]\n|^\n/
const STATUS_LINE = /^HTTP\/1\.([01]) ([1-9]\d\d)(?: |$)/

/** Headers of which only the first counts, as in node:http. (https://nodejs.org/api/http.html#messageheaders) */
const SINGLE: ReadonlySet<string> = new Set(
  (
    'age authorization content-length content-type etag expires from host if-modified-since if-unmodified-since ' +
    'last-modified location max-forwards proxy-authorization referer retry-after server user-agent'
  ).split(' '),
)

/** Reads status line and headers, in Latin-1 and without the empty line at their end. (RFC 9112 sections 4 and 5) */
export function parseHead(text: string): AnswerHead {
  if (STRAY.test(text)) throw new MalformedAnswer('a stray line end in its headers')
  const lines = text.split('\r\n')
  const start = STATUS_LINE.exec(lines[0]!)
  if (start === null) throw new MalformedAnswer('no status line')
  const headers: IncomingHttpHeaders = {}
  for (let at = 1; at < lines.length; at++) {
    let line = lines[at]!
    // A folded value, which HTTP/1.1 forbids and old servers send. (RFC 9112 section 5.2)
    while (isFolded(lines[at + 1])) line += ` ${lines[++at]!.trim()}`
    const colon = line.indexOf(':')
    if (colon <= 0 || isBlank(line.charCodeAt(colon - 1)) || isBlank(line.charCodeAt(0))) {
      throw new MalformedAnswer('a header line without a name')
    }
    add(headers, line.slice(0, colon).toLowerCase(), trimmed(line, colon + 1))
  }
  return { status: Number(start[2]), headers, old: start[1] === '0' }
}

function isFolded(line: string | undefined): boolean {
  return line !== undefined && isBlank(line.charCodeAt(0))
}

function isBlank(code: number): boolean {
  return code === 32 || code === 9
}

/** Without the blanks around it; other white space, such as a no-break space, belongs to the value. */
function trimmed(line: string, from: number): string {
  let to = line.length
  while (from < to && isBlank(line.charCodeAt(from))) from++
  while (to > from && isBlank(line.charCodeAt(to - 1))) to--
  return line.slice(from, to)
}

function add(headers: IncomingHttpHeaders, name: string, value: string): void {
  const before = headers[name]
  if (name === 'set-cookie') headers[name] = Array.isArray(before) ? [...before, value] : [value]
  else if (typeof before !== 'string') headers[name] = value
  else if (!SINGLE.has(name)) headers[name] = `${before}, ${value}`
  else if (name === 'content-length' && before !== value) throw new MalformedAnswer('two lengths')
}

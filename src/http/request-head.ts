import { StorageError } from '../core/errors.ts'

/** What the body of a request is, as far as its headers tell. */
export interface BodyKind {
  /** Bytes; undefined for a stream of unknown length, 0 where there is no body. */
  readonly size: number | undefined
  readonly isStream: boolean
}

/** The first lines of a request, as they are sent. */
export interface RequestHead {
  /** In Latin-1, with the empty line at its end. */
  readonly text: string
  /** The announced length in bytes. */
  readonly length: number | undefined
  /** Whether the body goes in chunked coding. */
  readonly chunked: boolean
  /** Whether the server is asked before the body is sent. */
  readonly expects: boolean
}

const TOKEN = /^[\w!#$%&'*+.^`|~-]+$/
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/
const LENGTH = /^\d{1,15}$/
const TARGET = /^[\x21-\x7e]+$/

/** Headers that every request to an origin has unless its own say otherwise: `Host`, and what a proxy wants. */
export interface CommonHeaders {
  readonly host: string
  readonly proxyAuthorization: string | undefined
}

/** Writes the head of a request. What would make it another request is an `invalid_argument`. (RFC 9112 section 3, RFC 9110 section 5) */
export function requestHead(
  method: string,
  target: string,
  headers: Readonly<Record<string, string>>,
  body: BodyKind,
  common: CommonHeaders,
): RequestHead {
  if (!TOKEN.test(method)) throw refused(method, 'it is no method')
  if (!TARGET.test(target)) throw refused(method, 'its path has a character that must be percent-encoded')
  let text = `${method} ${target} HTTP/1.1\r\n`
  let host = false
  let connection = false
  let expects = false
  let chunked = false
  let length: number | undefined
  for (const name in headers) {
    const value = headers[name]
    if (value === undefined) continue
    if (!TOKEN.test(name)) throw refused(method, `'${name}' cannot name a header`)
    if (!VALUE.test(value)) throw refused(method, `the header '${name}' has a character that HTTP does not allow`)
    text += `${name}: ${value}\r\n`
    switch (name.length) {
      case 4:
        host ||= name.toLowerCase() === 'host'
        break
      case 6:
        expects ||= name.toLowerCase() === 'expect' && value.toLowerCase() === '100-continue'
        break
      case 10:
        connection ||= name.toLowerCase() === 'connection'
        break
      case 14:
        if (name.toLowerCase() !== 'content-length') break
        if (!LENGTH.test(value)) throw refused(method, 'its content-length is no number')
        length = Number(value)
        break
      case 17:
        chunked ||= name.toLowerCase() === 'transfer-encoding'
        break
    }
  }
  if (!host) text += `Host: ${common.host}\r\n`
  if (common.proxyAuthorization !== undefined) text += `Proxy-Authorization: ${common.proxyAuthorization}\r\n`
  const { size, isStream } = body
  if (chunked && (!isStream || length !== undefined)) {
    throw refused(method, 'only a stream without content-length goes in chunked coding')
  }
  if (isStream) {
    if (length === undefined && !chunked) {
      chunked = true
      text += 'Transfer-Encoding: chunked\r\n'
    }
  } else if (length === undefined) {
    if (size !== 0 || method === 'PUT' || method === 'POST' || method === 'PATCH') {
      length = size
      text += `Content-Length: ${size}\r\n`
    }
  } else if (length !== size && method !== 'HEAD') {
    throw refused(method, `the content has ${size} bytes, but ${length} were announced`)
  }
  text += connection ? '\r\n' : 'Connection: keep-alive\r\n\r\n'
  return { text, length, chunked, expects }
}

function refused(method: string, why: string): StorageError {
  return new StorageError('invalid_argument', `${method}: this request cannot be sent: ${why}.`, {
    outcome: 'not_applied',
  })
}

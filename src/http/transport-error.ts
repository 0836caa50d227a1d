import { classifyCommon, type ErrorCode, StorageError } from '../core/errors.ts'
import { shownUrl } from './request.ts'

interface NativeError {
  readonly code?: unknown
  readonly syscall?: unknown
  readonly message?: unknown
  readonly errors?: readonly unknown[]
}

const BAD_REQUEST: ReadonlySet<unknown> = new Set([
  'ERR_INVALID_CHAR',
  'ERR_UNESCAPED_CHARACTERS',
  'ERR_INVALID_HTTP_TOKEN',
  'ERR_HTTP_INVALID_HEADER_VALUE',
  'ERR_HTTP_CONTENT_LENGTH_MISMATCH',
])

const UNTRUSTED = /^(CERT_|ERR_TLS_CERT|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|CRL_|HOSTNAME_MISMATCH)/

/** Makes a `StorageError` of what node:http, node:net or node:tls reported; its text has neither query nor headers. */
export function transportError(error: unknown, method: string, url: string): StorageError {
  if (error instanceof StorageError) return error
  // Of an answer that is not HTTP; it may repeat the request. (node:http)
  if (error instanceof Error && 'rawPacket' in error) delete error.rawPacket
  const native = firstOf((error ?? {}) as NativeError)
  const subject = `${method} ${shownUrl(url)}`
  if (BAD_REQUEST.has(native.code)) {
    return new StorageError('invalid_argument', `${subject}: ${native.message}`, { cause: error })
  }
  if (typeof native.code === 'string' && UNTRUSTED.test(native.code)) {
    return new StorageError('unavailable', `${subject}: the server's certificate is not trusted: ${native.code}`, {
      cause: error,
      retryable: false,
      outcome: 'not_applied',
    })
  }
  const known = classifyCommon(native)
  const code: ErrorCode = known === 'unknown' ? 'unavailable' : known
  const unsent = native.syscall === 'connect' || native.syscall === 'getaddrinfo'
  const outcome = unsent ? 'not_applied' : undefined
  const reason = native.message ? String(native.message) : String(native.code ?? 'the connection failed')
  return new StorageError(code, `${subject}: ${reason}`, { cause: error, outcome })
}

/** The error of an ended signal: its reason where that is a `StorageError` (a time-out), else code `aborted`. */
export function abortError(signal: AbortSignal, method: string, url: string): StorageError {
  const reason: unknown = signal.reason
  if (reason instanceof StorageError) return reason
  return new StorageError('aborted', `${method} ${shownUrl(url)}: aborted by the caller`, { cause: reason })
}

/** The error of an answer that was cut short. */
export function brokenError(cause: unknown, method: string, url: string): StorageError {
  const message = 'the connection broke before the whole answer was there'
  return transportError({ code: 'ECONNRESET', message, cause }, method, url)
}

/** The error of a request that a closed transport does not send. */
export function transportClosed(): StorageError {
  return new StorageError('closed', 'The HTTP transport was closed.', { outcome: 'not_applied' })
}

/** The error of a request under way when the transport is closed. */
export function closedError(method: string, url: string): StorageError {
  const text = 'the HTTP transport was closed before the answer came'
  return new StorageError('closed', `${method} ${shownUrl(url)}: ${text}`, { outcome: 'unknown' })
}

/** The error of an answer whose body stood still. */
export function stalledError(idleMs: number, method: string, url: string): StorageError {
  const text = `no byte of the answer came for ${idleMs / 1000} s`
  return new StorageError('timeout', `${method} ${shownUrl(url)}: ${text}`)
}

/** Whether a connection was cut: by the other side or by a write to what it had closed. */
export function isReset(error: unknown): boolean {
  const { code } = (error ?? {}) as NativeError
  return code === 'ECONNRESET' || code === 'EPIPE'
}

// Several addresses were tried (RFC 8305): node gives an AggregateError without a message.
function firstOf(error: NativeError): NativeError {
  const first = error.errors?.[0] as NativeError | undefined
  return first !== undefined && !error.message ? first : error
}

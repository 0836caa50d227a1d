import { classifyCommon, type ErrorCode, StorageError } from '../core/errors.ts'
import { shownUrl } from './request.ts'

type NativeError = Partial<NodeJS.ErrnoException> & { readonly reason?: unknown; readonly errors?: readonly unknown[] }

const BAD_REQUEST =
  /^(ERR_(INVALID_CHAR|UNESCAPED_CHARACTERS|INVALID_HTTP_TOKEN|HTTP_INVALID_HEADER_VALUE|HTTP_CONTENT_LENGTH_MISMATCH)|UND_ERR_(INVALID_ARG|REQ_CONTENT_LENGTH_MISMATCH))$/
const TIMEOUT = /^UND_ERR_(CONNECT|HEADERS|BODY)_TIMEOUT$/
const UNTRUSTED = /^(CERT_|ERR_TLS_CERT|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|CRL_|HOSTNAME_MISMATCH)/
/** OpenSSL's reasons of handshakes that fail every time. */
const NO_HANDSHAKE =
  /WRONG_VERSION_NUMBER|UNSUPPORTED_PROTOCOL|NO_PROTOCOLS_AVAILABLE|NO_SHARED_CIPHER|NO_CIPHERS|PACKET_LENGTH_TOO_LONG|HTTP_REQUEST|(KEY|MD)_TOO_(SMALL|WEAK)|ALERT_(PROTOCOL_VERSION|HANDSHAKE_FAILURE|NO_CERTIFICATE|(BAD|UNSUPPORTED)_CERTIFICATE|CERTIFICATE_|UNKNOWN_CA|ACCESS_DENIED|INSUFFICIENT_SECURITY|NO_APPLICATION_PROTOCOL)|UNRECOGNIZED_NAME/
const NOT_TLS = /WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG/
/** The first byte of a TLS alert. (RFC 8446 section 5.1) */
const TLS_ALERT = 0x15

/**
 * Converts an error of node:http, node:net, node:tls or another client to a `StorageError`; its text contains neither query nor headers.
 */
export function transportError(error: unknown, method: string, url: string): StorageError {
  if (error instanceof StorageError) return error
  const subject = `${method} ${shownUrl(url)}`
  const never = (why: string): StorageError =>
    new StorageError('unavailable', `${subject}: ${why}`, { cause: error, retryable: false, outcome: 'not_applied' })
  if (error instanceof Error && 'rawPacket' in error) {
    const isTls = (error.rawPacket as Uint8Array | undefined)?.[0] === TLS_ALERT
    // Set for an answer that is not HTTP; it may contain the request. (node:http)
    delete error.rawPacket
    if (isTls) return never('the server speaks TLS on this port; the address must begin with https')
  }
  const native = firstOf((error ?? {}) as NativeError)
  const code = String(native.code ?? '')
  if (BAD_REQUEST.test(code)) {
    return new StorageError('invalid_argument', `${subject}: ${native.message}`, { cause: error })
  }
  if (UNTRUSTED.test(code)) return never(`the server's certificate is not trusted: ${code}`)
  // `ERR_SSL_WRONG_VERSION_NUMBER`, or `EPROTO` with OpenSSL's text.
  const words = code === 'EPROTO' ? String(native.reason ?? native.message) : code.startsWith('ERR_SSL_') ? code : ''
  const reason = words.toUpperCase().replaceAll(' ', '_')
  if (NOT_TLS.test(reason)) {
    return never('the server does not speak TLS on this port; is it an http address, or has its TLS another port?')
  }
  if (NO_HANDSHAKE.test(reason)) return never(`no TLS connection is possible: ${reason}`)
  const known = TIMEOUT.test(code) ? 'timeout' : classifyCommon(native)
  const kind: ErrorCode = known === 'unknown' ? 'unavailable' : known
  const unsent = native.syscall === 'connect' || native.syscall === 'getaddrinfo' || code === 'UND_ERR_CONNECT_TIMEOUT'
  const text = native.message ? String(native.message) : code || 'the connection failed'
  return new StorageError(kind, `${subject}: ${text}`, { cause: error, outcome: unsent ? 'not_applied' : undefined })
}

/** Returns the error for a fired signal: its reason where that is a `StorageError` (a timeout), else code `aborted`. */
export function abortError(signal: AbortSignal, method: string, url: string): StorageError {
  const reason: unknown = signal.reason
  if (reason instanceof StorageError) return reason
  return new StorageError('aborted', `${method} ${shownUrl(url)}: aborted by the caller`, { cause: reason })
}

/** Whether a connection was cut: by the other side, or by a write after the other side had closed it. */
export function isReset(error: unknown): boolean {
  const { code } = (error ?? {}) as NativeError
  return code === 'ECONNRESET' || code === 'EPIPE'
}

// Several addresses were tried (RFC 8305): node throws an AggregateError without a message.
function firstOf(error: NativeError): NativeError {
  const first = error.errors?.[0] as NativeError | undefined
  return first !== undefined && !error.message ? first : error
}

import type { IncomingHttpHeaders } from 'node:http'
import type { Readable } from 'node:stream'
import type { Body } from '../core/body.ts'
import type { CallContext } from '../core/call.ts'

/** One HTTP/1.1 request (RFC 9112). */
export interface HttpRequest {
  /** In capitals. */
  readonly method: string
  /** Absolute and already percent-encoded: its path and query are sent exactly as they are. */
  readonly url: string
  /** Names in any case, each once; `expect: 100-continue` holds the body back until the server asks for it, one second at most. */
  readonly headers: Readonly<Record<string, string>>
  /** A stream goes chunked unless there is a `content-length`; the request owns it and destroys it if it ends early. */
  readonly body?: Uint8Array | string | readonly Uint8Array[] | Readable | undefined
  /** Whether it may be sent again when a kept connection was closed without an answer. Default: by the method (RFC 9110 section 9.2.2). */
  readonly repeatable?: boolean | undefined
}

/** The answer, of whatever status. */
export interface HttpResponse {
  readonly status: number
  /** Names in lower case; `date` is the server's clock. */
  readonly headers: IncomingHttpHeaders
  /** Has to be read, drained or destroyed, else its connection stays taken. A broken one fails as `unavailable`. */
  readonly body: Body
  /** Whether the request was sent twice because the first connection broke without an answer: it may have been carried out before. */
  readonly resent?: boolean | undefined
}

/**
 * Sends the requests of a storage. A program can bring its own as the service `httpClient` of a storage.
 *
 * @example
 * const counting: HttpClient = {
 *   request(request, ctx) {
 *     requests++
 *     return inner.request(request, ctx)
 *   },
 *   close: () => inner.close(),
 * }
 * const storage = new S3Storage({ bucketName: 'media' }, { httpClient: counting })
 */
export interface HttpClient {
  /** Sends a request once and returns the answer of any status as soon as its headers are there. No redirect is followed. */
  request(request: HttpRequest, ctx: CallContext): Promise<HttpResponse>
  /** Ends the requests under way; later ones fail with code `closed`. */
  close(): Promise<void>
  /** Texts that no error may show, such as the passwords of proxies. */
  readonly secrets?: readonly string[] | undefined
}

/** Bytes of a body that is at hand. */
export function bodySize(body: Exclude<HttpRequest['body'], Readable | undefined>): number {
  if (typeof body === 'string') return Buffer.byteLength(body)
  if (body instanceof Uint8Array) return body.byteLength
  let size = 0
  for (const { byteLength } of body) size += byteLength
  return size
}

/** A request's URL for error texts: without its query, where signatures are, and without user information. */
export function shownUrl(url: string): string {
  const cut = url.search(/[?#]/)
  return (cut < 0 ? url : url.slice(0, cut)).replace(/^([a-z][a-z0-9+.-]*:\/\/)[^/]*@/i, '$1')
}

/** An IPv6 address in brackets, any other host as it is. */
export function bracketed(hostname: string): string {
  return hostname.includes(':') ? `[${hostname}]` : hostname
}

/** A host without the brackets of an IPv6 address; a port behind it stays. */
export function unbracketed(host: string): string {
  return host.replace(/[[\]]/g, '')
}

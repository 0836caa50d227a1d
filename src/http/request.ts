import type { IncomingHttpHeaders } from 'node:http'
import type { Readable } from 'node:stream'
import type { Body } from '../core/body.ts'
import type { CallContext } from '../core/call.ts'

/** One HTTP/1.1 request (RFC 9112). */
export interface HttpRequest {
  /** The method in capitals. */
  readonly method: string
  /** Absolute and already percent-encoded: its path and query are sent exactly like this. */
  readonly url: string
  /** Names in any case, each once; `expect: 100-continue` delays the body until the server requests it, for at most one second. */
  readonly headers: Readonly<Record<string, string>>
  /** A stream is sent chunked unless there is a `content-length`. The request owns it and destroys it if it ends early. */
  readonly body?: Uint8Array | string | readonly Uint8Array[] | Readable | undefined
  /** Whether it may be sent again after a kept connection was closed without an answer. Default: by the method (RFC 9110 section 9.2.2). */
  readonly repeatable?: boolean | undefined
}

/** An answer of any status. */
export interface HttpResponse {
  readonly status: number
  /** Names in lower case; `date` is the server's clock. */
  readonly headers: IncomingHttpHeaders
  /** Must be read, drained or destroyed; until then its connection is in use. A broken body fails as `unavailable`. */
  readonly body: Body
  /** Whether the request was sent twice because the first connection broke without an answer: the server may have carried it out before. */
  readonly resent?: boolean | undefined
}

/**
 * Sends the requests of a storage. A program can pass its own as the service `httpClient` of a storage.
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
  /** Sends a request once and returns the answer of any status as soon as its headers have arrived. It follows no redirect. */
  request(request: HttpRequest, ctx: CallContext): Promise<HttpResponse>
  /** Ends the requests in progress; later ones fail with code `closed`. */
  close(): Promise<void>
  /** Texts that no error may contain, such as the passwords of proxies. */
  readonly secrets?: readonly string[] | undefined
}

/** Returns the size in bytes of a body in memory. */
export function bodySize(body: Exclude<HttpRequest['body'], Readable | undefined>): number {
  if (typeof body === 'string') return Buffer.byteLength(body)
  if (body instanceof Uint8Array) return body.byteLength
  let size = 0
  for (const { byteLength } of body) size += byteLength
  return size
}

/** Returns a request's URL for error texts: without its query, which contains signatures, and without user information. */
export function shownUrl(url: string): string {
  const cut = url.search(/[?#]/)
  return (cut < 0 ? url : url.slice(0, cut)).replace(/^([a-z][a-z0-9+.-]*:\/\/)[^/]*@/i, '$1')
}

/** Returns an IPv6 address in brackets, any other host unchanged. */
export function bracketed(hostname: string): string {
  return hostname.includes(':') ? `[${hostname}]` : hostname
}

/** Returns a host without the brackets of an IPv6 address; a port behind it is kept. */
export function unbracketed(host: string): string {
  return host.replace(/[[\]]/g, '')
}

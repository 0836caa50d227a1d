import type { IncomingHttpHeaders } from 'node:http'
import { Readable } from 'node:stream'
import type { ReadableStream as WebStream } from 'node:stream/web'
import { StorageError } from '../core/errors.ts'
import type { ClientOptions } from './client.ts'
import { type ForeignAnswer, ForeignClient, type ForeignRequest } from './foreign-client.ts'
import type { HttpClient } from './request.ts'

/** The part of `fetch` that is used. */
export type FetchFunction = (url: string, init: RequestInit) => Promise<Response>

/** Codings that `fetch` decodes. */
const DECODED = /^(x-)?(gzip|deflate|br|zstd)$/i

/**
 * Returns a client over `fetch`: for runtimes without node:http, such as Cloudflare Workers, and for mocks. `fetch` manages connections,
 * proxies and certificates. It decodes bodies with `content-encoding: gzip` and similar codings, so these have neither that header nor a
 * length, and ranges of them are `unsupported`. A URL that `fetch` would change (`/a/../b`) is `invalid_argument`. `expect` is not sent.
 * @example
 * const storage = new S3Storage({ bucketName: 'media' }, { httpClient: fetchClient() })
 *
 * @example
 * // Where fetch caches, as in Next.js:
 * const client = fetchClient((url, init) => fetch(url, { ...init, cache: 'no-store' }))
 */
export function fetchClient(fetch?: FetchFunction, options?: ClientOptions): HttpClient {
  // The global one is looked up at each call: tests replace it.
  return new ForeignClient(request => send(fetch ?? globalThis.fetch, request), options)
}

async function send(fetch: FetchFunction, request: ForeignRequest): Promise<ForeignAnswer> {
  const { method, url, origin, path, length, signal, body } = request
  const { href, host } = new URL(url)
  if (href !== new URL(origin).origin + path) {
    throw new StorageError('invalid_argument', `${method}: fetch cannot request this path, since it would change it.`)
  }
  const isStream = body instanceof Readable
  // `fetch` does not accept the host, and takes it from the URL; it knows the length of bytes, and some implementations add it to an
  // explicit one.
  const isKnown = (name: string, value: string): boolean =>
    name === 'host' ? value.toLowerCase() === host : name === 'content-length' && !isStream
  const response = await fetch(url, {
    method,
    headers: Object.entries(request.headers).filter(([name, value]) => !isKnown(name.toLowerCase(), value)),
    redirect: 'manual',
    signal,
    ...(body !== undefined && { body: isStream ? webStream(body, length) : body }),
    ...(isStream && { duplex: 'half' }),
  } as RequestInit)
  const { status } = response
  if (status === 0) throw new StorageError('unsupported', `${method}: this fetch hides redirects.`)
  const headers: IncomingHttpHeaders = Object.fromEntries(response.headers)
  const cookies = response.headers.getSetCookie()
  if (cookies.length > 0) headers['set-cookie'] = cookies
  const stream = method === 'HEAD' ? null : response.body
  if (stream === null) return { status, headers, body: undefined }
  if (DECODED.test(headers['content-encoding'] ?? '')) {
    if (status === 206) {
      await stream.cancel()
      throw new StorageError('unsupported', `${method}: fetch cannot read a range of compressed bytes.`)
    }
    delete headers['content-encoding']
    delete headers['content-length']
  }
  return { status, headers, body: Readable.fromWeb(stream as WebStream) }
}

/**
 * Returns a body for `fetch`. A stream of known length uses the runtime's own class for it where it exists, since other streams are sent
 * chunked there.
 */
function webStream(body: Readable, length: number | undefined): ReadableStream<Uint8Array> {
  const source = ReadableStream.from<Uint8Array>(body)
  // https://developers.cloudflare.com/workers/runtime-apis/streams/transformstream/#fixedlengthstream
  const { FixedLengthStream } = globalThis as { FixedLengthStream?: new (length: number) => TransformStream }
  if (length === undefined || FixedLengthStream === undefined) return source
  const fixed = new FixedLengthStream(length)
  source.pipeTo(fixed.writable).catch(() => undefined)
  return fixed.readable
}

import type { IncomingHttpHeaders } from 'node:http'
import { Readable } from 'node:stream'
import { StorageError } from '../core/errors.ts'
import {
  type ForeignAnswer,
  ForeignClient,
  type ForeignClientOptions,
  type ForeignRequest,
} from './foreign-exchange.ts'
import type { HttpClient } from './request.ts'

/** As much of `fetch` as is used. */
export type FetchFunction = (url: string, init: RequestInit) => Promise<Response>

/** Headers that fetch makes by itself, or refuses. */
const OWN = /^(connection|expect|transfer-encoding)$/i
/** Codings of which fetch gives the decoded bytes. */
const DECODED = /^(x-)?(gzip|deflate|br|zstd)$/i

/**
 * A client over `fetch`: for runtimes without node:http, such as Cloudflare Workers, and for mocks. Connections, proxies and certificates are the affair of
 * `fetch`. It decodes bodies with `content-encoding: gzip` and its like, so these come without that header and without their length, and ranges of them are
 * `unsupported`. A URL that `fetch` would change (`/a/../b`) is `invalid_argument`. `expect` is not sent.
 *
 * @example
 * const storage = new S3Storage({ bucketName: 'media' }, { httpClient: fetchClient() })
 *
 * @example
 * // Where fetch caches, as in Next.js:
 * const client = fetchClient((url, init) => fetch(url, { ...init, cache: 'no-store' }))
 */
export function fetchClient(fetch: FetchFunction = globalFetch, options?: ForeignClientOptions): HttpClient {
  return new ForeignClient(request => send(fetch, request), options)
}

// The global one, looked up at each call: tests replace it.
const globalFetch: FetchFunction = (url, init) => globalThis.fetch(url, init)

async function send(fetch: FetchFunction, request: ForeignRequest): Promise<ForeignAnswer> {
  const { method, url, origin, path, length, signal, body } = request
  const { href, host } = new URL(url)
  if (href !== new URL(origin).origin + path) {
    throw new StorageError('invalid_argument', `${method}: fetch cannot ask for this path: it would change it.`)
  }
  const isStream = body instanceof Readable
  const headers: Record<string, string> = {}
  for (const [name, value] of Object.entries(request.headers)) {
    const lower = name.toLowerCase()
    // The host may not be given, and is that of the URL anyway; fetch knows the length of bytes, and some add it to what is given.
    const isKnown = lower === 'host' ? value.toLowerCase() === host : lower === 'content-length' && !isStream
    if (!isKnown && !OWN.test(name)) headers[name] = value
  }
  const init = {
    method,
    headers,
    redirect: 'manual',
    signal,
    ...(body !== undefined && { body: isStream ? webStream(body, length) : body }),
    ...(isStream && { duplex: 'half' }),
  }
  const response = await fetch(url, init as RequestInit)
  const { status } = response
  if (status === 0) throw new StorageError('unsupported', `${method}: this fetch hides redirects.`)
  const found: IncomingHttpHeaders = Object.fromEntries(response.headers)
  const cookies = response.headers.getSetCookie()
  if (cookies.length > 0) found['set-cookie'] = cookies
  const stream = method === 'HEAD' || status === 204 || status === 304 ? null : response.body
  if (stream !== null && DECODED.test(found['content-encoding'] ?? '')) {
    if (status === 206) {
      await stream.cancel()
      throw new StorageError('unsupported', `${method}: fetch cannot read a range of compressed bytes.`)
    }
    delete found['content-encoding']
    delete found['content-length']
  }
  return { status, headers: found, body: stream === null ? undefined : reading(stream) }
}

/** A body for fetch; of known length where the runtime has streams of one, since others go chunked there. */
function webStream(body: Readable, length: number | undefined): ReadableStream<Uint8Array> {
  const chunks = body[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>
  const source = new ReadableStream<Uint8Array>({
    async pull(controller) {
      const { done, value } = await chunks.next()
      if (done) controller.close()
      else controller.enqueue(value)
    },
    cancel: () => void body.destroy(),
  })
  // https://developers.cloudflare.com/workers/runtime-apis/streams/transformstream/#fixedlengthstream
  const { FixedLengthStream } = globalThis as { FixedLengthStream?: new (length: number) => TransformStream }
  if (length === undefined || FixedLengthStream === undefined) return source
  const fixed = new FixedLengthStream(length)
  source.pipeTo(fixed.writable).catch(() => undefined)
  return fixed.readable
}

function reading(stream: ReadableStream<Uint8Array>): AsyncIterator<Uint8Array> {
  const reader = stream.getReader()
  return {
    next: async () => (await reader.read()) as IteratorResult<Uint8Array>,
    return: async () => {
      await reader.cancel()
      return { done: true, value: undefined }
    },
  }
}

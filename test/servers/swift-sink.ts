/** A Swift server that keeps nothing: it takes segments, and the manifest of a dynamic large object. */
import type { IncomingMessage } from 'node:http'
import { type Sink, type SinkOptions, type SinkService, startSink } from './sink.ts'

const isPart = ({ method, url = '' }: IncomingMessage): boolean => method === 'PUT' && url.includes('/media_segments/')

/** Starts a sink on a free loopback port. */
export function startSwiftSink(options?: SinkOptions): Promise<Sink> {
  let bytes = 0
  let object: { readonly url: string; readonly size: number; readonly manifest: string } | undefined
  const service: SinkService = {
    isPart,
    answer(request, response, size) {
      const { method, url = '', headers } = request
      const own = {
        'x-trans-id': 'tx1',
        'x-timestamp': '1700000000.00000',
        'last-modified': 'Wed, 01 Jan 2025 00:00:00 GMT',
      }
      const answer = (status: number, more: Record<string, string | number> = {}): false => {
        response.writeHead(status, { ...own, ...more }).end()
        return false
      }
      if (isPart(request)) {
        bytes += size
        return answer(201, { etag: String(headers['etag']) })
      }
      const manifest = headers['x-object-manifest']
      if (method === 'PUT' && typeof manifest === 'string') {
        object = { url, size: bytes, manifest }
        bytes = 0
        response.writeHead(201, { ...own, etag: 'd41d8cd98f00b204e9800998ecf8427e' }).end()
        return true
      }
      if (method === 'HEAD' && object?.url === url) {
        return answer(200, { 'content-length': object.size, 'x-object-manifest': object.manifest })
      }
      if (method === 'GET') {
        response.writeHead(200, { ...own, 'content-type': 'application/json' }).end('[]')
        return false
      }
      return answer(404)
    },
  }
  return startSink(service, options)
}

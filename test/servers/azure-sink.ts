/** An Azure Blob server that keeps nothing: it takes uploads in blocks. */
import type { IncomingMessage } from 'node:http'
import { type Sink, type SinkOptions, type SinkService, startSink } from './sink.ts'

const isBlock = ({ method, url = '' }: IncomingMessage): boolean => method === 'PUT' && url.includes('comp=block&')

const service: SinkService = {
  isPart: isBlock,
  answer(request, response) {
    const { method, url = '' } = request
    if (method !== 'PUT') {
      response.writeHead(404, { 'x-ms-error-code': 'BlobNotFound' }).end()
      return false
    }
    const written = { etag: '"0x8D0"', 'last-modified': 'Wed, 01 Jan 2025 00:00:00 GMT' }
    const told = isBlock(request) ? {} : written
    response.writeHead(201, { 'content-length': 0, 'x-ms-request-id': 'sink', ...told }).end()
    return url.includes('comp=blocklist')
  },
}

/** Starts a sink on a free loopback port. */
export function startAzureSink(options?: SinkOptions): Promise<Sink> {
  return startSink(service, options)
}

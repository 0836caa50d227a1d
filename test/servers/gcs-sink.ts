/** A Cloud Storage server that keeps nothing: it takes uploads in sessions and tells their CRC32C. */
import { type Sink, type SinkOptions, type SinkService, startSink } from './sink.ts'

const service: SinkService = {
  isPart: ({ method }) => method === 'PUT',
  answer({ method, url = '', headers }, response) {
    if (method === 'POST') {
      response.writeHead(200, { location: `${url}&upload_id=1` }).end()
      return false
    }
    const [, last, total] = /^bytes \d+-(\d+)\/(\d+|\*)$/.exec(headers['content-range'] ?? '') ?? []
    if (total === '*') {
      response.writeHead(308, { range: `bytes=0-${last}` }).end()
      return false
    }
    const crc32c = /crc32c=([^,]+)/.exec(String(headers['x-goog-hash']))?.[1]
    const object = { kind: 'storage#object', name: 'large', generation: '1', size: total, crc32c }
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(object))
    return true
  },
}

/** Starts a sink on a free loopback port. */
export function startGcsSink(options?: SinkOptions): Promise<Sink> {
  return startSink(service, options)
}

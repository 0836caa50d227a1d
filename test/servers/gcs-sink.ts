/** A Cloud Storage server that keeps nothing: it takes uploads, throws their bytes away and tells their CRC32C. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** What the sink may be told. */
export interface SinkOptions {
  /** Milliseconds between two looks at an arriving body; 0 reads as fast as it can. */
  readonly pauseMs?: number
}

/** A running sink. */
export interface GcsSink {
  readonly url: string
  /** Bytes of parts so far. */
  readonly received: number
  /** Files that a session has made. */
  readonly completed: number
  close(): Promise<void>
}

/** Starts a sink on a free loopback port. */
export async function startGcsSink({ pauseMs = 0 }: SinkOptions = {}): Promise<GcsSink> {
  let received = 0
  let completed = 0
  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { method, url = '', headers } = request
    for await (const chunk of request) {
      if (method === 'PUT') received += (chunk as Buffer).length
      if (pauseMs > 0 && method === 'PUT') await new Promise(resolve => setTimeout(resolve, pauseMs))
    }
    if (method === 'POST') return void response.writeHead(200, { location: `${url}&upload_id=1` }).end()
    const [, last, total] = /^bytes \d+-(\d+)\/(\d+|\*)$/.exec(headers['content-range'] ?? '') ?? []
    if (total === '*') return void response.writeHead(308, { range: `bytes=0-${last}` }).end()
    completed++
    const crc32c = /crc32c=([^,]+)/.exec(String(headers['x-goog-hash']))?.[1]
    const object = { kind: 'storage#object', name: 'large', generation: '1', size: total, crc32c }
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(object))
  }
  const server = createServer((request, response) => void handle(request, response).catch(() => response.destroy()))
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    get received() {
      return received
    },
    get completed() {
      return completed
    },
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

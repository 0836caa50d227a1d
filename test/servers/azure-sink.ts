/** An Azure Blob server that keeps nothing: it takes uploads in blocks and throws their bytes away. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** What the sink may be told. */
export interface SinkOptions {
  /** Milliseconds between two looks at an arriving body; 0 reads as fast as it can. */
  readonly pauseMs?: number
  /** Called when a block has arrived; its answer waits for the promise. */
  readonly onBlock?: (size: number) => Promise<void> | void
}

/** A running sink. */
export interface AzureSink {
  readonly url: string
  /** Bytes of blocks so far. */
  readonly received: number
  readonly completed: number
  close(): Promise<void>
}

/** Starts a sink on a free loopback port. */
export async function startAzureSink(options: SinkOptions = {}): Promise<AzureSink> {
  const { pauseMs = 0, onBlock } = options
  let received = 0
  let completed = 0
  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { method, url = '' } = request
    const isBlock = method === 'PUT' && url.includes('comp=block&')
    let size = 0
    for await (const chunk of request) {
      size += (chunk as Buffer).length
      if (isBlock) received += (chunk as Buffer).length
      if (pauseMs > 0 && isBlock) await new Promise(resolve => setTimeout(resolve, pauseMs))
    }
    if (isBlock) await onBlock?.(size)
    if (method !== 'PUT') return void response.writeHead(404, { 'x-ms-error-code': 'BlobNotFound' }).end()
    const isList = url.includes('comp=blocklist')
    if (isList) completed++
    const written = { etag: '"0x8D0"', 'last-modified': 'Wed, 01 Jan 2025 00:00:00 GMT' }
    response.writeHead(201, { 'content-length': 0, 'x-ms-request-id': 'sink', ...(isBlock ? {} : written) }).end()
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

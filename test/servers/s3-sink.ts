/** An S3 server that keeps nothing: it takes uploads in parts and throws their bytes away. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** What the sink may be told. */
export interface SinkOptions {
  /** Milliseconds between two looks at an arriving body; 0 reads as fast as it can. */
  readonly pauseMs?: number
  /** Called when a part has arrived; its answer waits for the promise. */
  readonly onPart?: (size: number) => Promise<void> | void
}

/** A running sink. */
export interface S3Sink {
  readonly url: string
  /** Bytes of parts so far. */
  readonly received: number
  readonly completed: number
  close(): Promise<void>
}

const XML = { 'content-type': 'application/xml' }

/** Starts a sink on a free loopback port. */
export async function startS3Sink(options: SinkOptions = {}): Promise<S3Sink> {
  const { pauseMs = 0, onPart } = options
  let received = 0
  let completed = 0
  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { method, url = '' } = request
    const isPart = method === 'PUT' && url.includes('partNumber=')
    let size = 0
    for await (const chunk of request) {
      size += (chunk as Buffer).length
      if (isPart) received += (chunk as Buffer).length
      if (pauseMs > 0 && isPart) await new Promise(resolve => setTimeout(resolve, pauseMs))
    }
    if (isPart) {
      await onPart?.(size)
      response.writeHead(200, { etag: '"00000000000000000000000000000000"', 'content-length': 0 }).end()
    } else if (method === 'POST' && url.includes('?uploads')) {
      response
        .writeHead(200, XML)
        .end('<InitiateMultipartUploadResult><UploadId>sink</UploadId></InitiateMultipartUploadResult>')
    } else if (method === 'POST') {
      completed++
      response
        .writeHead(200, XML)
        .end('<CompleteMultipartUploadResult><ETag>"e-2"</ETag></CompleteMultipartUploadResult>')
    } else if (method === 'GET' && url.includes('?uploads')) {
      response.writeHead(200, XML).end('<ListMultipartUploadsResult/>')
    } else response.writeHead(204).end()
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

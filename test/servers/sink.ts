/** A server that keeps nothing: it takes uploads in parts and throws their bytes away. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** What the sink may be told. */
export interface SinkOptions {
  /** Milliseconds between two looks at an arriving part; 0 reads as fast as it can. */
  readonly pauseMs?: number | undefined
  /** Called when a part has arrived; its answer waits for the promise. */
  readonly onPart?: (size: number) => Promise<void> | void
}

/** How a service takes uploads. */
export interface SinkService {
  isPart(request: IncomingMessage): boolean
  /** Answers a request whose body of so many bytes has arrived; returns whether it has made a file. */
  answer(request: IncomingMessage, response: ServerResponse, size: number): boolean
}

/** A running sink. */
export interface Sink {
  readonly url: string
  /** Bytes of parts so far. */
  readonly received: number
  /** Files that uploads in parts have made. */
  readonly completed: number
  close(): Promise<void>
}

/** Starts a sink on a free loopback port. */
export async function startSink(service: SinkService, { pauseMs = 0, onPart }: SinkOptions = {}): Promise<Sink> {
  let received = 0
  let completed = 0
  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const isPart = service.isPart(request)
    let size = 0
    for await (const chunk of request) {
      size += (chunk as Buffer).length
      if (isPart) received += (chunk as Buffer).length
      if (pauseMs > 0 && isPart) await new Promise(resolve => setTimeout(resolve, pauseMs))
    }
    if (isPart) await onPart?.(size)
    if (service.answer(request, response, size)) completed++
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

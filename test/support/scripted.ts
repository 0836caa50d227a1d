/** A service that answers as a test says. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { type Running, serve } from '../http/support.ts'

/** A running one, with what it was asked. */
export interface ScriptedServer extends Running {
  readonly asked: Array<{ method: string; url: string; headers: IncomingMessage['headers'] }>
  /** The client's port of each request: one per connection. */
  readonly ports: number[]
}

/** Starts one; `answer` gets the number of the request, from 0. */
export async function scriptedServer(
  answer: (request: IncomingMessage, response: ServerResponse, count: number) => void,
): Promise<ScriptedServer> {
  const asked: ScriptedServer['asked'] = []
  const ports: number[] = []
  const server = await serve((request, response) => {
    const { method = '', url = '', headers } = request
    asked.push({ method, url, headers })
    ports.push(request.socket.remotePort ?? 0)
    request.resume()
    request.on('end', () => answer(request, response, asked.length - 1))
  })
  return { ...server, asked, ports }
}

/** A service that answers as a test says, in place of Azure Blob. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AzureOptions } from '../../../src/backends/azure/settings.ts'
import type { Input } from '../../../src/core/settings.ts'
import { type Running, serve } from '../../http/support.ts'

/** A running one, with what it was asked. */
export interface Scripted extends Running {
  /** Options of a storage for it. */
  readonly options: Input<AzureOptions>
  readonly asked: Array<{ method: string; url: string; headers: IncomingMessage['headers'] }>
  /** The client's port of each request: one per connection. */
  readonly ports: number[]
}

/** Starts one; `answer` gets the number of the request, from 0. */
export async function scripted(
  answer: (request: IncomingMessage, response: ServerResponse, count: number) => void,
): Promise<Scripted> {
  const asked: Scripted['asked'] = []
  const ports: number[] = []
  const server = await serve((request, response) => {
    const { method = '', url = '', headers } = request
    asked.push({ method, url, headers })
    ports.push(request.socket.remotePort ?? 0)
    request.resume()
    request.on('end', () => answer(request, response, asked.length - 1))
  })
  const accountKey = Buffer.from('the key of an account').toString('base64')
  const place = { endpointUrl: `${server.url}/scripted`, accountName: 'scripted', azureContainer: 'media' }
  return { ...server, options: { ...place, accountKey, maxAttempts: 1 }, asked, ports }
}

import type { IncomingHttpHeaders } from 'node:http'
import type { Readable } from 'node:stream'
import type { ClientOptions } from './client.ts'
import { type ForeignAnswer, ForeignClient, type ForeignRequest } from './foreign-client.ts'
import type { HttpClient } from './request.ts'

/** The part of an undici dispatcher that is used. (https://undici.nodejs.org/#/docs/api/Dispatcher.md) */
export interface Dispatcher {
  request(options: {
    origin: string
    path: string
    method: never
    headers: Record<string, string>
    body: Uint8Array | Readable | null
    signal: AbortSignal
  }): Promise<{
    readonly statusCode: number
    readonly headers: Record<string, string | string[] | undefined>
    readonly body: Readable
  }>
}

/**
 * Returns a client over an undici dispatcher: an `Agent`, `Pool`, `ProxyAgent`, `EnvHttpProxyAgent` or `MockAgent`. The dispatcher is not
 * closed with the client. `expect` is not sent.
 * @example
 * // `ProxyAgent` comes from the package undici.
 * const httpClient = dispatcherClient(new ProxyAgent('http://proxy.example.com:3128'))
 * const storage = new S3Storage({ bucketName: 'media' }, { httpClient })
 */
export function dispatcherClient(dispatcher: Dispatcher, options?: ClientOptions): HttpClient {
  return new ForeignClient(request => send(dispatcher, request), options)
}

async function send(dispatcher: Dispatcher, request: ForeignRequest): Promise<ForeignAnswer> {
  const { method, origin, path, headers, signal, body = null } = request
  const answer = await dispatcher.request({ method: method as never, origin, path, headers, body, signal })
  const found: IncomingHttpHeaders = {}
  for (const [name, value] of Object.entries(answer.headers)) {
    found[name] = Array.isArray(value) && name !== 'set-cookie' ? value.join(', ') : (value as string)
  }
  return { status: answer.statusCode, headers: found, body: answer.body }
}

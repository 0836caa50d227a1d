/** Requests to a Nimbus.io server, signed by what its guide says: written apart from the server and from the backend, to judge both. */
import { createHmac } from 'node:crypto'
import { type Answered, send } from '../strict-atmos/asker.ts'

export type { Answered }

/** What a request to the server is signed with. */
export interface NimbusTarget {
  readonly url: string
  readonly port: number
  readonly domain: string
  readonly user: { readonly username: string; readonly keyId: number; readonly key: string }
}

/** What is asked besides the method and the path. */
export interface NimbusAsked {
  /** The collection whose host is meant; without it the service's own. */
  readonly collection?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Buffer | string
  /** The clock of the request, seconds since 1970. */
  readonly now?: number
  readonly username?: string
  readonly signature?: string
}

/** Escapes of a form are blanks and bytes: the text that both sides sign. */
export function unquotedUri(uri: string): string {
  return decodeURIComponent(uri.replace(/\+/g, '%20'))
}

/** The signature of a request. */
export function digestOf(key: string, username: string, method: string, timestamp: number, uri: string): string {
  const text = [username, method, String(timestamp), unquotedUri(uri)].join('\n')
  return createHmac('sha256', Buffer.from(key, 'utf8')).update(text, 'utf8').digest('hex')
}

/** Asks with a signature; path and query are encoded already. */
export function ask(server: NimbusTarget, method: string, uri: string, asked: NimbusAsked = {}): Promise<Answered> {
  const { username, keyId, key } = server.user
  const timestamp = asked.now ?? Math.floor(Date.now() / 1000)
  const signature = asked.signature ?? digestOf(key, asked.username ?? username, method, timestamp, uri)
  const host = asked.collection === undefined ? server.domain : `${asked.collection}.${server.domain}`
  const length = asked.body === undefined ? 0 : Buffer.byteLength(asked.body)
  const hasBody = method === 'POST' || method === 'PUT'
  return send(
    server.url + uri,
    method,
    {
      host: `${host}:${server.port}`,
      authorization: `NIMBUS.IO ${keyId}:${signature}`,
      'x-nimbus-io-timestamp': String(timestamp),
      ...(hasBody ? { 'content-length': String(length) } : {}),
      ...asked.headers,
    },
    asked.body,
  )
}

/** An HTTP client that answers by a script, without sockets. */
import { BytesBody } from '../../src/core/body.ts'
import type { HttpClient } from '../../src/http/request.ts'

/** What a script answers; an object is sent as JSON with status 200. */
export type Scripted =
  | {
      readonly status: number
      readonly headers?: Readonly<Record<string, string>>
      readonly body?: string | Uint8Array
    }
  | { readonly json: unknown }

/** One request, as it would go over the wire. */
export interface Asked {
  readonly method: string
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
}

/** A client whose answers a script gives; `asked` has all requests. */
export function scriptedClient(answer: (asked: Asked, count: number) => Scripted): HttpClient & {
  readonly asked: Asked[]
} {
  const asked: Asked[] = []
  return {
    asked,
    async request({ method, url, headers, body }) {
      const chunks = body === undefined ? [] : Array.isArray(body) ? body : [body]
      const bytes = Buffer.concat(chunks.map(chunk => Buffer.from(chunk as Uint8Array)))
      const one = { method, url, headers: { ...headers } as Record<string, string>, body: bytes }
      asked.push(one)
      const given = answer(one, asked.length)
      const {
        status,
        headers: own = {},
        body: text = '',
      } = 'json' in given
        ? { status: 200, headers: { 'content-type': 'application/json' }, body: JSON.stringify(given.json) }
        : given
      return { status, headers: { ...own }, body: new BytesBody(Buffer.from(text)) }
    },
    close: async () => undefined,
  }
}

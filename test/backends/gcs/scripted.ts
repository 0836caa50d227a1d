/** A service that answers by a script, without sockets. */
import type { GcsOptions, GcsStorage } from '../../../src/backends/gcs/index.ts'
import { BytesBody } from '../../../src/core/body.ts'
import type { Input } from '../../../src/core/settings.ts'
import type { HttpClient } from '../../../src/http/request.ts'
import { storageWith } from './support.ts'

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

/** A storage without credentials whose service answers by a script. */
export function scripted(
  answer: (asked: Asked, count: number) => Scripted,
  options: Input<GcsOptions> = {},
  env: Readonly<Record<string, string>> = {},
): GcsStorage & { readonly asked: Asked[] } {
  const httpClient = scriptedClient(answer)
  const files = storageWith({ credentials: 'anonymous', maxAttempts: 1, ...options }, { httpClient, env })
  return Object.assign(files, { asked: httpClient.asked })
}

import type { Readable } from 'node:stream'
import type { BodySource } from './multipart.ts'

/** The body of a Web `Request`. */
export function webSource(body: ReadableStream<Uint8Array>): BodySource {
  const reader = body.getReader()
  return {
    async next() {
      const { done, value } = await reader.read()
      return done ? undefined : value
    },
    cancel() {
      reader.cancel().catch(() => undefined)
    },
  }
}

/** The body of a `node:http` request. When it is cancelled, the server still owns it, so that the answer can be sent. */
export function nodeSource(body: Readable): BodySource {
  const chunks = body.iterator({ destroyOnReturn: false })
  return {
    async next() {
      const { done, value } = (await chunks.next()) as IteratorResult<Uint8Array>
      if (done !== true) return value
      // A request whose client disconnected can end without an error.
      if (!body.readableEnded) throw new Error('the client closed the connection')
      return undefined
    },
    cancel() {
      body.resume()
    },
  }
}

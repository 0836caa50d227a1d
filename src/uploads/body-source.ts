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

/** The body of a request of `node:http`. It is left to the server when it is given up, so that the answer can still be sent. */
export function nodeSource(body: Readable): BodySource {
  const chunks = body.iterator({ destroyOnReturn: false })
  return {
    async next() {
      const { done, value } = (await chunks.next()) as IteratorResult<Uint8Array>
      if (done !== true) return value
      // A request whose client is gone can end without an error.
      if (!body.readableEnded) throw new Error('the client closed the connection')
      return undefined
    },
    cancel() {
      body.resume()
    },
  }
}

import type { Readable } from 'node:stream'

const bodies = new WeakMap<Response, Readable>()

/** Returns an answer with a Node stream as its body: read as a web stream, or taken as a whole by `takeBody`. */
export function streamResponse(body: Readable, init: ResponseInit): Response {
  const web = webStream(body, () => body.destroy())
  const response = new Response(web, init)
  bodies.set(response, body)
  return response
}

/**
 * Returns the Node stream under an answer of `streamResponse`, which must not be read as a web stream afterwards; undefined for any other
 * answer.
 */
export function takeBody(response: Response): Readable | undefined {
  const body = bodies.get(response)
  bodies.delete(response)
  return body
}

/**
 * Returns a web stream that reads a Node stream only on demand. (`Readable.toWeb` throws uncaught when it is cancelled while data flows.)
 */
export function webStream(body: Readable, cancel: () => void): ReadableStream<Uint8Array> {
  const chunks = body.iterator({ destroyOnReturn: false })
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const { done, value } = await chunks.next()
        if (done === true) controller.close()
        else controller.enqueue(value as Uint8Array)
      },
      cancel,
    },
    { highWaterMark: 0 },
  )
}

import type { IncomingMessage, ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { ReadableStream as WebStream } from 'node:stream/web'
import { messageOf } from '../core/errors.ts'
import { takeBody, webStream } from './body.ts'
import { keepOriginalPath } from './mounted.ts'

/**
 * A request target in origin form, or the part behind the host in absolute form, which proxies send: without a `\`, which URLs turn into
 * `/`, a `#`, blanks and control characters. (RFC 9112 3.2.1, 3.2.2)
 */
const TARGET = /^(?:https?:\/\/[^/\\?#@\0-\x20\x7f]+)?(\/[^\\#\0-\x20\x7f]*)$/i

/** A listener of `node:http`, and the handler of Express and its like, which pass `next`. */
export type NodeListener = (
  request: IncomingMessage,
  response: ServerResponse,
  next?: (error?: unknown) => void,
) => void

/**
 * Returns a `node:http` listener that calls a handler of web requests. Bodies flow with back-pressure; a client that disconnects aborts
 * `request.signal` and the body; a body that fails midway breaks the connection, so that no client treats it as complete. A request target
 * that is neither in origin nor in absolute form, or that contains a `\`, a `#`, a blank or a control character, is a 400.
 *
 * The listener is also middleware of Express and Connect. They cut the path of a mount from `req.url` and keep `req.originalUrl`: a
 * handler with a `basePath` works under `app.use('/media', listener)` and under `app.use(listener)`, one without under the former.
 *
 * An error that the handler throws goes to the error handlers of Express. Under `node:http` it is a warning of the process, and the answer is 500.
 * @example
 * app.use('/media', toNodeListener(createFileHandler(storage, { basePath: '/media' })))
 */
export function toNodeListener(handler: (request: Request) => Promise<Response>): NodeListener {
  return (request, response, next) => {
    serve(handler, request, response).catch((error: unknown) => failed(request, response, error, next))
  }
}

/** Answers a request whose handler has failed; one that is answered already is broken off. */
function failed(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  error: unknown,
  next: ((error?: unknown) => void) | undefined,
): void {
  // A client that is gone makes a handler fail that reads the body.
  if (outgoing.headersSent || outgoing.destroyed) return void outgoing.destroy()
  if (next !== undefined) return void next(error)
  const detail = error instanceof Error ? { detail: `${error.stack}` } : {}
  process.emitWarning(`A request handler failed: ${messageOf(error)}`, { code: 'HOLDALL_HANDLER', ...detail })
  for (const name of outgoing.getHeaderNames()) outgoing.removeHeader(name)
  if (!incoming.complete && hasBody(incoming)) outgoing.setHeader('connection', 'close')
  outgoing.writeHead(500, { 'content-length': 0 }).end()
}

async function serve(
  handler: (request: Request) => Promise<Response>,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): Promise<void> {
  const gone = new AbortController()
  incoming.on('error', () => gone.abort())
  outgoing.once('close', () => {
    if (!outgoing.writableFinished) gone.abort()
  })
  const request = toRequest(incoming, gone.signal)
  if (request === undefined) {
    outgoing.writeHead(400, { connection: 'close' }).end()
    return
  }
  const answer = await handler(request)
  const body = takeBody(answer) ?? (answer.body === null ? undefined : Readable.fromWeb(answer.body as WebStream))
  if (outgoing.destroyed) {
    body?.destroy()
    return
  }
  outgoing.statusCode = answer.status
  for (const [name, value] of answer.headers) outgoing.setHeader(name, value)
  if (!incoming.complete && hasBody(incoming)) outgoing.setHeader('connection', 'close')
  if (body === undefined || incoming.method === 'HEAD') {
    body?.destroy()
    if (answer.status !== 304 && incoming.method !== 'HEAD' && !outgoing.hasHeader('content-length')) {
      outgoing.setHeader('content-length', 0)
    }
    outgoing.end()
  } else {
    await pipeline(body, outgoing)
  }
}

function hasBody(incoming: IncomingMessage): boolean {
  return incoming.headers['transfer-encoding'] !== undefined || Number(incoming.headers['content-length'] ?? 0) > 0
}

function toRequest(incoming: IncomingMessage, signal: AbortSignal): Request | undefined {
  const { method = 'GET', url = '/', originalUrl } = incoming as IncomingMessage & { readonly originalUrl?: unknown }
  const path = TARGET.exec(url)?.[1]
  const original = typeof originalUrl === 'string' ? TARGET.exec(originalUrl)?.[1] : path
  if (path === undefined || original === undefined) return undefined
  try {
    const headers = new Headers()
    for (let at = 0; at + 1 < incoming.rawHeaders.length; at += 2) {
      headers.append(incoming.rawHeaders[at]!, incoming.rawHeaders[at + 1]!)
    }
    const body = method === 'GET' || method === 'HEAD' ? null : webStream(incoming, () => incoming.pause())
    // The path is never resolved against a host that the client could choose: '//host/x' stays a path.
    const request = new Request(`http://localhost${path}`, {
      method,
      headers,
      body,
      signal,
      ...(body === null ? {} : { duplex: 'half' }),
    } as RequestInit)
    if (original !== path) keepOriginalPath(request, original)
    return request
  } catch {
    return undefined
  }
}

/** An HTTP proxy in front of any server that fails on request: resets, truncation, delays, error answers, duplicates. */
import {
  Agent,
  createServer,
  request as httpRequest,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http'
import type { AddressInfo, Socket } from 'node:net'

/** One request on its way through the proxy. */
export interface ProxiedRequest {
  /** Counts from 1. */
  readonly index: number
  readonly method: string
  /** Path and query as on the wire. */
  readonly url: string
  readonly headers: IncomingHttpHeaders
}

/** What happens to a request; undefined forwards it untouched. */
export type FaultAction =
  /** Break the connection without forwarding. */
  | { readonly do: 'reset-before' }
  /** Forward, wait for the whole answer, then break the connection without passing it on. */
  | { readonly do: 'reset-after' }
  /** Read so many bytes of the request body, then break the connection without forwarding. */
  | { readonly do: 'reset-during'; readonly bytes: number }
  /** Pass on so many bytes of the answer's body, then break the connection. */
  | { readonly do: 'truncate'; readonly bytes: number }
  /** Pass on only the beginning of the answer's status line, then break the connection. */
  | { readonly do: 'cut-head' }
  /** Pass on so many bytes of the answer's body, then nothing more. */
  | { readonly do: 'stall'; readonly bytes: number }
  /** Wait, then forward, whether or not the client is still there; with `after` forward first. Milliseconds. */
  | { readonly do: 'delay'; readonly ms: number; readonly after?: boolean }
  /** Never answer; with `forward` the server carries the request out. `then` is called when that has come about. */
  | { readonly do: 'hang'; readonly forward?: boolean; readonly then?: () => void }
  /** Answer this without forwarding, or with `forward` after the server carried it out. */
  | {
      readonly do: 'answer'
      readonly status: number
      readonly headers?: Readonly<Record<string, string>>
      readonly body?: string
      readonly forward?: boolean
    }
  /** Forward twice, one after the other; pass on the second answer. */
  | { readonly do: 'duplicate' }
  /** Change bytes of the answer's body at this offset. */
  | { readonly do: 'corrupt'; readonly at: number }

/** Decides about every request. */
export type FaultRule = (request: ProxiedRequest) => FaultAction | undefined

/** 503 SlowDown as S3 answers it. */
export function slowDown(retryAfterSecs?: number): FaultAction {
  const body =
    '<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message>' +
    '<RequestId>FAULTPROXY</RequestId><HostId>fault</HostId></Error>'
  const retry: Record<string, string> = retryAfterSecs === undefined ? {} : { 'retry-after': String(retryAfterSecs) }
  return { do: 'answer', status: 503, headers: { 'content-type': 'application/xml', ...retry }, body }
}

/** 429 with Retry-After. */
export function tooManyRequests(retryAfterSecs: number): FaultAction {
  return { do: 'answer', status: 429, headers: { 'retry-after': String(retryAfterSecs) }, body: 'Too Many Requests' }
}

/** A running proxy. */
export interface FaultProxy {
  /** Takes the place of the server's URL: same path, the proxy's port. */
  readonly url: string
  readonly port: number
  /** Every request with what was done to it. */
  readonly log: (ProxiedRequest & { readonly action: FaultAction['do'] | 'forward' })[]
  /** May be replaced at any time. */
  rule: FaultRule
  /** Connections of clients that are open now. */
  readonly connections: number
  /** Resolves as soon as no client has a connection open. */
  unused(): Promise<void>
  /** Resolves as soon as the server has carried out all that was and is to be forwarded, however late. */
  quiet(): Promise<void>
  close(): Promise<void>
}

interface Answer {
  readonly status: number
  readonly rawHeaders: readonly string[]
  readonly body: Buffer
}

async function readAll(message: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of message) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}

/** Sends the request on; the Host header stays, so that signatures stay valid. */
function forward(target: URL, agent: Agent, message: IncomingMessage, body: Buffer): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const skip = ['expect', 'transfer-encoding', 'connection']
    const headers: string[] = []
    for (let index = 0; index < message.rawHeaders.length; index += 2) {
      const name = message.rawHeaders[index] as string
      if (!skip.includes(name.toLowerCase())) headers.push(name, message.rawHeaders[index + 1] as string)
    }
    if (message.headers['transfer-encoding'] !== undefined) headers.push('Transfer-Encoding', 'chunked')
    const { hostname, port } = target
    const options = { agent, hostname, port, method: message.method, path: message.url, headers }
    const sent = httpRequest(options, response => {
      readAll(response).then(bytes => {
        resolve({ status: response.statusCode ?? 502, rawHeaders: response.rawHeaders, body: bytes })
      }, reject)
    })
    sent.on('error', reject)
    sent.end(body)
  })
}

/** Headers of an answer as the proxy sends them: with the true length instead of chunks. */
function answerHeaders(answer: Answer, bodyless: boolean): [string, string][] {
  const headers: [string, string][] = []
  for (let index = 0; index < answer.rawHeaders.length; index += 2) {
    const name = answer.rawHeaders[index] as string
    const lower = name.toLowerCase()
    if (lower === 'transfer-encoding' || lower === 'connection' || lower === 'keep-alive') continue
    if (lower === 'content-length' && !bodyless) continue
    headers.push([name, answer.rawHeaders[index + 1] as string])
  }
  if (!bodyless) headers.push(['Content-Length', String(answer.body.length)])
  return headers
}

function reply(
  message: IncomingMessage,
  response: ServerResponse,
  answer: Answer,
  cut?: { readonly at: number; readonly stall?: boolean },
): void {
  const bodyless = message.method === 'HEAD' || answer.status === 204 || answer.status === 304
  response.writeHead(answer.status, answerHeaders(answer, bodyless).flat())
  if (cut === undefined) {
    response.end(bodyless ? undefined : answer.body)
    return
  }
  response.flushHeaders()
  const part = answer.body.subarray(0, cut.at)
  const leave = (): void => {
    if (cut.stall !== true) message.socket.destroySoon()
  }
  if (part.length === 0) leave()
  else response.write(part, leave)
}

/** Reads until enough bytes came (or the body ended), then breaks the connection. */
function resetDuring(message: IncomingMessage, bytes: number): void {
  const { socket } = message
  let seen = 0
  message.on('data', (chunk: Buffer) => {
    seen += chunk.length
    if (seen >= bytes) socket.resetAndDestroy()
  })
  message.on('end', () => socket.resetAndDestroy())
  message.on('error', () => {})
}

function corrupted(body: Buffer, at: number): Buffer {
  const copy = Buffer.from(body)
  if (at < copy.length) copy[at] = (copy[at] as number) ^ 0xff
  return copy
}

/** Starts a proxy in front of `target` (an http URL) on a free loopback port. */
export async function startFaultProxy(target: string, rule: FaultRule = () => undefined): Promise<FaultProxy> {
  const base = new URL(target)
  const agent = new Agent({ keepAlive: false })
  const timers = new Set<NodeJS.Timeout>()
  const working = new Set<Promise<unknown>>()
  const wait = (ms: number): Promise<void> => new Promise(resolve => timers.add(setTimeout(resolve, ms)))
  const handle = async (message: IncomingMessage, response: ServerResponse, expects: boolean): Promise<void> => {
    const { method = 'GET', url = '/', headers } = message
    const request: ProxiedRequest = { index: proxy.log.length + 1, method, url, headers }
    const action = proxy.rule(request)
    proxy.log.push({ ...request, action: action?.do ?? 'forward' })
    if (action?.do === 'reset-before') return void message.socket.resetAndDestroy()
    if (expects) response.writeContinue()
    if (action?.do === 'reset-during') return resetDuring(message, action.bytes)
    const body = await readAll(message)
    if (action?.do === 'hang' && !action.forward) return action.then?.()
    if (action?.do === 'delay' && !action.after) await wait(action.ms)
    if (action?.do === 'answer') {
      if (action.forward) await forward(base, agent, message, body)
      const rawHeaders = Object.entries(action.headers ?? {}).flat()
      return reply(message, response, { status: action.status, rawHeaders, body: Buffer.from(action.body ?? '') })
    }
    if (action?.do === 'duplicate') await forward(base, agent, message, body)
    const answer = await forward(base, agent, message, body)
    switch (action?.do) {
      case 'reset-after':
        return void message.socket.resetAndDestroy()
      case 'hang':
        return action.then?.()
      case 'cut-head':
        message.socket.write(`HTTP/1.1 ${answer.status} `)
        return message.socket.destroySoon()
      case 'delay':
        if (action.after) await wait(action.ms)
        return reply(message, response, answer)
      case 'truncate':
        return reply(message, response, answer, { at: action.bytes })
      case 'stall':
        return reply(message, response, answer, { at: action.bytes, stall: true })
      case 'corrupt':
        return reply(message, response, { ...answer, body: corrupted(answer.body, action.at) })
      default:
        return reply(message, response, answer)
    }
  }
  const server = createServer({ maxHeaderSize: 64 * 1024 })
  const sockets = new Set<Socket>()
  let whenUnused = Promise.withResolvers<void>()
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.once('close', () => {
      sockets.delete(socket)
      if (sockets.size > 0) return
      whenUnused.resolve()
      whenUnused = Promise.withResolvers<void>()
    })
  })
  const start = (message: IncomingMessage, response: ServerResponse, expects: boolean): void => {
    const { socket } = message
    const work: Promise<unknown> = handle(message, response, expects)
      .catch(() => socket.destroy())
      .finally(() => working.delete(work))
    working.add(work)
  }
  server.on('request', (message, response) => start(message, response, false))
  server.on('checkContinue', (message, response) => start(message, response, true))
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', resolve)
  })
  const { port } = server.address() as AddressInfo
  const proxy: FaultProxy = {
    url: `http://127.0.0.1:${port}${base.pathname === '/' ? '' : base.pathname}`,
    port,
    log: [],
    rule,
    get connections() {
      return sockets.size
    },
    quiet: async () => {
      while (working.size > 0) await Promise.all(working)
    },
    unused: async () => {
      if (sockets.size > 0) await whenUnused.promise
    },
    close: async () => {
      for (const timer of timers) clearTimeout(timer)
      agent.destroy()
      await new Promise<void>(resolve => {
        server.close(() => resolve())
        server.closeAllConnections()
      })
    },
  }
  return proxy
}

/** An HTTP proxy in front of any server, which commits a fault where its rule says so. */
import {
  Agent,
  createServer,
  request as httpRequest,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { exchange, readAll } from '../faults/exchange.ts'
import type { Answer, Fault } from '../faults/faults.ts'

/** One request on its way through the proxy. */
export interface ProxiedRequest {
  /** Counts from 1. */
  readonly index: number
  readonly method: string
  /** Path and query as on the wire. */
  readonly url: string
  readonly headers: IncomingHttpHeaders
}

/** Decides about every request; undefined forwards it untouched. */
export type FaultRule = (request: ProxiedRequest) => Fault | undefined

/** A running proxy. */
export interface FaultProxy {
  /** Takes the place of the server's URL: same path, the proxy's port. */
  readonly url: string
  readonly port: number
  /** Every request with what was done to it. */
  readonly log: (ProxiedRequest & { readonly action: Fault['do'] | 'forward' })[]
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

/** Hop-by-hop headers, and the length, which is told anew. */
const HOP: readonly string[] = ['transfer-encoding', 'connection', 'keep-alive']

function pairsOf(raw: readonly string[], skip: readonly string[]): [string, string][] {
  const pairs: [string, string][] = []
  for (let index = 0; index < raw.length; index += 2) {
    const name = raw[index] as string
    if (!skip.includes(name.toLowerCase())) pairs.push([name, raw[index + 1] as string])
  }
  return pairs
}

/** Sends the request on; the Host header stays, so that signatures stay valid. */
function forward(target: URL, agent: Agent, message: IncomingMessage, body: Buffer): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const headers = pairsOf(message.rawHeaders, ['expect', 'transfer-encoding', 'connection']).flat()
    if (message.headers['transfer-encoding'] !== undefined) headers.push('Transfer-Encoding', 'chunked')
    const { hostname, port } = target
    const options = { agent, hostname, port, method: message.method, path: message.url, headers }
    const sent = httpRequest(options, response => {
      readAll(response).then(bytes => {
        const { statusCode: status = 502, rawHeaders } = response
        resolve({ status, headers: pairsOf(rawHeaders, HOP), body: bytes })
      }, reject)
    })
    sent.on('error', reject)
    sent.end(body)
  })
}

/** Starts a proxy in front of `target` (an http URL) on a free loopback port; with `keepAlive` it uses its connections to the server again. */
export async function startFaultProxy(
  target: string,
  rule: FaultRule = () => undefined,
  { keepAlive = false }: { readonly keepAlive?: boolean } = {},
): Promise<FaultProxy> {
  const base = new URL(target)
  const agent = new Agent({ keepAlive })
  const timers = new Set<NodeJS.Timeout>()
  const working = new Set<Promise<unknown>>()
  const wait = (ms: number): Promise<void> => new Promise(resolve => timers.add(setTimeout(resolve, ms)))
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
    const { method = 'GET', url = '/', headers, socket } = message
    const request: ProxiedRequest = { index: proxy.log.length + 1, method, url, headers }
    const fault = proxy.rule(request)
    proxy.log.push({ ...request, action: fault?.do ?? 'forward' })
    const work: Promise<unknown> = exchange({
      message,
      response,
      expects,
      fault,
      wait,
      carryOut: async read => forward(base, agent, message, await read()),
      refusal: ({ status, headers = {}, body = '' }) => {
        return { status, headers: Object.entries(headers), body: Buffer.from(body) }
      },
    })
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

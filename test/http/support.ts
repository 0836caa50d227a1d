import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer, type RequestListener, request, type Server } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import {
  type AddressInfo,
  connect,
  createServer as createTcpServer,
  type Socket,
  type Server as TcpServer,
} from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { CallContext } from '../../src/core/call.ts'
import { StorageError } from '../../src/core/errors.ts'

/** Something that a test started and that has to be closed. */
export interface Running extends AsyncDisposable {
  readonly port: number
  readonly url: string
}

/** A call's context whose progress is counted. */
export function context(signal: AbortSignal = new AbortController().signal): CallContext & { moves: number } {
  return {
    signal,
    attempt: 1,
    moves: 0,
    progress() {
      this.moves++
    },
    step(_operation, _replayable, run) {
      return run(this)
    },
  }
}

/** A plain HTTP server on this machine; `sockets` are the connections that it accepted. */
export async function serve(listener: RequestListener): Promise<Running & { server: Server; sockets: Socket[] }> {
  const server = createServer(listener)
  const sockets = collectSockets(server)
  return { server, sockets, ...(await listening(server, sockets, 'http')) }
}

/** A TLS server with a certificate of ours. */
export async function serveTls(identity: Identity, listener: RequestListener): Promise<Running> {
  const server = createTlsServer({ key: identity.key, cert: identity.cert }, listener)
  return listening(server, collectSockets(server), 'https')
}

/** A server of raw bytes. */
export async function serveTcp(
  listener: (socket: Socket) => void,
): Promise<Running & { server: TcpServer; sockets: Socket[] }> {
  const server = createTcpServer(listener)
  const sockets = collectSockets(server)
  return { server, sockets, ...(await listening(server, sockets, 'http')) }
}

/** A self-signed certificate for localhost, 127.0.0.1 and `made.test`. */
export interface Identity extends Disposable {
  readonly key: Buffer
  readonly cert: Buffer
  readonly certPath: string
}

/** How keys are made, by their type. */
const KEYS = { ec: ['ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1'], rsa: ['rsa:2048'] } as const

/** Makes an identity with the machine's openssl. */
export function makeIdentity(type: keyof typeof KEYS = 'ec'): Identity {
  const directory = mkdtempSync(join(tmpdir(), 'holdall-tls-'))
  const keyPath = join(directory, 'key.pem')
  const certPath = join(directory, 'cert.pem')
  const names = 'subjectAltName=DNS:localhost,DNS:made.test,IP:127.0.0.1'
  const how = ['req', '-x509', '-newkey', ...KEYS[type], '-nodes', '-days', '2']
  execFileSync('openssl', [...how, '-subj', '/CN=localhost', '-addext', names, '-keyout', keyPath, '-out', certPath], {
    stdio: 'pipe',
  })
  return {
    key: readFileSync(keyPath),
    cert: readFileSync(certPath),
    certPath,
    [Symbol.dispose]: () => rmSync(directory, { recursive: true, force: true }),
  }
}

/** What a proxy was asked for. */
export interface Asked {
  readonly method: string
  readonly target: string
  readonly authorization: string | undefined
}

/** A forward and CONNECT proxy. Whatever host is asked for, it connects to this machine, at the port asked for. */
export async function serveProxy(password?: string): Promise<Running & { asked: Asked[] }> {
  const asked: Asked[] = []
  const wanted = password && `Basic ${Buffer.from(password).toString('base64')}`
  const server = createServer((incoming, outgoing) => {
    const authorization = incoming.headers['proxy-authorization']
    asked.push({ method: incoming.method!, target: incoming.url!, authorization })
    if (authorization !== wanted) {
      outgoing.writeHead(407).end('who?')
      return
    }
    const url = new URL(incoming.url!)
    const { 'proxy-authorization': _own, ...headers } = incoming.headers
    const path = url.pathname + url.search
    const onward = request({ host: '127.0.0.1', port: url.port, method: incoming.method, path, headers, agent: false })
    onward.on('response', answer => {
      outgoing.writeHead(answer.statusCode!, answer.headers)
      answer.pipe(outgoing)
    })
    onward.on('error', () => outgoing.destroy())
    incoming.pipe(onward)
  })
  const sockets = collectSockets(server)
  server.on('connect', (incoming, socket: Socket) => {
    const authorization = incoming.headers['proxy-authorization']
    asked.push({ method: 'CONNECT', target: incoming.url!, authorization })
    if (authorization !== wanted) {
      socket.end('HTTP/1.1 407 Who\r\ncontent-length: 0\r\n\r\n')
      return
    }
    const onward = connect(Number(incoming.url!.split(':').at(-1)), '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n')
      onward.pipe(socket).pipe(onward)
    })
    sockets.push(onward)
    onward.on('error', () => socket.destroy())
    socket.on('error', () => onward.destroy())
  })
  return { asked, ...(await listening(server, sockets, 'http')) }
}

/** The `StorageError` that a promise is rejected with. */
export async function failure(promise: Promise<unknown>): Promise<StorageError> {
  const error = await promise.then(
    value => new Error(`did not fail: ${value}`),
    (reason: unknown) => reason,
  )
  if (error instanceof StorageError) return error
  throw error
}

function collectSockets(server: TcpServer): Socket[] {
  const sockets: Socket[] = []
  server.on('connection', (socket: Socket) => {
    sockets.push(socket)
    socket.on('error', () => undefined)
  })
  return sockets
}

async function listening(server: TcpServer, sockets: Socket[], scheme: string): Promise<Running> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    port,
    url: `${scheme}://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      server.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}

/** A server that sends back what it got: its size, a sum of its bytes and how it was framed. */
export const echo = () =>
  serve(async (request, response) => {
    let size = 0
    let sum = 0
    for await (const chunk of request) {
      size += chunk.length
      for (const byte of chunk) sum = (sum * 31 + byte) % 1_000_003
    }
    const { 'content-length': length, 'transfer-encoding': coding } = request.headers
    response.end(JSON.stringify({ size, sum, length, coding }))
  })

/** Bytes of which no two neighbours are alike. */
export function pattern(size: number): Buffer {
  const bytes = Buffer.alloc(size)
  for (let at = 0; at < size; at++) bytes[at] = (at * 7) % 251
  return bytes
}

/** The sum that `echo` makes of bytes. */
export function sumOf(bytes: Uint8Array): number {
  let sum = 0
  for (const byte of bytes) sum = (sum * 31 + byte) % 1_000_003
  return sum
}

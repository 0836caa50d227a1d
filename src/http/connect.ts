import type { Socket } from 'node:net'
import type { SecureContext } from 'node:tls'
import { nodeHttp, nodeHttps, nodeNet, nodeTls } from '../core/builtin.ts'
import { StorageError } from '../core/errors.ts'
import type { ProxyServer } from './proxy.ts'
import { bracketed } from './request.ts'

/** Where connections of one origin go and how they are made. */
export interface Route {
  /** Of the server, or of the proxy that requests are sent to. Without brackets. */
  readonly hostname: string
  readonly port: number
  /** Whether TLS is spoken to it. */
  readonly secure: boolean
  /** The proxy that a tunnel leads through (RFC 9110 section 9.3.6). */
  readonly tunnel: ProxyServer | undefined
  /** Milliseconds for connecting, the proxy's tunnel and the TLS handshake included; 0 for no limit. */
  readonly connectTimeoutMs: number
  /** Whom to trust and what to show; undefined where TLS is spoken to nobody. */
  readonly secureContext: SecureContext | undefined
  readonly rejectUnauthorized: boolean
}

/** Starts a connection; bytes may be written before it stands. `onSession` is given what makes the next TLS handshake short, or that there is no such thing any more. */
export function openSocket(
  route: Route,
  session: Buffer | undefined,
  onSession: (session: Buffer | undefined) => void,
  through?: Socket,
): Socket {
  const { hostname, port, secure, connectTimeoutMs } = route
  const host = reachable(hostname)
  if (!secure) {
    const socket = nodeNet().connect({ host, port, noDelay: true, keepAlive: true, keepAliveInitialDelay: 1000 })
    return limited(socket, 'connect', connectTimeoutMs)
  }
  const { secureContext, rejectUnauthorized } = route
  const socket = nodeTls().connect({
    host,
    port,
    ...(through && { socket: through }),
    ...(nodeNet().isIP(hostname) === 0 && { servername: hostname }),
    ...(session && { session }),
    secureContext,
    rejectUnauthorized,
    ALPNProtocols: ['http/1.1'],
  })
  socket.setNoDelay(true)
  socket.setKeepAlive(true, 1000)
  socket.on('session', onSession)
  // A session that the server cannot continue would break every handshake to come.
  socket.once('error', () => onSession(undefined))
  return limited(socket, 'secureConnect', connectTimeoutMs)
}

/** Asks the proxy for a tunnel to the server. */
export function openTunnel(route: Route, done: (error: unknown, socket?: Socket) => void): () => void {
  const { secureContext, rejectUnauthorized, connectTimeoutMs } = route
  const proxy = route.tunnel!
  const authority = `${bracketed(route.hostname)}:${route.port}`
  const headers = ['Host', authority]
  if (proxy.authorization !== undefined) headers.push('Proxy-Authorization', proxy.authorization)
  const tls = proxy.secure ? { rejectUnauthorized, secureContext } : undefined
  const { hostname, port } = proxy
  const options = { agent: false, method: 'CONNECT', hostname, port, path: authority, headers, ...tls } as const
  const request = (proxy.secure ? nodeHttps() : nodeHttp()).request(options)
  const timer = timeLimit(connectTimeoutMs, error => request.destroy(error))
  request.on('error', error => {
    clearTimeout(timer)
    done(error)
  })
  request.once('connect', (response, socket, head) => {
    clearTimeout(timer)
    const status = response.statusCode ?? 0
    if (status >= 200 && status < 300) {
      if (head.length > 0) socket.unshift(head)
      done(undefined, socket as Socket)
    } else {
      socket.destroy()
      done(refusedTunnel(status, authority))
    }
  })
  request.end()
  return () => request.destroy()
}

function refusedTunnel(status: number, authority: string): StorageError {
  const denied = status === 407 || status === 403 || status === 401
  return new StorageError(
    denied ? 'permission_denied' : 'unavailable',
    `The proxy refused a connection to ${authority} with status ${status}.`,
    { status, outcome: 'not_applied' },
  )
}

/** Names below localhost are this machine, also where the resolver does not know them. (RFC 6761 section 6.3) */
function reachable(hostname: string): string {
  return hostname.endsWith('.localhost') ? 'localhost' : hostname
}

function limited(socket: Socket, event: 'connect' | 'secureConnect', milliseconds: number): Socket {
  const timer = timeLimit(milliseconds, error => socket.destroy(error))
  if (timer !== undefined) {
    const clear = (): void => clearTimeout(timer)
    socket.once(event, clear)
    socket.once('close', clear)
  }
  return socket
}

function timeLimit(milliseconds: number, end: (error: StorageError) => void): NodeJS.Timeout | undefined {
  if (milliseconds <= 0) return undefined
  return setTimeout(
    () => end(new StorageError('timeout', 'No connection within connectTimeoutSecs.', { outcome: 'not_applied' })),
    milliseconds,
  )
}

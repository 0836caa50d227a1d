import { AsyncResource } from 'node:async_hooks'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import type { ConnectionOptions } from 'node:tls'
import { nodeHttp, nodeHttps, nodeNet, nodeTls } from '../core/builtin.ts'
import { StorageError } from '../core/errors.ts'
import type { ProxyServer } from './proxy.ts'
import { bracketed } from './request.ts'

/** The destination of the requests for one scheme, host and port, and how connections to it are made. */
export interface Route {
  /** Whether the connection to the server uses TLS. */
  readonly secure: boolean
  /** Without brackets. */
  readonly hostname: string
  readonly port: number
  /**
   * Name or address to which connections without a proxy go instead. The server still receives `hostname`, and its certificate must be for
   * that name.
   */
  readonly connectTo?: string | undefined
  /** A proxy that receives the requests themselves, or opens a tunnel where the server uses TLS (RFC 9110 section 9.3.6). */
  readonly proxy: ProxyServer | undefined
  /** Trusted authorities and client certificate, for TLS. */
  readonly trust: Pick<ConnectionOptions, 'secureContext' | 'rejectUnauthorized'>
  /** Maximum time in milliseconds for connecting, including the proxy's tunnel and the TLS handshake; 0 for no limit. */
  readonly connectTimeoutMs: number
  /** The last TLS session, which shortens the next handshake. */
  session?: Buffer | undefined
}

/** Connections outlive the request that opened them, so they do not belong to its asynchronous context. */
const NOBODY = new AsyncResource('holdall.Connections')

/** Opens a connection; fails as `timeout` after the time limit. `opening` aborts it. */
export async function openConnection(route: Route, opening: AbortController): Promise<Socket> {
  const { secure, proxy, connectTimeoutMs } = route
  const { signal } = opening
  const late = (): void =>
    opening.abort(new StorageError('timeout', 'No connection within connectTimeoutSecs.', { outcome: 'not_applied' }))
  const timer = connectTimeoutMs > 0 ? setTimeout(late, connectTimeoutMs) : undefined
  let socket: Socket | undefined
  try {
    if (secure && proxy !== undefined) socket = await openTunnel(route, proxy, signal)
    socket = NOBODY.runInAsyncScope(openSocket, undefined, route, socket)
    await once(socket, 'encrypted' in socket ? 'secureConnect' : 'connect', { signal })
    return socket
  } catch (error) {
    socket?.destroy()
    throw signal.aborted ? signal.reason : error
  } finally {
    clearTimeout(timer)
  }
}

function openSocket(route: Route, through?: Socket): Socket {
  const { trust, proxy } = route
  const { secure, hostname, port } = route.secure ? route : (proxy ?? route)
  // Names below localhost are this machine, even if the resolver does not know them. (RFC 6761 section 6.3)
  const named = hostname.endsWith('.localhost') ? 'localhost' : hostname
  const host = proxy === undefined ? (route.connectTo ?? named) : named
  if (!secure) return nodeNet().connect({ host, port, noDelay: true, keepAlive: true, keepAliveInitialDelay: 1000 })
  const socket = nodeTls().connect({
    host,
    port,
    ...(through && { socket: through }),
    ...(nodeNet().isIP(hostname) === 0 && { servername: hostname }),
    session: route.session,
    ...trust,
    ALPNProtocols: ['http/1.1'],
  })
  socket.setNoDelay(true)
  socket.setKeepAlive(true, 1000)
  const keep = (session?: Buffer): void => void (route.session = session)
  socket.on('session', keep)
  // A session that the server cannot continue would break every later handshake.
  socket.once('error', () => keep())
  return socket
}

/** Requests a tunnel to the server from the proxy. */
async function openTunnel(route: Route, proxy: ProxyServer, signal: AbortSignal): Promise<Socket> {
  const { secure, hostname, port, authorization } = proxy
  const authority = `${bracketed(route.hostname)}:${route.port}`
  const headers = ['Host', authority]
  if (authorization !== undefined) headers.push('Proxy-Authorization', authorization)
  const target = { agent: false, method: 'CONNECT', hostname, port, path: authority } as const
  const options = { ...target, headers, signal, ...route.trust }
  const request = (secure ? nodeHttps() : nodeHttp()).request(options).end()
  const [{ statusCode: status = 0 }, socket, head] = await once(request, 'connect')
  if (status >= 200 && status < 300) {
    if (head.length > 0) socket.unshift(head)
    return socket
  }
  socket.destroy()
  const code = status === 407 || status === 403 || status === 401 ? 'permission_denied' : 'unavailable'
  const text = `The proxy refused a connection to ${authority} with status ${status}.`
  throw new StorageError(code, text, { status, outcome: 'not_applied' })
}

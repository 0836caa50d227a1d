import type { Server, Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { abortable, onAbort } from '../../core/abort.ts'
import { nodeNet, nodeTls } from '../../core/builtin.ts'
import { messageOf } from '../../core/errors.ts'
import type { FtpConnection } from './connection.ts'
import { accepted, FtpConnectionError } from './errors.ts'
import { INLET_BYTES, Inlet } from './inlet.ts'
import { type DataTarget, epsvTarget, pasvTarget, type Reply } from './replies.ts'

/** Number of unsent bytes below which the next bytes are written, so that the network need not wait. */
const SEND_AHEAD = 512 * 1024

/** A connection for the bytes of one transfer, prepared before its command. */
export interface DataConnection {
  /** Receives the bytes that arrive. */
  readonly inlet: Inlet
  /** The socket, after both sides are connected and, with TLS, the handshake is complete. Must be called once, after the command. */
  ready(signal: AbortSignal): Promise<Socket>
  /** Closes it in any state. */
  close(): void
}

const PASSIVE = { EPSV: epsvTarget, PASV: pasvTarget } as const
type PassiveCommand = keyof typeof PASSIVE

/** The direction of a data connection. */
export type Purpose = 'receive' | 'send'

/** Opens a data connection, in active or passive mode as the location requires. */
export function openData(connection: FtpConnection, purpose: Purpose, signal: AbortSignal): Promise<DataConnection> {
  const isActive = connection.options.location.scheme === 'aftp'
  return isActive ? listen(connection, signal) : dial(connection, purpose, signal)
}

/**
 * Sends queries, and in the same packet requests the port of the following transfer, if the server's method is known.
 */
export async function askAhead(
  connection: FtpConnection,
  questions: readonly string[],
  signal: AbortSignal,
): Promise<readonly Reply[]> {
  const { control, server, options } = connection
  const { passive } = server
  const isAhead = control.takesPacks && passive !== undefined && options.location.scheme !== 'aftp'
  const replies = await control.ask(isAhead ? [...questions, passive] : questions, signal)
  connection.waiting = isAhead ? replies.pop() : undefined
  return replies
}

/**
 * Connects to a port of the server (passive mode): with EPSV, and with PASV if that does not lead to a connection. Remembers the method
 * that works.
 */
async function dial(connection: FtpConnection, purpose: Purpose, signal: AbortSignal): Promise<DataConnection> {
  const { server, options } = connection
  const first = server.passive ?? 'EPSV'
  // Both attempts must fit into the timeout of one.
  const limitMs = options.connectTimeoutMs / 2
  try {
    const data = await dialBy(first, connection, purpose, limitMs, signal)
    server.passive = first
    return data
  } catch (error) {
    if (signal.aborted || !connection.control.isUsable) throw error
    const second = first === 'EPSV' ? 'PASV' : 'EPSV'
    const data = await dialBy(second, connection, purpose, limitMs, signal).catch(later => {
      throw signal.aborted || !connection.control.isUsable ? later : error
    })
    server.passive = second
    return data
  }
}

async function dialBy(
  command: PassiveCommand,
  connection: FtpConnection,
  purpose: Purpose,
  limitMs: number,
  signal: AbortSignal,
): Promise<DataConnection> {
  const { control, options, waiting } = connection
  connection.waiting = undefined
  const target = targetIn(command, accepted(command, waiting ?? (await control.request(command, signal))))
  const inlet = new Inlet()
  const host = hostOf(target, control.socket.remoteAddress, options.allowDataHost)
  const isPlain = connection.tls === undefined && purpose === 'receive'
  connection.inletBuffer ??= isPlain ? Buffer.allocUnsafeSlow(INLET_BYTES) : undefined
  const how = isPlain ? { onread: inlet.onread(connection.inletBuffer!) } : { highWaterMark: SEND_AHEAD }
  const raw = nodeNet().connect({ host, port: target.port, ...how })
  raw.on('error', nothing)
  await connected(raw, limitMs, signal)
  // The server continues with TLS after the command; some servers first wait for the client's first byte.
  const socket = connection.tls === undefined ? raw : secured(raw, connection)
  inlet.attach(socket, isPlain)
  return { inlet, ready: given => handshake(socket, connection, given), close: () => void socket.destroy() }
}

/** The address in a server's answer may be private or belong to another host, so the host of the control connection is used instead. */
function hostOf({ host }: DataTarget, control: string | undefined, isAllowed: boolean): string {
  const own = control ?? 'localhost'
  return isAllowed && host !== undefined && host !== '0.0.0.0' ? host : own
}

function targetIn(command: PassiveCommand, reply: Reply): DataTarget {
  const target = PASSIVE[command](reply)
  if (target !== undefined) return target
  throw new FtpConnectionError(`The answer to ${command} names no port: ${reply.message}`, { outcome: 'not_applied' })
}

/** Waits for the server to connect to a local port (active mode). */
async function listen(connection: FtpConnection, signal: AbortSignal): Promise<DataConnection> {
  const { control } = connection
  const { localAddress = '', remoteAddress } = control.socket
  const host = plainAddress(localAddress)
  const inlet = new Inlet()
  const { promise, resolve, reject } = Promise.withResolvers<Socket>()
  promise.catch(nothing)
  const server = nodeNet().createServer(raw => {
    raw.on('error', nothing)
    // Any host could connect to the port.
    if (plainAddress(raw.remoteAddress ?? '') !== plainAddress(remoteAddress ?? '')) return void raw.destroy()
    server.close()
    const socket = connection.tls === undefined ? raw : secured(raw, connection)
    inlet.attach(socket, false)
    return resolve(socket)
  })
  server.on('error', reject)
  const close = (): void => {
    server.close()
    promise.then(socket => socket.destroy(), nothing)
    reject(new FtpConnectionError('The data connection was closed.'))
  }
  try {
    const port = await listening(server, host, signal)
    await control.request(activeCommand(host, port), signal)
  } catch (error) {
    close()
    throw error
  }
  return {
    inlet,
    close,
    async ready(given) {
      const limitMs = connection.options.connectTimeoutMs
      const timer = limitMs > 0 ? setTimeout(() => reject(notConnected(host)), limitMs) : undefined
      try {
        return await handshake(await abortable(promise, given), connection, given)
      } finally {
        clearTimeout(timer)
      }
    },
  }
}

function listening(server: Server, host: string, signal: AbortSignal): Promise<number> {
  return abortable(
    new Promise((resolve, reject) => {
      server.once('error', reject)
      server.listen({ host, port: 0 }, () => resolve((server.address() as { port: number }).port))
    }),
    signal,
  )
}

/** (RFC 959, section 4.1.2; RFC 2428, section 2) */
function activeCommand(host: string, port: number): string {
  if (host.includes(':')) return `EPRT |2|${host.split('%', 1)[0]!}|${port}|`
  return `PORT ${host.replaceAll('.', ',')},${port >> 8},${port & 255}`
}

function plainAddress(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.)/i, '')
}

function notConnected(host: string): FtpConnectionError {
  const text = `The server did not connect to ${host} (active mode). Behind a firewall or NAT write ftp:// for aftp://.`
  return new FtpConnectionError(text, { kind: 'timeout' })
}

/** Begins TLS, in the session of this control connection only: servers may require that. */
function secured(raw: Socket, { tls, control }: FtpConnection): TLSSocket {
  const socket = nodeTls().connect({ ...tls, socket: raw, session: control.session })
  // The listener stays forever: an error after the transfer must not end the process.
  socket.on('error', nothing)
  socket.on('session', session => {
    control.session = session
  })
  return socket
}

function connected(socket: Socket, limitMs: number, signal: AbortSignal): Promise<void> {
  return event(socket, 'connect', limitMs, signal, 'No data connection')
}

async function handshake(socket: Socket, { tls, options }: FtpConnection, signal: AbortSignal): Promise<Socket> {
  if (tls === undefined || !(socket as Partial<TLSSocket> & { secureConnecting?: boolean }).secureConnecting)
    return socket
  await event(socket, 'secureConnect', options.connectTimeoutMs, signal, 'No TLS on the data connection')
  return socket
}

/** Waits for an event of a socket. Any other event is an error, and the socket is destroyed. */
function event(socket: Socket, name: string, limitMs: number, signal: AbortSignal, what: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (why: string, cause?: unknown, kind?: 'timeout'): void =>
      end(() => reject(new FtpConnectionError(`${what}: ${why}`, { cause, kind })), true)
    const failed = (error: Error): void => fail(messageOf(error), error)
    const closed = (): void => fail('it was closed')
    const done = (): void => end(resolve)
    const timer = limitMs > 0 ? setTimeout(() => fail('too slow', undefined, 'timeout'), limitMs) : undefined
    const off = onAbort(signal, () => end(() => reject(signal.reason), true))
    const end = (settle: () => void, isBroken = false): void => {
      clearTimeout(timer)
      off()
      socket.off(name, done).off('error', failed).off('close', closed)
      if (isBroken) socket.destroy()
      settle()
    }
    socket.on(name, done).on('error', failed).on('close', closed)
    if (signal.aborted) end(() => reject(signal.reason), true)
    else if (socket.destroyed) closed()
  })
}

function nothing(): void {}

import { AsyncResource } from 'node:async_hooks'
import type { ClientRequest } from 'node:http'
import type { Socket } from 'node:net'
import { openSocket, openTunnel, type Route } from './connect.ts'
import { clientClosed } from './transport-error.ts'

/** Where the requests of one scheme, host and port go; resolved once. */
export interface Origin {
  /** Without brackets. */
  readonly hostname: string
  readonly port: number
  readonly agent: Connections
  /** What a forward proxy wants besides the whole URL; undefined where there is none. */
  readonly proxyHeaders: Readonly<Record<string, string>> | undefined
  /** Milliseconds that an answer's body may stand still while it is read; 0 for no limit. */
  readonly idleMs: number
}

/** One connection of an origin. */
export interface Connection {
  readonly socket: Socket
  /** When it became idle, in milliseconds. */
  since: number
  /** What it had read by then: nobody has asked for more. */
  bytesRead: number
  /** For how long it may be idle, in milliseconds. */
  idleMs: number
  /** Called when bytes arrive that nobody asked for. */
  readonly onStray: () => void
}

/** Goes with a request to `addRequest`. */
export interface Ticket {
  /** Whether only a new connection will do. */
  readonly fresh: boolean
  /** The connection that the request was given. */
  connection?: Connection
}

/** A connection that is idle for longer may be dead without a sign: behind NAT, or because the process was frozen. */
const MAX_IDLE_MS = 4000
/** The longest time for which a server is believed that it keeps an idle connection. */
const MAX_PROMISE_MS = 60_000
/** Servers close idle connections; it takes so many milliseconds to hear of it. */
const HINT_MARGIN_MS = 1000
/** Idle connections that are kept, as by node:http; a burst must not leave thousands of them behind. */
const MAX_IDLE = 256

/** Connections outlive the request that opened them, so they do not belong to its asynchronous context. */
const NOBODY = new AsyncResource('holdall.Connections')

/**
 * The connections of one origin, as an agent of node:http: kept open between requests, and no more of them than allowed.
 * (https://nodejs.org/api/http.html#httprequesturl-options-callback, "Agent-like Object")
 */
export class Connections {
  readonly keepAlive = true
  readonly protocol: string
  readonly defaultPort: number
  readonly #route: Route
  readonly #limit: number
  readonly #open: Set<Socket> = new Set()
  readonly #opening: Map<ClientRequest, () => void> = new Map()
  readonly #waiting: Map<ClientRequest, Ticket> = new Map()
  /** The one that was used last is at the end. */
  readonly #idle: Connection[] = []
  /** Requests that wait until it is known what became of the idle connections. */
  #arrived: Array<[ClientRequest, Ticket]> = []
  #turned: Array<[ClientRequest, Ticket]> = []
  #isTurning = false
  #session: Buffer | undefined
  #closed = false

  constructor(protocol: string, route: Route, limit: number) {
    this.protocol = protocol
    this.defaultPort = protocol === 'https:' ? 443 : 80
    this.#route = route
    this.#limit = limit
  }

  /** Called by node:http, which writes the request when it is given a socket. */
  addRequest(request: ClientRequest, { ticket = { fresh: false } }: { ticket?: Ticket }): void {
    if (ticket.fresh || this.#idle.length === 0) this.#connect(request, ticket)
    else {
      // Bytes that nobody asked for, or the end, may have come since the event loop looked at the sockets.
      this.#arrived.push([request, ticket])
      if (!this.#isTurning) setImmediate(this.#onTurn)
      this.#isTurning = true
    }
  }

  /** Serves the requests that have waited for a whole turn of the event loop. The first call may still belong to the turn in which they came. */
  readonly #onTurn = (): void => {
    const ready = this.#turned
    this.#turned = this.#arrived
    this.#arrived = []
    for (const [request, ticket] of ready) this.#reuse(request, ticket)
    this.#isTurning = this.#turned.length > 0 || this.#arrived.length > 0
    if (this.#isTurning) setImmediate(this.#onTurn)
  }

  /** Forgets a request that was destroyed before it had a connection. */
  cancel(request: ClientRequest): void {
    const stop = this.#opening.get(request)
    if (stop !== undefined) stop()
    if (!this.#opening.delete(request) && !this.#waiting.delete(request)) return
    refuse(request)
    this.#serveNext()
  }

  /** Closes the idle connections: one of them turned out to be dead. */
  closeIdle(): void {
    for (const { socket } of this.#idle.splice(0)) socket.destroy()
  }

  /** Closes every connection; requests that wait for one are refused. */
  close(): void {
    this.#closed = true
    for (const stop of this.#opening.values()) stop()
    for (const request of [...this.#waiting.keys(), ...this.#opening.keys()]) refuse(request, clientClosed())
    this.#waiting.clear()
    this.#opening.clear()
    for (const socket of this.#open) socket.destroy()
  }

  #reuse(request: ClientRequest, ticket: Ticket): void {
    if (request.destroyed) {
      refuse(request)
      return
    }
    let connection = this.#idle.pop()
    for (; connection !== undefined && !isUsable(connection); connection = this.#idle.pop()) connection.socket.destroy()
    if (connection === undefined) this.#connect(request, ticket)
    else this.#give(request, ticket, connection)
  }

  #give(request: ClientRequest, ticket: Ticket, connection: Connection): void {
    const { socket, onStray } = connection
    socket.off('data', onStray)
    socket.ref()
    ticket.connection = connection
    request.reusedSocket = true
    request.onSocket(socket)
  }

  #connect(request: ClientRequest, ticket: Ticket): void {
    if (this.#closed) {
      refuse(request, clientClosed())
      return
    }
    if (this.#open.size + this.#opening.size >= this.#limit) {
      this.#waiting.set(request, ticket)
      // One that wants a new connection gets the place of an idle one.
      this.#idle.shift()?.socket.destroy()
      return
    }
    const route = this.#route
    if (route.tunnel === undefined) {
      this.#openSocket(request, ticket, route)
      return
    }
    const begun = performance.now()
    const stop = openTunnel(route, (error, through) => {
      const { connectTimeoutMs: limit } = route
      const left = limit === 0 ? 0 : Math.max(1, limit - (performance.now() - begun))
      if (!this.#opening.delete(request)) through?.destroy()
      else if (through !== undefined) this.#openSocket(request, ticket, { ...route, connectTimeoutMs: left }, through)
      else {
        refuse(request, error)
        this.#serveNext()
      }
    })
    this.#opening.set(request, stop)
  }

  #openSocket(request: ClientRequest, ticket: Ticket, route: Route, through?: Socket): void {
    let socket: Socket
    try {
      socket = NOBODY.runInAsyncScope(openSocket, undefined, route, this.#session, this.#onSession, through)
    } catch (error) {
      // What node:tls cannot begin with.
      through?.destroy()
      refuse(request, error)
      this.#serveNext()
      return
    }
    const onStray = (): void => void socket.destroy()
    const connection: Connection = { socket, since: 0, bytesRead: -1, idleMs: MAX_IDLE_MS, onStray }
    ticket.connection = connection
    this.#open.add(socket)
    socket.on('error', () => undefined) // While it is idle.
    socket.on('free', () => this.#onFree(connection))
    socket.on('close', () => this.#onClose(connection))
    request.onSocket(socket)
  }

  readonly #onSession = (session: Buffer | undefined): void => {
    this.#session = session
  }

  #onFree(connection: Connection): void {
    const { socket, onStray } = connection
    if (!socket.writable) return
    const [next] = this.#waiting
    const isTaken = next !== undefined && !next[1].fresh
    // Its place is wanted by a request that needs a new connection, or nobody needs it.
    if (connection.idleMs <= 0 || (!isTaken && (next !== undefined || this.#idle.length >= MAX_IDLE))) {
      socket.destroy()
      return
    }
    connection.bytesRead = socket.bytesRead
    if (isTaken) {
      this.#waiting.delete(next[0])
      this.#give(next[0], next[1], connection)
      return
    }
    // An idle connection keeps nothing of its last request. (as the agent of node:http has it)
    Object.assign(socket, { _httpMessage: null })
    connection.since = Date.now()
    socket.on('data', onStray)
    if (socket.isPaused()) socket.resume()
    // An idle connection does not keep the process alive.
    socket.unref()
    this.#idle.push(connection)
    const oldest = this.#idle[0]!
    if (!isUsable(oldest)) oldest.socket.destroy()
  }

  #onClose(connection: Connection): void {
    this.#open.delete(connection.socket)
    const at = this.#idle.indexOf(connection)
    if (at >= 0) this.#idle.splice(at, 1)
    this.#serveNext()
  }

  #serveNext(): void {
    if (this.#closed || this.#open.size + this.#opening.size >= this.#limit) return
    const [next] = this.#waiting
    if (next === undefined) return
    this.#waiting.delete(next[0])
    this.#connect(next[0], next[1])
  }
}

/** Milliseconds for which a connection may be idle, by the header `keep-alive` of an answer: `timeout=5`. */
export function idleTimeOf(hint: string): number {
  const secs = /(?:^|[,\s])timeout\s*=\s*(\d{1,9})/i.exec(hint)?.[1]
  return secs === undefined ? MAX_IDLE_MS : Math.min(Number(secs) * 1000, MAX_PROMISE_MS) - HINT_MARGIN_MS
}

// The clock may have been set back.
function isUsable({ socket, since, bytesRead, idleMs }: Connection): boolean {
  return socket.writable && socket.bytesRead === bytesRead && Math.abs(Date.now() - since) <= idleMs
}

/** Lets a request fail that gets no socket. */
function refuse(request: ClientRequest, error?: unknown): void {
  // The error is a parameter that the types do not know. (node:http, as its own agent does)
  Reflect.apply(request.onSocket, request, [null, error])
}

import type { ClientRequest } from 'node:http'
import type { Socket } from 'node:net'
import { openConnection, type Route } from './connect.ts'

/** One connection. */
export interface Connection {
  readonly socket: Socket
  /** Time at which it became idle, in milliseconds. */
  since: number
  /** Number of bytes that it had read then: no request has asked for more. */
  bytesRead: number
  /** Maximum idle time, in milliseconds. */
  idleMs: number
}

/** Data that is passed with a request to `addRequest`. */
export interface Ticket {
  /** Whether the request needs a new connection. */
  readonly fresh: boolean
  /** The connection of the request. */
  connection?: Connection | undefined
}

/** A connection that is idle for longer may be dead without a sign: behind NAT, or because the process was suspended. */
const MAX_IDLE_MS = 4000
/** Upper bound of the idle time that a server announces. */
const MAX_PROMISE_MS = 60_000
/** Servers close idle connections; the client may learn of it this many milliseconds later. */
const HINT_MARGIN_MS = 1000
/** Maximum number of idle connections, as in node:http; a burst must not leave thousands of them behind. */
const MAX_IDLE = 256

/**
 * The connections of one origin, as an agent of node:http: kept open between requests, up to a maximum number.
 * (https://nodejs.org/api/http.html#httprequesturl-options-callback, "Agent-like Object")
 */
export class Connections {
  readonly keepAlive = true
  readonly protocol: string
  readonly defaultPort: number
  readonly route: Route
  #limit: number
  readonly #open: Set<Socket> = new Set()
  readonly #opening: Map<ClientRequest, AbortController> = new Map()
  readonly #waiting: Map<ClientRequest, Ticket> = new Map()
  /** The most recently used one is at the end. */
  readonly #idle: Connection[] = []
  /** Requests that wait until the state of the idle connections is known. */
  #arrived: [ClientRequest, Ticket][] = []

  constructor(route: Route, limit: number) {
    this.protocol = route.secure ? 'https:' : 'http:'
    this.defaultPort = route.secure ? 443 : 80
    this.route = route
    this.#limit = limit
  }

  /** Called by node:http, which writes the request when it gets a socket. */
  addRequest(request: ClientRequest, { ticket }: { ticket: Ticket }): void {
    if (ticket.fresh || this.#idle.length === 0) this.#serve(request, ticket)
    // Unrequested bytes, or the end, may have arrived since the event loop looked at the sockets.
    else if (this.#arrived.push([request, ticket]) === 1) setImmediate(this.#onTurn)
  }

  /** Serves the waiting requests after a whole turn of the event loop; this call may still be in the turn in which they arrived. */
  readonly #onTurn = (): void => {
    const arrived = this.#arrived
    this.#arrived = []
    setImmediate(() => {
      for (const [request, ticket] of arrived) this.#serve(request, ticket)
    })
  }

  /** Removes a request that was destroyed before it had a connection. */
  cancel(request: ClientRequest): void {
    this.#opening.get(request)?.abort()
    if (!this.#opening.delete(request) && !this.#waiting.delete(request)) return
    refuse(request)
    this.#serveNext()
  }

  /** Closes the idle connections, after one of them turned out to be dead. */
  closeIdle(): void {
    for (const { socket } of this.#idle.splice(0)) socket.destroy()
  }

  /** Closes every connection and opens no more. */
  close(): void {
    this.#limit = 0
    for (const socket of this.#open) socket.destroy()
  }

  /** Assigns the most recently used connection to a request, or a new one, or lets it wait. */
  #serve(request: ClientRequest, ticket: Ticket): void {
    if (request.destroyed) {
      refuse(request)
      return
    }
    for (let idle = ticket.fresh ? undefined : this.#idle.pop(); idle !== undefined; idle = this.#idle.pop()) {
      if (isUsable(idle)) {
        idle.socket.off('data', onStray).ref()
        ticket.connection = idle
        request.reusedSocket = true
        request.onSocket(idle.socket)
        return
      }
      idle.socket.destroy()
    }
    if (this.#isFull) {
      this.#waiting.set(request, ticket)
      this.#serveNext()
      return
    }
    const opening = new AbortController()
    this.#opening.set(request, opening)
    openConnection(this.route, opening).then(
      socket => {
        ticket.connection = this.#keep(socket)
        if (this.#opening.delete(request)) request.onSocket(socket)
        else socket.destroy() // It was aborted at this very moment.
      },
      error => {
        if (!this.#opening.delete(request)) return
        refuse(request, error)
        this.#serveNext()
      },
    )
  }

  #keep(socket: Socket): Connection {
    const connection = { socket, since: 0, bytesRead: -1, idleMs: MAX_IDLE_MS }
    this.#open.add(socket)
    socket.on('error', () => undefined) // While it is idle.
    socket.on('free', () => this.#onFree(connection))
    socket.on('close', () => {
      this.#open.delete(socket)
      const at = this.#idle.indexOf(connection)
      if (at >= 0) this.#idle.splice(at, 1)
      this.#serveNext()
    })
    return connection
  }

  #onFree(connection: Connection): void {
    const { socket, idleMs } = connection
    if (!socket.writable) return
    if (idleMs <= 0 || this.#idle.length >= MAX_IDLE) {
      socket.destroy()
      return
    }
    connection.bytesRead = socket.bytesRead
    // An idle connection keeps no reference to its last request, like in the agent of node:http.
    Object.assign(socket, { _httpMessage: null })
    connection.since = Date.now()
    socket.on('data', onStray)
    if (socket.isPaused()) socket.resume()
    // An idle connection does not keep the process alive.
    socket.unref()
    this.#idle.push(connection)
    const oldest = this.#idle[0]!
    if (!isUsable(oldest)) oldest.socket.destroy()
    this.#serveNext()
  }

  get #isFull(): boolean {
    return this.#open.size + this.#opening.size >= this.#limit
  }

  #serveNext(): void {
    const [next] = this.#waiting
    if (next === undefined) return
    if (this.#isFull && (next[1].fresh || this.#idle.length === 0)) {
      // A request that needs a new connection replaces an idle one.
      this.#idle.shift()?.socket.destroy()
      return
    }
    this.#waiting.delete(next[0])
    this.#serve(...next)
  }
}

/** Returns the idle time of a connection in milliseconds, from the header `keep-alive` of an answer: `timeout=5`. */
export function idleTimeOf(hint: string): number {
  const secs = /(?:^|[,\s])timeout\s*=\s*(\d{1,9})/i.exec(hint)?.[1]
  return secs === undefined ? MAX_IDLE_MS : Math.min(Number(secs) * 1000, MAX_PROMISE_MS) - HINT_MARGIN_MS
}

// The clock may have been set back.
function isUsable({ socket, since, bytesRead, idleMs }: Connection): boolean {
  return socket.writable && socket.bytesRead === bytesRead && Math.abs(Date.now() - since) <= idleMs
}

/** Closes a connection that received unrequested bytes. */
function onStray(this: Socket): void {
  this.destroy()
}

/** Fails a request that gets no socket. */
function refuse(request: ClientRequest, error?: unknown): void {
  // The error is a parameter that the types do not declare. (as in node:http's own agent)
  Reflect.apply(request.onSocket, request, [null, error])
}

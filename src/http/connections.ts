import type { ClientRequest } from 'node:http'
import type { Socket } from 'node:net'
import { openConnection, type Route } from './connect.ts'

/** One connection. */
export interface Connection {
  readonly socket: Socket
  /** When it became idle, in milliseconds. */
  since: number
  /** What it had read by then: nobody has asked for more. */
  bytesRead: number
  /** For how long it may be idle, in milliseconds. */
  idleMs: number
}

/** Goes with a request to `addRequest`. */
export interface Ticket {
  /** Whether only a new connection will do. */
  readonly fresh: boolean
  /** The connection that the request was given. */
  connection?: Connection | undefined
}

/** A connection that is idle for longer may be dead without a sign: behind NAT, or because the process was frozen. */
const MAX_IDLE_MS = 4000
/** The longest time for which a server is believed that it keeps an idle connection. */
const MAX_PROMISE_MS = 60_000
/** Servers close idle connections; it takes so many milliseconds to hear of it. */
const HINT_MARGIN_MS = 1000
/** Idle connections that are kept, as by node:http; a burst must not leave thousands of them behind. */
const MAX_IDLE = 256

/**
 * The connections of one origin, as an agent of node:http: kept open between requests, and no more of them than allowed.
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
  /** The one that was used last is at the end. */
  readonly #idle: Connection[] = []
  /** Requests that wait until it is known what became of the idle connections. */
  #arrived: [ClientRequest, Ticket][] = []

  constructor(route: Route, limit: number) {
    this.protocol = route.secure ? 'https:' : 'http:'
    this.defaultPort = route.secure ? 443 : 80
    this.route = route
    this.#limit = limit
  }

  /** Called by node:http, which writes the request when it is given a socket. */
  addRequest(request: ClientRequest, { ticket }: { ticket: Ticket }): void {
    if (ticket.fresh || this.#idle.length === 0) this.#serve(request, ticket)
    // Bytes that nobody asked for, or the end, may have come since the event loop looked at the sockets.
    else if (this.#arrived.push([request, ticket]) === 1) setImmediate(this.#onTurn)
  }

  /** Serves the requests that have come so far after a whole turn of the event loop; this call may still belong to the turn in which they came. */
  readonly #onTurn = (): void => {
    const arrived = this.#arrived
    this.#arrived = []
    setImmediate(() => {
      for (const [request, ticket] of arrived) this.#serve(request, ticket)
    })
  }

  /** Forgets a request that was destroyed before it had a connection. */
  cancel(request: ClientRequest): void {
    this.#opening.get(request)?.abort()
    if (!this.#opening.delete(request) && !this.#waiting.delete(request)) return
    refuse(request)
    this.#serveNext()
  }

  /** Closes the idle connections: one of them turned out to be dead. */
  closeIdle(): void {
    for (const { socket } of this.#idle.splice(0)) socket.destroy()
  }

  /** Closes every connection and opens no more. */
  close(): void {
    this.#limit = 0
    for (const socket of this.#open) socket.destroy()
  }

  /** Gives a request the connection that was used last, or a new one, or lets it wait for its turn. */
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
        else socket.destroy() // It was given up in this very moment.
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
    this.#serveNext()
  }

  get #isFull(): boolean {
    return this.#open.size + this.#opening.size >= this.#limit
  }

  #serveNext(): void {
    const [next] = this.#waiting
    if (next === undefined) return
    if (this.#isFull && (next[1].fresh || this.#idle.length === 0)) {
      // One that wants a new connection gets the place of an idle one.
      this.#idle.shift()?.socket.destroy()
      return
    }
    this.#waiting.delete(next[0])
    this.#serve(...next)
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

/** Closes a connection that got bytes nobody asked for. */
function onStray(this: Socket): void {
  this.destroy()
}

/** Lets a request fail that gets no socket. */
function refuse(request: ClientRequest, error?: unknown): void {
  // The error is a parameter that the types do not know. (node:http, as its own agent does)
  Reflect.apply(request.onSocket, request, [null, error])
}

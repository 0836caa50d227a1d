import { AsyncResource } from 'node:async_hooks'
import type { Socket } from 'node:net'
import { openSocket, openTunnel, type Route } from './connect.ts'
import { Connection, type Home } from './connection.ts'
import { transportClosed } from './transport-error.ts'

/** Who waits for a connection. */
export interface Waiter {
  onConnection(connection: Connection): void
  /** There is none to be had. */
  onRefused(error: unknown): void
}

/** Idle connections that are kept, as by node:http; a burst must not leave thousands of them behind. */
const MAX_FREE = 256

/** Connections outlive the request that opened them, so they do not belong to its asynchronous context. */
const NOBODY = new AsyncResource('holdall.Pool')

/** The connections of one origin: kept open between requests, and no more of them than allowed. */
export class Pool implements Home {
  readonly #route: Route
  readonly #limit: number
  readonly #free: Connection[] = []
  readonly #open: Set<Connection> = new Set()
  readonly #opening: Map<Waiter, () => void> = new Map()
  readonly #waiting: Set<Waiter> = new Set()
  #session: Buffer | undefined
  #closed = false

  constructor(route: Route, limit: number) {
    this.#route = route
    this.#limit = limit
  }

  get closed(): boolean {
    return this.#closed
  }

  /** Gives a connection: at once where one is free or may be opened; `fresh` has served nobody before. */
  acquire(waiter: Waiter, fresh: boolean): void {
    if (this.#closed) {
      waiter.onRefused(transportClosed())
      return
    }
    const free = fresh ? undefined : this.#takeFree()
    if (free !== undefined) waiter.onConnection(free)
    else if (this.#open.size + this.#opening.size < this.#limit) this.#connect(waiter)
    else this.#waiting.add(waiter)
  }

  /** Whoever waits does so no longer. */
  cancel(waiter: Waiter): void {
    this.#waiting.delete(waiter)
    const stop = this.#opening.get(waiter)
    if (stop === undefined) return
    this.#opening.delete(waiter)
    stop()
    this.#serveNext()
  }

  onFree(connection: Connection): void {
    const waiter = this.#takeWaiting()
    if (waiter !== undefined) waiter.onConnection(connection)
    else if (this.#free.length < MAX_FREE) this.#free.push(connection)
    else connection.destroy()
  }

  onGone(connection: Connection): void {
    this.#open.delete(connection)
    const at = this.#free.indexOf(connection)
    if (at >= 0) this.#free.splice(at, 1)
    this.#serveNext()
  }

  /** Closes every connection; whoever waits is refused. */
  close(): void {
    this.#closed = true
    const waiting = [...this.#waiting, ...this.#opening.keys()]
    for (const stop of this.#opening.values()) stop()
    this.#waiting.clear()
    this.#opening.clear()
    for (const connection of this.#open) connection.destroy()
    for (const waiter of waiting) waiter.onRefused(transportClosed())
  }

  /** The one that was used last: the others may come to their end. */
  #takeFree(): Connection | undefined {
    for (;;) {
      const connection = this.#free.pop()
      if (connection === undefined || connection.usable) return connection
      connection.destroy()
    }
  }

  #serveNext(): void {
    if (this.#closed || this.#open.size + this.#opening.size >= this.#limit) return
    const waiter = this.#takeWaiting()
    if (waiter !== undefined) this.#connect(waiter)
  }

  /** Whoever has waited longest, no longer waiting. */
  #takeWaiting(): Waiter | undefined {
    const { value: waiter } = this.#waiting.values().next()
    if (waiter !== undefined) this.#waiting.delete(waiter)
    return waiter
  }

  #connect(waiter: Waiter): void {
    const route = this.#route
    if (route.tunnel === undefined) {
      this.#give(waiter, route)
      return
    }
    const begun = performance.now()
    const stop = openTunnel(route, (error, raw) => {
      const { connectTimeoutMs: limit } = route
      const left = limit === 0 ? 0 : Math.max(1, limit - (performance.now() - begun))
      if (!this.#opening.delete(waiter)) raw?.destroy()
      else if (raw !== undefined) this.#give(waiter, { ...route, connectTimeoutMs: left }, raw)
      else {
        waiter.onRefused(error)
        this.#serveNext()
      }
    })
    this.#opening.set(waiter, stop)
  }

  #give(waiter: Waiter, route: Route, raw?: Socket): void {
    let socket: Socket
    try {
      socket = NOBODY.runInAsyncScope(openSocket, undefined, route, this.#session, this.#onSession, raw)
    } catch (error) {
      // What node:tls cannot even begin with, such as a CA file that is none.
      raw?.destroy()
      waiter.onRefused(error)
      this.#serveNext()
      return
    }
    const connection = new Connection(socket, this)
    this.#open.add(connection)
    waiter.onConnection(connection)
  }

  readonly #onSession = (session: Buffer | undefined): void => {
    this.#session = session
  }
}

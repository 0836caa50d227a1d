/** Where a data connection comes from: a port that the client connects to, or one that the server connects to. */
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import type { Manners } from './manners.ts'
import { Refusal } from './refusal.ts'

/** How a connection without a transfer ends. */
export type Ending = Manners['refusedData']

/** A data connection to be. */
export interface DataChannel {
  /** The connection, as soon as it stands; refused with 425 when it cannot stand. */
  open(): Promise<Socket>
  /** Ends whatever there is of it; a connection that was given away by `open` is not touched. */
  close(how: Ending): void
}

/** A port that takes one connection, of one peer. */
export class PassiveChannel implements DataChannel {
  readonly #server: Server
  readonly #arrived = Promise.withResolvers<Socket>()
  #socket: Socket | undefined
  #isGiven = false
  #closed: Ending | undefined

  private constructor(server: Server, peer: string, onSocket: (socket: Socket) => void) {
    this.#server = server
    this.#arrived.promise.catch(() => {})
    server.on('connection', socket => {
      onSocket(socket)
      if (socket.remoteAddress !== peer || this.#socket !== undefined) return void socket.destroy()
      if (this.#closed !== undefined) return endSocket(socket, this.#closed)
      this.#socket = socket
      this.#arrived.resolve(socket)
      server.close()
    })
  }

  /** Listens on a free port. */
  static async listen(host: string, peer: string, onSocket: (socket: Socket) => void): Promise<PassiveChannel> {
    // What the client sends before the transfer has begun waits in the socket.
    const server = createServer({ pauseOnConnect: true, allowHalfOpen: true })
    await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, host, resolve))
    return new PassiveChannel(server, peer, onSocket)
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  open(): Promise<Socket> {
    this.#isGiven = true
    return this.#arrived.promise
  }

  close(how: Ending): void {
    this.#closed = how
    // A connection that stands already is accepted before: else the system would reset it.
    setImmediate(() => this.#server.close())
    this.#arrived.reject(new Refusal(425, 'No data connection.'))
    if (!this.#isGiven && this.#socket !== undefined) endSocket(this.#socket, how)
  }
}

/** The client's port. */
export class ActiveChannel implements DataChannel {
  readonly #port: number
  readonly #host: string
  readonly #onSocket: (socket: Socket) => void

  constructor(host: string, port: number, onSocket: (socket: Socket) => void) {
    this.#host = host
    this.#port = port
    this.#onSocket = onSocket
  }

  open(): Promise<Socket> {
    return new Promise((resolve, reject) => {
      const socket = connect({ host: this.#host, port: this.#port, allowHalfOpen: true })
      this.#onSocket(socket)
      socket.once('error', () => reject(new Refusal(425, 'Cannot open the data connection.')))
      socket.once('connect', () => resolve(socket.pause()))
    })
  }

  close(): void {}
}

/** Ends a connection whose transfer does not take place. */
function endSocket(socket: Socket, how: Ending): void {
  if (how === 'reset') socket.resetAndDestroy()
  else if (how === 'closed') socket.resume().end()
}

/** The server's side of TLS for one control connection and its data connections: its sessions are of no use to any other. */
import type { Duplex } from 'node:stream'
import { createSecureContext, createServer, type SecureContext, type Server, TLSSocket } from 'node:tls'
import type { TlsManners } from './manners.ts'

/** Makes sockets secure. Keys of tickets (TLS 1.3, and 1.2 with tickets) and sessions by their ids (1.2 without) are its own. */
export class TlsSide {
  readonly #context: SecureContext
  /** Never listens: Node tells sessions to a server. */
  readonly #server: Server = createServer()
  readonly #sessions = new Map<string, Buffer>()

  constructor({ key, cert, versions }: TlsManners) {
    const range = versions === undefined ? {} : { minVersion: versions, maxVersion: versions }
    this.#context = createSecureContext({ key, cert, ...range })
    this.#server.on('newSession', (id: Buffer, data: Buffer, done: () => void) => {
      this.#sessions.set(id.toString('hex'), data)
      done()
    })
    this.#server.on('resumeSession', (id: Buffer, done: (error: null, data: Buffer | null) => void) => {
      done(null, this.#sessions.get(id.toString('hex')) ?? null)
    })
  }

  secure(socket: Duplex): TLSSocket {
    return new TLSSocket(socket, { isServer: true, server: this.#server, secureContext: this.#context })
  }
}

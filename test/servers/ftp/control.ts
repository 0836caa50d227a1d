/** The wire of one control connection: lines in, replies out, and the change to TLS. */
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { LineReader } from './line-reader.ts'
import type { TlsSide } from './tls-side.ts'

/** What a control connection tells its session. */
export interface ControlListener {
  /** A line; undefined for one that is too long. */
  line(text: string | undefined): void
  closed(): void
}

/** A control connection. */
export class Control {
  readonly #raw: Socket
  readonly #listener: ControlListener
  #socket: Socket
  #reader = new LineReader()

  constructor(socket: Socket, listener: ControlListener) {
    this.#raw = socket
    this.#socket = socket
    this.#listener = listener
    socket.setNoDelay(true)
    socket.on('close', () => listener.closed())
    this.#listen(socket)
  }

  get localAddress(): string {
    return this.#raw.localAddress ?? ''
  }

  get remoteAddress(): string {
    return this.#raw.remoteAddress ?? ''
  }

  get isSecure(): boolean {
    return this.#socket !== this.#raw
  }

  /** Sends a reply; its text is Latin-1, and lines are separated by LF here. */
  reply(text: string): void {
    if (this.#socket.writable) this.#socket.write(`${text.replaceAll('\n', '\r\n')}\r\n`, 'latin1')
  }

  /** Sends bytes as they are. */
  raw(bytes: Buffer): void {
    if (this.#socket.writable) this.#socket.write(bytes)
  }

  /** Goes on in TLS. Whatever came in the clear after the command that asked for it is forgotten. */
  async secure(tls: TlsSide): Promise<void> {
    this.#raw.removeAllListeners('data')
    this.#reader = new LineReader()
    const socket = tls.secure(this.#raw)
    this.#socket = socket
    this.#listen(socket)
    await once(socket, 'secure')
  }

  end(): void {
    this.#socket.end()
  }

  reset(): void {
    this.#raw.resetAndDestroy()
  }

  destroy(): void {
    this.#socket.destroy()
    this.#raw.destroy()
  }

  #listen(socket: Socket): void {
    socket.on('error', () => this.destroy())
    socket.on('end', () => socket.end())
    socket.on('data', (chunk: Buffer) => {
      for (const line of this.#reader.read(chunk)) this.#listener.line(line)
    })
  }
}

import type { OnReadOpts, Socket } from 'node:net'

/** Size in bytes of the buffer that a connection's transfers share, one after another. */
export const INLET_BYTES: number = 256 * 1024

/**
 * Receives the bytes of a data connection. A plain socket writes into a buffer directly, which is twice as fast as its `data` events; a TLS
 * socket has only events.
 */
export class Inlet {
  /** Whether the connection was closed correctly, possibly before reading began: an empty listing sends nothing else. */
  hasEnded = false
  #socket: Socket | undefined
  #isPlain = false
  #waiting: Buffer[] = []
  #take: ((bytes: Buffer) => boolean) | undefined

  /** For `net.connect`; bytes that arrive in the buffer are copied. */
  onread(buffer: Uint8Array): OnReadOpts {
    return { buffer, callback: count => this.#arrived(Buffer.from(buffer.subarray(0, count))) }
  }

  /** `isPlain`: the socket was made with `onread`. */
  attach(socket: Socket, isPlain: boolean): void {
    this.#socket = socket
    this.#isPlain = isPlain
    socket.once('end', () => {
      this.hasEnded = true
    })
  }

  /** Passes on bytes that arrive or have arrived; `take` returns whether it accepts more at once. */
  begin(take: (bytes: Buffer) => boolean): void {
    this.#take = take
    if (!this.#isPlain) {
      this.#socket!.on('data', (bytes: Buffer) => {
        if (!this.#arrived(bytes)) this.#socket!.pause()
      })
    }
    this.resume()
  }

  /** Continues after `take` returned false. */
  resume(): void {
    for (let bytes = this.#waiting.shift(); bytes !== undefined; bytes = this.#waiting.shift()) {
      if (this.#take?.(bytes) === false) return
    }
    this.#socket?.resume()
  }

  #arrived(bytes: Buffer): boolean {
    if (this.#take !== undefined && this.#waiting.length === 0) return this.#take(bytes)
    this.#waiting.push(bytes)
    return false
  }
}

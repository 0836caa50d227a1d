import type { OnReadOpts, Socket } from 'node:net'

/** Bytes of the buffer that a connection's transfers share, one after another. */
export const INLET_BYTES: number = 256 * 1024

/**
 * What arrives over a data connection. A plain socket hands its bytes over directly, which is twice as fast as its `data` events; one of TLS has only
 * those.
 */
export class Inlet {
  /** Whether the connection was closed in order, which may be before anybody looks: an empty listing has nothing else. */
  hasEnded = false
  #socket: Socket | undefined
  #isPlain = false
  #waiting: Buffer[] = []
  #take: ((bytes: Buffer) => boolean) | undefined

  /** For `net.connect`; what arrives in the buffer is copied. */
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

  /** Hands over what arrives, and what has arrived; `take` returns whether it wants more at once. */
  begin(take: (bytes: Buffer) => boolean): void {
    this.#take = take
    if (!this.#isPlain) {
      this.#socket!.on('data', (bytes: Buffer) => {
        if (!this.#arrived(bytes)) this.#socket!.pause()
      })
    }
    this.resume()
  }

  /** Goes on after `take` returned false. */
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

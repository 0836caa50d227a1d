/** Tells whether a TLS peer took its leave (close_notify) before TCP ended, which Node's TLS does not tell. */
import type { Socket } from 'node:net'
import { Duplex } from 'node:stream'

const ALERT = 21
const APPLICATION_DATA = 23
/** In TLS 1.3 an alert is 2 bytes in a record of application data, with its type and a tag of 16 bytes (RFC 8446, section 5.2). */
const ALERT_LENGTH = 19

/** A socket whose incoming TLS records are looked at. */
export class RecordWatcher extends Duplex {
  readonly #socket: Socket
  #head: Buffer = Buffer.alloc(0)
  /** Bytes of the record that are still to come. */
  #left = 0
  #wasAlert = false
  #hasEnded = false

  constructor(socket: Socket) {
    super({ allowHalfOpen: true })
    this.#socket = socket
    socket.on('data', (chunk: Buffer) => {
      this.#look(chunk)
      if (!this.push(chunk)) socket.pause()
    })
    socket.on('end', () => {
      this.#hasEnded = true
      this.push(null)
    })
    // A peer that has gone resets what is still sent to it (session tickets): all that it had to say is here.
    socket.on('error', error => this.#hasEnded || this.destroy(error))
    socket.on('close', () => this.#hasEnded || this.destroy())
  }

  /** Whether the last record that came was an alert: of a peer that then ends, its close_notify. */
  get wasNotified(): boolean {
    return this.#wasAlert
  }

  override _read(): void {
    this.#socket.resume()
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#socket.write(chunk, error => done(this.#hasEnded ? null : error))
  }

  override _final(done: () => void): void {
    this.#socket.end(() => done())
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#socket.destroy()
    done(error)
  }

  #look(chunk: Buffer): void {
    for (let at = 0; at < chunk.length; ) {
      if (this.#left > 0) {
        const skipped = Math.min(this.#left, chunk.length - at)
        this.#left -= skipped
        at += skipped
        continue
      }
      const wanted = 5 - this.#head.length
      this.#head = Buffer.concat([this.#head, chunk.subarray(at, at + wanted)])
      at += wanted
      if (this.#head.length < 5) return
      const type = this.#head[0]
      this.#left = this.#head.readUInt16BE(3)
      this.#wasAlert = type === ALERT || (type === APPLICATION_DATA && this.#left === ALERT_LENGTH)
      this.#head = Buffer.alloc(0)
    }
  }
}

/** Bytes over one data connection, with the fault that was planned for it. */
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { DataChannel } from './data-channel.ts'
import type { FtpCut, FtpFault } from './faults.ts'
import type { Manners } from './manners.ts'
import { RecordWatcher } from './record-watcher.ts'
import { Refusal } from './refusal.ts'
import type { TlsSide } from './tls-side.ts'

/** What is known of a data connection at its end. */
export interface LoggedTransfer {
  readonly verb: string
  /** As the client named it. */
  readonly name: string
  readonly connection: number
  /** Bytes that went over it. */
  readonly bytes: number
  /** Undefined without TLS. */
  readonly protocol: string | undefined
  /** Whether it resumed a TLS session of its control connection. */
  readonly isResumed: boolean
  /** Whether the client took its leave by close_notify; undefined where nobody looked. */
  readonly wasNotified: boolean | undefined
}

/** What a transfer needs of its control connection. */
export interface TransferPlace {
  readonly manners: Manners
  readonly fault: FtpFault | undefined
  /** Of the control connection; undefined for a bare data connection. */
  readonly tls: TlsSide | undefined
  /** Says that the transfer begins. */
  begin(): void
  /** Breaks both connections. */
  break(): void
}

/** The end that a planned cut asks for: `reply` is what is said then. */
export class CutOff extends Error {
  readonly reply: string | null

  constructor({ reply = '426 Connection closed; transfer aborted.' }: FtpCut) {
    super('the transfer was cut off')
    this.reply = reply
  }
}

const ABORTED = [426, 'Connection closed; transfer aborted.'] as const
const PIECE = 65_536

/** One transfer. */
export class Transfer {
  readonly #place: TransferPlace
  readonly #ended = Promise.withResolvers<never>()
  readonly #received = Promise.withResolvers<void>()
  #raw: Socket | undefined
  #socket: Socket | undefined
  #watcher: RecordWatcher | undefined
  #protocol: string | undefined
  #isResumed = false
  #bytes = 0

  constructor(place: TransferPlace) {
    this.#place = place
    this.#ended.promise.catch(() => {})
  }

  /** Opens the data connection. The handshake begins after the reply, as in vsftpd and proftpd. */
  async open(channel: DataChannel): Promise<void> {
    const raw = await channel.open()
    this.#raw = raw
    this.#listen(raw)
    this.#place.begin()
    const { tls, manners } = this.#place
    this.#socket = tls === undefined ? this.#use(raw) : raw
    if (tls === undefined) return
    if (manners.tls?.wantsCloseNotify) this.#watcher = new RecordWatcher(raw)
    const socket = tls.secure(this.#watcher ?? raw)
    this.#socket = this.#use(socket)
    this.#listen(socket)
    try {
      const early = this.#received.promise.then(() => Promise.reject(new Error('it ended before the handshake')))
      await Promise.race([once(socket, 'secure'), early, this.#ended.promise])
    } catch {
      throw new Refusal(425, 'Unable to build the data connection.')
    }
    this.#protocol = socket.getProtocol() ?? undefined
    this.#isResumed = socket.isSessionReused()
    if (manners.tls?.requireSessionReuse && !this.#isResumed) {
      this.close()
      throw new Refusal(522, 'SSL connection failed; session reuse required.')
    }
  }

  /** Sends bytes and ends the connection. */
  async send(bytes: Buffer): Promise<void> {
    const { fault, manners } = this.#place
    const socket = this.#socket!
    const limit = limitOf(fault)
    await this.#write(bytes.subarray(0, limit))
    if (limit <= bytes.length) {
      await this.#strike()
      await this.#write(bytes.subarray(limit))
    }
    if (manners.completion === 'before the end') {
      // The end comes when the reply is long there.
      void sleep(20).then(() => socket.end())
      return
    }
    // Nothing is read, so that without this the client's end would not be seen.
    socket.resume()
    await this.#alive(new Promise<void>(resolve => socket.end(resolve)))
  }

  /** Receives bytes until the client ends the connection. */
  async receive(take: (piece: Buffer) => void): Promise<void> {
    const { fault, manners } = this.#place
    const socket = this.#socket!
    let limit = limitOf(fault)
    if (limit === 0) {
      await this.#strike()
      limit = Number.POSITIVE_INFINITY
    }
    const full = Promise.withResolvers<void>()
    let rest = Buffer.alloc(0)
    const keep = (piece: Buffer): void => {
      if (piece.length > 0) take(piece)
      this.#bytes += piece.length
    }
    socket.on('data', (chunk: Buffer) => {
      const room = limit - this.#bytes
      keep(chunk.subarray(0, room))
      if (this.#bytes < limit) return
      rest = Buffer.from(chunk.subarray(room))
      socket.pause()
      full.resolve()
    })
    socket.resume()
    await this.#alive(Promise.race([this.#received.promise, full.promise]))
    if (this.#bytes >= limit) {
      await this.#strike()
      limit = Number.POSITIVE_INFINITY
      keep(rest)
      socket.resume()
      await this.#alive(this.#received.promise)
    }
    socket.end()
    if (manners.tls?.wantsCloseNotify && this.#watcher?.wasNotified === false) {
      throw new Refusal(426, 'Failure reading network stream.')
    }
  }

  /** Ends it at once; what waits for it fails. */
  close(): void {
    this.#ended.reject(new Refusal(...ABORTED))
    this.#socket?.destroy()
    this.#raw?.destroy()
  }

  logged(verb: string, name: string, connection: number): LoggedTransfer {
    return {
      verb,
      name,
      connection,
      bytes: this.#bytes,
      protocol: this.#protocol,
      isResumed: this.#isResumed,
      wasNotified: this.#watcher?.wasNotified,
    }
  }

  /** What was planned for this many bytes; goes on only after a stall. */
  async #strike(): Promise<void> {
    const { fault } = this.#place
    if (fault?.do === 'drop') {
      this.#place.break()
      throw new Refusal(...ABORTED)
    }
    if (fault?.do === 'cut') {
      if (fault.garbage) this.#raw!.end('HTTP/1.1 400 Bad Request\r\n\r\n')
      else if (fault.reset) this.#raw!.resetAndDestroy()
      else this.#socket!.resume().end()
      throw new CutOff(fault)
    }
    if (fault?.do === 'stall') {
      fault.onStall?.()
      await Promise.race([fault.until ?? this.#ended.promise, this.#ended.promise])
    }
  }

  async #write(bytes: Buffer): Promise<void> {
    for (let at = 0; at < bytes.length; at += PIECE) {
      const piece = bytes.subarray(at, at + PIECE)
      await this.#alive(new Promise<void>(resolve => void this.#socket!.write(piece, () => resolve())))
      this.#bytes += piece.length
    }
  }

  /** Waits for something, or for the end of the connection. */
  #alive<T>(wait: Promise<T>): Promise<T> {
    return Promise.race([wait, this.#ended.promise])
  }

  #listen(socket: Socket): void {
    socket.on('error', () => this.#ended.reject(new Refusal(...ABORTED)))
    socket.on('close', () => this.#ended.reject(new Refusal(...ABORTED)))
  }

  /** Takes notice of the client's end as soon as it comes: of an empty upload, together with the end of the handshake. */
  #use(socket: Socket): Socket {
    socket.on('end', () => this.#received.resolve())
    return socket
  }
}

/** How many bytes go before a fault strikes. */
function limitOf(fault: FtpFault | undefined): number {
  if (fault?.do === 'cut' || fault?.do === 'stall') return fault.bytes
  return fault?.do === 'drop' && fault.at !== 'after'
    ? (fault.bytes ?? Number.POSITIVE_INFINITY)
    : Number.POSITIVE_INFINITY
}

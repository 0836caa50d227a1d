/** One channel that speaks SFTP: cuts its bytes into requests, lets faults strike, and answers. */
import type { Duplex } from 'node:stream'
import type { SftpFault, SftpFaults } from './faults.ts'
import type { Ground } from './ground.ts'
import { EXTENSIONS } from './habits.ts'
import { type LoggedSftpRequest, type SftpLog, shownName } from './log.ts'
import { carryOut } from './operations.ts'
import { PacketReader, PacketSplitter, PacketWriter, replyPacket } from './packet.ts'
import { OK, PACKET, type Reply, STATUS, StatusError } from './protocol.ts'
import { type Request, readRequest } from './request.ts'

export interface SessionOptions {
  readonly number: number
  readonly ground: Ground
  readonly faults: SftpFaults
  readonly log: SftpLog
  /** Breaks the connection that the channel belongs to: with a reset, or as soon as all that was written is sent. */
  readonly drop: (soon?: 'soon') => void
  /** Told once. */
  readonly onEnd: () => void
}

interface WaitingRequest {
  readonly id: number
  readonly request: Request
  readonly entry: LoggedSftpRequest
  readonly fault: SftpFault | undefined
}

export class SftpSession {
  readonly #channel: Duplex & { close(): void }
  readonly #options: SessionOptions
  readonly #packets = new PacketSplitter()
  readonly #waiting: WaitingRequest[] = []
  readonly #ended = Promise.withResolvers<void>()
  #isOpen = true
  #isBusy = false
  /** Requests that came and were not answered. */
  #pending = 0

  constructor(channel: Duplex & { close(): void }, options: SessionOptions) {
    this.#channel = channel
    this.#options = options
    channel.on('data', (chunk: Buffer) => {
      for (const packet of this.#packets.push(chunk)) if (this.#isOpen) this.#receive(packet)
    })
    channel.on('error', () => {})
    channel.once('close', () => this.end())
    channel.once('end', () => this.close())
  }

  /** Closes the channel; resolves when its client knows it. */
  async close(): Promise<void> {
    const closed = new Promise<void>(resolve => this.#channel.once('close', () => resolve()))
    if (!this.#isOpen) return
    this.end()
    this.#channel.end()
    this.#channel.close()
    await closed
  }

  /** Answers nothing more, and closes what is open. */
  end(): void {
    if (!this.#isOpen) return
    this.#isOpen = false
    this.#ended.resolve()
    this.#options.onEnd()
    this.#options.ground.handles.clear()
  }

  #receive(packet: Buffer): void {
    if (packet[0] === PACKET.INIT) {
      this.#version()
      return
    }
    const { id, request } = readRequest(packet)
    if (request === undefined) {
      this.#send(replyPacket(id, { type: 'STATUS', code: STATUS.OP_UNSUPPORTED }))
      return
    }
    const operation = request.operation === 'EXTENDED' ? request.extension : request.operation
    const path = shownName(this.#pathOf(request))
    this.#pending++
    const { number: session, log, faults } = this.#options
    const entry = log.add(request, { operation, path, session, pending: this.#pending })
    this.#waiting.push({ id, request, entry, fault: faults.take(operation, path, request) })
    if (!this.#isBusy) void this.#work()
  }

  /** One request after the other, in the order in which they came: what is held holds those behind it up. */
  async #work(): Promise<void> {
    this.#isBusy = true
    for (let one = this.#waiting.shift(); one !== undefined && this.#isOpen; one = this.#waiting.shift()) {
      const { id, request, entry, fault } = one
      if (fault !== undefined) await this.#strike(fault, id, request, entry)
      else this.#answer(id, this.#carryOut(request), entry)
    }
    this.#isBusy = false
  }

  #version(): void {
    const writer = new PacketWriter().byte(PACKET.VERSION).uint32(3)
    for (const name of this.#options.ground.habits.extensions) writer.text(name).text(EXTENSIONS.get(name) ?? '1')
    this.#send(writer.packet)
  }

  async #strike(fault: SftpFault, id: number, request: Request, entry: LoggedSftpRequest): Promise<void> {
    entry.result = fault.do
    const isAfter = fault.do === 'cut' || fault.do === 'lie' || ('at' in fault && fault.at === 'after')
    const truth = isAfter ? this.#carryOut(request) : OK
    switch (fault.do) {
      case 'drop':
        this.end()
        this.#options.drop()
        break
      case 'close':
        void this.close()
        break
      case 'cut':
        this.#send(replyPacket(id, truth).subarray(0, fault.bytes))
        this.end()
        this.#options.drop('soon')
        break
      case 'refuse':
        this.#answer(id, { type: 'STATUS', ...fault }, entry)
        break
      case 'lie':
        this.#answer(id, fault.answer(truth), entry)
        break
      case 'garbage':
        this.#send(new PacketWriter().byte(99).uint32(id).packet)
        break
      case 'hold':
        fault.onHold?.()
        await (fault.until ?? this.#ended.promise)
        if (fault.until === undefined) break
        this.#answer(id, isAfter ? truth : this.#carryOut(request), entry)
    }
  }

  #carryOut(request: Request): Reply {
    try {
      return carryOut(request, this.#options.ground)
    } catch (error) {
      if (error instanceof StatusError) return { type: 'STATUS', code: error.status, message: error.message }
      if (error instanceof RangeError) return { type: 'STATUS', code: STATUS.BAD_MESSAGE }
      throw error
    }
  }

  #answer(id: number, reply: Reply, entry: LoggedSftpRequest): void {
    this.#pending--
    entry.result = reply.type === 'STATUS' ? String(reply.code) : reply.type
    this.#send(replyPacket(id, reply))
  }

  #send(packet: Buffer): void {
    if (this.#isOpen) this.#channel.write(packet)
  }

  #pathOf(request: Request): string {
    if ('path' in request) return request.path
    // The extensions that have neither a path nor a handle begin with no text.
    const first = 'handle' in request ? request.handle : firstText(request.fields)
    const { handles } = this.#options.ground
    return handles.has(first) ? handles.get(first).path : 'handle' in request ? '' : first
  }
}

function firstText(fields: Buffer): string {
  return fields.length < 4 ? '' : new PacketReader(fields).text()
}

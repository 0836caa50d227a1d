/** Packets of SFTP as bytes. Texts are bytes as well, one character each: names need not be UTF-8. */
import { type Attributes, messageOf, PACKET, type Reply } from './protocol.ts'

const HAS = { SIZE: 1, OWNER: 2, PERMISSIONS: 4, TIMES: 8 } as const

/** Reads one packet; a field that goes beyond its end throws a `RangeError`. */
export class PacketReader {
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  byte(): number {
    return this.#bytes.readUInt8(this.#next(1))
  }

  uint32(): number {
    return this.#bytes.readUInt32BE(this.#next(4))
  }

  uint64(): number {
    return Number(this.#bytes.readBigUInt64BE(this.#next(8)))
  }

  data(): Buffer {
    const length = this.uint32()
    const start = this.#next(length)
    if (start + length > this.#bytes.length) throw new RangeError('A string goes beyond the end of its packet.')
    return this.#bytes.subarray(start, start + length)
  }

  text(): string {
    return this.data().toString('latin1')
  }

  attributes(): Attributes {
    const flags = this.uint32()
    return {
      ...(flags & HAS.SIZE && { size: this.uint64() }),
      ...(flags & HAS.OWNER && { owner: { uid: this.uint32(), gid: this.uint32() } }),
      ...(flags & HAS.PERMISSIONS && { permissions: this.uint32() }),
      ...(flags & HAS.TIMES && { times: { atime: this.uint32(), mtime: this.uint32() } }),
    }
  }

  #next(length: number): number {
    const at = this.#at
    this.#at += length
    return at
  }
}

/** Collects the fields of a packet. */
export class PacketWriter {
  readonly #parts: Uint8Array[] = []

  byte(value: number): this {
    this.#parts.push(Buffer.of(value))
    return this
  }

  uint32(value: number): this {
    const bytes = Buffer.allocUnsafe(4)
    bytes.writeUInt32BE(value)
    this.#parts.push(bytes)
    return this
  }

  uint64(value: number): this {
    const bytes = Buffer.allocUnsafe(8)
    bytes.writeBigUInt64BE(BigInt(value))
    this.#parts.push(bytes)
    return this
  }

  data(bytes: Uint8Array): this {
    this.uint32(bytes.length)
    this.#parts.push(bytes)
    return this
  }

  text(text: string): this {
    return this.data(Buffer.from(text, 'latin1'))
  }

  raw(bytes: Uint8Array): this {
    this.#parts.push(bytes)
    return this
  }

  attributes({ size, owner, permissions, times }: Attributes): this {
    this.uint32(
      (size === undefined ? 0 : HAS.SIZE) |
        (owner === undefined ? 0 : HAS.OWNER) |
        (permissions === undefined ? 0 : HAS.PERMISSIONS) |
        (times === undefined ? 0 : HAS.TIMES),
    )
    if (size !== undefined) this.uint64(size)
    if (owner !== undefined) this.uint32(owner.uid).uint32(owner.gid)
    if (permissions !== undefined) this.uint32(permissions)
    if (times !== undefined) this.uint32(times.atime).uint32(times.mtime)
    return this
  }

  /** The fields alone. */
  get bytes(): Buffer {
    return Buffer.concat(this.#parts)
  }

  /** The whole packet with its length. */
  get packet(): Buffer {
    const body = this.bytes
    return Buffer.concat([new PacketWriter().uint32(body.length).bytes, body])
  }
}

/** The packet that answers a request. */
export function replyPacket(id: number, reply: Reply): Buffer {
  const writer = new PacketWriter().byte(PACKET[reply.type]).uint32(id)
  switch (reply.type) {
    case 'STATUS':
      return writer
        .uint32(reply.code)
        .text(reply.message ?? messageOf(reply.code))
        .text('').packet
    case 'HANDLE':
      return writer.text(reply.handle).packet
    case 'DATA':
      return writer.data(reply.data).packet
    case 'ATTRS':
      return writer.attributes(reply.attributes).packet
    case 'EXTENDED_REPLY':
      return writer.raw(reply.data).packet
    case 'NAME':
      writer.uint32(reply.names.length)
      for (const { name, longName, attributes } of reply.names) writer.text(name).text(longName).attributes(attributes)
      return writer.packet
  }
}

/** Cuts a stream of bytes into packets, which are given without their length. */
export class PacketSplitter {
  readonly #parts: Buffer[] = []
  #held = 0
  #wanted = 4

  push(chunk: Buffer): Buffer[] {
    const packets: Buffer[] = []
    this.#parts.push(chunk)
    this.#held += chunk.length
    while (this.#held >= this.#wanted) {
      const bytes = this.#parts.length === 1 ? this.#parts[0]! : Buffer.concat(this.#parts)
      this.#wanted = 4 + bytes.readUInt32BE()
      const isWhole = bytes.length >= this.#wanted
      this.#parts.splice(0, Number.POSITIVE_INFINITY, isWhole ? bytes.subarray(this.#wanted) : bytes)
      if (!isWhole) break
      packets.push(bytes.subarray(4, this.#wanted))
      this.#held -= this.#wanted
      this.#wanted = 4
    }
    return packets
  }
}

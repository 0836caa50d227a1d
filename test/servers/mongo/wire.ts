import { deserialize, serialize } from 'bson'
import type { Command, Document } from './types.ts'

const OP_REPLY = 1
const OP_QUERY = 2004
const OP_MSG = 2013
const CHECKSUM_PRESENT = 1
const MORE_TO_COME = 2
const MAX_MESSAGE = 48_000_000

/** One message of a client. */
export interface Message {
  readonly requestId: number
  /** Whether it came as OP_QUERY, as the first `hello` of a connection does. */
  readonly isLegacy: boolean
  /** Whether no answer is wanted: writes with `w: 0`. */
  readonly isSilent: boolean
  readonly command: Command
}

/** Cuts the bytes of a connection into messages. */
export class MessageReader {
  #rest: Buffer = Buffer.alloc(0)

  push(bytes: Buffer): Message[] {
    this.#rest = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes])
    const messages: Message[] = []
    while (this.#rest.length >= 16) {
      const length = this.#rest.readInt32LE(0)
      if (length < 16 || length > MAX_MESSAGE) throw new Error(`a message of ${length} bytes`)
      if (this.#rest.length < length) break
      messages.push(parseMessage(this.#rest.subarray(0, length)))
      this.#rest = this.#rest.subarray(length)
    }
    return messages
  }
}

function parseMessage(bytes: Buffer): Message {
  const requestId = bytes.readInt32LE(4)
  const opCode = bytes.readInt32LE(12)
  if (opCode === OP_MSG) return parseMsg(bytes, requestId)
  if (opCode !== OP_QUERY) throw new Error(`the operation ${opCode} is not known`)
  const endOfName = bytes.indexOf(0, 20)
  const name = bytes.toString('utf8', 20, endOfName)
  if (!name.endsWith('.$cmd')) throw new Error(`OP_QUERY of ${name}`)
  const command = documentAt(bytes, endOfName + 9)
  return { requestId, isLegacy: true, isSilent: false, command: { $db: name.slice(0, -5), ...command } }
}

function parseMsg(bytes: Buffer, requestId: number): Message {
  const flags = bytes.readUInt32LE(16)
  const end = bytes.length - (flags & CHECKSUM_PRESENT ? 4 : 0)
  const command: Document = {}
  for (let at = 20; at < end; ) {
    const kind = bytes.readUInt8(at)
    const length = bytes.readInt32LE(at + 1)
    if (kind === 0) Object.assign(command, documentAt(bytes, at + 1))
    else if (kind === 1) Object.assign(command, sequenceAt(bytes, at + 1, length))
    else throw new Error(`a section of kind ${kind}`)
    at += 1 + length
  }
  return { requestId, isLegacy: false, isSilent: (flags & MORE_TO_COME) !== 0, command: command as Command }
}

function sequenceAt(bytes: Buffer, at: number, length: number): Document {
  const endOfName = bytes.indexOf(0, at + 4)
  const documents: Document[] = []
  for (let next = endOfName + 1; next < at + length; next += bytes.readInt32LE(next))
    documents.push(documentAt(bytes, next))
  return { [bytes.toString('utf8', at + 4, endOfName)]: documents }
}

function documentAt(bytes: Buffer, at: number): Document {
  return deserialize(bytes.subarray(at, at + bytes.readInt32LE(at)))
}

/** The bytes of an answer to a message. */
export function answerBytes(message: Message, answer: Document): Buffer {
  const body = serialize(answer, { ignoreUndefined: true })
  const between = message.isLegacy ? legacyHead() : Buffer.alloc(5)
  const head = Buffer.alloc(16)
  head.writeInt32LE(16 + between.length + body.length, 0)
  head.writeInt32LE(message.requestId, 8)
  head.writeInt32LE(message.isLegacy ? OP_REPLY : OP_MSG, 12)
  return Buffer.concat([head, between, body])
}

function legacyHead(): Buffer {
  const head = Buffer.alloc(20)
  head.writeInt32LE(8, 0)
  head.writeInt32LE(1, 16)
  return head
}

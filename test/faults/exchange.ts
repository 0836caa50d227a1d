/** One request and its answer, with the fault between them: what a strict server and the fault proxy have in common. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { type Answer, type Fault, type Refuse, workOf } from './faults.ts'

/** One request, and how it is carried out. */
export interface Exchange {
  readonly message: IncomingMessage
  readonly response: ServerResponse
  /** Whether the client waits for 100 Continue before it sends the body. */
  readonly expects: boolean
  readonly fault: Fault | undefined
  /** Carries the request out; `read` asks for the body and returns the same bytes each time. */
  carryOut(read: () => Promise<Buffer>): Promise<Answer>
  /** The answer of a refusal. */
  refusal(fault: Refuse): Answer
  /** Waits so many milliseconds; never resolves when the server is closed meanwhile. */
  wait(ms: number): Promise<void>
  /** Called with each answer before it is sent. */
  answering?(answer: Answer): void
}

/** What a lie before the work is made of. */
const NOTHING: Answer = { status: 200, headers: [], body: Buffer.alloc(0) }

/** Reads the whole body of a message. */
export async function readAll(message: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of message) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}

/** Answers one request as its fault says; rejects when its connection breaks. */
export async function exchange(one: Exchange): Promise<void> {
  const { message, response, fault, expects } = one
  let body: Promise<Buffer> | undefined
  const read = (): Promise<Buffer> => {
    if (body === undefined && expects) response.writeContinue()
    body ??= readAll(message)
    return body
  }
  if (fault?.do === 'drop' && fault.at !== 'after') {
    if (fault.bytes === undefined) return void message.socket.resetAndDestroy()
    if (expects) response.writeContinue()
    return dropAt(message, fault.bytes)
  }
  const work = fault === undefined ? 'done' : workOf(fault)
  if (work !== 'done') await read()
  if (work === 'none') return strike(one, NOTHING)
  if (work === 'late' && fault?.do === 'hold') {
    fault.onHold?.()
    await one.wait(fault.ms ?? 0)
    return send(one, await one.carryOut(read))
  }
  if (fault?.do === 'repeat') await one.carryOut(read)
  return strike(one, await one.carryOut(read))
}

/** Answers, or does what the fault does instead, once the work is done or will never be. */
async function strike(one: Exchange, truth: Answer): Promise<void> {
  const { message, fault } = one
  const { socket } = message
  switch (fault?.do) {
    case 'drop':
      return void socket.resetAndDestroy()
    case 'hold':
      fault.onHold?.()
      if (fault.ms === undefined) return
      await one.wait(fault.ms)
      return send(one, truth)
    case 'refuse':
      return send(one, one.refusal(fault))
    case 'lie':
      return send(one, fault.answer(truth))
    case 'garbage':
      socket.write('\0\x01 this is no HTTP\r\n\r\n')
      return socket.destroySoon()
    case 'cut':
      if (fault.bytes !== 'head') return send(one, truth, { bytes: fault.bytes, close: true })
      socket.write(`HTTP/1.1 ${truth.status} `)
      return socket.destroySoon()
    case 'stall':
      return send(one, truth, { bytes: fault.bytes, close: false })
    case 'close':
      return send(one, truth, { bytes: truth.body.length, close: true })
    case 'garble':
      return send(one, { ...truth, body: garbled(truth.body, fault.offset) })
    default:
      return send(one, truth)
  }
}

/** Sends an answer, or so many bytes of its body; its length is that of the body unless there is none to send, or it comes in chunks. */
function send(one: Exchange, answer: Answer, cut?: { readonly bytes: number; readonly close: boolean }): void {
  const { message, response } = one
  one.answering?.(answer)
  const { status, body } = answer
  const isBodyless = message.method === 'HEAD' || status === 204 || status === 304
  const kept = answer.headers.filter(([name]) => isBodyless || name.toLowerCase() !== 'content-length')
  const isChunked = kept.some(([name]) => name.toLowerCase() === 'transfer-encoding')
  const headers = isBodyless || isChunked ? kept : [...kept, ['Content-Length', String(body.length)]]
  response.writeHead(status, headers.flat())
  if (cut === undefined) return void response.end(isBodyless ? undefined : body)
  response.flushHeaders()
  const leave = (): void => {
    if (cut.close) message.socket.destroySoon()
  }
  const part = isBodyless ? Buffer.alloc(0) : body.subarray(0, cut.bytes)
  if (part.length === 0) leave()
  else response.write(part, leave)
}

/** Reads until enough bytes came, or the body ended; then breaks the connection. */
function dropAt(message: IncomingMessage, bytes: number): void {
  const { socket } = message
  let seen = 0
  message.on('data', (chunk: Buffer) => {
    seen += chunk.length
    if (seen >= bytes) socket.resetAndDestroy()
  })
  message.on('end', () => socket.resetAndDestroy())
  message.on('error', () => {})
}

function garbled(body: Buffer, at: number): Buffer {
  const copy = Buffer.from(body)
  if (at < copy.length) copy[at] = (copy[at] as number) ^ 0xff
  return copy
}

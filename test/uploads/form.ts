import { connect } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'

/** A part of a form, with its head as it is sent. */
export interface Part {
  readonly name: string
  readonly filename?: string
  readonly type?: string
  readonly body: string | Uint8Array
  /** In place of the head that the other fields make, as Latin-1 text. */
  readonly head?: string
}

export const BOUNDARY = '----holdall-test-boundary'
export const FORM_TYPE: string = `multipart/form-data; boundary=${BOUNDARY}`

function headOf({ name, filename, type, head }: Part): string {
  if (head !== undefined) return head
  const file = filename === undefined ? '' : `; filename="${Buffer.from(filename).toString('latin1')}"`
  return `Content-Disposition: form-data; name="${name}"${file}${type === undefined ? '' : `\r\nContent-Type: ${type}`}`
}

/** A form as a browser sends it. */
export function formOf(...parts: readonly Part[]): Buffer {
  const chunks = parts.flatMap(part => [
    Buffer.from(`--${BOUNDARY}\r\n${headOf(part)}\r\n\r\n`, 'latin1'),
    Buffer.from(part.body as string),
    Buffer.from('\r\n'),
  ])
  return Buffer.concat([...chunks, Buffer.from(`--${BOUNDARY}--\r\n`)])
}

/** A file that is a PNG by its first bytes. */
export function png(size: number, fill = 7): Buffer {
  const head = Buffer.from('89504e470d0a1a0a0000000d49484452000000100000001008060000001ff3ff61', 'hex')
  return Buffer.concat([head, Buffer.alloc(Math.max(0, size - head.length), fill)], Math.max(size, 0))
}

/** An answer, as far as tests look at it. */
export interface Answer {
  readonly status: number
  readonly text: string
}

/** How a form is sent. */
export interface Sending {
  readonly type?: string
  /** After so many bytes of the body the connection is cut. */
  readonly cutAt?: number
  /** After so many bytes the body ends properly, as a body with a length that is right. */
  readonly endAt?: number
  readonly path?: string
}

/** Sends a form over a connection of its own; undefined when that is cut. */
export async function send(port: number, form: Uint8Array, sending: Sending = {}): Promise<Answer | undefined> {
  const { type = FORM_TYPE, cutAt, endAt = form.byteLength, path = '/' } = sending
  const socket = connect(port, '127.0.0.1')
  const chunks: Buffer[] = []
  socket.on('data', chunk => chunks.push(chunk))
  socket.on('error', () => undefined)
  const closed = new Promise<void>(resolve => socket.once('close', () => resolve()))
  const body = form.subarray(0, endAt)
  const head = `POST ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: ${type}\r\nContent-Length: ${body.byteLength}\r\n\r\n`
  socket.write(head)
  if (cutAt === undefined) {
    socket.write(body)
    await closed
    return parsed(Buffer.concat(chunks).toString())
  }
  await new Promise<void>(resolve => socket.write(body.subarray(0, cutAt), () => resolve()))
  await wait(0)
  // A reset can overtake bytes that were sent; after an end the server reads them all.
  if (cutAt % 2 === 0) socket.resetAndDestroy()
  else socket.destroy()
  await closed
  return undefined
}

function parsed(text: string): Answer {
  const [head = '', ...rest] = text.split('\r\n\r\n')
  const status = Number(/^HTTP\/1\.1 (\d+)/.exec(head)?.[1] ?? Number.NaN)
  const body = rest.join('\r\n\r\n')
  const isChunked = /transfer-encoding: chunked/i.test(head)
  return { status, text: isChunked ? body.replace(/^[\da-f]+\r\n/gim, '').replace(/\r\n/g, '') : body }
}

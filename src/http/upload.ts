import { Readable } from 'node:stream'
import { discardStream } from '../core/body.ts'
import { StorageError } from '../core/errors.ts'
import type { HttpRequest } from './request.ts'

/** Size in bytes from which a body is sent in large slices; smaller ones report progress on a slow line. */
const LARGE = 4 * 1024 * 1024

/** Returns bytes in slices; they are not copied. */
export function* slices(body: Uint8Array | readonly Uint8Array[]): Generator<Uint8Array> {
  for (const piece of body instanceof Uint8Array ? [body] : body) {
    const size = piece.byteLength < LARGE ? LARGE / 16 : LARGE / 4
    for (let at = 0; at < piece.byteLength; at += size) yield piece.subarray(at, at + size)
  }
}

/**
 * Returns the bytes of a stream. Fails with the stream's own error, as `unknown` if it was destroyed, and as `invalid_argument` if it does
 * not have the announced length.
 */
export async function* measured(stream: Readable, length: number | undefined): AsyncGenerator<Uint8Array> {
  let sent = 0
  try {
    for await (const chunk of stream as AsyncIterable<Uint8Array | string>) {
      const bytes = typeof chunk === 'string' ? Buffer.from(chunk, 'utf8') : chunk
      sent += bytes.byteLength
      if (length !== undefined && sent > length) throw wrongLength(length, `at least ${sent}`)
      if (bytes.byteLength > 0) yield bytes
    }
  } catch (error) {
    const isCut = stream.destroyed && !stream.errored && !stream.readableEnded
    throw isCut ? new StorageError('unknown', 'The content ended before all of it was sent.') : error
  }
  if (length !== undefined && sent < length) throw wrongLength(length, `${sent}`)
}

/** Discards the body of a request that is not sent, or not sent completely. */
export function discardBody({ body }: HttpRequest): void {
  if (body instanceof Readable) discardStream(body)
}

function wrongLength(announced: number, given: string): StorageError {
  return new StorageError('invalid_argument', `The content has ${given} bytes, but ${announced} were announced.`)
}

import { Readable } from 'node:stream'
import { StorageError } from './errors.ts'

/** The bytes of a file or of an answer. They can be taken once: all together where they are in memory, else as a stream. */
export interface Body {
  /** Returns all bytes, if they are in memory and `stream` was not called. Later calls return undefined. */
  take(): Buffer | undefined
  /** Returns the bytes as a stream from the first one; every call returns the same stream. */
  stream(): Readable
}

/** An object with a body: a file that is read, or the answer to a request. */
export interface WithBody {
  readonly body: Body
}

/** A body whose bytes come from a stream, which may be made at the first use. */
export class StreamBody implements Body {
  #source: Readable | (() => Readable)

  constructor(source: Readable | (() => Readable)) {
    this.#source = source
  }

  take(): undefined {
    return undefined
  }

  stream(): Readable {
    if (typeof this.#source === 'function') this.#source = this.#source()
    return this.#source
  }
}

/** A body whose bytes are in memory. */
export class BytesBody implements Body {
  #bytes: Buffer | undefined
  #stream: Readable | undefined

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  take(): Buffer | undefined {
    const bytes = this.#bytes
    this.#bytes = undefined
    return bytes
  }

  stream(): Readable {
    const bytes = this.#bytes
    this.#bytes = undefined
    this.#stream ??= Readable.from(bytes === undefined || bytes.byteLength === 0 ? [] : [bytes], { objectMode: false })
    return this.#stream
  }
}

const DRAIN_LIMIT = 256 * 1024

/** Returns the whole body. Code `too_large` if it has more than `limit` bytes, `unavailable` if the connection broke. */
export function readBytes(answer: WithBody, limit: number = Number.POSITIVE_INFINITY): Promise<Buffer> {
  const whole = answer.body.take()
  if (whole !== undefined) return whole.byteLength > limit ? Promise.reject(tooLarge(limit)) : Promise.resolve(whole)
  const body = answer.body.stream()
  if (body.readableEnded) return Promise.resolve(Buffer.alloc(0))
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let size = 0
    body.on('error', reject)
    if (body.destroyed) return reject(body.errored ?? incomplete())
    body.on('close', () => {
      if (!body.readableEnded) reject(incomplete())
    })
    body.on('data', (chunk: Buffer) => {
      size += chunk.byteLength
      if (size > limit) {
        reject(tooLarge(limit))
        body.destroy()
      } else chunks.push(chunk)
    })
    body.on('end', () => resolve(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks, size)))
  })
}

/** Returns the whole body as UTF-8 text; fails like `readBytes`. */
export async function readText(response: WithBody, limit?: number): Promise<string> {
  return (await readBytes(response, limit)).toString('utf8')
}

/** Discards a body, so that its connection can be used again. A long body is cut off instead. Never fails. */
export function drain(answer: WithBody): Promise<void> {
  if (answer.body.take() !== undefined) return Promise.resolve()
  const body = answer.body.stream()
  if (body.readableEnded || body.closed) return Promise.resolve()
  return new Promise(resolve => {
    let size = 0
    body.on('error', () => resolve())
    body.on('end', resolve)
    body.on('close', resolve)
    if (body.destroyed) return
    body.on('data', (chunk: Buffer) => {
      size += chunk.byteLength
      if (size > DRAIN_LIMIT) body.destroy()
    })
    body.resume()
  })
}

/** Destroys a stream that is no longer read and ignores its errors, which would otherwise end the process. */
export function discardStream(stream: Readable): void {
  stream.on('error', () => undefined).destroy()
}

/**
 * Returns a stream of a generator's chunks. Destroying it calls `ended` at once: while it waits, and before the first byte, when the
 * generator has not started and its `finally` would not run.
 */
export function streamOf(chunks: AsyncIterable<Uint8Array>, ended: () => void): Readable {
  const stream = Readable.from(chunks, { objectMode: false })
  const end = stream._destroy.bind(stream)
  stream._destroy = (error, done) => {
    ended()
    end(error, done)
  }
  return stream
}

/** Returns a stream of chunks that a generator derives from a body. The body is destroyed with the stream. */
export function derivedStream(body: Readable, chunks: AsyncIterable<Uint8Array>): Readable {
  return streamOf(chunks, () => discardStream(body))
}

/** Returns the same stream, which fails with the error of `excess` when it has more than `limit` bytes. */
export function limitedStream(body: Readable, limit: number, excess: () => StorageError): Readable {
  return derivedStream(body, limited(body, limit, excess))
}

async function* limited(body: Readable, limit: number, excess: () => StorageError): AsyncGenerator<Uint8Array> {
  let left = limit
  for await (const chunk of body as AsyncIterable<Uint8Array | string>) {
    const bytes = typeof chunk === 'string' ? Buffer.from(chunk, 'utf8') : chunk
    left -= bytes.byteLength
    if (left < 0) throw excess()
    yield bytes
  }
}

function tooLarge(limit: number): StorageError {
  return new StorageError('too_large', `The answer has more than ${limit} bytes.`)
}

function incomplete(): StorageError {
  return new StorageError('unavailable', 'The answer was closed before all of it was read.')
}

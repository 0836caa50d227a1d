import { Readable } from 'node:stream'
import { type Body, BytesBody, discardStream } from '../core/body.ts'
import { StorageError } from '../core/errors.ts'

const READ_AHEAD = 64 * 1024

/** A hash that bytes are added to. */
export interface RunningHash {
  update(bytes: Uint8Array): unknown
  /** The hash of what was added, as the service writes it. */
  digest(): string
}

/** What a body is compared with. */
export interface ExpectedHash {
  /** What the service says, and so does the error: `MD5`. */
  readonly name: string
  readonly value: string
  begin(): RunningHash
  /** The hash of bytes at hand, where that costs less than to begin one. */
  of?(bytes: Uint8Array): string
}

/** A body that fails at its end with code `checksum_mismatch` where its bytes have another hash than the expected one. */
export class VerifiedBody implements Body {
  #body: Body
  readonly #expected: ExpectedHash
  #stream: Readable | undefined

  constructor(body: Body, expected: ExpectedHash) {
    this.#body = body
    this.#expected = expected
  }

  take(): Buffer | undefined {
    if (this.#stream !== undefined) return undefined
    const bytes = this.#body.take()
    if (bytes === undefined) return undefined
    if (hashOfAll(this.#expected, bytes) === this.#expected.value) return bytes
    // The stream says what is wrong.
    this.#body = new BytesBody(bytes)
    return undefined
  }

  stream(): Readable {
    this.#stream ??= new VerifiedStream(this.#body.stream(), this.#expected)
    return this.#stream
  }
}

/** Passes a body on. What is at hand goes on before the next chunk shows that it is not the last, so the last one is held back until all is verified. */
class VerifiedStream extends Readable {
  readonly #source: Readable
  readonly #hash: RunningHash
  readonly #expected: ExpectedHash
  #held: Uint8Array | undefined

  constructor(source: Readable, expected: ExpectedHash) {
    super({ highWaterMark: READ_AHEAD })
    this.#source = source
    this.#expected = expected
    this.#hash = expected.begin()
    // Nothing flows before somebody reads.
    source.pause()
    source.on('data', (chunk: Uint8Array) => this.#take(chunk))
    source.on('end', () => this.#finish())
    source.on('error', error => this.destroy(error))
    source.on('close', () => this.#broken())
    // It may have failed before anybody asked for the bytes.
    if (source.errored) this.destroy(source.errored)
    else if (source.readableEnded) this.#finish()
    else if (source.destroyed) this.#broken()
  }

  override _read(): void {
    this.#source.resume()
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    discardStream(this.#source)
    done(error)
  }

  #take(chunk: Uint8Array): void {
    this.#hash.update(chunk)
    const held = this.#held
    this.#held = chunk
    if (held !== undefined && !this.push(held)) this.#source.pause()
  }

  #finish(): void {
    const { name, value } = this.#expected
    if (this.#hash.digest() !== value) {
      const text = `The bytes that came have another ${name} than the service has stored.`
      this.destroy(new StorageError('checksum_mismatch', text))
      return
    }
    if (this.#held !== undefined) this.push(this.#held)
    this.push(null)
  }

  #broken(): void {
    if (this.#source.readableEnded || this.destroyed) return
    this.destroy(new StorageError('unavailable', 'The connection broke before all bytes had arrived.'))
  }
}

function hashOfAll(expected: ExpectedHash, bytes: Uint8Array): string {
  if (expected.of !== undefined) return expected.of(bytes)
  const hash = expected.begin()
  hash.update(bytes)
  return hash.digest()
}

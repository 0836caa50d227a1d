import type { Readable } from 'node:stream'
import { type Body, BytesBody, derivedStream } from '../core/body.ts'
import { StorageError } from '../core/errors.ts'

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
    const hash = this.#expected.begin()
    hash.update(bytes)
    if (hash.digest() === this.#expected.value) return bytes
    // The stream says what is wrong.
    this.#body = new BytesBody(bytes)
    return undefined
  }

  stream(): Readable {
    if (this.#stream === undefined) {
      const source = this.#body.stream()
      this.#stream = derivedStream(source, verified(source, this.#expected))
    }
    return this.#stream
  }
}

async function* verified(body: Readable, { name, value, begin }: ExpectedHash): AsyncGenerator<Uint8Array> {
  const hash = begin()
  // A chunk goes on before the next one shows that it is not the last: so the last one is held back until all is verified.
  let held: Uint8Array | undefined
  for await (const chunk of body as AsyncIterable<Uint8Array>) {
    hash.update(chunk)
    if (held !== undefined) yield held
    held = chunk
  }
  if (hash.digest() !== value) {
    throw new StorageError('checksum_mismatch', `The bytes that came have another ${name} than the service has stored.`)
  }
  if (held !== undefined) yield held
}

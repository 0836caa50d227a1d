import type { Readable, Writable } from 'node:stream'
import { messageOf } from '../core/errors.ts'
import { importOptional } from '../core/optional.ts'
import { type Disposition, parseDisposition, parseHeaderParams } from './header-params.ts'
import type { CheckedLimits } from './options.ts'
import { UploadError } from './upload-error.ts'

/** The source of a request's bytes. */
export interface BodySource {
  /** Returns the next bytes; undefined at the end. Fails when the client has disconnected. */
  next(): Promise<Uint8Array | undefined>
  /** Discards the rest. */
  cancel(): void
}

/** A part of a form, which must be read to its end before the next one is requested. */
export interface MultipartPart {
  readonly name: string
  /** As the client sent it; undefined for a text field. */
  readonly filename: string | undefined
  /** The part's `Content-Transfer-Encoding`. */
  readonly encoding: string | undefined
  /** The bytes. It ends only when the boundary after them was seen. */
  readonly content: AsyncIterable<Uint8Array>
}

/** A part as the parser emits it: `header`, its bytes, `error` where the body ends within it. */
type PartStream = Readable
type Headers = Readonly<Record<string, readonly string[] | undefined>>
interface DicerClass {
  new (options: { boundary: string; maxHeaderSize: number; maxHeaderPairs: number; partHwm: number }): Writable
}

/** Maximum size in bytes of the headers of a part. More are rejected, since the parser would truncate them silently. */
const MAX_HEAD_BYTES = 16 * 1024
const PART_HIGH_WATER = 64 * 1024
/** Bytes before the first boundary, where mail programs put a note to the reader. */
const MAX_PREAMBLE_BYTES = 64 * 1024
/** Bytes that are read and discarded after an error, so that the client gets its answer. */
const DRAINED_BYTES = 64 * 1024 * 1024

const NO_HEAD = 'a part has no head'

/**
 * Returns the boundary in a Content-Type. A type other than `multipart/form-data` is `not_multipart`, a missing boundary is `malformed`.
 */
export function boundaryOf(contentType: string | null | undefined): string {
  const parsed = parseHeaderParams(contentType ?? '')
  if (parsed?.value !== 'multipart/form-data') {
    throw new UploadError('not_multipart', 'Expected a form as multipart/form-data.')
  }
  const boundary = parsed.params.get('boundary')
  if (boundary !== undefined && boundary !== '' && boundary.length <= 70) return boundary
  throw malformed('its Content-Type has no valid boundary')
}

/** Returns the parser of `@fastify/busboy`, which is imported at the first form. */
export async function loadParser(): Promise<DicerClass> {
  const busboy = await importOptional<{ Dicer?: DicerClass; default: { Dicer: DicerClass } }>(
    '@fastify/busboy',
    'Reading a form',
  )
  return busboy.Dicer ?? busboy.default.Dicer
}

/**
 * Reads the parts of a form one after the other, with bounded memory. A body that ends early or is malformed is an `UploadError`; after any error
 * the rest of the body is read and discarded by `drain`.
 */
export class MultipartReader {
  readonly #source: BodySource
  readonly #parser: Writable
  readonly #limits: CheckedLimits
  readonly #ready: MultipartPart[] = []
  #pumping: Promise<void> | undefined
  #failure: UploadError | undefined
  #isFinished = false
  #bytes = 0
  #parts = 0
  /** The part that the parser is in, and whether its headers were read. */
  #current: { readonly stream: PartStream; hasHead: boolean } | undefined
  readonly #open = new Set<PartStream>()
  #wake: () => void = () => undefined
  #changed: Promise<void>

  constructor(Dicer: DicerClass, source: BodySource, boundary: string, limits: CheckedLimits) {
    this.#source = source
    this.#limits = limits
    this.#changed = this.#nextChange()
    this.#parser = new Dicer({
      boundary,
      maxHeaderSize: MAX_HEAD_BYTES,
      maxHeaderPairs: 100,
      partHwm: PART_HIGH_WATER,
    })
    this.#parser.on('part', (stream: PartStream) => this.#begin(stream))
    this.#parser.on('error', error => this.fail(malformed(`it ends early (${messageOf(error)})`)))
    this.#parser.on('finish', () => this.#finish())
  }

  /** Returns the next part; undefined after the last boundary. */
  async next(): Promise<MultipartPart | undefined> {
    this.#pumping ??= this.#pump()
    for (;;) {
      if (this.#failure !== undefined) throw this.#failure
      const part = this.#ready.shift()
      if (part !== undefined) return part
      if (this.#isFinished) return undefined
      await this.#changed
    }
  }

  /** Ends the reading with an error; only the first error counts. */
  fail(error: UploadError): void {
    if (this.#failure !== undefined) return
    this.#failure = error
    for (const stream of this.#open) stream.destroy(error)
    this.#open.clear()
    this.#notify()
  }

  /** Reads the rest of the body and discards it, up to 64 MiB, so that the client receives an answer. */
  async drain(): Promise<void> {
    this.fail(new UploadError('aborted', 'The rest of the form was not read.'))
    this.#pumping ??= this.#pump()
    await this.#pumping
  }

  /** Discards the rest of the body at once. */
  cancel(): void {
    this.fail(new UploadError('aborted', 'The rest of the form was not read.'))
    this.#source.cancel()
  }

  async #pump(): Promise<void> {
    try {
      let drained = 0
      for (;;) {
        const chunk = await this.#source.next()
        if (chunk === undefined) break
        // After the last boundary there may be more, which no one needs.
        if (this.#failure === undefined && !this.#isFinished) await this.#write(chunk)
        else if ((drained += chunk.byteLength) > DRAINED_BYTES) return this.#source.cancel()
      }
      if (this.#failure === undefined) this.#parser.end()
    } catch (error) {
      this.fail(
        new UploadError('aborted', `The form was not received completely: ${messageOf(error)}`, { cause: error }),
      )
    }
  }

  async #write(chunk: Uint8Array): Promise<void> {
    this.#bytes += chunk.byteLength
    if (this.#bytes > this.#limits.totalSize) {
      this.fail(new UploadError('request_too_large', `The form is larger than ${this.#limits.totalSize} bytes.`))
    }
    if (this.#parts === 0 && this.#bytes > MAX_PREAMBLE_BYTES + chunk.byteLength) {
      this.fail(malformed('no boundary is in its first 64 KiB'))
    }
    if (this.#failure !== undefined) return
    let written = false
    this.#parser.write(chunk, () => {
      written = true
      this.#notify()
    })
    while (!written && this.#failure === undefined) await this.#changed
  }

  #begin(stream: PartStream): void {
    if (this.#current?.hasHead === false) this.fail(malformed(NO_HEAD))
    const current = { stream, hasHead: false }
    this.#current = current
    this.#open.add(stream)
    stream.on('error', () => undefined)
    stream.on('close', () => this.#open.delete(stream))
    stream.on('header', (headers: Headers) => {
      current.hasHead = true
      this.#head(stream, headers)
    })
    if (++this.#parts <= this.#limits.parts) return
    this.fail(new UploadError('too_many_parts', `The form has more than ${this.#limits.parts} parts.`))
  }

  #head(stream: PartStream, headers: Headers): void {
    if (this.#failure !== undefined) return
    const disposition = this.#disposition(headers)
    if (disposition instanceof UploadError) this.fail(disposition)
    else {
      const encoding = headers['content-transfer-encoding']?.[0]
      this.#ready.push({ ...disposition, encoding, content: this.#content(stream) })
    }
    this.#notify()
  }

  #disposition(headers: Headers): Disposition | UploadError {
    const size = Object.entries(headers).reduce((sum, [name, values]) => sum + name.length + `${values}`.length + 4, 0)
    if (size > MAX_HEAD_BYTES / 2) return malformed('the head of a part is too long')
    const disposition = parseDisposition(headers['content-disposition']?.[0] ?? '')
    if (disposition === undefined || disposition.name === '') {
      return malformed('a part has no Content-Disposition with a name')
    }
    if (Buffer.byteLength(disposition.name) <= this.#limits.fieldNameSize) return disposition
    return new UploadError('field_too_large', `The name of a field is longer than ${this.#limits.fieldNameSize} bytes.`)
  }

  /** The parser also ends the stream of a part that was cut off, and reports that first. */
  async *#content(stream: PartStream): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      yield* stream as AsyncIterable<Uint8Array>
    } catch (error) {
      throw this.#failure ?? malformed(messageOf(error))
    }
    if (this.#failure !== undefined) throw this.#failure
  }

  #finish(): void {
    if (this.#current?.hasHead === false) this.fail(malformed(NO_HEAD))
    this.#isFinished = true
    this.#notify()
  }

  #nextChange(): Promise<void> {
    return new Promise(resolve => (this.#wake = resolve))
  }

  #notify(): void {
    const wake = this.#wake
    this.#changed = this.#nextChange()
    wake()
  }
}

function malformed(what: string): UploadError {
  return new UploadError('malformed', `The form is malformed: ${what}.`)
}

import { Readable } from 'node:stream'
import type { ReadableStream as WebStream } from 'node:stream/web'
import { discardStream, limitedStream } from './body.ts'
import type { CallContext } from './call.ts'
import type { Checksums } from './checksums.ts'
import { progressError, StorageError, sourceError } from './errors.ts'
import { nextOf } from './items.ts'
import { kindOf } from './kind.ts'
import { lastPartOf } from './names.ts'

/** Content to be stored. It states whether it can be read more than once. */
export interface Content {
  /** Size in bytes; undefined where it is known only after reading. */
  readonly size: number | undefined
  /** Whether `open` may be called again and returns the same bytes. */
  readonly replayable: boolean
  /** Returns the bytes from their beginning. */
  open(): Readable
  /** Whether a chunk may change when later chunks are requested, as from a generator that reuses one buffer. Default: no. */
  readonly refills?: boolean | undefined
  /** The whole content, where it is in memory anyway. */
  readonly bytes?: Uint8Array | undefined
  /** Digests of all bytes, where they are known. A stream of `open` with other bytes fails before its last bytes. */
  readonly checksums?: Checksums | undefined
  /** Media type of the content itself (of an upload, a Blob). */
  readonly contentType?: string | undefined
  /** File name of the content itself. */
  readonly name?: string | undefined
  /** A temporary file on this machine that holds the bytes. The storage may move it away. */
  readonly temporaryPath?: string | undefined
}

/** The method by which a file object passes its bytes to `save`, which does not close it. */
export const asContent: unique symbol = Symbol.for('holdall.asContent')

/** A file object of Holdall (`StorageFile`, `ContentFile`) or of another library. */
export interface ContentProvider {
  [asContent](): Content
}

/** The values that `save` accepts. Chunks of a stream may be held in memory while later ones arrive, so the source must not change them. */
export type ContentSource =
  | string
  | ArrayBuffer
  | ArrayBufferView
  | Blob
  | WebStream
  | ReadableStream
  | NodeJS.ReadableStream
  | Iterable<Uint8Array | string>
  | AsyncIterable<Uint8Array | string>
  | ContentProvider

/** Returns content of bytes in memory; they are not copied. */
export function bytesContent(bytes: Uint8Array, extra: Pick<Content, 'contentType' | 'name'> = {}): Content {
  return { size: bytes.byteLength, replayable: true, bytes, open: () => readableOf(bytes), ...extra }
}

/** Returns content that can be read once. Holdall never destroys the source: it belongs to the caller. */
export function streamContent(source: AsyncIterable<unknown> | Iterable<unknown>, size?: number): Content {
  let opened = false
  return {
    size,
    replayable: false,
    refills: true,
    open() {
      if (opened) throw new StorageError('invalid_argument', 'This content was read before and cannot be read again.')
      opened = true
      const chunks = bytesOf(source)
      // The stream requests the next chunk before it returns one. A consumer that iterates over it reads from the source directly instead.
      return Object.assign(Readable.from(chunks, { objectMode: false }), { [Symbol.asyncIterator]: () => chunks })
    },
  }
}

/** Converts the argument of `save` to `Content`. A value of a wrong type is `invalid_argument`. */
export function toContent(source: ContentSource): Content {
  if (typeof source === 'string') return bytesContent(Buffer.from(source, 'utf8'))
  if (ArrayBuffer.isView(source)) return bytesContent(viewBytes(source))
  if (source instanceof ArrayBuffer) return bytesContent(new Uint8Array(source))
  if (source instanceof Blob) return blobContent(source)
  if (typeof source === 'object' && source !== null) {
    if (asContent in source) return source[asContent]()
    if (source instanceof Readable) return readableContent(source)
    if ('getReader' in source) return webContent(source as WebStream)
    if (Symbol.asyncIterator in source || Symbol.iterator in source) return streamContent(source)
  }
  throw new StorageError(
    'invalid_argument',
    `content must be a string, bytes, Blob, stream, iterable or file, not ${kindOf(source)}.`,
  )
}

/**
 * Returns the same content, which is `too_large` beyond `maxSize` bytes: at once where its size is known, else when that many bytes have
 * been read. A limit that is not a number is `invalid_argument`.
 */
export function limitedContent(content: Content, maxSize: number | undefined): Content {
  if (maxSize === undefined) return content
  if (!(maxSize >= 0)) throw new StorageError('invalid_argument', `maxSize: expected bytes, got ${maxSize}.`)
  if (content.size === undefined) {
    return { ...content, open: () => limitedStream(content.open(), maxSize, () => tooLarge(maxSize)) }
  }
  if (content.size > maxSize) throw tooLarge(maxSize)
  return content
}

function tooLarge(maxSize: number): StorageError {
  return new StorageError('too_large', `The content is larger than ${maxSize} bytes.`)
}

/**
 * Returns the bytes of content in chunks, for a driver's `write`. An abort ends it even if the source hangs. Content that is shorter or
 * longer than its declared size is `invalid_argument`. Each chunk counts as progress.
 */
export async function* contentChunks(
  content: Content,
  ctx: CallContext,
  onProgress?: ((bytes: number) => void) | undefined,
): AsyncGenerator<Uint8Array, void, undefined> {
  const source = content.open()
  const chunks = source[Symbol.asyncIterator]() as AsyncIterator<Uint8Array | string>
  let done = 0
  try {
    for (;;) {
      const { done: over, value } = await nextOf(chunks, ctx.signal, 'content')
      if (over === true) break
      const bytes = typeof value === 'string' ? Buffer.from(value, 'utf8') : value
      done += bytes.byteLength
      if (content.size !== undefined && done > content.size) throw wrongSize(content.size, 'more')
      yield bytes
      ctx.progress()
      report(onProgress, done)
    }
  } finally {
    // A source that hangs does not end even when it is destroyed, so no code waits for that.
    if (!source.destroyed) discardStream(source)
  }
  if (content.size !== undefined && done < content.size) throw wrongSize(content.size, `only ${done}`)
  if (done === 0) report(onProgress, 0)
}

/** The chunks are read before anything is published, so an `onProgress` that throws here changes nothing in the storage. */
function report(onProgress: ((bytes: number) => void) | undefined, bytes: number): void {
  try {
    onProgress?.(bytes)
  } catch (error) {
    throw progressError(error, 'not_applied')
  }
}

function wrongSize(promised: number, given: string): StorageError {
  return new StorageError('invalid_argument', `The content has ${given} bytes, but ${promised} were announced.`)
}

function readableContent(source: Readable): Content {
  if (source.errored) throw sourceError(source.errored)
  if (source.destroyed || source.readableEnded) {
    throw new StorageError('invalid_argument', 'content: the stream was read to its end or destroyed before.')
  }
  // It may fail before the storage reads it; the error is reported by that read.
  source.on('error', () => undefined)
  return { ...streamContent(source.iterator({ destroyOnReturn: false })), refills: false }
}

function webContent(source: WebStream): Content {
  if (source.locked) throw new StorageError('invalid_argument', 'content: the stream is locked by another reader.')
  return { ...streamContent(source.values({ preventCancel: true })), refills: false }
}

/** A browser sends a file's name without its folder; a path in the name comes from an attacker or an old browser. */
function blobContent(blob: Blob): Content {
  const { name } = blob as { name?: unknown }
  return {
    size: blob.size,
    replayable: true,
    open: () => Readable.fromWeb(blob.stream() as WebStream),
    contentType: blob.type === '' ? undefined : blob.type,
    name: typeof name === 'string' ? lastPartOf(name) : undefined,
  }
}

function readableOf(bytes: Uint8Array): Readable {
  let sent = false
  return new Readable({
    read() {
      if (!sent && bytes.byteLength > 0) this.push(bytes)
      else this.push(null)
      sent = true
    },
  })
}

/** Returns the bytes of a view, at any offset in its memory. */
export function viewBytes(view: ArrayBufferView): Uint8Array {
  return view instanceof Uint8Array ? view : new Uint8Array(view.buffer, view.byteOffset, view.byteLength)
}

async function* bytesOf(source: AsyncIterable<unknown> | Iterable<unknown>): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of source) {
      const bytes = typeof chunk === 'string' ? Buffer.from(chunk, 'utf8') : chunk
      if (!ArrayBuffer.isView(bytes)) throw notBytes(chunk)
      if (bytes.byteLength > 0) yield viewBytes(bytes)
    }
  } catch (error) {
    throw sourceError(error)
  }
}

function notBytes(chunk: unknown): StorageError {
  return new StorageError('invalid_argument', `content: expected chunks of strings or bytes, got ${typeof chunk}.`)
}

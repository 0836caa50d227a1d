import { Readable } from 'node:stream'
import type { ReadableStream as WebStream } from 'node:stream/web'
import { discardStream, limitedStream } from './body.ts'
import type { CallContext } from './call.ts'
import type { Checksums } from './checksums.ts'
import { progressError, StorageError, sourceError } from './errors.ts'
import { nextOf } from './items.ts'
import { kindOf } from './kind.ts'
import { lastPartOf } from './names.ts'

/** What is to be stored. It says itself whether it can be sent twice. */
export interface Content {
  /** Bytes; undefined when only reading tells. */
  readonly size: number | undefined
  /** Whether `open` may be called again and gives the same bytes. */
  readonly replayable: boolean
  /** The bytes from their beginning. */
  open(): Readable
  /** Whether a chunk may change when later ones are asked for, as those of a generator that fills one buffer again and again. Default: no. */
  readonly refills?: boolean | undefined
  /** The whole content, where it is in memory anyway. */
  readonly bytes?: Uint8Array | undefined
  /** Digests of all bytes, where they are known; what `open` returns fails before its last bytes when they are others. */
  readonly checksums?: Checksums | undefined
  /** Media type that the content brings along (an upload's, a Blob's). */
  readonly contentType?: string | undefined
  /** File name that the content brings along. */
  readonly name?: string | undefined
  /** A temporary file on this machine that holds the bytes and that the storage may move away. */
  readonly temporaryPath?: string | undefined
}

/** The method by which a file object offers its bytes to `save`, without being closed by it. */
export const asContent: unique symbol = Symbol.for('holdall.asContent')

/** A file object of ours (`StorageFile`, `ContentFile`) or anybody's. */
export interface ContentProvider {
  [asContent](): Content
}

/** Everything that `save` takes. Chunks of a stream may wait here while later ones come: they must not be changed. */
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

/** Content from bytes in memory; they are not copied. */
export function bytesContent(bytes: Uint8Array, extra: Pick<Content, 'contentType' | 'name'> = {}): Content {
  return { size: bytes.byteLength, replayable: true, bytes, open: () => readableOf(bytes), ...extra }
}

/** Content that can be read once. The source is never destroyed by us: who gave it owns it. */
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
      // The stream asks for the next chunk before it gives one: who goes through it takes them from where they come instead.
      return Object.assign(Readable.from(chunks, { objectMode: false }), { [Symbol.asyncIterator]: () => chunks })
    },
  }
}

/** Makes `Content` of whatever `save` was given. A wrong kind of value is an `invalid_argument`. */
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
 * The same content, `too_large` beyond so many bytes: at once where it knows its size, else when they have been read. A limit that is no
 * number is an `invalid_argument`, not no limit.
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
 * The bytes of content piece by piece, to be read by a driver's `write`: an abort ends it although the source hangs, and content
 * that is shorter or longer than it said is an `invalid_argument`. Each piece that was taken counts as progress.
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
    // A source that hangs does not even end when it is destroyed, so nothing waits for that.
    if (!source.destroyed) discardStream(source)
  }
  if (content.size !== undefined && done < content.size) throw wrongSize(content.size, `only ${done}`)
  if (done === 0) report(onProgress, 0)
}

/** The chunks are taken before anything is published, so an `onProgress` that throws here leaves the storage as it was. */
function report(onProgress: ((bytes: number) => void) | undefined, bytes: number): void {
  try {
    onProgress?.(bytes)
  } catch (error) {
    throw progressError(error, 'not_applied')
  }
}

function wrongSize(promised: number, given: string): StorageError {
  return new StorageError('invalid_argument', `The content gave ${given} bytes where ${promised} were promised.`)
}

function readableContent(source: Readable): Content {
  if (source.errored) throw sourceError(source.errored)
  if (source.destroyed || source.readableEnded) {
    throw new StorageError('invalid_argument', 'content: the stream was read to its end or destroyed before.')
  }
  // It may fail before the storage has come so far as to read it; it is reported then.
  source.on('error', () => undefined)
  return { ...streamContent(source.iterator({ destroyOnReturn: false })), refills: false }
}

function webContent(source: WebStream): Content {
  if (source.locked) throw new StorageError('invalid_argument', 'content: the stream is locked by another reader.')
  return { ...streamContent(source.values({ preventCancel: true })), refills: false }
}

/** A browser tells a file's name, never where it lies; a path in it is somebody's trick or an old browser. */
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

/** The bytes of a view, wherever they lie in its memory. */
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
  return new StorageError(
    'invalid_argument',
    `content gave a chunk of type ${typeof chunk}; strings and bytes are taken.`,
  )
}

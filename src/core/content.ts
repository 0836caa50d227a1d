import { Readable } from 'node:stream'
import type { ReadableStream as WebStream } from 'node:stream/web'
import { StorageError } from './errors.ts'

/** What is to be stored. It says itself whether it can be sent twice. */
export interface Content {
  /** Bytes; undefined when only reading tells. */
  readonly size: number | undefined
  /** Whether `open` may be called again and gives the same bytes. */
  readonly replayable: boolean
  /** The bytes from their beginning. */
  open(): Readable
  /** The whole content, where it is in memory anyway. */
  readonly bytes?: Uint8Array | undefined
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

/** Everything that `save` takes. */
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
    open() {
      if (opened) throw new StorageError('invalid_argument', 'This content was read before and cannot be read again.')
      opened = true
      return Readable.from(bytesOf(source), { objectMode: false })
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
    if (source instanceof Readable) return streamContent(source.iterator({ destroyOnReturn: false }))
    if ('getReader' in source) return streamContent((source as WebStream).values({ preventCancel: true }))
    if (Symbol.asyncIterator in source || Symbol.iterator in source) return streamContent(source)
  }
  throw new StorageError(
    'invalid_argument',
    `content must be a string, bytes, Blob, stream, iterable or file, not ${source === null ? 'null' : typeof source}.`,
  )
}

function blobContent(blob: Blob): Content {
  const name = (blob as { name?: unknown }).name
  return {
    size: blob.size,
    replayable: true,
    open: () => Readable.fromWeb(blob.stream() as WebStream),
    contentType: blob.type === '' ? undefined : blob.type,
    name: typeof name === 'string' ? name : undefined,
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

function viewBytes(view: ArrayBufferView): Uint8Array {
  return view instanceof Uint8Array ? view : new Uint8Array(view.buffer, view.byteOffset, view.byteLength)
}

async function* bytesOf(source: AsyncIterable<unknown> | Iterable<unknown>): AsyncGenerator<Uint8Array> {
  for await (const chunk of source) {
    const bytes = typeof chunk === 'string' ? Buffer.from(chunk, 'utf8') : chunk
    if (ArrayBuffer.isView(bytes)) {
      if (bytes.byteLength > 0) yield viewBytes(bytes)
    } else {
      throw new StorageError(
        'invalid_argument',
        `content gave a chunk of type ${typeof chunk}; strings and bytes are taken.`,
      )
    }
  }
}

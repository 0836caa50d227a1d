import type { Readable } from 'node:stream'
import { StorageError } from '../core/errors.ts'
import { checkKnownOptions } from '../core/known-options.ts'
import { lazyStream } from '../files/lazy-stream.ts'
import type { AnyBase } from './base.ts'
import { READ_OPTIONS, VERSION_OPTIONS } from './call-options.ts'
import { nameIn } from './entry-keys.ts'
import { readStream, readWhole } from './streams.ts'
import type { NameOrEntry, ReadStreamOptions, VersionOptions } from './types.ts'

/** Reads all bytes of a file or of a range of it, for the named method. */
export function readPart(
  method: string,
  storage: AnyBase,
  given: NameOrEntry,
  options: ReadStreamOptions,
): Promise<Buffer<ArrayBuffer>> {
  return readWhole(storage, given, checkedRange(method, options)) as Promise<Buffer<ArrayBuffer>>
}

/** Returns a stream of a file or of a range of it. Invalid options are reported by its `error`, like all other errors. */
export function checkedStream(storage: AnyBase, given: NameOrEntry, options: ReadStreamOptions): Readable {
  let range: ReadStreamOptions
  try {
    range = checkedRange('createReadStream', options)
  } catch (error) {
    return lazyStream(
      () => Promise.reject(error),
      failed => storage.calls.failure(failed, 'read', nameIn(given)),
    )
  }
  return readStream(storage, given, range)
}

/** Returns a web stream of bytes over a Node stream; see `Storage#webStream`. */
export function webStream(
  storage: AnyBase,
  given: NameOrEntry,
  options: ReadStreamOptions,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  const stop = new AbortController()
  let source: Readable | undefined
  let chunks: AsyncIterator<Uint8Array> | undefined
  const begin = (): AsyncIterator<Uint8Array> => {
    const { signal, ...range } = checkedRange('webStream', options)
    const either = signal === undefined ? stop.signal : AbortSignal.any([signal, stop.signal])
    source = readStream(storage, given, { ...range, signal: either })
    return source[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>
  }
  const stream = new ReadableStream({
    type: 'bytes',
    async pull(controller) {
      chunks ??= begin()
      for (;;) {
        const { done, value } = await chunks.next()
        if (done === true) {
          controller.close()
          controller.byobRequest?.respond(0)
          return
        }
        if (value.byteLength === 0) continue
        // The web stream takes over the memory that is enqueued, and the chunk may be a part of a larger buffer.
        controller.enqueue(new Uint8Array(value))
        return
      }
    },
    cancel(reason) {
      stop.abort(reason)
      source?.destroy()
    },
  }) // Every chunk is a separate copy.
  return stream as ReadableStream<Uint8Array<ArrayBuffer>>
}

/** Returns the value in a JSON file; see `Storage#readJson`. */
export async function readJson<T>(storage: AnyBase, given: NameOrEntry, options: VersionOptions): Promise<T> {
  checkKnownOptions('readJson', options, VERSION_OPTIONS)
  const text = (await readWhole(storage, given, options)).toString('utf8')
  try {
    return JSON.parse(text.startsWith('\ufeff') ? text.slice(1) : text) as T
  } catch (error) {
    // The message of the parser quotes the content.
    const place = /at position \d+/.exec(String(error))?.[0] ?? 'at its end'
    const name = nameIn(given)
    throw new StorageError(
      'invalid_argument',
      `readJson '${name}': the file is not valid JSON: unexpected text ${place}.`,
      {
        operation: 'readJson',
        fileName: name,
        backend: storage.calls.driver.name,
      },
    )
  }
}

/** Returns the options with `end` in place of `length`. */
function checkedRange(method: string, options: ReadStreamOptions): ReadStreamOptions {
  checkKnownOptions(method, options, READ_OPTIONS)
  const { length, ...others } = options
  if (length === undefined) return options
  if (!(Number.isSafeInteger(length) && length >= 0)) throw invalid(method, `length: expected bytes, got ${length}`)
  if (others.end !== undefined) throw invalid(method, 'expected end or length, got both')
  return { ...others, end: (others.start ?? 0) + length }
}

function invalid(method: string, text: string): StorageError {
  return new StorageError('invalid_argument', `${method}: ${text}.`, { operation: method })
}

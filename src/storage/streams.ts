import { type Readable, Writable } from 'node:stream'
import { onAbort } from '../core/abort.ts'
import { type Body, BytesBody, derivedStream, readBytes, StreamBody } from '../core/body.ts'
import type { ReadStat } from '../core/driver.ts'
import { abortedError, isStorageError, StorageError } from '../core/errors.ts'
import { lazyStream } from '../files/lazy-stream.ts'
import { ResumedBody } from '../files/resume.ts'
import type { StorageFile } from '../files/storage-file.ts'
import type { AnyBase } from './base.ts'
import { type Reading, readVersion, versionOf } from './bodies.ts'
import { type Decoder, limitedDecoder } from './compression.ts'
import { nameIn } from './entry-keys.ts'
import { isParallel, readInParts } from './parallel-read.ts'
import { reported } from './read-progress.ts'
import type { NameOrEntry, OpenOptions, ReadStreamOptions, VersionOptions } from './types.ts'

/** Returns a stream of a file or of a range of it, requested at the first read. */
export function readStream(storage: AnyBase, given: NameOrEntry, options: ReadStreamOptions): Readable {
  return lazyStream(
    async () => counted(await opened(storage, given, options, stat => storage.decoder(stat)), options).stream(),
    error => storage.calls.failure(error, 'read', nameIn(given), options.signal),
  )
}

/** Returns all bytes of a file or of a range of it, held in memory. */
export async function readWhole(storage: AnyBase, given: NameOrEntry, options: ReadStreamOptions): Promise<Buffer> {
  try {
    const body = counted(await opened(storage, given, options, stat => limitedDecoder(storage, stat)), options)
    return await (body instanceof ResumedBody ? body.bytes() : readBytes({ body }))
  } catch (error) {
    throw storage.calls.failure(error, 'read', nameIn(given), options.signal)
  }
}

type DecoderOf = (stat: ReadStat & { readonly name: string }) => Decoder

/** The requested bytes, and their number where it is known. */
interface Opened {
  readonly body: ResumedBody
  readonly total: number | undefined
}

function counted({ body, total }: Opened, { onProgress }: ReadStreamOptions): Body {
  return onProgress === undefined ? body : reported(body, total, onProgress)
}

async function opened(
  storage: AnyBase,
  given: NameOrEntry,
  options: ReadStreamOptions,
  decoderOf: DecoderOf,
): Promise<Opened> {
  const { start = 0, end } = options
  checkRange(start, end)
  const ref = storage.fileRef(given)
  const { name } = ref
  const version = { ...versionOf(storage, name, options), etag: options.etag }
  if (start === end) return { body: await nothing(storage, given, start, options), total: 0 }
  const whole = start === 0 && end === undefined
  let first: Reading | undefined
  let refusal: unknown
  try {
    const read = isParallel(storage, options) ? readInParts : readVersion
    first = await read(storage, ref, whole ? undefined : { start, end }, version, options)
  } catch (error) {
    if (!isStorageError(error, 'invalid_range')) throw error
    refusal = error
  }
  const stat = first === undefined ? await storage.stat(given, versionOnly(options)) : first.stat
  const decode = stat === undefined ? undefined : decoderOf({ ...stat, name })
  if (decode === undefined) {
    if (first === undefined) throw refusal
    const size = stat?.size
    return {
      body: first.body,
      total: size === undefined ? undefined : Math.max(0, Math.min(end ?? size, size) - start),
    }
  }
  if (first !== undefined && whole) return unpacked(decode(first.body.stream()))
  // Offsets are those of the decoded bytes, which are known only when reading from the beginning.
  first?.body.release()
  const encoded = await readVersion(storage, ref, undefined, version, options)
  const decoded = decode(encoded.body.stream())
  return unpacked(derivedStream(decoded, partOf(decoded, start, end)))
}

function versionOnly({ signal, versionId }: ReadStreamOptions): VersionOptions {
  return { signal, versionId }
}

function unpacked(stream: Readable): Opened {
  return { body: new ResumedBody(new StreamBody(stream)), total: undefined }
}

async function* partOf(body: Readable, start: number, end = Number.POSITIVE_INFINITY): AsyncGenerator<Uint8Array> {
  let place = 0
  for await (const chunk of body as AsyncIterable<Uint8Array>) {
    const part = chunk.subarray(Math.max(0, start - place), Math.max(0, end - place))
    place += chunk.byteLength
    if (part.byteLength > 0) yield part
    if (place >= end) return
  }
  if (start > 0 && start >= place) throw beyond(place, start)
}

/** Checks that an empty range lies within the file, and requests no bytes. */
async function nothing(
  storage: AnyBase,
  given: NameOrEntry,
  start: number,
  options: ReadStreamOptions,
): Promise<ResumedBody> {
  const stat = await storage.stat(given, versionOnly(options))
  if (stat.isDirectory) throw new StorageError('is_directory', `'${stat.name}' is a directory.`)
  if (start > stat.size && storage.decoder(stat) === undefined) throw beyond(stat.size, start)
  return new ResumedBody(new BytesBody(Buffer.alloc(0)))
}

function beyond(size: number, start: number): StorageError {
  return new StorageError('invalid_range', `The file has ${size} bytes; none at ${start}.`)
}

function checkRange(start: number, end: number | undefined): void {
  if (isPlace(start) && (end === undefined || (isPlace(end) && end >= start))) return
  throw new StorageError(
    'invalid_argument',
    `The range from ${start} to ${end ?? 'the end'} is not valid: expected whole numbers from 0, and the end not before the start.`,
  )
}

function isPlace(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0
}

/**
 * Returns a stream that replaces a file when it ends, and changes nothing when it is destroyed. The signal destroys it with `aborted`, also
 * while it waits for more.
 */
export function writeStream(storage: AnyBase, given: NameOrEntry, options: OpenOptions): Writable {
  const { signal } = options
  let file: StorageFile<'wb'> | undefined
  const aborted = (): StorageError =>
    abortedError(
      { operation: 'write', fileName: nameIn(given), backend: storage.calls.driver.name, outcome: 'not_applied' },
      signal?.reason,
    )
  const stream = new Writable({
    construct(done) {
      storage.open(given, 'wb', options).then(opened => {
        file = opened
        done(signal?.aborted ? aborted() : null)
      }, done)
    },
    write(chunk: Buffer, _encoding, done) {
      file!.write(chunk).then(() => done(), done)
    },
    final(done) {
      file!.close().then(() => done(), done)
    },
    destroy(error, done) {
      if (file === undefined || file.closed) done(error)
      else file.discard().then(() => done(error), done)
    },
  })
  if (signal === undefined) return stream
  // While it is opened or closed, the signal ends the call in progress.
  const off = onAbort(signal, () => {
    if (file?.closed === false) stream.destroy(aborted())
  })
  return stream.once('close', off)
}

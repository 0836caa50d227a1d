import { Readable, Writable } from 'node:stream'
import { release } from '../core/abort.ts'
import { readBytes } from '../core/body.ts'
import { isStorageError, StorageError } from '../core/errors.ts'
import { lazyStream } from '../files/lazy-stream.ts'
import type { StorageFile } from '../files/storage-file.ts'
import { resumableBody, versionOf } from './bodies.ts'
import { fileKeyOf } from './file-key.ts'
import type { AnyStorage, OpenOptions, ReadStreamOptions } from './types.ts'

/** A stream of a file or of a range of it, requested when it is first read. */
export function readStream(storage: AnyStorage, name: string, options: ReadStreamOptions): Readable {
  return lazyStream(
    () => opened(storage, name, options),
    error => storage.calls.failure(error, 'read', name, options.signal),
  )
}

/** All bytes of a file or of a range of it, held in memory. */
export async function readWhole(storage: AnyStorage, name: string, options: ReadStreamOptions): Promise<Buffer> {
  try {
    return await readBytes({ body: await opened(storage, name, options) })
  } catch (error) {
    throw storage.calls.failure(error, 'read', name, options.signal)
  }
}

async function opened(storage: AnyStorage, name: string, options: ReadStreamOptions): Promise<Readable> {
  const { start = 0, end } = options
  checkRange(start, end)
  const key = fileKeyOf(storage, name)
  const version = { ...versionOf(storage, name, options), etag: options.etag }
  if (start === end) return nothing(storage, name, start, options)
  const whole = start === 0 && end === undefined
  const first = await resumableBody(storage, key, whole ? undefined : { start, end }, version, options).catch(error => {
    if (isStorageError(error, 'invalid_range')) return { error }
    throw error
  })
  const stat = 'error' in first ? await storage.stat(name, options) : first.stat
  const decode = stat === undefined ? undefined : storage.decoder({ ...stat, name })
  if (decode === undefined) {
    if ('error' in first) throw first.error
    return first.body
  }
  if (whole && 'body' in first) return decode(first.body)
  // Places are those of the decoded bytes, which only reading from the beginning tells.
  release(first)
  const { body } = await resumableBody(storage, key, undefined, version, options)
  return Readable.from(partOf(decode(body), start, end), { objectMode: false })
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

/** A range without a byte asks for none, only that it lies within the file. */
async function nothing(
  storage: AnyStorage,
  name: string,
  start: number,
  options: ReadStreamOptions,
): Promise<Readable> {
  const stat = await storage.stat(name, options)
  if (stat.isDirectory) throw new StorageError('is_directory', `'${name}' is a directory.`)
  if (start > stat.size && storage.decoder(stat) === undefined) throw beyond(stat.size, start)
  return Readable.from([], { objectMode: false })
}

function beyond(size: number, start: number): StorageError {
  return new StorageError('invalid_range', `The file has ${size} bytes; none at ${start}.`)
}

function checkRange(start: number, end: number | undefined): void {
  const wrong = [start, end ?? start].some(place => !Number.isSafeInteger(place) || place < 0)
  if (wrong || (end !== undefined && end < start)) {
    throw new StorageError('invalid_argument', `The range from ${start} to ${end ?? 'the end'} is none of a file.`)
  }
}

/** A stream that replaces a file when it ends and leaves everything as it was when it is destroyed. */
export function writeStream(storage: AnyStorage, name: string, options: OpenOptions): Writable {
  let file: StorageFile<'wb'> | undefined
  return new Writable({
    construct(done) {
      storage.open(name, 'wb', options).then(opened => {
        file = opened
        done()
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
}

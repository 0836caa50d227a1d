import { Readable, Writable } from 'node:stream'
import type { StorageFile } from '../files/storage-file.ts'
import { resumableBody, versionOf } from './bodies.ts'
import type { AnyStorage, OpenOptions, ReadStreamOptions } from './types.ts'

/** A stream of a file or of a range of it, requested when it is first read. */
export function readStream(storage: AnyStorage, name: string, options: ReadStreamOptions): Readable {
  const { start = 0, end } = options
  async function* bytes(): AsyncGenerator<Uint8Array> {
    versionOf(storage, name, options)
    const { body, stat } = await resumableBody(storage, storage.keyOf(name), { start, end }, options)
    const decode = stat === undefined || start !== 0 || end !== undefined ? undefined : storage.decoder(stat)
    yield* (decode === undefined ? body : decode(body)) as AsyncIterable<Uint8Array>
  }
  return Readable.from(bytes(), { objectMode: false })
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

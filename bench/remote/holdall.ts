import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Storage } from '../../src/storage/storage.ts'
import { type Contender, count, length } from './contender.ts'

/** Where a file of the build is. As it is installed: sources would cost memory, and with it time, that only their compilation takes. */
export function built(path: string): string {
  return pathToFileURL(join(import.meta.dirname, '../../dist', path)).href
}

/** A storage of Holdall. */
export function ofStorage(storage: Storage): Contender {
  return {
    put: (key, bytes) => storage.save(key, bytes),
    get: async key => (await storage.readBytes(key)).byteLength,
    head: key => storage.size(key),
    upload: (key, source) => storage.save(key, source),
    download: key => count(storage.createReadStream(key)),
    list: () => length(storage.entries('', { recursive: true })),
  }
}

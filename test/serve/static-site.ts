import { utimesSync, writeFileSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { brotliCompressSync, gzipSync, zstdCompressSync } from 'node:zlib'
import { LocalStorage } from '../../src/backends/local/index.ts'
import { createFileHandler, type FileHandlerOptions, type ServedStorage } from '../../src/serve/index.ts'
import type { Storage } from '../../src/storage/storage.ts'
import { temporaryFolder } from '../backends/local/fixture.ts'

export const NOWHERE = { env: {}, settings: {} }
export const TEXT = 'body { color: red }\n'.repeat(200)
export const PACKED = { br: brotliCompressSync(TEXT), zst: zstdCompressSync(TEXT), gz: gzipSync(TEXT) }
/** What browsers accept. */
export const BROWSER = 'gzip, deflate, br, zstd'

/** The headers that a coding decides. */
export const shown = ({ headers }: Response) =>
  ['content-type', 'content-encoding', 'vary'].map(name => headers.get(name))

/** A storage that counts what is asked of it. */
export function counted(storage: Pick<Storage, keyof ServedStorage>, calls: string[]): ServedStorage {
  return {
    stat(name, options) {
      calls.push(`stat ${name}`)
      return storage.stat(name, options)
    },
    createReadStream(name, options) {
      calls.push(`read ${name}`)
      return storage.createReadStream(name, options)
    },
    save: (name, source, options) => storage.save(name, source, options),
    decoder: stat => storage.decoder(stat),
  }
}

/** A folder with files, of which each is a second newer than the one before it. */
export async function site(
  files: Record<string, string | Buffer>,
  options: FileHandlerOptions = { precompressed: true },
) {
  const folder = temporaryFolder()
  const storage = new LocalStorage({ location: folder.path, fsync: false }, NOWHERE)
  for (const [at, [name, content]] of Object.entries(files).entries()) {
    const path = join(folder.path, name)
    await mkdir(dirname(path), { recursive: true })
    writeFileSync(path, content)
    utimesSync(path, 1_700_000_000 + at, 1_700_000_000 + at)
  }
  const calls: string[] = []
  const handler = createFileHandler(counted(storage, calls), { basePath: '/static/', trusted: true, ...options })
  return {
    storage,
    calls,
    folder,
    get: (name: string, accepted: string | null, headers: Record<string, string> = {}, method = 'GET') => {
      const all = accepted === null ? headers : { 'accept-encoding': accepted, ...headers }
      return handler(new Request(`http://h/static/${name}`, { method, headers: all }))
    },
    async [Symbol.asyncDispose]() {
      await storage.close()
      folder[Symbol.dispose]()
    },
  }
}

/** A file with its siblings. */
export const ALL = { 'a.css': TEXT, 'a.css.br': PACKED.br, 'a.css.zst': PACKED.zst, 'a.css.gz': PACKED.gz }

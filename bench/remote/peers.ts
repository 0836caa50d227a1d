// Clients that speak to many services, over one that its caller has made: the packages lie in the folder of the service.
import { Readable } from 'node:stream'
import { type Contender, count, length, PARALLEL, PART_SIZE } from './contender.ts'

interface Disk {
  put(key: string, bytes: Uint8Array): Promise<unknown>
  getBytes(key: string): Promise<Uint8Array>
  getMetaData(key: string): Promise<{ readonly contentLength: number }>
  putStream(key: string, source: Readable, options: { readonly contentLength: number }): Promise<unknown>
  getStream(key: string): Promise<Readable>
  listAll(
    prefix: string,
    options: { readonly recursive: boolean; readonly paginationToken?: string },
  ): Promise<{ readonly objects: Iterable<unknown>; readonly paginationToken?: string }>
}

interface FileStorage {
  write(key: string, content: Uint8Array | Readable): Promise<unknown>
  readToUint8Array(key: string): Promise<Uint8Array>
  stat(key: string): Promise<{ readonly isFile: boolean; readonly size?: number }>
  read(key: string): Promise<Readable>
  list(path: string, options: { readonly deep: boolean }): AsyncIterable<{ readonly isFile: boolean }>
}

interface FilesBody {
  arrayBuffer(): Promise<ArrayBuffer>
  stream(): unknown
}

interface Files {
  upload(key: string, content: Uint8Array | ReadableStream<Uint8Array>, options?: object): Promise<unknown>
  download(key: string, options?: { readonly as: 'stream' }): Promise<FilesBody>
  head(key: string): Promise<{ readonly size: number }>
  list(options: { readonly cursor?: string }): Promise<{ readonly items: readonly unknown[]; readonly cursor?: string }>
}

/** A disk of flydrive. */
export function ofDisk(disk: Disk): Contender {
  return {
    put: (key, bytes) => disk.put(key, bytes),
    get: async key => (await disk.getBytes(key)).byteLength,
    head: async key => (await disk.getMetaData(key)).contentLength,
    upload: (key, source, contentLength) => disk.putStream(key, source, { contentLength }),
    download: async key => count(await disk.getStream(key)),
    async list() {
      let keys = 0
      let token: string | undefined
      do {
        const page = await disk.listAll('', token ? { recursive: true, paginationToken: token } : { recursive: true })
        keys += await length(page.objects)
        token = page.paginationToken
      } while (token)
      return keys
    },
  }
}

/** A storage of flystorage. */
export function ofFileStorage(storage: FileStorage): Contender {
  return {
    put: (key, bytes) => storage.write(key, bytes),
    get: async key => (await storage.readToUint8Array(key)).byteLength,
    async head(key) {
      const stat = await storage.stat(key)
      return stat.isFile ? (stat.size ?? -1) : -1
    },
    upload: (key, source) => storage.write(key, source),
    download: async key => count(await storage.read(key)),
    async list() {
      let files = 0
      for await (const { isFile } of storage.list('', { deep: true })) if (isFile) files++
      return files
    },
  }
}

/** Files of files-sdk. */
export function ofFiles(files: Files): Contender {
  return {
    put: (key, bytes) => files.upload(key, bytes),
    get: async key => (await (await files.download(key)).arrayBuffer()).byteLength,
    head: async key => (await files.head(key)).size,
    upload: (key, source) =>
      files.upload(key, Readable.toWeb(source) as ReadableStream<Uint8Array>, {
        multipart: { partSize: PART_SIZE, concurrency: PARALLEL },
      }),
    download: async key => count((await files.download(key, { as: 'stream' })).stream() as Readable),
    async list() {
      let keys = 0
      let cursor: string | undefined
      do {
        const page = await files.list(cursor === undefined ? {} : { cursor })
        keys += page.items.length
        cursor = page.cursor
      } while (cursor !== undefined)
      return keys
    },
  }
}

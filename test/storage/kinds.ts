import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { LocalStorage } from '../../src/backends/local/index.ts'
import { MemoryStorage } from '../../src/backends/memory/index.ts'
import { S3Storage } from '../../src/backends/s3/index.ts'
import type { Driver } from '../../src/core/driver.ts'
import type { Storage } from '../../src/storage/storage.ts'
import { type StoredObject, type StrictS3, startStrictS3 } from '../servers/strict-s3.ts'

/** Options that every backend has, as tests give them. */
export type Options = Readonly<Record<string, unknown>>

/** Storages of several backends, each over an empty place; `end` takes away all that was made. */
export class Kinds {
  readonly server: StrictS3
  readonly #folders: string[] = []
  readonly #storages = new Set<Storage>()
  /** Objects of the server by the bytes that they were made of. */
  readonly #filled = new WeakMap<Buffer, StoredObject>()
  #places = 0

  private constructor(server: StrictS3) {
    this.server = server
  }

  static async start(): Promise<Kinds> {
    return new Kinds(await startStrictS3())
  }

  memory(options: Options = {}): MemoryStorage {
    return this.#kept(new MemoryStorage(options, NOWHERE))
  }

  local(options: Options = {}): LocalStorage {
    return this.#kept(new LocalStorage({ location: this.folder(), fsync: false, ...options }, NOWHERE))
  }

  /** Each call has a location of its own in the bucket. Without a driver the storage makes its own of the options. */
  s3(options: Options = {}, driver?: Driver): S3Storage {
    const { url: endpointUrl, region: regionName, credentials } = this.server
    const { accessKeyId: accessKey, secretAccessKey: secretKey } = credentials
    const place = { endpointUrl, regionName, bucketName: 'media', location: `place-${this.#places++}` }
    return this.#kept(
      new S3Storage({ ...place, accessKey, secretKey, fileOverwrite: false, ...options }, { ...NOWHERE, driver }),
    )
  }

  /**
   * Puts a file where a storage looks for it, which then has a connection to the server. What the server has of the same bytes already is
   * put there as it is: their way to it costs more than a short call.
   */
  async fill(storage: Storage, name: string, bytes: Buffer): Promise<void> {
    const filled = this.#filled.get(bytes)
    if (!(storage instanceof S3Storage) || filled === undefined) await storage.save(name, bytes, { overwrite: true })
    if (!(storage instanceof S3Storage)) return
    const [bucket, key] = [this.server.bucket(), `${storage.options.location}/${name}`]
    if (filled === undefined) {
      this.#filled.set(bytes, bucket.current(key)!)
    } else {
      bucket.put(key, filled)
      if (!(await storage.exists(name))) throw new Error(`${key} is not there.`)
    }
  }

  /** Takes away what a storage that is closed holds in memory, here and on the server, and what the server noted. */
  forget(storage: Storage): void {
    this.#storages.delete(storage)
    if (!(storage instanceof S3Storage)) return
    const { objects, uploads } = this.server.bucket()
    for (const key of objects.keys()) if (key.startsWith(`${storage.options.location}/`)) objects.delete(key)
    for (const [id, { key }] of uploads) if (key.startsWith(`${storage.options.location}/`)) uploads.delete(id)
    this.server.requests.length = 0
  }

  folder(): string {
    const folder = mkdtempSync(join(tmpdir(), 'holdall-kinds-'))
    this.#folders.push(folder)
    return folder
  }

  async end(): Promise<void> {
    for (const storage of this.#storages) await storage.close()
    for (const folder of this.#folders) rmSync(folder, { recursive: true, force: true })
    await this.server.close()
  }

  #kept<T extends Storage>(storage: T): T {
    this.#storages.add(storage)
    return storage
  }
}

const NOWHERE = { settings: {}, env: {} }

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { LocalStorage } from '../../src/backends/local/index.ts'
import { MemoryStorage } from '../../src/backends/memory/index.ts'
import { S3Storage } from '../../src/backends/s3/index.ts'
import type { Storage } from '../../src/storage/storage.ts'
import { type StrictS3, startStrictS3 } from '../servers/strict-s3.ts'

/** Options that every backend has, as tests give them. */
export type Options = Readonly<Record<string, unknown>>

/** Storages of several backends, each over an empty place; `end` takes away all that was made. */
export class Kinds {
  readonly server: StrictS3
  readonly #folders: string[] = []
  readonly #storages: Storage[] = []

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

  /** Each call has a location of its own in the bucket. */
  s3(options: Options = {}): S3Storage {
    const { url: endpointUrl, region: regionName, credentials } = this.server
    const { accessKeyId: accessKey, secretAccessKey: secretKey } = credentials
    const place = { endpointUrl, regionName, bucketName: 'media', location: `place-${this.#storages.length}` }
    return this.#kept(new S3Storage({ ...place, accessKey, secretKey, fileOverwrite: false, ...options }, NOWHERE))
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
    this.#storages.push(storage)
    return storage
  }
}

const NOWHERE = { settings: {}, env: {} }

import type { Readable } from 'node:stream'
import type { CallOptions } from '../core/call.ts'
import type { AnyStorage } from '../storage/storage.ts'
import type { Entry } from '../storage/types.ts'
import type { StaticFile } from './types.ts'

/** A file of a storage. Bytes are unpacked, as for all readers. Failures are the storage's errors. */
export class StoredFile implements StaticFile {
  readonly name: string
  readonly #storage: AnyStorage
  readonly #entry: Entry

  constructor(name: string, storage: AnyStorage, entry: Entry) {
    this.name = name
    this.#storage = storage
    this.#entry = entry
  }

  get path(): string | undefined {
    return this.#storage.supports('path') ? this.#storage.path(this.#entry.name) : undefined
  }

  get origin(): string {
    return `${this.#storage.constructor.name} '${this.#entry.name}'`
  }

  async modifiedAt({ signal }: CallOptions = {}): Promise<Date | undefined> {
    const { modifiedAt } = this.#entry
    return modifiedAt ?? (await this.#storage.stat(this.#entry, { signal })).modifiedAt
  }

  async readUpTo(limit: number, { signal }: CallOptions = {}): Promise<Buffer | undefined> {
    // Unpacked bytes are no fewer than packed ones. An unknown size is NaN.
    if (this.#entry.size > limit) return undefined
    const stream = this.open({ signal })
    const chunks: Buffer[] = []
    let size = 0
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      size += chunk.byteLength
      // Leaving the loop ends the request.
      if (size > limit) return undefined
      chunks.push(chunk)
    }
    return Buffer.concat(chunks, size)
  }

  open({ signal }: CallOptions = {}): Readable {
    return this.#storage.createReadStream(this.#entry, { signal })
  }
}

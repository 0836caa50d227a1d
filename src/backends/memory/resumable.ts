import { nodeCrypto } from '../../core/builtin.ts'
import type { PartialUpload, ResumableUploads, WantedParts } from '../../core/direct-uploads.ts'
import type { Stat, WriteOptions } from '../../core/driver.ts'
import { StorageError } from '../../core/errors.ts'

/** Default size of a part in bytes. */
const PART_SIZE = 65_536

/** The bytes of an upload so far. */
interface Pending {
  readonly key: string
  readonly chunks: Uint8Array[]
  size: number
}

type Publish = (key: string, bytes: Uint8Array, options: WriteOptions) => void

/** Uploads in parts in the memory of this process. `resume` finds uploads of the same driver. */
export function memoryUploads(publish: Publish): ResumableUploads<WriteOptions, Stat> {
  const place = nodeCrypto().randomUUID()
  const open = new Map<string, Pending>()
  const uploadOf = (id: string, options: WriteOptions, { partSize = PART_SIZE }: WantedParts): PartialUpload<Stat> => {
    const need = (): Pending => open.get(id) ?? gone()
    return {
      ...{ saved: { id }, partSize, minPart: 1, align: 1, holdsLast: false },
      get offset() {
        return open.get(id)?.size ?? 0
      },
      async append(chunks, _last, ctx) {
        ctx.signal.throwIfAborted()
        const pending = need()
        for (const chunk of chunks) {
          pending.chunks.push(Uint8Array.from(chunk))
          pending.size += chunk.byteLength
        }
      },
      async finish(ctx) {
        ctx.signal.throwIfAborted()
        const { key, chunks } = need()
        publish(key, Buffer.concat(chunks), options)
        open.delete(id)
        return undefined
      },
      async end() {
        open.delete(id)
      },
      release() {},
    }
  }
  return {
    place: async key => `${place}/${key}`,
    async begin(key, options, wanted, ctx) {
      ctx.signal.throwIfAborted()
      const id = nodeCrypto().randomUUID()
      open.set(id, { key, chunks: [], size: 0 })
      return uploadOf(id, options, wanted)
    },
    async resume(key, options, { id }, wanted, ctx) {
      ctx.signal.throwIfAborted()
      if (open.get(id)?.key !== key) gone()
      return uploadOf(id, options, wanted)
    },
  }
}

function gone(): never {
  throw new StorageError('not_found', 'The upload no longer exists: it was completed or cancelled.')
}

import { attributesOf } from '../../core/attributes.ts'
import type { PartialUpload, ResumableUploads } from '../../core/direct-uploads.ts'
import type { Stat, WriteOptions } from '../../core/driver.ts'
import { attributesOnly } from '../../storage/write.ts'
import { conditionsFor } from './conditions.ts'
import { copyOne } from './one-copy.ts'
import type { Caller, Side } from './side.ts'
import type { Sides } from './sides.ts'

type Uploads = ResumableUploads<WriteOptions, Stat>

/** Uploads in parts in the storage that is looked up first. With `write: 'both'` the complete file is then copied to the other one. */
export function uploadsOver(sides: Sides): Uploads {
  const { first } = sides
  const { calls } = first.storage
  const uploads = first.driver.resumable!
  const written = async (key: string, options: WriteOptions, caller: Caller): Promise<WriteOptions> => {
    const conditions = await conditionsFor(sides, key, options, caller)
    const { extra } = options
    const given = { ...attributesOf(options), extra }
    return { ...first.storage.writeOptions(first.ref(key), attributesOnly, given), ...conditions }
  }
  return {
    place: (key, ctx) => uploads.place(first.ref(key).key, ctx),
    async begin(key, options, wanted, { signal }) {
      const ref = first.ref(key)
      const write = await written(key, options, { signal })
      const part = await calls.run('openUpload', ref, { signal, repeat: false }, ctx =>
        uploads.begin(ref.key, write, wanted, ctx),
      )
      return partOver(sides, key, part)
    },
    async resume(key, options, saved, wanted, { signal }) {
      const ref = first.ref(key)
      const write = await written(key, options, { signal })
      const part = await calls.run('resumeUpload', ref, { signal }, ctx =>
        uploads.resume(ref.key, write, saved, wanted, ctx),
      )
      return partOver(sides, key, part)
    },
  }
}

function partOver(sides: Sides, key: string, part: PartialUpload<Stat>): PartialUpload<Stat> {
  const { first, second, mirrors } = sides
  const { calls } = first.storage
  const ref = first.ref(key)
  const { saved, partSize, minPart, align, holdsLast } = part
  return {
    ...{ saved, partSize, minPart, align, holdsLast },
    get offset() {
      return part.offset
    },
    append: (chunks, last, { signal }) =>
      calls.run('uploadPart', ref, { signal, repeat: false }, ctx => part.append(chunks, last, ctx)),
    async finish({ signal }) {
      const stat = await calls.run('completeUpload', ref, { signal, repeat: false }, ctx => part.finish(ctx))
      if (mirrors) await mirrored(first, second, key, { signal })
      return stat
    },
    end: ({ signal }) => calls.run('cancelUpload', ref, { signal, repeat: false }, ctx => part.end(ctx)),
    release: () => part.release(),
  }
}

async function mirrored(first: Side, second: Side, key: string, caller: Caller): Promise<void> {
  try {
    await copyOne(first, second, key, { ...caller, mode: 'replace' })
  } catch (error) {
    throw second.failure(error, `'${key}' is stored in '${first.title}'`)
  }
}

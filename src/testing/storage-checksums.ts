import assert from 'node:assert/strict'
import { buffer } from 'node:stream/consumers'
import { DIGEST_BYTES, digestOf } from '../core/digests/digest.ts'
import type { ChecksumName } from '../core/driver.ts'
import type { TransferProgress } from '../storage/types.ts'
import { patternBytes } from './driver-place.ts'
import { failsWith, namesOf, type StorageCase, textOf } from './storage-place.ts'

const KINDS = Object.keys(DIGEST_BYTES) as ChecksumName[]

/** Digests of files, verified saves, and parallel reads of parts. */
export const checksumCases: readonly StorageCase[] = [
  {
    title: 'A checksum is that of the bytes, whether the service has it or not.',
    async run(storage) {
      const bytes = patternBytes(70_000)
      await storage.save('some.bin', bytes)
      for (const kind of KINDS) assert.equal(await storage.checksum('some.bin', kind), digestOf(kind, bytes), kind)
      await failsWith('not_found', storage.checksum('missing', 'sha256'))
      await failsWith('invalid_argument', storage.checksum('some.bin', 'sha512' as never))
    },
  },
  {
    title: 'Content with the digests that it must have is stored.',
    async run(storage) {
      const bytes = patternBytes(70_000)
      const verify = { sha256: digestOf('sha256', bytes).toUpperCase(), crc32c: digestOf('crc32c', bytes) }
      assert.equal(await storage.save('bytes', bytes, { verify }), 'bytes')
      assert.equal(await storage.save('stream', pieces(bytes), { verify }), 'stream')
      assert.equal(await storage.checksum('stream', 'sha256'), digestOf('sha256', bytes))
      const wrong = { sha256: digestOf('sha256', bytes).slice(1) }
      await failsWith('invalid_argument', storage.save('new', bytes, { verify: wrong }))
    },
  },
  {
    title: 'Content with another digest than it must have is a checksum_mismatch, and nothing is stored.',
    async run(storage) {
      const bytes = patternBytes(300_000)
      for (const kind of KINDS) {
        const verify = { [kind]: digestOf(kind, bytes.subarray(1)) }
        await failsWith('checksum_mismatch', storage.save('new', bytes, { verify }))
      }
      const verify = { sha256: digestOf('sha256', bytes.subarray(1)) }
      await failsWith('checksum_mismatch', storage.save('new', pieces(bytes), { verify }))
      assert.deepEqual(await namesOf(storage), [])
    },
  },
  {
    title: 'A file stays as it is when what is to replace it has another digest.',
    overwrite: true,
    async run(storage) {
      await storage.save('file', 'old')
      const bytes = patternBytes(300_000)
      const verify = { md5: digestOf('md5', bytes.subarray(1)) }
      await failsWith('checksum_mismatch', storage.save('file', bytes, { verify }))
      await failsWith('checksum_mismatch', storage.save('file', pieces(bytes), { verify }))
      assert.equal(await textOf(storage, 'file'), 'old')
      assert.deepEqual(await namesOf(storage), ['file'])
    },
  },
  {
    title: 'Parts that are read side by side come in order, whole and as a range.',
    async run(storage) {
      const bytes = patternBytes(200_000)
      await storage.save('large', bytes)
      const parts = { parallel: 3, partSize: 30_000 }
      assert.ok((await storage.readBytes('large', parts)).equals(bytes))
      const range = storage.createReadStream('large', { ...parts, start: 10, end: 150_001 })
      assert.ok((await buffer(range)).equals(bytes.subarray(10, 150_001)))
    },
  },
  {
    title: 'The progress of an upload ends with all bytes, also of a file without any.',
    async run(storage, { refusesEmpty }) {
      const bytes = patternBytes(200_000)
      const sizes = [bytes.byteLength, ...(refusesEmpty === true ? [] : [0])]
      for (const size of sizes) {
        for (const content of [bytes.subarray(0, size), pieces(bytes.subarray(0, size))]) {
          const told: TransferProgress[] = []
          await storage.save('large', content, { onProgress: progress => void told.push(progress) })
          assert.equal(told.at(-1)?.loaded, size)
          assert.ok(told.every(({ loaded, total = size }) => loaded <= total && total === size))
        }
      }
    },
  },
  {
    title: 'The progress of a download ends with all bytes, and what it throws ends the download.',
    async run(storage) {
      const bytes = patternBytes(200_000)
      await storage.save('large', bytes)
      const told: TransferProgress[] = []
      const onProgress = (progress: TransferProgress): void => void told.push(progress)
      assert.ok((await storage.readBytes('large', { onProgress })).equals(bytes))
      assert.deepEqual(told.at(-1), { loaded: 200_000, total: 200_000 })
      assert.ok(told.every(({ loaded }, at) => loaded > (told[at - 1]?.loaded ?? 0)))
      await buffer(storage.createReadStream('large', { start: 100, end: 150, onProgress }))
      assert.deepEqual(told.at(-1), { loaded: 50, total: 50 })
      const broken = (): void => {
        throw new Error('enough')
      }
      await failsWith('source_failed', storage.readBytes('large', { onProgress: broken }))
    },
  },
]

async function* pieces(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.byteLength; at += 50_000) yield bytes.subarray(at, at + 50_000)
}

import { afterAll, expect, it } from 'vitest'
import { hashed } from '../../../src/backends/dropbox/content-hash.ts'
import { BLOCK, ContentHash } from '../../../src/core/digests/content-hash.ts'
import { startStrictDropbox } from '../../servers/strict-dropbox.ts'
import { smallParts } from './support.ts'

const pattern = (size: number): Buffer =>
  Buffer.alloc(size, Buffer.from(Uint8Array.from({ length: 256 }, (_, at) => at)))

it.each<[string, () => Buffer, string]>([
  ['a text', () => Buffer.from('hello rdrop2'), '1aa2b7623dfff520c4abdc1227d10bc4e229b74005b66b3458345830e556f4de'],
  ['a block', () => pattern(BLOCK), '894bbb52d1212d6bcbe9967f1a2169138c4d4af0c8dfbaeae86cd1d3f0c03faf'],
  [
    'a block and a byte',
    () => Buffer.concat([pattern(BLOCK), Buffer.of(255)]),
    '9149387a91f71c7c2149b8427d15526b71c1a38d6c6f999ad71486a2ce788d57',
  ],
  [
    'three blocks and a half',
    () => pattern(3.5 * BLOCK),
    'f61d3ae93fa4f7646d37949fc0885141bf682faa9a130896b93459c650335d0f',
  ],
  ['nothing', () => Buffer.alloc(0), 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'],
  ['a letter', () => Buffer.from('a'), 'bf5d3affb73efd2ec6c36ad3112dd933efed63c4e1cbffcfa88e2759c144f2d8'],
  ['a block of zeros', () => Buffer.alloc(BLOCK), 'c7e946d101855255d919ef0c70718633adf77d3dfb3adeeecf5d0cb4e951be58'],
  [
    'a block of zeros and one more',
    () => Buffer.alloc(BLOCK + 1),
    '14a4d47f23a30177885d9820122f17d2d3a55fe63f7f5c27b95f689e0b2accd6',
  ],
])('the content hash of %s, however it is cut', (_, make, hash) => {
  const bytes = make()
  expect(hashed(bytes).digest()).toBe(hash)
  for (const size of [BLOCK - 1, BLOCK, 1_000_003]) {
    const running = new ContentHash()
    for (let at = 0; at < bytes.byteLength; at += size) {
      running.update(bytes.subarray(at, at + size))
      // May be asked in between.
      running.digest()
    }
    expect(running.digest(), String(size)).toBe(hash)
  }
  // Whole blocks that were hashed by themselves.
  const sum = hashed(bytes.subarray(0, BLOCK))
  if (bytes.byteLength > BLOCK) sum.add(hashed(bytes.subarray(BLOCK)))
  expect(sum.digest()).toBe(hash)
})

const server = await startStrictDropbox()
afterAll(() => server.close())

it('finds bytes that were changed on the way, however they are read', async () => {
  await using files = smallParts(server)
  server.put('/a', pattern(300_000))
  const reads = [
    () => files.readBytes('a'),
    () => files.createReadStream('a').toArray(),
    () => files.edit('a', 'rb', file => file.read()),
  ]
  for (const read of reads) {
    server.faults.add({ operation: 'files/download', fault: { do: 'garble', offset: 200_000 } })
    await expect(read()).rejects.toMatchObject({ code: 'checksum_mismatch', fileName: 'a' })
  }
})

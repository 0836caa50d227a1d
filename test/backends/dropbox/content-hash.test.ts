import { afterAll, describe, expect, it, test } from 'vitest'
import { BLOCK, ContentHash } from '../../../src/backends/dropbox/content-hash.ts'
import { seeded } from '../../oracles/seeded.ts'
import { contentHash, startStrictDropbox } from '../../servers/strict-dropbox.ts'
import { smallParts } from './support.ts'

const pattern = Buffer.from(Uint8Array.from({ length: 4 * BLOCK }, (_, at) => at))

/** The hash of bytes that come in pieces of random sizes. */
function inPieces(bytes: Uint8Array, random: () => number): string {
  const hash = new ContentHash()
  for (let start = 0; start < bytes.length; ) {
    const end = start + 1 + Math.floor(random() * 2 * BLOCK)
    hash.update(bytes.subarray(start, end))
    start = end
  }
  return hash.digest()
}

describe('the content hash', () => {
  it.each([
    ['hello rdrop2', Buffer.from('hello rdrop2'), '1aa2b7623dfff520c4abdc1227d10bc4e229b74005b66b3458345830e556f4de'],
    ['4 MiB', pattern.subarray(0, BLOCK), '894bbb52d1212d6bcbe9967f1a2169138c4d4af0c8dfbaeae86cd1d3f0c03faf'],
    [
      '4 MiB and a byte',
      Buffer.concat([pattern.subarray(0, BLOCK), Buffer.of(0xff)]),
      '9149387a91f71c7c2149b8427d15526b71c1a38d6c6f999ad71486a2ce788d57',
    ],
    ['14 MiB', pattern.subarray(0, 3.5 * BLOCK), 'f61d3ae93fa4f7646d37949fc0885141bf682faa9a130896b93459c650335d0f'],
    ['nothing', Buffer.alloc(0), 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'],
    ['a', Buffer.from('a'), 'bf5d3affb73efd2ec6c36ad3112dd933efed63c4e1cbffcfa88e2759c144f2d8'],
    ['4 MiB of zero', Buffer.alloc(BLOCK), 'c7e946d101855255d919ef0c70718633adf77d3dfb3adeeecf5d0cb4e951be58'],
    [
      '4 MiB and a byte of zero',
      Buffer.alloc(BLOCK + 1),
      '14a4d47f23a30177885d9820122f17d2d3a55fe63f7f5c27b95f689e0b2accd6',
    ],
  ])('of %s is the one that Dropbox has, in whatever pieces it comes', (_, bytes, hash) => {
    const random = seeded(bytes.length)
    for (let turn = 0; turn < 3; turn++) expect(inPieces(bytes, random)).toBe(hash)
    expect(contentHash(bytes)).toBe(hash)
  })
})

describe('bytes that were changed on the way', () => {
  const servers = startStrictDropbox()
  afterAll(async () => (await servers).close())

  test('are a checksum_mismatch, however they are read', async () => {
    const server = await servers
    await using files = smallParts(server)
    server.put('/a', pattern.subarray(0, 300_000))
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
})

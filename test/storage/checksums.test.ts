import { createHash, randomBytes } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { afterAll, describe, expect, test } from 'vitest'
import { MemoryDriver } from '../../src/backends/memory/driver.ts'
import { MemoryStorage } from '../../src/backends/memory/index.ts'
import type { Storage } from '../../src/storage/storage.ts'
import { storageWith as azureWith } from '../backends/azure/support.ts'
import { at as dropboxAt, storageWith as dropboxWith } from '../backends/dropbox/support.ts'
import { at as gcsAt, storageWith as gcsWith } from '../backends/gcs/support.ts'
import { at as swiftAt, storageWith as swiftWith } from '../backends/swift/support.ts'
import { startStrictAzure } from '../servers/strict-azure.ts'
import { startStrictDropbox } from '../servers/strict-dropbox.ts'
import { startStrictGcs } from '../servers/strict-gcs.ts'
import { checksum } from '../servers/strict-s3/checksums.ts'
import { startStrictSwift } from '../servers/strict-swift.ts'
import { Kinds } from './kinds.ts'

const kinds = await Kinds.start()
const [azure, gcs, swift, dropbox] = await Promise.all([
  startStrictAzure(),
  startStrictGcs(),
  startStrictSwift(),
  startStrictDropbox(),
])
const servers = [azure, gcs, swift, dropbox]
const storages = {
  azure: azureWith({ connectionString: azure.connectionString, azureContainer: 'media' }),
  gcs: gcsWith(gcsAt(gcs)),
  swift: swiftWith(swiftAt(swift)),
  dropbox: dropboxWith(dropboxAt(dropbox)),
  s3: kinds.s3({ checksums: 'always', checksumAlgorithm: 'CRC32' }),
}
afterAll(async () => {
  await Promise.all([...Object.values(storages).map(storage => storage.close()), kinds.end()])
  await Promise.all(servers.map(server => server.close()))
})

const bytes = randomBytes(10_000)
const hex = (algorithm: string, data: Uint8Array = bytes): string => createHash(algorithm).update(data).digest('hex')
const blocks = hex('sha256', createHash('sha256').update(bytes).digest())
const crc32hex = crc32(bytes).toString(16).padStart(8, '0')
const crc32c = checksum('crc32c', bytes).toString('hex')

async function entryOf(storage: Storage, name: string) {
  for await (const entry of storage.entries('')) if (entry.name === name) return entry
  return undefined
}

describe('checksums of a stat', () => {
  test.each([
    ['azure', { md5: hex('md5') }, { md5: hex('md5') }],
    ['gcs', { md5: hex('md5'), crc32c }, { md5: hex('md5'), crc32c }],
    ['swift', { md5: hex('md5') }, { md5: hex('md5') }],
    ['dropbox', { dropbox: blocks }, { dropbox: blocks }],
    ['s3', { crc32: crc32hex }, undefined],
  ] as const)('on %s are what the service reports', async (kind, inStat, inListing) => {
    const storage: Storage = storages[kind]
    await storage.save('file.bin', bytes, { overwrite: true })
    expect((await storage.stat('file.bin')).checksums).toEqual(inStat)
    expect((await entryOf(storage, 'file.bin'))?.checksums).toEqual(inListing)
  })

  test('are absent for objects in parts of S3, whose checksums are of checksums', async () => {
    const storage = kinds.s3({
      checksums: 'always',
      checksumAlgorithm: 'CRC32',
      multipartThreshold: 5_242_880,
      partSize: 5_242_880,
    })
    const large = randomBytes(5_242_881)
    await storage.save('large', large)
    const { checksums } = await storage.stat('large')
    expect(checksums).toBeUndefined()
    expect(await storage.checksum('large', 'md5')).toBe(hex('md5', large))
  })
})

describe('checksum()', () => {
  test.each([
    ['azure', 'md5'],
    ['gcs', 'crc32c'],
    ['gcs', 'md5'],
    ['swift', 'md5'],
    ['dropbox', 'dropbox'],
    ['s3', 'crc32'],
  ] as const)('on %s asks for the stat and reads nothing for %s', async (kind, algorithm) => {
    const storage: Storage = storages[kind]
    await storage.save('file.bin', bytes, { overwrite: true })
    const log: readonly { readonly operation?: string }[] =
      kind === 's3' ? kinds.server.requests : { azure, gcs, swift, dropbox }[kind].requests
    const before = log.length
    await storage.checksum('file.bin', algorithm)
    expect(log.length - before).toBe(1)
  })

  test('of a file that is unpacked when it is read is that of the unpacked bytes', async () => {
    const storage = gcsWith({ ...gcsAt(gcs), gzip: true })
    const text = 'a { color: red }\n'.repeat(500)
    await storage.save('style.css', text)
    const stat = await storage.stat('style.css')
    expect(stat.size).toBeLessThan(text.length)
    expect(stat.checksums?.md5).not.toBe(hex('md5', Buffer.from(text)))
    for (const algorithm of ['md5', 'sha256'] as const) {
      expect(await storage.checksum('style.css', algorithm)).toBe(hex(algorithm, Buffer.from(text)))
    }
    await storage.close()
  })

  test('of a folder is is_directory, and an option that it does not have is refused', async () => {
    const storage = kinds.local()
    await storage.save('folder/file', 'x')
    await expect(storage.checksum('folder', 'md5')).rejects.toMatchObject({ code: 'is_directory', fileName: 'folder' })
    const odd = { algorithm: 'md5' } as never
    await expect(storage.checksum('folder/file', 'md5', odd)).rejects.toMatchObject({ code: 'invalid_argument' })
    const text = { code: 'invalid_argument', message: expect.stringContaining("did you mean 'sha256'") }
    await expect(storage.checksum('folder/file', 'SHA-256' as never)).rejects.toMatchObject(text)
  })

  test('reads in bounded memory, piece by piece', async () => {
    let most = 0
    class Counting extends MemoryDriver {
      override async read(...args: Parameters<MemoryDriver['read']>) {
        const result = await super.read(...args)
        result.body.stream().on('data', chunk => (most = Math.max(most, chunk.byteLength)))
        return result
      }
    }
    const storage = new MemoryStorage({}, { driver: new Counting(), settings: {}, env: {} })
    const large = randomBytes(1_000_000)
    await storage.save('large', large)
    expect(await storage.checksum('large', 'sha1')).toBe(hex('sha1', large))
    expect(most).toBeLessThan(100_000)
  })
})

describe('a download', () => {
  test.each(['azure', 'gcs', 'swift', 'dropbox', 's3'] as const)(
    'from %s whose bytes are not those that were stored is a checksum_mismatch',
    async kind => {
      const storage: Storage = storages[kind]
      await storage.save('bad.bin', bytes, { overwrite: true })
      const held = heldBytes(kind)
      held[5000] = held[5000]! ^ 1
      for (const options of [{}, { parallel: 2, partSize: 3000 }]) {
        // S3 reports no checksum in the answer to a range.
        if (kind === 's3' && 'parallel' in options) continue
        await expect(storage.readBytes('bad.bin', options)).rejects.toMatchObject({ code: 'checksum_mismatch' })
        const read = storage.createReadStream('bad.bin', options).toArray()
        await expect(read).rejects.toMatchObject({ code: 'checksum_mismatch' })
      }
      held[5000] = held[5000]! ^ 1
      expect((await storage.readBytes('bad.bin')).equals(bytes)).toBe(true)
      expect((await storage.readBytes('bad.bin', { start: 4999, end: 5002 })).equals(bytes.subarray(4999, 5002))).toBe(
        true,
      )
    },
  )
})

/** The bytes that a server holds of the file. */
function heldBytes(kind: keyof typeof storages): Buffer {
  switch (kind) {
    case 'azure':
      return azure.container().blobs.get('bad.bin')!.body
    case 'gcs':
      return gcs.bucket().objects.get('bad.bin')!.at(-1)!.body
    case 'swift':
      return swift.container().objects.get('bad.bin')!.bytes
    case 'dropbox':
      return dropbox.file('/bad.bin')!.revision.body
    case 's3':
      return kinds.server.bucket().current(`${storages.s3.options.location}/bad.bin`)!.body as Buffer
  }
}

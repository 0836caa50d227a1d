import { createHash, randomBytes } from 'node:crypto'
import { afterAll, describe, expect, test } from 'vitest'
import { FtpStorage } from '../../src/backends/ftp/index.ts'
import { MemoryDriver } from '../../src/backends/memory/driver.ts'
import { MemoryStorage } from '../../src/backends/memory/index.ts'
import type { Content } from '../../src/core/content.ts'
import type { WriteOptions } from '../../src/core/driver.ts'
import type { Storage } from '../../src/storage/storage.ts'
import { at as atmosAt, storageWith as atmosWith } from '../backends/atmos/support.ts'
import { storageWith as azureWith } from '../backends/azure/support.ts'
import { at as gcsAt, storageWith as gcsWith } from '../backends/gcs/support.ts'
import { at as swiftAt, storageWith as swiftWith } from '../backends/swift/support.ts'
import { startStrictAtmos } from '../servers/strict-atmos.ts'
import { startStrictAzure } from '../servers/strict-azure.ts'
import { startStrictGcs } from '../servers/strict-gcs.ts'
import { startStrictSwift } from '../servers/strict-swift.ts'
import { Kinds } from './kinds.ts'

const kinds = await Kinds.start()
const [azure, gcs, swift, atmos] = await Promise.all([
  startStrictAzure(),
  startStrictGcs(),
  startStrictSwift(),
  startStrictAtmos(),
])
const keep = { keepSha256: true, fileOverwrite: true }
const storages: Record<string, Storage> = {
  memory: kinds.memory(keep),
  local: kinds.local({ ...keep, keepMetadata: true }),
  s3: kinds.s3(keep),
  azure: azureWith({ connectionString: azure.connectionString, azureContainer: 'media', ...keep }),
  gcs: gcsWith({ ...gcsAt(gcs), ...keep }),
  swift: swiftWith({ ...swiftAt(swift), ...keep }),
  atmos: atmosWith({ ...atmosAt(atmos), ...keep }),
}
afterAll(async () => {
  await Promise.all([...Object.values(storages).map(storage => storage.close()), kinds.end()])
  await Promise.all([azure, gcs, swift, atmos].map(server => server.close()))
})

const sha256 = (data: Uint8Array | string): string => createHash('sha256').update(data).digest('hex')

async function* pieces(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.byteLength; at += 30_000) yield bytes.subarray(at, at + 30_000)
}

async function kept(storage: Storage, name: string): Promise<string | undefined> {
  return (await storage.stat(name)).checksums?.sha256
}

describe.each(Object.keys(storages))('keepSha256 on %s', kind => {
  const storage = storages[kind]!
  const bytes = randomBytes(100_000)

  test('keeps the digest of bytes, of streams and of opened files, beside the metadata of the user', async () => {
    const metadata = { key: 'value' }
    await storage.save('bytes', bytes, { metadata })
    await storage.save('stream', pieces(bytes))
    const file = await storage.open('opened', 'wb')
    await file.write(bytes)
    await file.close()
    for (const name of ['bytes', 'stream', 'opened']) expect(await kept(storage, name), name).toBe(sha256(bytes))
    expect((await storage.stat('bytes')).metadata).toEqual(metadata)
    expect((await storage.stat('stream')).metadata).toBeUndefined()
    expect((await storage.readBytes('bytes')).equals(bytes)).toBe(true)
  })

  test('keeps it in copies and moves, and never after a change', async () => {
    await storage.save('from', bytes)
    await storage.copy('from', 'copied')
    await storage.move('copied', 'moved')
    expect(await kept(storage, 'moved')).toBe(sha256(bytes))
    const file = await storage.open('moved', 'ab')
    await file.write('more')
    await file.close()
    const changed = Buffer.concat([bytes, Buffer.from('more')])
    expect(await kept(storage, 'moved')).toBe(sha256(changed))
    expect((await storage.readBytes('moved')).equals(changed)).toBe(true)
    await storage.save('moved', 'short')
    expect(await kept(storage, 'moved')).toBe(sha256('short'))
  })

  test('compares with another storage without reading', async () => {
    const other = kinds.memory({ keepSha256: true })
    await storage.save('same', bytes)
    await storage.copy('same', 'same', { storage: other })
    expect(await kept(other, 'same')).toBe(sha256(bytes))
    expect(await storage.checksum('same', 'sha256')).toBe(sha256(bytes))
  })

  test('refuses its own name among the metadata of the user', async () => {
    const save = storage.save('odd', 'x', { metadata: { 'holdall-sha256': sha256('y') } })
    await expect(save).rejects.toMatchObject({ code: 'invalid_argument' })
    expect(await storage.exists('odd')).toBe(false)
  })
})

test('a storage without the option drops the digest of what it changes, and hides that of what it reads', async () => {
  const driver = new MemoryDriver()
  const keeping = new MemoryStorage({ keepSha256: true }, { driver, settings: {}, env: {} })
  const plain = new MemoryStorage({ fileOverwrite: true }, { driver, settings: {}, env: {} })
  for (const name of ['appended', 'edited', 'saved', 'copied']) await keeping.save(name, 'old')
  const [entry] = (await plain.page('')).entries
  expect([entry?.metadata, entry?.checksums]).toEqual([undefined, { sha256: sha256('old') }])
  await plain.edit('appended', 'a', file => file.write('er'))
  await plain.edit('edited', 'r+', file => file.write('gold'))
  await plain.save('saved', 'new')
  await plain.copy('copied', 'saved', { metadata: { key: 'value' } })
  for (const name of ['appended', 'edited', 'saved']) expect(await kept(plain, name)).toBeUndefined()
  expect(await plain.readText('appended')).toBe('older')
})

test('a download whose bytes have another digest is a checksum_mismatch, also in parts', async () => {
  const storage = storages['s3']! as ReturnType<Kinds['s3']>
  const bytes = randomBytes(50_000)
  await storage.save('bad', bytes)
  const held = kinds.server.bucket().current(`${storage.options.location}/bad`)!.body as Buffer
  held[40_000] = held[40_000]! ^ 1
  for (const options of [{}, { parallel: 3, partSize: 8000 }]) {
    await expect(storage.readBytes('bad', options)).rejects.toMatchObject({ code: 'checksum_mismatch' })
  }
})

test('the digest of a file that is packed by gzip is of the stored bytes', async () => {
  const storage = gcsWith({ ...gcsAt(gcs), ...keep, gzip: true })
  const text = Buffer.from('a { color: red }\n'.repeat(9000))
  for (const content of [text, pieces(text)]) {
    await storage.save('style.css', content)
    const { checksums, contentEncoding } = await storage.stat('style.css')
    const { body } = gcs.bucket().objects.get('style.css')!.at(-1)!
    expect([contentEncoding, checksums?.sha256]).toEqual(['gzip', sha256(body)])
    expect((await storage.readBytes('style.css')).equals(text)).toBe(true)
    expect(await storage.checksum('style.css', 'sha256')).toBe(sha256(text))
  }
  await storage.close()
})

test('a stream whose digest is given by verify is neither spooled nor read twice', async () => {
  const bytes = randomBytes(100_000)
  const seen: Content[] = []
  class Watching extends MemoryDriver {
    override write(key: string, content: Content, options: WriteOptions, ctx: Parameters<MemoryDriver['write']>[3]) {
      seen.push(content)
      return super.write(key, content, options, ctx)
    }
  }
  const storage = new MemoryStorage({ ...keep }, { driver: new Watching(), settings: {}, env: {} })
  await storage.save('a', pieces(bytes), { verify: { sha256: sha256(bytes) } })
  expect([seen[0]?.replayable, await kept(storage, 'a')]).toEqual([false, sha256(bytes)])
})

test('a backend without metadata refuses the option when it is to save', async () => {
  const storage = new FtpStorage({ location: 'ftp://127.0.0.1:1/', keepSha256: true }, { settings: {}, env: {} })
  await expect(storage.save('a', 'x', { overwrite: true })).rejects.toMatchObject({
    code: 'improperly_configured',
    message: expect.stringContaining('keepSha256'),
  })
  await storage.close()
})

import { buffer } from 'node:stream/consumers'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Storage } from '../../src/storage/storage.ts'
import { Kinds, type Options } from './kinds.ts'

const kinds = await Kinds.start()
afterAll(() => kinds.end())

const SIZE = 400_000
const packed = gzipSync(Buffer.alloc(SIZE, 'x'))
const empty = gzipSync('')
const ATTRIBUTES = { contentEncoding: 'gzip', contentType: 'text/css' }
const location = 'packed'

/** A storage that unpacks what `stored` wrote as it is. */
function unpacking(options: Options = {}): Storage {
  return kinds.s3({ location, gzip: true, fileOverwrite: true, ...options })
}

beforeAll(async () => {
  const stored = kinds.s3({ location })
  await stored.save('whole', packed, ATTRIBUTES)
  await stored.save('members', Buffer.concat([packed, empty, packed]), ATTRIBUTES)
  await stored.save('padded', Buffer.concat([packed, Buffer.alloc(512)]), ATTRIBUTES)
  await stored.save('garbage', Buffer.concat([packed, Buffer.from('garbage')]), ATTRIBUTES)
  await stored.save('cut', packed.subarray(0, -4), ATTRIBUTES)
  await stored.save('empties', Buffer.concat(Array.from({ length: 20_000 }, () => empty)), ATTRIBUTES)
})

/** Ways to read that keep all of the unpacked bytes. */
const keeping: Readonly<Record<string, (storage: Storage, name: string) => Promise<number>>> = {
  open: async (storage, name) => {
    await using file = await storage.open(name)
    return file.size()
  },
  'open for changes': async (storage, name) => {
    const file = await storage.open(name, 'r+')
    const size = await file.size()
    await file.discard()
    return size
  },
  readBytes: async (storage, name) => (await storage.readBytes(name)).length,
  'readBytes of a part': async (storage, name) => {
    const { length } = await storage.readBytes(name, { start: SIZE - 1, end: SIZE })
    return SIZE - 1 + length
  },
  readText: async (storage, name) => (await storage.readText(name)).length,
  'copy to another storage': async (storage, name) => {
    const target = kinds.memory({ fileOverwrite: true })
    return target.size(await storage.copy(name, 'copy', { storage: target }))
  },
}

describe('a compressed file', () => {
  it.each(Object.entries(keeping))('is unpacked up to maxUnpackedSize and not beyond, by %s', async (_, read) => {
    for (const maxUnpackedSize of [SIZE, null, undefined]) {
      expect(await read(unpacking({ maxUnpackedSize }), 'whole')).toBe(SIZE)
    }
    await expect(read(unpacking({ maxUnpackedSize: SIZE - 1 }), 'whole')).rejects.toMatchObject({
      code: 'too_large',
      fileName: 'whole',
      message: `'whole' has more than ${SIZE - 1} bytes when it is unpacked; the option maxUnpackedSize sets this limit.`,
    })
  })

  it('has no limit as a stream, whose reader keeps nothing', async () => {
    const stream = unpacking({ maxUnpackedSize: 1 }).createReadStream('whole')
    expect((await buffer(stream)).length).toBe(SIZE)
  })

  it('may have many members, also empty ones, and zeros behind them', async () => {
    expect((await unpacking().readBytes('members')).length).toBe(2 * SIZE)
    const limited = unpacking({ maxUnpackedSize: 2 * SIZE - 1 })
    await expect(limited.readBytes('members')).rejects.toMatchObject({ code: 'too_large' })
    expect((await unpacking().readBytes('padded')).length).toBe(SIZE)
    expect((await unpacking().readBytes('empties')).length).toBe(0)
  })

  it.each(['cut', 'garbage'])('that is damaged (%s) is an error and no shorter file', async name => {
    for (const [title, read] of Object.entries(keeping)) {
      if (title.endsWith('of a part')) continue
      await expect(read(unpacking(), name)).rejects.toMatchObject({ name: 'StorageError', code: 'unknown' })
    }
  })

  it('goes to disk when it is opened, as soon as it is larger than maxMemorySize', async () => {
    const tempDir = '/no/such/folder'
    const opened = unpacking({ maxMemorySize: SIZE - 1, tempDir }).open('whole')
    await expect(opened).rejects.toMatchObject({ code: 'improperly_configured' })
    await using file = await unpacking({ maxMemorySize: SIZE, tempDir }).open('whole')
    expect(await file.size()).toBe(SIZE)
  })
})

describe('a stream that is saved under a new name', () => {
  it.each([
    ['by default', {}],
    ['where opened files never go to disk', { maxMemorySize: 0 }],
  ])('keeps at most 8 MiB in memory, %s', async (_, options) => {
    const tempDir = '/no/such/folder'
    const save = (size: number) =>
      kinds.s3({ tempDir, ...options }).save('new', [Buffer.alloc(size - 1, 'x'), Buffer.from('x')])
    expect(await save(8 * 1024 * 1024)).toBe('new')
    await expect(save(8 * 1024 * 1024 + 1)).rejects.toMatchObject({
      code: 'improperly_configured',
      outcome: 'not_applied',
      message: expect.stringContaining('FILE_UPLOAD_TEMP_DIR'),
    })
  })
})

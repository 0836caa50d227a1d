import { Readable } from 'node:stream'
import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { streamContent } from '../../src/core/content.ts'
import { imageHeader, loadImageSize } from '../../src/fields/image/header.ts'
import { observed, readByRanges } from '../../src/fields/image/read.ts'
import { FileRegistry, FileTransaction, fileModel, type ImageInfo, imageField, upload } from '../../src/fields/index.ts'
import { MemoryStorage } from '../../src/index.ts'
import { type Picture, pictures } from './pictures.ts'

let all: Picture[]
let imageSize: Awaited<ReturnType<typeof loadImageSize>>
beforeAll(async () => {
  all = await pictures()
  imageSize = await loadImageSize()
})

function* pieces(bytes: Buffer, size: number): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

async function streamed(bytes: Buffer, size: number): Promise<ImageInfo | undefined> {
  const passing = observed(streamContent(pieces(bytes, size)), () => imageHeader(imageSize))
  const through: Buffer[] = []
  for await (const piece of passing.content.open()) through.push(piece)
  expect(Buffer.concat(through).equals(bytes)).toBe(true)
  return passing.found()
}

async function ranged(bytes: Buffer): Promise<{ info: ImageInfo | undefined; requests: number; read: number }> {
  let requests = 0
  let read = 0
  const info = await readByRanges(imageHeader(imageSize), async (start, end) => {
    requests += 1
    const part = bytes.subarray(start, end)
    read += part.length
    return part
  })
  return { info, requests, read }
}

describe('the header of a picture', () => {
  it('is read from the bytes, from a stream in pieces of any size, and by ranges', async () => {
    for (const { name, bytes, width, height, orientation } of all) {
      const expected = { width, height, orientation }
      const inMemory = observed(
        { size: bytes.length, replayable: true, bytes, open: () => Readable.from([bytes]) },
        () => imageHeader(imageSize),
      )
      expect(inMemory.found(), name).toMatchObject({ width, height })
      const found = inMemory.found()
      if (orientation !== undefined && name !== 'plain.tiff') expect(found, name).toEqual(expected)
      for (const size of [100, 1000, 4096, 65_536, bytes.length]) {
        expect(await streamed(bytes, size), `${name} in pieces of ${size}`).toEqual(found)
      }
      expect((await ranged(bytes)).info, name).toEqual(found)
    }
  })

  it('takes few requests', async () => {
    for (const { name, bytes } of all) {
      const { requests, read } = await ranged(bytes)
      expect(requests, name).toBeLessThanOrEqual(name.includes('segments') ? 6 : 3)
      expect(read, name).toBeLessThanOrEqual(100_000)
    }
  })

  it('of a file that is no picture, is cut off or empty is unknown', async () => {
    for (const text of [
      '',
      'x',
      'no picture at all, but a text',
      '<html></html>',
      '\xff\xd8',
      'RIFFxxxxWEBP',
      '%PDF-1.7\n'.repeat(900),
    ]) {
      expect(await streamed(Buffer.from(text, 'latin1'), 1000), text).toBe(undefined)
      expect((await ranged(Buffer.from(text, 'latin1'))).info, text).toBe(undefined)
    }
    for (const { name, bytes } of all) {
      const cut = await streamed(bytes.subarray(0, 20), 7)
      if (cut !== undefined) expect(cut, name).toMatchObject({ width: 320 })
    }
  })

  it('fld-12: is bounded in steps and bytes, whatever its numbers say', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 0, max: all.length - 1 }),
        fc.array(fc.tuple(fc.nat(700), fc.constantFrom(0, 1, 0x7f, 0x80, 0xff)), { maxLength: 12 }),
        async (index, changes) => {
          const bytes = Buffer.from(all[index]!.bytes)
          for (const [at, value] of changes) if (at < bytes.length) bytes[at] = value
          const { info, requests, read } = await ranged(bytes)
          expect(requests).toBeLessThanOrEqual(100)
          expect(read).toBeLessThanOrEqual(2 * 1024 * 1024)
          if (info !== undefined) expect(Math.min(info.width, info.height)).toBeGreaterThan(0)
          const passed = await streamed(bytes, 997)
          if (passed !== undefined) expect(passed).toEqual(info)
        },
      ),
      { numRuns: 400 },
    )
  })

  it('fld-12: a chain of segments that never ends is unknown', async () => {
    const endless = Buffer.alloc(3_000_000, Buffer.from([0xff, 0xe5, 0x00, 0x02]))
    endless[1] = 0xd8
    expect((await ranged(endless)).info).toBe(undefined)
    const zero = Buffer.concat([Buffer.from('\0\0\0\x18ftypheic\0\0\0\0mif1heic', 'latin1'), Buffer.alloc(64)])
    expect((await ranged(zero)).info).toBe(undefined)
  })
})

describe('an image field', () => {
  const registry = new FileRegistry()
  const model = (storage: MemoryStorage) =>
    fileModel(
      'resumes',
      { photo: imageField({ storage, uploadTo: 'photos', width: 'w', height: 'h', orientation: 'turn' }) },
      registry,
    )

  it('fld-8: fills its columns from the bytes that are saved, without a request', async () => {
    const storage = new MemoryStorage()
    const seen: string[] = []
    const files = new FileTransaction(registry)
    const resumes = model(storage)
    const read = storage.calls.driver.read.bind(storage.calls.driver)
    storage.calls.driver.read = (...given) => {
      seen.push('read')
      return read(...given)
    }
    const photo = all.find(({ name }) => name === 'turned-segments.jpg')!
    const stream = Readable.from(pieces(photo.bytes, 5000))
    expect(await resumes.store({ photo: upload(stream, 'me.jpg') }, { files })).toEqual({
      photo: 'photos/me.jpg',
      w: 320,
      h: 200,
      turn: 6,
    })
    const blob = new File([new Uint8Array(photo.bytes)], 'again.jpg', { type: 'image/jpeg' })
    expect(await resumes.store({ photo: blob }, { files })).toMatchObject({ w: 320, h: 200, turn: 6 })
    const none = { photo: 'photos/none.jpg', w: null, h: null, turn: null }
    expect(await resumes.store({ photo: upload('no picture', 'none.jpg') }, { files })).toEqual(none)
    expect(await resumes.store({ photo: null }, { files })).toEqual({ ...none, photo: null })
    expect(seen).toEqual([])
    await files.commit()
  })

  it('a rollback gives the row its old sizes back', async () => {
    const storage = new MemoryStorage()
    const own = new FileRegistry()
    const resumes = fileModel('resumes', { photo: imageField({ storage, width: 'w', height: 'h' }) }, own)
    const row = { photo: null, w: 10, h: null as number | null }
    const persist = async (values: object): Promise<void> => void Object.assign(row, { ...values, photo: row.photo })
    const files = new FileTransaction(own)
    const photo = resumes.attach('photo', null, { row, persist })
    const { bytes } = all.find(({ name }) => name === 'turned.webp')!
    await files.run(() => photo.save('a.webp', bytes))
    expect([photo.name, row]).toEqual(['a.webp', { photo: null, w: 320, h: 200 }])
    await files.rollback()
    expect([photo.name, row]).toEqual([null, { photo: null, w: 10, h: null }])
  })

  it('fld-8: reads sizes from filled columns, and only else from the file', async () => {
    const storage = new MemoryStorage()
    const photo = all.find(({ name }) => name === 'turned.webp')!
    await storage.save('photos/a.webp', photo.bytes)
    const resumes = model(storage)
    const row = { photo: 'photos/gone.webp', w: 10, h: 20, turn: 3 }
    const filled = resumes.attach('photo', row.photo, { row, persist: async () => undefined })
    expect(await filled.dimensions()).toEqual({ width: 10, height: 20, orientation: 3 })
    const empty = resumes.attach('photo', 'photos/a.webp')
    expect(await empty.dimensions()).toEqual({ width: 320, height: 200, orientation: 6 })
    expect([await empty.width(), await empty.height()]).toEqual([320, 200])
    await expect(resumes.attach('photo', null).dimensions()).rejects.toMatchObject({ code: 'no_file' })
    await expect(resumes.attach('photo', 'photos/gone.webp').width()).rejects.toMatchObject({ code: 'not_found' })
  })
})

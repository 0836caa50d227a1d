import { Readable } from 'node:stream'
import { describe, expect, test, vi } from 'vitest'
import { StreamBody } from '../../src/core/body.ts'
import { RangeReader } from '../../src/files/range-reader.ts'
import { ResumedBody } from '../../src/files/resume.ts'
import { StorageFile } from '../../src/files/storage-file.ts'
import { all, CountingSource, context } from './helpers.ts'

const MiB = 1024 * 1024

/** Bytes that tell their place: one number of four bytes after another. */
function numbered(position: number, length: number): Buffer {
  const first = position >>> 2
  const words = Buffer.alloc(((position + length + 3) >>> 2) * 4 - first * 4)
  for (let at = 0; at < words.length; at += 4) words.writeUInt32LE(first + at / 4, at)
  return words.subarray(position - first * 4, position - first * 4 + length)
}

function fileOver(source: CountingSource): StorageFile<'rb'> {
  return new StorageFile('big.zip', 'rb', new RangeReader(source), { ctx: () => context() })
}

describe('RangeReader', () => {
  test('the directory of a 1 GB archive costs three requests and less than 1 MB', async () => {
    const size = 1_000_000_000
    const source = new CountingSource({ size, etag: 'e' }, numbered)
    const file = fileOver(source)
    const end = await file.seek(0, 'end')
    expect(source.ranges).toEqual([])
    await file.seek(end - 65_557)
    expect(await file.read(65_557)).toEqual(numbered(size - 65_557, 65_557))
    const directory = size - 3_000_000
    await file.seek(directory)
    expect(await file.read(200_000)).toEqual(numbered(directory, 200_000))
    await file.seek(123_456_789)
    expect(await file.read(30)).toEqual(numbered(123_456_789, 30))
    await file.read(3000)
    expect(source.ranges).toEqual([
      { start: size - 256 * 1024, end: size },
      { start: directory },
      { start: 123_456_789 },
    ])
    expect(source.bytes).toBeLessThan(1_000_000)
    expect(source.open).toBe(1)
    await file.close()
    expect(source.open).toBe(0)
  })

  test('sequential reading is one request', async () => {
    const source = new CountingSource({ size: 3 * MiB + 5 }, numbered)
    const file = fileOver(source)
    let position = 0
    for await (const chunk of file.chunks(100_000)) {
      expect(chunk.equals(numbered(position, chunk.length))).toBe(true)
      position += chunk.length
    }
    expect(position).toBe(3 * MiB + 5)
    expect([source.ranges, source.bytes, source.open]).toEqual([[{ start: 0 }], 3 * MiB + 5, 0])
  })

  test('short skips and steps back stay within the stream, longer ones ask again', async () => {
    const source = new CountingSource({ size: 100 * MiB }, numbered)
    const reader = new RangeReader(source)
    const read = async (at: number): Promise<void> => {
      expect(await reader.read(at, 4, context())).toEqual(numbered(at, 4))
    }
    await read(1000)
    await read(60_000)
    await read(120_000)
    await read(70_000)
    await read(1000)
    expect(source.ranges).toEqual([{ start: 1000 }])
    await read(5_000_000)
    expect(source.open).toBe(1)
    await read(1000)
    expect(source.ranges.map(range => range.start)).toEqual([1000, 5_000_000, 1000])
    await reader.discard()
    expect(source.open).toBe(0)
  })

  test('small and empty files', async () => {
    const source = new CountingSource({ size: 10 }, numbered)
    expect(await fileOver(source).read()).toEqual(numbered(0, 10))
    expect(source.ranges).toHaveLength(1)
    const empty = new CountingSource({ size: 0 }, numbered)
    expect((await fileOver(empty).read()).length).toBe(0)
    expect(empty.ranges).toEqual([])
  })

  test('the body that came with the opening is the first to be read, and is given up for another place', async () => {
    for (const size of [1000, 10 * MiB]) {
      const source = new CountingSource({ size }, numbered)
      const reader = new RangeReader({
        size,
        first: await source.read({ start: 0 }),
        read: range => source.read(range),
      })
      expect(await reader.read(500, 10, context())).toEqual(numbered(500, 10))
      expect(await reader.read(0, 10, context())).toEqual(numbered(0, 10))
      expect(source.ranges).toHaveLength(1)
      await reader.read(size - 1, 1, context())
      expect(source.ranges).toHaveLength(size === 1000 ? 1 : 2)
      expect(source.open).toBe(0)
      await reader.discard()
    }
  })

  test('closing releases a body that nobody has read: a short one to its end, a long one at once', async () => {
    for (const [size, bytes] of [
      [0, 0],
      [40_000, 40_000],
      [10 * MiB, 0],
    ] as const) {
      const source = new CountingSource({ size }, numbered)
      const reader = new RangeReader({
        size,
        first: await source.read({ start: 0 }),
        read: range => source.read(range),
      })
      await reader.discard()
      await vi.waitFor(() => expect(source.open).toBe(0))
      expect([source.bytes, source.ranges.length]).toEqual([bytes, 1])
    }
  })

  test.each([1000, 10 * MiB])('closing a file of %d bytes ends a read that hangs', async size => {
    const hanging = new Readable({ read: () => undefined })
    const first = new ResumedBody(new StreamBody(hanging), { length: size })
    const reader = new RangeReader({ size, first, read: async () => expect.fail('must not be asked') })
    const reading = reader.read(0, 10, context())
    await new Promise(setImmediate)
    await reader.discard()
    await expect(reading).rejects.toMatchObject({ code: 'closed' })
    expect(hanging.destroyed).toBe(true)
  })

  test('a broken stream is continued if the version is known, else it fails', async () => {
    const source = new CountingSource({ size: MiB, etag: 'e' }, numbered)
    source.breakAfter = 300_000
    expect(Buffer.concat(await all(fileOver(source).chunks()))).toEqual(numbered(0, MiB))
    expect(source.ranges).toHaveLength(2)
    // What had arrived but was not yet taken is lost with the stream.
    expect(source.ranges[1]?.start).toBeGreaterThan(150_000)
    expect(source.ranges[1]?.start).toBeLessThanOrEqual(300_000)
    const unknown = new CountingSource({ size: MiB }, numbered)
    unknown.breakAfter = 300_000
    await expect(all(fileOver(unknown).chunks())).rejects.toMatchObject({ code: 'ECONNRESET' })
  })

  test('a file that is shorter than promised fails', async () => {
    const source = new CountingSource({ size: MiB }, numbered)
    const read = source.read.bind(source)
    source.read = range => read({ start: range.start, end: 600_000 })
    await expect(all(fileOver(source).chunks())).rejects.toMatchObject({ code: 'unavailable' })
    const small = new CountingSource({ size: 1000 }, numbered)
    const readSmall = small.read.bind(small)
    small.read = range => readSmall({ start: range.start, end: 600 })
    await expect(fileOver(small).read()).rejects.toMatchObject({ code: 'unavailable' })
  })

  test('an aborted call gives the connection up', async () => {
    const source = new CountingSource({ size: 10 * MiB }, numbered)
    const controller = new AbortController()
    const reader = new RangeReader(source)
    await reader.read(0, 10, context(controller.signal))
    controller.abort()
    await expect(reader.read(120_000, 10, context(controller.signal))).rejects.toMatchObject({ name: 'AbortError' })
    await reader.discard()
    await expect(reader.read(0, 1, context())).rejects.toMatchObject({ code: 'closed' })
    await expect(reader.write()).rejects.toMatchObject({ code: 'unsupported_mode' })
    expect(source.open).toBe(0)
  })
})

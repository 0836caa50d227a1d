import { Readable } from 'node:stream'
import { crc32 } from 'node:zlib'
import { afterAll, describe, expect, it } from 'vitest'
import { MemoryDriver } from '../../src/backends/memory/driver.ts'
import { MemoryStorage } from '../../src/backends/memory/index.ts'
import { StreamBody } from '../../src/core/body.ts'
import type { CallContext } from '../../src/core/call.ts'
import type { ByteRange, ReadOptions, ReadResult, Stat } from '../../src/core/driver.ts'
import { ComputedZip, readDirectory, readMember } from '../files/zip.ts'
import { Kinds } from './kinds.ts'

const kinds = await Kinds.start()
afterAll(() => kinds.end())

/** One computed object behind a driver with ranges, which counts what is asked of it. */
class OneObject extends MemoryDriver {
  readonly ranges: Array<ByteRange | undefined> = []
  sent = 0
  readonly #zip: ComputedZip

  constructor(zip: ComputedZip) {
    super()
    this.#zip = zip
  }

  override async stat(): Promise<Stat> {
    return { size: this.#zip.size, etag: 'v1' }
  }

  override async read(_key: string, { range }: ReadOptions, ctx: CallContext): Promise<ReadResult> {
    ctx.signal.throwIfAborted()
    this.ranges.push(range)
    const { start: position = 0, end = this.#zip.size } = range ?? {}
    return { body: new StreamBody(this.#body(position, Math.min(end, this.#zip.size))), stat: await this.stat() }
  }

  #body(start: number, end: number): Readable {
    let position = start
    const take = (): Buffer | null => {
      const bytes = this.#zip.bytesAt(position, Math.min(16_384, end - position))
      position += bytes.length
      this.sent += bytes.length
      return bytes.length === 0 ? null : bytes
    }
    return new Readable({
      read() {
        this.push(take())
      },
    })
  }
}

/** Small files around a large one. */
function zipOf(largeSize: number, count: number): ComputedZip {
  const small = (index: number) => {
    const bytes = Buffer.from(`content of file ${index}\n`.repeat(1 + (index % 7)))
    return {
      name: `folder-${index % 10}/a file with a long name ${index}.txt`,
      size: bytes.length,
      bytesAt: (at: number, length: number) => bytes.subarray(at, at + length),
    }
  }
  const large = {
    name: 'large.bin',
    size: largeSize,
    bytesAt: (_at: number, length: number) => Buffer.alloc(length, 7),
  }
  const members = Array.from({ length: count }, (_, index) => small(index))
  return new ComputedZip([...members.slice(0, 5), large, ...members.slice(5)])
}

describe('the directory of an archive', () => {
  it.each([
    ['a short one', 100],
    ['one of 4000 entries', 4000],
  ])('of 1 GB, %s, is read by at most 3 requests and less than 1 MB', async (_, count) => {
    const zip = zipOf(1_000_000_000, count)
    expect(zip.size).toBeGreaterThan(1_000_000_000)
    const driver = new OneObject(zip)
    const storage = new MemoryStorage({}, { driver })
    await using file = await storage.open('big.zip')
    const entries = await readDirectory(file)
    expect(entries).toHaveLength(count + 1)
    expect(entries.find(({ name }) => name === 'large.bin')?.size).toBe(1_000_000_000)
    expect(driver.ranges.length).toBeLessThanOrEqual(3)
    expect(driver.sent).toBeLessThan(1_000_000)
    for (const index of [0, 2, count - 20]) {
      const entry = entries[index]!
      expect(crc32(await readMember(file, entry))).toBe(entry.crc)
    }
    expect(driver.sent).toBeLessThan(1_500_000)
  })

  it('of an object of S3 is read by at most 3 requests, each a range of the same version', async () => {
    const zip = zipOf(30_000_000, 500)
    const storage = kinds.s3()
    await storage.save('big.zip', zip.bytesAt(0, zip.size))
    const { requests } = kinds.server
    requests.length = 0
    await using file = await storage.open('big.zip')
    const entries = await readDirectory(file)
    expect(entries).toHaveLength(501)
    const gets = requests.filter(({ operation }) => operation === 'GetObject')
    expect(gets.length).toBeLessThanOrEqual(3)
    expect(requests).toHaveLength(gets.length)
    // The first one, of the whole file, tells the version that the others ask for.
    expect([gets[0]!.headers['range'], gets[0]!.headers['if-match']]).toEqual([undefined, undefined])
    for (const { headers } of gets.slice(1)) {
      expect(headers['range']).toMatch(/^bytes=\d+-/)
      expect(headers['if-match']).toMatch(/^"/)
    }
    expect(crc32(await readMember(file, entries[3]!))).toBe(entries[3]!.crc)
  })
})

import { randomBytes } from 'node:crypto'
import { Readable } from 'node:stream'
import { setImmediate as turn } from 'node:timers/promises'
import { afterAll, describe, expect, test } from 'vitest'
import { MemoryDriver } from '../../src/backends/memory/driver.ts'
import { MemoryStorage } from '../../src/backends/memory/index.ts'
import { StreamBody } from '../../src/core/body.ts'
import type { ByteRange, ReadResult } from '../../src/core/driver.ts'
import type { Storage } from '../../src/storage/storage.ts'
import { isFull } from '../support/sampled.ts'
import { BACKENDS, everywhere } from './everywhere.ts'

const MIB = 1024 * 1024
/** Bodies in memory, from a service, and from a connection that is one file at a time. */
const SAMPLE = ['memory', 's3', 'ftp'] as const
const place = await everywhere()
afterAll(() => place[Symbol.asyncDispose]())

/** Calls `change` with each answer of the storage's driver until the returned function is called. */
function intercept(
  storage: Storage,
  change: (result: ReadResult, range: ByteRange | undefined) => Promise<ReadResult>,
) {
  const { driver } = storage.calls
  const { read } = driver
  driver.read = async (key, options, ctx) => change(await read.call(driver, key, options, ctx), options.range)
  return () => {
    driver.read = read
  }
}

/** The same answer, whose connection breaks after so many bytes. */
function broken(result: ReadResult, after: number): ReadResult {
  const whole = result.body.take()
  async function* some(): AsyncGenerator<Uint8Array> {
    let left = after
    for await (const chunk of whole === undefined ? result.body.stream() : [whole]) {
      yield chunk.subarray(0, left)
      left -= chunk.byteLength
      if (left <= 0) throw Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' })
    }
  }
  return { ...result, body: new StreamBody(Readable.from(some(), { objectMode: false })) }
}

describe.each(isFull ? BACKENDS : SAMPLE)('a parallel download from %s', kind => {
  const storage = place.storages[kind]
  // SFTP reads up to 256 KiB at once.
  const partSize = isFull ? 300_000 : 100_000
  const bytes = randomBytes(4 * partSize + 1)
  const parts = { parallel: 3, partSize }

  test('has several requests under way, and goes on where a connection breaks in the middle of a part', async () => {
    await place.put(kind, 'large.bin', bytes)
    const ranges: ByteRange[] = []
    let breaks = 2
    const restore = intercept(storage, async (result, range) => {
      ranges.push(range!)
      return range?.start === 2 * partSize && breaks-- > 0 ? broken(result, 1000) : result
    })
    try {
      expect((await storage.readBytes('large.bin', parts)).equals(bytes)).toBe(true)
    } finally {
      restore()
    }
    const begun = ranges.map(range => range.start)
    for (let at = 0; at < bytes.length; at += parts.partSize) expect(begun).toContain(at)
    // Only what was missing is asked for again, unless the backend has the bytes of a part at once.
    expect(begun.filter(start => start >= 2 * partSize && start < 3 * partSize).length).toBeGreaterThan(1)
  })

  test('of a file that is replaced meanwhile is precondition_failed', async () => {
    await place.put(kind, 'changed.bin', bytes)
    let isChanged = false
    const restore = intercept(storage, async (result, range) => {
      if (range?.start !== 0 || isChanged) return result
      isChanged = true
      await storage.save('changed.bin', randomBytes(3 * partSize))
      return result
    })
    try {
      const code = await storage.readBytes('changed.bin', parts).then(
        () => 'nothing',
        error => error.code,
      )
      expect(code).toBe('precondition_failed')
    } finally {
      restore()
    }
  })
})

/** Counts the bytes that were asked for. */
class CountingDriver extends MemoryDriver {
  asked = 0
  most = 0
  requests = 0
  given = 0
  ranges: (ByteRange | undefined)[] = []

  override async read(...[key, options, ctx]: Parameters<MemoryDriver['read']>): Promise<ReadResult> {
    const { start = 0, end = Number.POSITIVE_INFINITY } = options.range ?? {}
    const result = await super.read(key, options, ctx)
    this.ranges.push(options.range)
    if (options.range !== undefined) this.asked += Math.min(end, result.stat!.size!) - start
    this.most = Math.max(this.most, this.asked - this.given)
    return result
  }
}

test('a reader that is slow holds no more than parallel x partSize bytes, and what a stream holds', async () => {
  const driver = new CountingDriver()
  const storage = new MemoryStorage({}, { driver, settings: {}, env: {} })
  const bytes = randomBytes(8 * MIB)
  await storage.save('large', bytes)
  const chunks: Buffer[] = []
  for await (const chunk of storage.createReadStream('large', { parallel: 4, partSize: MIB / 2 })) {
    chunks.push(chunk)
    driver.given += chunk.byteLength
    for (let i = 0; i < 5; i++) await turn()
  }
  expect(Buffer.concat(chunks).equals(bytes)).toBe(true)
  expect(driver.most).toBeGreaterThan(1.5 * MIB)
  // The streams behind hold some pieces of 64 KiB each.
  expect(driver.most).toBeLessThanOrEqual(4 * (MIB / 2) + 4 * 65_536)
})

describe('a copy to another storage', () => {
  test('reads a large source by four requests at a time, after the first one, which brings its attributes', async () => {
    const driver = new CountingDriver()
    const source = new MemoryStorage({}, { driver, settings: {}, env: {} })
    const target = new MemoryStorage({}, { settings: {}, env: {} })
    const bytes = Buffer.alloc(33 * MIB, 'some bytes. ')
    await source.save('large', bytes, { metadata: { key: 'value' } })
    await source.copy('large', 'large', { storage: target })
    const starts = driver.ranges.map(range => range?.start)
    expect(starts).toEqual([undefined, 8 * MIB, 16 * MIB, 24 * MIB, 32 * MIB])
    expect((await target.readBytes('large')).equals(bytes)).toBe(true)
    expect((await target.stat('large')).metadata).toEqual({ key: 'value' })
  })

  test('reads a small one, and files on this machine, by one request', async () => {
    const driver = new CountingDriver()
    const source = new MemoryStorage({}, { driver, settings: {}, env: {} })
    const target = new MemoryStorage({}, { settings: {}, env: {} })
    await source.save('small', Buffer.alloc(16 * MIB))
    await source.copy('small', 'small', { storage: target })
    expect(driver.ranges).toEqual([undefined])
  })
})

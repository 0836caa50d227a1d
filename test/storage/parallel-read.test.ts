import { createHash, randomBytes } from 'node:crypto'
import type { Readable } from 'node:stream'
import { describe, expect, test, vi } from 'vitest'
import { MemoryDriver } from '../../src/backends/memory/driver.ts'
import { MemoryStorage } from '../../src/backends/memory/index.ts'
import { StreamBody } from '../../src/core/body.ts'
import type { CallContext } from '../../src/core/call.ts'
import type { ByteRange, Features, ReadOptions, ReadResult, ReadStat } from '../../src/core/driver.ts'
import { StorageError } from '../../src/core/errors.ts'

/** Answers reads when it is told to, and counts those that wait. */
class GatedDriver extends MemoryDriver {
  readonly asked: (ByteRange | undefined)[] = []
  readonly conditions: (string | undefined)[] = []
  /** Reads that wait, by the start of their range; none waits while this is undefined. */
  waiting: Map<number, () => void> | undefined
  most = 0
  under = 0
  change: (result: ReadResult, options: ReadOptions) => ReadResult = result => result

  override async read(key: string, options: ReadOptions, ctx: CallContext): Promise<ReadResult> {
    this.asked.push(options.range)
    this.conditions.push(options.ifMatch)
    this.most = Math.max(this.most, ++this.under)
    try {
      const { waiting } = this
      if (waiting !== undefined) await new Promise<void>(go => waiting.set(options.range?.start ?? 0, go))
      ctx.signal.throwIfAborted()
      return this.change(await super.read(key, options, ctx), options)
    } finally {
      this.under--
    }
  }
}

const bytes = randomBytes(1000)
const parts = { parallel: 3, partSize: 100 }

async function stored(driver = new GatedDriver(), content = bytes): Promise<MemoryStorage> {
  const storage = new MemoryStorage({}, { driver, settings: {}, env: {} })
  await storage.save('a', content)
  return storage
}

function told(stat: ReadStat | undefined, without: keyof ReadStat): ReadStat {
  const { [without]: _, ...rest } = stat ?? {}
  return rest
}

describe('a read in parts', () => {
  test('gives all bytes in order, with so many requests at a time, each for one version', async () => {
    const driver = new GatedDriver()
    const storage = await stored(driver)
    expect((await storage.readBytes('a', parts)).equals(bytes)).toBe(true)
    expect(driver.asked).toEqual(Array.from({ length: 10 }, (_, i) => ({ start: i * 100, end: i * 100 + 100 })))
    const { etag } = await storage.stat('a')
    expect(driver.conditions).toEqual([undefined, ...Array(9).fill(etag)])
  })

  test('never has more requests or parts at hand than it may, also while nobody reads', async () => {
    const driver = new GatedDriver()
    const storage = await stored(driver)
    driver.waiting = new Map()
    const stream = storage.createReadStream('a', parts)
    const read: Buffer[] = []
    stream.on('data', chunk => read.push(chunk))
    await vi.waitUntil(() => driver.waiting?.has(0))
    driver.waiting.get(0)!()
    await vi.waitUntil(() => driver.waiting?.has(200))
    // The later part first.
    driver.waiting.get(200)!()
    await vi.waitUntil(() => driver.waiting?.has(300))
    expect(driver.asked).toHaveLength(4)
    expect(Buffer.concat(read).byteLength).toBe(100)
    driver.waiting.get(100)!()
    await vi.waitUntil(() => driver.waiting?.has(500))
    expect(driver.most).toBe(3)
    for (const go of driver.waiting.values()) go()
    driver.waiting = undefined
    await new Promise(resolve => stream.on('end', resolve))
    expect(Buffer.concat(read).equals(bytes)).toBe(true)
    expect(driver.most).toBe(3)
  })

  test('gives a range of a file', async () => {
    const driver = new GatedDriver()
    const storage = await stored(driver)
    expect((await storage.readBytes('a', { ...parts, start: 150, end: 777 })).equals(bytes.subarray(150, 777))).toBe(
      true,
    )
    expect(driver.asked.at(-1)).toEqual({ start: 750, end: 777 })
    expect((await storage.readBytes('a', { ...parts, start: 950 })).equals(bytes.subarray(950))).toBe(true)
    await expect(storage.readBytes('a', { ...parts, start: 1001 })).rejects.toMatchObject({ code: 'invalid_range' })
  })

  test.each([0, 1, 99, 100, 101])('gives a file of %i bytes', async size => {
    const storage = await stored(undefined, bytes.subarray(0, size))
    expect((await storage.readBytes('a', parts)).equals(bytes.subarray(0, size))).toBe(true)
  })

  test('of a missing file is not_found', async () => {
    const storage = await stored()
    await expect(storage.readBytes('b', parts)).rejects.toMatchObject({ code: 'not_found', fileName: 'b' })
  })

  test('of a file that is replaced meanwhile is precondition_failed, and mixes nothing', async () => {
    const driver = new GatedDriver()
    const storage = await stored(driver)
    driver.change = (result, { range }) => {
      if (range?.start === 400) void storage.save('a', randomBytes(1000), { overwrite: true })
      return result
    }
    await expect(storage.readBytes('a', parts)).rejects.toMatchObject({ code: 'precondition_failed', fileName: 'a' })
  })

  test.each(['etag', 'size'] as const)('is made by one request where the answer tells no %s', async missing => {
    const driver = new GatedDriver()
    const storage = await stored(driver)
    const given: Readable[] = []
    driver.change = result => {
      given.push(result.body.stream())
      return { ...result, stat: told(result.stat, missing) as ReadStat }
    }
    expect((await storage.readBytes('a', parts)).equals(bytes)).toBe(true)
    expect(driver.asked).toEqual([{ start: 0, end: 100 }, undefined])
    expect(given[0]?.destroyed).toBe(true)
  })

  test('is made by one request where the backend has no ranges', async () => {
    const driver = new GatedDriver()
    Object.assign(driver, { features: { ...driver.features, ranges: false } satisfies Features })
    expect((await (await stored(driver)).readBytes('a', parts)).equals(bytes)).toBe(true)
    expect(driver.asked).toEqual([undefined])
  })

  test('compares all bytes with the hash of the whole file, where it is told', async () => {
    const md5 = (value: Buffer): string => createHash('md5').update(value).digest('hex')
    const driver = new GatedDriver()
    const storage = await stored(driver)
    const begin = () => {
      const hash = createHash('md5')
      return { update: (more: Uint8Array) => hash.update(more), digest: () => hash.digest('hex') }
    }
    let value = md5(bytes)
    driver.change = result => ({ ...result, whole: { name: 'MD5', value, begin } })
    expect((await storage.readBytes('a', parts)).equals(bytes)).toBe(true)
    value = md5(bytes.subarray(1))
    for (const partSize of [100, 2000]) {
      const read = storage.readBytes('a', { ...parts, partSize })
      await expect(read).rejects.toMatchObject({ code: 'checksum_mismatch' })
    }
    expect((await storage.readBytes('a', { ...parts, start: 1 })).equals(bytes.subarray(1))).toBe(true)
  })

  test('that is given up ends what is under way', async () => {
    const driver = new GatedDriver()
    const storage = await stored(driver)
    driver.waiting = new Map()
    const stream = storage.createReadStream('a', parts).on('error', () => undefined)
    stream.resume()
    await vi.waitUntil(() => driver.waiting?.has(0))
    driver.waiting.get(0)!()
    await vi.waitUntil(() => driver.waiting?.has(200))
    stream.destroy()
    await new Promise(resolve => stream.on('close', resolve))
    const asked = driver.asked.length
    for (const go of driver.waiting.values()) go()
    await vi.waitUntil(() => driver.under === 0)
    expect(driver.asked).toHaveLength(asked)
  })

  test('ends with its signal, and with the first part that fails', async () => {
    const driver = new GatedDriver()
    const storage = await stored(driver)
    const controller = new AbortController()
    driver.change = (result, { range }) => {
      if (range?.start === 300) controller.abort()
      return result
    }
    const aborted = storage.readBytes('a', { ...parts, signal: controller.signal })
    await expect(aborted).rejects.toMatchObject({ code: 'aborted' })
    driver.change = (result, { range }) => {
      if (range?.start === 300) throw new StorageError('permission_denied', 'Denied.')
      return result
    }
    await expect(storage.readBytes('a', parts)).rejects.toMatchObject({ code: 'permission_denied', fileName: 'a' })
  })

  test('continues a part whose connection breaks', async () => {
    const driver = new GatedDriver()
    const storage = await stored(driver)
    let breaks = 1
    driver.change = (result, { range }) => {
      if (range?.start !== 200 || breaks-- <= 0) return result
      const broken = result.body.stream().take(0)
      return { ...result, body: new StreamBody(broken as Readable) }
    }
    expect((await storage.readBytes('a', parts)).equals(bytes)).toBe(true)
  })

  test.each([
    [{ parallel: 0 }, 'parallel'],
    [{ parallel: 1.5 }, 'parallel'],
    [{ parallel: 2, partSize: -1 }, 'partSize'],
  ])('refuses %j', async (options, name) => {
    const storage = await stored()
    const read = storage.readBytes('a', options)
    await expect(read).rejects.toMatchObject({ code: 'invalid_argument', message: expect.stringContaining(name) })
  })
})

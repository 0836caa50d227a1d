import type { Readable } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { MemoryDriver } from '../../src/backends/memory/driver.ts'
import { MemoryStorage } from '../../src/backends/memory/index.ts'
import { type Body, BytesBody } from '../../src/core/body.ts'
import type { CallContext } from '../../src/core/call.ts'
import type { Features, ReadOptions, ReadResult } from '../../src/core/driver.ts'

/** Gives bodies made of the bytes that are read, and counts what is asked of it. */
class OddDriver extends MemoryDriver {
  readonly calls: string[] = []
  readonly #make: (bytes: Buffer, result: ReadResult) => Partial<ReadResult>
  override readonly features: Features

  constructor(make: (bytes: Buffer, result: ReadResult) => Partial<ReadResult>, features: Partial<Features> = {}) {
    super()
    this.#make = make
    this.features = {
      ranges: true,
      exclusiveCreate: true,
      ifMatch: true,
      metadata: true,
      ...features,
    }
  }

  override async stat(key: string, ctx: CallContext) {
    this.calls.push('stat')
    return super.stat(key, ctx)
  }

  override async read(key: string, options: ReadOptions, ctx: CallContext): Promise<ReadResult> {
    this.calls.push('read')
    const result = await super.read(key, options, ctx)
    const bytes = Buffer.concat(await result.body.stream().toArray())
    return { body: new BytesBody(bytes), stat: result.stat, ...this.#make(bytes, result) }
  }
}

async function opened(driver: OddDriver, bytes: string | Buffer = 'all the bytes'): Promise<MemoryStorage> {
  const storage = new MemoryStorage({ fileOverwrite: true }, { driver, settings: {}, env: {} })
  await storage.save('a', bytes)
  driver.calls.length = 0
  return storage
}

/** A body at hand that nobody may want as a stream. */
function takenOnly(bytes: Buffer): Body {
  let left: Buffer | undefined = bytes
  return {
    take() {
      const taken = left
      left = undefined
      return taken
    },
    stream: () => expect.fail('a stream was asked for'),
  }
}

describe('bytes at hand', () => {
  it('are read without a stream, with a signal or without, and from an opened file', async () => {
    const driver = new OddDriver(bytes => ({ body: takenOnly(bytes) }))
    const storage = await opened(driver)
    const { signal } = new AbortController()
    expect(await storage.readText('a')).toBe('all the bytes')
    expect(await storage.readText('a', { signal })).toBe('all the bytes')
    expect(await storage.readText('a', { signal, start: 4, end: 7 })).toBe('the')
    expect(await storage.edit('a', 'r', file => file.read(), { signal })).toBe('all the bytes')
    expect(driver.calls).toEqual(['read', 'read', 'read', 'read'])
  })
})

describe('a driver whose reads tell nothing of the file', () => {
  it('is asked once more when a file is opened, and its first body is given up', async () => {
    const bodies: Readable[] = []
    const driver = new OddDriver(bytes => {
      const body = new BytesBody(bytes)
      bodies.push(body.stream())
      return { body, stat: undefined }
    })
    const storage = await opened(driver)
    const file = await storage.open('a', 'r')
    expect(driver.calls).toEqual(['read', 'stat'])
    expect(bodies[0]!.destroyed).toBe(true)
    await file.seek(4)
    expect(await file.read(3)).toBe('the')
    expect(await file.size()).toBe(13)
    await file.close()
    await expect(storage.open('missing', 'r')).rejects.toMatchObject({ code: 'not_found' })
    await storage.edit('a', 'r+', changed => changed.write('ALL'))
    expect(await storage.readText('a')).toBe('ALL the bytes')
  })
})

describe('a driver whose reads do not tell the size', () => {
  it('has it counted', async () => {
    const driver = new OddDriver((_bytes, { stat }) => ({ stat: { ...stat, size: undefined } }))
    const storage = await opened(driver)
    await storage.edit('a', 'rb', async file => {
      await file.seek(-5, 'end')
      expect([String(await file.read()), await file.size()]).toEqual(['bytes', 13])
    })
    expect(driver.calls).toEqual(['read'])
    expect(await storage.readText('a', { start: 8 })).toBe('bytes')
  })
})

describe('a driver that gives other bytes than it announces', () => {
  it.each(['readBytes', 'createReadStream', 'open'] as const)('is not believed, by %s', async how => {
    for (const [change, code] of [
      [(bytes: Buffer) => bytes.subarray(1), 'unavailable'],
      [(bytes: Buffer) => Buffer.concat([bytes, bytes]), 'unknown'],
    ] as const) {
      const driver = new OddDriver(bytes => ({ body: new BytesBody(change(bytes)) }), { ranges: how === 'open' })
      const storage = await opened(driver, Buffer.alloc(1000))
      const read =
        how === 'readBytes'
          ? storage.readBytes('a')
          : how === 'open'
            ? storage.edit('a', 'rb', file => file.read())
            : storage.createReadStream('a').toArray()
      await expect(read).rejects.toMatchObject({ code, fileName: 'a' })
    }
  })
})

describe('a version', () => {
  const etagged = (etag: string | undefined) => new OddDriver((_bytes, { stat }) => ({ stat: { ...stat!, etag } }))

  it('that the answer does not prove is precondition_failed where the caller asks for one', async () => {
    for (const etag of ['other', undefined]) {
      const storage = await opened(etagged(etag))
      const known = (await storage.stat('a')).etag!
      await expect(storage.readText('a', { etag: known })).rejects.toMatchObject({ code: 'precondition_failed' })
    }
  })

  it('with a weak etag is compared, and is no condition of a write', async () => {
    const weak = etagged('W/"v"')
    weak.stat = async function stat(key, ctx) {
      return { ...(await MemoryDriver.prototype.stat.call(this, key, ctx)), etag: 'W/"v"' }
    }
    const storage = await opened(weak)
    expect(await storage.readText('a', { etag: 'W/"v"' })).toBe('all the bytes')
    await expect(storage.readText('a', { etag: 'W/"w"' })).rejects.toMatchObject({ code: 'precondition_failed' })
    await storage.edit('a', 'r+', file => file.write('ALL'))
    expect(await storage.readText('a')).toBe('ALL the bytes')
  })
})

import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { StorageError } from '../../src/core/errors.ts'
import type { AnyStorage } from '../../src/storage/storage.ts'
import { type CompareOptions, type CompareReport, compare, sync } from '../../src/transfer/index.ts'
import { Kinds } from '../storage/kinds.ts'
import { changedStorage, fill, memory } from './support.ts'

const kinds = await Kinds.start()
afterAll(() => kinds.end())

async function compared(
  source: AnyStorage,
  target: AnyStorage,
  options: CompareOptions = {},
): Promise<{ readonly report: CompareReport; readonly events: readonly string[] }> {
  const events: string[] = []
  const onEvent: CompareOptions['onEvent'] = event => void events.push(`${event.type} ${event.name}`)
  const report = await compare(source, target, { ...options, onEvent })
  return { report, events: events.sort() }
}

describe('compare', () => {
  it('names what is missing, extra, of another size and of other content', async () => {
    for (const [source, target] of [
      [kinds.local(), kinds.s3()],
      [kinds.s3(), kinds.s3()],
      [kinds.s3(), kinds.local()],
      [memory(), kinds.local()],
      [memory(), memory()],
    ] as const) {
      await fill(source, { a: 'same', b: 'one', c: 'long', d: 'missing' })
      await fill(target, { a: 'same', b: 'two', c: 'longer', e: 'extra' })
      const { report, events } = await compared(source, target)
      expect(events).toEqual(['content b', 'extra e', 'missing d', 'size c'])
      expect(report).toMatchObject({
        checked: 5,
        equal: 1,
        missing: 1,
        extra: 1,
        differentSize: 1,
        differentContent: 1,
      })
      expect(report.isEqual).toBe(false)
      await sync(source, target, { delete: true })
      expect((await compared(source, target)).report).toMatchObject({ equal: 4, isEqual: true, failed: 0 })
    }
  })

  it('reports by what was compared, and for how many files there was no digest (syn-6)', async () => {
    const [local, s3, other] = [kinds.local(), kinds.s3(), kinds.s3()]
    await fill(local, { a: 'a', b: 'b' })
    // An upload in parts, whose etag is none of the content.
    const large = Buffer.alloc(17_000_000, 'x')
    await writeFile(join(local.root, 'large'), large)
    await sync(local, s3)
    expect((await s3.stat('large')).etag).toMatch(/-\d$/)
    const { report } = await compared(local, s3)
    expect(report).toMatchObject({ isEqual: true, withoutDigest: 1, compared: { oneRead: 2, bothRead: 1, size: 0 } })
    await sync(local, other)
    const same = await compared(s3, other, { read: false, exclude: ['large'] })
    expect(same.report).toMatchObject({ isEqual: true, withoutDigest: 0, compared: { listing: 2 } })
    const sizes = await compared(local, s3, { read: false })
    expect(sizes.report).toMatchObject({ isEqual: true, withoutDigest: 1, compared: { oneRead: 2, size: 1 } })
    // The same for `sync`.
    const checked = await sync(local, s3, { checksum: true })
    expect(checked).toMatchObject({ copied: 0, withoutDigest: 1, compared: { oneRead: 2, bothRead: 1 } })
  })

  it('proves that content differs by reading, where an etag that looks like an MD5 is none', async () => {
    const [local, s3] = [kinds.local(), kinds.s3()]
    await fill(local, { a: 'text' })
    await sync(local, s3)
    const bucket = kinds.server.bucket()
    const key = `${s3.options.location}/a`
    // As with a key of KMS.
    bucket.put(key, { ...bucket.current(key)!, etag: '0123456789abcdef0123456789abcdef', checksums: {} })
    expect((await compared(local, s3)).report).toMatchObject({ isEqual: true, compared: { bothRead: 1 } })
    const record = join(local.root, '../record')
    try {
      // Not known to be equal, it is copied once, and then its record is.
      expect(await sync(local, s3, { record })).toMatchObject({ copied: 1 })
    } finally {
      await rm(record)
    }
  })

  it('compares the contents of a sample, and the names and sizes of all', async () => {
    const [source, target] = [memory(), memory()]
    const files = Object.fromEntries(Array.from({ length: 60 }, (_, at) => [`file-${at}`, `text ${at % 10}`]))
    await fill(source, files)
    await fill(target, Object.fromEntries(Object.keys(files).map(name => [name, 'others'])))
    await fill(target, { long: 'extra' })
    for (const sample of [7, 1, 60, 61] as const) {
      const { report, events } = await compared(source, target, { sample })
      expect(events.filter(event => event.startsWith('content '))).toHaveLength(Math.min(sample, 60))
      expect(new Set(events).size).toBe(events.length)
      expect(report).toMatchObject({ checked: 61, extra: 1, compared: { size: Math.max(0, 60 - sample) } })
    }
    expect((await compared(source, target, { sample: '100%' })).report).toMatchObject({ differentContent: 60 })
    // Each sample is another one: over 40 of them every file is likely to be in one. 60 * (5/6)^40 is 0.04; three misses are as good as impossible.
    const seen = new Set<string>()
    for (let run = 0; run < 40; run++)
      for (const event of (await compared(source, target, { sample: 10 })).events) seen.add(event)
    expect(seen.size).toBeGreaterThan(58)
    for (const sample of [0, -1, 1.5, '0%', '101%', '5', 'x%'] as const) {
      await expect(compare(source, target, { sample: sample as 1 }), String(sample)).rejects.toMatchObject({
        code: 'invalid_argument',
      })
    }
  })

  it('reports a file that cannot be read, and goes on', async () => {
    const source = changedStorage(driver => ({
      async read(key, ...rest) {
        if (key === 'a') throw new StorageError('permission_denied', 'no right to read it')
        return driver.read(key, ...rest)
      },
    }))
    const target = memory()
    await fill(source, { a: 'a', b: 'b' })
    await fill(target, { a: 'a', b: 'b' })
    const { report, events } = await compared(source, target)
    expect(events).toEqual(['failed a'])
    expect(report).toMatchObject({ checked: 2, equal: 1, failed: 1, isEqual: false })
  })
})

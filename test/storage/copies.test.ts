import { mkdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { afterAll, describe, expect, it } from 'vitest'
import { MemoryStorage } from '../../src/backends/memory/index.ts'
import { isStorageError, StorageError } from '../../src/core/errors.ts'
import { chaos } from '../../src/layers/chaos.ts'
import type { Layer } from '../../src/layers/layer.ts'
import type { Storage } from '../../src/storage/storage.ts'
import { bytesOf } from '../files/helpers.ts'
import { Kinds } from './kinds.ts'

const kinds = await Kinds.start()
afterAll(() => kinds.end())

async function textOf(storage: Storage, name: string): Promise<string> {
  return (await bytesOf(storage.createReadStream(name))).toString()
}

describe('copies and moves between storages', () => {
  const makers: Array<[string, () => Storage]> = [
    ['memory', () => kinds.memory()],
    ['local disk', () => kinds.local({ keepMetadata: true })],
    ['S3', () => kinds.s3()],
  ]
  const pairs = makers.flatMap(([from, source]) => makers.map(([to, target]) => [from, to, source, target] as const))

  it.each(pairs)('from %s to %s keep bytes and attributes', async (_from, _to, source, target) => {
    const [one, two] = [source(), target()]
    const attributes = {
      contentType: 'text/x-odd',
      contentEncoding: 'br',
      contentDisposition: 'attachment',
      cacheControl: 'max-age=7',
      metadata: { who: 'Grüße' },
    }
    const bytes = Buffer.alloc(300_000, 'bytes')
    await one.save('dir/from.odd', bytes, attributes)
    expect(await one.copy('dir/from.odd', 'to.odd', { storage: two })).toBe('to.odd')
    expect(await two.stat('to.odd')).toMatchObject({ size: 300_000, ...attributes })
    expect(await one.move('dir/from.odd', 'to.odd', { storage: two })).toMatch(/^to_\w{7}\.odd$/)
    expect(await one.exists('dir/from.odd')).toBe(false)
    expect((await bytesOf(two.createReadStream('to.odd'))).equals(bytes)).toBe(true)
  })

  it('are repeated when the server that takes them is busy', async () => {
    const source = kinds.memory()
    await source.save('file', Buffer.alloc(300_000, 'x'))
    const busy = new MemoryStorage(
      {},
      { settings: {}, env: {}, layers: [chaos({ on: ({ operation }) => operation === 'write', fail: [1] })] },
    )
    expect(await source.copy('file', 'file', { storage: busy })).toBe('file')
    expect(await busy.size('file')).toBe(300_000)
  })

  it('mix no attributes of one version with bytes of another', async () => {
    for (const method of ['copy', 'move'] as const) {
      const replace: Layer = async (call, next, ctx) => {
        if (call.operation === 'read')
          await source.save('file', 'new', { overwrite: true, metadata: { version: 'new' } })
        return next(ctx)
      }
      const source = new MemoryStorage({}, { settings: {}, env: {}, layers: [replace] })
      await source.save('file', 'old', { metadata: { version: 'old' } })
      const target = kinds.memory()
      await source[method]('file', 'file', { storage: target })
      expect(await target.readText('file')).toBe('new')
      expect((await target.stat('file')).metadata).toEqual({ version: 'new' })
    }
    // Between two tries of the writing, another version is there.
    const source = kinds.memory({ fileOverwrite: true })
    await source.save('file', 'old')
    const replacing: Layer = async (call, next, ctx) => {
      if (call.operation !== 'write' || ctx.attempt > 1) return next(ctx)
      await next(ctx)
      await source.save('file', 'new')
      throw new StorageError('unavailable', 'The answer was lost.')
    }
    const target = new MemoryStorage({ fileOverwrite: true }, { settings: {}, env: {}, layers: [replacing] })
    await expect(source.copy('file', 'file', { storage: target })).rejects.toMatchObject({
      code: 'precondition_failed',
    })
    expect(await source.readText('file')).toBe('new')
  })

  it('take a compressed file out of its compression and put it back', async () => {
    const packed = kinds.s3({ gzip: true })
    const plain = kinds.memory()
    await packed.save('style.css', 'a { color: red }'.repeat(100))
    await packed.copy('style.css', 'style.css', { storage: plain })
    expect((await plain.stat('style.css')).contentEncoding).toBeUndefined()
    expect(await textOf(plain, 'style.css')).toBe('a { color: red }'.repeat(100))
    await plain.move('style.css', 'back.css', { storage: packed })
    const stored = kinds.server.bucket().current(packed.keyOf('back.css'))
    expect(gunzipSync(stored!.body).toString()).toBe('a { color: red }'.repeat(100))
  })

  it('refuse a folder, and a storage that is only to be read', async () => {
    const [storage, readOnly] = [kinds.memory(), kinds.memory({ readOnly: true })]
    await storage.save('dir/file', 'x')
    let calls = 0
    const count: Layer = (_call, next, ctx) => {
      calls++
      return next(ctx)
    }
    const { driver } = storage.calls
    const counted = new MemoryStorage({}, { settings: {}, env: {}, driver, layers: [count] })
    for (const operation of ['copy', 'move'] as const) {
      await expect(counted[operation]('dir', 'other')).rejects.toMatchObject({ code: 'is_directory', operation })
    }
    expect(calls).toBeLessThan(10)
    await expect(storage.move('dir', 'other', { storage: kinds.memory() })).rejects.toMatchObject({
      code: 'is_directory',
    })
    await expect(storage.move('dir/file', 'x', { storage: readOnly })).rejects.toMatchObject({
      code: 'permission_denied',
    })
    await expect(readOnly.move('dir/file', 'x', { storage })).rejects.toMatchObject({ code: 'permission_denied' })
    expect(await storage.listdir()).toEqual([['dir'], []])
    expect(await storage.exists('dir/file')).toBe(true)
  })
})

describe('a move onto itself through another storage of the same place', () => {
  it('changes nothing on local disk, whatever links lead there', async () => {
    const folder = kinds.folder()
    mkdirSync(join(folder, 'real/below'), { recursive: true })
    symlinkSync('real', join(folder, 'link'))
    const one = kinds.local({ location: join(folder, 'real') })
    const two = kinds.local({ location: join(folder, 'link') })
    const below = kinds.local({ location: join(folder, 'link/below') })
    await one.save('below/file', 'bytes')
    for (const overwrite of [true, false]) {
      expect(await one.move('below/file', 'below/file', { storage: two, overwrite })).toBe('below/file')
      expect(await two.move('below/file', 'file', { storage: below, overwrite })).toBe('file')
      expect(await textOf(one, 'below/file')).toBe('bytes')
    }
    expect(await one.listdir('below')).toEqual([[], ['file']])
    await expect(one.move('none', 'none', { storage: two })).rejects.toMatchObject({ code: 'not_found' })
  })

  it('changes nothing in a bucket seen through two locations', async () => {
    const below = kinds.s3({ location: 'shared/below' })
    const above = kinds.s3({ location: 'shared' })
    await above.save('below/file', 'bytes')
    for (const overwrite of [true, false]) {
      expect(await above.move('below/file', 'file', { storage: below, overwrite })).toBe('file')
      expect(await textOf(above, 'below/file')).toBe('bytes')
    }
  })

  it('is a move between storages that only look alike', async () => {
    const options = { baseUrl: 'https://files.example/' }
    const [one, two] = [kinds.memory(options), kinds.memory(options)]
    await one.save('file', 'bytes')
    await one.move('file', 'file', { storage: two })
    expect([await one.exists('file'), await textOf(two, 'file')]).toEqual([false, 'bytes'])
  })
})

describe('a file that is stored compressed', () => {
  const css = Array.from({ length: 500 }, (_, line) => `.c${line} { width: ${line}px }\n`).join('')

  it('is sought, read in ranges and appended to by its own bytes', async () => {
    const storage = kinds.s3({ gzip: true })
    await storage.save('style.css', css)
    expect(await storage.size('style.css')).toBeLessThan(css.length)
    const range = (start: number, end?: number) => bytesOf(storage.createReadStream('style.css', { start, end }))
    expect((await range(100, 150)).toString()).toBe(css.slice(100, 150))
    expect((await range(css.length - 5)).toString()).toBe(css.slice(-5))
    expect((await range(9000, 9000)).length).toBe(0)
    expect((await range(0, 20)).toString()).toBe(css.slice(0, 20))
    expect((await range(0, 1e6)).toString()).toBe(css)
    const beyond = await range(css.length + 1).catch(error => error)
    expect(isStorageError(beyond, 'invalid_range')).toBe(true)
    await storage.edit('style.css', 'a', file => file.write('/* end */'))
    const stored = kinds.server.bucket().current(storage.keyOf('style.css'))!
    expect(gunzipSync(stored.body).toString()).toBe(`${css}/* end */`)
    expect(await textOf(storage, 'style.css')).toBe(`${css}/* end */`)
  })

  it('comes as it is where its own name says that it is packed', async () => {
    const storage = kinds.s3({ gzip: true })
    await storage.save('style.css.gz', 'not really gzip')
    await using file = await storage.open('style.css.gz', 'r')
    expect(await file.read()).toBe('not really gzip')
    expect(await textOf(storage, 'style.css.gz')).toBe('not really gzip')
  })
})

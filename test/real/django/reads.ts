import { Readable } from 'node:stream'
import { describe, expect, test } from 'vitest'
import { objectsIn, type Seen } from './objects.ts'
import { outcomeOf, type Place } from './place.ts'
import type { DjangoSettings } from './python.ts'
import { LARGE } from './save-cases.ts'

const TEXT = 'erste Zeile ä\nzweite 日本 😀\n'
const MIB = 1024 * 1024

/** Files opened in modes, text, streams: what one wrote, the other reads. */
export function describeFiles(place: Place): void {
  const { django, client, bucket } = place

  async function theirs(settings: DjangoSettings, mode: string, chunks: readonly unknown[], name = 'a.txt') {
    return outcomeOf(() => django.ask<null>('write', { settings }, { name, mode, chunks }))
  }

  async function ours(
    settings: DjangoSettings,
    mode: 'w' | 'wb',
    chunks: readonly (string | Buffer)[],
    name = 'a.txt',
  ) {
    return outcomeOf(async () => {
      await using storage = place.holdall(settings)
      await using file = await storage.open(name, mode)
      for (const chunk of chunks) await file.write(chunk as never)
    })
  }

  /** The object that a call leaves; its etag tells in how many parts it came, in which the two need not agree. */
  async function leaves(call: () => Promise<unknown>): Promise<Seen> {
    expect((await call()) ?? null).toBeNull()
    const { etag: _, ...seen } = (await objectsIn(client, bucket))['a.txt']!
    await place.empty()
    return seen
  }

  describe('an opened file', () => {
    test('of text is written and read by each', async () => {
      const settings = place.settings()
      await theirs(settings, 'w', [TEXT.slice(0, 9), TEXT.slice(9)], 'theirs.txt')
      await ours(settings, 'w', [TEXT.slice(0, 9), TEXT.slice(9)], 'ours.txt')
      await using storage = place.holdall(settings)
      await using file = await storage.open('theirs.txt', 'r')
      expect(await file.read()).toBe(TEXT)
      expect(await django.ask('read', { settings }, { name: 'ours.txt', mode: 'r' })).toBe(TEXT)
    })

    test('gets the type, the parameters and the ACL of a save', async () => {
      const settings = place.settings({
        AWS_DEFAULT_ACL: 'public-read',
        AWS_S3_OBJECT_PARAMETERS: { CacheControl: 'max-age=5', Metadata: { who: 'me' } },
      })
      const [first, second] = [
        await leaves(() => theirs(settings, 'w', ['one, ', 'two'])),
        await leaves(() => ours(settings, 'w', ['one, ', 'two'])),
      ]
      expect(first).toMatchObject({
        type: 'text/plain',
        cacheControl: 'max-age=5',
        metadata: { who: 'me' },
      })
      expect(second).toEqual(first)
    })

    test('goes in parts of AWS_S3_FILE_BUFFER_SIZE', async () => {
      const settings = place.settings({ AWS_S3_FILE_BUFFER_SIZE: 6 * MIB })
      const chunks = [LARGE.subarray(0, 7 * MIB), LARGE.subarray(7 * MIB, 13 * MIB), LARGE.subarray(13 * MIB)]
      const [first, second] = [
        await leaves(() => theirs(settings, 'wb', chunks)),
        await leaves(() => ours(settings, 'wb', chunks)),
      ]
      expect(first['size']).toBe(LARGE.length)
      expect(second).toEqual(first)
    })

    test('closed at once is an empty object with its parameters', async () => {
      const settings = place.settings({ AWS_S3_OBJECT_PARAMETERS: { CacheControl: 'max-age=5' } })
      const [first, second] = [
        await leaves(() => theirs(settings, 'w', [])),
        await leaves(() => ours(settings, 'w', [])),
      ]
      expect(first).toMatchObject({ size: 0, type: 'text/plain', cacheControl: 'max-age=5' })
      expect(second).toEqual(first)
    })

    // Upstream leaves an existing object as it was; a local file would be truncated, and so is ours.
    test('closed at once is truncated by us, not by django-storages', async () => {
      const settings = place.settings()
      await using storage = place.holdall(settings)
      await storage.save('a.txt', 'content')
      expect((await leaves(() => theirs(settings, 'w', [])))['size']).toBe(7)
      await storage.save('a.txt', 'content')
      expect((await leaves(() => ours(settings, 'w', [])))['size']).toBe(0)
    })

    // Upstream asks for the encoding of the object that is not there yet (its issue 607); ours is compressed like a save.
    test('with gzip on is refused by django-storages and packed by us', async () => {
      const settings = place.settings({ AWS_IS_GZIPPED: true })
      expect(await theirs(settings, 'w', [TEXT], 'a.css')).toEqual({ refused: '404' })
      await ours(settings, 'w', [TEXT], 'b.css')
      expect((await objectsIn(client, bucket))['b.css']).toMatchObject({ type: 'text/css', encoding: 'gzip' })
      expect(await django.ask('read', { settings }, { name: 'b.css', mode: 'r' })).toBe(TEXT)
    })

    test('that is missing is not found at once', async () => {
      const settings = place.settings()
      await using storage = place.holdall(settings)
      const asked = await outcomeOf(() => django.ask('read', { settings }, { name: 'missing', mode: 'rb' }))
      expect(asked).toEqual({ refused: 'not_found' })
      await expect(storage.open('missing')).rejects.toMatchObject({ code: 'not_found' })
    })

    test('larger than AWS_S3_MAX_MEMORY_SIZE is read by both', async () => {
      const settings = place.settings({ AWS_S3_MAX_MEMORY_SIZE: 1000, AWS_IS_GZIPPED: true })
      const css = Buffer.from(LARGE.subarray(0, MIB).toString('hex'))
      await using storage = place.holdall(settings)
      await storage.save('ours.css', css)
      await django.ask('save', { settings }, { name: 'theirs.css', content: css })
      await using file = await storage.open('theirs.css')
      expect(css.equals(await file.read())).toBe(true)
      const read = await django.ask<Buffer>('read', { settings }, { name: 'ours.css', mode: 'rb' })
      expect(css.equals(read)).toBe(true)
    })
  })

  describe('a save of', () => {
    // boto wants bytes, and django-storages encodes text since 1.14 only.
    test('text is refused by django-storages and UTF-8 by us', async () => {
      const settings = place.settings()
      const saved = await outcomeOf(() => django.ask('save', { settings }, { name: 'a.txt', content: TEXT }))
      expect(saved).toHaveProperty('refused')
      expect(await objectsIn(client, bucket)).toEqual({})
      await using storage = place.holdall(settings)
      await storage.save('a.txt', TEXT)
      expect(await django.ask('read', { settings }, { name: 'a.txt', mode: 'r' })).toBe(TEXT)
    })

    test('a stream of unknown length is read by django-storages', async () => {
      const settings = place.settings()
      await using storage = place.holdall(settings)
      await storage.save('large', Readable.from([LARGE.subarray(0, 5 * MIB), LARGE.subarray(5 * MIB)]))
      const read = await django.ask<Buffer>('read', { settings }, { name: 'large', mode: 'rb' })
      expect(LARGE.equals(read)).toBe(true)
    })
  })
}

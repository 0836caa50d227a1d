import { PutObjectCommand } from '@aws-sdk/client-s3'
import { describe, expect, test } from 'vitest'
import { outcomeOf, type Place } from './place.ts'

const FILES = [
  'root.txt',
  'some/2.txt',
  'some/path/1.txt',
  'some/path/deep/er.txt',
  'ü b/日本 😀.txt',
  "a+b&c=d%20/~!*()'.txt",
  'sommer.txt',
]
const MARKER = 'some/'

/** Folders, sizes, times, deleting and free names. */
export function describeNames(place: Place): void {
  const { django, client, bucket } = place

  /** The answers of both sides to one question. */
  async function both<T>(
    more: Readonly<Record<string, unknown>>,
    op: string,
    name: string,
    ask: (storage: ReturnType<Place['holdall']>) => Promise<T>,
  ): Promise<[theirs: unknown, ours: unknown]> {
    const settings = place.settings(more)
    await using storage = place.holdall(settings)
    const theirs = await outcomeOf(() => django.ask<unknown>(op, { settings }, { name }))
    return [theirs, await outcomeOf(() => ask(storage))]
  }

  describe('a folder', () => {
    test.each([
      ['', ''],
      ['', '.'],
      ['', 'some'],
      ['', 'some/'],
      ['', 'some/path'],
      ['', 'so'],
      ['', 'missing'],
      ['', 'ü b'],
      ['', 'a+b&c=d%20'],
      ['', 'some/./path/../'],
      ['some', ''],
      ['some/', 'path'],
      ['some', '../ü b'],
      ['missing', ''],
    ])('in %j named %j', async (AWS_LOCATION, name) => {
      await using storage = place.holdall(place.settings())
      for (const file of FILES) await storage.save(file, 'x')
      await client.send(new PutObjectCommand({ Bucket: bucket, Key: MARKER, ContentLength: 0 }))
      const [theirs, ours] = await both({ AWS_LOCATION }, 'listdir', name, files => files.listdir(name))
      expect(ours).toEqual(theirs)
      if (name === 'some') expect(ours).toEqual([['path'], ['2.txt']])
      if (name === '') expect(ours).not.toEqual(AWS_LOCATION === 'missing' ? null : [[], []])
    })

    test('of more than a page', async () => {
      await using storage = place.holdall(place.settings())
      const names = Array.from({ length: 1101 }, (_, at) => (at % 100 === 0 ? `many/sub ${at}/f` : `many/${at}.txt`))
      await Promise.all(names.map(name => storage.save(name, '')))
      const [theirs, ours] = await both({}, 'listdir', 'many', files => files.listdir('many'))
      expect(ours).toEqual(theirs)
      expect((ours as [string[], string[]]).map(each => each.length)).toEqual([12, 1089])
    })
  })

  describe('a file', () => {
    test('has size, time and presence alike', async () => {
      const name = 'ü b/a+c.txt'
      await using storage = place.holdall(place.settings({ AWS_LOCATION: 'here' }))
      await storage.save(name, 'content')
      const more = { AWS_LOCATION: 'here' }
      expect(await both(more, 'size', name, files => files.size(name))).toEqual([7, 7])
      expect(await both(more, 'exists', name, files => files.exists(name))).toEqual([true, true])
      const [theirs, ours] = await both(more, 'modified', name, files => files.getModifiedTime(name))
      expect(theirs).toEqual({ time: (ours as Date).getTime() / 1000, aware: true })
      const [naive] = await both({ ...more, USE_TZ: false, TIME_ZONE: 'UTC' }, 'modified', name, async () => null)
      expect(naive).toMatchObject({ aware: false })
    })

    test.each(['missing.txt', 'some', 'some/path/'])('that is missing, %j', async name => {
      await using storage = place.holdall(place.settings())
      await storage.save('some/path/1.txt', 'x')
      expect(await both({}, 'exists', name, files => files.exists(name))).toEqual([false, false])
      // Python's client fails with the bare status of the HEAD.
      const missing = [{ refused: '404' }, { refused: 'NoSuchKey' }]
      expect(await both({}, 'size', name, files => files.size(name))).toEqual(missing)
      expect(await both({}, 'modified', name, files => files.getModifiedTime(name))).toEqual(missing)
    })

    // The root exists: Django's collectstatic --clear asks for it. boto cannot ask for an empty key.
    test('without a name is the root', async () => {
      const answers = await both({}, 'exists', '', files => files.exists(''))
      expect(answers).toEqual([{ refused: 'invalid_argument' }, true])
    })

    test('is deleted by the other, and a missing one is no error', async () => {
      await using storage = place.holdall(place.settings())
      await django.ask('save', { settings: place.settings() }, { name: 'theirs', content: Buffer.from('x') })
      await storage.save('ours', 'x')
      await storage.delete('theirs')
      await django.ask('delete', { settings: place.settings() }, { name: 'ours' })
      expect(await storage.listdir()).toEqual([[], []])
      expect(await both({}, 'delete', 'ours', files => files.delete('ours'))).toEqual([null, undefined])
    })
  })

  describe('a taken name', () => {
    const content = (who: string) => Buffer.from(who)

    async function saveByBoth(more: Readonly<Record<string, unknown>>, name: string, max_length: number | null = null) {
      const settings = place.settings(more)
      await using storage = place.holdall(settings)
      const saved: string[] = []
      for (const round of ['1', '2']) {
        const args = { name, content: content(`theirs ${round}`), max_length }
        saved.push(await django.ask<string>('save', { settings }, args))
        saved.push(await storage.save(name, content(`ours ${round}`), { maxLength: max_length ?? undefined }))
      }
      const read: string[] = []
      for (const each of saved) {
        await using file = await storage.open(each, 'r')
        read.push(await file.read())
      }
      return { saved, read }
    }

    test('is overwritten', async () => {
      const { saved, read } = await saveByBoth({ AWS_S3_FILE_OVERWRITE: true }, 'd/a.txt')
      expect(saved).toEqual(Array(4).fill('d/a.txt'))
      expect(read).toEqual(Array(4).fill('ours 2'))
    })

    test('gets seven characters more', async () => {
      const { saved, read } = await saveByBoth({ AWS_S3_FILE_OVERWRITE: false }, 'd/a b.txt')
      const free = expect.stringMatching(/^d\/a b_[A-Za-z0-9]{7}\.txt$/)
      expect(saved).toEqual(['d/a b.txt', free, free, free])
      expect(read).toEqual(['theirs 1', 'ours 1', 'theirs 2', 'ours 2'])
    })

    test('gets them within the longest name', async () => {
      const { saved, read } = await saveByBoth({ AWS_S3_FILE_OVERWRITE: false }, 'd/long name.txt', 17)
      const free = expect.stringMatching(/^d\/lon_[A-Za-z0-9]{7}\.txt$/)
      expect(saved).toEqual(['d/long name.txt', free, free, free])
      expect(new Set(read).size).toBe(4)
    })

    // Django 3.2 knows the last suffix only; later ones all of them.
    test('with two suffixes', async () => {
      const { saved } = await saveByBoth({ AWS_S3_FILE_OVERWRITE: false }, 'a.tar.gz')
      const theirs = expect.stringMatching(/^a\.tar_[A-Za-z0-9]{7}\.gz$/)
      const ours = expect.stringMatching(/^a_[A-Za-z0-9]{7}\.tar\.gz$/)
      expect(saved).toEqual(['a.tar.gz', ours, theirs, ours])
    })
  })
}

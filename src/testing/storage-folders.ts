import assert from 'node:assert/strict'
import type { Storage } from '../storage/storage.ts'
import { failsWith, namesOf, type StorageCase, textOf } from './storage-place.ts'

/** Whole folders: deleted, copied, moved, and listed by a pattern. */
export const folderCases: readonly StorageCase[] = [
  {
    title: 'deleteAll removes what is below a folder, and neither its namesakes nor the whole storage.',
    async run(storage) {
      await saveAll(storage, ['a/1', 'a/b/2', 'a/b/c/3', 'a.txt', 'ab/4', 'z'])
      for (const path of ['', '/', '.']) await failsWith('invalid_argument', storage.deleteAll(path))
      assert.deepEqual(await storage.deleteAll('a'), { deleted: 3, errors: [] })
      assert.deepEqual(await namesOf(storage), ['a.txt', 'ab/4', 'z'])
      assert.deepEqual((await storage.listdir(''))[0], ['ab'], 'the folder is still listed')
      // A file has no entries below it, and a missing folder has no files.
      for (const path of ['z', 'ab/4/', 'missing/']) {
        assert.deepEqual(await storage.deleteAll(path), { deleted: 0, errors: [] })
      }
      assert.deepEqual(await namesOf(storage), ['a.txt', 'ab/4', 'z'])
      assert.deepEqual(await storage.deleteAll('ab/'), { deleted: 1, errors: [] })
      assert.deepEqual(await storage.deleteAll('', { all: true }), { deleted: 2, errors: [] })
      assert.deepEqual(await storage.listdir(''), [[], []])
    },
  },
  {
    title: 'copyAll keeps the names below a folder, and lists files that fail while the others go on.',
    async run(storage) {
      await saveAll(storage, ['from/1', 'from/b/2', 'from/b/c/3', 'fromage', 'to/b/2'])
      const { copied, errors } = await storage.copyAll('from', 'to')
      assert.equal(copied, 2)
      assert.deepEqual(
        errors.map(({ name, error }) => [name, error.code]),
        [['from/b/2', 'exists']],
      )
      const names = ['from/1', 'from/b/2', 'from/b/c/3', 'fromage', 'to/1', 'to/b/2', 'to/b/c/3']
      assert.deepEqual(await namesOf(storage), names)
      assert.equal(await textOf(storage, 'to/b/2'), 'to/b/2')
      assert.deepEqual(await storage.copyAll('from/', 'to/', { overwrite: true, concurrency: 1 }), {
        copied: 3,
        errors: [],
      })
      assert.equal(await textOf(storage, 'to/b/2'), 'from/b/2')
      assert.deepEqual(await namesOf(storage), names)
    },
  },
  {
    title: 'moveAll leaves neither files nor folders behind, and files that fail stay.',
    async run(storage) {
      await saveAll(storage, ['from/1', 'from/b/2', 'to/1'])
      const first = await storage.moveAll('from', 'to')
      assert.equal(first.moved, 1)
      assert.deepEqual(
        first.errors.map(({ name, error }) => [name, error.code]),
        [['from/1', 'exists']],
      )
      assert.deepEqual(await namesOf(storage), ['from/1', 'to/1', 'to/b/2'])
      assert.deepEqual(await storage.moveAll('from', 'to', { overwrite: true }), { moved: 1, errors: [] })
      assert.deepEqual(await namesOf(storage), ['to/1', 'to/b/2'])
      assert.deepEqual((await storage.listdir(''))[0], ['to'])
      assert.equal(await textOf(storage, 'to/1'), 'from/1')
    },
  },
  {
    title: 'A folder is neither copied nor moved into itself.',
    async run(storage) {
      await saveAll(storage, ['a/1'])
      for (const [from, to] of [
        ['a', 'a'],
        ['a/', 'a'],
        ['a', 'a/b'],
        ['', 'a'],
        ['', ''],
      ] as const) {
        await failsWith('invalid_argument', storage.copyAll(from, to))
        await failsWith('invalid_argument', storage.moveAll(from, to))
      }
      assert.deepEqual(await namesOf(storage), ['a/1'])
    },
  },
  {
    title: 'A listing with match returns the files below a folder whose names match.',
    async run(storage) {
      await saveAll(storage, ['p/1.jpg', 'p/b/2.jpg', 'p/b/c/3.JPG', 'p/b/4.png', 'q/5.jpg'])
      const listed = async (path: string, match: string | readonly string[]): Promise<string[]> => {
        const names: string[] = []
        for await (const { name } of storage.entries(path, { match })) names.push(name)
        return names.sort()
      }
      assert.deepEqual(await listed('p', '**/*.jpg'), ['p/1.jpg', 'p/b/2.jpg'])
      assert.deepEqual(await listed('', '*.jpg'), ['p/1.jpg', 'p/b/2.jpg', 'q/5.jpg'])
      assert.deepEqual(await listed('p/', '/*.jpg'), ['p/1.jpg'])
      assert.deepEqual(await listed('p', ['*.jpg', '*.png', '!b/2.*']), ['p/1.jpg', 'p/b/4.png'])
      const paged: string[] = []
      let token: string | undefined
      do {
        const page = await storage.page('p', { match: 'b/*', token })
        paged.push(...page.entries.map(({ name }) => name))
        token = page.next
      } while (token !== undefined)
      assert.deepEqual(paged.sort(), ['p/b/2.jpg', 'p/b/4.png'])
    },
  },
]

async function saveAll(storage: Storage, names: readonly string[]): Promise<void> {
  for (const name of names) await storage.save(name, name)
}

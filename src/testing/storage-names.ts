import assert from 'node:assert/strict'
import { failsWith, namesOf, type StorageCase, textOf } from './storage-place.ts'

const SUSPICIOUS = ['../x', 'a/../x', '/etc/x', '', '.', '..', 'd/', 'a/..', 'a\\..\\..\\x']

/** The stored names of files, and valid names. */
export const nameCases: readonly StorageCase[] = [
  {
    title: 'save gives the name under which the file is found, with forward slashes and without doubled ones.',
    async run(storage) {
      assert.equal(await storage.save('plain.txt', 'one'), 'plain.txt')
      assert.equal(await storage.save('a//b.txt', 'two'), 'a/b.txt')
      assert.equal(await storage.save('c\\d.txt', 'three'), 'c/d.txt')
      assert.deepEqual(await namesOf(storage), ['a/b.txt', 'c/d.txt', 'plain.txt'])
      assert.equal(await textOf(storage, 'c/d.txt'), 'three')
    },
  },
  {
    title: 'A taken name gets an underscore and 7 characters before its suffixes, and the old file stays.',
    async run(storage) {
      for (const [name, pattern] of [
        ['d/x.tar.gz', /^d\/x_[A-Za-z0-9]{7}\.tar\.gz$/],
        ['noext', /^noext_[A-Za-z0-9]{7}$/],
        ['.hidden', /^\.hidden_[A-Za-z0-9]{7}$/],
      ] as const) {
        assert.equal(await storage.save(name, 'first'), name)
        const second = await storage.save(name, 'second')
        assert.match(second, pattern)
        assert.deepEqual([await textOf(storage, name), await textOf(storage, second)], ['first', 'second'])
      }
    },
  },
  {
    title: 'With overwriting on, a file keeps its name and gets the new bytes.',
    overwrite: true,
    async run(storage) {
      assert.equal(await storage.save('same.txt', 'a longer first one'), 'same.txt')
      assert.equal(await storage.save('same.txt', 'second'), 'same.txt')
      assert.equal(await textOf(storage, 'same.txt'), 'second')
      assert.deepEqual(await namesOf(storage), ['same.txt'])
    },
  },
  {
    title: 'One save can ask for overwriting, or against it.',
    async run(storage) {
      await storage.save('one.txt', 'first')
      assert.equal(await storage.save('one.txt', 'second', { overwrite: true }), 'one.txt')
      assert.notEqual(await storage.save('one.txt', 'third', { overwrite: false }), 'one.txt')
      assert.equal(await textOf(storage, 'one.txt'), 'second')
    },
  },
  {
    title: 'maxLength cuts the stem and keeps folder and suffix; a name that cannot be cut is refused.',
    async run(storage) {
      await storage.save('a.txt', 'taken')
      assert.match(await storage.save('a.txt', 'new', { maxLength: 13 }), /^a_[A-Za-z0-9]{7}\.txt$/)
      await failsWith('suspicious_name', storage.save('a.txt', 'new', { maxLength: 12 }))
      const long = await storage.save(`dir/${'b'.repeat(200)}.txt`, 'long', { maxLength: 50 })
      assert.equal(long.length, 50)
      assert.match(long, /^dir\/b+_[A-Za-z0-9]{7}\.txt$/)
      assert.equal((await namesOf(storage)).length, 3)
    },
  },
  {
    title: 'getAvailableName gives a free name as it is and another for a taken one, and writes nothing.',
    async run(storage) {
      assert.equal(await storage.getAvailableName('free.txt'), 'free.txt')
      await storage.save('taken.txt', 'x')
      assert.match(await storage.getAvailableName('taken.txt'), /^taken_[A-Za-z0-9]{7}\.txt$/)
      assert.deepEqual(await namesOf(storage), ['taken.txt'])
    },
  },
  ...SUSPICIOUS.map(
    (name): StorageCase => ({
      title: `The name ${JSON.stringify(name)} is refused by save and nothing is written.`,
      async run(storage) {
        await failsWith('suspicious_name', storage.save(name, 'bad'))
        await failsWith('suspicious_name', storage.save(name, 'bad', { overwrite: true }))
        assert.deepEqual(await namesOf(storage), [])
      },
    }),
  ),
  {
    title: 'A name outside the storage is refused by every operation.',
    async run(storage) {
      const name = '../../outside'
      await failsWith('suspicious_name', storage.open(name))
      await failsWith('suspicious_name', storage.open(name, 'w'))
      await failsWith('suspicious_name', storage.exists(name))
      await failsWith('suspicious_name', storage.delete(name))
      await failsWith('suspicious_name', storage.size(name))
      await failsWith('suspicious_name', storage.listdir(name))
      await failsWith('suspicious_name', storage.url(name))
    },
  },
  {
    title: 'Saves of one name at the same time get distinct names, each with its own bytes.',
    async run(storage) {
      await storage.save('warm-up', 'x')
      const texts = Array.from({ length: 8 }, (_, at) => `writer ${at}`)
      if (!storage.supports('exclusiveCreate')) return
      const names = await Promise.all(
        texts.map((text, at) => storage.save('race.txt', at % 2 === 0 ? text : letters(text))),
      )
      assert.equal(new Set(names).size, texts.length, names.join(' '))
      for (const [at, name] of names.entries()) assert.equal(await textOf(storage, name), texts[at])
    },
  },
  {
    title: 'listdir gives folders and files of one folder by their last names.',
    async run(storage) {
      for (const name of ['top.txt', 'd/one', 'd/two', 'd/sub/three', 'dd/four']) await storage.save(name, name)
      const sorted = async (path?: string) => (await storage.listdir(path)).map(names => [...names].sort())
      assert.deepEqual(await sorted(), [['d', 'dd'], ['top.txt']])
      assert.deepEqual(await sorted('d'), [['sub'], ['one', 'two']])
      assert.deepEqual(await sorted('d/'), [['sub'], ['one', 'two']])
      assert.deepEqual(await sorted('missing'), [[], []])
    },
  },
  {
    title: 'entries goes through all files below a folder, with names from the root and sizes.',
    async run(storage) {
      for (const name of ['top.txt', 'd/one', 'd/sub/three']) await storage.save(name, name)
      const found: [string, number, boolean][] = []
      for await (const entry of storage.entries('d', { recursive: true })) {
        found.push([entry.name, entry.size, entry.isDirectory])
      }
      assert.deepEqual(found.sort(), [
        ['d/one', 5, false],
        ['d/sub/three', 11, false],
      ])
      assert.deepEqual(await namesOf(storage), ['d/one', 'd/sub/three', 'top.txt'])
    },
  },
  {
    title: 'A URL encodes the name, or there is none and it says so.',
    async run(storage, { opaqueUrls = false }) {
      const name = 'dir/a b ü+%41?#&.txt'
      if (opaqueUrls) {
        await failsWith('not_found', storage.url(name))
        await storage.save(name, 'bytes')
        return assert.equal(await (await fetch(await storage.url(name))).text(), 'bytes')
      }
      if (!storage.supports('publicUrl') && !storage.supports('signedUrl')) {
        return failsWith('unsupported', storage.url(name))
      }
      const { pathname } = new URL(await storage.url(name), 'http://base.invalid')
      assert.ok(decodeURIComponent(pathname).endsWith(`/${storage.prefix}${name}`), pathname)
      return assert.match(pathname, /a%20b%20%C3%BC%2B%2541%3F%23%26\.txt$/)
    },
  },
  {
    title: 'Copies and moves give the new name, never lose a taken one, and leave a copied source.',
    async run(storage) {
      await storage.save('from.txt', 'bytes')
      await storage.save('taken.txt', 'taken')
      assert.equal(await storage.copy('from.txt', 'd/copy.txt'), 'd/copy.txt')
      const other = await storage.copy('from.txt', 'taken.txt')
      assert.match(other, /^taken_[A-Za-z0-9]{7}\.txt$/)
      assert.equal(await storage.move('from.txt', 'moved.txt'), 'moved.txt')
      assert.deepEqual(await namesOf(storage), ['d/copy.txt', 'moved.txt', 'taken.txt', other].sort())
      for (const name of ['d/copy.txt', 'moved.txt', other]) assert.equal(await textOf(storage, name), 'bytes')
      assert.equal(await textOf(storage, 'taken.txt'), 'taken')
      await failsWith('not_found', storage.copy('missing', 'x'))
      await failsWith('not_found', storage.move('missing', 'x'))
    },
  },
]

async function* letters(text: string): AsyncGenerator<string> {
  for (const letter of text) yield letter
}

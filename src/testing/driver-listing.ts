import assert from 'node:assert/strict'
import type { CaseOf } from './case.ts'
import type { DriverPlace } from './driver-place.ts'

/** Names that are valid on every backend and are often encoded incorrectly. */
export const oddNames: readonly string[] = [
  'with space.txt',
  ' leading and trailing ',
  'plus+plus.txt',
  'percent%20.txt',
  'percent%',
  'question?x=1&y=2',
  'hash#part',
  'semi;colon:and=equals@at,comma',
  "single'quote",
  'double"quote',
  '(round)[square]{curly}',
  '~tilde!bang*star$dollar^caret`tick|pipe',
  '<angle>.xml',
  '.hidden',
  '..two-dots',
  'trailing.dot.',
  'UPPER and lower',
  'é composed',
  'e\u0301 decomposed',
  '日本語.txt',
  'emoji 🙂.png',
  'long-'.padEnd(200, 'x'),
]

const NAMES = ['a/1', 'a/2', 'a/sub/3', 'a/sub/deep/4', 'ab', 'abc/5', 'a.txt', 'b', 'z/6']

/** Listings, and the names in them. */
export const listingCases: readonly CaseOf<DriverPlace>[] = [
  {
    title: 'A listing gives the files of a folder, and its folders without a slash and once each.',
    async run(place) {
      await putAll(place, NAMES)
      const top = await place.list('')
      assert.deepEqual(
        [top.names, top.directories],
        [
          ['a.txt', 'ab', 'b'],
          ['a', 'abc', 'z'],
        ],
      )
      const below = await place.list('a/')
      assert.deepEqual([below.names, below.directories], [['a/1', 'a/2'], ['a/sub']])
    },
  },
  {
    title: 'A prefix is a folder: a/ has nothing of ab or abc/.',
    async run(place) {
      await putAll(place, NAMES)
      assert.deepEqual((await place.list('a/', true)).names, ['a/1', 'a/2', 'a/sub/3', 'a/sub/deep/4'])
      assert.deepEqual((await place.list('abc/', true)).names, ['abc/5'])
    },
  },
  {
    title: 'A recursive listing gives all files below and no folders.',
    async run(place) {
      await putAll(place, NAMES)
      const { names, directories } = await place.list('', true)
      assert.deepEqual(names, [...NAMES].sort())
      assert.deepEqual(directories, [])
    },
  },
  ...[false, true].map(
    (recursive): CaseOf<DriverPlace> => ({
      title: `Paging a ${recursive ? 'recursive' : 'flat'} listing with any small limit neither repeats nor loses an entry.`,
      async run(place) {
        const files = Array.from({ length: 7 }, (_, at) => `f${at}`)
        const nested = ['d0/x', 'd1/x', 'd1/y', 'd1/z/x', 'f3.d/x', 'f3x/x']
        await putAll(place, [...files, ...nested])
        for (const limit of [1, 2, 3, 7, 100]) {
          const { names, directories, pages } = await place.list('', recursive, limit)
          assert.deepEqual(names, recursive ? [...files, ...nested].sort() : files, `names with limit ${limit}`)
          assert.deepEqual(directories, recursive ? [] : ['d0', 'd1', 'f3.d', 'f3x'], `directories with limit ${limit}`)
          if (place.options.limits === true)
            assert.ok(Math.max(...pages) <= limit, `a page of ${Math.max(...pages)} entries`)
        }
      },
    }),
  ),
  {
    title: 'Deleting what a page gave before asking for the next loses nothing.',
    async run(place) {
      await putAll(
        place,
        Array.from({ length: 9 }, (_, at) => `f${at}`),
      )
      const seen: string[] = []
      let token: string | undefined
      do {
        const page = await place.driver.list(place.prefix, { recursive: true, token, limit: 2 }, place.ctx)
        seen.push(...page.files.map(file => file.key))
        for (const { key } of page.files) await place.driver.delete(key, place.ctx)
        token = page.next
      } while (token !== undefined && seen.length < 100)
      assert.equal(new Set(seen).size, 9)
      assert.deepEqual((await place.list('', true)).names, [])
    },
  },
  {
    title: 'A listing shows a file as soon as it is written and no more once it is deleted.',
    async run(place) {
      await place.put('now', '1')
      assert.deepEqual((await place.list('')).names, ['now'])
      await place.driver.delete(place.key('now'), place.ctx)
      assert.deepEqual((await place.list('')).names, [])
    },
  },
  ...oddNames.map(
    (name): CaseOf<DriverPlace> => ({
      title: `The name ${JSON.stringify(name.length > 50 ? `${name.slice(0, 9)}...` : name)} works in every operation.`,
      run: place => oddName(place, name),
    }),
  ),
  {
    title: 'Names that differ in case, encoding or Unicode form are different files.',
    async run(place) {
      const names = ['a b', 'a+b', 'a%20b', 'a%2Bb', 'é', 'e\u0301'].filter(
        name => !place.options.refusedNames?.includes(name),
      )
      for (const name of names) await place.put(`same/${name}`, name)
      for (const name of names) assert.equal(await place.text(`same/${name}`), name)
      assert.deepEqual((await place.list('same/')).names, names.map(name => `same/${name}`).sort())
    },
  },
  {
    title: 'A file and a folder of the same name exclude each other on a tree, and not elsewhere.',
    async run(place) {
      await place.put('both', 'file')
      await place.put('dir/child', 'child')
      if (place.options.tree !== true) {
        await place.put('both/child', 'child')
        assert.equal(await place.text('both'), 'file')
        assert.equal(await place.text('both/child'), 'child')
        return place.fails(place.stat('dir'), 'not_found')
      }
      await place.fails(place.put('both/child', 'x'), 'not_a_directory')
      await place.fails(place.put('both/a/b', 'x'), 'not_a_directory')
      await place.fails(place.put('dir', 'x'), 'is_directory')
      await place.fails(place.driver.read(place.key('dir'), {}, place.ctx), 'is_directory')
      await place.fails(place.stat('both/child'), 'not_found')
      assert.equal((await place.stat('dir')).isDirectory, true)
      assert.equal(await place.text('both'), 'file')
      return assert.equal(await place.text('dir/child'), 'child')
    },
  },
  {
    title: 'Deleting a folder never removes what is in it: is_directory on a tree, and nothing to do elsewhere.',
    async run(place) {
      await place.put('dir/child', 'child')
      await place.put('dir/sub/deep', 'deep')
      for (const name of ['dir', 'dir/', 'dir/sub']) {
        const deleting = place.driver.delete(place.key(name), place.ctx)
        if (place.options.tree === true) await place.fails(deleting, 'is_directory')
        else await deleting
      }
      const many = await place.driver.deleteMany?.([place.key('dir'), place.key('other')], place.ctx)
      if (many !== undefined) {
        const failed = many
          .filter(({ error }) => error !== undefined)
          .map(({ key, error }) => [key, place.codeOf(error)])
        assert.deepEqual(failed, place.options.tree === true ? [[place.key('dir'), 'is_directory']] : [])
      }
      assert.deepEqual((await place.list('', true)).names, ['dir/child', 'dir/sub/deep'])
    },
  },
]

async function oddName(place: DriverPlace, name: string): Promise<void> {
  if (place.options.refusedNames?.includes(name)) {
    await assert.rejects(place.put(name, 'x'), 'the name was to be refused')
    return assert.deepEqual((await place.list('', true)).names, [])
  }
  const nested = `${name}-folder/${name}`
  const isFolder = place.options.refusedFolders?.includes(name) !== true
  const kept = isFolder ? [name, nested] : [name]
  if (!isFolder) await assert.rejects(place.put(nested, 'x'), 'the name of the folder was to be refused')
  for (const each of kept) {
    await place.put(each, each)
    assert.equal(await place.text(each), each)
    assert.equal((await place.stat(each)).size, Buffer.byteLength(each))
  }
  assert.deepEqual((await place.list('')).directories, isFolder ? [`${name}-folder`] : [])
  if (isFolder) assert.deepEqual((await place.list(`${name}-folder/`)).names, [nested])
  assert.deepEqual((await place.list('', true, 1)).names, kept.toSorted())
  for (const each of kept) {
    await place.driver.delete(place.key(each), place.ctx)
    await place.fails(place.stat(each), 'not_found')
  }
}

async function putAll(place: DriverPlace, names: readonly string[]): Promise<void> {
  for (const name of names) await place.put(name, name)
}

import { expect, test } from 'vitest'
import { LocalStorage } from '../../../src/backends/local/index.ts'
import { MemoryStorage } from '../../../src/backends/memory/index.ts'
import { StorageFinder } from '../../../src/static/finders/storages.ts'
import type { Entry, Feature } from '../../../src/storage/types.ts'
import { listed, namesOf, Tree, textOf } from './fixture.ts'

const services = { settings: {}, env: {} }

class UnorderedStorage extends MemoryStorage {
  override supports(feature: Feature): boolean {
    return feature !== 'listRange' && super.supports(feature)
  }

  override async *entries(...args: Parameters<MemoryStorage['entries']>): AsyncGenerator<Entry, void, undefined> {
    const entries: Entry[] = []
    for await (const entry of super.entries(...args)) entries.push(entry)
    yield* entries.reverse()
  }
}

async function filled<S extends MemoryStorage>(storage: S, names: readonly string[]): Promise<S> {
  for (const name of names) await storage.save(name, `of ${name}`)
  return storage
}

test('the files of a storage are found in the order of names, whatever the order of its listings', async () => {
  const names = ['a.css', 'dir-2/b.css', 'dir/c.css', 'dir/deep/d.css', 'z\u{1f600}.css']
  for (const storage of [new MemoryStorage({}, services), new UnorderedStorage({}, services)]) {
    await filled(storage, names)
    const { names: found, files } = await listed(new StorageFinder(storage, { prefix: 'up/loads' }))
    expect(found).toEqual(names.map(name => `up/loads/${name}`))
    expect(await textOf(files[2])).toBe('of dir/c.css')
    expect([files[2]?.path, files[2]?.origin]).toEqual([undefined, `${storage.constructor.name} 'dir/c.css'`])
    expect((await files[2]?.modifiedAt())?.getTime()).toBeGreaterThan(0)
  }
})

test('patterns leave out files and folders as they do on disk', async () => {
  const names = ['.git/x', 'CVS/y', 'a.css', 'b/.hidden', 'b/skip/c.css', 'b/skip/deep/d.css', 'b/z.css', 'c~']
  const storage = await filled(new MemoryStorage({}, services), names)
  const finder = new StorageFinder(storage)
  expect(await namesOf(finder)).toEqual(['a.css', 'b/skip/c.css', 'b/skip/deep/d.css', 'b/z.css'])
  expect(await namesOf(finder, ['skip'])).toEqual(['a.css', 'b/z.css'])
  expect(await namesOf(finder, ['b/skip'])).toEqual(['a.css', 'b/z.css'])
})

test('a file is read up to a limit, and as a stream', async () => {
  const storage = await filled(new MemoryStorage({}, services), ['a.css'])
  const [file] = await new StorageFinder(storage).find('a.css')
  expect(await file?.readUpTo(7)).toBeUndefined()
  expect(String(await file?.readUpTo(8))).toBe('of a.css')
  let text = ''
  for await (const chunk of file!.open()) text += chunk
  expect(text).toBe('of a.css')
  await expect(file?.readUpTo(8, { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'aborted' })
  await storage.delete('a.css')
  await expect(file?.readUpTo(8)).rejects.toMatchObject({ code: 'not_found' })
})

test('a file that has grown since it was listed is read up to the limit and no further', async () => {
  const storage = await filled(new MemoryStorage({ fileOverwrite: true }, services), ['a.css'])
  const [file] = await new StorageFinder(storage).find('a.css')
  await storage.save('a.css', 'x'.repeat(100))
  expect(await file?.readUpTo(99)).toBeUndefined()
  expect((await file?.readUpTo(100))?.byteLength).toBe(100)
})

test('find returns the file of a name, and nothing for names that lead elsewhere', async () => {
  const storage = await filled(new MemoryStorage({}, services), ['dir/a.css', 'x/..b'])
  const finder = new StorageFinder(storage, { prefix: 'pre' })
  expect((await finder.find('pre/dir/a.css')).map(({ name }) => name)).toEqual(['pre/dir/a.css'])
  for (const name of [
    'dir/a.css',
    'pre/',
    'pre/dir',
    'pre/../dir/a.css',
    'pre//dir/a.css',
    'pre/x/../dir/a.css',
    '/',
  ]) {
    expect(await finder.find(name), name).toEqual([])
  }
  expect(finder.locations).toEqual(['MemoryStorage'])
})

test('files of a storage on local disk have a path', async () => {
  using tree = new Tree({ 'a.css': 'a' })
  await using storage = new LocalStorage({ location: tree.path, fsync: false }, services)
  const finder = new StorageFinder(storage)
  expect((await listed(finder)).files.map(({ path }) => path)).toEqual([tree.at('a.css')])
  expect(finder.locations).toEqual([tree.path])
  expect(await finder.find('b'.repeat(300))).toEqual([])
})

test('names that are not the same everywhere are reported', async () => {
  const entries = ['a//b.css', 'a/../c.css', 'd\\e.css', 'f\n.css', 'g.css'].map(name => {
    return { name, isDirectory: false, size: 1 }
  })
  const storage = new MemoryStorage({}, services)
  storage.entries = async function* () {
    yield* entries
  }
  const { names, skipped } = await listed(new StorageFinder(storage))
  expect(names).toEqual(['g.css'])
  expect(skipped).toEqual([
    ["MemoryStorage 'a//b.css'", 'its name has an empty part, or one that stands for a folder', true],
    ["MemoryStorage 'a/../c.css'", 'its name has an empty part, or one that stands for a folder', true],
    ["MemoryStorage 'd\\e.css'", 'its name has a backslash', true],
    ["MemoryStorage 'f\n.css'", 'its name has a control character', true],
  ])
})

test('a listing or a look that fails is no empty storage', async () => {
  const storage = new MemoryStorage({}, services)
  const failure = new Error('no answer')
  storage.stat = async () => {
    throw failure
  }
  storage.entries = async function* () {
    yield* []
    throw failure
  }
  const finder = new StorageFinder(storage)
  await expect(listed(finder)).rejects.toBe(failure)
  await expect(finder.find('a.css')).rejects.toBe(failure)
})

test('a prefix that ends with a slash is refused', () => {
  const storage = new MemoryStorage({}, services)
  expect(() => new StorageFinder(storage, { prefix: 'a/' })).toThrow(
    "StorageFinder: the prefix 'a/' must not end with a slash.",
  )
})

/** A name that is a file in one storage and a folder in the other, and files of one name in the middle of a change. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { LocalStorage } from '../../../src/backends/local/index.ts'
import { MemoryStorage } from '../../../src/backends/memory/index.ts'
import { MigratingStorage } from '../../../src/backends/migrating/index.ts'
import type { AnyStorage } from '../../../src/storage/storage.ts'
import { filesIn } from '../../transfer/support.ts'
import { NOWHERE } from './support.ts'

const folder = await mkdtemp(join(tmpdir(), 'holdall-conflicts-'))
afterAll(() => rm(folder, { recursive: true, force: true }))
let count = 0
const local = (): AnyStorage => new LocalStorage({ location: join(folder, String(count++)), fsync: false }, NOWHERE)
const memory = (): AnyStorage => new MemoryStorage({}, NOWHERE)

describe.each([
  ['local disks', local],
  ['memory', memory],
])('%s: a folder in one storage', (_, make) => {
  it('does not hide a file of the other one', async () => {
    for (const [inFirst, inSecond] of [
      ['a', 'a/b'],
      ['a/b', 'a'],
    ] as const) {
      const [from, to] = [make(), make()]
      await to.save(inFirst, 'first', { contentType: 'text/x-own' })
      await from.save(inSecond, 'second')
      const storage = new MigratingStorage({ from, to, copyOnRead: true }, NOWHERE)
      const expected = { [inFirst]: 'first', [inSecond]: 'second' }
      for (const name of [inFirst, inSecond]) {
        expect(await storage.readText(name), name).toBe(expected[name])
        expect(await storage.stat(name), name).toMatchObject({ isDirectory: false, size: expected[name]!.length })
        expect(await storage.checksum(name, 'sha256')).toHaveLength(64)
      }
      expect(await filesIn(storage)).toEqual(expected)
      expect(await storage.listdir('')).toEqual([['a'], ['a']].map(each => [...each]))
      await storage.whenCopied()
      // Neither storage can have both.
      expect([await filesIn(from), await filesIn(to)]).toEqual([{ [inSecond]: 'second' }, { [inFirst]: 'first' }])
      expect(storage.lateCopies).toMatchObject({ copied: 0, pending: 0 })
    }
  })
})

it('of a name that is a folder first, the URL is that of the file', async () => {
  const [from, to] = ['/old/', '/new/'].map(baseUrl => new MemoryStorage({ baseUrl }, NOWHERE))
  await to!.save('a/b', 'first')
  await from!.save('a', 'second')
  const storage = new MigratingStorage({ from: from!, to: to! }, NOWHERE)
  expect(await Promise.all(['a', 'a/b'].map(name => storage.url(name)))).toEqual(['/old/a', '/new/a/b'])
})

it('deleting the name of a folder is refused, and works once the folder is empty', async () => {
  for (const [inFirst, inSecond] of [
    ['a', 'a/b'],
    ['a/b', 'a'],
  ] as const) {
    const [from, to] = [memory(), memory()]
    await to.save(inFirst, 'first')
    await from.save(inSecond, 'second')
    const storage = new MigratingStorage({ from, to }, NOWHERE)
    await expect(storage.delete('a')).rejects.toMatchObject({ code: 'is_directory' })
    await storage.delete('a/b')
    await storage.delete('a')
    expect(await filesIn(storage)).toEqual({})
  }
})

describe('a new file', () => {
  it('is stored where the other storage has a folder of its name, if that one is not written', async () => {
    const [from, to] = [memory(), memory()]
    await from.save('a/b', 'old')
    await from.save('c', 'old')
    const storage = new MigratingStorage({ from, to }, NOWHERE)
    expect(await storage.save('a', 'new', { overwrite: true })).toBe('a')
    expect(await storage.save('c/d', 'new')).toBe('c/d')
    // The name of a folder counts as taken.
    expect(await storage.save('a', 'other')).not.toBe('a')
    expect(await storage.save('c', 'other')).not.toBe('c')
    await expect(storage.save('a', 'other', { ifAbsent: true })).rejects.toMatchObject({ code: 'exists' })
    const names = Object.keys(await filesIn(storage))
    expect(names).toEqual(expect.arrayContaining(['a', 'a/b', 'c', 'c/d']))
    expect(names).toHaveLength(6)
  })

  it('fails in both if the first storage cannot have it, and names the second one if only that cannot', async () => {
    for (const read of ['from', 'to'] as const) {
      const [from, to] = [memory(), memory()]
      await from.save('a', 'old')
      const storage = new MigratingStorage({ from, to, read, write: 'both' }, NOWHERE)
      const error = await storage.save('a/b', 'new').catch((failure: unknown) => failure)
      expect(error).toMatchObject({ code: 'not_a_directory' })
      if (read === 'to') expect(String(error)).toContain("'a/b' is stored in 'to', but 'from' failed")
      expect(await filesIn(to)).toEqual(read === 'to' ? { 'a/b': 'new' } : {})
      expect(await filesIn(from)).toEqual({ a: 'old' })
    }
  })
})

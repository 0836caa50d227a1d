/** Copies and moves between a storage over two others and one of these two: both names may be one file. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { LocalStorage } from '../../../src/backends/local/index.ts'
import { MemoryStorage } from '../../../src/backends/memory/index.ts'
import { MigratingStorage } from '../../../src/backends/migrating/index.ts'
import type { AnyStorage } from '../../../src/storage/storage.ts'
import { compare, migrate, sync } from '../../../src/transfer/index.ts'
import { filesIn } from '../../transfer/support.ts'
import { NOWHERE } from './support.ts'

const folder = await mkdtemp(join(tmpdir(), 'holdall-shared-'))
afterAll(() => rm(folder, { recursive: true, force: true }))

let count = 0
/** A storage over two, and other storages of the places of these two. */
function local(location = '') {
  const at = (name: string): AnyStorage =>
    new LocalStorage({ location: join(folder, String(count), name), fsync: false }, NOWHERE)
  count++
  const [from, to] = [at('from'), at('to')]
  return { from, to, others: [at('from'), at('to')], storage: new MigratingStorage({ from, to, location }, NOWHERE) }
}

function memory(location = '') {
  const [from, to] = [new MemoryStorage({}, NOWHERE), new MemoryStorage({}, NOWHERE)]
  return { from, to, others: [from, to], storage: new MigratingStorage({ from, to, location }, NOWHERE) }
}

describe.each([
  ['on the local disk', local],
  ['in memory', memory],
])('%s', (_, make) => {
  it('a move onto itself through one of the two is refused, and deletes nothing', async () => {
    const { from, to, others, storage } = make()
    await from.save('a', 'old', { overwrite: true })
    await from.save('b', 'old')
    await to.save('b', 'new')
    for (const side of [from, to, ...others]) {
      for (const name of ['a', 'b']) {
        const refused = {
          code: 'invalid_argument',
          message: expect.stringContaining('one storage is part of the other'),
        }
        await expect(storage.move(name, name, { storage: side, overwrite: true })).rejects.toMatchObject(refused)
        await expect(side.move(name, name, { storage, overwrite: true })).rejects.toMatchObject(refused)
      }
    }
    expect([await filesIn(from), await filesIn(to)]).toEqual([{ a: 'old', b: 'old' }, { b: 'new' }])
    // Within the storage it is the file itself.
    expect(await storage.move('a', 'a')).toBe('a')
    expect(await storage.readText('a')).toBe('old')
  })

  it('a move to another name is a move', async () => {
    const { from, to, storage } = make()
    await from.save('a', 'old')
    await storage.move('a', 'c', { storage: to })
    expect([await filesIn(from), await filesIn(to)]).toEqual([{}, { c: 'old' }])
    await from.save('d', 'old')
    await from.move('d', 'e', { storage })
    expect([await filesIn(from), await filesIn(to)]).toEqual([{}, { c: 'old', e: 'old' }])
  })

  it('a copy to one of the two keeps the file', async () => {
    const { from, to, storage } = make()
    await from.save('a', 'old')
    await storage.copy('a', 'a', { storage: to, overwrite: true })
    await storage.copy('a', 'a', { storage: to, overwrite: true })
    expect([await filesIn(from), await filesIn(to)]).toEqual([{ a: 'old' }, { a: 'old' }])
  })

  it('folders, syncs and migrations between them are refused', async () => {
    const { from, to, others, storage } = make('sub')
    await from.save('sub/a', 'old')
    await to.save('sub/b', 'new')
    for (const side of [from, to, ...others]) {
      const refused = { code: 'invalid_argument' }
      for (const method of ['copyAll', 'moveAll'] as const) {
        await expect(side[method]('', '', { storage }), method).rejects.toMatchObject(refused)
        await expect(side[method]('sub', '', { storage }), method).rejects.toMatchObject(refused)
        await expect(storage[method]('', 'sub', { storage: side }), method).rejects.toMatchObject(refused)
        await expect(storage[method]('', 'sub/in', { storage: side }), method).rejects.toMatchObject(refused)
      }
      for (const work of [migrate, sync]) {
        await expect(work(storage, side), work.name).rejects.toMatchObject(refused)
        await expect(work(side, storage), work.name).rejects.toMatchObject(refused)
        await expect(work(side, storage, { sourcePath: 'sub' }), work.name).rejects.toMatchObject(refused)
      }
      // Nothing is changed.
      expect((await compare(storage, side, { targetPath: 'sub' })).equal).toBe(1)
      // Another folder is another place.
      expect(await storage.copyAll('', 'other', { storage: side, overwrite: true })).toEqual({ copied: 2, errors: [] })
      expect((await sync(storage, side, { targetPath: 'third' })).failed).toBe(0)
    }
    expect(await filesIn(storage)).toEqual({ a: 'old', b: 'new' })
  })
})

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

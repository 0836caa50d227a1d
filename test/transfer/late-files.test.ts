/** Deletions by `sync` while an application stores files in both places. */
import { expect, it } from 'vitest'
import { sync } from '../../src/transfer/index.ts'
import { type Changes, changedStorage, filesIn, fill } from './support.ts'

it('keeps a file that is stored in both places between the two listings, and asks for no old one', async () => {
  const { promise: listed, resolve: hasListed } = Promise.withResolvers<void>()
  const { promise: stored, resolve: hasStored } = Promise.withResolvers<void>()
  const asked: string[] = []
  const after: Changes = driver => ({
    list: async (...given) => {
      const page = await driver.list(...given)
      hasListed()
      return page
    },
    stat: (key, ...given) => {
      asked.push(key)
      return driver.stat(key, ...given)
    },
  })
  const before: Changes = driver => ({
    list: async (...given) => {
      await stored
      return driver.list(...given)
    },
  })
  const [source, target] = [changedStorage(after), changedStorage(before)]
  await fill(source, { a: 'a', b: 'b' })
  await fill(target, { old: 'x', recent: 'x' })
  await target.setModifiedTime('old', new Date(Date.now() - 3_600_000))
  asked.length = 0
  const synced = sync(source, target, { delete: true, maxDelete: 100 })
  await listed
  for (const storage of [source, target]) await storage.save('new', 'new')
  hasStored()
  const { deleted, extra, inSync } = await synced
  expect({ deleted, extra, inSync }).toEqual({ deleted: 2, extra: 0, inSync: true })
  expect(await filesIn(target)).toEqual({ a: 'a', b: 'b', new: 'new' })
  expect(asked).toContain('recent')
  expect(asked).not.toContain('old')
})

/** Deletions while an application stores files in both places. */
import { expect, it } from 'vitest'
import { migrate } from '../../../src/transfer/index.ts'
import { type Changes, changedStorage, filesIn, fill, memory } from '../support.ts'

it('keeps a file that is stored in both places between the two listings', async () => {
  let isDeleting = false
  const { promise: listed, resolve: hasListed } = Promise.withResolvers<void>()
  const { promise: stored, resolve: hasStored } = Promise.withResolvers<void>()
  const after: Changes = driver => ({
    list: async (...given) => {
      const page = await driver.list(...given)
      if (isDeleting) hasListed()
      return page
    },
  })
  const before: Changes = driver => ({
    list: async (...given) => {
      if (isDeleting) await stored
      return driver.list(...given)
    },
  })
  const [source, target] = [changedStorage(after), changedStorage(before)]
  await fill(source, { a: 'a', b: 'b' })
  await fill(target, { old: 'x', 'z/old': 'x' })
  const migrated = migrate(source, target, {
    delete: true,
    maxDelete: 100,
    onEvent: event => {
      isDeleting ||= event.type === 'pass' && event.pass === 'delete'
    },
  })
  await listed
  for (const storage of [source, target]) await storage.save('new', 'new')
  hasStored()
  const { counts, isDone } = await migrated
  expect({ deleted: counts.deleted, isDone }).toEqual({ deleted: 2, isDone: true })
  expect(await filesIn(target)).toEqual({ a: 'a', b: 'b', new: 'new' })
})

it('asks the source only for recent files', async () => {
  const asked: string[] = []
  const source = changedStorage(driver => ({
    stat: (key, ...given) => {
      asked.push(key)
      return driver.stat(key, ...given)
    },
  }))
  const target = memory()
  await fill(source, { a: 'a' })
  await fill(target, { old: 'x', recent: 'x' })
  await target.setModifiedTime('old', new Date(Date.now() - 3_600_000))
  const { counts } = await migrate(source, target, { delete: true, maxDelete: 100 })
  expect(counts.deleted).toBe(2)
  expect(asked).toContain('recent')
  expect(asked).not.toContain('old')
  expect(await filesIn(target)).toEqual({ a: 'a' })
})

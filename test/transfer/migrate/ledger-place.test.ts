import { access, mkdtemp, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, describe, expect, it } from 'vitest'
import { LocalStorage } from '../../../src/backends/local/index.ts'
import { migrate, retryFailures } from '../../../src/transfer/index.ts'
import { SqliteLedger } from '../../../src/transfer/migrate/ledger.ts'
import { LedgerLock } from '../../../src/transfer/migrate/sqlite.ts'
import { changedStorage, filesIn, fill, memory, NOWHERE } from '../support.ts'

const folder = await mkdtemp(join(tmpdir(), 'holdall-ledger-place-'))
afterAll(() => rm(folder, { recursive: true }))

describe('the place of a ledger', () => {
  it('is not in the source or the target, unless it is excluded there', async () => {
    const location = join(folder, 'place')
    const local = new LocalStorage({ location }, NOWHERE)
    await fill(local, { a: 'a' })
    await symlink(location, join(folder, 'link'))
    for (const path of [join(location, 'ledger.sqlite'), join(folder, 'link', 'sub', 'ledger.sqlite')]) {
      const source = expect(migrate(local, memory(), { ledger: path })).rejects
      await source.toMatchObject({ code: 'invalid_argument', message: expect.stringMatching(/lies in the source\./) })
      const target = expect(migrate(memory(), local, { ledger: path, delete: true, allowEmptySource: true })).rejects
      await target.toMatchObject({ code: 'invalid_argument', message: expect.stringMatching(/lies in the target\./) })
    }
    await expect(access(join(location, 'ledger.sqlite'))).rejects.toThrow('ENOENT')

    const target = memory()
    const ledger = join(location, 'ledger.sqlite')
    const report = await migrate(local, target, { ledger, exclude: ['ledger.sqlite*'] })
    expect(report).toMatchObject({ isDone: true, counts: { copied: 1 } })
    expect(await filesIn(target)).toEqual({ a: 'a' })
    expect(await retryFailures(local, target, { ledger })).toMatchObject({ isDone: true })
  })

  it('has one lock, also under another name', async () => {
    const ledger = join(folder, 'ledger.sqlite')
    const other = join(folder, 'other.sqlite')
    const [source, target] = [memory(), memory()]
    await fill(source, { a: 'a' })
    await migrate(source, target, { ledger })
    await symlink(ledger, other)
    const lock = LedgerLock.take(ledger)
    try {
      await expect(migrate(source, target, { ledger: other })).rejects.toMatchObject({ code: 'exists' })
    } finally {
      lock.release()
    }
    await migrate(source, target, { ledger: other })
  })
})

describe('without a ledger', () => {
  it('nothing is stored of files that are done, and the target is not asked for their states', async () => {
    const source = memory()
    await fill(source, Object.fromEntries(Array.from({ length: 20 }, (_, at) => [`file ${at}`, 'text'])))
    const stats: string[] = []
    const target = changedStorage(driver => ({
      stat: (key, ...rest) => {
        stats.push(key)
        return driver.stat(key, ...rest)
      },
    }))
    expect(await migrate(source, target)).toMatchObject({ isDone: true, counts: { copied: 20 } })
    expect(stats).toEqual([])
    const ledger = SqliteLedger.open()
    expect(ledger.hasStates).toBe(false)
    ledger.close()
  })
})

describe('a second run with other names', () => {
  it('does not copy what failed before and is excluded now', async () => {
    const source = memory()
    await fill(source, { 'a.tmp': 'a', b: 'b' })
    let isBroken = true
    const target = changedStorage(driver => ({
      async write(key, ...rest) {
        if (isBroken && key === 'a.tmp') throw new Error('broken')
        return driver.write(key, ...rest)
      },
    }))
    const ledger = join(folder, 'excluded.sqlite')
    expect(await migrate(source, target, { ledger })).toMatchObject({ state: 'failed', counts: { failed: 1 } })
    isBroken = false
    const report = await migrate(source, target, { ledger, exclude: ['*.tmp'] })
    expect(report).toMatchObject({ state: 'done', isDone: true, counts: { failed: 0 } })
    expect(await filesIn(target)).toEqual({ b: 'b' })
    const database = new DatabaseSync(ledger, { readOnly: true })
    expect(database.prepare('SELECT count(*) number FROM failures').get()).toEqual({ number: 0 })
    database.close()
  })

  it('retryFailures refuses options that the run has decided', async () => {
    const ledger = join(folder, 'excluded.sqlite')
    for (const option of [{ dryRun: true }, { delete: true }, { verify: 'full' }, { include: ['*'] }]) {
      const work = retryFailures(memory(), memory(), { ledger, ...option } as never)
      await expect(work).rejects.toMatchObject({ message: expect.stringContaining(Object.keys(option)[0]!) })
    }
  })
})

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { LocalStorage } from '../../../src/backends/local/index.ts'
import { StorageError } from '../../../src/core/errors.ts'
import { migrate, retryFailures } from '../../../src/transfer/index.ts'
import { changedStorage, fill, memory, NOWHERE } from '../support.ts'

const folder = await mkdtemp(join(tmpdir(), 'holdall-failing-files-'))
afterAll(() => rm(folder, { recursive: true }))

const files = Object.fromEntries(
  Array.from({ length: 100 }, (_, at) => [`file ${String(at).padStart(3, '0')}`, 'text']),
)

describe('many files that fail for their own reasons', () => {
  it('do not end the run when they are tried again, one after the other', async () => {
    const source = memory()
    await fill(source, files)
    for (const code of ['permission_denied', 'unavailable', 'unknown'] as const) {
      let isBroken = true
      // Every fourth one, so that there are others between them in the listing.
      const target = changedStorage(driver => ({
        async write(key, ...rest) {
          if (isBroken && Number(key.slice(5)) % 4 === 0) throw new StorageError(code, 'not this one')
          return driver.write(key, ...rest)
        },
      }))
      const ledger = join(folder, `${code}.sqlite`)
      const report = await migrate(source, target, { ledger })
      expect(report).toMatchObject({
        state: 'failed',
        pass: 'verify',
        counts: { copied: 75, failed: 25, verified: 100 },
      })
      expect(await retryFailures(source, target, { ledger })).toMatchObject({ counts: { failed: 25 } })
      isBroken = false
      expect(await retryFailures(source, target, { ledger })).toMatchObject({ isDone: true, counts: { failed: 0 } })
    }
  })

  it('do not end the run where a user may not read a whole folder of this machine', async () => {
    const { driver } = new LocalStorage({ location: join(folder, 'source') }, NOWHERE).calls
    const isDenied = (key: string): boolean => key.includes('private')
    const denied = (key: string): never => {
      throw Object.assign(new Error(`EACCES: permission denied, open '${key}'`), { code: 'EACCES', errno: -13 })
    }
    const changed = new Proxy(driver, {
      get(target, property) {
        const value = Reflect.get(target, property)
        if (typeof value !== 'function') return value
        if (property !== 'read' && property !== 'localPath') return value.bind(target)
        const call = (key: string, ...rest: unknown[]) =>
          isDenied(key) ? denied(key) : value.call(target, key, ...rest)
        return property === 'read' ? async (...parameters: [string]) => call(...parameters) : call
      },
    })
    const source = new LocalStorage({ location: join(folder, 'source') }, { ...NOWHERE, driver: changed })
    const plain = new LocalStorage({ location: join(folder, 'source') }, NOWHERE)
    for (const name of Object.keys(files)) await plain.save(`private/${name}`, 'secret')
    await fill(plain, { a: 'a', z: 'z' })
    const report = await migrate(source, memory())
    expect(report).toMatchObject({ state: 'failed', counts: { copied: 2, failed: 100 } })
    expect(report.failures).toEqual({ permission_denied: 100 })
  })

  it('a file whose time lies in the future is copied once', async () => {
    const own = new LocalStorage({ location: join(folder, 'future') }, NOWHERE)
    await fill(own, { a: 'a' })
    await own.setModifiedTime('a', new Date(Date.now() + 10 * 365 * 86_400_000))
    const ledger = join(folder, 'future.sqlite')
    const target = memory()
    expect(await migrate(own, target, { ledger })).toMatchObject({ isDone: true, counts: { copied: 1 } })
    expect(await migrate(own, target, { ledger })).toMatchObject({ isDone: true, counts: { copied: 0, unchanged: 1 } })
    await own.save('a', 'b', { overwrite: true })
    expect(await migrate(own, target, { ledger })).toMatchObject({ isDone: true, counts: { copied: 1 } })
  })

  it('but a service that refuses every file ends it', async () => {
    const source = memory()
    await fill(source, files)
    const target = changedStorage(() => ({
      async write() {
        throw new StorageError('permission_denied', 'no file at all')
      },
    }))
    const ledger = join(folder, 'all.sqlite')
    const work = migrate(source, target, { ledger, concurrency: 1 })
    await expect(work).rejects.toThrow('no file at all')
  })
})

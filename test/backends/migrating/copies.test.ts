/** Copies after reads: what goes along, and what happens to the file meanwhile. */
import { buffer } from 'node:stream/consumers'
import { setImmediate } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import type { MemoryStorage } from '../../../src/backends/memory/index.ts'
import { MigratingStorage } from '../../../src/backends/migrating/index.ts'
import { never } from '../../../src/core/abort.ts'
import { bytesContent } from '../../../src/core/content.ts'
import type { Driver, Visibility } from '../../../src/core/driver.ts'
import { StorageError } from '../../../src/core/errors.ts'
import { type Changes, changedStorage, filesIn } from '../../transfer/support.ts'
import { type Mode, NOWHERE } from './support.ts'

/** Access rules for single files; new files are private. */
const rules: Changes = driver => {
  const found = new Map<string, Visibility>()
  return {
    visibility: async (key, ctx) => {
      await driver.stat(key, ctx)
      return found.get(key) ?? 'private'
    },
    setVisibility: async (key, visibility, ctx) => {
      await driver.stat(key, ctx)
      found.set(key, visibility)
    },
  }
}

function pair(mode: Mode = { copyOnRead: true }, changes: { from?: Changes; to?: Changes } = {}) {
  const [from, to] = [changes.from, changes.to].map(each =>
    changedStorage(driver => ({ ...rules(driver), ...each?.(driver) })),
  )
  return { from: from!, to: to!, storage: new MigratingStorage({ ...mode, from: from!, to: to! }, NOWHERE) }
}

/** A driver that stores the bytes although the call was aborted, as a server does that has received all of them. */
function slow() {
  const { promise: opened, resolve: open } = Promise.withResolvers<void>()
  const { promise: reached, resolve: reach } = Promise.withResolvers<void>()
  const changes: Changes = driver => ({
    write: async (key, content, options, ctx) => {
      const stored = (async () => {
        const bytes = await buffer(content.open())
        reach()
        await opened
        return driver.write(key, bytesContent(bytes), options, { ...ctx, signal: never() })
      })()
      const { promise: aborted, reject } = Promise.withResolvers<never>()
      ctx.signal.addEventListener('abort', () => reject(ctx.signal.reason))
      return Promise.race([stored, aborted])
    },
  })
  return { changes, open, reached }
}

/** A driver without etags, as that of SFTP. */
const plain: Changes = driver => {
  const without = <T extends { etag?: unknown }>({ etag: _, ...stat }: T): T => stat as T
  return {
    features: { ...driver.features, ifMatch: false, deleteIfMatch: false },
    write: async (...given) => without((await driver.write(...given))!),
    stat: async (...given) => without(await driver.stat(...given)),
  }
}

describe('a copy carries', () => {
  const time = new Date('2001-02-03T04:05:06Z')
  const filled = async (from: MemoryStorage): Promise<void> => {
    for (const name of ['open', 'closed']) await from.save(name, name)
    await from.setVisibility('open', 'public')
    await from.setVisibility('closed', 'private')
    for (const name of ['open', 'closed']) await from.setModifiedTime(name, time)
  }

  it('the modification time and the visibility, after a read and by hand', async () => {
    for (const copyOnRead of [true, false]) {
      const { from, to, storage } = pair({ copyOnRead })
      await filled(from)
      for (const name of ['open', 'closed']) await (copyOnRead ? storage.readText(name) : storage.bring(name))
      await storage.whenCopied()
      expect(await Promise.all(['open', 'closed'].map(name => to.visibility(name)))).toEqual(['public', 'private'])
      expect((await to.stat('open')).modifiedAt).toEqual(time)
      expect((await to.stat('closed')).modifiedAt).toEqual(time)
      expect(storage.lateCopies.failed).toBe(0)
    }
  })

  it('what the storages have and allow', async () => {
    const denied = (): Promise<never> => Promise.reject(new StorageError('permission_denied', 'no'))
    for (const changes of [
      { from: () => ({ visibility: denied }) },
      { to: () => ({ setVisibility: denied }) },
      { to: () => ({ visibility: undefined, setVisibility: undefined }) },
      { from: () => ({ visibility: undefined, setVisibility: undefined }) },
    ] as const) {
      const { from, to, storage } = pair(undefined, changes)
      for (const name of ['a', 'b']) await from.save(name, name)
      await from.setModifiedTime('a', time)
      await storage.readText('a')
      await storage.bring('b')
      await storage.whenCopied()
      expect(await filesIn(to)).toEqual({ a: 'a', b: 'b' })
      expect((await to.stat('a')).modifiedAt).toEqual(time)
      expect(storage.lateCopies).toEqual({ copied: 1, failed: 0, pending: 0 })
    }
    const untimed = pair(undefined, { to: () => ({ setModifiedAt: undefined }) })
    await untimed.from.save('a', 'a')
    await untimed.storage.bring('a')
    expect(await filesIn(untimed.to)).toEqual({ a: 'a' })
  })

  it('all or nothing: one whose visibility could not be set is removed, and tried again', async () => {
    let fails = true
    const to: Changes = driver => {
      const own = rules(driver)
      return {
        ...own,
        setVisibility: async (...given: Parameters<NonNullable<Driver['setVisibility']>>) => {
          if (fails) throw new StorageError('unavailable', 'it is broken')
          return own.setVisibility!(...given)
        },
      }
    }
    const { from, to: target, storage } = pair(undefined, { to })
    await filled(from)
    const read = async (): Promise<void> => {
      for (const name of ['open', 'closed']) expect(await storage.readText(name)).toBe(name)
      await storage.whenCopied()
    }
    await read()
    expect(storage.lateCopies).toEqual({ copied: 1, failed: 1, pending: 0 })
    expect(Object.keys(await filesIn(target))).toHaveLength(1)
    fails = false
    await read()
    expect(await Promise.all(['open', 'closed'].map(name => target.visibility(name)))).toEqual(['public', 'private'])
  })
})

describe('while a file is copied', () => {
  it('a deletion waits for a write that the storage may carry out although it is aborted', async () => {
    const writes = slow()
    const { from, to, storage } = pair(undefined, { to: writes.changes })
    await from.save('a', 'old')
    await storage.readText('a')
    await writes.reached
    const deleted = storage.delete('a')
    for (let turns = 0; turns < 20; turns++) await setImmediate()
    writes.open()
    await deleted
    await storage.whenCopied()
    for (let turns = 0; turns < 20; turns++) await setImmediate()
    expect(await filesIn(to)).toEqual({})
    expect(await storage.exists('a')).toBe(false)
  })

  it('a deletion and a call by hand that are aborted do not wait', async () => {
    const writes = slow()
    const { from, storage } = pair(undefined, { to: writes.changes })
    await from.save('a', 'old')
    await storage.readText('a')
    await writes.reached
    for (const call of ['delete', 'bring'] as const) {
      const controller = new AbortController()
      const result = storage[call]('a', { signal: controller.signal })
      await setImmediate()
      controller.abort()
      await expect(result, call).rejects.toMatchObject({ code: 'aborted' })
    }
    await expect(storage.deleteMany(['a'], { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'aborted' })
    writes.open()
    await storage.whenCopied()
    expect(await filesIn(from)).toEqual({ a: 'old' })
  })

  it('its etag stays valid for a save', async () => {
    for (const write of ['to', 'both'] as const) {
      const writes = slow()
      let copied: ReturnType<Driver['write']> | undefined
      const to: Changes = driver => ({
        write: async (...given: Parameters<Driver['write']>) => {
          if (copied === undefined) return (copied = writes.changes(driver).write!(...given))
          // The copy is stored just before the new file.
          await copied
          return driver.write(...given)
        },
      })
      const { from, to: target, storage } = pair({ copyOnRead: true, write }, { to })
      await from.save('a', 'old')
      const { etag } = await storage.stat('a')
      await storage.readText('a')
      await writes.reached
      const saved = storage.save('a', 'new', { ifMatch: etag! })
      for (let turns = 0; turns < 20; turns++) await setImmediate()
      writes.open()
      expect(await saved).toBe('a')
      await storage.whenCopied()
      expect(await filesIn(target)).toEqual({ a: 'new' })
    }
  })

  it('one that is changed or deleted is not brought back, also where the target has no etags', async () => {
    for (const change of ['change', 'delete', 'replace'] as const) {
      const writes = slow()
      let isSlow = true
      const to: Changes = driver => {
        const own = plain(driver)
        return {
          ...own,
          write: (...given: Parameters<Driver['write']>) => {
            const bare = { ...driver, write: own.write! } as Driver
            const write = isSlow ? writes.changes(bare).write! : own.write!
            isSlow = false
            return write(...given)
          },
        }
      }
      const { from, to: target, storage } = pair(undefined, { to })
      await from.save('a', 'old')
      const read = storage.readText('a')
      await writes.reached
      if (change === 'change') await from.save('a', 'changed', { overwrite: true })
      else await from.delete('a')
      if (change === 'replace') await target.save('a', 'newer', { overwrite: true })
      writes.open()
      await read
      await storage.whenCopied()
      expect(await filesIn(target), change).toEqual(change === 'replace' ? { a: 'newer' } : {})
    }
  })
})

it('a name that another process takes is given up, also where the first storage has no etags', async () => {
  let isFirst = true
  const raced: Changes = driver => ({
    write: async (...given: Parameters<Driver['write']>) => {
      const [key, , , ctx] = given
      if (isFirst) await driver.write(key, bytesContent(Buffer.from('theirs')), {}, ctx)
      isFirst = false
      return driver.write(...given)
    },
  })
  const { from, to, storage } = pair({ read: 'to', write: 'both' }, { from: raced, to: plain })
  await expect(storage.save('a', 'mine', { ifAbsent: true })).rejects.toMatchObject({ code: 'exists' })
  expect([await filesIn(from), await filesIn(to)]).toEqual([{ a: 'theirs' }, {}])
})

it('a version that another process copies while it is deleted is reported as not deleted', async () => {
  let copied: (() => Promise<unknown>) | undefined
  const { from, to, storage } = pair(
    {},
    {
      from: driver => ({
        delete: async (...given) => {
          await copied?.()
          return driver.delete(...given)
        },
      }),
    },
  )
  const other = new MigratingStorage({ from, to }, NOWHERE)
  await from.save('a', 'old')
  copied = () => other.bring('a')
  const { etag } = await storage.stat('a')
  await expect(storage.delete('a', { ifMatch: etag! })).rejects.toMatchObject({
    code: 'precondition_failed',
    outcome: 'unknown',
  })
  expect(await storage.readText('a')).toBe('old')
  await storage.delete('a', { ifMatch: (await storage.stat('a')).etag! })
  expect(await storage.exists('a')).toBe(false)
})

it('a newer file keeps its time and its etag, whichever process stores it', async () => {
  const old = new Date('2001-02-03T04:05:06Z')
  for (const isOwn of [true, false]) {
    let saved: Promise<string> | undefined
    let save: (() => Promise<string>) | undefined
    const from: Changes = driver => ({
      stat: async (...given) => {
        const stat = await driver.stat(...given)
        // The copy is stored, and the source is looked up again.
        if (save !== undefined && (await to.exists('a'))) {
          saved ??= save()
          for (let turns = 0; turns < 20; turns++) await setImmediate()
        }
        return stat
      },
    })
    const { from: source, to, storage } = pair(undefined, { from })
    const other = new MigratingStorage({ from: source, to }, NOWHERE)
    await source.save('a', 'old')
    await source.setModifiedTime('a', old)
    save = () => (isOwn ? storage : other).save('a', 'new', { overwrite: true })
    await storage.readText('a')
    await storage.whenCopied()
    expect(await saved).toBe('a')
    expect(await filesIn(to)).toEqual({ a: 'new' })
    expect((await to.stat('a')).modifiedAt).not.toEqual(old)
  }
})

it('an option that is undefined has its default', () => {
  const from = changedStorage(() => ({}))
  const to = changedStorage(() => ({}), { fileOverwrite: true })
  expect(new MigratingStorage({ from, to, fileOverwrite: undefined }, NOWHERE).options.fileOverwrite).toBe(true)
})

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { LocalStorage } from '../../../src/backends/local/index.ts'
import type { Visibility } from '../../../src/core/driver.ts'
import { StorageError } from '../../../src/core/errors.ts'
import { CarriedAttributes } from '../../../src/storage/carried-attributes.ts'
import type { AnyStorage } from '../../../src/storage/storage.ts'
import type { Entry } from '../../../src/storage/types.ts'
import { leftBehind } from '../../../src/transfer/migrate/left-behind.ts'
import type { LeftBehind } from '../../../src/transfer/migrate/types.ts'
import { changedStorage, memory, NOWHERE } from '../support.ts'

const { signal } = new AbortController()
const OLD = new Date('2001-02-03T04:05:06.789Z')
const ALL = { times: true, visibility: true }

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'holdall-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

/** A storage in memory with visibility, that counts the calls about it. */
function seen(standard: Visibility, changes: Record<string, unknown> = {}) {
  const set = new Map<string, Visibility>()
  const calls: string[] = []
  const storage = changedStorage(driver => ({
    async visibility(key, ctx) {
      calls.push(`get ${key}`)
      await driver.stat(key, ctx)
      return set.get(key) ?? standard
    },
    async setVisibility(key, visibility) {
      calls.push(`set ${key} ${visibility}`)
      set.set(key, visibility)
    },
    ...changes,
  }))
  return { storage, calls }
}

async function entryIn(storage: AnyStorage, name: string): Promise<Entry> {
  await storage.save(name, 'bytes', { overwrite: true })
  return storage.stat(name)
}

describe('leftBehind', () => {
  it('names the attributes of one side only, and the side that lacks them', () => {
    const plain = new LocalStorage({ location: folder, keepMetadata: false }, NOWHERE)
    const texts = (found: readonly LeftBehind[]) => found.map(({ attribute, lackedBy }) => `${attribute} ${lackedBy}`)
    expect(texts(leftBehind(memory(), plain, ALL))).toEqual([
      'contentType target',
      'cacheControl target',
      'metadata target',
    ])
    expect(texts(leftBehind(plain, memory(), ALL))).toEqual([
      'contentType source',
      'cacheControl source',
      'metadata source',
    ])
    const fixed = changedStorage(() => ({ setModifiedAt: undefined }))
    expect(texts(leftBehind(memory(), fixed, ALL))).toEqual(['modifiedAt target'])
    expect(leftBehind(memory(), fixed, { times: false, visibility: true })).toEqual([])
    const { storage } = seen('private')
    expect(texts(leftBehind(storage, memory(), ALL))).toEqual(['visibility target'])
    expect(texts(leftBehind(memory(), storage, ALL))).toEqual(['visibility source'])
    expect(leftBehind(storage, memory(), { times: true, visibility: false })).toEqual([])
    expect(leftBehind(plain, plain, ALL)).toEqual([])
  })
})

describe('CarriedAttributes', () => {
  it('sets the time of the copied bytes, else that of the listing, else that of the file', async () => {
    const [source, target] = [memory(), memory()]
    const entry = { ...(await entryIn(source, 'a')), modifiedAt: OLD }
    await target.save('a', 'bytes')
    const carried = new CarriedAttributes(source, target, ALL)
    expect(await carried.carry(entry, 'a', signal, new Date(1000))).toBe(true)
    expect(await target.getModifiedTime('a')).toEqual(new Date(1000))
    expect(await carried.carry(entry, 'a', signal)).toBe(true)
    expect(await target.getModifiedTime('a')).toEqual(OLD)
    await source.setModifiedTime('a', new Date(5000))
    await carried.carry({ ...entry, isRoughTime: true }, 'a', signal)
    expect(await target.getModifiedTime('a')).toEqual(new Date(5000))
  })

  it('changes nothing that the plan does not want, or that a side does not have', async () => {
    const { storage: source, calls } = seen('public')
    const { storage: target, calls: atTarget } = seen('private')
    const entry = await entryIn(source, 'a')
    await target.save('a', 'bytes')
    const before = await target.getModifiedTime('a')
    expect(
      await new CarriedAttributes(source, target, { times: false, visibility: false }).carry(entry, 'a', signal),
    ).toBe(false)
    const plain = memory()
    await plain.save('a', 'bytes')
    await new CarriedAttributes(source, plain, { times: false, visibility: true }).carry(entry, 'a', signal)
    expect([calls, atTarget, await target.getModifiedTime('a')]).toEqual([[], [], before])
  })

  it('sets the visibility only where it differs from that of new files, which is requested once', async () => {
    const { storage: source } = seen('private')
    const { storage: target, calls } = seen('private')
    const entries: Entry[] = []
    for (const name of ['a', 'b', 'c', 'd']) {
      entries.push(await entryIn(source, name))
      await target.save(name, 'bytes')
    }
    await source.setVisibility('b', 'public')
    const carried = new CarriedAttributes(source, target, { times: false, visibility: true })
    const results = await Promise.all(entries.map(entry => carried.carry(entry, entry.name, signal)))
    expect(results).toEqual([false, true, false, false])
    expect(calls.toSorted()).toEqual(['get a', 'set b public'])
  })

  it('an error about one file does not concern those that waited for the same answer', async () => {
    const { storage: source } = seen('public')
    const { storage: target, calls } = seen('private')
    const entries = [await entryIn(source, 'gone'), await entryIn(source, 'b')]
    await target.save('b', 'bytes')
    const carried = new CarriedAttributes(source, target, { times: false, visibility: true })
    const [gone, kept] = await Promise.allSettled(entries.map(entry => carried.carry(entry, entry.name, signal)))
    expect(gone).toMatchObject({ status: 'rejected', reason: { code: 'not_found', fileName: 'gone' } })
    expect(kept).toEqual({ status: 'fulfilled', value: true })
    expect(calls).toContain('set b public')
  })

  it.each([
    ['visibility', 'source'],
    ['visibility', 'target'],
    ['setVisibility', 'target'],
  ] as const)('a %s that the %s does not support fails no file, and is reported once', async (method, side) => {
    let asked = 0
    const broken = {
      [method]: async () => {
        asked++
        throw new StorageError('unsupported', 'The bucket has no ACLs.')
      },
    }
    const { storage: source } = seen('public', side === 'source' ? broken : {})
    const { storage: target } = seen('private', side === 'target' ? broken : {})
    const reports: LeftBehind[] = []
    const carried = new CarriedAttributes(source, target, { ...ALL, onLeftBehind: left => void reports.push(left) })
    for (const name of ['a', 'b', 'c']) {
      const entry = await entryIn(source, name)
      await target.save(name, 'bytes')
      expect(await carried.carry(entry, name, signal, OLD)).toBe(true)
      expect(await target.getModifiedTime(name)).toEqual(OLD)
    }
    expect([asked, reports]).toEqual([1, [{ attribute: 'visibility', lackedBy: side }]])
  })

  it('a side that forbids it fails the file, and the message has the remedy', async () => {
    const denied = async () => {
      throw new StorageError('permission_denied', 'Access Denied')
    }
    const { storage: source } = seen('public', { visibility: denied })
    const { storage: target } = seen('private')
    const entry = await entryIn(source, 'a')
    const carried = new CarriedAttributes(source, target, ALL)
    await expect(carried.carry(entry, 'a', signal)).rejects.toMatchObject({
      code: 'permission_denied',
      fileName: 'a',
      message: expect.stringContaining('turn visibility off'),
    })
  })

  it('a server that sets no times is asked once; a time that it cannot express concerns one file', async () => {
    let asked = 0
    const source = memory()
    const target = changedStorage(driver => ({
      async setModifiedAt(key, time, ctx) {
        asked++
        if (+time < 0) throw new StorageError('invalid_argument', 'It has only times after 1970.')
        if (+time > 10_000) throw new StorageError('unsupported', 'It sets no times.')
        return driver.setModifiedAt!(key, time, ctx)
      },
    }))
    const entry = await entryIn(source, 'a')
    await target.save('a', 'bytes')
    const reports: LeftBehind[] = []
    const carried = new CarriedAttributes(source, target, { ...ALL, onLeftBehind: left => void reports.push(left) })
    expect(await carried.carry(entry, 'a', signal, new Date(-1))).toBe(false)
    expect(await carried.carry(entry, 'a', signal, new Date(9000))).toBe(true)
    expect(await carried.carry(entry, 'a', signal, OLD)).toBe(false)
    expect(await carried.carry(entry, 'a', signal, new Date(9000))).toBe(false)
    expect([asked, reports]).toEqual([3, [{ attribute: 'modifiedAt', lackedBy: 'target' }]])
  })

  it('catches up on a file that the target has: its time, and its visibility where that is wanted', async () => {
    const { storage: source, calls: atSource } = seen('public')
    const { storage: target, calls } = seen('private')
    await entryIn(source, 'a')
    await source.setModifiedTime('a', OLD)
    const entry = await source.stat('a')
    const found = await entryIn(target, 'a')
    const carried = new CarriedAttributes(source, target, ALL)
    expect(await carried.catchUp(entry, found, { visibility: false, signal })).toBe(true)
    expect([await target.getModifiedTime('a'), atSource, calls]).toEqual([OLD, [], []])
    expect(await carried.catchUp(entry, await target.stat('a'), { visibility: false, signal })).toBe(false)
    expect(await carried.catchUp(entry, await target.stat('a'), { visibility: true, signal })).toBe(true)
    expect(calls).toEqual(['get a', 'set a public'])
    expect(await carried.catchUp(entry, await target.stat('a'), { visibility: true, signal })).toBe(false)
  })
})

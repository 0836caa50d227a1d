import { expect, it } from 'vitest'
import { StorageError } from '../../src/core/errors.ts'
import { lookUpRange } from '../../src/fleet/lookup.ts'
import { pairsIn, storedPairs } from '../../src/fleet/pages.ts'
import { Database, DatabaseError } from '../../src/fleet/postgres.ts'
import { Slots } from '../../src/fleet/slots.ts'
import { nextStage, type StageEnd } from '../../src/fleet/stages.ts'
import { escaped, unescaped } from '../../src/fleet/texts.ts'
import { keptKey, listedEntry } from '../../src/storage/entry-keys.ts'
import { Places } from '../../src/transfer/places.ts'
import { Side } from '../../src/transfer/side.ts'
import { changedStorage, memory } from '../transfer/support.ts'

const signal = new AbortController().signal

it('stores any text', () => {
  for (const text of ['', 'a\0b', '\ud800', '"\\', '\u{1f600}', "'$$"]) {
    expect(unescaped(escaped(text))).toBe(text)
    expect(escaped(text)).not.toContain('\0')
  }
})

it('stores pairs with what listings have, and with raw keys', async () => {
  const storage = memory()
  const places = await Places.of(storage, memory(), { sourcePath: 'in' }, { signal, isWriting: false, dryRun: true })
  const { source, target } = places
  const entry = {
    name: 'in/a',
    isDirectory: false,
    size: 3,
    modifiedAt: new Date(5),
    etag: 'e',
    checksums: { md5: 'm' },
    isRoughTime: true,
  }
  const odd = listedEntry(storage, { key: 'in//b', size: Number.NaN }, false)
  const clashing = { key: 'c', name: 'c', entry: { name: 'in/c', isDirectory: false, size: 0 }, clash: 'c/d' }
  const pairs = [
    { key: 'a', source: { key: 'a', name: 'a', entry }, target: undefined },
    { key: '/b', source: { key: '/b', name: '/b', entry: odd, odd: 'spelling' as const }, target: undefined },
    { key: 'c', source: clashing, target: { key: 'c', name: 'c', entry: { name: 'c', isDirectory: false, size: 1 } } },
    { key: 'd', source: undefined, target: { key: 'd', name: 'd', entry: { name: 'd', isDirectory: false, size: 1 } } },
  ]
  const restored = pairsIn(storedPairs(pairs, places), places)
  expect(restored).toEqual(pairs)
  expect(keptKey(storage, restored[1]!.source!.entry)).toBe('in//b')
  expect([source.folder, target.folder]).toEqual(['in/', ''])
  places.end()
})

it('looks names up by a listing of their range, and one by one where it has many others', async () => {
  const calls: string[] = []
  const storage = changedStorage(driver => ({
    name: 'other',
    list: (...call) => {
      calls.push('list')
      return driver.list(...call)
    },
    stat: (...call) => {
      calls.push('stat')
      return driver.stat(...call)
    },
  }))
  const names = Array.from({ length: 20 }, (_, index) => `n${String(index).padStart(2, '0')}`)
  for (const name of names) if (name !== 'n07') await storage.save(name, name)
  const side = new Side('target', storage, '')
  const options = { signal, concurrency: 4 }
  calls.length = 0
  const found = async (): Promise<ReadonlyArray<string | undefined>> =>
    (await lookUpRange(side, names, options)).map(item => item?.name)
  const expected = names.map(name => (name === 'n07' ? undefined : name))
  expect(await found()).toEqual(expected)
  expect(calls).toEqual(['list', 'stat', 'stat'])
  for (let index = 0; index < 1100; index++) await storage.save(`n10-${index}`, '')
  calls.length = 0
  expect(await found()).toEqual(expected)
  expect(calls.filter(call => call === 'stat').length).toBe(10)
})

it('shares slots in the order of the requests, and frees those of who stops waiting', async () => {
  const slots = new Slots(1)
  await slots.take(signal)
  const order: string[] = []
  const abort = new AbortController()
  const waiting = [
    slots.take(abort.signal).catch(() => order.push('aborted')),
    slots.take(signal).then(() => order.push('second')),
  ]
  abort.abort()
  await waiting[0]
  slots.free()
  await waiting[1]
  expect(order).toEqual(['aborted', 'second'])
})

it('goes through the stages', () => {
  const end: StageEnd = {
    stage: 'copy',
    round: 0,
    verify: true,
    delete: true,
    retryable: 0,
    differing: 0,
    heldBack: undefined,
    hasLost: false,
  }
  const next = (changes: Partial<StageEnd>): string | undefined => nextStage({ ...end, ...changes })?.stage
  expect(next({})).toBe('verify')
  expect(next({ retryable: 1 })).toBe('retry')
  expect(next({ stage: 'retry', round: 3, retryable: 1 })).toBe('verify')
  expect(next({ verify: false, delete: false })).toBe(undefined)
  expect(next({ stage: 'verify', differing: 1 })).toBe('differences')
  expect(next({ stage: 'differences', round: 1, differing: 1 })).toBe('delete')
  expect(next({ stage: 'verify', heldBack: 'failures' })).toBe(undefined)
  expect(next({ stage: 'verify', delete: false, hasLost: true })).toBe('sweep')
  expect(next({ stage: 'delete', hasLost: true })).toBe('sweep')
  expect(next({ stage: 'sweep', hasLost: true })).toBe(undefined)
  expect(next({ stage: 'again' })).toBe(undefined)
})

it('refuses what is no URL of PostgreSQL, and shows no password', async () => {
  for (const url of ['', 'x', 'http://u:secret@h/', 'postgres://u:secret@h:bad/']) {
    const error = await Database.open(url).then(
      () => undefined,
      (reason: unknown) => reason as StorageError,
    )
    expect(error).toBeInstanceOf(StorageError)
    expect(`${error?.code} ${error?.message} ${String(error?.cause)}`).toMatch(
      /^invalid_argument fleet: expected a URL/,
    )
  }
  const refused = new DatabaseError({ code: '28P01', message: 'no entry for "s3cret"' }, ['s3cret'])
  expect([refused.code, refused.message, refused.sqlState]).toEqual([
    'permission_denied',
    'PostgreSQL: no entry for "***"',
    '28P01',
  ])
})

/** Each command of each call goes wrong in each way: what must come of it, and what must be left. */
import { inspect } from 'node:util'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import type { FtpStorage } from '../../../src/backends/ftp/index.ts'
import { isStorageError, type StorageError } from '../../../src/core/errors.ts'
import { patternBytes } from '../../../src/testing/driver-place.ts'
import type { FtpFault, FtpServerOptions } from '../../servers/ftp.ts'
import { type Place, startPlace, storageFor } from './support.ts'

const ALWAYS = Number.POSITIVE_INFINITY

// Tries follow one another at once.
beforeAll(() => void vi.spyOn(Math, 'random').mockReturnValue(0))
afterAll(() => void vi.restoreAllMocks())

const bytes = patternBytes(100_000)
const old = 'what was there before'

/** A call, and what it gives when all goes well. */
interface Call {
  /** Whether it is the first of its connection, so that the login goes wrong, too. */
  readonly isFirst?: boolean
  /** Whether it may fail when a connection is lost: a stream is not sent again, a move is not made again. */
  readonly isOnce?: boolean
  run(files: FtpStorage): Promise<unknown>
  readonly gives: unknown
  /** Files afterwards, besides those that were there. */
  readonly leaves?: Readonly<Record<string, string | Buffer | undefined>>
}

async function* streamed(): AsyncGenerator<Buffer> {
  yield bytes.subarray(0, 60_000)
  yield bytes.subarray(60_000)
}

const reading: Readonly<Record<string, Call>> = {
  readBytes: { run: files => files.readBytes('folder/large').then(read => read.equals(bytes)), gives: true },
  stat: { isFirst: true, run: files => files.stat('folder/a').then(({ size }) => size), gives: old.length },
  exists: { run: files => files.exists('folder/a'), gives: true },
  'exists of none': { run: files => files.exists('folder/none'), gives: false },
  listdir: { run: files => files.listdir('folder'), gives: [['below'], ['a', 'large']] },
}

const writing: Readonly<Record<string, Call>> = {
  'save over': {
    run: files => files.save('folder/a', bytes, { overwrite: true }),
    gives: 'folder/a',
    leaves: { 'folder/a': bytes },
  },
  'save a new file': {
    run: files => files.save('new folder/b', bytes, { overwrite: true }),
    gives: 'new folder/b',
    leaves: { 'new folder/b': bytes },
  },
  'save a stream over': {
    isOnce: true,
    run: files => files.save('folder/a', streamed(), { overwrite: true }),
    gives: 'folder/a',
    leaves: { 'folder/a': bytes },
  },
  move: {
    isOnce: true,
    run: files => files.move('folder/a', 'folder/b'),
    gives: 'folder/b',
    leaves: { 'folder/a': undefined, 'folder/b': old },
  },
  delete: { run: files => files.delete('folder/a'), gives: undefined, leaves: { 'folder/a': undefined } },
}

const calls = { ...reading, ...writing }

interface Wrong {
  readonly fault: FtpFault
  /** Whether a call that can be made again succeeds at its second try. */
  readonly passes: boolean
}

const faults: Readonly<Record<string, Wrong>> = {
  'lost before': { fault: { do: 'drop' }, passes: true },
  'lost after': { fault: { do: 'drop', at: 'after' }, passes: true },
  '421': { fault: { do: 'refuse', status: 421, body: 'Timeout.', reset: 'after' }, passes: true },
  '550': { fault: { do: 'refuse', status: 550 }, passes: false },
}

/** More of them, for calls that have most of the commands. */
const more: Readonly<Record<string, Wrong>> = {
  ...faults,
  'closed after its reply': { fault: { do: 'close' }, passes: true },
  garbage: { fault: { do: 'garbage' }, passes: true },
  '425': { fault: { do: 'refuse', status: 425 }, passes: false },
  '450': { fault: { do: 'refuse', status: 450 }, passes: false },
  '500': { fault: { do: 'refuse', status: 500 }, passes: false },
}

async function prepared(manners: FtpServerOptions): Promise<Place> {
  const place = await startPlace(manners, { maxAttempts: 2 })
  place.server.put('folder/a', old)
  place.server.put('folder/large', bytes)
  place.server.put('folder/below/c', old)
  return place
}

function stored(place: Place, name: string): string | undefined {
  return place.server.read(name)?.toString('latin1')
}

function wanted(content: string | Buffer | undefined): string | undefined {
  return content === undefined || typeof content === 'string' ? content : content.toString('latin1')
}

/** What is wrong after a call whose so-and-so-manieth command went wrong. */
async function complaints(
  manners: FtpServerOptions,
  call: Call,
  step: number,
  { fault, passes }: Wrong,
): Promise<{ said: string[]; isHit: boolean }> {
  await using place = await prepared(manners)
  if (!call.isFirst) await place.files.exists('folder/below/c')
  const before = Object.fromEntries(Object.keys(call.leaves ?? {}).map(name => [name, stored(place, name)]))
  let count = 0
  let hit: string | undefined
  const match = (): boolean => {
    count++
    if (count !== step) return false
    const { verb, argument } = place.server.log.at(-1)!
    hit = `${verb} ${argument}`
    return true
  }
  place.server.faults.add({ match, fault })
  let value: unknown
  let error: StorageError | undefined
  try {
    value = await call.run(place.files)
  } catch (failure) {
    if (!isStorageError(failure)) throw failure
    error = failure
  }
  if (hit === undefined) return { said: [], isHit: false }
  const said: string[] = []
  const isLogin = /^(USER|PASS|TYPE|PROT|PBSZ)/.test(hit)
  if (error === undefined && !isEqual(value, call.gives)) said.push(`it gave ${inspect(value)}`)
  if (error !== undefined && passes && !call.isOnce) said.push(`it failed: ${error.code} ${error.message}`)
  if (error?.code === 'not_found') said.push('it says that a file is missing')
  if (error?.code === 'unknown' && !isLogin) said.push(`unknown: ${error.message}`)
  const isDone = (name: string): boolean => stored(place, name) === wanted(call.leaves?.[name])
  const names = Object.keys(call.leaves ?? {})
  for (const name of names) {
    if (error === undefined && !isDone(name)) said.push(`${name} has ${stored(place, name)?.length}`)
    if (!isDone(name) && stored(place, name) !== before[name]) said.push(`${name} is neither old nor new`)
  }
  if (error?.outcome === 'not_applied' && names.length > 0 && names.every(isDone) && fault.do !== 'refuse') {
    said.push('it denies what was done')
  }
  // The next call works, and after it nothing is left of the last one.
  place.server.faults.clear()
  const next = await place.files.listdir('folder/below').catch(String)
  if (!isEqual(next, [[], ['c']])) said.push(`the next call gave ${inspect(next)}`)
  const odd = place.server.files().filter(file => file.includes('.holdall'))
  if (odd.length > 0) said.push(`left: ${odd}`)
  return { said: said.map(text => `${hit} (${step}): ${text}`), isHit: true }
}

function isEqual(a: unknown, b: unknown): boolean {
  return inspect(a, { depth: 9 }) === inspect(b, { depth: 9 })
}

describe.each([
  ['MLSD', {}, calls],
  [
    'LIST, by a server that says little',
    { without: ['MLST', 'MLSD'], terse: true },
    { ...reading, 'save over': writing['save over']! },
  ],
] as const)('over %s', (title, manners, calls) => {
  describe.each(Object.entries(calls))('%s', (_name, call: Call) => {
    const all = title === 'MLSD' && (call.isFirst || call === writing['save over']) ? more : faults
    test.each(Object.entries(all))('%s', async (_title, wrong) => {
      const said: string[] = []
      for (let step = 1; ; step++) {
        const result = await complaints(manners, call, step, wrong)
        if (!result.isHit) break
        said.push(...result.said)
        expect(step).toBeLessThan(60)
      }
      expect(said).toEqual([])
    })
  })
})

describe('a refused transfer that closes the connection is told apart from a lost one', () => {
  test.each([
    ['the data connection is reset', { refusedData: 'reset' }, undefined],
    ['the control connection, too', { refusedData: 'reset' }, 'after'],
    ['the data connection is closed', { refusedData: 'closed' }, undefined],
  ] as const)('%s', async (_title, manners, reset) => {
    await using place = await startPlace({ ...manners, without: ['MLST', 'MLSD'] }, { poolSize: 1, maxAttempts: 1 })
    place.server.put('a', 'bytes')
    const fault: FtpFault = { do: 'refuse', status: 550, body: 'Permission denied', ...(reset && { reset }) }
    for (const operation of ['RETR', 'STOR']) place.server.faults.add({ operation, times: ALWAYS, fault })
    await expect(place.files.readText('a')).rejects.toMatchObject({ code: 'permission_denied' })
    await expect(place.files.save('b', 'x')).rejects.toMatchObject({
      code: 'permission_denied',
      outcome: 'not_applied',
    })
    place.server.faults.clear()
    expect(await place.files.readText('a')).toBe('bytes')
    await expect(place.files.readText('none')).rejects.toMatchObject({ code: 'not_found' })
    await place.files.save('b', 'x')
    expect(place.server.files()).toEqual(['a', 'b'])
  })

  test('a connection that is lost before any reply is unavailable, and unknown where a file may have been made', async () => {
    await using place = await startPlace({}, { maxAttempts: 1 })
    place.server.put('a', 'bytes')
    place.server.faults.add({ operation: 'RETR', times: ALWAYS, fault: { do: 'drop' } })
    place.server.faults.add({ operation: 'DELE', times: ALWAYS, fault: { do: 'drop', at: 'after' } })
    await expect(place.files.readText('a')).rejects.toMatchObject({ code: 'unavailable' })
    await expect(place.files.delete('a')).rejects.toMatchObject({ code: 'unavailable', outcome: 'unknown' })
  })
})

describe('a password is in no error', () => {
  const password = 'S3cr:et@p/a%ss'

  /** All that can be seen of an error. */
  const shown = (error: unknown): string => inspect(error, { depth: 9, showHidden: true }) + JSON.stringify(error)

  const ways: readonly (readonly [string, FtpServerOptions, (place: Place) => void])[] = [
    ['a wrong password', { password: 'other' }, () => {}],
    ['a server that repeats it', { password: 'other' }, place => refuse(place, 'PASS', 530, `Wrong: ${password}`)],
    [
      'a server that repeats it encoded',
      { password: 'other' },
      place => refuse(place, 'PASS', 530, `Wrong: ${encodeURIComponent(password)}`),
    ],
    ['a server that repeats it later', {}, place => refuse(place, 'MLST', 550, `${password} is no file`)],
    [
      'a connection lost at PASS',
      {},
      place => place.server.faults.add({ operation: 'PASS', times: ALWAYS, fault: { do: 'drop' } }),
    ],
    [
      'garbage after PASS',
      {},
      place => place.server.faults.add({ operation: 'PASS', times: ALWAYS, fault: { do: 'garbage' } }),
    ],
    ['a server that is full', { maxConnections: 0 }, () => {}],
    ['a server that wants an account', { account: 'sales' }, () => {}],
    ['nobody there', {}, place => void place.server.kill()],
  ]

  const refuse = (place: Place, operation: string, status: number, body: string): void => {
    place.server.faults.add({ operation, times: ALWAYS, fault: { do: 'refuse', status, body } })
  }

  test.each(ways)('%s', async (_title, manners, misbehave) => {
    await using place = await startPlace({ password, ...manners }, { maxAttempts: 1 })
    const location = `ftp://anna:${encodeURIComponent(password)}@127.0.0.1:${place.server.port}/`
    const files = storageFor(place.server, { location, maxAttempts: 1 })
    misbehave(place)
    const errors = await Promise.all(
      [files.exists('a'), files.save('a', 'x'), files.readText('a'), files.listdir('')].map(call =>
        call.then(
          () => undefined,
          error => error,
        ),
      ),
    )
    const told = errors.filter(error => error !== undefined)
    expect(told.length).toBeGreaterThan(0)
    for (const error of told) {
      expect(isStorageError(error)).toBe(true)
      for (const secret of [password, encodeURIComponent(password), encodeURI(password)])
        expect(shown(error)).not.toContain(secret)
    }
    for (const view of [inspect(files, { depth: 9 }), JSON.stringify(files), inspect(files.options), String(files)]) {
      expect(view).not.toContain(encodeURIComponent(password))
    }
    await files.close()
  })
})

/** The page of migrations as requests: where it exists, what it answers, and what becomes of errors of its sources. */
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { MemoryStorage } from '../../src/backends/memory/index.ts'
import { StorageError } from '../../src/core/errors.ts'
import { createStorageBrowser, type MigrationSource } from '../../src/serve/browser/index.ts'
import { fleet, migration } from './migrations.ts'

const NOTHING = { env: {}, settings: {} }

function browser(migrations?: MigrationSource | readonly MigrationSource[]) {
  const errors: unknown[] = []
  const onError = (error: unknown) => {
    errors.push(error)
  }
  const handler = createStorageBrowser({ media: new MemoryStorage({}, NOTHING) }, { migrations, onError })
  const send = (route: string, init?: RequestInit) => handler(new Request(`http://files/${route}`, init))
  const answer = async () => (await (await send('-/migrations')).json()) as Answer
  return { errors, send, answer }
}

interface Answer {
  readonly now: string
  readonly migrations: ReadonlyArray<Record<string, unknown>>
  readonly left: number
  readonly errors: readonly string[]
}

test('the page exists only where there is a source', async () => {
  for (const migrations of [undefined, []]) {
    const { send } = browser(migrations)
    for (const route of ['migrations', '-/migrations', 'migrations/', '-/migrations.html']) {
      expect([route, (await send(route)).status]).toEqual([route, 404])
    }
    expect(await (await send('-/storages')).json()).not.toHaveProperty('migrations')
  }
  const { send } = browser(async () => [])
  expect(await (await send('-/storages')).json()).toMatchObject({ migrations: true })
  const page = await send('migrations')
  expect([page.status, page.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8'])
  expect(page.headers.get('content-security-policy')).toContain("default-src 'none'; script-src 'self'")
  const html = await page.text()
  expect(html).not.toMatch(/<script>|<style|style=|\son\w+=/)
  for (const [, name] of html.matchAll(/(?:src|href)="(-\/[^"]+)"/g)) {
    expect([name, (await send(name!)).status]).toEqual([name, 200])
  }
  expect((await send('-/migrations.html')).status).toBe(404)
  expect((await send('-/migrations', { method: 'POST' })).status).toBe(405)
  // Other sites may link to the page, and read nothing.
  const foreign = { headers: { 'sec-fetch-site': 'cross-site' } }
  expect([(await send('migrations', foreign)).status, (await send('-/migrations', foreign)).status]).toEqual([200, 403])
})

test('migrations are answered with dates as text: running ones first, then the newest', async () => {
  const at = (day: number) => new Date(Date.UTC(2026, 0, day))
  const done = (id: string, day: number) =>
    migration({ id, state: 'done', startedAt: at(day), finishedAt: at(day + 1) })
  const shown = [done('old', 1), done('new', 5), migration({ id: 'broken off', state: 'interrupted' }), fleet()]
  const { answer, errors } = browser(async () => shown)
  const { migrations, now, ...rest } = await answer()
  expect(migrations.map(({ id }) => id)).toEqual(['fleet', 'broken off', 'new', 'old'])
  expect(rest).toEqual({ left: 0, errors: [] })
  expect(Math.abs(Date.parse(now) - Date.now())).toBeLessThan(60_000)
  expect(migrations[0]).toEqual(JSON.parse(JSON.stringify(shown[3])))
  expect(migrations[3]).toMatchObject({ startedAt: '2026-01-01T00:00:00.000Z', finishedAt: '2026-01-02T00:00:00.000Z' })
  expect(errors).toEqual([])
})

test('only what a status has is answered, and a value that cannot be written is left out', async () => {
  const odd = {
    ...migration({ updatedAt: new Date(Number.NaN), etaSecs: Infinity, filesPerSec: Number.NaN }),
    password: 'secret',
  }
  const { answer } = browser(async () => [odd, migration({ id: 'two' })])
  const { migrations } = await answer()
  expect(migrations).toHaveLength(2)
  const shown = migrations.find(({ id }) => id === 'one')
  expect(shown).toBeDefined()
  for (const name of ['password', 'updatedAt', 'etaSecs', 'filesPerSec']) expect(shown).not.toHaveProperty(name)
})

test('the oldest of very many migrations are counted only', async () => {
  const many = Array.from({ length: 130 }, (_, at) =>
    migration({ id: `m${at}`, state: 'done', startedAt: new Date(Date.UTC(2026, 0, 1, 0, at)) }),
  )
  const { migrations, left } = await browser(async () => many).answer()
  expect([migrations.length, left, migrations[0]!['id'], migrations[99]!['id']]).toEqual([100, 30, 'm129', 'm30'])
})

test('a source that fails is named in words without its message, and hides nothing of the others', async () => {
  let failure: Error | undefined = new StorageError('unavailable', 'postgres at 10.0.0.7 refuses')
  const broken: MigrationSource = () => {
    if (failure !== undefined) throw failure
    return Promise.resolve([migration({ id: 'back' })])
  }
  const { answer, errors } = browser([broken, async () => [migration()]])
  for (let times = 0; times < 3; times++) {
    const { migrations, errors: shown } = await answer()
    expect(migrations.map(({ id }) => id)).toEqual(['one'])
    expect(shown).toEqual(['Some migrations cannot be read (unavailable). The server has reported the details.'])
  }
  // It is reported once, not every two seconds; and again after a change.
  expect(errors).toEqual([failure])
  failure = new Error('/srv/secret is no database')
  expect((await answer()).errors).toEqual(['Some migrations cannot be read. The server has reported the details.'])
  const last = failure
  failure = undefined
  expect(await answer()).toMatchObject({ errors: [], migrations: [{ id: 'back' }, { id: 'one' }] })
  failure = last
  await answer()
  expect(errors).toEqual([expect.any(StorageError), last, last])
})

test('a source is called once for all pages that wait, and one that hangs is reported', async () => {
  vi.useFakeTimers()
  try {
    let calls = 0
    const hanging = Promise.withResolvers<[]>()
    const { answer, errors } = browser([
      () => {
        calls++
        return hanging.promise
      },
      async () => [migration()],
    ])
    const waiting = Promise.all([answer(), answer()])
    await vi.advanceTimersByTimeAsync(10_000)
    for (const { migrations, errors: shown } of await waiting) {
      expect([migrations.length, shown[0]]).toEqual([1, expect.stringContaining('(timeout)')])
    }
    const later = answer()
    await vi.advanceTimersByTimeAsync(1)
    hanging.resolve([])
    expect((await later).errors).toEqual([])
    expect([calls, errors.length]).toEqual([1, 1])
    await answer()
    expect(calls).toBe(2)
  } finally {
    vi.useRealTimers()
  }
})

test('an option that is no function is refused by name', () => {
  const migrations = [async () => [], 'postgres://x'] as unknown as MigrationSource[]
  expect(() => browser(migrations)).toThrow(
    expect.objectContaining({ code: 'invalid_argument', message: expect.stringMatching(/migrations: .* got string/) }),
  )
})

test('numbers, durations and shares are short, and never claim more than is done', async () => {
  const file = join(import.meta.dirname, '../../src/serve/browser/page/figures.js')
  const figures = await import(/* @vite-ignore */ file)
  const durations = [
    0,
    0.4,
    8,
    59.6,
    61,
    719,
    3600,
    3659,
    8000,
    86_400,
    275_000,
    86_400 * 412,
    -1,
    Number.NaN,
    undefined,
  ]
  expect(durations.map(figures.durationText)).toEqual([
    '0 s',
    '0 s',
    '8 s',
    '1 min',
    '1 min',
    '12 min',
    '1 h',
    '1 h 1 min',
    '2 h 13 min',
    '1 d',
    '3 d 4 h',
    '412 d',
    '–',
    '–',
    '–',
  ])
  expect([0, 0.99999, 1, undefined].map(figures.percentText)).toEqual(['0.0 %', '99.9 %', '100 %', ''])
  const total = { files: 100_000_000, bytes: 1, isComplete: true }
  const share = (given: object) => figures.shareOf({ ...migration(), ...given })
  expect([
    share({ total, counts: { seen: 25_000_000 } }),
    share({ total, counts: { seen: 100_000_007 } }),
    share({ total: { ...total, files: 0 }, counts: { seen: 0 } }),
    share({ total: { ...total, isComplete: false }, counts: { seen: 5 } }),
    share({ total, pass: 'verify', counts: { seen: 100_000_000, verified: 50_000_000 } }),
    share({ total, pass: 'delete', counts: { seen: 100_000_000, deleted: 5, extra: 9 } }),
    share({ state: 'done', counts: { seen: 5 } }),
    share({ counts: { seen: 5 } }),
  ]).toEqual([0.25, 1, 1, undefined, 0.5, undefined, 1, undefined])
  const now = '2026-01-01T00:10:00Z'
  const seen = ['2026-01-01T00:09:45Z', '2026-01-01T00:08:00Z', '2026-01-01T00:10:05Z', undefined]
  expect(seen.map(seenAt => figures.isStale(now, { seenAt }))).toEqual([false, true, false, true])
})

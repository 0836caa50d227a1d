/** Runs of `collect` that fail, are cut off, or meet one another: what the former manifest names stays readable. (pitfalls sta-7, sta-8) */
import { afterAll, afterEach, describe, expect, test } from 'vitest'
import type { CollectOptions } from '../../src/static/index.ts'
import { seeded } from '../oracles/seeded.ts'
import { entriesOf } from './faults/check.ts'
import { GROUNDS, type Ground } from './faults/ground.ts'
import { changes, collect, collectWell, refusal } from './faults/run.ts'
import { type Sources, siteOf } from './faults/sources.ts'

/** The kinds of run that must be safe. */
const KINDS: Readonly<Record<string, CollectOptions>> = {
  'as it is': {},
  'that removes what is stale': { deleteStale: true, keep: 0 },
  'that keeps one deploy': { deleteStale: true, keep: 1 },
  'that clears the target': { clear: true },
}

const IS_CI = process.env['HOLDALL_TESTS'] === 'full'
/** How often two runs meet at other moments; all of them in CI. */
const SEEDS = IS_CI ? 20 : 1
/** A run ends at each of its calls in memory; elsewhere, where a run takes longer, at every so manyth, unless it is in CI. */
const strideOf = (kind: string): number => (IS_CI || kind === 'memory' ? 1 : 9)

/** The entries that a whole run of these sources makes. */
async function expectedOf(sources: Sources): Promise<Readonly<Record<string, string>>> {
  await using ground = await GROUNDS['memory']!()
  await collectWell(ground.storage, sources)
  return entriesOf(await ground.seen())!
}

const [old, fresh] = [await expectedOf(siteOf(1)), await expectedOf(siteOf(2))]

/** Lets through so many calls and fails all later ones; the one at the limit is carried out first where its answer is to be lost. */
function endAfter(ground: Ground, calls: number, isCarriedOut: boolean): { readonly reached: boolean } {
  let left = calls
  const seen = { reached: false }
  ground.around = async (call, next) => {
    left--
    if (left >= 0) return next()
    seen.reached = true
    if (left === -1 && isCarriedOut) await next()
    throw refusal(call)
  }
  return seen
}

describe.each(Object.keys(GROUNDS))('on %s', kind => {
  // Outside of CI every kind of run is tried in memory, and on the others the one that changes most.
  const kinds = Object.entries(KINDS).filter(([name]) => IS_CI || kind === 'memory' || name.includes('stale'))
  let ground: Ground
  const made = GROUNDS[kind]!().then(one => {
    ground = one
  })
  afterAll(async () => {
    await made
    await ground[Symbol.asyncDispose]()
  })
  afterEach(async () => {
    ground.around = undefined
    await ground.empty()
  })

  test.each([
    ['a plain file', (key: string) => key === 'img/own-2.png'],
    ['a file with a hash in its name', (key: string) => /^img\/logo\.[0-9a-f]{12}\.png$/.test(key)],
    ['a sheet that others import', (key: string) => /^css\/base\.[0-9a-f]{12}\.css$/.test(key)],
  ])(
    '%s that cannot be stored is reported, the others are stored, and the manifest waits for the next run',
    async (_, isIt) => {
      await made
      await collectWell(ground.storage, siteOf(1))
      const before = await ground.seen()
      ground.around = async (call, next) => {
        if (changes(call) && isIt(call.key ?? '')) throw refusal(call)
        return next()
      }
      const { summary, events, thrown } = await collect(ground.storage, siteOf(2))
      expect(thrown).toBeUndefined()
      expect(summary).toMatchObject({ failed: 1 })
      expect(events.filter(({ type }) => type === 'failed')).toMatchObject([{ error: { code: 'permission_denied' } }])
      const after = await ground.seen()
      expect(after.get('staticfiles.json')).toBe(before.get('staticfiles.json'))
      expect(entriesOf(after)).toEqual(old)
      const hashed = Object.values(fresh).filter(stored => !isIt(stored))
      if (_ !== 'a plain file') expect(hashed.filter(stored => !after.has(stored))).toEqual([])
      ground.around = undefined
      await collectWell(ground.storage, siteOf(2))
      expect(entriesOf(await ground.seen())).toEqual(fresh)
    },
  )

  describe.each(kinds)('a run %s', (_, options) => {
    test.each([
      ['', false],
      [' and its answer is lost', true],
    ])(
      'may end at any call%s: the former manifest or the new one is whole, and the next run completes',
      {
        timeout: 120_000,
      },
      async (_, isCarriedOut) => {
        await made
        for (let calls = 0, isOver = false; !isOver; calls += strideOf(kind)) {
          await collectWell(ground.storage, siteOf(1))
          const end = endAfter(ground, calls, isCarriedOut)
          const { summary } = await collect(ground.storage, siteOf(2), { ...options, concurrency: 1 })
          isOver = !end.reached
          ground.around = undefined
          const entries = entriesOf(await ground.seen())
          expect([old, fresh], `${calls} calls`).toContainEqual(entries)
          if (isOver) expect([summary?.failed, entries]).toEqual([0, fresh])
          await collectWell(ground.storage, siteOf(2), options)
          expect(entriesOf(await ground.seen()), `${calls} calls`).toEqual(fresh)
          await ground.empty()
        }
      },
    )

    test('never leaves a reader with a name that is not there', async () => {
      await made
      await collectWell(ground.storage, siteOf(1))
      const met = new Set<unknown>()
      // Files are deleted side by side: one deletion, with its look, at a time.
      let turn: Promise<unknown> = Promise.resolve()
      ground.around = async (call, next) => {
        const before = call.operation === 'delete' ? turn : undefined
        const { promise, resolve } = Promise.withResolvers<void>()
        if (before !== undefined) turn = promise
        try {
          await before
          const done = await next()
          if (!changes(call)) return done
          const entries = entriesOf(await ground.seen())
          expect([old, fresh]).toContainEqual(entries)
          met.add(entries?.['img/logo.png'])
          return done
        } finally {
          resolve()
        }
      }
      await collectWell(ground.storage, siteOf(2), { ...options, concurrency: 1 })
      expect([...met]).toEqual([old['img/logo.png'], fresh['img/logo.png']])
    })
  })

  test('a run that keeps one deploy leaves all that the former manifest named, and the next but one removes it', async () => {
    await made
    const third = await expectedOf(siteOf(3))
    await collectWell(ground.storage, siteOf(1))
    await collectWell(ground.storage, siteOf(2), { deleteStale: true, keep: 1 })
    const names = new Set((await ground.seen()).keys())
    expect(Object.values(old).filter(stored => !names.has(stored))).toEqual([])
    await collectWell(ground.storage, siteOf(3), { deleteStale: true, keep: 1 })
    const left = await ground.seen()
    expect(Object.values(fresh).filter(stored => !left.has(stored))).toEqual([])
    const kept = new Set([...Object.values(fresh), ...Object.values(third)])
    expect(Object.values(old).filter(stored => left.has(stored) && !kept.has(stored))).toEqual([])
    expect(entriesOf(left)).toEqual(third)
  })

  test.each(kinds)(
    'two runs %s at once end with one whole manifest',
    {
      timeout: 120_000,
    },
    async (_, options) => {
      await made
      for (const [first, second] of [
        [2, 3],
        // One of them is rolled back to what is there, or was there before.
        [2, 1],
        [2, 0],
      ] as const) {
        const expected = [await expectedOf(siteOf(first)), await expectedOf(siteOf(second))]
        for (let seed = 1; seed <= SEEDS; seed++) {
          await collectWell(ground.storage, siteOf(0))
          await collectWell(ground.storage, siteOf(1))
          const random = seeded(seed)
          ground.around = async (_, next) => {
            for (let turns = Math.floor(random() * 20); turns > 0; turns--) await new Promise(setImmediate)
            return next()
          }
          const runs = [siteOf(first), siteOf(second)].map(sources => collectWell(ground.storage, sources, options))
          await Promise.all(runs)
          ground.around = undefined
          expect(expected, `versions ${first} and ${second}, seed ${seed}`).toContainEqual(
            entriesOf(await ground.seen()),
          )
          await ground.empty()
        }
      }
    },
  )
})

import assert from 'node:assert/strict'
import { compareKeys } from '../core/key-order.ts'
import type { CaseOf } from './case.ts'
import type { DriverPlace } from './driver-place.ts'

/**
 * Names whose order is that of their bytes, not of their words: `-` and `.` sort before the slash, and U+FF5E before characters beyond
 * U+FFFF.
 */
const NAMES = ['a', 'B/1', 'b-/x', 'b-x', 'b/1', 'b/2', 'b/c/3', 'b0', 'd\uff5e', 'd\uff5e1/x', 'd\u{1f642}', 'e']

/** Bounds of a range: names, folders, and texts that are not names. */
const BOUNDS = [
  '',
  'A',
  'B/',
  'b',
  'b-',
  'b/',
  'b//x',
  'b/1',
  'b/1/2',
  'b/../x',
  'b/c',
  'b/c/3',
  'b0',
  'd\u{1f642}',
  'zz',
]

/** Order and ranges of listings, where the driver declares them. */
export const rangeCases: readonly CaseOf<DriverPlace>[] = [
  {
    title: 'With listRange, keys come in the order of their UTF-8 bytes, over all pages.',
    async run(place) {
      if (place.features.listRange !== true) return
      const names = await putAll(place)
      for (const limit of [1, 3, undefined]) {
        const { files } = await place.list('', true, limit)
        assert.deepEqual(
          files.map(({ key }) => key.slice(place.prefix.length)),
          names,
        )
      }
    },
  },
  ...[false, true].map(
    (recursive): CaseOf<DriverPlace> => ({
      title: `With listRange, startAfter and until give what lies between them in a ${recursive ? 'recursive' : 'flat'} listing.`,
      async run(place) {
        if (place.features.listRange !== true) return
        const names = await putAll(place)
        for (const folder of ['', 'b/']) {
          const all = recursive ? names.filter(name => name.startsWith(folder)) : placesIn(folder, names)
          for (const [at, [after, until]] of rangesOf(BOUNDS).entries()) {
            const wanted = all.filter(each => isBetween(each, after, until))
            const range = {
              ...(after === undefined ? {} : { startAfter: place.key(after) }),
              ...(until === undefined ? {} : { until: place.key(until) }),
            }
            const limit = 2 + ((at >> 1) % 4)
            const found = await place.list(folder, recursive, limit, range)
            const given = [...found.names, ...found.directories.map(directory => `${directory}/`)].sort(compareKeys)
            assert.deepEqual(given, wanted, `in '${folder}' from ${after} to ${until} by ${limit}`)
          }
        }
      },
    }),
  ),
  {
    title: 'With listRange, a range before or behind a folder has nothing of it, and one around it has all.',
    async run(place) {
      if (place.features.listRange !== true) return
      await putAll(place)
      const inB = async (range: { startAfter?: string; until?: string }): Promise<number> =>
        (await place.list('b/', true, undefined, range)).names.length
      assert.equal(await inB({ startAfter: place.key('b0') }), 0)
      assert.equal(await inB({ startAfter: place.key('c') }), 0)
      assert.equal(await inB({ until: place.key('b/') }), 0)
      assert.equal(await inB({ until: place.key('a') }), 0)
      assert.equal(await inB({ startAfter: place.key('a'), until: place.key('b0') }), 3)
    },
  },
  {
    title:
      'With listRange, what is written and deleted between pages changes nothing of the rest: all else comes once.',
    async run(place) {
      if (place.features.listRange !== true) return
      const kept = ['m1', 'm3/x', 'm3/y', 'm5', 'm7/x', 'm9']
      for (const name of [...kept, 'm2', 'm8']) await place.put(name, name)
      const seen: string[] = []
      let token: string | undefined
      for (let page = 0; page === 0 || token !== undefined; page++) {
        assert.ok(page < 100, 'the listing has no end')
        const { files, next } = await place.driver.list(place.prefix, { recursive: true, token, limit: 1 }, place.ctx)
        seen.push(...files.map(({ key }) => key.slice(place.prefix.length)))
        token = next
        if (page === 0) for (const name of ['m2', 'm8']) await place.driver.delete(place.key(name), place.ctx)
        // An entry before all others, which shifts counted positions, and one after all others.
        await place.put(`l${page}`, 'x')
        if (page === 1) await place.put('n', 'x')
      }
      assert.equal(new Set(seen).size, seen.length, 'a file came twice')
      assert.deepEqual(seen, [...seen].sort(compareKeys))
      assert.deepEqual(
        seen.filter(name => kept.includes(name)),
        kept,
      )
    },
  },
  {
    title: 'With listRange, ranges that share the keys give each file to one of them.',
    async run(place) {
      if (place.features.listRange !== true) return
      const names = await putAll(place)
      for (const [at, cut] of names.entries()) {
        const [before, behind] = [
          await place.list('', true, 3, { until: place.key(cut) }),
          await place.list('', true, 3, { startAfter: place.key(cut) }),
        ]
        assert.deepEqual([before.names.length, behind.names.length], [at, names.length - at - 1], `cut at ${cut}`)
      }
    },
  },
]

/** Writes the names that the backend can store; returns them in the order of keys. */
async function putAll(place: DriverPlace): Promise<string[]> {
  const refused = place.options.refusedNames ?? []
  const names = NAMES.filter(name => !/[^\x20-\x7e]/.test(name) || !refused.some(each => /[^\x20-\x7e]/.test(each)))
  for (const name of names) await place.put(name, name)
  return names.sort(compareKeys)
}

/** Returns the entries of a flat listing of a folder: files, and folders with a slash. */
function placesIn(folder: string, names: readonly string[]): string[] {
  const below = names.filter(name => name.startsWith(folder))
  const places = below.map(name => /^[^/]*\/?/.exec(name.slice(folder.length))![0])
  return [...new Set(places)].map(place => folder + place).sort(compareKeys)
}

function rangesOf(bounds: readonly string[]): Array<[string | undefined, string | undefined]> {
  const one = bounds.flatMap(
    (bound): Array<[string | undefined, string | undefined]> => [
      [bound, undefined],
      [undefined, bound],
    ],
  )
  const [first, ...rest] = bounds
  return [...one, ['b', 'b0'], ['b/1', 'b/c'], ['b/', 'b/'], ['e', 'a'], [first, rest.at(-1)]]
}

function isBetween(place: string, after: string | undefined, until: string | undefined): boolean {
  if (after !== undefined && compareKeys(place, after) <= 0) return false
  return until === undefined || compareKeys(place, until) < 0
}

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compareKeys, sortKeys } from '../../src/core/key-order.ts'
import type { KeyRange } from '../../src/fleet/probe.ts'
import { separatorOf } from '../../src/fleet/separator.ts'
import { splitKey, splitKeys, splitRange } from '../../src/fleet/split.ts'
import { ArrayProbe, indexAfter, SHAPES, shaped } from './shapes.ts'

const MAX_REQUESTS = 40

/** Names of which many have a common begin, with slashes, blanks, and characters on both sides of the surrogates. */
const oneName = fc
  .array(
    fc.constantFrom('a', 'b', 'A', '0', '9', '/', '.', ' ', '-', 'é', '\ud7ff', '\ue000', '\uffff', '😀', '\u{10fffe}'),
    {
      minLength: 1,
      maxLength: 12,
    },
  )
  .map(chars => chars.join(''))
const anyName = fc.oneof(oneName, fc.string({ unit: 'binary', minLength: 1, maxLength: 20 }))
const names = fc.uniqueArray(anyName, { minLength: 0, maxLength: 300 }).map(all => sortKeys(all))

function inRange(all: readonly string[], { after, until }: KeyRange): string[] {
  return all.filter(
    name =>
      (after === undefined || compareKeys(name, after) > 0) && (until === undefined || compareKeys(name, until) < 0),
  )
}

describe('splitKey', () => {
  it('finds a key strictly inside, and no name is lost or doubled', async () => {
    let splits = 0
    const bounds = fc.option(fc.oneof(anyName, fc.nat(299)), { nil: undefined })
    await fc.assert(
      fc.asyncProperty(names, fc.integer({ min: 2, max: 20 }), bounds, bounds, async (all, limit, low, high) => {
        const boundOf = (bound: string | number | undefined): string | undefined =>
          typeof bound === 'number' ? all[bound] : bound
        const [one, other] = [boundOf(low), boundOf(high)]
        const isSwapped = one !== undefined && other !== undefined && compareKeys(one, other) > 0
        const range: KeyRange = isSwapped ? { after: other, until: one } : { after: one, until: other }
        const probe = new ArrayProbe(all)
        const key = await splitKey(probe, range, { limit, minNames: 1 })
        expect(probe.requests).toBeLessThanOrEqual(MAX_REQUESTS)
        if (key === undefined) return
        splits++
        expect(key.isWellFormed()).toBe(true)
        expect(all).not.toContain(key)
        const [lower, upper] = splitRange(range, key).map(part => inRange(all, part))
        expect(lower!.length).toBeGreaterThan(0)
        expect(upper!.length).toBeGreaterThan(0)
        expect([...lower!, ...upper!]).toEqual(inRange(all, range))
      }),
      { numRuns: 300 },
    )
    expect(splits).toBeGreaterThan(50)
  })

  it('is undefined for a range of less than two pages', async () => {
    for (const count of [0, 1, 99, 100, 101, 199]) {
      const probe = new ArrayProbe(shaped('zero-padded sequence', count))
      expect(await splitKey(probe, {}, { limit: 100 })).toBeUndefined()
      expect(probe.requests).toBeLessThanOrEqual(count < 100 ? 1 : 20)
    }
    expect(await splitKey(new ArrayProbe(shaped('zero-padded sequence', 202)), {}, { limit: 100 })).toBeDefined()
  })

  /** A giant folder that no request happens to meet is found later, when what is left of its range is split. */
  const UNSEEN = 'one giant among 1,000 small folders'

  it.each(Object.keys(SHAPES).filter(shape => shape !== UNSEEN))('divides %s at least 25:75', async shape => {
    const all = shaped(shape, 100_000)
    const probe = new ArrayProbe(all)
    const key = await splitKey(probe, {}, { limit: 100 })
    const share = indexAfter(all, key!) / all.length
    expect(share).toBeGreaterThan(0.25)
    expect(share).toBeLessThan(0.75)
    expect(probe.requests).toBeLessThanOrEqual(MAX_REQUESTS)
  })

  it('divides a giant folder once a split begins in it', async () => {
    const all = shaped(UNSEEN, 100_000)
    const after = '0617/1'
    const rest = inRange(all, { after })
    const key = await splitKey(new ArrayProbe(all), { after }, { limit: 100 })
    const share = indexAfter(rest, key!) / rest.length
    expect(share).toBeGreaterThan(0.25)
    expect(share).toBeLessThan(0.75)
  })

  it('stays within a small bound of requests', async () => {
    const probe = new ArrayProbe(shaped('dates, uneven days', 50_000))
    expect(await splitKey(probe, {}, { limit: 100, maxRequests: 10 })).toBeDefined()
    expect(probe.requests).toBeLessThanOrEqual(10)
  })
})

describe('splitKeys', () => {
  it('divides into many parts, in order', async () => {
    const all = shaped('random hexadecimal', 100_000)
    const probe = new ArrayProbe(all)
    const keys = await splitKeys(probe, {}, 16, { limit: 100 })
    expect(keys).toHaveLength(15)
    expect(probe.requests).toBeLessThanOrEqual(32 + 4 * 16)
    expect(sortKeys([...keys])).toEqual(keys)
    const ends = [0, ...keys.map(key => indexAfter(all, key)), all.length]
    const sizes = ends.slice(1).map((end, index) => end - ends[index]!)
    for (const size of sizes) {
      expect(size).toBeGreaterThan(3_000)
      expect(size).toBeLessThan(9_500)
    }
  })
})

describe('separatorOf', () => {
  it('is between two names, and of printable characters', () => {
    expect(separatorOf('a/1', 'b/2')).toBe('a\u{10ffff}')
    expect(separatorOf('a', 'a/')).toBe('a.\u{10ffff}')
    expect(separatorOf('x\ud7ff', 'x\ue000')).toBe('x\ud7ff\u{10ffff}')
    expect(separatorOf('x', 'x\ue000')).toBe('x\ud7ff\u{10ffff}')
    expect(separatorOf('x😀', 'x😁')).toBe('x😀\u{10ffff}')
    expect(separatorOf('a', 'a ')).toBeUndefined()
    expect(separatorOf('a\u{10ffff}x', 'b')).toBeUndefined()
  })
})

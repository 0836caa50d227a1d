import { describe, expect, it } from 'vitest'
import { divide, firstRanges, isSplitDue, wantedRanges } from '../../src/fleet/ranges.ts'
import { ArrayProbe, indexAfter, shaped } from './shapes.ts'

describe('isSplitDue', () => {
  const progress = { open: 1, workers: 4, pages: 2, refusals: 0 }

  it('splits while fewer ranges are open than wanted', () => {
    expect(isSplitDue(progress)).toBe(true)
    expect(isSplitDue({ ...progress, open: wantedRanges(4) - 1 })).toBe(true)
    expect(isSplitDue({ ...progress, open: wantedRanges(4) })).toBe(false)
    expect(isSplitDue({ ...progress, workers: 0, open: wantedRanges(1) })).toBe(false)
  })

  it('waits for two pages, and twice as long after each refusal', () => {
    expect(isSplitDue({ ...progress, pages: 1 })).toBe(false)
    expect(isSplitDue({ ...progress, refusals: 3, pages: 15 })).toBe(false)
    expect(isSplitDue({ ...progress, refusals: 3, pages: 16 })).toBe(true)
    expect(isSplitDue({ ...progress, refusals: 1000, pages: 2048 })).toBe(true)
  })
})

describe('divide', () => {
  it('keeps the lower part, and gives the upper part away', async () => {
    const all = shaped('random hexadecimal', 50_000)
    const rest = { after: all[9999]!, until: all[40_001]! }
    const division = await divide(new ArrayProbe(all), rest, 100)
    expect(division?.kept).toEqual({ after: rest.after, until: division?.given.after })
    expect(division?.given.until).toBe(rest.until)
    const border = indexAfter(all, division!.given.after!)
    expect(border).toBeGreaterThan(20_000)
    expect(border).toBeLessThan(30_000)
  })

  it('refuses a range of a few pages', async () => {
    expect(await divide(new ArrayProbe(shaped('UUIDs', 3000)), {}, 100)).toBeUndefined()
  })
})

describe('firstRanges', () => {
  it('returns ranges that have all names together, and no name twice', async () => {
    const all = shaped('dates, uneven days', 100_000)
    const whole = { after: all[99]! }
    const ranges = await firstRanges(new ArrayProbe(all), 4, 100, whole)
    expect(ranges).toHaveLength(wantedRanges(4))
    expect(ranges[0]!.after).toBe(whole.after)
    expect(ranges.at(-1)!.until).toBeUndefined()
    for (const [index, { after }] of ranges.entries()) {
      if (index > 0) expect(after).toBe(ranges[index - 1]!.until)
    }
    for (const { until } of ranges.slice(0, -1)) expect(all).not.toContain(until)
  })

  it('returns one range for few names', async () => {
    expect(await firstRanges(new ArrayProbe(shaped('UUIDs', 500)), 64, 100)).toEqual([{}])
    expect(await firstRanges(new ArrayProbe([]), 64, 100)).toEqual([{}])
  })
})

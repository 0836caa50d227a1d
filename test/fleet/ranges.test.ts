import { describe, expect, it } from 'vitest'
import { divide, isSplitDue, wantedRanges } from '../../src/fleet/ranges.ts'
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

import { describe, expect, it } from 'vitest'
import { wantedRanges } from '../../src/fleet/ranges.ts'
import { isFull } from '../support/sampled.ts'
import { LISTINGS } from './simulation/computed-names.ts'
import { Coverage } from './simulation/coverage.ts'
import { type FleetOptions, simulate } from './simulation/fleet.ts'

/** `bench/fleet-scale.ts` runs the same with 100 million names. */
const COUNT = 1_000_000
/** Waiting pages, those of one transaction or of one list request, and pages in work, for each worker. */
const maxPages = ({ listLimit, pageSize }: FleetOptions): number => 6 + Math.max(10, listLimit / pageSize) + 3
const FLEET = { pageSize: 500, listMs: 100, concurrency: 16, chunk: 250 }

describe('a fleet with a million names in virtual time', () => {
  const runs: ReadonlyArray<readonly [shape: string, options: FleetOptions]> = [
    ['uniform hexadecimal', { ...FLEET, workers: 4, listLimit: 1000, fileMs: 50 }],
    ['uniform hexadecimal', { ...FLEET, workers: 16, listLimit: 5000, hasRanges: false, fileMs: 50 }],
    ['dates by Zipf', { ...FLEET, workers: 16, listLimit: 1000, fileMs: 50 }],
    ['dates by Zipf', { ...FLEET, workers: 4, listLimit: 10_000, fileMs: 50 }],
    ['one giant among 1,000 folders', { ...FLEET, workers: 16, listLimit: 1000, fileMs: 50 }],
  ]
  // Each run takes half a second.
  it.each(isFull ? runs : runs.slice(0, 3))(
    'handles each name once, evenly, with few rows: %s, %o',
    async (shape, options) => {
      // Throws for a name that is handled twice or not at all.
      const figures = await simulate(LISTINGS[shape]!(COUNT), options)
      expect(figures.unevenDone).toBeLessThan(0.2)
      expect(figures.mostRanges).toBeLessThanOrEqual(2 * wantedRanges(options.workers))
      expect(figures.mostPages).toBeLessThanOrEqual(maxPages(options) * options.workers)
      expect(figures.throttled).toBe(0)
    },
  )

  it.each(isFull ? Object.keys(LISTINGS) : ['dates by Zipf'])(
    'lists evenly when the listing is the limit: %s',
    async shape => {
      const options = { ...FLEET, workers: 4, listLimit: 100, fileMs: 0.1 }
      const { unevenListed } = await simulate(LISTINGS[shape]!(COUNT), options)
      expect(unevenListed).toBeLessThan(0.2)
    },
  )

  it('slows down together when the service is throttled, and recovers', async () => {
    const before = 2000
    const during = 400
    const limitAt = (ms: number): number => (ms > 120_000 && ms < 240_000 ? during : before)
    const { minutes, unevenDone, throttled } = await simulate(LISTINGS['uniform hexadecimal']!(COUNT), {
      ...FLEET,
      workers: 8,
      listLimit: 1000,
      fileMs: 50,
      chunk: 50,
      limitAt,
    })
    const rates = minutes.map(workers => workers.reduce((a, b) => a + b, 0))
    expect(rates[3]).toBeLessThanOrEqual(during)
    expect(rates[3]).toBeGreaterThan(during / 4)
    // Ten minutes after the service accepts the former rate again.
    expect(Math.max(...rates.slice(5, 14))).toBeGreaterThan(before / 2)
    for (const minute of minutes.slice(0, -1)) {
      const mean = minute.reduce((a, b) => a + b, 0) / minute.length
      for (const rate of minute) expect(Math.abs(rate - mean)).toBeLessThanOrEqual(mean)
    }
    expect(unevenDone).toBeLessThan(0.2)
    expect(throttled).toBeGreaterThan(0)
    expect(throttled).toBeLessThan(COUNT / 5)
  })
})

describe('Coverage', () => {
  it('joins intervals in any order, and finds positions that come twice', () => {
    const coverage = new Coverage()
    coverage.add(10, 20)
    coverage.add(30, 40)
    coverage.add(20, 30)
    coverage.add(0, 5)
    expect(coverage.intervals).toEqual([
      [0, 5],
      [10, 40],
    ])
    for (const [begin, end] of [
      [4, 6],
      [39, 41],
      [9, 11],
      [0, 50],
      [12, 13],
    ] as const) {
      expect(() => coverage.add(begin, end)).toThrow(/twice/)
    }
  })
})

import { expect, it } from 'vitest'
import { LowWater } from '../../../src/transfer/migrate/low-water.ts'
import { Rates } from '../../../src/transfer/migrate/rates.ts'
import { Tally } from '../../../src/transfer/migrate/tally.ts'
import { seeded } from '../../oracles/seeded.ts'

it('marks the last key before the first one in progress, with the counts up to there', () => {
  for (let seed = 1; seed <= 100; seed++) {
    const random = seeded(seed)
    const low = new LowWater('before', new Tally({ seen: 1000 }))
    const running: Array<{ readonly key: string; readonly place: number }> = []
    const settled: boolean[] = []
    const keys: string[] = []
    const check = (): void => {
      // All pairs of the mark's key and of those before it are settled, and their number is counted.
      const first = settled.indexOf(false)
      const counted = low.counts.seen - 1000
      const { mark } = low
      expect(counted).toBe(mark === 'before' ? 0 : keys.lastIndexOf(mark!) + 1)
      if (first >= 0) expect(counted).toBeLessThanOrEqual(first)
    }
    const settle = (): void => {
      const [{ key, place }] = running.splice(Math.floor(random() * running.length), 1) as [(typeof running)[0]]
      settled[place] = true
      low.settled(key, { seen: 1 })
    }
    for (let at = 0; at < 60; at++) {
      // Some keys have several pairs.
      const key = at > 0 && random() < 0.2 ? keys.at(-1)! : `key ${String(at).padStart(3, '0')}`
      keys.push(key)
      settled.push(false)
      running.push({ key, place: at })
      low.taken(key)
      check()
      while (running.length > 5 || (running.length > 0 && random() < 0.4)) {
        settle()
        check()
      }
    }
    while (running.length > 0) settle()
    low.end()
    expect([low.mark, low.counts.seen]).toEqual([keys.at(-1), 1060])
  }
})

it('measures the rates of the last minute', () => {
  let ms = 0
  const rates = new Rates(() => ms)
  rates.begin(0, 0)
  for (; ms < 120_000; ms += 500) rates.at(ms / 100, ms)
  expect(rates.at(1200, 120_000)).toEqual({ filesPerSec: 10, bytesPerSec: 1000 })
  // Nothing has happened for the last minute.
  for (; ms < 200_000; ms += 500) rates.at(1200, 120_000)
  expect(rates.at(1200, 120_000)).toEqual({ filesPerSec: 0, bytesPerSec: 0 })
})

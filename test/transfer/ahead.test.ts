import { describe, expect, it } from 'vitest'
import { ahead } from '../../src/transfer/ahead.ts'

async function* counting(count: number, seen: { ended?: boolean; last?: number } = {}): AsyncGenerator<number> {
  try {
    for (let at = 0; at < count; at++) {
      seen.last = at
      yield at
    }
    if (count === 1500) throw new Error('the page failed')
  } finally {
    seen.ended = true
  }
}

describe('ahead', () => {
  it('has every item once, in their order, however slow they are taken', async () => {
    for (const count of [0, 1, 999, 1000, 1001, 2000, 5432]) {
      for (const isSlow of [false, true]) {
        const found: number[] = []
        for await (const item of ahead(counting(count))) {
          found.push(item)
          if (isSlow && item % 500 === 0) await new Promise(resolve => setImmediate(resolve))
        }
        expect(found).toEqual(Array.from({ length: count }, (_, at) => at))
      }
    }
  })

  it('throws what the items throw, after the ones before it', async () => {
    const found: number[] = []
    const all = async (): Promise<void> => {
      for await (const item of ahead(counting(1500))) found.push(item)
    }
    await expect(all()).rejects.toThrow('the page failed')
    expect(found).toHaveLength(1500)
  })

  it('takes at most 1,000 items ahead, and ends them where no more are wanted', async () => {
    const seen: { ended?: boolean; last?: number } = {}
    for await (const item of ahead(counting(100_000, seen))) {
      await new Promise(resolve => setImmediate(resolve))
      if (item === 20) break
    }
    expect(seen.ended).toBe(true)
    expect(seen.last).toBeLessThan(2001)
  })
})

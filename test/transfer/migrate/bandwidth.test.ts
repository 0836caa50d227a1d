import { describe, expect, it } from 'vitest'
import { Bandwidth, type Clock } from '../../../src/transfer/migrate/bandwidth.ts'

/** A clock that moves only when the test moves it. */
class ManualClock implements Clock {
  #now = 0
  readonly timers = new Map<() => void, number>()

  now(): number {
    return this.#now
  }

  after(ms: number, run: () => void): () => void {
    this.timers.set(run, this.#now + ms)
    return () => void this.timers.delete(run)
  }

  /** Runs the timers that end within a time, in their order, and what follows from them. */
  async move(ms: number): Promise<void> {
    const end = this.#now + ms
    await settled()
    for (;;) {
      const [first] = [...this.timers].filter(([, at]) => at <= end).sort(([, one], [, other]) => one - other)
      if (first === undefined) break
      this.#now = first[1]
      this.timers.delete(first[0])
      first[0]()
      await settled()
    }
    this.#now = end
  }
}

const settled = (): Promise<void> => new Promise(resolve => setImmediate(resolve))
const { signal } = new AbortController()
const KIB = 1024

/** Takes bytes again and again, and counts them. */
function taker(bandwidth: Bandwidth, bytes: number, end: AbortSignal) {
  const count = { bytes: 0 }
  const work = (async () => {
    for (;;) {
      await bandwidth.take(bytes, end)
      count.bytes += bytes
    }
  })().catch(() => undefined)
  return { count, work }
}

describe('Bandwidth', () => {
  it('lets one second of bytes pass at once, and then the rate', async () => {
    const clock = new ManualClock()
    const bandwidth = new Bandwidth(1000, clock)
    const end = new AbortController()
    const { count, work } = taker(bandwidth, 100, end.signal)
    await settled()
    expect(count.bytes).toBe(1000)
    await clock.move(5000)
    expect(count.bytes).toBe(6000)
    end.abort()
    await work
    expect(clock.timers.size).toBe(0)
  })

  it('saves up no more than one second', async () => {
    const clock = new ManualClock()
    const bandwidth = new Bandwidth(1000, clock)
    await clock.move(60_000)
    const end = new AbortController()
    const { count, work } = taker(bandwidth, 10, end.signal)
    await settled()
    expect(count.bytes).toBe(1000)
    end.abort()
    await work
  })

  it('shares the rate evenly between files that take different amounts', async () => {
    const clock = new ManualClock()
    const bandwidth = new Bandwidth(256 * KIB, clock)
    const end = new AbortController()
    const large = taker(bandwidth, 4096 * KIB, end.signal)
    const small = taker(bandwidth, 64 * KIB, end.signal)
    await clock.move(64_000)
    expect(large.count.bytes).toBeGreaterThanOrEqual(4096 * KIB)
    expect(small.count.bytes).toBeLessThanOrEqual(large.count.bytes + 4096 * KIB + 128 * KIB)
    expect(small.count.bytes).toBeGreaterThanOrEqual(large.count.bytes - 128 * KIB)
    end.abort()
    await Promise.all([large.work, small.work])
    expect(clock.timers.size).toBe(0)
  })

  it('lets no file wait for the whole chunk of another file', async () => {
    for (const rate of [1, 10, 1000, 100_000]) {
      const clock = new ManualClock()
      const bandwidth = new Bandwidth(rate, clock)
      expect(bandwidth.turn).toBe(Math.max(1, Math.floor(rate / 8)))
      const end = new AbortController()
      const large = taker(bandwidth, 65_536, end.signal)
      await clock.move(60_000)
      let isPassed = false
      const next = bandwidth.take(1, signal).then(() => {
        isPassed = true
      })
      await clock.move(3000)
      expect([rate, isPassed]).toEqual([rate, true])
      await next
      end.abort()
      await large.work
    }
  })

  it('waits longer than a timer can', async () => {
    const clock = new ManualClock()
    const bandwidth = new Bandwidth(1e-7, clock)
    const end = new AbortController()
    const { work } = taker(bandwidth, 1, end.signal)
    await settled()
    for (const at of clock.timers.values()) expect(at).toBeLessThan(2 ** 31)
    end.abort()
    await work
  })

  it('follows another rate at once, also for those who wait', async () => {
    const clock = new ManualClock()
    const bandwidth = new Bandwidth(1000, clock)
    const end = new AbortController()
    const { count, work } = taker(bandwidth, 100, end.signal)
    await clock.move(1000)
    expect(count.bytes).toBe(2000)
    bandwidth.setRate(10_000)
    await clock.move(1000)
    expect(count.bytes).toBe(12_000)
    bandwidth.setRate(100)
    await clock.move(10_000)
    expect(count.bytes).toBe(13_000)
    end.abort()
    await work
    const waits = bandwidth.take(1000, signal)
    bandwidth.setRate(undefined)
    await waits
    await bandwidth.take(1e12, signal)
    expect(clock.timers.size).toBe(0)
  })

  it('without a rate nothing waits, until one is set', async () => {
    const clock = new ManualClock()
    const bandwidth = new Bandwidth(undefined, clock)
    await bandwidth.take(1e12, signal)
    bandwidth.setRate(1000)
    await bandwidth.take(1000, signal)
    let isPassed = false
    const waits = bandwidth.take(1, signal).then(() => {
      isPassed = true
    })
    await settled()
    expect(isPassed).toBe(false)
    await clock.move(1)
    await waits
  })

  it('who is aborted leaves the line, and the next one follows', async () => {
    const clock = new ManualClock()
    const bandwidth = new Bandwidth(1000, clock)
    await bandwidth.take(1000, signal)
    const first = new AbortController()
    const gone = bandwidth.take(1000, first.signal)
    const next = bandwidth.take(10, signal)
    first.abort(new Error('enough'))
    await expect(gone).rejects.toThrow('enough')
    await clock.move(10)
    await next
    expect(clock.timers.size).toBe(0)
    await expect(bandwidth.take(1, AbortSignal.abort(new Error('before')))).rejects.toThrow('before')
  })

  it('refuses a rate that is none', () => {
    for (const rate of [0, -1, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(() => new Bandwidth(rate)).toThrow(/bandwidth: expected a positive number/)
      expect(() => new Bandwidth(1).setRate(rate)).toThrow(/bandwidth: expected a positive number/)
    }
  })

  it('holds no timer of the process when nothing waits', async () => {
    const before = process.getActiveResourcesInfo().filter(name => name === 'Timeout').length
    const bandwidth = new Bandwidth(10_000)
    await bandwidth.take(10_000, signal)
    await bandwidth.take(10, signal)
    expect(process.getActiveResourcesInfo().filter(name => name === 'Timeout').length).toBeLessThanOrEqual(before)
  })
})

import { setImmediate } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { Pace, type PaceClock } from '../../../src/transfer/migrate/pace.ts'
import { seeded } from '../../oracles/seeded.ts'

/** A clock that only moves when someone waits, or by hand. */
class Clock implements PaceClock {
  ms = 1_000_000

  now(): number {
    return this.ms
  }

  async wait(ms: number, signal: AbortSignal): Promise<void> {
    await setImmediate(undefined, { signal })
    this.ms += ms
  }
}

const { signal } = new AbortController()

/** Takes files for so many seconds, each after `stepMs` at least; returns when each was taken. */
async function takeFor(pace: Pace, clock: Clock, secs: number, stepMs: number): Promise<number[]> {
  const times: number[] = []
  for (const end = clock.ms + secs * 1000; clock.ms < end; clock.ms += stepMs) {
    await pace.take(signal)
    times.push(clock.ms)
  }
  return times
}

describe('Pace', () => {
  it('does not limit before a service asks to slow down, and lowers the rate by 30 % then', async () => {
    const clock = new Clock()
    const pace = new Pace(clock)
    expect((await takeFor(pace, clock, 10, 10)).length).toBe(1000)
    for (let at = 0; at < 9; at++) pace.throttled(undefined)
    expect(pace.current).toBeUndefined()
    for (let at = 0; at < 10; at++) pace.throttled(undefined)
    expect(pace.current).toBeGreaterThan(60)
    expect(pace.current).toBeLessThan(80)
    const slow = await takeFor(pace, clock, 1, 1)
    expect(slow.length).toBeGreaterThanOrEqual(60)
    expect(slow.length).toBeLessThanOrEqual(80)
  })

  it('counts many answers in two seconds as one, and none before a file was tried at the new rate', async () => {
    const clock = new Clock()
    const pace = new Pace(clock)
    await takeFor(pace, clock, 5, 10)
    for (let at = 0; at < 20; at++) pace.throttled(undefined)
    const { current } = pace
    await takeFor(pace, clock, 1.5, 10)
    for (let at = 0; at < 20; at++) pace.throttled(undefined)
    expect(pace.current).toBeGreaterThan(current!)
    const again = new Pace(clock)
    await takeFor(again, clock, 5, 10)
    for (let at = 0; at < 20; at++) again.throttled(undefined)
    clock.ms += 2500
    const rest = again.current!
    again.throttled(undefined)
    expect(again.current).toBe(rest)
    await again.take(signal)
    for (let at = 0; at < 20; at++) again.throttled(undefined)
    expect(again.current).toBeLessThan(rest)
  })

  it('uses nearly all that a service accepts, and lowers a limit from where it had risen to', async () => {
    const clock = new Clock()
    const pace = new Pace(clock)
    // A service that accepts 100 files in a second, and asks to come again in 0.5 s.
    let [second, inSecond, accepted] = [0, 0, 0]
    const lowered: number[] = []
    const begun = clock.ms
    for (; clock.ms < begun + 300_000; clock.ms += 4) {
      await pace.take(signal)
      const now = Math.floor(clock.ms / 1000)
      if (now !== second) [second, inSecond] = [now, 0]
      if (++inSecond <= 100) {
        accepted++
        continue
      }
      const before = pace.current
      pace.throttled(500)
      const { current } = pace
      if (before !== undefined && current! < before) lowered.push(current! / before)
    }
    expect(accepted / 300).toBeGreaterThan(85)
    expect(lowered.length).toBeGreaterThan(2)
    for (const share of lowered) expect(share).toBeCloseTo(0.7, 2)
  })

  it('waits as long as the service asks, five minutes at most', async () => {
    const clock = new Clock()
    const pace = new Pace(clock)
    await pace.take(signal)
    const begun = clock.ms
    for (let at = 0; at < 3; at++) pace.throttled(7000)
    await pace.take(signal)
    expect(clock.ms - begun).toBeGreaterThanOrEqual(7000)
    const again = clock.ms
    pace.throttled(1e12)
    await pace.take(signal)
    expect(clock.ms - again).toBeLessThanOrEqual(310_000)
  })

  it('is free again some time after the last request to slow down', async () => {
    const clock = new Clock()
    const pace = new Pace(clock)
    await takeFor(pace, clock, 5, 10)
    for (let at = 0; at < 20; at++) pace.throttled(2000)
    expect(pace.current).toBeLessThan(80)
    await takeFor(pace, clock, 60, 10)
    expect(pace.current).toBeUndefined()
  })

  it('is not lowered by one request in a hundred that is refused, at any rate', async () => {
    const clock = new Clock()
    const pace = new Pace(clock)
    const begun = clock.ms
    for (let at = 0; at < 100_000; at++) {
      await pace.take(signal)
      clock.ms += 5
      if (at % 100 === 99) pace.throttled(1000)
    }
    // 200 files per second, and no pause.
    expect(clock.ms - begun).toBeLessThan(510_000)
  })

  it('keeps the lower of its own limit and a given one', async () => {
    const clock = new Clock()
    const pace = new Pace(clock)
    pace.setRate(20)
    expect(pace.current).toBe(20)
    const { length } = await takeFor(pace, clock, 10, 1)
    expect(length).toBeGreaterThan(190)
    expect(length).toBeLessThanOrEqual(201)
    for (let at = 0; at < 5; at++) pace.throttled(undefined)
    expect(pace.current).toBeCloseTo(14, 0)
    pace.setRate(0)
    expect(pace.current).toBeGreaterThan(0)
    pace.setRate(undefined)
    expect(pace.current).toBeCloseTo(14, 0)
  })

  it('hands out files one after the other to callers that wait together, and ends those whose signal fires', async () => {
    const clock = new Clock()
    const pace = new Pace(clock)
    pace.setRate(10)
    await pace.take(signal)
    const times: number[] = []
    const aborted = new AbortController()
    const callers = Array.from({ length: 8 }, (_, at) =>
      pace.take(at === 4 ? aborted.signal : signal).then(
        () => times.push(clock.ms),
        (error: unknown) => error,
      ),
    )
    aborted.abort(new Error('enough'))
    expect((await Promise.all(callers))[4]).toMatchObject({ message: 'enough' })
    expect(times.length).toBe(7)
    for (const [at, ms] of times.entries()) if (at > 0) expect(ms - times[at - 1]!).toBeGreaterThanOrEqual(99)
  })

  it('never stops and never passes its limit, whatever the service answers', async () => {
    for (let seed = 1; seed <= 10; seed++) {
      const random = seeded(seed)
      const clock = new Clock()
      const pace = new Pace(clock)
      let last = clock.ms
      for (let at = 0; at < 300; at++) {
        const limit = pace.current
        await pace.take(signal)
        // The limit rises while a file waits for it.
        const now = pace.current ?? Number.POSITIVE_INFINITY
        if (limit !== undefined) expect(clock.ms - last).toBeGreaterThanOrEqual(1000 / Math.max(limit, now) - 0.01)
        expect(pace.current ?? 1).toBeGreaterThan(0)
        last = clock.ms
        clock.ms += random() * 50
        if (random() < 0.2) pace.throttled(random() < 0.5 ? undefined : random() * 3000)
        if (random() < 0.02) pace.setRate(random() < 0.5 ? undefined : random() * 100)
      }
      pace.setRate(undefined)
      clock.ms += 400_000
      expect(pace.current).toBeUndefined()
    }
  })
})

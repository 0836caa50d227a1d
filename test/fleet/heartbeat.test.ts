import { expect, it, vi } from 'vitest'
import { Heartbeat, type Held } from '../../src/fleet/heartbeat.ts'
import { LostLease } from '../../src/fleet/lease.ts'
import type { Database } from '../../src/fleet/postgres.ts'
import type { Job, JobQueue, QueueName } from '../../src/fleet/queue.ts'

interface World {
  readonly held: Set<Held>
  readonly touched: Array<readonly [QueueName, readonly Job[]]>
  readonly leases: Set<string>
  isSilent: boolean
}

/** A heartbeat over a ledger that holds `leases`. */
function heartbeat(world: World): Heartbeat {
  const silence = new Promise<never>(() => {})
  const database = {
    query: async (_: string, [leases]: readonly [readonly string[]]) =>
      world.isSilent ? silence : leases.filter(lease => world.leases.has(lease)).map(lease => ({ lease })),
  } as unknown as Database
  const queue = {
    touch: async (name: QueueName, jobs: readonly Job[]) => void world.touched.push([name, jobs]),
  } as unknown as JobQueue
  return new Heartbeat({ database, queue, held: () => world.held, beat: async () => {}, beatMs: 1000, silenceMs: 5000 })
}

function held(id: string, lease: string | undefined, queue: QueueName = 'pages'): Held {
  return { queue, job: { id, retryCount: 0 }, lease, migration: undefined, abort: new AbortController() }
}

it('touches the jobs, and aborts the page whose lease another worker has (syn-14)', async () => {
  vi.useFakeTimers()
  try {
    const [kept, lost, begun, list] = [
      held('1', 'a'),
      held('2', 'b'),
      held('3', undefined),
      held('4', undefined, 'ranges'),
    ]
    const world: World = {
      held: new Set([kept, lost, begun, list]),
      touched: [],
      leases: new Set(['a']),
      isSilent: false,
    }
    const beat = heartbeat(world)
    beat.start()
    await vi.advanceTimersByTimeAsync(1000)
    expect(world.touched).toEqual([
      ['pages', [kept.job, lost.job, begun.job]],
      ['ranges', [list.job]],
    ])
    expect([kept, lost, begun, list].map(({ abort }) => abort.signal.aborted)).toEqual([false, true, false, false])
    expect(lost.abort.signal.reason).toBeInstanceOf(LostLease)
    await beat.stop()
  } finally {
    vi.useRealTimers()
  }
})

it('aborts everything when the database does not answer', async () => {
  vi.useFakeTimers()
  try {
    const page = held('1', 'a')
    const world: World = { held: new Set([page]), touched: [], leases: new Set(['a']), isSilent: false }
    const beat = heartbeat(world)
    beat.start()
    await vi.advanceTimersByTimeAsync(4000)
    world.isSilent = true
    await vi.advanceTimersByTimeAsync(4000)
    expect(page.abort.signal.aborted).toBe(false)
    await vi.advanceTimersByTimeAsync(2000)
    expect(page.abort.signal.reason).toBeInstanceOf(LostLease)
  } finally {
    vi.useRealTimers()
  }
})

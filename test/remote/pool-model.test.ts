/** A pool under seeded chances, as a server of FTP gives them: refused logins, full servers, connections that break, calls that give up. */
import { describe, expect, test } from 'vitest'
import { abortable } from '../../src/core/abort.ts'
import type { CallContext } from '../../src/core/call.ts'
import { type Lease, Pool } from '../../src/remote/pool.ts'
import { plainContext } from '../../src/testing/context.ts'
import { seeded } from '../oracles/seeded.ts'

interface Line {
  broken: boolean
  closed: boolean
  users: number
}

/** A server that takes so many connections, and refuses some logins. */
class ChancyServer {
  readonly lines: Line[] = []
  takes = 3
  failing = 0
  most = 0
  #opening = 0
  readonly #chance: () => number

  constructor(chance: () => number) {
    this.#chance = chance
  }

  get living(): number {
    return this.lines.filter(({ closed }) => !closed).length
  }

  async open({ signal }: CallContext): Promise<Line> {
    this.#opening++
    this.most = Math.max(this.most, this.living + this.#opening)
    try {
      const turns = Math.floor(this.#chance() * 4)
      // An abort breaks the connection at once.
      for (let turn = 0; turn < turns; turn++) await abortable(new Promise(setImmediate), signal)
      if (this.#chance() < this.failing) throw new Error('530 Login incorrect.')
      if (this.living >= this.takes) throw new Error('421 Too many connections.')
      const line = { broken: false, closed: false, users: 0 }
      this.lines.push(line)
      return line
    } finally {
      this.#opening--
    }
  }

  isUsable(line: Line): boolean {
    return !line.broken
  }

  close(line: Line): void {
    expect(line.closed, 'closed once').toBe(false)
    line.closed = true
  }

  isFull(error: unknown): boolean {
    return String(error).includes('421')
  }
}

const turn = (): Promise<unknown> => new Promise(setImmediate)

describe.each([1, 2])('a pool whose connections take %d tasks', tasks => {
  test('has never more connections than it may, gives each to as many tasks as it may, and ends every call', async () => {
    for (let seed = 1; seed <= 60; seed++) {
      const chance = seeded(seed)
      const server = new ChancyServer(chance)
      server.takes = 1 + Math.floor(chance() * 4)
      server.failing = seed % 3 === 0 ? 0.3 : 0
      const size = 1 + Math.floor(chance() * 4)
      const pool = new Pool<Line>(server, { size, idleMs: 60_000, tasks })
      const held = new Set<Lease<Line>>()
      const ends = { granted: 0, refused: 0, aborted: 0 }
      const calls: Promise<void>[] = []

      const begin = (): void => {
        const controller = new AbortController()
        const call = pool.lease(plainContext(controller.signal)).then(
          lease => {
            ends.granted++
            lease.connection.users++
            // Another task may have dropped it in the same moment.
            if (tasks === 1) expect(lease.connection.closed, `seed ${seed}: it is open`).toBe(false)
            expect(lease.connection.users, `seed ${seed}: not too many tasks`).toBeLessThanOrEqual(tasks)
            held.add(lease)
          },
          error => {
            if (controller.signal.aborted) ends.aborted++
            else {
              ends.refused++
              expect(String(error)).toMatch(/530|421/)
            }
          },
        )
        calls.push(call)
        if (chance() < 0.15) setImmediate(() => controller.abort(new Error('enough')))
      }
      const finish = (lease: Lease<Line>, how: number): void => {
        held.delete(lease)
        lease.connection.users--
        if (how < 0.2) lease.connection.broken = true
        if (how < 0.1) lease.drop()
        else lease.release()
      }

      for (let step = 0; step < 80; step++) {
        const [first] = held
        if (chance() < 0.5) begin()
        else if (first !== undefined) finish(first, chance())
        if (chance() < 0.3) await turn()
      }
      const all = Promise.all(calls)
      let isOver = false
      const over = (): void => {
        isOver = true
      }
      all.then(over, over)
      for (let rounds = 0; !isOver; rounds++) {
        expect(rounds, `seed ${seed}: a call waits though all was given back`).toBeLessThan(2000)
        for (const lease of held) finish(lease, 1)
        await turn()
      }
      await all
      for (const lease of held) finish(lease, 1)
      expect(ends.granted + ends.refused + ends.aborted).toBe(calls.length)
      expect(server.most, `seed ${seed}`).toBeLessThanOrEqual(size)
      if (server.failing === 0 && server.takes >= size) expect(ends.refused, `seed ${seed}`).toBe(0)
      await pool.close()
      expect(server.living, `seed ${seed}: all are closed`).toBe(0)
    }
  })
})

test('tasks are served in the order in which they came; only one that waits for a new connection may be overtaken by those with an old one', async () => {
  for (let seed = 1; seed <= 40; seed++) {
    const chance = seeded(seed)
    const server = new ChancyServer(() => 0)
    const pool = new Pool<Line>(server, { size: 3, idleMs: 60_000 })
    const order: number[] = []
    const calls = Array.from({ length: 20 }, (_, at) =>
      pool.use(plainContext(), async line => {
        order.push(at)
        for (let turns = Math.floor(chance() * 5); turns > 0; turns--) await turn()
        if (chance() < 0.3) line.broken = true
      }),
    )
    await Promise.all(calls)
    for (const [at, call] of order.entries()) expect(Math.abs(at - call), `seed ${seed}: ${order}`).toBeLessThan(6)
    expect(order.length).toBe(20)
    await pool.close()
  }
})

test('all places of a full server are lost and found again: nobody waits for a connection that is gone', async () => {
  const server = new ChancyServer(() => 0)
  server.takes = 1
  const pool = new Pool<Line>(server, { size: 4, idleMs: 60_000 })
  const first = await pool.lease(plainContext())
  const others = Array.from({ length: 3 }, () => pool.use(plainContext(), async line => line))
  await turn()
  await turn()
  first.connection.broken = true
  first.release()
  const lines = await Promise.all(others)
  expect(new Set(lines).size).toBe(1)
  expect(lines[0]).toBe(server.lines[1])
  await pool.close()
})

test('the connection that a failed transfer lost is renewed in its own slot, so that a pool of one can clean up', async () => {
  const server = new ChancyServer(() => 0)
  server.takes = 1
  const pool = new Pool<Line>(server, { size: 1, idleMs: 60_000 })
  const removed: Line[] = []
  const [failed, next] = await Promise.allSettled([
    pool.use(plainContext(), async (line, lease) => {
      line.broken = true
      removed.push(await lease.renew(plainContext()))
      throw new Error('transfer')
    }),
    pool.use(plainContext(), async line => line),
  ])
  expect(failed).toMatchObject({ reason: { message: 'transfer' } })
  expect(next).toMatchObject({ value: removed[0] })
  expect(server.lines).toHaveLength(2)
  await pool.close()
})

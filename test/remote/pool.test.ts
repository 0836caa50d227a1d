import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { CallContext } from '../../src/core/call.ts'
import { isStorageError } from '../../src/core/errors.ts'
import { type Lease, Pool, type PoolOptions } from '../../src/remote/pool.ts'
import { plainContext } from '../../src/testing/context.ts'

interface Line {
  readonly id: number
  broken: boolean
  closed: boolean
  resting: boolean
}

/** Makes connections that a test breaks and counts. */
class Lines {
  readonly made: Line[] = []
  /** What `open` waits for. */
  gate: Promise<unknown> = Promise.resolve()
  /** What the next openings fail with. */
  readonly failures: Error[] = []

  async open(ctx: CallContext): Promise<Line> {
    await this.gate
    ctx.signal.throwIfAborted()
    const failure = this.failures.shift()
    if (failure !== undefined) throw failure
    const line = { id: this.made.length, broken: false, closed: false, resting: false }
    this.made.push(line)
    return line
  }

  isUsable(line: Line): boolean {
    return !line.broken
  }

  close(line: Line): void {
    line.closed = true
  }

  isFull(error: unknown): boolean {
    return (error as Error).message === 'full'
  }

  rest(line: Line): void {
    line.resting = true
  }

  wake(line: Line): void {
    line.resting = false
  }

  get openLines(): number {
    return this.made.filter(({ closed }) => !closed).length
  }
}

function pool(lines: Lines, options: Partial<PoolOptions> = {}): Pool<Line> {
  return new Pool(lines, { size: 2, idleMs: 1_000, ...options })
}

/** Lets all that is ready happen. */
const settle = (): Promise<unknown> => vi.advanceTimersByTimeAsync(0)

/** Whether a promise has settled by now. */
async function isPending(promise: Promise<unknown>): Promise<boolean> {
  let pending = true
  const over = (): void => {
    pending = false
  }
  promise.then(over, over)
  await settle()
  return pending
}

describe('Pool', () => {
  let lines: Lines
  let ctx: CallContext

  beforeEach(() => {
    vi.useFakeTimers()
    lines = new Lines()
    ctx = plainContext()
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  test('opens nothing before it is used, and uses a connection again', async () => {
    const p = pool(lines)
    expect(lines.made).toHaveLength(0)
    expect(await p.use(ctx, async line => line.id)).toBe(0)
    expect(await p.use(ctx, async line => line.id)).toBe(0)
    expect(lines.made).toHaveLength(1)
  })

  test('has at most `size` connections, and lets tasks wait in order', async () => {
    const p = pool(lines)
    const order: number[] = []
    const held = await Promise.all([p.lease(ctx), p.lease(ctx)])
    const waiting = [1, 2, 3].map(n =>
      p.use(ctx, async () => {
        order.push(n)
      }),
    )
    await settle()
    expect(order).toEqual([])
    for (const lease of held) lease.release()
    await Promise.all(waiting)
    expect(order).toEqual([1, 2, 3])
    expect(lines.made).toHaveLength(2)
  })

  test('gives a connection back when its task fails', async () => {
    const p = pool(lines, { size: 1 })
    await expect(
      p.use(ctx, async () => {
        throw new Error('task')
      }),
    ).rejects.toThrow('task')
    expect(await p.use(ctx, async line => line.id)).toBe(0)
  })

  test('closes a connection that rested for `idleMs`, counted from its last use', async () => {
    const p = pool(lines)
    await p.use(ctx, async () => undefined)
    expect(lines.made[0]?.resting).toBe(true)
    await vi.advanceTimersByTimeAsync(900)
    await p.use(ctx, async line => expect(line.resting).toBe(false))
    await vi.advanceTimersByTimeAsync(900)
    expect(lines.openLines).toBe(1)
    await vi.advanceTimersByTimeAsync(100)
    expect(lines.openLines).toBe(0)
    expect(await p.use(ctx, async line => line.id)).toBe(1)
  })

  test('replaces a connection that broke while it rested or while it was used', async () => {
    const p = pool(lines, { size: 1 })
    await p.use(ctx, async () => undefined)
    const [first] = lines.made
    if (first) first.broken = true
    await p.use(ctx, async line => {
      expect(line.id).toBe(1)
      line.broken = true
    })
    expect(lines.made.map(({ closed }) => closed)).toEqual([true, true])
    expect(await p.use(ctx, async line => line.id)).toBe(2)
  })

  test('a failed opening is the error of its task alone', async () => {
    const p = pool(lines, { size: 1 })
    lines.failures.push(new Error('refused'))
    const [first, second] = await Promise.allSettled([p.use(ctx, async l => l.id), p.use(ctx, async l => l.id)])
    expect(first).toMatchObject({ status: 'rejected', reason: { message: 'refused' } })
    expect(second).toEqual({ status: 'fulfilled', value: 0 })
  })

  test('becomes smaller when the server takes no more connections, and grows again later', async () => {
    const p = pool(lines, { size: 3 })
    const first = await p.lease(ctx)
    lines.failures.push(new Error('full'))
    const second = p.lease(ctx)
    const third = p.lease(ctx)
    lines.failures.push(new Error('full'))
    expect(await isPending(second)).toBe(true)
    expect(lines.openLines).toBe(1)
    first.release()
    const got = await second
    expect(got.connection.id).toBe(0)
    expect(await isPending(third)).toBe(true)
    await vi.advanceTimersByTimeAsync(31_000)
    const fourth = p.lease(ctx)
    expect((await third).connection.id).toBe(1)
    expect(await isPending(fourth)).toBe(true)
    got.release()
    ;(await fourth).release()
  })

  test('the first connection that a server refuses for its limit is an error', async () => {
    lines.failures.push(new Error('full'))
    await expect(pool(lines).lease(ctx)).rejects.toThrow('full')
  })

  test('an abort ends the wait, for that call alone', async () => {
    const p = pool(lines, { size: 1 })
    const held = await p.lease(ctx)
    const controller = new AbortController()
    const aborted = p.lease({ ...ctx, signal: controller.signal })
    const next = p.lease(ctx)
    controller.abort(new Error('enough'))
    await expect(aborted).rejects.toThrow('enough')
    held.release()
    expect((await next).connection.id).toBe(0)
  })

  test('an abort during an opening loses no place, and the late connection is closed', async () => {
    const p = pool(lines, { size: 1 })
    let open = (): void => undefined
    lines.gate = new Promise<void>(resolve => (open = resolve))
    const deaf = vi.spyOn(lines, 'open')
    deaf.mockImplementationOnce(async () => {
      await lines.gate
      const line = { id: 0, broken: false, closed: false, resting: false }
      lines.made.push(line)
      return line
    })
    const controller = new AbortController()
    const aborted = p.lease({ ...ctx, signal: controller.signal })
    const next = p.lease(ctx)
    await settle()
    controller.abort(new Error('enough'))
    await expect(aborted).rejects.toThrow('enough')
    open()
    const lease = await next
    expect(lease.connection.id).toBe(1)
    expect(lines.made[0]?.closed).toBe(true)
  })

  test('an abort in the moment that an opening succeeds gives the connection back', async () => {
    const p = pool(lines, { size: 1 })
    const controller = new AbortController()
    vi.spyOn(lines, 'open').mockImplementationOnce(async () => {
      // After `abortable` has settled, before the pool goes on.
      queueMicrotask(() => queueMicrotask(() => controller.abort(new Error('enough'))))
      const line = { id: 0, broken: false, closed: false, resting: false }
      lines.made.push(line)
      return line
    })
    const aborted = p.lease({ ...ctx, signal: controller.signal }).catch(() => undefined)
    const lease = await aborted
    lease?.release()
    expect(await isPending(p.use(ctx, async () => undefined))).toBe(false)
  })

  test('renew opens another connection in the same place, before any who wait', async () => {
    const p = pool(lines, { size: 1 })
    const lease = await p.lease(ctx)
    const next = p.lease(ctx)
    lease.connection.broken = true
    expect((await lease.renew(ctx)).id).toBe(1)
    expect(lease.connection.id).toBe(1)
    expect(lines.made[0]?.closed).toBe(true)
    expect(await isPending(next)).toBe(true)
    lease.release()
    expect((await next).connection.id).toBe(1)
  })

  test('a renewal that fails ends the lease and frees the place', async () => {
    const p = pool(lines, { size: 1 })
    const lease = await p.lease(ctx)
    const next = p.lease(ctx)
    lines.failures.push(new Error('down'))
    await expect(lease.renew(ctx)).rejects.toThrow('down')
    lease.release()
    expect((await next).connection.id).toBe(1)
    await expect(lease.renew(ctx)).rejects.toThrow(expect.objectContaining({ code: 'closed' }))
  })

  test('a second release does nothing', async () => {
    const p = pool(lines, { size: 1 })
    const first = await p.lease(ctx)
    first.release()
    const second = await p.lease(ctx)
    first.release()
    first.drop()
    expect(second.connection.closed).toBe(false)
    expect(await isPending(p.lease(ctx))).toBe(true)
  })

  test('a dropped connection is closed at once', async () => {
    const p = pool(lines)
    const lease = await p.lease(ctx)
    lease.drop()
    expect(lines.made[0]?.closed).toBe(true)
    expect(await p.use(ctx, async line => line.id)).toBe(1)
  })

  test('close refuses those who wait, and closes what is leased at its release', async () => {
    const p = pool(lines, { size: 1 })
    const lease = await p.lease(ctx)
    const waiting = p.lease(ctx)
    await Promise.all([p.close(), expect(waiting).rejects.toThrow(expect.objectContaining({ code: 'closed' }))])
    expect(lines.made[0]?.closed).toBe(false)
    lease.release()
    expect(lines.made[0]?.closed).toBe(true)
    expect(await p.use(ctx, async line => line.id)).toBe(1)
    await p.close()
    expect(lines.openLines).toBe(0)
  })

  test('a connection whose opening outlasts close is not kept', async () => {
    const p = pool(lines)
    let open = (): void => undefined
    lines.gate = new Promise<void>(resolve => (open = resolve))
    const late = p.lease(ctx)
    await settle()
    await p.close()
    open()
    ;(await late).release()
    expect(lines.openLines).toBe(0)
  })

  test('a task that waits for the second connection of its own pool of one is refused, and says why', async () => {
    const p = pool(lines, { size: 1, setting: 'poolSize' })
    const nested = p.use(ctx, async () => p.use(ctx, async () => undefined))
    const refused = expect(nested).rejects.toSatisfy(error => {
      return isStorageError(error, 'timeout') && /'poolSize'.*60 s/.test(error.message) && !error.retryable
    })
    await vi.advanceTimersByTimeAsync(60_000)
    await refused
    expect(await p.use(ctx, async line => line.id)).toBe(0)
  })

  test('bytes that move keep those who wait waiting, and are told to their calls', async () => {
    const p = pool(lines, { size: 1 })
    const lease = await p.lease(ctx)
    const progress = vi.fn()
    const waiting = p.lease({ ...ctx, progress })
    for (let i = 0; i < 5; i++) {
      await vi.advanceTimersByTimeAsync(50_000)
      lease.touch()
    }
    expect(progress).toHaveBeenCalledTimes(5)
    lease.release()
    expect((await waiting).connection.id).toBe(0)
  })

  describe('with several tasks for each connection', () => {
    test('shares a connection that is being opened, and opens another when it is full', async () => {
      const p = pool(lines, { tasks: 2 })
      const leases: Lease<Line>[] = await Promise.all([p.lease(ctx), p.lease(ctx), p.lease(ctx)])
      expect(leases.map(({ connection }) => connection.id).sort()).toEqual([0, 0, 1])
      const fourth = await p.lease(ctx)
      expect(fourth.connection.id).toBe(1)
      expect(await isPending(p.lease(ctx))).toBe(true)
    })

    test('that cannot be opened, all who would share it fail, and the next task opens another', async () => {
      const p = pool(lines, { tasks: 8 })
      lines.failures.push(new Error('refused'), new Error('refused'), new Error('opened once more'))
      const outcomes = await Promise.allSettled(Array.from({ length: 16 }, () => p.lease(ctx)))
      expect(outcomes.map(each => (each.status === 'rejected' ? String(each.reason) : ''))).toEqual(
        Array.from({ length: 16 }, () => 'Error: refused'),
      )
      expect(lines.failures.splice(0)).toHaveLength(1)
      expect((await p.lease(ctx)).connection.id).toBe(0)
    })

    test('whose opener gives up, the others open another', async () => {
      const p = pool(lines, { size: 1, tasks: 8 })
      const controller = new AbortController()
      lines.gate = Promise.resolve().then(() => controller.abort(new Error('enough')))
      const [first, second] = [p.lease(plainContext(controller.signal)), p.lease(ctx)]
      await expect(first).rejects.toThrow('enough')
      expect((await second).connection.id).toBe(0)
    })

    test('that takes long to open because a person is asked, nobody is refused for the time that it takes', async () => {
      const p = pool(lines, { size: 1, tasks: 8, stallMs: 1_000 })
      const open = lines.open.bind(lines)
      lines.open = async given => {
        for (let beats = 0; beats < 9; beats++) {
          await new Promise(resolve => setTimeout(resolve, 500))
          given.progress()
        }
        return open(given)
      }
      const all = Promise.all([p.lease(ctx), p.lease(ctx)])
      await vi.advanceTimersByTimeAsync(5_000)
      expect((await all).map(({ connection }) => connection.id)).toEqual([0, 0])
    })

    test('a connection that broke takes no more tasks, and is closed with its last one', async () => {
      const p = pool(lines, { size: 1, tasks: 2 })
      const [first, second] = await Promise.all([p.lease(ctx), p.lease(ctx)])
      first.connection.broken = true
      first.release()
      expect(lines.made[0]?.closed).toBe(false)
      const next = p.lease(ctx)
      expect(await isPending(next)).toBe(true)
      second.release()
      expect(lines.made[0]?.closed).toBe(true)
      expect((await next).connection.id).toBe(1)
    })
  })
})

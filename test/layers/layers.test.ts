import { channel } from 'node:diagnostics_channel'
import { getEventListeners } from 'node:events'
import { describe, expect, it } from 'vitest'
import { MemoryStorage } from '../../src/backends/memory/index.ts'
import { StorageError } from '../../src/core/errors.ts'
import { chaos } from '../../src/layers/chaos.ts'
import { concurrency } from '../../src/layers/concurrency.ts'
import { compose, type Layer } from '../../src/layers/layer.ts'
import { retry } from '../../src/layers/retry.ts'
import { timeout } from '../../src/layers/timeout.ts'
import { plainContext } from '../../src/testing/index.ts'

const call = { operation: 'stat', backend: 'test', replayable: true }
const busy = (retryAfterMs?: number) => new StorageError('throttled', 'slow down', { retryAfterMs })

describe('retry', () => {
  it('repeats a retryable failure until it succeeds, and counts the tries', async () => {
    const attempts: number[] = []
    const result = await retry({ maxAttempts: 4, baseMs: 1 })(
      call,
      async ctx => {
        attempts.push(ctx.attempt)
        if (attempts.length < 3) throw busy()
        return 'done'
      },
      plainContext(),
    )
    expect(result).toBe('done')
    expect(attempts).toEqual([1, 2, 3])
  })

  it.each([
    ['an error that is final', call, new StorageError('not_found', 'gone'), 1],
    ['a call that cannot be replayed', { ...call, replayable: false }, busy(), 1],
    ['more than the tries allowed', call, busy(), 3],
  ])('gives up on %s', async (_, about, error, tries) => {
    let count = 0
    const failing = retry({ maxAttempts: 3, baseMs: 1 })(
      about,
      async () => {
        count++
        throw error
      },
      plainContext(),
    )
    await expect(failing).rejects.toBe(error)
    expect(count).toBe(tries)
  })

  it('waits as long as the server asks, up to the cap', async () => {
    const started = performance.now()
    let count = 0
    const layer = retry({ maxAttempts: 2, baseMs: 0, capMs: 40 })
    await layer(
      call,
      async () => {
        if (count++ === 0) throw busy(60_000)
      },
      plainContext(),
    )
    expect(performance.now() - started).toBeGreaterThanOrEqual(35)
  })

  it('does not repeat outside what was repeated inside', async () => {
    let count = 0
    const layer = retry({ maxAttempts: 3, baseMs: 0 })
    const failing = compose([layer, layer])(
      call,
      async () => {
        count++
        throw busy()
      },
      plainContext(),
    )
    await expect(failing).rejects.toMatchObject({ code: 'throttled' })
    expect(count).toBe(3)
  })

  it('stops waiting when the call is aborted', async () => {
    const controller = new AbortController()
    const waiting = retry({ maxAttempts: 2, baseMs: 1 })(
      call,
      async () => {
        queueMicrotask(() => controller.abort())
        throw busy(10_000)
      },
      { ...plainContext(), signal: controller.signal },
    )
    await expect(waiting).rejects.toMatchObject({ code: 'aborted', operation: 'stat' })
  })
})

describe('timeout', () => {
  it('ends a call that makes no progress, and tells it so', async () => {
    let told: unknown
    const stuck = timeout(20)(
      call,
      ctx => new Promise(() => ctx.signal.addEventListener('abort', () => (told = ctx.signal.reason))),
      plainContext(),
    )
    await expect(stuck).rejects.toMatchObject({ code: 'timeout', retryable: true, outcome: 'unknown' })
    expect(told).toMatchObject({ code: 'timeout' })
  })

  it('lets a call live as long as bytes move', async () => {
    const moving = timeout(60)(
      call,
      async ctx => {
        for (let i = 0; i < 12; i++) {
          await new Promise(resolve => setTimeout(resolve, 10))
          ctx.progress()
        }
        return 'long'
      },
      plainContext(),
    )
    await expect(moving).resolves.toBe('long')
  })

  it('passes the caller’s abort on and leaves no listener', async () => {
    const controller = new AbortController()
    const ctx = { ...plainContext(), signal: controller.signal }
    await timeout(1000)(call, async () => 1, ctx)
    expect(getEventListeners(controller.signal, 'abort')).toHaveLength(0)
    const ended = timeout(1000)(
      call,
      inner => new Promise((_, reject) => inner.signal.addEventListener('abort', () => reject(inner.signal.reason))),
      ctx,
    )
    controller.abort(new Error('enough'))
    await expect(ended).rejects.toMatchObject({ code: 'aborted', cause: { message: 'enough' } })
  })
})

describe('concurrency', () => {
  it('runs at most so many at once, in order, and loses no slot by a failure', async () => {
    const layer = concurrency(2)
    let running = 0
    let most = 0
    const order: number[] = []
    const jobs = Array.from({ length: 12 }, (_, n) =>
      layer(
        call,
        async () => {
          most = Math.max(most, ++running)
          await new Promise(resolve => setImmediate(resolve))
          running--
          order.push(n)
          if (n % 3 === 0) throw busy()
        },
        plainContext(),
      ).catch(() => {}),
    )
    await Promise.all(jobs)
    expect(most).toBe(2)
    expect(order).toEqual([...order].sort((a, b) => a - b))
    expect(order).toHaveLength(12)
  })

  it('lets an aborted call leave the queue', async () => {
    const layer = concurrency(1)
    let release = () => {}
    const first = layer(call, () => new Promise<void>(resolve => (release = resolve)), plainContext())
    const controller = new AbortController()
    const second = layer(call, async () => {}, { ...plainContext(), signal: controller.signal })
    controller.abort()
    await expect(second).rejects.toMatchObject({ code: 'aborted', outcome: 'not_applied' })
    release()
    await first
    await layer(call, async () => {}, plainContext())
  })
})

describe('the layers of a storage', () => {
  it('hide a fault of a call that may be repeated', async () => {
    const storage = new MemoryStorage({}, { layers: [chaos({ fail: [1] })] })
    await storage.save('a.txt', 'text', { overwrite: true })
    expect(await storage.size('a.txt')).toBe(4)
  })

  it('continue a body that breaks', async () => {
    const layers: Layer[] = [
      chaos({ on: ({ operation }) => operation === 'read', breakBody: { calls: [1, 2], afterBytes: 1000 } }),
    ]
    const storage = new MemoryStorage({}, { layers })
    const bytes = Buffer.alloc(10_000, 'abcdefg')
    await storage.save('a.bin', bytes)
    const chunks: Buffer[] = []
    for await (const chunk of storage.createReadStream('a.bin')) chunks.push(chunk as Buffer)
    expect(Buffer.concat(chunks).equals(bytes)).toBe(true)
  })

  it('never repeat a conditional write whose answer was lost', async () => {
    const storage = new MemoryStorage(
      {},
      { layers: [chaos({ on: ({ operation }) => operation === 'write', failAfter: [1] })] },
    )
    await expect(storage.save('a.txt', 'text')).rejects.toMatchObject({ code: 'unavailable', outcome: 'unknown' })
    expect(await storage.listdir()).toEqual([[], ['a.txt']])
  })

  it('let writes that read from the same storage run, however few slots there are', async () => {
    const storage = new MemoryStorage({ concurrency: 2, timeoutSecs: 5 })
    await storage.save('source', Buffer.alloc(500_000, 'x'))
    const copies = Array.from({ length: 50 }, (_, n) =>
      storage.save(`copy ${n}`, storage.createReadStream('source'), { overwrite: true }),
    )
    expect(await Promise.all(copies)).toHaveLength(50)
    expect(await storage.size('copy 49')).toBe(500_000)
  })

  it('repeat a conditional write that surely was not carried out', async () => {
    const storage = new MemoryStorage(
      {},
      { layers: [chaos({ on: ({ operation }) => operation === 'write', fail: [1] })] },
    )
    expect(await storage.save('a.txt', 'text')).toBe('a.txt')
    expect(await storage.listdir()).toEqual([[], ['a.txt']])
  })

  it('refuse every change of a read-only storage', async () => {
    const storage = new MemoryStorage({ readOnly: true })
    await expect(storage.save('a.txt', 'text')).rejects.toMatchObject({ code: 'permission_denied' })
    await expect(storage.delete('a.txt')).rejects.toMatchObject({ code: 'permission_denied' })
    expect(await storage.exists('a.txt')).toBe(false)
  })

  it('publish each call on its tracing channel', async () => {
    const seen: unknown[] = []
    const listen = (message: unknown) => seen.push(message)
    channel('tracing:holdall:stat:start').subscribe(listen)
    await new MemoryStorage().exists('a.txt')
    channel('tracing:holdall:stat:start').unsubscribe(listen)
    expect(seen).toEqual([expect.objectContaining({ operation: 'stat', key: 'a.txt', backend: 'memory' })])
  })

  it('end a call by its signal, before it starts and while it waits', async () => {
    const storage = new MemoryStorage({}, { layers: [chaos({ delayMs: 10_000 })] })
    await expect(storage.exists('a', { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'aborted' })
    const controller = new AbortController()
    const waiting = storage.exists('a', { signal: controller.signal })
    controller.abort()
    await expect(waiting).rejects.toMatchObject({ code: 'aborted', fileName: 'a', backend: 'memory' })
  })
})

import { channel } from 'node:diagnostics_channel'
import { getEventListeners } from 'node:events'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { finished } from 'node:stream/promises'
import { describe, expect, it } from 'vitest'
import { MemoryStorage } from '../../src/backends/memory/index.ts'
import { StreamBody } from '../../src/core/body.ts'
import { StorageError } from '../../src/core/errors.ts'
import { chaos } from '../../src/layers/chaos.ts'
import { concurrency } from '../../src/layers/concurrency.ts'
import { compose, type Layer } from '../../src/layers/layer.ts'
import { retry, waitMs } from '../../src/layers/retry.ts'
import { timeout } from '../../src/layers/timeout.ts'
import { plainContext } from '../../src/testing/index.ts'

const call = { operation: 'stat', backend: 'test', repeat: true }
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
    ['a call that cannot be replayed', { ...call, repeat: false }, busy(), 1],
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

  it('waits at random below a bound that doubles and is capped, and no less than the server asks', () => {
    const options = { baseMs: 100, capMs: 20_000, random: () => 0.999_999 }
    const waits = [1, 2, 3, 7, 8, 20].map(failures => Math.round(waitMs(failures, undefined, options)))
    expect(waits).toEqual([200, 400, 800, 12_800, 20_000, 20_000])
    expect(waitMs(3, undefined, { ...options, random: () => 0 })).toBe(0)
    expect(waitMs(3, undefined, { ...options, random: () => 0.25 })).toBe(200)
    expect(waitMs(1, 5000, { ...options, random: () => 0 })).toBe(5000)
    expect(waitMs(1, 60_000, options)).toBe(20_000)
    const random = Array.from({ length: 200 }, () => waitMs(4, undefined, { ...options, random: Math.random }))
    expect(Math.max(...random)).toBeLessThan(1600)
    expect(Math.max(...random) - Math.min(...random)).toBeGreaterThan(400)
  })

  it('tells the outcome of all tries, not only of the last', async () => {
    const lost = () => new StorageError('unavailable', 'lost')
    for (const [failures, outcome] of [
      [[lost, busy], 'unknown'],
      [[lost, () => new StorageError('permission_denied', 'no')], 'unknown'],
      [[busy, busy, lost], 'unknown'],
      [[busy, busy, busy], 'not_applied'],
      [[lost, () => new Error('odd')], undefined],
    ] as const) {
      let count = 0
      const failing = retry({ maxAttempts: failures.length, baseMs: 0 })(
        call,
        async () => {
          throw failures[count++]!()
        },
        plainContext(),
      )
      const error = await failing.catch(each => each)
      expect(error.outcome).toBe(outcome)
    }
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

  it('frees what comes after it gave up: a body, an open file', async () => {
    const body = new Readable({ read() {} })
    let discarded = false
    for (const late of [{ body: new StreamBody(body) }, { discard: async () => void (discarded = true) }]) {
      const { promise, resolve } = Promise.withResolvers<object>()
      await expect(timeout(10)(call, () => promise, plainContext())).rejects.toMatchObject({ code: 'timeout' })
      resolve(late)
      await promise
      await new Promise(setImmediate)
    }
    expect([body.destroyed, discarded]).toEqual([true, true])
  })

  it('can be longer than the longest timer', async () => {
    const slow = () => new Promise(resolve => setTimeout(resolve, 20, 'slow'))
    expect(await timeout(1e12)(call, slow, plainContext())).toBe('slow')
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
    const named = { ...call, key: 'folder/name', fileName: 'name' }
    const second = layer(named, async () => {}, { ...plainContext(), signal: controller.signal })
    controller.abort()
    const aborted = { code: 'aborted', outcome: 'not_applied', operation: 'stat', fileName: 'name' }
    await expect(second).rejects.toMatchObject(aborted)
    const late = layer(call, async () => {}, { ...plainContext(), signal: controller.signal })
    await expect(late).rejects.toMatchObject({ code: 'aborted', outcome: 'not_applied' })
    release()
    await first
    await layer(call, async () => {}, plainContext())
  })

  it('keeps the order of those that wait when others leave, and puts one listener on the signal that they share', async () => {
    const layer = concurrency(1)
    const shared = new AbortController()
    const leaving = new AbortController()
    let release = () => {}
    const first = layer(call, () => new Promise<void>(resolve => (release = resolve)), plainContext())
    const order: number[] = []
    const jobs = Array.from({ length: 200 }, (_, n) => {
      const { signal } = n % 3 === 1 ? leaving : shared
      return layer(call, async () => void order.push(n), { ...plainContext(), signal }).catch(error => error.code)
    })
    expect(getEventListeners(shared.signal, 'abort')).toHaveLength(1)
    leaving.abort()
    release()
    await first
    expect((await Promise.all(jobs)).filter(code => code === 'aborted')).toHaveLength(67)
    expect(order).toEqual(Array.from({ length: 200 }, (_, n) => n).filter(n => n % 3 !== 1))
    expect(getEventListeners(shared.signal, 'abort')).toHaveLength(0)
    const later = [1, 2, 3].map(n => layer(call, async () => void order.push(-n), plainContext()))
    await Promise.all(later)
    expect(order.slice(-3)).toEqual([-1, -2, -3])
  })
})

describe('chaos', () => {
  const bodyOf = (text: string) => async () => ({
    body: new StreamBody(Readable.from([Buffer.from(text)], { objectMode: false })),
  })

  it('fails the counted calls before or after they are made, and makes some twice', async () => {
    const made: number[] = []
    const layer = chaos({ on: ({ operation }) => operation === 'stat', fail: [2], failAfter: [3], duplicate: [4] })
    const outcomes: unknown[] = []
    for (let n = 1; n <= 5; n++) {
      const work = layer(call, async () => made.push(n), plainContext())
      outcomes.push(await work.then(() => 'done').catch(error => `${error.code} ${error.outcome}`))
    }
    expect(outcomes).toEqual(['done', 'unavailable not_applied', 'unavailable unknown', 'done', 'done'])
    expect(made).toEqual([1, 3, 4, 4, 5])
    expect(await layer({ ...call, operation: 'list' }, async () => 'not counted', plainContext())).toBe('not counted')
  })

  it.each([0, 1, 5, 9])('breaks a body after %i bytes', async afterBytes => {
    const layer = chaos({ breakBody: { calls: [1], afterBytes } })
    const { body } = await layer(call, bodyOf('0123456789'), plainContext())
    const chunks: Buffer[] = []
    const reading = (async () => {
      for await (const chunk of body.stream()) chunks.push(chunk)
    })()
    await expect(reading).rejects.toMatchObject({ code: 'unavailable' })
    expect(Buffer.concat(chunks).toString()).toBe('0123456789'.slice(0, afterBytes))
    expect((await buffer((await layer(call, bodyOf('whole'), plainContext())).body.stream())).toString()).toBe('whole')
  })

  it('frees the body below one that is given up before its first byte', async () => {
    const { body: below } = await bodyOf('0123456789')()
    const { body } = await chaos({ breakBody: { calls: [1], afterBytes: 5 } })(
      call,
      async () => ({ body: below }),
      plainContext(),
    )
    body.stream().destroy()
    await finished(below.stream()).catch(() => undefined)
    expect(below.stream().closed).toBe(true)
  })

  it('ends a call that it holds back with a StorageError in a storage', async () => {
    const layers = [chaos({ delayMs: 60_000 })]
    const storage = new MemoryStorage({}, { settings: {}, env: {}, layers })
    const controller = new AbortController()
    const reason = new Error('enough')
    const held = storage.stat('file', { signal: controller.signal })
    controller.abort(reason)
    await expect(held).rejects.toMatchObject({ code: 'aborted', operation: 'stat', fileName: 'file', cause: reason })
    const failing = new MemoryStorage(
      { timeoutSecs: null },
      { settings: {}, env: {}, layers: [() => Promise.reject('no')] },
    )
    await expect(failing.exists('file')).rejects.toMatchObject({ name: 'StorageError', code: 'unknown', cause: 'no' })
  })

  it('holds calls back, and no longer than they may', async () => {
    const controller = new AbortController()
    const held = chaos({ delayMs: 60_000 })(call, async () => 'made', { ...plainContext(), signal: controller.signal })
    controller.abort()
    await expect(held).rejects.toMatchObject({ name: 'AbortError' })
    expect(await chaos({ delayMs: 5 })(call, async () => 'made', plainContext())).toBe('made')
  })

  it('frees the bodies that nobody gets', async () => {
    const bodies: StreamBody[] = []
    const open = async () => {
      const { body } = await bodyOf('x')()
      bodies.push(body)
      return { body }
    }
    await chaos({ duplicate: [1] })(call, open, plainContext())
    await expect(chaos({ failAfter: [1] })(call, open, plainContext())).rejects.toMatchObject({ code: 'unavailable' })
    expect(bodies.map(body => body.stream().destroyed)).toEqual([true, false, true])
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
    let asked = false
    const source = (function* () {
      asked = true
      yield 'text'
    })()
    await expect(storage.save('a.txt', source)).rejects.toMatchObject({ code: 'permission_denied' })
    expect(asked).toBe(false)
    for (const mode of ['w', 'a', 'x', 'r+'] as const) {
      await expect(storage.open('a.txt', mode)).rejects.toMatchObject({ code: 'permission_denied' })
    }
    await expect(storage.copy('a.txt', 'b.txt')).rejects.toMatchObject({ code: 'permission_denied' })
    await expect(storage.move('a.txt', 'b.txt')).rejects.toMatchObject({ code: 'permission_denied' })
    await expect(storage.deleteMany(['a.txt'])).rejects.toMatchObject({ code: 'permission_denied' })
    await expect(storage.createContainer()).rejects.toMatchObject({ code: 'permission_denied' })
    for (const method of ['PUT', 'DELETE'] as const) {
      await expect(storage.url('a.txt', { method })).rejects.toMatchObject({ code: 'permission_denied' })
    }
  })

  it('never wait for each other: copies, streams and files that read while others write', async () => {
    const storage = new MemoryStorage({ concurrency: 1, timeoutSecs: 5 })
    await storage.save('source', Buffer.alloc(300_000, 'x'))
    const work = Array.from({ length: 20 }, async (_, n) => {
      await storage.copy('source', `copy ${n}`, { storage })
      await using file = await storage.open('source')
      await storage.save(`file ${n}`, file)
      await storage.edit(`edited ${n}`, 'w', async target => {
        for await (const chunk of file.chunks(50_000)) await target.write(chunk)
      })
    })
    await Promise.all(work)
    for (const name of ['copy 19', 'file 19', 'edited 19']) expect(await storage.size(name)).toBe(300_000)
  })

  it('ask a server once what it can do, and whoever gives up waiting ends it for nobody else', async () => {
    const storage = new MemoryStorage()
    const { promise, resolve } = Promise.withResolvers<void>()
    let asked = 0
    const { driver } = storage.calls
    driver.discover = async () => {
      asked++
      await promise
      return { ...driver.features, exclusiveCreate: false }
    }
    const controller = new AbortController()
    const first = storage.save('a.txt', 'one', { signal: controller.signal })
    const second = storage.save('a.txt', 'two')
    controller.abort()
    await expect(first).rejects.toMatchObject({ code: 'aborted', operation: 'discover' })
    resolve()
    expect(await second).toBe('a.txt')
    expect([asked, storage.supports('exclusiveCreate')]).toEqual([1, false])
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

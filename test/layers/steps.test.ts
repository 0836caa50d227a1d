import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { MemoryStorage } from '../../src/backends/memory/index.ts'
import type { CallContext } from '../../src/core/call.ts'
import { StorageError } from '../../src/core/errors.ts'
import { chaos } from '../../src/layers/chaos.ts'
import { timeout } from '../../src/layers/timeout.ts'
import { plainContext } from '../../src/testing/index.ts'

const call = { operation: 'write', backend: 'memory', repeat: false }
const TIMEOUT_SECS = 0.3

/** Makes one call of a storage whose tries are given up after `TIMEOUT_SECS` without progress. */
function run<T>(work: (ctx: CallContext) => Promise<T>): Promise<T> {
  const storage = new MemoryStorage({ timeoutSecs: TIMEOUT_SECS, maxAttempts: 3 })
  return storage.calls.run('write', { name: 'a', key: 'a' }, { repeat: false }, work)
}

/** Hangs until it is given up. */
function stuck({ signal }: CallContext): Promise<never> {
  return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
}

describe('a step of a call', () => {
  it('that hangs is made again, and the call lives on', async () => {
    let tries = 0
    const result = run(ctx =>
      ctx.step('part', true, async step => {
        if (++tries === 1) return stuck(step)
        return 'whole'
      }),
    )
    expect(await result).toBe('whole')
    expect(tries).toBe(2)
  })

  it('may take longer than the call’s own time-out while it moves', async () => {
    const result = run(ctx =>
      ctx.step('part', true, async step => {
        for (let move = 0; move < 8; move++) {
          await sleep((TIMEOUT_SECS * 1000) / 4)
          step.progress()
        }
        return 'slow'
      }),
    )
    expect(await result).toBe('slow')
  })

  it('may wait for its next try longer than the call’s time-out', async () => {
    let tries = 0
    const result = run(ctx =>
      ctx.step('part', true, async () => {
        if (++tries > 1) return 'late'
        throw new StorageError('throttled', 'busy', { retryAfterMs: TIMEOUT_SECS * 2000 })
      }),
    )
    expect(await result).toBe('late')
  })

  it('leaves the call its time-out: what hangs between steps is given up', async () => {
    const waiting = timeout(TIMEOUT_SECS * 1000)(
      call,
      async ctx => {
        await ctx.step('part', true, async () => sleep(TIMEOUT_SECS * 2000))
        return stuck(ctx)
      },
      plainContext(),
    )
    await expect(waiting).rejects.toMatchObject({ code: 'timeout', operation: 'write' })
  })

  it('with a condition is made again only after an error that says that nothing was done', async () => {
    const tries = async (outcome: 'not_applied' | 'unknown'): Promise<number> => {
      let count = 0
      const failing = run(ctx =>
        ctx.step('complete', 'if_not_applied', async () => {
          count++
          throw new StorageError('unavailable', 'lost', { outcome })
        }),
      )
      await expect(failing).rejects.toMatchObject({ code: 'unavailable', outcome })
      return count
    }
    expect([await tries('not_applied'), await tries('unknown')]).toEqual([3, 1])
  })

  it('in a context of its own outlives the abort of its call', async () => {
    const controller = new AbortController()
    const storage = new MemoryStorage(
      {},
      { layers: [chaos({ on: ({ operation }) => operation === 'undo', fail: [1] })] },
    )
    const undone = Promise.withResolvers<string>()
    const aborted = storage.calls.run('write', { name: 'a', key: 'a' }, { signal: controller.signal }, async ctx => {
      try {
        return await stuck(ctx)
      } finally {
        const clean = { ...ctx, signal: new AbortController().signal }
        undone.resolve(clean.step('undo', true, async ({ attempt }) => `at try ${attempt}`))
      }
    })
    controller.abort()
    await expect(aborted).rejects.toMatchObject({ code: 'aborted' })
    expect(await undone.promise).toBe('at try 2')
  })
})

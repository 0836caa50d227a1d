import { describe, expect, test } from 'vitest'
import type { CallContext } from '../../src/core/call.ts'
import { StorageError } from '../../src/core/errors.ts'
import { type BatchAnswer, Batches } from '../../src/remote/batches.ts'
import { plainContext } from '../../src/testing/index.ts'

interface Script {
  readonly limit?: number
  readonly againSingly?: boolean
  answer?(keys: readonly string[], attempt: number): BatchAnswer
  remove?(key: string): void
}

function batches(script: Script) {
  const sent: string[][] = []
  const single: string[] = []
  const made = new Batches<undefined>({
    limit: script.limit ?? 1000,
    againSingly: script.againSingly,
    holds: key => !key.includes('\n'),
    async send(keys) {
      sent.push([...keys])
      return script.answer?.(keys, sent.length) ?? new Map(keys.map(key => [key, undefined]))
    },
    async delete(key) {
      single.push(key)
      script.remove?.(key)
    },
    isUnsupported: error => error instanceof StorageError && error.code === 'unsupported',
  })
  return { made, sent, single }
}

/** A context that makes a step three times at most, without waiting. */
function retrying(): CallContext {
  return {
    ...plainContext(),
    async step(_operation, _repeat, run) {
      for (let attempt = 1; ; attempt++) {
        try {
          return await run({ ...this, attempt })
        } catch (error) {
          if (attempt === 3 || !(error instanceof StorageError) || !error.retryable) throw error
        }
      }
    },
  }
}

const failed = (code: 'throttled' | 'permission_denied') => new StorageError(code, code)

describe('Batches', () => {
  test('sends as many keys as fit, and gives results in the order of the keys', async () => {
    const { made, sent, single } = batches({
      limit: 2,
      answer: keys => new Map(keys.toReversed().map(key => [key, undefined])),
    })
    const results = await made.deleteMany(['a', 'b', 'x\ny', 'c', 'a'], plainContext(), undefined)
    expect(results).toEqual(['a', 'b', 'x\ny', 'c', 'a'].map(key => ({ key })))
    expect(sent).toEqual([['a', 'b'], ['c']])
    expect(single).toEqual(['x\ny'])
  })

  test('a call that is aborted after a first answer is aborted, not answered in part', async () => {
    const controller = new AbortController()
    const { made } = batches({
      answer: keys => {
        controller.abort(new Error('enough'))
        return new Map(keys.map(key => [key, failed('throttled')]))
      },
    })
    const ctx: CallContext = {
      ...plainContext(),
      signal: controller.signal,
      async step(_operation, _repeat, run) {
        return run({ ...this, attempt: 1 }).catch(error => {
          this.signal.throwIfAborted()
          throw error
        })
      },
    }
    await expect(made.deleteMany(['a'], ctx, undefined)).rejects.toThrow('enough')
  })

  test('a key that the answer does not name is an error whose outcome is unknown', async () => {
    const { made } = batches({
      answer: () =>
        new Map([
          ['a', undefined],
          ['other', undefined],
        ]),
    })
    const [a, b] = await made.deleteMany(['a', 'b'], plainContext(), undefined)
    expect(a).toEqual({ key: 'a' })
    expect(b!.error).toMatchObject({ code: 'unavailable', outcome: 'unknown', fileName: 'b' })
  })

  test('only the keys that failed for a while are sent again', async () => {
    const { made, sent } = batches({
      answer: (keys, attempt) =>
        new Map(
          keys.map(key => [
            key,
            key === 'b' && attempt < 3 ? failed('throttled') : key === 'c' ? failed('permission_denied') : undefined,
          ]),
        ),
    })
    const results = await made.deleteMany(['a', 'b', 'c'], retrying(), undefined)
    expect(sent).toEqual([['a', 'b', 'c'], ['b'], ['b']])
    expect(results.map(({ error }) => (error as StorageError | undefined)?.code)).toEqual([
      undefined,
      undefined,
      'permission_denied',
    ])
  })

  test('keys that failed for a while go one after another where the service locks', async () => {
    let tries = 0
    let atOnce = 0
    const { made, sent, single } = batches({
      againSingly: true,
      answer: keys => new Map(keys.map(key => [key, key < 'c' ? failed('throttled') : undefined])),
      remove(key) {
        expect(++atOnce).toBe(1)
        atOnce--
        if (key === 'b' && tries++ === 0) throw failed('throttled')
      },
    })
    const waits: string[] = []
    const ctx = retrying()
    const step: CallContext['step'] = async (operation, repeat, run) =>
      ctx.step(operation, repeat, async inner => {
        if (inner.attempt > 1) waits.push(operation)
        return run(inner)
      })
    const results = await made.deleteMany(['a', 'b', 'c'], { ...ctx, step }, undefined)
    expect([sent, single]).toEqual([[['a', 'b', 'c']], ['a', 'b', 'b']])
    // Each waits before its first request of its own, since the batch was refused just now.
    expect(waits).toEqual(['delete', 'delete', 'delete'])
    expect(results).toEqual(['a', 'b', 'c'].map(key => ({ key })))
  })

  test('keys that go on failing have their errors; the others are deleted', async () => {
    const { made, sent } = batches({
      answer: keys => new Map(keys.map(key => [key, key === 'b' ? failed('throttled') : undefined])),
    })
    const results = await made.deleteMany(['a', 'b'], retrying(), undefined)
    expect(sent).toHaveLength(3)
    expect(results).toEqual([{ key: 'a' }, { key: 'b', error: expect.objectContaining({ code: 'throttled' }) }])
  })

  test('a request that fails after an answer leaves the results of that answer', async () => {
    const { made } = batches({
      answer(keys, attempt) {
        if (attempt > 1) throw new StorageError('permission_denied', 'no more')
        return new Map(keys.map(key => [key, key === 'b' ? failed('throttled') : undefined]))
      },
    })
    const results = await made.deleteMany(['a', 'b'], retrying(), undefined)
    expect(results).toEqual([{ key: 'a' }, { key: 'b', error: expect.objectContaining({ code: 'throttled' }) }])
  })

  test('without batches in the service the keys go one by one, and that is remembered', async () => {
    const { made, sent, single } = batches({
      answer() {
        throw new StorageError('unsupported', 'none here')
      },
      remove(key) {
        if (key === 'b') throw failed('permission_denied')
      },
    })
    const results = await made.deleteMany(['a', 'b', 'c'], plainContext(), undefined)
    expect(results.map(({ error }) => error === undefined)).toEqual([true, false, true])
    await made.deleteMany(['d'], plainContext(), undefined)
    expect([sent.length, single]).toEqual([1, ['a', 'b', 'c', 'd']])
  })

  test('an error of a whole request is thrown', async () => {
    const { made } = batches({
      answer() {
        throw failed('permission_denied')
      },
    })
    await expect(made.deleteMany(['a'], plainContext(), undefined)).rejects.toMatchObject({ code: 'permission_denied' })
  })

  test('an aborted call takes no more keys', async () => {
    const controller = new AbortController()
    const { made, single } = batches({ remove: () => controller.abort(new Error('enough')) })
    const keys = Array.from({ length: 50 }, (_, index) => `${index}\n`)
    await expect(made.deleteMany(keys, plainContext(controller.signal), undefined)).rejects.toThrow('enough')
    expect(single.length).toBeLessThan(10)
  })
})

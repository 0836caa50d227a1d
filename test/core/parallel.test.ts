import { expect, it } from 'vitest'
import { forEachParallel, mapParallel } from '../../src/core/parallel.ts'

const turn = (): Promise<void> => new Promise(resolve => setImmediate(resolve))

it('works on so many items at once, each of them once', async () => {
  let running = 0
  let most = 0
  const done: number[] = []
  await forEachParallel([1, 2, 3, 4, 5], { limit: 2 }, async item => {
    most = Math.max(most, ++running)
    await turn()
    running--
    done.push(item)
  })
  expect(done).toEqual([1, 2, 3, 4, 5])
  expect(most).toBe(2)
})

it.each(['the work', 'the items'])('waits for what is under way when %s fails, and takes no more', async where => {
  const ended: number[] = []
  const begun: number[] = []
  function* items(): Generator<number> {
    yield 1
    yield 2
    if (where === 'the items') throw new Error('the items failed')
    yield 3
    yield 4
  }
  const work = forEachParallel(items(), { limit: 2 }, async item => {
    begun.push(item)
    if (where === 'the work' && item === 2) throw new Error('the work failed')
    for (let turns = 0; turns < 5; turns++) await turn()
    ended.push(item)
  })
  await expect(work).rejects.toThrow(`${where} failed`)
  expect(ended).toContain(1)
  expect(ended.length).toBe(where === 'the work' ? begun.length - 1 : begun.length)
  expect(begun).toEqual([1, 2])
})

it('gives all results in the order of the items', async () => {
  const results = await mapParallel([3, 1, 2], { limit: 3 }, async (turns, index) => {
    for (let left = turns; left > 0; left--) await turn()
    return `${index}: ${turns}`
  })
  expect(results).toEqual(['0: 3', '1: 1', '2: 2'])
})

it('tells the first failure at once, and throws it when the rest has ended', async () => {
  const reasons: unknown[] = []
  const ended: number[] = []
  const stop = (reason: unknown): void => void reasons.push(reason)
  const failing = forEachParallel([1, 2, 3, 4, 5], { limit: 3, stop }, async number => {
    await turn()
    if (number === 2) throw new Error('second')
    await turn()
    ended.push(number)
    if (number === 3) throw new Error('third')
  })
  await expect(failing).rejects.toThrow('second')
  expect(ended).toEqual([1, 3])
  expect(reasons).toEqual([new Error('second')])
})

it('tells a failure of the items', async () => {
  async function* items(): AsyncGenerator<number> {
    yield 1
    throw new Error('no more')
  }
  let stopped = 0
  const work = forEachParallel(items(), { limit: 3, stop: () => stopped++ }, async () => {})
  await expect(work).rejects.toThrow('no more')
  expect(stopped).toBe(1)
})

it('closes the items after a failure, and when it is aborted', async () => {
  let closed = 0
  async function* items(): AsyncGenerator<number> {
    try {
      for (let number = 1; ; number++) yield number
    } finally {
      closed++
    }
  }
  const failing = forEachParallel(items(), { limit: 2 }, async number => {
    if (number === 3) throw new Error('three')
  })
  await expect(failing).rejects.toThrow('three')
  expect(closed).toBe(1)
  const controller = new AbortController()
  const begun: number[] = []
  const aborted = forEachParallel(items(), { limit: 2, signal: controller.signal }, async number => {
    begun.push(number)
    if (number === 2) controller.abort(new Error('enough'))
    await turn()
  })
  await expect(aborted).rejects.toThrow('enough')
  expect([begun, closed]).toEqual([[1, 2], 2])
})

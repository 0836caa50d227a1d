import { expect, it } from 'vitest'
import { forEachParallel } from '../../src/cli/parallel.ts'

const turn = (): Promise<void> => new Promise(resolve => setImmediate(resolve))

it('works on so many items at once, each of them once', async () => {
  let running = 0
  let most = 0
  const done: number[] = []
  await forEachParallel([1, 2, 3, 4, 5], 2, async item => {
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
  const work = forEachParallel(items(), 2, async item => {
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

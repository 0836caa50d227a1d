import { once } from 'node:events'
import { statSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { expect, test, vi } from 'vitest'
import { distinctTime } from '../../../src/backends/local/distinct-time.ts'
import { temporaryFolder } from './fixture.ts'

const COUNT = 20_000

test('no two moments are alike, in this thread and in others', async () => {
  const url = new URL('../../../src/backends/local/distinct-time.ts', import.meta.url)
  const program = `import('${url}').then(({ distinctTime }) => {
    require('node:worker_threads').parentPort.postMessage(Array.from({ length: ${COUNT} }, distinctTime))
  })`
  const workers = Array.from({ length: 3 }, () => new Worker(program, { eval: true }))
  const before = Date.now() / 1000
  const times = Array.from({ length: COUNT }, distinctTime)
  expect(times[0]).toBeGreaterThan(before - 0.001)
  expect(times[0]).toBeLessThanOrEqual(Date.now() / 1000 + 0.001)
  for (const [others] of await Promise.all(workers.map(worker => once(worker, 'message')))) times.push(...others)
  expect(new Set(times).size).toBe(4 * COUNT)
})

test('a file system keeps them apart', () => {
  using folder = temporaryFolder()
  const path = join(folder.path, 'file')
  writeFileSync(path, '')
  const kept = Array.from({ length: 100 }, () => {
    const time = distinctTime()
    utimesSync(path, time, time)
    return statSync(path, { bigint: true }).mtimeNs
  })
  expect(new Set(kept).size).toBe(100)
})

test('moments follow a clock that is set back, and are not alike afterwards either', () => {
  const real = Date.now()
  using clock = vi.spyOn(Date, 'now').mockReturnValue(real + 365 * 86_400_000)
  const ahead = Array.from({ length: 100 }, distinctTime)
  clock.mockReturnValue(real)
  const after = Array.from({ length: COUNT }, distinctTime)
  expect(Math.abs(after[0]! - real / 1000)).toBeLessThan(0.001)
  // The clock does not move here: a burst runs ahead of it by no more than a moment.
  expect(after.at(-1)! - real / 1000).toBeLessThan(1)
  expect(new Set([...ahead, ...after]).size).toBe(100 + COUNT)
  // Less than a second is not worth a time that comes again.
  clock.mockReturnValue(real - 300)
  expect(distinctTime()).toBeGreaterThan(after.at(-1)!)
})

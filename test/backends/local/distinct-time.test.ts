import { once } from 'node:events'
import { statSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { expect, test } from 'vitest'
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

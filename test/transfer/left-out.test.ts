import { setImmediate } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { watchLeftOut } from '../../src/transfer/left-out.ts'

it('watches for entries that a listing left out, with one listener for any number of watchers', async () => {
  const before = process.listenerCount('warning')
  const seen: number[] = []
  const stops = Array.from({ length: 12 }, (_, at) => watchLeftOut(() => seen.push(at)))
  expect(process.listenerCount('warning')).toBe(before + 1)
  process.emit('warning', Object.assign(new Error('left out'), { code: 'OTHER' }))
  process.emit('warning', Object.assign(new Error('left out'), { code: 'HOLDALL_LEFT_OUT' }))
  await setImmediate()
  expect(seen).toEqual(Array.from({ length: 12 }, (_, at) => at))
  for (const stop of stops) {
    stop()
    stop()
  }
  expect(process.listenerCount('warning')).toBe(before)
})

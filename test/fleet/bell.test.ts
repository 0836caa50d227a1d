import { expect, it } from 'vitest'
import { Bell } from '../../src/fleet/bell.ts'

/** Longer than any test. */
const LONG_MS = 3_600_000

it('wakes those who wait, and does not let them wait for what has rung since they last looked', async () => {
  const bell = new Bell()
  const heard = bell.rings
  bell.ring()
  await bell.wait(LONG_MS, heard)
  const waiting = [bell.wait(LONG_MS), bell.wait(LONG_MS, bell.rings)]
  bell.ring()
  await Promise.all(waiting)
  await bell.wait(0)
  expect(bell.rings).toBe(2)
})

/**
 * `node:timers/promises` whose waits are a hundredth as long, for tests of what is asked or tried again:
 * `vi.mock('node:timers/promises', () => import('../../support/short-waits.ts'))`.
 */
import type { TimerOptions } from 'node:timers'

const real = process.getBuiltinModule('node:timers/promises')

export const { setImmediate, setInterval, scheduler } = real

export function setTimeout<T>(ms?: number, value?: T, options?: TimerOptions): Promise<T> {
  return real.setTimeout(ms === undefined ? ms : ms / 100, value as T, options)
}

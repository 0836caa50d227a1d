import { setTimeout } from 'node:timers/promises'
import type { Target } from './target.ts'

/** Time in milliseconds after which a run that removes files is considered dead. */
const MAX_REMOVAL_MS = 120_000
/** First and maximum wait in milliseconds between two checks. */
const FIRST_WAIT_MS = 10
const MAX_WAIT_MS = 1000

/**
 * Whether no other run has changed the target since it was read. If one has, waits until its record shows that it has finished removing
 * files, and returns false.
 */
export async function othersAreDone(target: Target, signal: AbortSignal): Promise<boolean> {
  let waitMs = FIRST_WAIT_MS
  const untilMs = Date.now() + MAX_REMOVAL_MS
  for (;;) {
    const record = await target.othersRecord({ signal })
    if (record === undefined) return true
    // The clock of the other machine may be wrong: no wait is longer than for a run that began just now.
    const now = Date.now()
    if (record.removingSinceMs === 0 || now >= untilMs || now - record.removingSinceMs >= MAX_REMOVAL_MS) return false
    await setTimeout(waitMs, undefined, { signal })
    waitMs = Math.min(MAX_WAIT_MS, waitMs * 2)
  }
}

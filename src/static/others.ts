import { setTimeout } from 'node:timers/promises'
import type { Target } from './target.ts'

/** Milliseconds after which a run that removes files is taken for dead. */
const MAX_REMOVAL_MS = 120_000
/** Milliseconds between two looks, at first and at most. */
const FIRST_WAIT_MS = 10
const MAX_WAIT_MS = 1000

/**
 * Whether no other run has changed the target since it was read. Where one has, waits until it has ended to remove files, as far as its record
 * says; then false.
 */
export async function othersAreDone(target: Target, signal: AbortSignal): Promise<boolean> {
  let waitMs = FIRST_WAIT_MS
  const untilMs = Date.now() + MAX_REMOVAL_MS
  for (;;) {
    const record = await target.othersRecord({ signal })
    if (record === undefined) return true
    // The clock of the other machine may be wrong: no wait is longer than that of a run that began just now.
    const now = Date.now()
    if (record.removingSinceMs === 0 || now >= untilMs || now - record.removingSinceMs >= MAX_REMOVAL_MS) return false
    await setTimeout(waitMs, undefined, { signal })
    waitMs = Math.min(MAX_WAIT_MS, waitMs * 2)
  }
}

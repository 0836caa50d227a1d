import { nodeWorkerThreads } from '../../core/builtin.ts'

/** The smallest step that a number of seconds since 1970 can hold: 238 ns. */
const STEPS_A_SECOND = 2 ** 22
/** Number of parallel writers whose times never collide. */
const WRITERS = 128
const NEXT_THREAD = 37
/** Maximum lead over the clock: enough for a burst of files, but no more, since the clock may be set back. */
const MAX_LEAD = STEPS_A_SECOND

let writer: number | undefined
let last = 0

/**
 * The current time in seconds, different for each version: the kernel's clock may tick only every few milliseconds. Threads and processes
 * of this machine each use their own steps, one after the other. Two of them collide only if their numbers are alike, in one of 32 steps of
 * a millisecond. After the clock was set back by more than a second the times follow it, and a time may occur again. Two versions with the
 * same time still differ in their inodes, since both exist when the second one is made.
 */
export function distinctTime(): number {
  writer ??= (process.pid + nodeWorkerThreads().threadId * NEXT_THREAD) % WRITERS
  const step = Math.floor((Date.now() / 1000) * STEPS_A_SECOND)
  const now = step - (step % WRITERS) + writer
  last = last - now > MAX_LEAD ? now : Math.max(now, last + WRITERS)
  return last / STEPS_A_SECOND
}

/** Number of steps that surely lie within a millisecond. */
const STEPS_IN_MS = 4096

/** A time in seconds within a millisecond since 1970. The rest below the millisecond is distinct, so that etags hardly ever occur again. */
export function distinctTimeIn(ms: number): number {
  const within = (distinctTime() * STEPS_A_SECOND) % STEPS_IN_MS
  return (Math.ceil((ms / 1000) * STEPS_A_SECOND) + within) / STEPS_A_SECOND
}

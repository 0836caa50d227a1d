import { nodeWorkerThreads } from '../../core/builtin.ts'

/** The finest step that a number of seconds since 1970 can hold: 238 ns. */
const STEPS_A_SECOND = 2 ** 22
/** Writers at one time whose moments never meet. */
const WRITERS = 128
const NEXT_THREAD = 37
/** How far moments may run ahead of the clock: what a burst of files needs, and no more, since the clock may be set back. */
const MAX_LEAD = STEPS_A_SECOND

let writer: number | undefined
let last = 0

/**
 * This moment in seconds, and no other version's: the kernel's clock may tick every few milliseconds only. Threads and processes of this
 * machine take the steps of their own, and each takes them one after the other; they meet only if their numbers are alike, in one of
 * 32 moments of a millisecond. After the clock was set back by more than a second the moments follow it, and one that was given before may come
 * again; two versions with one moment still differ in their inodes, as both are there when the second one is made.
 */
export function distinctTime(): number {
  writer ??= (process.pid + nodeWorkerThreads().threadId * NEXT_THREAD) % WRITERS
  const step = Math.floor((Date.now() / 1000) * STEPS_A_SECOND)
  const now = step - (step % WRITERS) + writer
  last = last - now > MAX_LEAD ? now : Math.max(now, last + WRITERS)
  return last / STEPS_A_SECOND
}

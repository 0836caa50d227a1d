import { nodeWorkerThreads } from '../../core/builtin.ts'

/** The finest step that a number of seconds since 1970 can hold: 238 ns. */
const STEPS_A_SECOND = 2 ** 22
/** Writers at one time whose moments never meet. */
const WRITERS = 128
const NEXT_THREAD = 37

let writer: number | undefined
let last = 0

/**
 * This moment in seconds, and no other version's: the kernel's clock may tick every few milliseconds only. Threads and processes of this
 * machine take the steps of their own, and each takes them one after the other; they meet only if their numbers are alike, in one of
 * 32 moments of a millisecond.
 */
export function distinctTime(): number {
  writer ??= (process.pid + nodeWorkerThreads().threadId * NEXT_THREAD) % WRITERS
  const step = Math.floor((Date.now() / 1000) * STEPS_A_SECOND)
  last = Math.max(step - (step % WRITERS) + writer, last + WRITERS)
  return last / STEPS_A_SECOND
}

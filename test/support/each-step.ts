import { promiseHooks } from 'node:v8'
import { isStorageError } from '../../src/core/errors.ts'

/** More continuations than any call has. */
const MOST_STEPS = 2000

/**
 * Makes a call again and again, each time with a signal that fires one step later: before the call, then before each continuation of a
 * promise that runs in this process meanwhile. `run` prepares the call and makes it with the signal that `begin` gives.
 * Gives how the calls ended, up to the first that was over before its signal fired: 'done', the code of its `StorageError`, or the text of
 * what else was thrown. An `aborted` without the signal's reason as its cause counts as something else. With `every`, that many steps are
 * taken at once after the very first, from `first` on: where thousands belong to the same few events.
 */
export async function abortedAtEachStep(
  run: (begin: () => AbortSignal) => Promise<unknown>,
  every = 1,
  first = 0,
): Promise<Set<string>> {
  const endings = new Set<string>()
  for (let step = 0; step < MOST_STEPS; step = step === 0 && first > 0 ? first : step + every) {
    const { ending, fired } = await abortedAt(step, run)
    endings.add(ending)
    if (!fired) return endings
  }
  throw new Error(`The call was not over after ${MOST_STEPS} steps.`)
}

async function abortedAt(
  step: number,
  run: (begin: () => AbortSignal) => Promise<unknown>,
): Promise<{ ending: string; fired: boolean }> {
  const { signal, reason, begin, end } = stepped(step)
  try {
    await run(begin)
    return { ending: 'done', fired: signal.aborted }
  } catch (error) {
    const fired = signal.aborted
    if (!isStorageError(error)) return { ending: `no StorageError: ${error}`, fired }
    if (process.env['SHOW']) console.log(error)
    return { ending: error.code === 'aborted' && error.cause !== reason ? 'aborted for no reason' : error.code, fired }
  } finally {
    end()
  }
}

/** A signal that fires so many steps after `begin`. */
function stepped(step: number) {
  const controller = new AbortController()
  const reason = new Error(`Aborted at step ${step}.`)
  let steps = 0
  let stop: (() => void) | undefined
  const next = (): void => {
    if (stop !== undefined && steps++ === step) controller.abort(reason)
  }
  const begin = (): AbortSignal => {
    stop = promiseHooks.onBefore(next) as () => void
    next()
    return controller.signal
  }
  const end = (): void => {
    stop?.()
    stop = undefined
  }
  return { signal: controller.signal, reason, begin, end }
}

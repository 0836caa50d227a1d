/** Time in milliseconds between two calls, and the longest one after failures, which double it. */
const [PAUSE, MAX_PAUSE] = [2000, 60_000]

/**
 * Calls `work` again and again while the page is visible: one call at a time, and more rarely while it returns false, which is a failure.
 */
export function repeat(work) {
  let timer
  let isRunning = false
  let failures = 0
  const next = async () => {
    clearTimeout(timer)
    if (isRunning || document.hidden) return
    isRunning = true
    failures++
    try {
      if (await work()) failures = 0
    } finally {
      isRunning = false
      if (!document.hidden) timer = setTimeout(next, Math.min(PAUSE * 2 ** failures, MAX_PAUSE))
    }
  }
  document.addEventListener('visibilitychange', next)
  next()
}

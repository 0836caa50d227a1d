/** One statement about a driver or a storage, and the test of it. */
export interface ConformanceCase {
  /** A sentence. */
  readonly title: string
  /** Rejects with an `AssertionError` when the statement does not hold. Builds and removes its own place. */
  run(): Promise<void>
}

/** The two functions that every test runner has (vitest, jest, mocha, `node:test`). */
export interface ConformanceRunner {
  describe(title: string, body: () => void): unknown
  it(title: string, run: () => Promise<void>): unknown
}

/** Hands the cases to a test runner as one group. */
export function registerConformance(
  runner: ConformanceRunner,
  cases: readonly ConformanceCase[],
  title = 'conformance',
): void {
  runner.describe(title, () => {
    for (const { title: sentence, run } of cases) runner.it(sentence, () => run())
  })
}

/** A case before it is tied to a place: each one is run at the root and under a location. */
export interface CaseOf<Place> {
  readonly title: string
  readonly run: (place: Place) => Promise<void>
}

/** Runs a case and cleans up after it in any event; the failure of the case is the one that counts. */
export async function cleaned(run: () => Promise<void>, clean: () => Promise<void> | void): Promise<void> {
  let failure: { error: unknown } | undefined
  for (const step of [run, clean]) {
    try {
      await step()
    } catch (error) {
      failure ??= { error }
    }
  }
  if (failure !== undefined) throw failure.error
}

/** Ends a wait that a broken driver would never end; the time is given in milliseconds. */
export async function settled<T>(promise: Promise<T>, what: string, limitMs = 10_000): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(new Error(`${what} did not end within ${limitMs} ms`)), limitMs)
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}

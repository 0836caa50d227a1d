/** One rule for a driver or a storage, and its test. */
export interface ConformanceCase {
  /** The rule, as a sentence. */
  readonly title: string
  /** Rejects with an `AssertionError` when the rule is violated. Creates and removes its own storage. */
  run(): Promise<void>
}

/** The two functions that every test runner has (vitest, jest, mocha, `node:test`). */
export interface ConformanceRunner {
  describe(title: string, body: () => void): unknown
  it(title: string, run: () => Promise<void>): unknown
}

/** Registers the cases with a test runner as one group. */
export function registerConformance(
  runner: ConformanceRunner,
  cases: readonly ConformanceCase[],
  title = 'conformance',
): void {
  runner.describe(title, () => {
    for (const { title: sentence, run } of cases) runner.it(sentence, () => run())
  })
}

/** A case before it is bound to a location: each one runs at the root and in a folder. */
export interface CaseOf<Place> {
  readonly title: string
  readonly run: (place: Place) => Promise<void>
}

/** Runs a case and always cleans up afterwards; the failure of the case takes precedence. */
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

/** Ends a wait that a broken driver would never end; `limit` is in milliseconds. */
export async function settled<T>(promise: Promise<T>, what: string, limitMs = 10_000): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(new Error(`${what} did not end within ${limitMs} ms`)), limitMs)
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}

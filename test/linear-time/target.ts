/** Code that looks at what others send. */
export interface Target {
  readonly title: string
  /** What hostile inputs are made of. */
  readonly parts: readonly string[]
  /** Characters of the larger input; what is longer is refused before it is looked at. Default: 25,000 in CI, and half of them elsewhere. */
  readonly length?: number | undefined
  run(input: string): unknown
}

/** Runs what may refuse its input, which has to be in time as well. */
export function quietly(run: () => unknown): void {
  try {
    run()
  } catch {
    // Refused.
  }
}

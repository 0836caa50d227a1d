/** Time in milliseconds over which rates are measured, and between two samples. */
const WINDOW_MS = 60_000
const STEP_MS = 1000

/** What was processed up to a time. */
interface Sample {
  readonly ms: number
  readonly files: number
  readonly bytes: number
}

/** The rates of the last minute. */
export class Rates {
  readonly #now: () => number
  readonly #samples: Sample[] = []

  constructor(now: () => number = () => performance.now()) {
    this.#now = now
  }

  /** Begins again, when the numbers start at another place. */
  begin(files: number, bytes: number): void {
    this.#samples.length = 0
    this.#samples.push({ ms: this.#now(), files, bytes })
  }

  /** Returns the rates per second, up to the given numbers. */
  at(files: number, bytes: number): { readonly filesPerSec: number; readonly bytesPerSec: number } {
    const ms = this.#now()
    const samples = this.#samples
    if (samples.length === 0) this.begin(files, bytes)
    while (samples.length > 1 && ms - samples[1]!.ms >= WINDOW_MS) samples.shift()
    const from = samples[0]!
    if (ms - samples.at(-1)!.ms >= STEP_MS) samples.push({ ms, files, bytes })
    const secs = (ms - from.ms) / 1000
    if (secs <= 0) return { filesPerSec: 0, bytesPerSec: 0 }
    const perSec = (now: number, before: number): number => Math.max(0, now - before) / secs
    return { filesPerSec: perSec(files, from.files), bytesPerSec: perSec(bytes, from.bytes) }
  }
}

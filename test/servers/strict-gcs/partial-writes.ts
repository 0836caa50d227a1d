/** Parts of a resumable upload of which only some bytes are stored, whatever then becomes of the answer. */

import { type Plan, PlanList } from '../strict/plans.ts'

/** What is to happen to one part. */
export interface PartialWrite extends Plan {
  readonly key?: string
  /** Bytes of this part that are stored: rounded down to 256 KiB as the service does. */
  readonly stored: number
  /** 503, a 308 that tells of the bytes that were stored, or a broken connection. */
  readonly answer: 503 | 308 | 'break'
}

/** The partial writes to come; the first that fits is used. */
export class PartialWrites {
  readonly #plans = new PlanList<PartialWrite>()

  /** Adds one. */
  add(write: PartialWrite): void {
    this.#plans.add(write)
  }

  /** How many are still to come. */
  get size(): number {
    return this.#plans.size
  }

  /** Takes the one for a part of this object, if any. */
  take(key: string): PartialWrite | undefined {
    return this.#plans.take(write => (write.key ?? key) === key)
  }
}

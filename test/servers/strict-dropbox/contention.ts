/** Writes that are refused because others are under way, as a plan says. */

import { type Plan, PlanList } from '../strict/plans.ts'

/** What is to happen to the next write that fits. */
export interface Refusal extends Plan {
  /** Function, or the function that started the batch. */
  readonly route?: string
  /** Path of the request or of the entry, as it was sent. */
  readonly path?: string
  /** Default too_many_write_operations; `internal_error` only for entries of copies and moves. */
  readonly error?: 'too_many_write_operations' | 'internal_error'
}

/** The refusals to come; the first that fits is used. */
export class Contention {
  readonly #plans = new PlanList<Refusal>()

  add(plan: Refusal): void {
    this.#plans.add(plan)
  }

  /** How many are still to come. */
  get size(): number {
    return this.#plans.size
  }

  /** Takes the refusal of a write, if any. */
  take(route: string, path: string): NonNullable<Refusal['error']> | undefined {
    const found = this.#plans.take(plan => (plan.route ?? route) === route && (plan.path ?? path) === path)
    return found === undefined ? undefined : (found.error ?? 'too_many_write_operations')
  }
}

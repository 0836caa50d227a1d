/** What a test plans for requests to come. */

/** How often a plan is used. */
export interface Plan {
  /** Default 1. */
  readonly times?: number
}

/** Plans in the order in which they were made; the first that fits is used. */
export class PlanList<P extends Plan> {
  readonly #list: { readonly plan: P; left: number }[] = []

  add(plan: P): void {
    this.#list.push({ plan, left: plan.times ?? 1 })
  }

  /** Forgets all. */
  clear(): void {
    this.#list.length = 0
  }

  /** How many requests the plans are still for. */
  get size(): number {
    return this.#list.reduce((sum, one) => sum + one.left, 0)
  }

  /** Takes the first plan that fits, if any. */
  take(fits: (plan: P) => boolean): P | undefined {
    const found = this.#list.find(({ plan }) => fits(plan))
    if (found === undefined) return undefined
    found.left--
    if (found.left <= 0) this.#list.splice(this.#list.indexOf(found), 1)
    return found.plan
  }
}

/** Which requests to a strict server get which fault, and how often. */
import type { Fault } from '../../faults/faults.ts'
import { type Plan, PlanList } from './plans.ts'
import type { StrictRequest } from './request.ts'

/** A fault to come. */
export interface PlannedFault<R extends StrictRequest = StrictRequest> extends Plan {
  /** Name in the service's reference; default every operation. */
  readonly operation?: string
  readonly key?: string
  readonly match?: (request: R) => boolean
  /** What goes wrong; without it the request is only taken notice of. */
  readonly fault?: Fault
}

/** The faults to come; the first that fits is used. */
export class FaultList<R extends StrictRequest = StrictRequest> {
  readonly #plans = new PlanList<PlannedFault<R>>()

  /** Adds a fault for the next request(s) that fit. */
  add(planned: PlannedFault<R>): void {
    this.#plans.add(planned)
  }

  /** Forgets all faults. */
  clear(): void {
    this.#plans.clear()
  }

  /** How many faults are still to come. */
  get size(): number {
    return this.#plans.size
  }

  /** Takes the fault for this request, if any. */
  take(operation: string, request: R): Fault | undefined {
    const found = this.#plans.take(
      planned =>
        (planned.operation ?? operation) === operation &&
        (planned.key ?? request.key) === request.key &&
        (planned.match?.(request) ?? true),
    )
    return found?.fault
  }
}

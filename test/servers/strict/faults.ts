/** Which requests to a strict server get which fault, and how often. */
import type { Fault } from '../../faults/faults.ts'
import { type Plan, PlanList } from './plans.ts'
import type { StrictRequest } from './request.ts'

/** A request that a fault may be planned for. */
export interface Keyed {
  /** What it is about. */
  readonly key?: string
}

/** A fault to come; `F` is what a server knows that goes wrong. */
export interface PlannedFault<R extends Keyed = StrictRequest, F = Fault> extends Plan {
  /** Name in the service's reference; default every operation. */
  readonly operation?: string
  readonly key?: string
  readonly match?: (request: R) => boolean
  /** What goes wrong; without it the request is only taken notice of. */
  readonly fault?: F
}

/** The faults to come; the first that fits is used. */
export class FaultList<R extends Keyed = StrictRequest, F = Fault> {
  readonly #plans = new PlanList<PlannedFault<R, F>>()

  /** Adds a fault for the next request(s) that fit. */
  add(planned: PlannedFault<R, F>): void {
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
  take(operation: string, request: R): F | undefined {
    const found = this.#plans.take(
      planned =>
        (planned.operation ?? operation) === operation &&
        (planned.key ?? request.key) === request.key &&
        (planned.match?.(request) ?? true),
    )
    return found?.fault
  }
}

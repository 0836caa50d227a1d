/** Which requests to a strict server get which fault, and how often. */
import type { Fault } from '../../faults/faults.ts'
import type { StrictRequest } from './request.ts'

/** A request that a fault may be planned for. */
export interface Keyed {
  /** What it is about. */
  readonly key?: string
}

/** A fault to come; `F` is what a server knows that goes wrong. */
export interface PlannedFault<R extends Keyed = StrictRequest, F = Fault> {
  /** Name in the service's reference; default every operation. */
  readonly operation?: string
  readonly key?: string
  readonly match?: (request: R) => boolean
  /** How many requests; default 1. */
  readonly times?: number
  /** What goes wrong; without it the request is only taken notice of. */
  readonly fault?: F
}

/** The faults to come; the first that fits is used. */
export class FaultList<R extends Keyed = StrictRequest, F = Fault> {
  readonly #list: { planned: PlannedFault<R, F>; left: number }[] = []

  /** Adds a fault for the next request(s) that fit. */
  add(planned: PlannedFault<R, F>): void {
    this.#list.push({ planned, left: planned.times ?? 1 })
  }

  /** Forgets all faults. */
  clear(): void {
    this.#list.length = 0
  }

  /** How many faults are still to come. */
  get size(): number {
    return this.#list.reduce((sum, one) => sum + one.left, 0)
  }

  /** Takes the fault for this request, if any. */
  take(operation: string, request: R): F | undefined {
    const found = this.#list.find(
      ({ planned }) =>
        (planned.operation ?? operation) === operation &&
        (planned.key ?? request.key) === request.key &&
        (planned.match?.(request) ?? true),
    )
    if (found === undefined) return undefined
    found.left--
    if (found.left <= 0) this.#list.splice(this.#list.indexOf(found), 1)
    return found.planned.fault
  }
}

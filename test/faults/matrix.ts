/** The matrix: every step of every kind of call, with every fault of the proxy, once and always. */
import type { FaultRule } from '../servers/fault-proxy.ts'
import type { FaultResult, NamedFault } from './case.ts'
import { type Expectation, repeated } from './expected.ts'
import type { Ground } from './ground.ts'
import { deletionPart, LOOKS, type LookName, leftOf, lookPart } from './looks.ts'
import { describePlans, type Plan, type PlanPart } from './plans.ts'
import { failedEnd, WRITES, type WriteName, writePart } from './writes.ts'

/** How a backend makes one kind of call: the steps that go wrong, and what comes of it. */
export interface Tried<S extends string> {
  readonly steps: readonly S[]
  /** Where it is not the suite's. */
  readonly on?: Ground<S>
  readonly title?: string
  /** Default: every request is made again. */
  readonly expected?: Expectation<S>
  /** What it fails with; default the fault's own code. */
  readonly codes?: Plan<S>['codes']
  /** Faults of other requests, which always strike. */
  readonly also?: FaultRule
  /** Attributes of a copy, where they decide how it is made. */
  readonly attributes?: object
}

/** The end of an upload that failed is one more kind of call; `also` lets it fail with permission_denied. */
export type CallName = Exclude<WriteName, 'stream'> | Exclude<LookName, 'range'> | 'delete' | 'deleteMany' | 'failedEnd'

/** A backend in the matrix. */
export interface Matrix<S extends string> {
  readonly on: Ground<S>
  /** Bytes of a part. */
  readonly part: number
  readonly faults: readonly NamedFault[]
  /** Every kind of call; several ways to make it, or none. */
  readonly calls: Readonly<Record<CallName, Tried<S> | ReadonlyArray<Tried<S>>>>
  /** Calls that no other backend makes. */
  readonly own?: readonly Omit<Plan<S>, 'faults'>[]
}

/** Registers the matrix of a backend. */
export function describeMatrix<S extends string>({ on, part, faults, calls, own = [] }: Matrix<S>): void {
  const plans = Object.entries(calls).flatMap(([name, ways]: [string, Tried<S> | ReadonlyArray<Tried<S>>]) =>
    [ways].flat().map((way: Tried<S>): Plan<S> => {
      const body = bodyOf(name as CallName, way.on ?? on, part, way)
      return { on, faults, expected: repeated, ...body, ...given(way) }
    }),
  )
  describePlans([...plans, ...own.map(plan => ({ ...plan, faults }))])
}

/** What a backend says itself. */
function given<S extends string>({ attributes: _, ...way }: Tried<S>): Omit<Tried<S>, 'attributes'> {
  return way
}

function bodyOf<S extends string>(name: CallName, on: Ground<S>, part: number, { attributes }: Tried<S>): PlanPart<S> {
  if (name === 'failedEnd') return failedEnd(on, part)
  if (name === 'delete')
    return { ...deletionPart(name, on), wrong: (result, fault) => wrongDeletion(on, result, fault) }
  if (name === 'deleteMany') {
    return { ...deletionPart(name, on), wrong: (result, fault) => wrongDeletions(on, result, fault) }
  }
  if (name in LOOKS) {
    const look = lookPart(name as LookName, on)
    if (name !== 'read') return look
    // Each answer that is cut off brings a little, and the reading goes on from there.
    const expected: Expectation<S> = (fault, mode, step) =>
      fault.title === 'cut body' ? 'succeeds' : repeated(fault, mode, step, on)
    return { ...look, expected }
  }
  return writePart(WRITES[name as WriteName], on, part, attributes)
}

async function wrongDeletion(
  on: Ground,
  { prefix, error }: FaultResult,
  fault: NamedFault,
): Promise<string | undefined> {
  const isThere = (await on.stored(`${prefix}new`)) !== undefined
  const mayStay = error !== undefined && fault.work === 'none'
  return isThere === mayStay ? undefined : `the object is ${isThere ? 'still there' : 'gone'}`
}

async function wrongDeletions(on: Ground, result: FaultResult, fault: NamedFault): Promise<string | undefined> {
  const { prefix, value, error } = result
  const left = await leftOf(on, prefix)
  if (error !== undefined) return left === (fault.work === 'none' ? 2 : 0) ? undefined : `it left ${left}`
  const [deleted, errors] = value as number[]
  return deleted === 2 && errors === 0 && left === 0
    ? undefined
    : `it deleted ${deleted}, ${errors} failed, ${left} are left`
}

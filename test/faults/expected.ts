/** What a call comes to, by the fault, how often it strikes, and the step. */
import { isHarmless, type NamedFault } from './case.ts'
import type { Ground } from './ground.ts'

export type Mode = 'once' | 'always'
export type Expected = 'succeeds' | 'fails' | 'either'
export type Expectation<S extends string> = (fault: NamedFault, mode: Mode, step: S, on: Ground<S>) => Expected

/** A request that is made again after every fault. */
export function repeated<S extends string>(fault: NamedFault, mode: Mode, step: S, on: Ground<S>): Expected {
  return mode === 'once' || isHarmless(fault, step, on.bodyless) ? 'succeeds' : 'fails'
}

/** A request after whose loss the server is asked what came of it. */
export function looked(fault: NamedFault, mode: Mode): Expected {
  if (mode === 'once' || fault.work === 'done') return 'succeeds'
  return fault.work === 'late' ? 'either' : 'fails'
}

/** A request that must not be made again unless the server said that it did nothing. */
export function unrepeated<S extends string>(fault: NamedFault, mode: Mode, step: S, on: Ground<S>): Expected {
  if (isHarmless(fault, step, on.bodyless)) return 'succeeds'
  return mode === 'once' && fault.code === 'throttled' ? 'succeeds' : 'fails'
}

/** A request that is answered by a lie: it may be made again, or fail, but what it returns is true. */
export function doubted(): Expected {
  return 'either'
}

/** A request under a condition, which fails on its own success where every request comes twice. */
export function conditional<S extends string>(expected: Expectation<S>): Expectation<S> {
  return (fault, mode, step, on) => (mode === 'always' && isTwice(fault) ? 'fails' : expected(fault, mode, step, on))
}

/** What a call may fail with that was lied to: no code that tells a fact about the file. */
export const DOUBTS: readonly string[] = ['unavailable', 'unknown', 'checksum_mismatch', 'precondition_failed']

/** Whether every request comes twice. */
export function isTwice({ fault }: NamedFault): boolean {
  return fault.do === 'repeat'
}

/** Every step of every kind of call, with every fault, once and always: what must come of it, and what must be left. */
import { afterAll, describe, expect, test } from 'vitest'
import type { Storage } from '../../src/storage/storage.ts'
import type { FaultRule } from '../servers/fault-proxy.ts'
import { type FaultResult, isDenial, isHarmless, type NamedFault, runCase } from './case.ts'
import type { Ground } from './ground.ts'

export type Mode = 'once' | 'always'
export type Expected = 'succeeds' | 'fails' | 'either'

/** What a call comes to, by the fault, how often it strikes, and the step. */
export type Expectation<S extends string> = (fault: NamedFault, mode: Mode, step: S, on: Ground<S>) => Expected

/** A call with the steps of it that go wrong. */
export interface Plan<S extends string> {
  readonly title: string
  readonly on: Ground<S>
  readonly steps: readonly S[]
  /** The faults of this plan; default those of the whole matrix. */
  readonly faults?: readonly NamedFault[]
  /** Faults of other requests, which always strike. */
  readonly also?: FaultRule | undefined
  readonly expected: Expectation<S>
  /** What the call fails with, where it does; default the fault's own code. */
  readonly codes?: (fault: NamedFault) => readonly string[]
  /** Whether an upload cannot be ended and stays open, which the error must tell. */
  readonly staysOpen?: (fault: NamedFault, mode: Mode) => boolean
  work(files: Storage, prefix: string): Promise<unknown>
  /** What is wrong with the outcome, or nothing. */
  wrong(result: FaultResult, fault: NamedFault): Promise<string | undefined> | string | undefined
}

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

/** What a call may fail with that was lied to: no code that tells a fact about the file. */
export const DOUBTS: readonly string[] = ['unavailable', 'unknown', 'checksum_mismatch', 'precondition_failed']

/** Whether every request comes twice, so that a condition fails on its own success. */
export function isTwice({ fault }: NamedFault): boolean {
  return fault.do === 'repeat'
}

/** Whether a write is whole or has left what was there, and its error says the truth about that. */
async function wrongObject(
  stored: Buffer | undefined,
  { error }: FaultResult,
  fault: NamedFault,
  bytes: Buffer,
  before?: Buffer,
): Promise<string | undefined> {
  const isWhole = stored?.equals(bytes) === true
  const isBefore = before === undefined ? stored === undefined : stored?.equals(before) === true
  if (error === undefined) return isWhole ? undefined : `${stored?.length} bytes are stored`
  if (!isWhole && !isBefore) return `neither the old nor the new object, but ${stored?.length} bytes`
  if (!isWhole || isDenial(fault) || isTwice(fault)) return undefined
  if (error.outcome === 'not_applied') return 'the object is there, and the error denies it'
  return fault.work === 'none' ? 'the object is there, though the server was never asked' : undefined
}

/** A plan whose work writes the file `new`. */
export function writing<S extends string>(
  title: string,
  on: Ground<S>,
  steps: readonly S[],
  bytes: Buffer,
  expected: Expectation<S>,
  save: (files: Storage, name: string) => Promise<unknown>,
  before?: Buffer,
): Plan<S> {
  return {
    title,
    on,
    steps,
    expected,
    work: async (files, prefix) => {
      if (before !== undefined) await on.put(`${prefix}new`, before)
      return save(files, `${prefix}new`)
    },
    wrong: async (result, fault) => {
      // A conditional write that met its own work, or what a lying answer denied, takes another name; both files are whole.
      const name = typeof result.value === 'string' ? result.value : `${result.prefix}new`
      return wrongObject(await on.stored(name), result, fault, bytes, before)
    },
  }
}

/** What is wrong with one case; nothing when all is right. */
export async function complaints<S extends string>(
  plan: Plan<S>,
  step: S,
  fault: NamedFault,
  mode: Mode,
): Promise<string[]> {
  const { on, also } = plan
  const result = await runCase(on, { step, fault, mode, also }, (files, prefix) => plan.work(files, prefix))
  const { error, open, hit } = result
  const expected = plan.expected(fault, mode, step, on)
  const codes = plan.codes?.(fault) ?? [fault.code ?? 'exists']
  const said: Array<string | undefined> = []
  if (!hit) said.push('the fault never came into play')
  if (error === undefined && expected === 'fails') said.push('it succeeded')
  if (error !== undefined && expected === 'succeeds') said.push(`it failed: ${error.code} ${error.message}`)
  if (error !== undefined && expected !== 'succeeds' && !codes.includes(error.code)) {
    said.push(`its code is ${error.code}: ${error.message}`)
  }
  const cannotEnd = plan.staysOpen?.(fault, mode) ?? false
  if (open.length !== (cannotEnd ? 1 : 0)) said.push(`${open.length} uploads are open`)
  // An upload whose id is a secret is told by its file.
  const isTold = /stays as the unfinished upload|could not be removed and stays there/.test(error?.message ?? '')
  if (cannotEnd && !isTold) said.push(`not told: ${error?.message}`)
  said.push(await plan.wrong(result, fault))
  return said.filter(text => text !== undefined)
}

/** Runs every plan with every fault, all side by side; one test for each step. */
export function describeMatrix<S extends string>(plans: readonly Plan<S>[], faults: readonly NamedFault[] = []): void {
  const warnings: string[] = []
  process.on('warning', warning => warnings.push(String(warning)))
  // Listeners that pile up on a signal or a stream are told as a warning.
  afterAll(() => expect(warnings).toEqual([]))

  describe.each(plans)('$title', plan => {
    for (const step of plan.steps) {
      const runs = (plan.faults ?? faults).flatMap(fault =>
        (['once', 'always'] as const).map(mode => ({ fault, mode })),
      )
      const results = runs.map(async ({ fault, mode }) => {
        const said = await complaints(plan, step, fault, mode).catch(error => [String(error)])
        return said.map(text => `${fault.title}, ${mode}: ${text}`)
      })
      test(step, async () => {
        expect((await Promise.all(results)).flat()).toEqual([])
      })
    }
  })
}

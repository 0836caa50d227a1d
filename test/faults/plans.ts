/** Plans: a call with the steps of it that go wrong, what must come of it, and what must be left. */
import { afterAll, describe, expect, test } from 'vitest'
import type { Storage } from '../../src/storage/storage.ts'
import type { FaultRule } from '../servers/fault-proxy.ts'
import { type FaultResult, isDenial, type NamedFault, runCase } from './case.ts'
import { type Expectation, isTwice, type Mode } from './expected.ts'
import type { Ground } from './ground.ts'

/** A call with the steps of it that go wrong. */
export interface Plan<S extends string> {
  readonly title: string
  readonly on: Ground<S>
  readonly steps: readonly S[]
  readonly faults: readonly NamedFault[]
  /** Faults of other requests, which always strike. */
  readonly also?: FaultRule | undefined
  readonly expected: Expectation<S>
  /** What the call fails with, where it does; default the fault's own code. */
  readonly codes?: ((fault: NamedFault) => readonly string[]) | undefined
  /** Whether an upload cannot be ended and stays open, which the error must tell. */
  readonly staysOpen?: (fault: NamedFault, mode: Mode) => boolean
  work(files: Storage, prefix: string): Promise<unknown>
  /** What is wrong with the outcome, or nothing. */
  wrong(result: FaultResult, fault: NamedFault): Promise<string | undefined> | string | undefined
}

/** What a kind of call brings to a plan. */
export type PlanPart<S extends string> = Pick<Plan<S>, 'title' | 'work' | 'wrong'> & Partial<Plan<S>>

/** Whether a write is whole or has left what was there, and its error says the truth about that. */
export function wrongObject(
  stored: Buffer | undefined,
  { error }: FaultResult,
  fault: NamedFault,
  bytes: Buffer,
  before?: Buffer,
): string | undefined {
  const isWhole = stored?.equals(bytes) === true
  const isBefore = before === undefined ? stored === undefined : stored?.equals(before) === true
  if (error === undefined) return isWhole ? undefined : `${stored?.length} bytes are stored`
  if (!isWhole && !isBefore) return `neither the old nor the new object, but ${stored?.length} bytes`
  if (!isWhole || isDenial(fault) || isTwice(fault)) return undefined
  if (error.outcome === 'not_applied') return 'the object is there, and the error denies it'
  return fault.work === 'none' ? 'the object is there, though the server was never asked' : undefined
}

/** What is wrong with one case; nothing when all is right. */
async function complaints<S extends string>(plan: Plan<S>, step: S, fault: NamedFault, mode: Mode): Promise<string[]> {
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

/** In CI each fault comes once and always; elsewhere in one of the two ways, in turns. */
const MODES = ['once', 'always'] as const
const modesOf = (at: number): readonly (typeof MODES)[number][] =>
  process.env['HOLDALL_TESTS'] === 'full' ? MODES : [MODES[at % 2]!]

/** Runs every plan with each of its faults, once and always, all side by side; one test for each step. */
export function describePlans<S extends string>(plans: readonly Plan<S>[]): void {
  const warnings: string[] = []
  const note = (warning: Error): void => void warnings.push(String(warning))
  process.on('warning', note)
  // Listeners that pile up on a signal or a stream are told as a warning.
  afterAll(() => {
    process.off('warning', note)
    expect(warnings).toEqual([])
  })

  describe.each(plans)('$title', plan => {
    for (const [nth, step] of plan.steps.entries()) {
      const runs = plan.faults.flatMap((fault, at) => modesOf(nth + at).map(mode => ({ fault, mode })))
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

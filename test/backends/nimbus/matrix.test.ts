import { afterAll, vi } from 'vitest'
import { type Expectation, looked, repeated } from '../../faults/expected.ts'
import { deletionPart, leftOf } from '../../faults/looks.ts'
import { describeMatrix } from '../../faults/matrix.ts'
import { FAULTS, PART, refusedPart, type StepName, startGround } from './fault-steps.ts'

vi.mock('node:timers/promises', () => import('../../support/short-waits.ts'))

const on = await startGround()
afterAll(() => on.close())

/** After a lost answer the listing of archives tells what came of it. */
const finish: Expectation<StepName> = (fault, mode, step, at) =>
  step === 'finish' ? looked(fault, mode) : repeated(fault, mode, step, at)

/** Two requests side by side: what one of them brings counts as progress of both, so that a late answer may be in time. */
const beside: Expectation<StepName> = (fault, mode, step, at) => {
  const isLate = fault.fault.do === 'hold' && fault.fault.ms !== undefined
  return isLate && mode === 'always' ? 'either' : repeated(fault, mode, step, at)
}

const PARTS = { steps: ['start', 'part 2', 'finish'], expected: finish } as const

describeMatrix<StepName>({
  on,
  part: PART,
  faults: FAULTS,
  calls: {
    usedStream: PARTS,
    inMemory: { steps: ['part 2'], expected: finish },
    newInParts: { steps: ['finish'], expected: finish },
    newStream: [],
    bitByBit: { steps: ['finish'], expected: finish },
    small: { steps: ['archive'] },
    smallStream: { steps: ['archive'] },
    smallNew: { steps: ['archive'] },
    copy: { steps: ['read', 'archive'] },
    copyInParts: [],
    failedEnd: { steps: ['abort'], also: refusedPart },
    read: { steps: ['read'] },
    size: { steps: ['head', 'meta'], expected: beside },
    list: { steps: ['list'] },
    delete: { steps: ['delete'] },
    deleteMany: [],
  },
  own: [
    {
      ...deletionPart('deleteMany', on),
      title: 'deleting many, one by one',
      on,
      steps: ['delete'],
      // Each file has an error of its own.
      expected: () => 'succeeds',
      wrong: async ({ prefix, value }, fault) => {
        const [deleted = 0, errors = 0] = value as number[]
        const left = await leftOf(on, prefix)
        if (deleted + errors !== 2) return `it tells ${value}`
        // What is told as deleted is gone; an error may tell of an answer that was lost.
        return left <= errors && (fault.work !== 'none' || left === errors) ? undefined : `it left ${left}`
      },
    },
  ],
})

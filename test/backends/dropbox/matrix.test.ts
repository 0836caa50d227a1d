import { afterAll, vi } from 'vitest'
import type { FaultResult } from '../../faults/case.ts'
import { conditional, type Expectation, looked, repeated } from '../../faults/expected.ts'
import { deletionPart, leftOf } from '../../faults/looks.ts'
import { describeMatrix } from '../../faults/matrix.ts'
import type { Plan } from '../../faults/plans.ts'
import { bytesOf, WRITES } from '../../faults/writes.ts'
import { FAULTS, lostPart, PART, type StepName, startGround } from './fault-steps.ts'

vi.mock('node:timers/promises', () => import('../../support/short-waits.ts'))

const on = await startGround()
afterAll(() => on.close())

/** After a lost answer the session tells how much it has, or the file tells what it is. */
const session: Expectation<StepName> = (fault, mode, step, at) =>
  step === 'start' ? repeated(fault, mode, step, at) : looked(fault, mode)

/** What is asked for before a deletion is there or not, whatever came of the question. */
const asked: Omit<Plan<StepName>, 'faults' | 'title' | 'work' | 'wrong'> = { on, steps: ['get'], expected: repeated }
const failed = ({ error }: FaultResult): boolean => error !== undefined

const SESSION = ['start', 'part 2', 'finish'] as const

describeMatrix<StepName>({
  on,
  part: PART,
  faults: FAULTS,
  calls: {
    usedStream: { steps: SESSION, expected: session },
    inMemory: { steps: ['part 2', 'finish'], expected: session },
    newInParts: { steps: SESSION, expected: session },
    newStream: [],
    bitByBit: { steps: ['start', 'finish'], expected: session },
    small: { steps: ['upload'] },
    smallStream: { steps: ['upload'] },
    smallNew: { steps: ['upload'], expected: conditional(repeated) },
    copy: { steps: ['copy'] },
    copyInParts: [],
    failedEnd: [],
    read: { steps: ['download'] },
    size: { steps: ['get'] },
    list: { steps: ['list'] },
    // A file that is gone when it is asked for again is one that was deleted.
    delete: { steps: ['delete'], expected: looked },
    deleteMany: { steps: ['batch'], expected: looked },
  },
  own: [
    {
      ...asked,
      ...deletionPart('delete', on),
      title: 'the question before a deletion',
      wrong: async result =>
        ((await on.stored(`${result.prefix}new`)) !== undefined) === failed(result) ? undefined : 'it lies',
    },
    {
      ...deletionPart('deleteMany', on),
      title: 'the questions before a batch',
      on,
      steps: ['get'],
      // Each file has an error of its own.
      expected: () => 'succeeds',
      wrong: async ({ prefix, value }) => {
        const [deleted = 0, errors = 0] = value as number[]
        return deleted + errors === 2 && (await leftOf(on, prefix)) === errors ? undefined : `it tells ${value}`
      },
    },
    {
      ...deletionPart('deleteMany', on),
      title: 'the questions how a batch goes',
      on,
      steps: ['check'],
      expected: repeated,
      wrong: async ({ prefix, value, error }) => {
        if ((await leftOf(on, prefix)) > 0) return 'something is left'
        const isTrue = error === undefined ? String(value) === '2,0' : error.outcome === 'unknown'
        return isTrue ? undefined : `it tells ${value ?? error?.outcome}`
      },
    },
    {
      title: 'the look after a part that was lost',
      on,
      steps: ['look'],
      also: lostPart,
      work: (files, prefix) => WRITES.stream.run(files, `${prefix}new`, bytesOf(WRITES.stream, PART), on, {}),
      expected: () => 'fails',
      codes: ({ code }) => ['unavailable', code ?? 'unavailable'],
      wrong: async ({ prefix }) => ((await on.stored(`${prefix}new`)) === undefined ? undefined : 'there is an object'),
    },
  ],
})

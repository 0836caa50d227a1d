import { afterAll, vi } from 'vitest'
import { type Expectation, looked, repeated } from '../../faults/expected.ts'
import { describeMatrix } from '../../faults/matrix.ts'
import { bytesOf, WRITES } from '../../faults/writes.ts'
import { FAULTS, lostPart, PART, refusedPart, type StepName, startGround } from './fault-steps.ts'

vi.mock('node:timers/promises', () => import('../../support/short-waits.ts'))

const on = await startGround()
afterAll(() => on.close())

/** After a lost answer the temporary object, or what bears the name, tells what was done. */
const upload: Expectation<StepName> = (fault, mode, step, at) =>
  step === 'create' || step === 'tag' ? repeated(fault, mode, step, at) : looked(fault, mode)
/** What bears the name is looked at after the renaming was answered: where that fails the answer counts. */
const seen: { readonly steps: readonly StepName[]; readonly expected: Expectation<StepName> } = {
  steps: ['head'],
  expected: () => 'succeeds',
}

describeMatrix<StepName>({
  on,
  part: PART,
  faults: FAULTS,
  calls: {
    usedStream: { steps: ['create', 'part 2', 'tag'], expected: upload },
    inMemory: { steps: ['last part'], expected: upload },
    // However the object was made, its renaming is that of a small one.
    newInParts: [],
    newStream: [],
    bitByBit: { steps: ['rename'], expected: upload },
    small: [{ steps: ['create', 'rename'], expected: upload }, seen],
    smallStream: [],
    smallNew: { steps: ['rename'], expected: upload },
    copy: [{ steps: ['create'], expected: upload }, { steps: ['read'] }],
    copyInParts: [],
    failedEnd: { steps: ['end'], also: refusedPart },
    read: { steps: ['read'] },
    // An answer to HEAD has no document that says that the server is busy.
    size: { steps: ['head'], codes: ({ code }) => ['unavailable', code ?? 'unavailable'] },
    list: { steps: ['list'] },
    delete: { steps: ['delete'] },
    deleteMany: [],
  },
  own: [
    {
      title: 'the look after a part that was lost',
      on,
      steps: ['size'],
      also: lostPart,
      work: (files, prefix) => WRITES.stream.run(files, `${prefix}new`, bytesOf(WRITES.stream, PART), on, {}),
      expected: () => 'fails',
      codes: ({ code }) => ['unavailable', code ?? 'unavailable'],
      wrong: async ({ prefix }) => ((await on.stored(`${prefix}new`)) === undefined ? undefined : 'there is an object'),
    },
  ],
})

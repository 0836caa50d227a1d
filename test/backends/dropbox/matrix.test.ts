import { afterAll } from 'vitest'
import { conditional, type Expectation, looked, repeated } from '../../faults/expected.ts'
import { describeMatrix } from '../../faults/matrix.ts'
import { FAULTS, lostPart, PART, type StepName, startGround } from './fault-steps.ts'
import { bytesOf, WRITES } from '../../faults/writes.ts'

const on = await startGround()
afterAll(() => on.close())

/** After a lost answer the session tells how much it has, or the file tells what it is. */
const session: Expectation<StepName> = (fault, mode, step, at) =>
  step === 'start' ? repeated(fault, mode, step, at) : looked(fault, mode)

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
    delete: { steps: ['get', 'delete'] },
    deleteMany: { steps: ['get', 'batch', 'check'] },
  },
  own: [
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

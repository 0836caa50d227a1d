import { afterAll, vi } from 'vitest'
import { type Expectation, isTwice, looked, repeated } from '../../faults/expected.ts'
import { describeMatrix } from '../../faults/matrix.ts'
import { bytesOf, WRITES } from '../../faults/writes.ts'
import { FAULTS, lostPart, PART, refusedPart, type StepName, startGrounds } from './fault-steps.ts'

vi.mock('node:timers/promises', () => import('../../support/short-waits.ts'))

const { json, xml, close } = await startGrounds()
afterAll(close)

/** After a lost answer the session tells how much it has, or the file that it made. */
const resumable: Expectation<StepName> = (fault, mode, step, on) =>
  step === 'start' ? repeated(fault, mode, step, on) : looked(fault, mode)

/** A request under a condition is made again; where it then meets its own work, which the status alone tells, the file is known by its bytes. */
const conditional: Expectation<StepName> = (fault, mode, step, on) => {
  if (fault.title === 'cut body') return 'succeeds'
  return mode === 'always' && isTwice(fault) ? 'fails' : repeated(fault, mode, step, on)
}

const SESSION = ['start', 'part 1', 'part 2', 'last part'] as const

describeMatrix<StepName>({
  on: json,
  part: PART,
  faults: FAULTS,
  calls: {
    usedStream: { steps: SESSION, expected: resumable },
    inMemory: { steps: ['part 2', 'last part'], expected: resumable },
    newInParts: { steps: ['start', 'last part'], expected: resumable },
    newStream: { title: 'a new file in parts, by the XML API', on: xml, steps: SESSION, expected: resumable },
    bitByBit: { steps: ['part 1', 'last part'], expected: resumable },
    small: [
      { steps: ['insert'] },
      { title: 'a small file over an old one, by the XML API', on: xml, steps: ['XML put'] },
    ],
    smallStream: { steps: ['insert'] },
    smallNew: [
      { steps: ['insert'], expected: conditional },
      { title: 'a small new file, by the XML API', on: xml, steps: ['XML put'], expected: conditional },
    ],
    // Which is the same request, answered at once.
    copy: [],
    copyInParts: { title: 'a copy in several calls', steps: ['rewrite', 'get'] },
    failedEnd: { steps: ['cancel'], also: refusedPart },
    read: { steps: ['read'] },
    size: { steps: ['get'] },
    list: { steps: ['list'] },
    delete: { steps: ['delete'] },
    deleteMany: { steps: ['batch'] },
  },
  own: [
    {
      title: 'the status query after a part that was lost',
      on: json,
      steps: ['status'],
      also: lostPart,
      work: (files, prefix) => WRITES.stream.run(files, `${prefix}new`, bytesOf(WRITES.stream, PART), json, {}),
      expected: () => 'fails',
      codes: ({ code }) => ['unavailable', code ?? 'unavailable'],
      wrong: async ({ prefix }) =>
        (await json.stored(`${prefix}new`)) === undefined ? undefined : 'there is an object',
    },
  ],
})

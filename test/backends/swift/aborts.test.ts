import { afterAll } from 'vitest'
import { describeAborts } from '../../faults/aborts.ts'
import { PART, type StepName, startGround } from './fault-steps.ts'

const [slo, dlo] = await Promise.all([startGround(), startGround({ features: { slo: false } })])
afterAll(() => Promise.all([slo.close(), dlo.close()]))

describeAborts<StepName>({
  on: slo,
  part: PART,
  calls: {
    stream: { steps: ['part 1', 'part 2', 'head', 'manifest'] },
    hanging: { steps: ['part 1', 'part 2'] },
    newInParts: [
      { steps: ['part 1', 'manifest'] },
      { title: 'a new file as a dynamic large object', on: dlo, steps: ['part 1', 'manifest'] },
    ],
    smallStream: { steps: ['head', 'put'] },
    smallNew: { steps: ['put'] },
    copy: { steps: ['head', 'copy'] },
    copyInParts: [],
  },
  making: ['manifest', 'put', 'copy'],
})

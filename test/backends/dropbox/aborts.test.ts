import { afterAll } from 'vitest'
import { describeAborts } from '../../faults/aborts.ts'
import { PART, type StepName, startGround } from './fault-steps.ts'

const on = await startGround()
afterAll(() => on.close())

describeAborts<StepName>({
  on,
  part: PART,
  calls: {
    stream: { steps: ['start', 'part 2', 'finish'] },
    hanging: { steps: ['start', 'part 2'] },
    newInParts: { steps: ['start', 'part 2', 'finish'] },
    smallStream: { steps: ['upload'] },
    smallNew: { steps: ['upload'] },
    copy: { steps: ['get', 'copy'] },
    copyInParts: [],
  },
  // A part goes out when it is known not to be the last one.
  hangsAfter: 3 * PART + 10,
  making: ['finish', 'upload', 'copy'],
})

import { afterAll } from 'vitest'
import { describeAborts } from '../../faults/aborts.ts'
import { PART, type StepName, startGround } from './fault-steps.ts'

const on = await startGround()
afterAll(() => on.close())

describeAborts<StepName>({
  on,
  part: PART,
  calls: {
    stream: { steps: ['create', 'part 2', 'tag', 'rename'] },
    hanging: { steps: ['create', 'part 2'] },
    newInParts: { steps: ['create', 'last part', 'rename'] },
    smallStream: { steps: ['create', 'rename'] },
    smallNew: { steps: ['create', 'rename'] },
    copy: { steps: ['read', 'create', 'rename'] },
    copyInParts: [],
  },
  // A part goes out when it is known not to be the last one.
  hangsAfter: 3 * PART + 10,
  making: ['rename'],
})

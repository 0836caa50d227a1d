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
    smallStream: { steps: ['archive'] },
    smallNew: { steps: ['archive'] },
    copy: { steps: ['read', 'meta', 'archive'] },
    copyInParts: [],
  },
  making: ['finish', 'archive'],
})

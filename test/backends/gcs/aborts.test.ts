import { afterAll } from 'vitest'
import { describeAborts } from '../../faults/aborts.ts'
import { PART, type StepName, startGrounds } from './fault-steps.ts'

const { json, xml, close } = await startGrounds()
afterAll(close)

describeAborts<StepName>({
  on: json,
  part: PART,
  calls: {
    stream: { steps: ['start', 'part 1', 'part 2', 'last part'] },
    hanging: { steps: ['part 1', 'part 2'] },
    newInParts: { title: 'a new file in parts, by the XML API', on: xml, steps: ['start', 'part 2', 'last part'] },
    smallStream: { steps: ['insert'] },
    smallNew: { steps: ['insert'] },
    // Which is the same request, answered at once.
    copy: [],
    copyInParts: { title: 'a copy in several calls', steps: ['get', 'rewrite'] },
  },
  // A part goes out when it is known not to be the last one.
  hangsAfter: 3 * PART + 10,
  making: ['last part', 'insert', 'rewrite'],
})

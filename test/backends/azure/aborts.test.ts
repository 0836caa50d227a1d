import { afterAll } from 'vitest'
import { describeAborts } from '../../faults/aborts.ts'
import { IN_BLOCKS, PART, type StepName, startGround } from './fault-steps.ts'

const { close, ...on } = await startGround()
afterAll(close)

describeAborts<StepName>({
  on,
  part: PART,
  calls: {
    stream: { steps: ['PutBlock 1', 'PutBlock 2', 'PutBlock 3', 'PutBlockList'] },
    hanging: { steps: ['PutBlock 1', 'PutBlock 2'] },
    newInParts: { steps: ['PutBlock 2', 'PutBlockList'] },
    smallStream: { steps: ['PutBlob'] },
    smallNew: { steps: ['PutBlob'] },
    copy: { steps: ['GetBlobProperties', 'CopyBlob'] },
    copyInParts: { steps: ['PutBlockFromURL', 'PutBlockList'], attributes: IN_BLOCKS },
  },
  making: ['PutBlob', 'PutBlockList', 'CopyBlob'],
})

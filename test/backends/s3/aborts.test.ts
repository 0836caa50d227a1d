import { afterAll } from 'vitest'
import { describeAborts } from '../../faults/aborts.ts'
import { PART, type StepName, startGrounds } from './fault-steps.ts'

const { amazon, others, close } = await startGrounds()
afterAll(close)

const PARTS = ['UploadPart 1', 'UploadPart 2', 'UploadPart 3'] as const

describeAborts<StepName>({
  on: others,
  part: PART,
  calls: {
    stream: { steps: ['CreateMultipartUpload', ...PARTS, 'CompleteMultipartUpload'] },
    hanging: { steps: ['UploadPart 1', 'UploadPart 2'] },
    newInParts: [
      {
        title: 'a new file in parts, where completion keeps conditions',
        on: amazon,
        steps: ['CreateMultipartUpload', 'UploadPart 2', 'CompleteMultipartUpload'],
      },
      {
        title: 'a new file in parts, where only PUT keeps conditions',
        steps: ['UploadPart 2', 'PutObject', 'CompleteMultipartUpload'],
      },
    ],
    smallStream: { steps: ['PutObject'] },
    smallNew: { steps: ['PutObject'] },
    copy: { steps: ['CopyObject'] },
    copyInParts: { steps: ['CreateMultipartUpload', 'UploadPartCopy', 'CompleteMultipartUpload'] },
  },
  making: ['PutObject', 'CopyObject', 'CompleteMultipartUpload'],
})

import { afterAll } from 'vitest'
import { isDenial } from '../../faults/case.ts'
import { conditional, type Expectation, looked, repeated, unrepeated } from '../../faults/expected.ts'
import { describeMatrix } from '../../faults/matrix.ts'
import { FAULTS, PART, refusedPart, type StepName, startGrounds } from './fault-steps.ts'

/** A service whose completion keeps conditions, as Amazon's, and one where only PUT does. */
const { amazon, others, close } = await startGrounds()
afterAll(close)

const PARTS = ['UploadPart 1', 'UploadPart 2', 'UploadPart 3', 'CompleteMultipartUpload'] as const

/** After a lost answer to its completion the service is asked for the upload. */
const inParts: Expectation<StepName> = (fault, mode, step, ground) =>
  step === 'CompleteMultipartUpload' ? looked(fault, mode) : repeated(fault, mode, step, ground)

/** As a new file whose name a PUT takes, and its bytes then replace. */
const withPut: Expectation<StepName> = (fault, mode, step, ground) => {
  if (step !== 'PutObject') return inParts(fault, mode, step, ground)
  return mode === 'always' && isDenial(fault) ? 'fails' : looked(fault, mode)
}

describeMatrix<StepName>({
  on: others,
  part: PART,
  faults: FAULTS,
  calls: {
    usedStream: { steps: ['CreateMultipartUpload', ...PARTS], expected: inParts },
    inMemory: { steps: ['UploadPart 2', 'CompleteMultipartUpload'], expected: inParts },
    newInParts: [
      {
        title: 'a new file in parts, where completion keeps conditions',
        on: amazon,
        steps: ['UploadPart 2', 'CompleteMultipartUpload'],
        expected: inParts,
      },
      {
        title: 'a new file in parts, where only PUT keeps conditions',
        steps: ['UploadPart 3', 'PutObject', 'CompleteMultipartUpload'],
        expected: withPut,
      },
    ],
    newStream: [],
    bitByBit: { steps: ['UploadPart 1', 'CompleteMultipartUpload'], expected: inParts },
    small: { steps: ['PutObject'] },
    smallStream: { steps: ['PutObject'] },
    smallNew: { steps: ['PutObject'], expected: conditional(unrepeated) },
    copy: { steps: ['CopyObject'] },
    copyInParts: { steps: ['CreateMultipartUpload', 'UploadPartCopy', 'CompleteMultipartUpload'], expected: inParts },
    failedEnd: { steps: ['AbortMultipartUpload'], also: refusedPart },
    read: { steps: ['GetObject'] },
    size: {
      steps: ['HeadObject'],
      // The answer to HEAD has no body that could say more than its status.
      codes: ({ code }) => (code === 'throttled' ? ['throttled', 'unavailable'] : [code ?? 'exists']),
    },
    list: { steps: ['ListObjectsV2'] },
    delete: { steps: ['DeleteObject'] },
    deleteMany: { steps: ['DeleteObjects'] },
  },
})

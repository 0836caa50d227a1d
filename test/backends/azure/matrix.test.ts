import { afterAll, vi } from 'vitest'
import { isDenial } from '../../faults/case.ts'
import { conditional, type Expectation, looked, repeated, unrepeated } from '../../faults/expected.ts'
import { describeMatrix } from '../../faults/matrix.ts'
import { FAULTS, IN_BLOCKS, PART, type StepName, startGround } from './fault-steps.ts'

vi.mock('node:timers/promises', () => import('../../support/short-waits.ts'))

const { close, ...on } = await startGround()
afterAll(close)

/** The list may be sent again: where every answer denies what was done, the last one is the caller's. */
const inBlocks: Expectation<StepName> = (fault, mode, step, ground) => {
  if (step !== 'PutBlockList') return repeated(fault, mode, step, ground)
  return mode === 'always' && isDenial(fault) ? 'fails' : looked(fault, mode)
}
/** As a new blob, whose list meets itself where each request comes twice. */
const newInBlocks: Expectation<StepName> = (fault, mode, step, ground) =>
  (step === 'PutBlockList' ? conditional(inBlocks) : inBlocks)(fault, mode, step, ground)

describeMatrix<StepName>({
  on,
  part: PART,
  faults: FAULTS,
  calls: {
    usedStream: { steps: ['PutBlock 1', 'PutBlock 2', 'PutBlock 3', 'PutBlockList'], expected: inBlocks },
    inMemory: { steps: ['PutBlock 2', 'PutBlockList'], expected: inBlocks },
    newInParts: { steps: ['PutBlock 3', 'PutBlockList'], expected: newInBlocks },
    newStream: [],
    bitByBit: { steps: ['PutBlock 1', 'PutBlockList'], expected: inBlocks },
    small: { steps: ['PutBlob'] },
    smallStream: { steps: ['PutBlob'] },
    smallNew: { steps: ['PutBlob'], expected: conditional(unrepeated) },
    copy: { steps: ['CopyBlob'] },
    copyInParts: { steps: ['PutBlockFromURL', 'PutBlockList'], expected: inBlocks, attributes: IN_BLOCKS },
    // The service keeps no uploads open.
    failedEnd: [],
    read: { steps: ['GetBlob'] },
    size: { steps: ['GetBlobProperties'] },
    list: { steps: ['ListBlobs'] },
    delete: { steps: ['DeleteBlob'] },
    deleteMany: { steps: ['BlobBatch'] },
  },
})

import { describeRangedAnswers } from '../../faults/ranged-answers.ts'
import { KEYS, storageOf } from './scripted.ts'

const place = { ...KEYS, bucketName: 'bkt', regionName: 'us-east-1', maxAttempts: 1, conditionalWrites: 'on' } as const

describeRangedAnswers({
  backend: 's3',
  storage: endpointUrl => storageOf({ ...place, endpointUrl }),
  withoutEtag: ['precondition_failed', 2],
})

import { describeRangedAnswers } from '../../faults/ranged-answers.ts'
import { etagGround } from '../../faults/ranged-ground.ts'
import { describeWeakEtags } from '../../faults/weak-etags.ts'
import { KEYS, storageOf } from './scripted.ts'

const place = { ...KEYS, bucketName: 'bkt', regionName: 'us-east-1', maxAttempts: 1, conditionalWrites: 'on' } as const

const ground = etagGround({
  backend: 's3',
  storage: endpointUrl => storageOf({ ...place, endpointUrl }),
  withoutVersion: ['precondition_failed', 2],
})

describeRangedAnswers(ground)
describeWeakEtags(ground)

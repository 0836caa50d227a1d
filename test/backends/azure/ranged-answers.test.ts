import { describeRangedAnswers } from '../../faults/ranged-answers.ts'
import { etagGround } from '../../faults/ranged-ground.ts'
import { describeWeakEtags } from '../../faults/weak-etags.ts'
import { storageWith } from './support.ts'

const accountKey = Buffer.from('the key of an account').toString('base64')
const place = { accountName: 'scripted', accountKey, azureContainer: 'media', maxAttempts: 1 }

const ground = etagGround({
  backend: 'azure',
  storage: url => storageWith({ ...place, endpointUrl: `${url}/scripted` }),
  // The service tells the time of every blob.
  always: { 'last-modified': 'Wed, 01 Jan 2020 00:00:00 GMT' },
  withoutVersion: ['unavailable', 5],
})

describeRangedAnswers(ground)
describeWeakEtags(ground)

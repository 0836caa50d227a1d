import { describeRangedAnswers } from '../../faults/ranged-answers.ts'
import { type RangedGround, VERSION } from '../../faults/ranged-ground.ts'
import { ACCOUNT, COLLECTION, storageWith } from './support.ts'

/** Versions are told apart by their time: that of a number is a day of a month. */
const timeOf = (version: string): string => new Date(Date.UTC(2026, 0, Number(version))).toUTCString()

const ground: RangedGround = {
  backend: 'nimbus',
  version: 'time',
  storage: url => {
    const port = Number(new URL(url).port)
    const place = { domain: 'nimbus.io', host: '127.0.0.1', port, secure: false }
    return storageWith({ ...ACCOUNT, collection: COLLECTION, ...place, maxAttempts: 1 })
  },
  told: version => (version === undefined ? {} : { 'last-modified': timeOf(version) }),
  described: ({ url }) => (url?.endsWith('?action=meta') ? [] : undefined),
  // No header ties a request to a version: size and time of each answer are compared.
  tied: () => VERSION,
  withoutVersion: ['precondition_failed', 2],
  unversionedRequests: 5,
}

describeRangedAnswers(ground)

import { afterAll, describe, it } from 'vitest'
import {
  containerConformance,
  driverConformance,
  registerConformance,
  storageConformance,
} from '../../../src/testing/index.ts'
import { startStrictGcs } from '../../servers/strict-gcs.ts'
import { storageLocations } from '../../support/sampled.ts'
import { at, driverFor, emptied, hmacKey, KIB_256, storageWith } from './support.ts'

const features = { ranges: true, exclusiveCreate: true, ifMatch: true, metadata: true, versions: true, listRange: true }
const own = ['publicUrl', 'signUrl', 'uploadTarget', 'address', 'createContainer'] as const
const methods = [...own, 'deleteMany', 'copy', 'visibility', 'setVisibility'] as const
const keeps = ['modifiedAt', 'etag'] as const

/** Three parts of the tests' drivers. */
const largeSize = 9 * KIB_256 + 7

const server = await startStrictGcs()
afterAll(() => server.close())

registerConformance(
  { describe, it },
  driverConformance({
    create: () => driverFor(server),
    destroy: emptied(server),
    largeSize,
    limits: true,
    keeps: [...keeps, 'createdAt'],
    expects: { features, methods },
  }),
  'GcsDriver and a strict server',
)

registerConformance(
  { describe, it },
  driverConformance({
    create: () => driverFor(server, hmacKey(server, 'GOOG4')),
    destroy: emptied(server),
    largeSize,
    limits: true,
    keeps,
    expects: { features, methods: own },
  }),
  'GcsDriver, an HMAC key and a strict server',
)

registerConformance(
  { describe, it },
  driverConformance({
    create: () => driverFor(server, hmacKey(server, 'GOOG1')),
    destroy: emptied(server),
    largeSize,
    locations: [''],
    keeps,
    expects: { features, methods: own },
  }),
  'GcsDriver, an HMAC key with the old signature and a strict server',
)

registerConformance(
  { describe, it },
  storageConformance({ create: options => storageWith({ ...at(server), ...options }), ...storageLocations }),
  'GcsStorage and a strict server',
)

registerConformance(
  { describe, it },
  storageConformance({
    create: options =>
      storageWith({ ...at(server), hmacKeyId: server.hmac.accessId, hmacSecret: server.hmac.secret, ...options }),
    ...storageLocations,
  }),
  'GcsStorage, an HMAC key and a strict server',
)

const projectId = server.projectId
for (const [title, key] of [
  ['a token', {}],
  ['an HMAC key, GOOG4', hmacKey(server, 'GOOG4')],
  ['an HMAC key, GOOG1', hmacKey(server, 'GOOG1')],
] as const) {
  registerConformance(
    { describe, it },
    containerConformance({
      create: bucketName => driverFor(server, { ...key, projectId, ...(bucketName && { bucketName }) }),
      ...(title === 'a token' && { limits: true, keeps: ['createdAt'] }),
    }),
    `the buckets of Google Cloud Storage, by ${title}`,
  )
}

import { afterAll, describe, it } from 'vitest'
import { containerConformance, driverConformance, registerConformance } from '../../../src/testing/index.ts'
import { startR2 } from '../../servers/r2.ts'
import { startStrictS3 } from '../../servers/strict-s3.ts'
import { driverFor, emptied, emptiedByRequests } from './support.ts'

const methods = [
  'discover',
  'deleteMany',
  'copy',
  'publicUrl',
  'signUrl',
  'uploadTarget',
  'address',
  'createContainer',
  'sweep',
  'visibility',
  'setVisibility',
] as const
const all = { ranges: true, exclusiveCreate: true, ifMatch: true, metadata: true, versions: true }
const keeps = ['modifiedAt', 'etag'] as const

/** The sizes of Amazon S3 with one server and with R2; small ones with the others. */
const PART = 256 * 1024
const small = { multipartThreshold: PART, partSize: PART }
const largeSize = 2 * PART + 7

const strict = await startStrictS3()
const old = await startStrictS3({ ignoreConditions: true, signatures: ['v2'], minPartSize: PART })
const refusing = await startStrictS3({ refuseConditions: true, minPartSize: PART })
const r2 = await startR2()
afterAll(() => Promise.all([strict, old, refusing, r2].map(server => server.close())))

registerConformance(
  { describe, it },
  driverConformance({
    create: () => driverFor(strict),
    destroy: emptied(strict),
    limits: true,
    keeps,
    expects: { features: all, methods },
  }),
  'S3Driver and a strict server',
)

registerConformance(
  { describe, it },
  driverConformance({
    create: () => driverFor(old, { signatureVersion: 's3', checksum: 'MD5', ...small }),
    destroy: emptied(old),
    locations: [''],
    limits: true,
    largeSize,
    keeps,
    expects: { features: { ...all, exclusiveCreate: false, ifMatch: false }, methods },
  }),
  'S3Driver, signature version 2 and a server that ignores conditions',
)

registerConformance(
  { describe, it },
  driverConformance({
    create: () => driverFor(refusing, { checksum: 'none', ...small }),
    destroy: emptied(refusing),
    locations: [''],
    largeSize,
    keeps,
    expects: { features: { ...all, exclusiveCreate: false, ifMatch: false }, methods },
  }),
  'S3Driver and a server that refuses conditions',
)

registerConformance(
  { describe, it },
  driverConformance({
    create: () => driverFor(r2, { checksum: 'none' }),
    destroy: emptiedByRequests(r2),
    // R2 takes longer than all the others together.
    ...(process.env['HOLDALL_TESTS'] !== 'full' && { locations: [''] }),
    keeps,
    expects: { features: all, methods },
  }),
  'S3Driver and R2',
)

registerConformance(
  { describe, it },
  containerConformance({
    create: bucketName => driverFor(strict, bucketName === undefined ? {} : { bucketName }),
    limits: true,
  }),
  'the buckets of S3 and a strict server',
)

registerConformance(
  { describe, it },
  containerConformance({
    create: bucketName => driverFor(old, { signatureVersion: 's3', bucketName: bucketName ?? 'media' }),
  }),
  'the buckets of S3, signature version 2',
)

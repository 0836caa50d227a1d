/** The storage over two others keeps every rule of a storage, in each of its modes. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, it } from 'vitest'
import { LocalStorage } from '../../../src/backends/local/index.ts'
import { MemoryStorage } from '../../../src/backends/memory/index.ts'
import { MigratingStorage } from '../../../src/backends/migrating/index.ts'
import { S3Storage } from '../../../src/backends/s3/index.ts'
import { driverConformance, registerConformance, storageConformance } from '../../../src/testing/index.ts'
import { startStrictS3 } from '../../servers/strict-s3.ts'
import { storageLocations } from '../../support/sampled.ts'
import { MODES, NOWHERE } from './support.ts'

const server = await startStrictS3()
const folder = await mkdtemp(join(tmpdir(), 'holdall-migrating-'))
let count = 0
afterAll(async () => {
  await server.close()
  await rm(folder, { recursive: true, force: true })
})

const memory = (): MemoryStorage => new MemoryStorage({ baseUrl: '/files/' }, NOWHERE)
const local = (): LocalStorage =>
  new LocalStorage({ location: join(folder, `${count++}`), baseUrl: '/media/' }, NOWHERE)
const s3 = (): S3Storage =>
  new S3Storage(
    {
      bucketName: 'media',
      location: `files-${count++}`,
      endpointUrl: server.url,
      regionName: server.region,
      accessKey: server.credentials.accessKeyId,
      secretKey: server.credentials.secretAccessKey,
    },
    NOWHERE,
  )

for (const mode of MODES) {
  registerConformance(
    { describe, it },
    storageConformance({
      create: wanted => new MigratingStorage({ ...wanted, ...mode, from: memory(), to: memory() }, NOWHERE),
      ...storageLocations,
    }),
    `MigratingStorage of memory and memory, ${JSON.stringify(mode)}`,
  )
}

registerConformance(
  { describe, it },
  storageConformance({
    create: wanted => new MigratingStorage({ ...wanted, copyOnRead: true, from: local(), to: s3() }, NOWHERE),
    locations: ['below'],
  }),
  'MigratingStorage of local disk and S3',
)

registerConformance(
  { describe, it },
  driverConformance({
    create: () => new MigratingStorage({ from: memory(), to: memory() }, NOWHERE).calls.driver,
    tree: true,
    limits: true,
    keeps: ['modifiedAt', 'createdAt', 'accessedAt', 'etag'],
    expects: { features: { ranges: true, exclusiveCreate: true, ifMatch: true, metadata: true, listRange: true } },
  }),
  'MigratingDriver of memory and memory',
)

registerConformance(
  { describe, it },
  driverConformance({
    create: () => new MigratingStorage({ from: s3(), to: memory(), write: 'both' }, NOWHERE).calls.driver,
    tree: true,
    limits: true,
    locations: [''],
    expects: { features: { ranges: true, exclusiveCreate: true, ifMatch: true, metadata: true, listRange: true } },
  }),
  'MigratingDriver of S3 and memory',
)

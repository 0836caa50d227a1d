/** The steps of an upload in parts to Ceph, each with the faults of the proxy; what is left is seen by the official client. */
import { afterAll } from 'vitest'
import { FAULTS } from '../backends/s3/fault-steps.ts'
import { distinctBytes } from '../faults/ground.ts'
import { startRgw } from '../servers/rgw.ts'
import { describeFaults } from './backend.ts'
import { officialClient, rgwGround, rgwStorage } from './places/rgw.ts'

const MIB = 1024 * 1024
const bucket = 'faults'
const server = await startRgw()
const client = officialClient(server)
afterAll(async () => {
  client.destroy()
  await server.close()
}, 60_000)
await using made = rgwStorage(server, {}, bucket)
await made.createContainer()

const titles = ['drop before', 'drop after', '500', '500 after', 'SlowDown', 'repeat']
const looked = ['CompleteMultipartUpload', 'PutObject'] as const

describeFaults(
  rgwGround(server, client, bucket),
  [
    {
      title: 'a stream over an old file',
      steps: ['CreateMultipartUpload', 'UploadPart 1', 'UploadPart 2', 'UploadPart 3', 'CompleteMultipartUpload'],
      overwrite: true,
      looked,
    },
    {
      title: 'a new file, whose key is held by an empty object at last',
      steps: ['PutObject', 'CompleteMultipartUpload'],
      overwrite: false,
      looked,
    },
    {
      title: 'the end of an upload that failed',
      steps: ['AbortMultipartUpload'],
      overwrite: true,
      looked,
      also: {
        rule: request => (request.url.includes('partNumber=2&') ? { do: 'refuse', status: 403 } : undefined),
        code: 'permission_denied',
      },
      ends: 'AbortMultipartUpload',
    },
  ],
  FAULTS.filter(({ title }) => titles.includes(title)),
  distinctBytes(2 * 5 * MIB + 40_000),
)

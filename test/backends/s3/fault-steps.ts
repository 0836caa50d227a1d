/** The steps of S3, and the strict server as a ground for faults. */
import type { S3DriverOptions } from '../../../src/backends/s3/driver.ts'
import { S3Storage } from '../../../src/backends/s3/index.ts'
import { presetOf } from '../../../src/backends/s3/settings/presets.ts'
import { bytesContent } from '../../../src/core/content.ts'
import { plainContext } from '../../../src/testing/index.ts'
import { faultsOf, type NamedFault } from '../../faults/case.ts'
import { FORBIDDEN } from '../../faults/faults.ts'
import type { Ground } from '../../faults/ground.ts'
import type { FaultRule, ProxiedRequest } from '../../servers/fault-proxy.ts'
import { slowDown } from '../../servers/strict-s3/errors.ts'
import { type StrictS3, startStrictS3 } from '../../servers/strict-s3.ts'
import { driverFor, type TestServer } from './support.ts'

export type StepName = keyof typeof STEPS

const has = (request: ProxiedRequest, text: string): boolean => request.url.includes(text)
const isCopy = ({ headers }: ProxiedRequest): boolean => headers['x-amz-copy-source'] !== undefined
const part = (number: number) => (request: ProxiedRequest) =>
  request.method === 'PUT' && has(request, `partNumber=${number}&`) && !isCopy(request)

/** Which requests a step consists of. */
const STEPS = {
  CreateMultipartUpload: request => request.method === 'POST' && has(request, '?uploads'),
  'UploadPart 1': part(1),
  'UploadPart 2': part(2),
  'UploadPart 3': part(3),
  CompleteMultipartUpload: request => request.method === 'POST' && has(request, '?uploadId='),
  AbortMultipartUpload: request => request.method === 'DELETE' && has(request, '?uploadId='),
  PutObject: request => request.method === 'PUT' && !has(request, '?') && !isCopy(request),
  CopyObject: request => request.method === 'PUT' && !has(request, '?') && isCopy(request),
  UploadPartCopy: request => request.method === 'PUT' && has(request, 'partNumber=2&') && isCopy(request),
  GetObject: request => request.method === 'GET' && !has(request, '?'),
  HeadObject: request => request.method === 'HEAD',
  ListObjectsV2: request => request.method === 'GET' && has(request, 'list-type=2'),
  DeleteObject: request => request.method === 'DELETE' && !has(request, '?'),
  DeleteObjects: request => request.method === 'POST' && has(request, '?delete'),
} satisfies Record<string, (request: ProxiedRequest) => boolean>

/** The steps whose answers have no body: cut off after their head they are whole. */
const BODYLESS: readonly StepName[] = [
  'UploadPart 1',
  'UploadPart 2',
  'UploadPart 3',
  'AbortMultipartUpload',
  'PutObject',
  'HeadObject',
  'DeleteObject',
]

/** Every fault but lies, with S3's own way to ask for fewer requests. */
export const FAULTS: readonly NamedFault[] = faultsOf({ SlowDown: slowDown() })

/** Bytes of a part in these tests, which the strict server has to be told as its smallest. */
export const PART: number = 48 * 1024

/** Lets an upload in parts fail for good, so that it is ended. */
export const refusedPart: FaultRule = request => (has(request, 'partNumber=2&') ? FORBIDDEN : undefined)

/** A ground on any S3 server; what is left is seen as `seen` says. */
export function groundOf(
  server: TestServer,
  bucketName: string,
  options: Partial<S3DriverOptions>,
  seen: Pick<Ground, 'put' | 'stored' | 'openUploads'>,
): Ground<StepName> {
  const { accessKeyId: accessKey, secretAccessKey: secretKey } = server.credentials
  return {
    ...seen,
    url: server.url,
    steps: STEPS,
    bodyless: BODYLESS,
    // An upload that nobody knows gets some time to show a part.
    waits: ['CreateMultipartUpload'],
    storage(url, { timeoutSecs, maxAttempts }) {
      const driver = driverFor(
        { ...server, url },
        { ...options, transport: { idleTimeoutSecs: timeoutSecs } },
        bucketName,
      )
      const asked = { bucketName, accessKey, secretKey, timeoutSecs, maxAttempts }
      return new S3Storage(asked, { settings: {}, env: {}, driver })
    },
  }
}

/** A strict server as a ground, with what a storage on it is told. */
export interface StrictGround extends Ground<StepName> {
  readonly driver: Partial<S3DriverOptions>
  close(): Promise<void>
}

/** A strict server whose completion keeps conditions, as Amazon's does, or where only PUT does. */
export function strictGround(
  server: StrictS3,
  { conditionalComplete }: { readonly conditionalComplete: boolean },
): StrictGround {
  const direct = driverFor(server)
  const driver: Partial<S3DriverOptions> = {
    multipartThreshold: PART,
    partSize: PART,
    minPartSize: PART,
    uploadConcurrency: 3,
    maxCopySize: 2 * PART,
    conditionalWrites: 'on',
    preset: { ...presetOf(null, server.url), conditionalComplete },
  }
  const ground = groundOf(server, 'media', driver, {
    put: async (key, bytes) => {
      await direct.write(key, bytesContent(bytes), {}, plainContext())
    },
    stored: async key => server.bucket().current(key)?.body,
    openUploads: async prefix => {
      return [...server.bucket().uploads.values()].map(({ key }) => key).filter(key => key.startsWith(prefix))
    },
  })
  return { ...ground, driver, close: () => direct.close() }
}

/** One strict server as two grounds: completion keeps conditions, as Amazon's, or only PUT does. */
export async function startGrounds(): Promise<{ amazon: StrictGround; others: StrictGround; close(): Promise<void> }> {
  const server = await startStrictS3({ minPartSize: PART, maxCopySize: 2 * PART })
  const amazon = strictGround(server, { conditionalComplete: true })
  const others = strictGround(server, { conditionalComplete: false })
  async function close(): Promise<void> {
    await amazon.close()
    await others.close()
    await server.close()
  }
  return { amazon, others, close }
}

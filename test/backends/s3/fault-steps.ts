import type { S3DriverOptions } from '../../../src/backends/s3/driver.ts'
import { presetOf } from '../../../src/backends/s3/settings/presets.ts'
import { bytesContent } from '../../../src/core/content.ts'
import { plainContext } from '../../../src/testing/index.ts'
import type { Ground } from '../../faults/case.ts'
import type { StrictS3 } from '../../servers/strict-s3.ts'
import { driverFor } from './support.ts'

/** Bytes of a part in these tests, which the strict server has to be told as its smallest. */
export const PART: number = 96 * 1024

/** A strict server whose completion keeps conditions, as Amazon's does, or where only PUT does. */
export function strictGround(
  server: StrictS3,
  { conditionalComplete }: { readonly conditionalComplete: boolean },
): Ground & { close(): Promise<void> } {
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
  return {
    server,
    bucketName: 'media',
    driver,
    put: async (key, bytes) => {
      await direct.write(key, bytesContent(bytes), {}, plainContext())
    },
    stored: async key => server.bucket().current(key)?.body,
    openUploads: async prefix => {
      return [...server.bucket().uploads.values()].map(({ key }) => key).filter(key => key.startsWith(prefix))
    },
    close: () => direct.close(),
  }
}

/** Bytes that differ everywhere, so that parts in a wrong order show. */
export function distinctBytes(size: number): Buffer {
  return Buffer.from(Uint32Array.from({ length: size / 4 }, (_, at) => at * 2654435761).buffer)
}

/** The bytes as a stream of unknown length, in pieces that have nothing to do with parts. */
export async function* streamed(bytes: Buffer): AsyncGenerator<Buffer> {
  for (let start = 0; start < bytes.length; start += 20_011) yield bytes.subarray(start, start + 20_011)
}

import { S3Driver, type S3DriverOptions } from '../../../src/backends/s3/driver.ts'
import { presetOf } from '../../../src/backends/s3/settings/presets.ts'
import type { Driver } from '../../../src/core/driver.ts'
import { plainContext } from '../../../src/testing/index.ts'
import type { StrictS3 } from '../../servers/strict-s3.ts'

/** What the test servers tell of themselves. */
export interface TestServer {
  readonly url: string
  readonly region: string
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string }
}

/** A driver for a bucket of a test server. */
export function driverFor(server: TestServer, more: Partial<S3DriverOptions> = {}, bucketName = 'media'): S3Driver {
  return new S3Driver({
    bucketName,
    endpointUrl: server.url,
    regionName: server.region,
    credentials: { get: () => server.credentials },
    signatureVersion: 's3v4',
    preset: presetOf(null, server.url),
    conditionalWrites: 'auto',
    checksum: 'CRC32',
    multipartThreshold: 5 * 1024 * 1024,
    partSize: 5 * 1024 * 1024,
    uploadConcurrency: 3,
    ...more,
  })
}

/** Closes a driver and empties the bucket of a strict server. */
export function emptied(server: StrictS3): (driver: Driver) => Promise<void> {
  return async driver => {
    await driver.close?.()
    const { objects, uploads } = server.bucket()
    objects.clear()
    uploads.clear()
  }
}

/** Closes a driver and empties its server's bucket by another one. */
export function emptiedByRequests(server: TestServer): (driver: Driver) => Promise<void> {
  return async driver => {
    await driver.close?.()
    const cleaner = driverFor(server)
    const ctx = plainContext()
    for (;;) {
      const { files } = await cleaner.list('', { recursive: true }, ctx)
      if (files.length === 0) break
      await cleaner.deleteMany(
        files.map(({ key }) => key),
        ctx,
      )
    }
    await cleaner.close()
  }
}

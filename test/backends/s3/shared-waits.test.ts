/** What one call finds out for all of a storage, when that call is given up. */
import { afterAll, beforeEach, expect, test } from 'vitest'
import { S3Storage } from '../../../src/backends/s3/index.ts'
import type { S3Options } from '../../../src/backends/s3/settings/settings.ts'
import type { Input } from '../../../src/core/settings.ts'
import { startStrictS3 } from '../../servers/strict-s3.ts'

const server = await startStrictS3()
afterAll(() => server.close())
beforeEach(() => server.faults.clear())

function storage(options: Input<S3Options>): S3Storage {
  const { accessKeyId: accessKey, secretAccessKey: secretKey } = server.credentials
  const place = { endpointUrl: server.url, regionName: server.region, bucketName: 'media', accessKey, secretKey }
  return new S3Storage({ ...place, ...options }, { settings: {}, env: {} })
}

test('trying out conditions leaves no object behind when it hangs and is given up', async () => {
  let puts = 0
  server.faults.add({ operation: 'PutObject', match: () => ++puts === 2, fault: { do: 'hold', ms: 60_000 } })
  server.faults.add({ operation: 'DeleteObject', fault: { do: 'refuse', status: 503, code: 'SlowDown' } })
  await using files = storage({ timeoutSecs: 0.4 })
  expect(await files.save('a', 'x', { overwrite: false })).toBe('a')
  expect(files.supports('exclusiveCreate')).toBe(true)
  await files.close()
  expect([...server.bucket().objects.keys()]).toEqual(['a'])
})

test('creating the bucket goes on for others when the first call is aborted', async () => {
  const asked = Promise.withResolvers<void>()
  const match = (): boolean => {
    asked.resolve()
    return true
  }
  server.faults.add({ operation: 'CreateBucket', match, fault: { do: 'hold', ms: 200 } })
  await using files = storage({ bucketName: 'fresh', autoCreateBucket: true, conditionalWrites: 'on' })
  const controller = new AbortController()
  const first = files.exists('a', { signal: controller.signal })
  await asked.promise
  const second = files.exists('a')
  controller.abort()
  await expect(first).rejects.toMatchObject({ code: 'aborted' })
  expect(await second).toBe(false)
  expect(server.requests.filter(({ operation }) => operation === 'CreateBucket')).toHaveLength(1)
})

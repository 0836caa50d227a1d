import { afterAll, beforeEach, describe, expect, test } from 'vitest'
import { S3Storage } from '../../../src/backends/s3/index.ts'
import type { S3Options } from '../../../src/backends/s3/settings/settings.ts'
import { streamContent } from '../../../src/core/content.ts'
import type { Input } from '../../../src/core/settings.ts'
import { plainContext } from '../../../src/testing/index.ts'
import { startStrictS3 } from '../../servers/strict-s3.ts'
import { refusal, scripted } from './scripted.ts'
import { driverFor } from './support.ts'

const MIB = 1024 * 1024
const server = await startStrictS3()
const far = await startStrictS3({ region: 'eu-central-1' })
const hourAgo = await startStrictS3({ now: () => Date.now() - 3_600_000 })
afterAll(() => Promise.all([server, far, hourAgo].map(each => each.close())))

function storage(options: Input<S3Options> = {}, at = server) {
  const { accessKeyId: accessKey, secretAccessKey: secretKey } = at.credentials
  const place = { endpointUrl: at.url, regionName: at.region, bucketName: 'media', accessKey, secretKey }
  return new S3Storage({ ...place, partSize: 5 * MIB, conditionalWrites: 'on', ...options }, { settings: {}, env: {} })
}

const operations = (at = server) => at.requests.map(request => request.operation)
const failureOf = (promise: Promise<unknown>): Promise<{ code: string; message: string; requestId?: string }> =>
  promise.then(
    () => {
      throw new Error('it did not fail')
    },
    error => error,
  )

beforeEach(() => {
  server.faults.clear()
  server.requests.length = 0
})

describe('a service that asks to slow down', () => {
  test('is asked again', async () => {
    server.faults.add({ operation: 'PutObject', fault: { do: 'refuse', status: 503, code: 'SlowDown' }, times: 2 })
    await storage().save('slow.txt', 'x')
    expect(operations()).toEqual(['PutObject', 'PutObject', 'PutObject'])
  })

  test('and goes on asking is throttled, with the id of the request', async () => {
    server.faults.add({ operation: 'GetObject', fault: { do: 'refuse', status: 503, code: 'SlowDown' } })
    await storage().save('a', 'x')
    const failure = await failureOf(storage({ maxAttempts: 1 }).createReadStream('a').toArray())
    expect(failure).toMatchObject({ code: 'throttled', status: 503 })
    expect(failure.requestId).toBeTruthy()
    expect(failure.message).toContain(failure.requestId)
  })
})

describe('an upload in parts', () => {
  const big = Buffer.alloc(11 * MIB, 7)

  test('repeats only the part that failed', async () => {
    server.faults.add({ operation: 'UploadPart', fault: { do: 'refuse', status: 500, code: 'InternalError' } })
    await storage().save('big', big)
    expect(operations().filter(name => name === 'UploadPart')).toHaveLength(4)
    expect(await storage().size('big')).toBe(big.length)
  })

  test('is aborted when a part keeps failing, and nothing is left', async () => {
    server.faults.add({ operation: 'UploadPart', fault: { do: 'refuse', status: 403, code: 'AccessDenied' }, times: 9 })
    const failure = await failureOf(storage().save('never', big))
    expect(failure.code).toBe('permission_denied')
    expect(operations()).toContain('AbortMultipartUpload')
    expect(server.bucket().uploads.size).toBe(0)
    server.faults.clear()
    expect(await storage().exists('never')).toBe(false)
  })

  test('fails when completion answers 200 with an error inside', async () => {
    server.faults.add({
      operation: 'CompleteMultipartUpload',
      fault: { do: 'refuse', status: 200, code: 'InternalError' },
    })
    const driver = driverFor(server)
    const content = { size: big.length, replayable: true, bytes: big, open: () => streamContent([big]).open() }
    const failure = await failureOf(driver.write('inside', content, {}, plainContext()))
    expect(failure.code).toBe('unavailable')
    expect(server.bucket().uploads.size).toBe(0)
    await driver.close()
  })

  test('succeeds when only the answer of completion was lost', async () => {
    server.faults.add({ operation: 'CompleteMultipartUpload', fault: { do: 'drop', at: 'after' } })
    await storage().save('lost', big)
    expect(await storage().size('lost')).toBe(big.length)
    expect(operations().filter(name => name === 'CreateMultipartUpload')).toHaveLength(1)
  })

  test('that is aborted by its caller leaves nothing', async () => {
    const stop = new AbortController()
    async function* endless() {
      for (let at = 0; ; at++) {
        if (at === 12) stop.abort()
        yield Buffer.alloc(MIB, at)
      }
    }
    const failure = await failureOf(storage().save('endless', endless(), { signal: stop.signal }))
    expect(failure.code).toBe('aborted')
    await expect.poll(() => server.bucket().uploads.size).toBe(0)
    expect(operations()).toContain('AbortMultipartUpload')
  })
})

describe('a copy', () => {
  test('fails when it is answered 200 with an error inside', async () => {
    await storage().save('from', 'x')
    server.faults.add({ operation: 'CopyObject', fault: { do: 'refuse', status: 200, code: 'InternalError' } })
    const failure = await failureOf(storage({ maxAttempts: 1 }).copy('from', 'to'))
    expect(failure.code).toBe('unavailable')
  })

  test('that is too large for one request goes in parts and keeps the metadata', async () => {
    const driver = driverFor(server, { maxCopySize: 6 * MIB })
    const bytes = Buffer.alloc(12 * MIB, 3)
    const ctx = plainContext()
    await driver.write('large', streamContent([bytes]), { metadata: { a: 'ü' }, contentType: 'text/odd' }, ctx)
    server.faults.add({ operation: 'CopyObject', fault: { do: 'refuse', status: 400, code: 'InvalidRequest' } })
    await driver.copy('large', 'copy of large', {}, ctx)
    expect(operations().filter(name => name === 'UploadPartCopy')).toHaveLength(3)
    const stat = await driver.stat('copy of large', ctx)
    expect(stat).toMatchObject({ size: bytes.length, contentType: 'text/odd', metadata: { a: 'ü' } })
    await driver.close()
  })
})

describe('a wrong region', () => {
  test('is corrected once and remembered', async () => {
    const files = storage({ regionName: 'us-east-1' }, far)
    await files.save('a', 'x')
    await files.save('b', 'x')
    expect(far.requests.map(request => request.status)).toEqual([400, 200, 200])
  })
})

describe('a clock that is off', () => {
  beforeEach(() => {
    hourAgo.requests.length = 0
  })

  test("is corrected once by the server's, and the request is sent again", async () => {
    await using files = storage({}, hourAgo)
    await files.save('a', 'x')
    await files.save('b', Buffer.alloc(11 * MIB))
    expect(await files.readText('a')).toBe('x')
    expect(operations(hourAgo).slice(0, 3)).toEqual(['PutObject', 'PutObject', 'CreateMultipartUpload'])
    expect(hourAgo.requests.filter(({ status }) => status === 403)).toHaveLength(1)
  })

  test('is corrected where the first request is a HEAD, whose answer tells nothing', async () => {
    await using files = storage({}, hourAgo)
    expect(await files.exists('missing')).toBe(false)
    await files.save('a', 'x')
    expect(hourAgo.requests.filter(({ status }) => status === 403).map(({ method }) => method)).toEqual(['HEAD', 'GET'])
  })

  test('is corrected in signed URLs too', async () => {
    await using files = storage({}, hourAgo)
    await files.save('a', 'x')
    expect(await (await fetch(await files.url('a', { expiresInSecs: 60 }))).text()).toBe('x')
  })

  test('with a wrong region is corrected together with it', async () => {
    await using files = storage({ regionName: 'eu-west-3' }, hourAgo)
    await files.save('a', 'x')
    await files.save('a', 'y')
    expect(operations(hourAgo)).toEqual(Array.from({ length: 4 }, () => 'PutObject'))
    expect(hourAgo.requests.at(-1)!.status).toBe(200)
  })

  test('is an error that tells the difference where the corrected request is refused as well', async () => {
    await using server = await scripted((_request, response) => {
      const time = new Date(Date.now() - 3_600_000).toISOString()
      response.writeHead(403).end(`<Error><Code>RequestTimeTooSkewed</Code><ServerTime>${time}</ServerTime></Error>`)
    })
    const error = await refusal(server.options, files => files.save('a', 'x'))
    expect(error.code).toBe('permission_denied')
    expect(error.message).toMatch(/clock is (3599|3600|3601) seconds ahead of the server's/)
    expect(server.asked.filter(({ method }) => method === 'PUT').length).toBeLessThanOrEqual(2)
  })
})

describe('a refusal', () => {
  test('of a wrong key says so and quotes no secret', async () => {
    const failure = await failureOf(storage({ secretKey: 'wrong-secret' }).save('a', 'x'))
    expect(failure).toMatchObject({ code: 'permission_denied' })
    expect(failure.message).toContain('The secret key is wrong')
    expect(failure.message).not.toContain('wrong-secret')
  })

  test('of HEAD names the permission that may be missing', async () => {
    server.faults.add({ operation: 'HeadObject', fault: { do: 'refuse', status: 403, code: 'AccessDenied' } })
    const failure = await failureOf(storage().exists('a'))
    expect(failure).toMatchObject({ code: 'permission_denied', message: expect.stringContaining('s3:ListBucket') })
  })

  test('of an ACL names the setting', async () => {
    server.faults.add({
      operation: 'PutObject',
      fault: { do: 'refuse', status: 400, code: 'AccessControlListNotSupported' },
    })
    const failure = await failureOf(storage({ defaultAcl: 'public-read' }).save('a', 'x'))
    expect(failure.message).toContain('AWS_DEFAULT_ACL')
  })
})

test('reading goes on where the connection broke', async () => {
  const bytes = Buffer.from(Array.from({ length: 300_000 }, (_, at) => at % 251))
  await storage().save('broken', bytes)
  server.faults.add({ operation: 'GetObject', fault: { do: 'cut', bytes: 100_000 } })
  const chunks = await storage().createReadStream('broken').toArray()
  expect(Buffer.concat(chunks).equals(bytes)).toBe(true)
  expect(operations().filter(name => name === 'GetObject')).toHaveLength(2)
})

test('many deletions tell which key failed', async () => {
  const guarded = await startStrictS3({ undeletable: ['kept'] })
  const files = storage({}, guarded)
  for (const name of ['a', 'kept', 'b']) await files.save(name, 'x')
  const { deleted, errors } = await files.deleteMany(['a', 'kept', 'b'])
  expect(deleted).toBe(2)
  expect(errors).toMatchObject([{ name: 'kept', error: { code: 'permission_denied' } }])
  await guarded.close()
})

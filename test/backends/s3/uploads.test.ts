import { Readable } from 'node:stream'
import { afterAll, beforeEach, describe, expect, test } from 'vitest'
import { S3Storage } from '../../../src/backends/s3/index.ts'
import { settled } from '../../../src/testing/case.ts'
import { plainContext } from '../../../src/testing/index.ts'
import { distinctBytes, streamed } from '../../faults/ground.ts'
import { startStrictS3 } from '../../servers/strict-s3.ts'
import { PART, strictGround } from './fault-steps.ts'
import { driverFor } from './support.ts'

const server = await startStrictS3({ minPartSize: PART })
const ground = strictGround(server, { conditionalComplete: false })
afterAll(async () => {
  await ground.close()
  await server.close()
})
beforeEach(() => {
  server.faults.clear()
  server.requests.length = 0
  server.bucket().objects.clear()
  server.bucket().uploads.clear()
})

const large = distinctBytes(3 * PART - 1000)
const operations = () => server.requests.map(request => request.operation)
const count = (operation: string) => operations().filter(each => each === operation).length

function storage(maxAttempts = 3): S3Storage {
  const { accessKeyId: accessKey, secretAccessKey: secretKey } = server.credentials
  const options = { bucketName: 'media', accessKey, secretKey, fileOverwrite: true, maxAttempts }
  const driver = driverFor(server, { ...ground.driver, orphanWaitMs: 100 })
  return new S3Storage(options, { settings: {}, env: {}, driver })
}

describe('an upload in parts', () => {
  test('fails at once when a part fails, though its source hangs and other parts are on their way', async () => {
    server.faults.add({ operation: 'UploadPart', fault: { do: 'refuse', status: 403, code: 'AccessDenied' } })
    server.faults.add({ operation: 'UploadPart', fault: { do: 'hold', ms: 60_000 } })
    async function* hanging(): AsyncGenerator<Buffer> {
      yield large.subarray(0, 2 * PART)
      yield Buffer.from('a little more')
      await new Promise(() => {})
    }
    await using files = storage()
    const saved = settled(files.save('hanging', hanging()), 'the upload')
    await expect(saved).rejects.toMatchObject({ code: 'permission_denied' })
    expect(server.bucket().uploads.size).toBe(0)
  })

  test.each(['CRC32', 'CRC32C', 'CRC64NVME', 'SHA256', 'MD5'] as const)(
    'sends the chunks of a stream, with their %s and hash, and a part that failed once more',
    async checksum => {
      server.faults.add({ operation: 'UploadPart', fault: { do: 'refuse', status: 503, code: 'SlowDown' }, times: 2 })
      const cuts = [200_000, 10, 300_000, 70_000]
      function* chunks(): Generator<Buffer> {
        for (let at = 0, turn = 0; at < large.length; turn++) {
          yield Buffer.from(large.subarray(at, (at += cuts[turn % cuts.length]!)))
        }
      }
      const driver = driverFor(server, { ...ground.driver, checksum })
      const { accessKeyId: accessKey, secretAccessKey: secretKey } = server.credentials
      const options = { bucketName: 'media', accessKey, secretKey, fileOverwrite: true }
      await using files = new S3Storage(options, { settings: {}, env: {}, driver })
      await files.save('chunks', Readable.from(chunks(), { objectMode: false }))
      expect(server.bucket().current('chunks')?.body.equals(large)).toBe(true)
      expect(count('UploadPart')).toBe(5)
    },
  )

  test('is made again when somebody else ended it, if its content can be sent again', async () => {
    let ended = 0
    const match = (): boolean => {
      if (ended++ === 0) server.bucket().uploads.clear()
      return false
    }
    server.faults.add({ operation: 'UploadPart', match })
    await using files = storage()
    await files.save('again', large)
    expect(server.bucket().current('again')?.body.equals(large)).toBe(true)
    expect(count('CreateMultipartUpload')).toBe(2)
    ended = 0
    await expect(files.save('once', streamed(large))).rejects.toMatchObject({
      code: 'unavailable',
      outcome: 'not_applied',
      message: expect.stringContaining('ended by another client'),
    })
  })

  test('is ended again as long as a part comes late', async () => {
    const { uploads } = server.bucket()
    let [kept] = uploads.values()
    server.faults.add({ operation: 'UploadPart', fault: { do: 'refuse', status: 403, code: 'AccessDenied' } })
    server.faults.add({
      operation: 'AbortMultipartUpload',
      match: () => {
        ;[kept] = uploads.values()
        return false
      },
    })
    // What an abort leaves when a part was still on its way to the service's disks: the upload is there again.
    server.faults.add({
      operation: 'ListParts',
      match: () => {
        if (kept !== undefined && count('AbortMultipartUpload') === 1) uploads.set(kept.id, kept)
        return false
      },
    })
    await using files = storage()
    await expect(files.save('late', streamed(large))).rejects.toMatchObject({ code: 'permission_denied' })
    expect(server.bucket().uploads.size).toBe(0)
    expect(count('AbortMultipartUpload')).toBe(2)
  })

  test('tells the id of one that cannot be ended', async () => {
    server.faults.add({
      operation: 'UploadPart',
      fault: { do: 'refuse', status: 400, code: 'InvalidArgument' },
      times: 99,
    })
    server.faults.add({
      operation: 'AbortMultipartUpload',
      fault: { do: 'refuse', status: 403, code: 'AccessDenied' },
      times: 99,
    })
    await using files = storage()
    const error = await files.save('stuck', streamed(large)).catch(failure => failure)
    const [id] = server.bucket().uploads.keys()
    expect(error).toMatchObject({ code: 'invalid_argument', message: expect.stringContaining(`upload ${id}.`) })
  })
})

describe('a conditional write', () => {
  const conflict = { status: 409, code: 'ConditionalRequestConflict' }

  test('is made again when it met another write that was under way', async () => {
    await using files = storage()
    server.faults.add({ operation: 'PutObject', fault: { do: 'refuse', ...conflict }, times: 2 })
    expect(await files.save('small', 'x', { overwrite: false })).toBe('small')
    server.faults.add({ operation: 'PutObject', fault: { do: 'refuse', ...conflict } })
    server.faults.add({ operation: 'CompleteMultipartUpload', fault: { do: 'refuse', ...conflict } })
    expect(await files.save('large', large, { overwrite: false })).toBe('large')
    expect([...server.bucket().objects.keys()]).toEqual(['small', 'large'])
  })

  test('of a large stream that fails is the source’s failure, not the service’s', async () => {
    await using files = storage()
    await files.save('kept', 'old')
    const { etag = '' } = await files.stat('kept')
    async function* failing(): AsyncGenerator<Buffer> {
      yield large.subarray(0, PART)
      throw new Error('the disk is gone')
    }
    const open = (): Readable => Readable.from(failing(), { objectMode: false })
    const content = { size: large.length, replayable: false, open }
    const write = files.calls.driver.write('kept', content, { ifMatch: etag }, plainContext())
    await expect(write).rejects.toMatchObject({ code: 'source_failed', outcome: 'not_applied' })
    expect(server.bucket().current('kept')?.body.toString()).toBe('old')
  })
})

describe('uploads of others under the same key', () => {
  /** Opens an upload of somebody else while ours is created. */
  function intrude(): () => string {
    let id = ''
    const match = ({ key }: { key: string }): boolean => {
      if (id !== '') return false
      id = 'somebody-else'
      const settings = { system: {}, metadata: {}, acl: 'private', tags: {}, storageClass: 'STANDARD', encryption: {} }
      const upload = { id, key, initiated: Date.now(), settings, checksumAlgorithm: undefined }
      server.bucket().uploads.set(id, { ...upload, checksumType: 'COMPOSITE', parts: new Map() })
      return false
    }
    server.faults.add({ operation: 'CreateMultipartUpload', match })
    return () => id
  }

  test('are ended when they never get a part: they are our own, made twice', async () => {
    const intruder = intrude()
    const files = storage()
    await files.save('twice', large)
    expect([...server.bucket().uploads.keys()]).toEqual([intruder()])
    await files.close()
    expect(server.bucket().uploads.size).toBe(0)
    expect(server.bucket().current('twice')?.body.equals(large)).toBe(true)
  })

  test('are left alone when they get one', async () => {
    const intruder = intrude()
    const files = storage()
    await files.save('busy', large)
    const part = { body: Buffer.from('x'), etag: 'x', checksums: {}, lastModified: Date.now() }
    server.bucket().uploads.get(intruder())!.parts.set(1, part)
    await files.close()
    expect([...server.bucket().uploads.keys()]).toEqual([intruder()])
  })

  test('are left alone when they are from another time', async () => {
    intrude()
    server.faults.add({
      operation: 'ListMultipartUploads',
      match: () => {
        const upload = server.bucket().uploads.get('somebody-else')!
        server.bucket().uploads.set(upload.id, { ...upload, initiated: Date.now() - 60_000 })
        return false
      },
    })
    const files = storage()
    await files.save('older', large)
    await files.close()
    expect(server.bucket().uploads.size).toBe(1)
  })

  test('are left alone when they are this storage’s own', async () => {
    await using files = storage()
    const names = Array.from({ length: 8 }, () => files.save('same', streamed(large)))
    expect(await Promise.all(names)).toEqual(Array(8).fill('same'))
    expect(count('AbortMultipartUpload')).toBe(0)
  })

  test.each([
    ['version 4', {}],
    ['version 2', { signatureVersion: 's3', checksum: 'MD5' }],
  ] as const)('are asked for with signatures of %s, for any key', async (_title, more) => {
    const { accessKeyId: accessKey, secretAccessKey: secretKey } = server.credentials
    const driver = driverFor(server, { ...ground.driver, ...more })
    await using files = new S3Storage({ bucketName: 'media', accessKey, secretKey }, { settings: {}, env: {}, driver })
    await files.save('a+b c/ü%41.bin', large)
    await files.close()
    const asked = server.requests.filter(request => request.operation === 'ListMultipartUploads')
    expect(asked.map(request => request.status)).toEqual([200])
  })

  test('are not asked for while no request to create one failed, and once for all when the storage is closed', async () => {
    const files = storage()
    for (const name of ['all/a', 'all/b', 'always']) await files.save(name, large)
    expect(count('ListMultipartUploads')).toBe(0)
    await files.close()
    const asked = server.requests.filter(request => request.operation === 'ListMultipartUploads')
    const prefixes = asked.map(({ url }) => new URL(url, server.url).searchParams.get('prefix'))
    expect(prefixes).toEqual(['al'])
  })

  test('are asked for at once when the answer to a request to create one was lost', async () => {
    const files = storage()
    server.faults.add({ operation: 'CreateMultipartUpload', fault: { do: 'drop', at: 'after' } })
    await files.save('lost', large)
    expect(server.bucket().uploads.size).toBe(1)
    await expect.poll(() => server.bucket().uploads.size, { timeout: 15_000 }).toBe(0)
    expect(server.bucket().current('lost')?.body.equals(large)).toBe(true)
    await files.close()
  })

  test('are asked for only until that is refused', async () => {
    server.faults.add({
      operation: 'ListMultipartUploads',
      fault: { do: 'refuse', status: 403, code: 'AccessDenied' },
      times: 99,
    })
    const files = storage()
    for (const name of ['a', 'b', 'c']) {
      server.faults.add({ operation: 'CreateMultipartUpload', fault: { do: 'refuse', status: 503, code: 'SlowDown' } })
      await files.save(name, large)
      await expect.poll(() => count('ListMultipartUploads')).toBe(1)
    }
    await files.close()
    expect(count('ListMultipartUploads')).toBe(1)
  })
})

describe('the empty object that holds a key for an upload', () => {
  test('is not seen before all parts are there, and bears no mark afterwards', async () => {
    await using files = storage()
    await files.save('held', large, { overwrite: false, metadata: { a: 'b' } })
    expect(operations().filter(name => name !== 'ListMultipartUploads')).toEqual([
      'CreateMultipartUpload',
      'UploadPart',
      'UploadPart',
      'UploadPart',
      'PutObject',
      'CompleteMultipartUpload',
    ])
    expect(server.bucket().current('held')?.metadata).toEqual({ a: 'b' })
  })

  test('is removed when the upload fails, but somebody else’s never', async () => {
    const refuse = {
      operation: 'CompleteMultipartUpload',
      fault: { do: 'refuse', status: 403, code: 'AccessDenied' },
    } as const
    server.faults.add(refuse)
    await using files = storage()
    const exclusive = { overwrite: false } as const
    await expect(files.save('gone', large, exclusive)).rejects.toMatchObject({ code: 'permission_denied' })
    expect(server.bucket().current('gone')).toBeUndefined()
    const match = (): boolean => {
      const { metadata: _mark, ...object } = server.bucket().current('theirs')!
      server.bucket().put('theirs', { ...object, metadata: {} })
      return false
    }
    server.faults.add({ operation: 'CompleteMultipartUpload', match })
    server.faults.add(refuse)
    await expect(files.save('theirs', large, exclusive)).rejects.toMatchObject({ code: 'permission_denied' })
    expect(server.bucket().current('theirs')?.body.length).toBe(0)
  })

  test('leaves no version behind when the upload fails', async () => {
    const versioned = await startStrictS3({ minPartSize: PART, buckets: [{ name: 'media', versioning: true }] })
    const { accessKeyId: accessKey, secretAccessKey: secretKey } = versioned.credentials
    const driver = driverFor(versioned, ground.driver)
    const options = { bucketName: 'media', accessKey, secretKey }
    await using files = new S3Storage(options, { settings: {}, env: {}, driver })
    versioned.faults.add({
      operation: 'CompleteMultipartUpload',
      fault: { do: 'refuse', status: 403, code: 'AccessDenied' },
    })
    await expect(files.save('v', large, { overwrite: false })).rejects.toMatchObject({ code: 'permission_denied' })
    expect(versioned.bucket().objects.get('v')).toBeUndefined()
    await versioned.close()
  })
})

import { Readable } from 'node:stream'
import { afterAll, beforeEach, describe, expect, test } from 'vitest'
import { isStorageError, type StorageError } from '../../../src/core/errors.ts'
import { htmlError, rateLimited, startStrictGcs } from '../../servers/strict-gcs.ts'
import { at, driverFor, hmacKey, KIB_256, storageWith } from './support.ts'

const server = await startStrictGcs({ buckets: ['media', { name: 'uniform', uniform: true }] })
const limited = await startStrictGcs({ accounts: [{ role: 'objectViewer' }] })
const hourAgo = await startStrictGcs({ now: () => Date.now() - 3_600_000 })
const small = { multipartThreshold: KIB_256, blobChunkSize: KIB_256 }
const files = storageWith({ ...at(server), ...small })
afterAll(async () => {
  await files.close()
  await Promise.all([server, limited, hourAgo].map(each => each.close()))
})

const operations = (): string[] => server.requests.map(({ operation }) => operation).filter(name => name !== 'token')

async function failureOf(promise: Promise<unknown>): Promise<StorageError> {
  const error = await promise.then(
    () => new Error('it did not fail'),
    (reason: unknown) => reason,
  )
  if (isStorageError(error)) return error
  throw error
}

beforeEach(() => {
  server.faults.clear()
  server.bucket().objects.clear()
  server.requests.length = 0
})

describe('an error of the front end, in HTML', () => {
  test.each([500, 502, 503, 504] as const)('%d is tried again', async status => {
    server.faults.add({ operation: 'objects.insert', fault: htmlError(status), times: 2 })
    await files.save('a', 'x')
    expect(operations()).toEqual(Array(3).fill('objects.insert'))
  })

  test('in the end is unavailable, and its page is not the message', async () => {
    server.faults.add({ operation: 'objects.get', fault: htmlError(502), times: 9 })
    const failure = await failureOf(files.stat('a'))
    expect(failure).toMatchObject({ code: 'unavailable', status: 502, fileName: 'a' })
    expect(failure.message).not.toContain('<')
  })
})

describe('an access token', () => {
  test('that ends between the parts of an upload is of no matter, since the session needs none', async () => {
    async function* source(): AsyncGenerator<Buffer> {
      for (let part = 0; part < 4; part++) {
        if (part === 3) server.tokens.revokeAll()
        yield Buffer.alloc(KIB_256, part)
      }
    }
    await files.save('long', source())
    expect((await files.stat('long')).size).toBe(4 * KIB_256)
    expect(server.requests.filter(({ status }) => status === 401).length).toBeLessThanOrEqual(1)
  })

  test('that was revoked is renewed once for many calls at a time', async () => {
    await files.save('a', 'x')
    server.tokens.revokeAll()
    server.requests.length = 0
    await Promise.all(Array.from({ length: 8 }, () => files.stat('a')))
    expect(server.requests.filter(({ operation }) => operation === 'token')).toHaveLength(1)
  })

  test('that a token server refuses is permission_denied, and no key is quoted', async () => {
    const { private_key: key = '' } = server.keyFile()
    const other = { ...server.keyFile(), private_key_id: 'other-id' }
    await using strange = storageWith({ ...at(server), credentials: other })
    const failure = await failureOf(strange.save('a', 'x'))
    expect(failure.code).toBe('permission_denied')
    expect(`${failure.stack}${String(failure.cause)}`).not.toContain(key.slice(40, 80))
    expect(failure.message).not.toMatch(/assertion=|eyJ/)
  })
})

describe('a refusal', () => {
  test('for want of a right names the account, the right and a role', async () => {
    await using viewer = storageWith(at(limited))
    const failure = await failureOf(viewer.save('a', 'x'))
    expect(failure.code).toBe('permission_denied')
    expect(failure.message).toContain('storage.objects.create')
    expect(failure.message).toContain('Storage Object User')
  })

  test('of an ACL names the setting, small and large, saved and copied', async () => {
    await using uniform = storageWith({ ...at(server), ...small, bucketName: 'uniform', defaultAcl: 'publicRead' })
    for (const content of ['x', Buffer.alloc(2 * KIB_256)]) {
      expect((await failureOf(uniform.save('a', content))).message).toContain('GS_DEFAULT_ACL')
    }
  })

  test('of many deletions tells the files that stayed, and deletes the others', async () => {
    for (const name of ['a', 'held', 'b']) await files.save(name, 'x')
    const held = server.bucket().live('held')!
    server.bucket().change(held, { ...held, temporaryHold: true }, Date.now())
    const { deleted, errors } = await files.deleteMany(['a', 'held', 'b', 'missing'])
    expect(deleted).toBe(3)
    expect(errors).toMatchObject([{ name: 'held', error: { code: 'permission_denied' } }])
    expect([...server.bucket().objects.keys()]).toEqual(['held'])
  })

  test('for one object that is changed too often leaves the other calls alone', async () => {
    server.faults.add({ operation: 'objects.insert', key: 'busy', fault: rateLimited(), times: 9 })
    const impatient = storageWith({ ...at(server), maxAttempts: 1 })
    const [busy, other] = await Promise.allSettled([impatient.save('busy', 'x'), impatient.save('other', 'x')])
    expect(busy).toMatchObject({ status: 'rejected', reason: { code: 'throttled', fileName: 'busy' } })
    expect(other).toMatchObject({ status: 'fulfilled', value: 'other' })
    await impatient.close()
  })
})

describe('an upload whose session is gone', () => {
  test('fails where the content cannot be read again, and leaves nothing', async () => {
    async function* source(): AsyncGenerator<Buffer> {
      for (let part = 0; part < 5; part++) {
        if (part === 4) server.sessions.expireAll()
        yield Buffer.alloc(KIB_256, part)
      }
    }
    const failure = await failureOf(files.save('gone', Readable.from(source(), { objectMode: false })))
    expect(failure.fileName).toBe('gone')
    expect(server.bucket().live('gone')).toBeUndefined()
    expect(server.sessions.open).toEqual([])
  })
})

describe('a clock that is an hour off', () => {
  test('is told where the token server refuses the assertion', async () => {
    await using late = storageWith({ ...at(hourAgo), maxAttempts: 1 })
    const failure = await failureOf(late.save('a', 'x'))
    expect(['permission_denied', 'improperly_configured']).toContain(failure.code)
    expect(failure.message).toMatch(/clock|iat and exp/i)
  })

  test('is told where an HMAC key signs', async () => {
    const driver = driverFor(hourAgo, hmacKey(hourAgo, 'GOOG4'))
    await using late = storageWith({ endpointUrl: hourAgo.url, maxAttempts: 2 }, { driver })
    const failure = await failureOf(late.save('a', 'x'))
    expect(failure.code).toBe('permission_denied')
    expect(failure.message).toMatch(/clock is (3599|3600|3601) seconds ahead of the server's/)
  })
})

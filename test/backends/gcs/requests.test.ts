import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import type { CallContext } from '../../../src/core/call.ts'
import { bytesContent } from '../../../src/core/content.ts'
import { backendError, rateLimited, startStrictGcs } from '../../servers/strict-gcs.ts'
import { at, driverFor, storageWith } from './support.ts'

const server = await startStrictGcs({
  buckets: ['media', { name: 'uniform', uniform: true }],
  rewriteBytes: 1024 * 1024,
})
const files = storageWith(at(server))
const uniform = storageWith({ ...at(server), bucketName: 'uniform' })
afterAll(async () => {
  await Promise.all([files.close(), uniform.close()])
  await server.close()
})
beforeEach(() => {
  server.faults.clear()
  server.requests.length = 0
})

const operations = (): string[] => server.requests.map(({ operation }) => operation).filter(name => name !== 'token')
const context = (): CallContext => files.calls.context({})
const content = (text: string) => bytesContent(Buffer.from(text))

describe('an object name', () => {
  const names = [
    'foo?bar',
    'a%2Fb',
    'a/b',
    'a#b',
    'a+b',
    'a b',
    "!'()*",
    'ü/🙂',
    'a&b=c',
    '%',
    'a/../b',
    'a/./b',
    'x//y',
  ]

  it('is one text for every verb, so that all these are different objects', async () => {
    const driver = driverFor(server)
    for (const name of names) await driver.write(name, content(name), {}, context())
    const { files: listed } = await driver.list('', { recursive: true }, context())
    expect(listed.map(({ key }) => key).sort()).toEqual([...names].sort())
    for (const name of names) {
      expect((await driver.stat(name, context())).size).toBe(Buffer.byteLength(name))
      const { body } = await driver.read(name, {}, context())
      expect(String(body.take() ?? (await body.stream().toArray()).join(''))).toBe(name)
      await driver.copy!(name, `copy of ${name}`, {}, context())
      const [result] = await driver.deleteMany!([`copy of ${name}`], context())
      expect(result).toEqual({ key: `copy of ${name}` })
      await driver.delete(name, context())
      await expect(driver.stat(name, context())).rejects.toMatchObject({ status: 404 })
    }
    expect((await driver.list('', { recursive: true }, context())).files).toEqual([])
    await driver.close()
  })
})

describe('a create whose answer is lost', () => {
  const lost = {
    operation: 'objects.insert',
    fault: { do: 'refuse', at: 'after', status: 503, code: 'backendError' },
  } as const

  it('is a success where the object has its bytes', async () => {
    server.faults.add(lost)
    const once = storageWith({ ...at(server), fileOverwrite: false })
    expect(await once.save('mine.txt', 'mine')).toBe('mine.txt')
    expect(operations()).toEqual(['objects.insert', 'objects.insert', 'objects.get'])
    await once.close()
  })

  it('is exists where another writer was faster, by size and CRC32C', async () => {
    await files.calls.driver.write('theirs.txt', content('their'), {}, context())
    server.faults.add({ operation: 'objects.insert', fault: { do: 'refuse', status: 503, code: 'backendError' } })
    const write = files.calls.driver.write('theirs.txt', content('other'), { ifAbsent: true }, context())
    await expect(write).rejects.toMatchObject({ code: 'exists' })
  })

  it('is exists where no answer was lost, also where the file there has the same bytes', async () => {
    await files.calls.driver.write('same.txt', content('same'), {}, context())
    const write = files.calls.driver.write('same.txt', content('same'), { ifAbsent: true }, context())
    await expect(write).rejects.toMatchObject({ code: 'exists' })
    await files.save('source.txt', 'same', { overwrite: true })
    const copy = files.calls.driver.copy!('source.txt', 'same.txt', { ifAbsent: true }, context())
    await expect(copy).rejects.toMatchObject({ code: 'exists' })
  })

  it('is unknown where nobody can tell', async () => {
    server.faults.add(lost)
    server.faults.add({ operation: 'objects.get', times: 9, fault: backendError() })
    const write = files.calls.driver.write('unknown.txt', content('x'), { ifAbsent: true }, context())
    await expect(write).rejects.toMatchObject({ code: 'unavailable', outcome: 'unknown' })
  })

  it('and a copy whose answer is lost are decided alike', async () => {
    await files.save('from.txt', 'from')
    server.faults.add({
      operation: 'objects.rewrite',
      fault: { do: 'refuse', at: 'after', status: 503, code: 'backendError' },
    })
    await files.calls.driver.copy!('from.txt', 'to.txt', { ifAbsent: true }, context())
    expect((await files.readBytes('to.txt')).toString()).toBe('from')
    const taken = files.calls.driver.copy!('from.txt', 'theirs.txt', { ifAbsent: true }, context())
    await expect(taken).rejects.toMatchObject({ code: 'exists' })
  })
})

it('waits a second and more after 429 for one object, and in the end says throttled with its name', async () => {
  server.faults.add({ operation: 'objects.insert', times: 9, fault: rateLimited() })
  const hasty = storageWith({ ...at(server), maxAttempts: 1 })
  const error = await hasty.save('hot.txt', 'x').catch(error => error)
  expect(error).toMatchObject({ code: 'throttled', fileName: 'hot.txt', status: 429, outcome: 'not_applied' })
  expect(error.retryAfterMs).toBeGreaterThanOrEqual(1000)
  expect(error.retryAfterMs).toBeLessThanOrEqual(2000)
  server.faults.clear()
  await hasty.close()
})

describe('a bucket with uniform access', () => {
  it('gets no field of an ACL unless one was set, on save, copy and large uploads alike', async () => {
    const parts = storageWith({ ...at(server), bucketName: 'uniform', multipartThreshold: 0, blobChunkSize: 262_144 })
    await uniform.save('a.txt', 'a')
    await parts.save('large.bin', Buffer.alloc(300_000))
    await uniform.calls.driver.copy!('a.txt', 'b.txt', {}, context())
    expect(server.requests.every(({ url }) => !/acl/i.test(url))).toBe(true)
    await parts.close()
  })

  it.each([
    ['defaultAcl', { defaultAcl: 'publicRead' }],
    ['the parameter acl', { objectParameters: { acl: 'public-read' } }],
  ])('explains the refusal of an ACL by the setting that sets it (%s)', async (_, options) => {
    const refused = storageWith({ ...at(server), bucketName: 'uniform', ...options })
    const error = await refused.save('a.txt', 'a').catch(error => error)
    expect(error).toMatchObject({ code: 'invalid_argument', status: 400 })
    expect(error.message).toContain('GS_DEFAULT_ACL')
    expect(error.message).toContain('GS_QUERYSTRING_AUTH')
    await refused.close()
  })

  it('can have plain URLs without an ACL', async () => {
    const plain = storageWith({ ...at(server), bucketName: 'uniform', querystringAuth: false })
    await plain.save('plain.txt', 'a')
    expect(await plain.url('plain.txt')).toBe(`${server.url}/uniform/plain.txt`)
    await plain.close()
  })
})

describe('a rewrite in several calls', () => {
  const large = Buffer.alloc(3 * 1024 * 1024 + 5, 'x')

  it('sends the same body, conditions and source generation each time, until it is done', async () => {
    await files.save('large.bin', large, { contentType: 'text/odd', metadata: { a: 'b' } })
    server.requests.length = 0
    await files.calls.driver.copy!('large.bin', 'copied.bin', { ifAbsent: true, cacheControl: 'no-store' }, context())
    const calls = server.requests.filter(({ operation }) => operation === 'objects.rewrite')
    expect(calls).toHaveLength(4)
    const seen = calls.map(({ url, bodySize }) => [url.replace(/&rewriteToken=[^&]*/, ''), bodySize])
    expect(new Set(seen.map(each => JSON.stringify(each))).size).toBe(1)
    expect(calls[0]!.url).toMatch(/sourceGeneration=\d+&ifSourceGenerationMatch=\d+&ifGenerationMatch=0/)
    expect(await files.stat('copied.bin')).toMatchObject({
      size: large.length,
      contentType: 'text/odd',
      cacheControl: 'no-store',
      metadata: { a: 'b' },
    })
  })

  it.each([true, undefined])('ends with an error where the source changes under it (ifAbsent: %s)', async ifAbsent => {
    await files.save('source.bin', large)
    const change = { do: 'hold', ms: 1, onHold: () => void server.bucket().objects.delete('source.bin') } as const
    let calls = 0
    server.faults.add({ operation: 'objects.rewrite', match: () => ++calls === 3, fault: change })
    const copy = files.calls.driver.copy!('source.bin', `target ${ifAbsent}`, { ifAbsent }, context())
    await expect(copy).rejects.toMatchObject({
      code: 'precondition_failed',
      message: expect.stringContaining('changed'),
    })
  })

  it('ends with an error where it makes no progress', async () => {
    await files.save('still.bin', large)
    const answer = () => ({
      status: 200,
      headers: [['content-type', 'application/json'] as const],
      body: Buffer.from('{"done":false,"totalBytesRewritten":"5","objectSize":"9","rewriteToken":"t"}'),
    })
    server.faults.add({ operation: 'objects.rewrite', times: 99, fault: { do: 'lie', answer } })
    await expect(files.calls.driver.copy!('still.bin', 'never.bin', {}, context())).rejects.toMatchObject({
      code: 'unavailable',
    })
    expect(server.faults.size).toBe(97)
  })
})

describe('a batch of deletions', () => {
  it('holds at most 100, and sends again only what failed for a while; what is missing then counts as deleted', async () => {
    const names = Array.from({ length: 120 }, (_, at) => `batch/${at}`)
    for (const name of names) await files.calls.driver.write(name, content(name), {}, context())
    server.requests.length = 0
    // One is deleted although it says otherwise, one is not.
    server.faults.add({
      operation: 'objects.delete',
      key: 'batch/3',
      fault: { do: 'refuse', at: 'after', status: 503, code: 'backendError' },
    })
    server.faults.add({
      operation: 'objects.delete',
      key: 'batch/5',
      fault: { do: 'refuse', status: 429, code: 'rateLimitExceeded' },
    })
    server.faults.add({
      operation: 'objects.delete',
      key: 'batch/7',
      fault: { do: 'refuse', status: 403, code: 'forbidden' },
    })
    const results = await files.calls.driver.deleteMany!([...names, 'batch/never'], context())
    const failed = results.filter(({ error }) => error !== undefined)
    expect(failed.map(({ key }) => key)).toEqual(['batch/7'])
    expect(failed[0]!.error).toMatchObject({ code: 'permission_denied', fileName: 'batch/7' })
    const parts = server.requests.filter(({ operation }) => operation === 'objects.delete')
    const batches = server.requests.filter(({ operation }) => operation === 'batch')
    expect([batches.length, parts.length]).toEqual([3, 123])
    expect(
      (await files.calls.driver.list('batch/', { recursive: true }, context())).files.map(({ key }) => key),
    ).toEqual(['batch/7'])
  })
})

it('renews a token that the service refuses, once', async () => {
  await files.save('token.txt', 'a')
  server.tokens.revokeAll()
  server.requests.length = 0
  await files.save('token.txt', 'b')
  expect(server.requests.map(({ operation, status }) => `${operation} ${status}`)).toEqual([
    'objects.insert 401',
    'token 200',
    'objects.insert 200',
  ])
})

it('creates a missing bucket with its ACL where it may, once for all calls', async () => {
  const storage = storageWith({ ...at(server), bucketName: 'made-here', autoCreateBucket: true, location: 'in' })
  await Promise.all(['a', 'b', 'c'].map(name => storage.save(name, name)))
  const made = server.requests.filter(({ operation }) => operation === 'buckets.insert')
  expect(made).toHaveLength(1)
  expect(made[0]!.url).toBe('/storage/v1/b?project=strict-project&predefinedAcl=projectPrivate')
  expect((await storage.listdir(''))[1].sort()).toEqual(['a', 'b', 'c'])
  await storage.close()
})

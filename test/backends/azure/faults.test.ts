/** What goes wrong at Azure in its own way: copies under way, leases, snapshots, tokens that end, clocks, leftovers. */
import { ContainerClient, StorageSharedKeyCredential } from '@azure/storage-blob'
import { afterAll, beforeEach, describe, expect, test } from 'vitest'
import { startStrictAzure } from '../../servers/strict-azure.ts'
import { storageFor } from './strict-storage.ts'

const server = await startStrictAzure()
const versioned = await startStrictAzure({ versioning: true })
const hourAgo = await startStrictAzure({ now: () => Date.now() - 3_600_000 })
afterAll(() => Promise.all([server, versioned, hourAgo].map(one => one.close())))
beforeEach(() => {
  server.faults.clear()
  server.requests.length = 0
  hourAgo.requests.length = 0
  server.plans.copies = { polls: 0, end: 'success' }
})

const PART = 64 * 1024
const blocks = { multipartThreshold: PART, partSize: PART }
const credential = new StorageSharedKeyCredential(server.account, server.accountKey)
const official = new ContainerClient(`${server.endpoint}/media`, credential, { retryOptions: { maxTries: 1 } })
const operations = (at = server): string[] => at.requests.map(({ operation }) => operation)

describe('a copy that the service makes in its own time', () => {
  /** The service has no copies that are done when they are answered. */
  const onlyAsync = (): void =>
    server.faults.add({
      operation: 'CopyBlobFromURL',
      fault: { do: 'refuse', status: 403, code: 'CannotVerifyCopySource' },
      times: 9,
    })

  test('is waited for while it is pending', async () => {
    await using files = storageFor(server)
    await files.save('from', 'content', { overwrite: true, contentType: 'text/odd' })
    server.plans.copies = { polls: 2, end: 'success' }
    onlyAsync()
    await files.copy('from', 'to', { overwrite: true })
    expect(await files.readText('to')).toBe('content')
    expect(operations().filter(name => name === 'CopyBlob')).toHaveLength(1)
    expect(
      server.requests.filter(({ operation, key }) => operation === 'GetBlobProperties' && key === 'to').length,
    ).toBeGreaterThanOrEqual(3)
  })

  test.each(['failed', 'aborted'] as const)('and %s in the end is an error with an unknown outcome', async end => {
    await using files = storageFor(server, { maxAttempts: 1 })
    await files.save('from', 'content', { overwrite: true })
    server.plans.copies = { polls: 1, end }
    onlyAsync()
    await expect(files.copy('from', `to ${end}`, { overwrite: true })).rejects.toMatchObject({
      code: 'unavailable',
      outcome: 'unknown',
    })
  })

  test('is aborted when its caller gives up', async () => {
    await using files = storageFor(server)
    await files.save('from', 'content', { overwrite: true })
    server.plans.copies = { polls: 1_000_000, end: 'success' }
    onlyAsync()
    const stop = new AbortController()
    const copied = files.copy('from', 'given up', { overwrite: true, signal: stop.signal })
    await expect.poll(() => operations()).toContain('CopyBlob')
    stop.abort()
    await expect(copied).rejects.toMatchObject({ code: 'aborted' })
    await expect.poll(() => operations()).toContain('AbortCopyBlob')
    expect((await official.getBlockBlobClient('given up').getProperties()).copyStatus).toBe('aborted')
  })
})

describe('a lease of somebody else', () => {
  test('is told by a write and a delete, and its id lets them through', async () => {
    await using files = storageFor(server, { maxAttempts: 3 })
    await files.save('leased', 'x', { overwrite: true })
    const { leaseId } = await official.getBlockBlobClient('leased').getBlobLeaseClient().acquireLease(-1)
    server.requests.length = 0
    for (const work of [
      () => files.save('leased', 'y', { overwrite: true }),
      () => files.save('leased', Buffer.alloc(3 * PART), { overwrite: true }),
      () => files.delete('leased'),
    ]) {
      const error = await work().catch(reason => reason)
      expect(error).toMatchObject({ code: 'permission_denied', retryable: false, outcome: 'not_applied' })
      expect(error.message).toContain('lease')
    }
    expect(await files.readText('leased')).toBe('x')
    await using holder = storageFor(server, { objectParameters: { leaseId } })
    await holder.save('leased', 'held', { overwrite: true })
    await holder.delete('leased')
    expect(await files.exists('leased')).toBe(false)
  })

  test('on a name that is to be new means that the name is taken', async () => {
    await using files = storageFor(server, { fileOverwrite: false })
    await files.save('leased name', 'x')
    await official.getBlockBlobClient('leased name').getBlobLeaseClient().acquireLease(-1)
    expect(await files.save('leased name', 'y')).toMatch(/^leased name_\w{7}$/)
  })
})

test('a blob with snapshots is not deleted unless that is set, and the error says so', async () => {
  await using files = storageFor(server)
  await files.save('kept', 'x')
  await official.getBlockBlobClient('kept').createSnapshot()
  const error = await files.delete('kept').catch(reason => reason)
  expect(error).toMatchObject({ code: 'unsupported', fileName: 'kept' })
  expect(error.message).toContain('AZURE_DELETE_SNAPSHOTS')
  await using bold = storageFor(server, { deleteSnapshots: true })
  await bold.delete('kept')
  expect(await files.exists('kept')).toBe(false)
})

test('versions are read by their ids where the account has them', async () => {
  await using files = storageFor(versioned)
  await files.save('v', 'one', { overwrite: true })
  const { versionId } = await files.stat('v')
  expect(versionId).toBeTruthy()
  await files.save('v', 'two two', { overwrite: true })
  await using file = await files.open('v', 'r', { versionId })
  expect(await file.read()).toBe('one')
  expect(await files.readText('v')).toBe('two two')
})

describe('a token', () => {
  /** A credential that gives these one after the other. */
  const tokens = (...all: string[]) => {
    const given: string[] = []
    const getToken = async () => {
      const token = all[Math.min(given.length, all.length - 1)]!
      given.push(token)
      return { token, expiresOnTimestamp: Date.now() + 3_600_000 }
    }
    return { given, credential: { getToken } }
  }

  test('that the service takes no more is asked for anew, once', async () => {
    const { given, credential: tokenCredential } = tokens('ended', server.token)
    await using files = storageFor(server, { accountKey: null, tokenCredential })
    await files.save('by token', 'x', { overwrite: true })
    expect(given).toEqual(['ended', server.token])
    expect(server.requests.map(({ status }) => status)).toEqual([401, 201])
  })

  test('that is never taken is an error that does not show it', async () => {
    const { given, credential: tokenCredential } = tokens('secret-token-1', 'secret-token-2')
    await using files = storageFor(server, { accountKey: null, tokenCredential, maxAttempts: 3 })
    const error = await files.save('by token', 'x', { overwrite: true }).catch(reason => reason)
    expect(error).toMatchObject({ code: 'permission_denied' })
    expect(`${error.stack}${JSON.stringify(error)}`).not.toContain('secret-token')
    expect(given).toHaveLength(2)
  })

  test('is loaded once for many calls at once', async () => {
    const { given, credential: tokenCredential } = tokens(server.token)
    await using files = storageFor(server, { accountKey: null, tokenCredential, location: 'many' })
    await Promise.all(Array.from({ length: 20 }, (_, at) => files.save(`f${at}`, 'x', { overwrite: true })))
    expect(given).toHaveLength(1)
  })
})

describe('a clock that is off', () => {
  test("is corrected once by the service's, for requests and for URLs", async () => {
    await using files = storageFor(hourAgo, blocks)
    await files.save('a', 'x', { overwrite: true })
    await files.save('b', Buffer.alloc(3 * PART), { overwrite: true })
    expect(await files.readText('a')).toBe('x')
    expect(hourAgo.requests.filter(({ status }) => status === 403)).toHaveLength(1)
    expect((await fetch(await files.url('a', { expiresInSecs: 60 }))).status).toBe(200)
  })
})

describe('a refusal', () => {
  test('of a wrong key says so and quotes no secret', async () => {
    const accountKey = Buffer.from('a wrong and secret key').toString('base64')
    await using files = storageFor(server, { accountKey })
    const error = await files.save('a', 'x').catch(reason => reason)
    expect(error).toMatchObject({ code: 'permission_denied' })
    expect(error.message).toContain('key is not that of the account')
    expect(`${error.stack}${JSON.stringify(error)}`).not.toMatch(/a wrong and secret|YSB3cm9uZ/)
  })

  test('of a missing container names the setting', async () => {
    await using files = storageFor(server, { azureContainer: 'missing' })
    const error = await files.save('a', 'x').catch(reason => reason)
    expect(error).toMatchObject({ code: 'improperly_configured' })
    expect(error.message).toContain('AZURE_CONTAINER')
    await expect(files.exists('a')).rejects.toMatchObject({ code: 'improperly_configured' })
  })

  test('of a SAS without the right names the right', async () => {
    await using owner = storageFor(server, { location: '' })
    await owner.save('readable', 'x', { overwrite: true })
    const url = new URL(await owner.url('readable', { expiresInSecs: 60 }))
    await using files = storageFor(server, { accountKey: null, sasToken: url.search })
    expect(await files.readText('readable')).toBe('x')
    const error = await files.save('readable', 'y', { overwrite: true }).catch(reason => reason)
    expect(error).toMatchObject({ code: 'permission_denied', outcome: 'not_applied' })
    expect(`${error.stack}${JSON.stringify(error)}`).not.toContain(url.searchParams.get('sig'))
  })

  test('of one among many deletions tells which', async () => {
    await using guarded = await startStrictAzure({ undeletable: ['kept'] }).then(one => ({
      one,
      [Symbol.asyncDispose]: () => one.close(),
    }))
    await using files = storageFor(guarded.one)
    for (const name of ['a', 'kept', 'b']) await files.save(name, 'x')
    const { deleted, errors } = await files.deleteMany(['a', 'kept', 'b'])
    expect(deleted).toBe(2)
    expect(errors).toMatchObject([{ name: 'kept', error: { code: 'permission_denied' } }])
  })
})

describe('an upload in blocks', () => {
  test('repeats only the block that failed', async () => {
    await using files = storageFor(server, blocks)
    server.faults.add({ operation: 'PutBlock', fault: { do: 'refuse', status: 500, code: 'InternalError' } })
    await files.save('big', Buffer.alloc(5 * PART, 7), { overwrite: true })
    expect(operations().filter(name => name === 'PutBlock')).toHaveLength(6)
  })

  test('whose bytes change on the way is refused by the service, and sent again', async () => {
    for (const checksums of ['md5', 'crc64'] as const) {
      await using files = storageFor(server, { ...blocks, checksums })
      const bytes = Buffer.alloc(3 * PART, 'sum')
      await files.save(`sums ${checksums}`, bytes, { overwrite: true })
      const header = checksums === 'md5' ? 'content-md5' : 'x-ms-content-crc64'
      const puts = server.requests.filter(
        ({ operation, key }) => operation.startsWith('PutBlock') && key === `sums ${checksums}`,
      )
      expect(puts.map(({ headers }) => header in headers)).toEqual([true, true, true, true])
      expect(server.container().bytes(`sums ${checksums}`)?.equals(bytes)).toBe(true)
    }
  })

  test('that is ended by its caller leaves the old blob', async () => {
    await using files = storageFor(server, blocks)
    await files.save('ended', 'old', { overwrite: true })
    const stop = new AbortController()
    async function* endless(): AsyncGenerator<Buffer> {
      for (let at = 0; ; at++) {
        if (at === 12) stop.abort()
        yield Buffer.alloc(PART, at)
      }
    }
    await expect(files.save('ended', endless(), { overwrite: true, signal: stop.signal })).rejects.toMatchObject({
      code: 'aborted',
    })
    expect(server.container().bytes('ended')?.toString()).toBe('old')
  })
})

test('a service that asks to slow down is asked again, and then is throttled with the id of the request', async () => {
  await using files = storageFor(server)
  server.faults.add({ operation: 'PutBlob', fault: { do: 'refuse', status: 503, code: 'ServerBusy' }, times: 2 })
  await files.save('slow', 'x', { overwrite: true })
  expect(operations()).toEqual(['PutBlob', 'PutBlob', 'PutBlob'])
  server.faults.add({ operation: 'GetBlob', fault: { do: 'refuse', status: 503, code: 'ServerBusy' } })
  await using once = storageFor(server, { maxAttempts: 1 })
  const error = await once.readText('slow').catch(reason => reason)
  expect(error).toMatchObject({ code: 'throttled', status: 503 })
  expect(error.message).toContain(error.requestId)
})

test('reading goes on where the connection broke', async () => {
  await using files = storageFor(server, blocks)
  const bytes = Buffer.from(Array.from({ length: 300_000 }, (_, at) => at % 251))
  await files.save('broken', bytes, { overwrite: true })
  server.faults.add({ operation: 'GetBlob', fault: { do: 'cut', bytes: 100_000 } })
  expect((await files.readBytes('broken')).equals(bytes)).toBe(true)
  expect(operations().filter(name => name === 'GetBlob')).toHaveLength(2)
})

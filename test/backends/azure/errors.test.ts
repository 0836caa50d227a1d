import { join } from 'node:path'
import { afterAll, beforeEach, describe, expect, test } from 'vitest'
import { AzureError, type AzureOptions } from '../../../src/backends/azure/index.ts'
import type { Input } from '../../../src/core/settings.ts'
import { startStrictAzure } from '../../servers/strict-azure.ts'
import { runNode } from '../../support/child.ts'
import { storageWith } from './support.ts'

const server = await startStrictAzure()
let ahead = 0
const late = await startStrictAzure({ now: () => Date.now() + ahead })
const versioned = await startStrictAzure({ versioning: true })
afterAll(() => Promise.all([server, late, versioned].map(one => one.close())))

const files = (options: Input<AzureOptions> = {}) =>
  storageWith({
    connectionString: server.connectionString,
    azureContainer: 'media',
    maxAttempts: 1,
    fileOverwrite: true,
    ...options,
  })
const failure = (work: Promise<unknown>) =>
  work.then(
    () => {
      throw new Error('nothing failed')
    },
    error => error,
  )

beforeEach(() => {
  server.faults.clear()
  server.requests.length = 0
  ahead = 0
})

test.each([
  [400, 'InvalidHeaderValue', 'invalid_argument'],
  [401, 'NoAuthenticationInformation', 'permission_denied'],
  [403, 'AuthenticationFailed', 'permission_denied'],
  [403, 'AuthorizationPermissionMismatch', 'permission_denied'],
  [404, 'BlobNotFound', 'not_found'],
  [404, 'ContainerNotFound', 'improperly_configured'],
  [409, 'BlobArchived', 'unsupported'],
  [409, 'ContainerBeingDeleted', 'unavailable'],
  [409, 'PublicAccessNotPermitted', 'permission_denied'],
  [412, 'ConditionNotMet', 'precondition_failed'],
  [412, 'LeaseIdMissing', 'permission_denied'],
  [416, 'InvalidRange', 'invalid_range'],
  [500, 'InternalError', 'unavailable'],
  [500, 'OperationTimedOut', 'timeout'],
  [503, 'ServerBusy', 'throttled'],
])('status %d %s is %s', async (status, code, wanted) => {
  await files().save('a', 'x')
  server.faults.add({ operation: 'GetBlob', fault: { do: 'refuse', status, code } })
  const error = await failure(files().readBytes('a'))
  expect(error).toMatchObject({ code: wanted, status, fileName: 'a', operation: 'read', backend: 'azure' })
  if (wanted !== 'not_found') expect(error.message).toContain(code)
  expect(error.cause).toBeInstanceOf(AzureError)
  expect(error.requestId).toMatch(/\w/)
})

test('a missing container is no missing file', async () => {
  const nowhere = files({ azureContainer: 'nowhere' })
  for (const call of [
    () => nowhere.stat('a'),
    () => nowhere.exists('a'),
    () => nowhere.delete('a'),
    () => nowhere.save('a', 'x'),
    () => nowhere.listdir(''),
  ]) {
    await expect(call()).rejects.toMatchObject({
      code: 'improperly_configured',
      message: expect.stringContaining('AZURE_CONTAINER is not a container'),
    })
  }
  await nowhere.createContainer()
  await nowhere.createContainer()
  expect(await nowhere.exists('a')).toBe(false)
})

describe('credentials', () => {
  test('a wrong key is told, and no secret with it', async () => {
    const accountKey = Buffer.from('another key').toString('base64')
    const wrong = storageWith({
      accountName: server.account,
      accountKey,
      endpointUrl: server.endpoint,
      azureContainer: 'media',
      maxAttempts: 1,
    })
    const error = await failure(wrong.save('a', 'x'))
    expect(error).toMatchObject({
      code: 'permission_denied',
      message: expect.stringContaining('The key is not that of the account'),
    })
    expect(`${error.message} ${JSON.stringify(error)} ${error.cause.message}`).not.toContain(accountKey)
    expect(`${error.message} ${error.cause.message}`).not.toMatch(/SharedKey|sig=/)
  })

  test('a clock that is wrong is corrected once', async () => {
    ahead = 3_600_000
    const slow = files({ connectionString: late.connectionString })
    await slow.save('a', 'x')
    expect(late.requests.map(({ status }) => status)).toEqual([403, 201])
    await slow.save('a', 'y')
    expect(late.requests.map(({ status }) => status)).toEqual([403, 201, 201])
    expect((await fetch(await slow.url('a', { expiresInSecs: 60 }))).status, 'a SAS is made by that clock').toBe(200)
  })

  test('a token that was refused is renewed once for all calls', async () => {
    let given = 0
    const getToken = async () => {
      given++
      return { token: given === 1 ? 'ended' : server.token, expiresOnTimestamp: Date.now() + 3_600_000 }
    }
    const media = files({
      connectionString: null,
      accountName: server.account,
      endpointUrl: server.endpoint,
      tokenCredential: { getToken },
    })
    await Promise.all(Array.from({ length: 5 }, (_, at) => media.save(`t${at}`, 'x')))
    expect(given).toBe(2)
  })

  test('an identity that gives no token fails the call and is asked again', async () => {
    let given = 0
    const getToken = async () => {
      if (++given === 1) throw new Error('secret text of the identity')
      return { token: server.token, expiresOnTimestamp: Date.now() + 3_600_000 }
    }
    const media = files({
      connectionString: null,
      accountName: server.account,
      endpointUrl: server.endpoint,
      tokenCredential: { getToken },
    })
    const error = await failure(media.save('a', 'x'))
    expect(error).toMatchObject({ code: 'permission_denied', outcome: 'not_applied' })
    expect(error.message).not.toContain('secret text')
    await media.save('a', 'x')
  })

  test("'default' without its package names what to install", async () => {
    const script = `
      import { AzureStorage } from './src/backends/azure/index.ts'
      const options = { accountName: 'a', azureContainer: 'c', tokenCredential: 'default' }
      const error = await new AzureStorage(options, { settings: {}, env: {} }).save('a', 'x').catch(error => error)
      console.log(error.code, error.message)`
    const { stdout } = await runNode(['--input-type=module', '-e', script], {
      cwd: join(import.meta.dirname, '../../..'),
    })
    expect(stdout).toMatch(/^improperly_configured .*AZURE_TOKEN_CREDENTIAL 'default' needs .* npm i @azure\/identity/)
  })
})

describe('a blob that cannot be changed', () => {
  const lease = '11111111-2222-3333-4444-555555555555'
  const leased = async (name: string) => {
    await files().save(name, 'old')
    server.container().leases.set(name, { id: lease, state: 'leased', until: undefined })
  }

  test('because of a lease is told so, and changed with its id', async () => {
    await leased('mine')
    for (const call of [() => files().save('mine', 'new'), () => files().delete('mine')]) {
      expect(await failure(call())).toMatchObject({
        code: 'permission_denied',
        message: expect.stringContaining('Another client holds a lease'),
      })
    }
    expect(await files().readText('mine')).toBe('old')
    const holder = files({ objectParameters: { lease_id: lease } })
    await holder.save('mine', 'new')
    expect(await files().readText('mine')).toBe('new')
    await holder.delete('mine')
  })

  test('and is leased is not saved over without overwriting', async () => {
    await leased('taken')
    expect(await files({ fileOverwrite: false }).save('taken', 'x')).toMatch(/^taken_\w{7}$/)
    await files({ objectParameters: { leaseId: lease } }).delete('taken')
  })

  test('because it has snapshots is told, and deleted with them where that is set', async () => {
    await files().save('shot', 'old')
    const { client } = files().calls.driver as unknown as {
      client: { done(request: object, ctx: object): Promise<unknown> }
    }
    const ctx = { signal: new AbortController().signal, attempt: 1, progress() {} }
    await client.done({ method: 'PUT', key: 'shot', query: [['comp', 'snapshot']], body: Buffer.alloc(0) }, ctx)
    const text = expect.stringContaining('AZURE_DELETE_SNAPSHOTS')
    expect(await failure(files().delete('shot'))).toMatchObject({ code: 'unsupported', message: text })
    const { deleted, errors } = await files().deleteMany(['shot', 'missing'])
    expect([deleted, errors.map(({ name, error }) => [name, error.code])]).toEqual([1, [['shot', 'unsupported']]])
    expect(await files().exists('shot')).toBe(true)
    await files({ deleteSnapshots: true }).deleteMany(['shot'])
    expect(await files().exists('shot')).toBe(false)
  })
})

describe('versions', () => {
  const kept = () => files({ connectionString: versioned.connectionString })

  test('are read where the account keeps them', async () => {
    const media = kept()
    await media.save('v', 'one')
    const { versionId } = await media.stat('v')
    await media.save('v', 'two')
    expect(versionId).toMatch(/\w/)
    expect(await media.stat('v', { versionId })).toMatchObject({ size: 3, versionId })
    expect(await (await media.open('v', 'r', { versionId })).read()).toBe('one')
    expect(await media.readText('v')).toBe('two')
    expect(
      await (await fetch(await media.url('v', { expiresInSecs: 60, parameters: { versionId: versionId! } }))).text(),
    ).toBe('one')
    await media.delete('v')
    expect(await media.exists('v')).toBe(false)
    expect(await (await media.open('v', 'r', { versionId })).read()).toBe('one')
  })

  test('that the service does not answer with are unsupported', async () => {
    await files().save('v', 'now')
    server.faults.clear()
    const error = await failure(files().stat('v', { versionId: '2020-01-01T00:00:00.0000000Z' }))
    expect(['unsupported', 'not_found', 'invalid_argument']).toContain(error.code)
  })
})

/** Azure Blob on azurite, plain and over https with tokens: conformance, every kind of SAS, files exchanged with the official client. */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { type RequestOptions, request } from 'node:https'
import { buffer } from 'node:stream/consumers'
import {
  AccountSASPermissions,
  AccountSASResourceTypes,
  AccountSASServices,
  ContainerSASPermissions,
  generateAccountSASQueryParameters,
  generateBlobSASQueryParameters,
  SASProtocol,
  StorageSharedKeyCredential,
} from '@azure/storage-blob'
import { afterAll, describe, expect, test } from 'vitest'
import type { AzureOptions, AzureStorage } from '../../src/backends/azure/index.ts'
import type { Input } from '../../src/core/settings.ts'
import { type DriverConformanceOptions, driverConformance } from '../../src/testing/index.ts'
import { describeInterchange } from '../backends/azure/interchange.ts'
import { storageWith } from '../backends/azure/support.ts'
import { startAzurite } from '../servers/azurite.ts'
import { describeConformance, emptyAndClose } from './backend.ts'
import { azuriteStorage, officialClient, tokenOptions } from './places/azurite.ts'
import { describeUploads } from './uploads.ts'

const server = await startAzurite()
const secured = await startAzurite({ oauth: true })
const official = await startAzurite({ anyVersion: true })
afterAll(() => Promise.all([server, secured, official].map(one => one.close())), 60_000)

const MIB = 1024 * 1024
const ca = readFileSync(secured.certPath!)
const byToken = (options: Input<AzureOptions> = {}): AzureStorage =>
  storageWith({ ...tokenOptions(secured), ...options })
for (const files of [azuriteStorage(server), byToken(), azuriteStorage(official)]) {
  await files.createContainer()
  // One that is there already is fine.
  await files.createContainer()
  await files.close()
}

/** What anybody gets at a URL, whose certificate is that of the emulator. */
async function securedFetch(target: string | URL | Request, init: RequestInit = {}): Promise<Response> {
  const url = target instanceof Request ? target.url : String(target)
  const wanted = new Request(url, init)
  const body = Buffer.from(await wanted.arrayBuffer())
  const headers = { ...Object.fromEntries(wanted.headers), 'content-length': String(body.byteLength) }
  const options: RequestOptions = { ca, method: wanted.method, headers }
  return new Promise((resolve, reject) => {
    const sent = request(url, options, async answer => {
      const bytes = await buffer(answer)
      const pairs = Object.entries(answer.headers).map(([name, value]): [string, string] => [name, String(value)])
      resolve(new Response(bytes.length > 0 ? bytes : null, { status: answer.statusCode ?? 0, headers: pairs }))
    })
    sent.on('error', reject)
    sent.end(body)
  })
}

test('the service stores the MD5 of a file that came with a CRC-64', async () => {
  await using files = azuriteStorage(official, { checksums: 'crc64' })
  await files.save('summed', 'some bytes', { overwrite: true })
  const client = officialClient(official).getBlobClient('summed')
  const { contentMD5 } = await client.getProperties()
  expect(Buffer.from(contentMD5!).toString('hex')).toBe(createHash('md5').update('some bytes').digest('hex'))
  await files.delete('summed')
})

const credential = new StorageSharedKeyCredential(server.account, server.accountKey)
const expiresOn = new Date(Date.now() + 3_600_000)
const version = '2025-11-05'
const containerSas = (more: object = {}): string =>
  generateBlobSASQueryParameters(
    { containerName: 'media', permissions: ContainerSASPermissions.parse('racwdl'), expiresOn, version, ...more },
    credential,
  ).toString()
const accountSas = generateAccountSASQueryParameters(
  {
    permissions: AccountSASPermissions.parse('rwdlac'),
    resourceTypes: AccountSASResourceTypes.parse('sco').toString(),
    services: AccountSASServices.parse('b').toString(),
    expiresOn,
    version,
  },
  credential,
).toString()

const place = { endpointUrl: server.endpoint, accountName: server.account, azureContainer: 'media' }
const blocks = { multipartThreshold: MIB, partSize: MIB }
const conforming = (
  create: () => AzureStorage,
  more: Partial<DriverConformanceOptions> = {},
): DriverConformanceOptions => ({
  create: () => create().calls.driver,
  destroy: async driver => {
    await driver.close?.()
    await emptyAndClose(create())
  },
  locations: [''],
  keeps: ['modifiedAt', 'etag'],
  refusedNames: ['trailing.dot.'],
  expects: {
    features: { ranges: true, exclusiveCreate: true, ifMatch: true, metadata: true },
    methods: ['deleteMany', 'copy', 'publicUrl', 'signUrl', 'uploadTarget', 'address', 'createContainer'],
  },
  ...more,
})

describeConformance(
  {
    'the driver of Azure and azurite, a connection string': conforming(() => azuriteStorage(server, blocks), {
      locations: ['', 'some place/below/'],
      limits: true,
    }),
    'the driver of Azure and azurite, a key and CRC64': conforming(() =>
      storageWith({ ...place, accountKey: server.accountKey, checksums: 'crc64', ...blocks }),
    ),
    'the driver of Azure and azurite, a token over https': conforming(() => byToken(blocks), { fetch: securedFetch }),
  },
  {
    'AzureStorage and azurite': { create: wanted => azuriteStorage(server, wanted), destroy: emptyAndClose },
  },
  {
    'the containers of azurite': {
      create: azureContainer =>
        azuriteStorage(server, azureContainer === undefined ? {} : { azureContainer }).calls.driver,
      limits: true,
    },
    'the containers of azurite, by a token': {
      create: azureContainer => byToken(azureContainer === undefined ? {} : { azureContainer }).calls.driver,
    },
  },
)

describe.each([
  ['container', `?${containerSas()}`],
  ['account', accountSas],
])('a SAS of the %s that is given', (_, sasToken) => {
  const files = (): AzureStorage => storageWith({ ...place, sasToken, ...blocks })
  // Nothing else can be signed with it.
  const cases = driverConformance(conforming(files)).filter(one => !one.title.includes('A signed URL'))
  test.each(cases.map(one => [one.title, one.run] as const))('%s', (_title, run) => run())
})

describe('a SAS is fetched', () => {
  async function statusOf(url: string, get: typeof fetch = fetch): Promise<number> {
    return (await get(url)).status
  }
  /** The URL with another first letter of its signature. */
  const tampered = (url: string): string => url.replace(/sig=(.)/, (_, first) => `sig=${first === 'A' ? 'B' : 'A'}`)

  test('made by a key: good, expired, tampered, for https only over http', async () => {
    await using files = azuriteStorage(server)
    const name = 'sas/ü +%2E#?.txt'
    await files.save(name, 'content', { overwrite: true })
    const url = await files.url(name, { expiresInSecs: 60 })
    expect(await (await fetch(url)).text()).toBe('content')
    expect(await statusOf(tampered(url))).toBe(403)
    expect(await statusOf(url.replace(/\.txt\?/, '.txu?'))).toBe(403)
    expect(await statusOf(await files.url(name, { expiresInSecs: 60, parameters: { protocol: 'https' } }))).toBe(403)
    const short = await files.url(name, { expiresInSecs: 1 })
    await expect.poll(() => statusOf(short), { timeout: 5000, interval: 200 }).toBe(403)
    await files.delete(name)
  })

  test('made by a delegation key: good, tampered, expired', async () => {
    await using files = byToken()
    await files.save('delegated', 'content', { overwrite: true })
    const url = await files.url('delegated', { expiresInSecs: 60 })
    expect(url).toContain('skoid=')
    expect(await (await securedFetch(url)).text()).toBe('content')
    expect(await statusOf(tampered(url), securedFetch)).toBe(403)
    expect(await statusOf(url.replace('/delegated?', '/other?'), securedFetch)).toBe(403)
    const short = await files.url('delegated', { expiresInSecs: 1 })
    await expect.poll(() => statusOf(short, securedFetch), { timeout: 5000, interval: 200 }).toBe(403)
    await files.delete('delegated')
  })

  test('that was given and has ended, is for https only or was tampered with is permission_denied', async () => {
    const past = { expiresOn: new Date(Date.now() - 60_000), startsOn: new Date(Date.now() - 120_000) }
    for (const sas of [containerSas(past), containerSas({ protocol: SASProtocol.Https }), tampered(containerSas())]) {
      await using files = storageWith({ ...place, sasToken: sas, maxAttempts: 2 })
      const error = await files.save('never', 'x').catch(reason => reason)
      expect(error).toMatchObject({ code: 'permission_denied', outcome: 'not_applied' })
      expect(`${error.stack}${JSON.stringify(error)}`).not.toContain('sig=')
    }
  })

  test('for an upload takes a PUT', async () => {
    await using files = azuriteStorage(server)
    const url = await files.url('put here', { method: 'PUT', expiresInSecs: 60 })
    const headers = { 'x-ms-blob-type': 'BlockBlob', 'x-ms-version': version, 'content-type': 'text/sent' }
    expect((await fetch(url, { method: 'PUT', body: 'sent', headers })).status).toBe(201)
    expect(await files.readText('put here')).toBe('sent')
    expect((await files.stat('put here')).contentType).toBe('text/sent')
    await files.delete('put here')
  })
})

describe('a token', () => {
  test('that has ended is permission_denied, and not shown', async () => {
    const { azuriteToken } = await import('../servers/azurite.ts')
    const token = azuriteToken(-60)
    const getToken = async () => ({ token, expiresOnTimestamp: Date.now() + 60_000 })
    await using files = byToken({ tokenCredential: { getToken }, maxAttempts: 2 })
    const error = await files.save('never', 'x').catch(reason => reason)
    expect(error).toMatchObject({ code: 'permission_denied', outcome: 'not_applied' })
    expect(`${error.stack}${JSON.stringify(error)}`).not.toContain(token)
  })
})

describeUploads('uploads of clients, and in parts', {
  open: () => azuriteStorage(server, { fileOverwrite: true }),
  partSize: MIB,
  method: 'PUT',
  limitsSize: false,
})

describeInterchange(options => azuriteStorage(official, options), officialClient(official))

describe('as django-storages does it', () => {
  test('a file that is there gets a suffix, and a race leaves both', async () => {
    await using files = azuriteStorage(server, { location: 'race', overwriteFiles: false } as Input<AzureOptions>)
    expect(await files.save('a.txt', 'one')).toBe('a.txt')
    expect(await files.save('a.txt', 'two')).toMatch(/^a_\w{7}\.txt$/)
    const names = await Promise.all(Array.from({ length: 8 }, (_, at) => files.save('race.txt', String(at))))
    expect(new Set(names).size).toBe(8)
    const texts = await Promise.all(names.map(name => files.readText(name)))
    expect(texts).toEqual(names.map((_, at) => String(at)))
  })

  test("open('a') appends to what is there", async () => {
    await using files = azuriteStorage(server)
    await files.save('log', 'old ', { overwrite: true })
    await files.edit('log', 'a', file => file.write('new'))
    expect(await files.readText('log')).toBe('old new')
  })

  test('listdir is relative to the folder, within the location', async () => {
    await using all = azuriteStorage(server)
    await all.save('outside', 'x', { overwrite: true })
    await using files = azuriteStorage(server, { location: 'place' })
    for (const name of ['dir/a', 'dir/b', 'dir/sub/c', 'top']) await files.save(name, name, { overwrite: true })
    for (const path of ['dir', 'dir/']) expect(await files.listdir(path)).toEqual([['sub'], ['a', 'b']])
    expect(await files.listdir('')).toEqual([['dir'], ['top']])
  })

  test('a URL has the host, the encoded name, the right and the type that are asked for', async () => {
    await using files = azuriteStorage(server)
    await files.save('some blob', 'x', { overwrite: true })
    expect(await files.url('some blob')).toBe(`${server.endpoint}/media/some%20blob`)
    expect(server.endpoint.startsWith('http://')).toBe(true)
    const writing = new URL(await files.url('some blob', { method: 'PUT', expiresInSecs: 60 })).searchParams
    expect(writing.get('sp')).toBe('w')
    const typed = await files.url('some blob', { contentType: 'text/asked', expiresInSecs: 60 })
    expect((await fetch(typed)).headers.get('content-type')).toBe('text/asked')
  })
})

describe('emulated mode and the short connection string', () => {
  const { origin } = new URL(server.endpoint)
  const ways: ReadonlyArray<readonly [string, Input<AzureOptions>]> = [
    ['isEmulated', { isEmulated: true, endpointUrl: `${origin}/devstoreaccount1` }],
    ['UseDevelopmentStorage', { connectionString: `UseDevelopmentStorage=true;DevelopmentStorageProxyUri=${origin}` }],
  ]
  test.each(ways)('%s is the public account', async (_, options) => {
    await using files = storageWith({ ...options, azureContainer: 'emulated', expirationSecs: 60 })
    await files.createContainer()
    await files.save('a b.txt', 'text', { overwrite: true })
    expect(await (await fetch(await files.url('a b.txt'))).text()).toBe('text')
    expect(await files.listdir('')).toEqual([[], ['a b.txt']])
  })
})

test('a file is moved to another tier and, from the archive, on its way to one', async () => {
  await using files = azuriteStorage(server)
  await files.save('tiered', 'x', { overwrite: true, extra: { access_tier: 'Hot' } })
  await files.setTier('tiered', 'Cool')
  expect((await files.stat('tiered')).storageClass).toBe('Cool')
  await files.setTier('tiered', 'Archive')
  await expect(files.readText('tiered')).rejects.toMatchObject({ code: 'unsupported' })
  await expect(files.copy('tiered', 'thawed')).rejects.toMatchObject({ code: 'unsupported' })
  await files.setTier('tiered', 'Hot')
  await expect(files.setTier('missing', 'Hot')).rejects.toMatchObject({ code: 'not_found' })
  await files.delete('tiered')
})

test('a missing container and a wrong key have their codes', async () => {
  await using missing = azuriteStorage(server, {}, 'missing-container')
  await expect(missing.save('x', 'x')).rejects.toMatchObject({ code: 'improperly_configured' })
  const accountKey = Buffer.from('wrong').toString('base64')
  await using wrong = storageWith({ ...place, accountKey })
  await expect(wrong.size('x')).rejects.toMatchObject({ code: 'permission_denied' })
})

/** Who may ask the strict server: signatures made by the official SDK, tampered with, expired, for something else. */
import {
  AccountSASPermissions,
  AccountSASResourceTypes,
  AccountSASServices,
  AnonymousCredential,
  BlobSASPermissions,
  BlobServiceClient,
  ContainerClient,
  ContainerSASPermissions,
  generateAccountSASQueryParameters,
  generateBlobSASQueryParameters,
  SASProtocol,
  StorageSharedKeyCredential,
  type UserDelegationKey,
} from '@azure/storage-blob'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startStrictAzure } from './strict-azure.ts'

const VERSIONS = ['2018-11-09', '2020-02-10', '2020-12-06', '2025-07-05', '2026-04-06', '2026-10-06']
const server = await startStrictAzure({ maxKeySecs: 3600 })
afterAll(() => server.close())

const credential = new StorageSharedKeyCredential(server.account, server.accountKey)
const retryOptions = { maxTries: 1 }
const media = new BlobServiceClient(server.endpoint, credential, { retryOptions }).getContainerClient('media')
const odd = "a b/%2E+#?&=ü!$'()*,:;@~.txt"
const blob = media.getBlockBlobClient(odd)
const soon = (secs = 60): Date => new Date(Date.now() + secs * 1000)

beforeAll(async () => {
  await blob.upload('content', 7)
})

/** Status and code of a plain request. */
async function asked(url: string, init: RequestInit = {}): Promise<string> {
  const response = await fetch(url, init)
  return `${response.status} ${response.headers.get('x-ms-error-code') ?? (await response.text())}`
}

function sasOf(more: Partial<Parameters<typeof generateBlobSASQueryParameters>[0]> = {}, key = credential): string {
  const values = {
    containerName: 'media',
    blobName: odd,
    permissions: BlobSASPermissions.parse('r'),
    expiresOn: soon(),
  }
  return generateBlobSASQueryParameters({ ...values, ...more }, key).toString()
}

describe('Shared Key', () => {
  test('is refused by a wrong key, for another account, and where the clock is off', async () => {
    const wrong = Buffer.from('another key').toString('base64')
    const refused = async (account: string, key: string, endpoint = server.endpoint): Promise<unknown> => {
      const client = new BlobServiceClient(endpoint, new StorageSharedKeyCredential(account, key), { retryOptions })
      return client
        .getContainerClient('media')
        .getProperties()
        .then(
          () => 'not refused',
          error => `${error.statusCode} ${error.details.errorCode}`,
        )
    }
    expect(await refused(server.account, wrong)).toBe('403 AuthenticationFailed')
    expect(await refused('other', server.accountKey)).toBe('403 AuthenticationFailed')
    expect(await refused(server.account, server.accountKey, `${server.url}/other`)).toBe('404 ResourceNotFound')
    const late = await startStrictAzure({ now: () => Date.now() + 16 * 60_000 })
    expect(await refused(late.account, late.accountKey, late.endpoint)).toBe('403 AuthenticationFailed')
    await late.close()
  })

  test('holds for the host style too', async () => {
    const path = new URL(blob.url).pathname.slice(server.account.length + 1)
    const { request } = await import('node:http')
    const host = new URL(server.hostEndpoint).host
    const status = await new Promise(resolve => {
      const options = { host: '127.0.0.1', port: server.port, path: `${path}?${sasOf()}`, headers: { host } }
      request(options, answer => resolve(answer.resume().statusCode)).end()
    })
    expect(status).toBe(200)
  })

  test('is refused with a version that is missing or not known', async () => {
    const headers = {
      authorization: `SharedKey ${server.account}:${'A'.repeat(43)}=`,
      'x-ms-date': new Date().toUTCString(),
    }
    expect(await asked(blob.url, { headers })).toBe('400 MissingRequiredHeader')
    for (const version of ['2099-01-01', '2011-08-18', 'new']) {
      expect(await asked(blob.url, { headers: { ...headers, 'x-ms-version': version } })).toBe('400 InvalidHeaderValue')
    }
  })
})

describe.each(VERSIONS)('a service SAS of version %s', version => {
  test('of a blob allows what it says, for this blob alone', async () => {
    const sas = sasOf({ version })
    expect(await asked(`${blob.url}?${sas}`)).toBe('200 content')
    expect(await asked(`${blob.url}x?${sas}`)).toBe('403 AuthenticationFailed')
    expect(await asked(`${media.url}?restype=container&comp=list&${sas}`)).toBe('403 AuthenticationFailed')
    expect(await asked(`${blob.url}?${sas}`, { method: 'DELETE', headers: { 'x-ms-version': version } })).toBe(
      '403 AuthorizationPermissionMismatch',
    )
  })

  test('that is tampered with, expired, not valid yet or for https is refused', async () => {
    const sas = sasOf({ version })
    const last = sas.replace('sp=r', 'sp=rw')
    expect(await asked(`${blob.url}?${last}`)).toBe('403 AuthenticationFailed')
    expect(await asked(`${blob.url}?${sas.replace(/sig=./, found => (found === 'sig=A' ? 'sig=B' : 'sig=A'))}`)).toBe(
      '403 AuthenticationFailed',
    )
    expect(await asked(`${blob.url}?${sasOf({ version, expiresOn: soon(-1) })}`)).toBe('403 AuthenticationFailed')
    expect(await asked(`${blob.url}?${sasOf({ version, startsOn: soon(30) })}`)).toBe('403 AuthenticationFailed')
    expect(await asked(`${blob.url}?${sasOf({ version, protocol: SASProtocol.Https })}`)).toBe(
      '403 AuthorizationProtocolMismatch',
    )
    expect(await asked(`${blob.url}?${sasOf({ version, protocol: SASProtocol.HttpsAndHttp })}`)).toBe('200 content')
  })

  test('names addresses', async () => {
    expect(await asked(`${blob.url}?${sasOf({ version, ipRange: { start: '127.0.0.1' } })}`)).toBe('200 content')
    expect(await asked(`${blob.url}?${sasOf({ version, ipRange: { start: '10.0.0.1', end: '10.0.0.9' } })}`)).toBe(
      '403 AuthorizationSourceIPMismatch',
    )
  })

  test('says what the answer has', async () => {
    const response = await fetch(
      `${blob.url}?${sasOf({ version, contentType: 'text/odd', contentDisposition: 'attachment; filename="ü"' })}`,
    )
    expect(response.headers.get('content-type')).toBe('text/odd')
  })

  test('of a container lists it and reaches its blobs', async () => {
    const permissions = ContainerSASPermissions.parse('rcl')
    const sas = generateBlobSASQueryParameters(
      { containerName: 'media', permissions, expiresOn: soon(), version },
      credential,
    )
    const client = new ContainerClient(`${media.url}?${sas}`, new AnonymousCredential(), { retryOptions })
    expect((await client.listBlobsFlat().next()).value?.name).toBe(odd)
    expect(String(await client.getBlockBlobClient(odd).downloadToBuffer())).toBe('content')
    await client.getBlockBlobClient(`new ${version}`).upload('x', 1)
    await expect(client.getBlockBlobClient(`new ${version}`).upload('x', 1)).rejects.toMatchObject({
      code: 'AuthorizationPermissionMismatch',
    })
    await expect(client.getProperties()).rejects.toMatchObject({ statusCode: 403 })
    await media.getBlockBlobClient(`new ${version}`).delete()
  })
})

describe('an account SAS', () => {
  const sasFor = (permissions: string, types = 'sco', services = 'b'): string =>
    generateAccountSASQueryParameters(
      {
        permissions: AccountSASPermissions.parse(permissions),
        resourceTypes: AccountSASResourceTypes.parse(types).toString(),
        services: AccountSASServices.parse(services).toString(),
        expiresOn: soon(),
      },
      credential,
    ).toString()

  test('allows what its letters and types say', async () => {
    const client = new BlobServiceClient(`${server.endpoint}?${sasFor('rwdlac')}`, new AnonymousCredential(), {
      retryOptions,
    })
    const container = client.getContainerClient('by-sas')
    await container.create()
    await container.getBlockBlobClient('a').upload('x', 1)
    const { subResponses } = await client
      .getBlobBatchClient()
      .deleteBlobs([`${container.url}`.replace('by-sas', 'by-sas/a')], new AnonymousCredential())
    expect(subResponses[0]?.status).toBe(202)
    await container.delete()
    expect(await asked(`${blob.url}?${sasFor('r')}`)).toBe('200 content')
    expect(await asked(`${blob.url}?${sasFor('r', 'sc')}`)).toBe('403 AuthorizationResourceTypeMismatch')
    expect(await asked(`${blob.url}?${sasFor('r', 'o', 'q')}`)).toBe('403 AuthorizationServiceMismatch')
    expect(await asked(`${blob.url}?${sasFor('l')}`)).toBe('403 AuthorizationPermissionMismatch')
  })
})

describe('a token', () => {
  const headers = (token: string): Record<string, string> => ({
    authorization: `Bearer ${token}`,
    'x-ms-version': '2026-06-06',
  })

  test('is taken; one that is unknown or has expired is asked for anew', async () => {
    expect(await asked(blob.url, { headers: headers(server.token) })).toBe('200 content')
    expect(await asked(blob.url, { headers: headers('other') })).toBe('401 InvalidAuthenticationInfo')
    const response = await fetch(blob.url, { headers: headers('other') })
    expect(response.headers.get('www-authenticate')).toMatch(/^Bearer authorization_uri=/)
  })

  async function keyFor(secs: number): Promise<string> {
    const [Start, Expiry] = [soon(-60), soon(secs)].map(date => date.toISOString())
    const body = `<?xml version="1.0"?><KeyInfo><Start>${Start}</Start><Expiry>${Expiry}</Expiry></KeyInfo>`
    const response = await fetch(`${server.endpoint}/?restype=service&comp=userdelegationkey`, {
      method: 'POST',
      headers: headers(server.token),
      body,
    })
    return response.text()
  }

  test('gets a key, for which every kind of delegation SAS is signed', async () => {
    const text = await keyFor(7200)
    const field = (name: string): string => new RegExp(`<${name}>(.*?)</${name}>`).exec(text)?.[1] ?? ''
    const key: UserDelegationKey = {
      signedObjectId: field('SignedOid'),
      signedTenantId: field('SignedTid'),
      signedStartsOn: new Date(field('SignedStart')),
      signedExpiresOn: new Date(field('SignedExpiry')),
      signedService: field('SignedService'),
      signedVersion: field('SignedVersion'),
      value: field('Value'),
    }
    // The server gives an hour at most.
    expect(key.signedExpiresOn.getTime()).toBeLessThanOrEqual(Date.now() + 3600_000)
    const values = { containerName: 'media', blobName: odd, permissions: BlobSASPermissions.parse('r') }
    for (const version of VERSIONS) {
      const sas = (expiresOn: Date): string =>
        generateBlobSASQueryParameters({ ...values, expiresOn, version }, key, server.account).toString()
      expect(await asked(`${blob.url}?${sas(soon())}`)).toBe('200 content')
      expect(await asked(`${blob.url}?${sas(soon(-1))}`)).toBe('403 AuthenticationFailed')
      expect(await asked(`${blob.url}?${sas(soon(4000))}`)).toBe('403 AuthenticationFailed')
      expect(
        await asked(
          `${blob.url}?${sas(soon()).replace(/ske=[^&]*/, `ske=${encodeURIComponent(soon(90_000).toISOString())}`)}`,
        ),
      ).toBe('403 AuthenticationFailed')
    }
  })

  test('gets a key for seven days at most', async () => {
    expect(await keyFor(8 * 86_400)).toContain('<Code>InvalidXmlNodeValue</Code>')
    expect(await keyFor(-10)).toContain('<Code>InvalidXmlNodeValue</Code>')
  })
})

describe('a batch', () => {
  async function batch(body: string): Promise<string> {
    const headers = {
      authorization: `Bearer ${server.token}`,
      'x-ms-version': '2026-06-06',
      'content-type': 'multipart/mixed; boundary=b',
    }
    return asked(`${server.endpoint}/?comp=batch`, { method: 'POST', headers, body })
  }
  const part = (name: string, token = server.token): string =>
    `--b\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\r\nDELETE /${server.account}/media/${name} HTTP/1.1\r\nAuthorization: Bearer ${token}\r\nContent-Length: 0\r\n\r\n`

  test('begins with its boundary, holds 256 requests, and each of them has its own authorization', async () => {
    expect(await batch(`\r\n${part('a')}\r\n--b--\r\n`)).toBe('400 InvalidInput')
    expect(await batch(`${Array.from({ length: 257 }, () => part('a')).join('\r\n')}\r\n--b--\r\n`)).toBe(
      '400 ExceedsMaxBatchRequestCount',
    )
    const answer = await batch(`${part('a')}\r\n${part('a', 'wrong')}\r\n--b--\r\n`)
    expect(answer).toMatch(/^202 /)
    expect([...answer.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status)).toEqual(['404', '401'])
  })
})

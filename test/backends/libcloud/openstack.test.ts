/** Swift and Rackspace by the keys that libcloud's drivers take: who asks whom, at which addresses, with which certificates. */
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import { security } from '../../../src/backends/libcloud/index.ts'
import { RackspaceStorage, SwiftStorage } from '../../../src/backends/swift/index.ts'
import { makeIdentity } from '../../http/support.ts'
import {
  APPLICATION_CREDENTIAL,
  DOMAIN,
  PROJECT,
  RACKSPACE,
  startStrictSwift,
  TEMPAUTH,
  USER,
} from '../../servers/strict-swift.ts'
import { entryOf, storageOf } from './support.ts'

const [identity, stranger] = [makeIdentity(), makeIdentity()]
const [server, secure, regional] = await Promise.all([
  startStrictSwift({ tempUrlKey: 'temp key' }),
  startStrictSwift({ tls: identity, tempUrlKey: 'temp key' }),
  startStrictSwift({ regions: ['RegionOne', 'RegionTwo'] }),
])
afterEach(() => {
  security.CA_CERTS_PATH = null
})
afterAll(async () => {
  for (const each of [server, secure, regional]) {
    expect(each.complaints).toEqual([])
    await each.close()
  }
  identity[Symbol.dispose]()
  stranger[Symbol.dispose]()
})

const keystone = (more = {}) =>
  entryOf('OPENSTACK_SWIFT', {
    user: USER.name,
    key: USER.password,
    ex_force_auth_url: server.identityUrl,
    ex_force_auth_version: '3.x_password',
    ex_tenant_name: PROJECT.name,
    ex_domain_name: DOMAIN.name,
    ex_tenant_domain_id: DOMAIN.id,
    ...more,
  })
const rackspace = (type: string, more = {}) =>
  entryOf(type, { user: RACKSPACE.username, key: RACKSPACE.apiKey, auth_url: server.identityUrl, ...more })

async function roundTrip(entry: unknown): Promise<string[]> {
  await using storage = storageOf(entry)
  const from = server.requests.length
  await storage.save('a.txt', 'text', { overwrite: true })
  expect(await storage.readText('a.txt')).toBe('text')
  return server.requests.slice(from).map(({ operation, account }) => `${operation} ${account}`)
}

describe('OpenStack Swift', () => {
  it.each([
    ['Keystone v3 with a password', keystone()],
    [
      'Keystone v2',
      keystone({ ex_force_auth_version: '2.0_password', ex_domain_name: null, ex_tenant_domain_id: null }),
    ],
    [
      'an application credential',
      entryOf('OPENSTACK_SWIFT', {
        user: APPLICATION_CREDENTIAL.id,
        key: APPLICATION_CREDENTIAL.secret,
        auth_url: server.identityUrl,
        auth_version: '3.x_appcred',
      }),
    ],
    [
      'auth v1, by the old name',
      entryOf('CLOUDFILES_SWIFT', {
        user: TEMPAUTH.user,
        key: TEMPAUTH.key,
        auth_url: server.authUrl,
        auth_version: '1.0',
      }),
    ],
    [
      'auth v1, as KTUCLOUD has it',
      entryOf('KTUCLOUD', { user: TEMPAUTH.user, key: TEMPAUTH.key, auth_url: server.authUrl }),
    ],
  ])('%s stores and reads', async (_, entry) => {
    expect(storageOf(entry).backend).toBeInstanceOf(SwiftStorage)
    expect(await roundTrip(entry)).toContainEqual(expect.stringMatching(/^object\.put AUTH_/))
  })

  it('KTUCLOUD has an address of its own', () => {
    const { options } = storageOf(entryOf('KTUCLOUD')).backend
    expect(options).toMatchObject({ authUrl: 'https://ssproxy.ucloudbiz.olleh.com/auth/v1.0' })
  })

  it('without the address of the identity service it says so', () => {
    expect(() => storageOf(entryOf('OPENSTACK_SWIFT'))).toThrow('authUrl must be set for OPENSTACK_SWIFT')
  })

  it('case 13: the region is that of the catalog; case 60: without one, an error that names them', async () => {
    const at = (more = {}) => keystone({ ex_force_auth_url: regional.identityUrl, ...more })
    await using second = storageOf(at({ ex_force_service_region: 'RegionTwo' }))
    await second.exists('a.txt')
    expect(regional.requests.at(-1)?.account).toMatch(/RegionTwo$/)
    await using none = storageOf(at())
    await expect(none.exists('a.txt')).rejects.toThrow(/RegionOne.*RegionTwo/)
  })

  it('case 61: the internal interface is used for transfers, not for URLs', async () => {
    for (const more of [{ interface: 'internal' }, { use_internal_url: true }]) {
      await using storage = storageOf(keystone({ ...more, temp_url_key: 'temp key' }))
      await storage.save('internal.txt', 'text', { overwrite: true })
      expect(server.requests.at(-1)?.headers.host).toMatch(/^localhost:/)
      const url = await storage.url('internal.txt')
      expect(new URL(url).hostname).toBe('127.0.0.1')
      expect(await (await fetch(url)).text()).toBe('text')
    }
  })
})

describe('Rackspace', () => {
  it('case 10: CLOUDFIULES_US, CLOUDFILES_US and CLOUDFILES with ord make the same requests', async () => {
    // Storages with equal credentials share a token, which the first one asks for.
    expect((await roundTrip(rackspace('CLOUDFILES_US')))[0]).toMatch(/^auth\.v2/)
    const runs: string[] = []
    for (const entry of [
      rackspace('CLOUDFIULES_US'),
      rackspace('CLOUDFILES_US'),
      rackspace('CLOUDFILES', { region: 'ord' }),
      rackspace('CLOUDFILES'),
    ]) {
      expect(storageOf(entry).backend).toBeInstanceOf(RackspaceStorage)
      runs.push((await roundTrip(entry)).join())
    }
    expect(runs[0]).toContain(`object.put ${RACKSPACE.account}`)
    expect(new Set(runs).size).toBe(1)
  })

  it('the UK is another region, with an identity service of its own', () => {
    for (const type of ['CLOUDFILES_UK', 'CLOUDFIULES_UK', 'CLOUDFILES']) {
      const { options } = storageOf(entryOf(type, type === 'CLOUDFILES' ? { region: 'lon' } : {})).backend
      expect(options).toMatchObject({ regionName: 'LON', authUrl: 'https://lon.identity.api.rackspacecloud.com/v2.0' })
    }
    expect(storageOf(entryOf('CLOUDFILES_US')).backend.options).toMatchObject({
      regionName: 'ORD',
      authUrl: 'https://identity.api.rackspacecloud.com/v2.0',
    })
    expect(() => storageOf(entryOf('CLOUDFILES_UK', { region: 'ord' }))).toThrow('region: CLOUDFILES_UK is in LON')
  })

  it('case 73: the address at the CDN once the container is published; before that a temporary URL', async () => {
    await using storage = storageOf(rackspace('CLOUDFILES_US', { temp_url_key: 'temp key' }))
    const { driver } = storage
    await storage.save('cdn/a b.txt', 'text', { overwrite: true })
    await expect(driver.getContainerCdnUrl('media')).rejects.toMatchObject({
      code: 'not_found',
      containerName: 'media',
    })
    expect(await (await fetch(await storage.url('cdn/a b.txt'))).text()).toBe('text')
    const base = await driver.enableContainerCdn('media', { ttlSecs: 900 })
    expect(base).toMatch(/^https:/)
    expect(await driver.getContainerCdnUrl('media')).toBe(base)
    expect(await storage.url('cdn/a b.txt')).toBe(`${base}/cdn/a%20b.txt`)
    expect(await driver.getObjectCdnUrl({ container: 'media', name: 'cdn/a b.txt' })).toBe(`${base}/cdn/a%20b.txt`)
  })
})

describe('case 21: certificates', () => {
  const entry = keystone({ auth_url: undefined, ex_force_auth_url: secure.identityUrl })

  it('count for the identity service and the store alike', async () => {
    security.CA_CERTS_PATH = [identity.certPath]
    await using storage = storageOf(entry)
    secure.requests.length = 0
    await storage.save('a.txt', 'text')
    const operations = secure.requests.map(({ operation }) => operation)
    expect(operations).toEqual(expect.arrayContaining(['auth.v3', 'object.put']))
  })

  it('with other authorities no credentials are sent', async () => {
    secure.requests.length = 0
    await using storage = storageOf({ ...entry, ca_certs: stranger.certPath }, {}, { maxAttempts: 1 })
    await expect(storage.save('b.txt', 'text')).rejects.toThrow(/certificate is not trusted/)
    expect(secure.requests).toEqual([])
  })

  it('count at the CDN of Rackspace as well', async () => {
    const cdn = rackspace('CLOUDFILES_US', { auth_url: secure.identityUrl, ca_certs: identity.certPath })
    await using storage = storageOf(cdn)
    expect(await storage.driver.enableContainerCdn('media')).toMatch(/^https:/)
    expect(secure.requests.map(({ operation }) => operation)).toEqual(expect.arrayContaining(['cdn.put', 'cdn.head']))
  })

  it('are asked for unless the entry says that there is no TLS: a catalog may name a store that has it', () => {
    security.CA_CERTS_PATH = []
    expect(storageOf(keystone({ secure: false })).backend.options).toMatchObject({ verify: null })
    expect(() => storageOf(keystone())).toThrow('No CA Certificates were found in CA_CERTS_PATH.')
    expect(() => storageOf(entry)).toThrow('No CA Certificates were found in CA_CERTS_PATH.')
    // Those that the program chose hold there as well.
    security.CA_CERTS_PATH = [identity.certPath]
    expect(storageOf(keystone({ secure: false })).backend.options).toMatchObject({ verify: identity.certPath })
  })
})

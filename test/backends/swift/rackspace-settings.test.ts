/** Settings of Rackspace: its names, its defaults, and the dictionary of django-cumulus. */
import { describe, expect, it } from 'vitest'
import { RackspaceStorage, SwiftStorage } from '../../../src/backends/swift/index.ts'
import { rackspaceSettings } from '../../../src/backends/swift/rackspace/settings.ts'
import { Identity } from '../../../src/remote/openstack/identity.ts'
import { scriptedClient } from '../../support/scripted-client.ts'
import { auth1, context } from './identity-support.ts'
import { rackspaceWith } from './rackspace-support.ts'

const by = (settings: Readonly<Record<string, unknown>>, env: Readonly<Record<string, string>> = {}) =>
  new RackspaceStorage({}, { settings, env }).options

describe('settings of Rackspace', () => {
  it('have their own names, in settings, the environment and options', () => {
    const given = {
      RACKSPACE_USERNAME: 'alice',
      RACKSPACE_API_KEY: 'k7',
      RACKSPACE_REGION: 'dfw',
      RACKSPACE_CONTAINER: 'media',
      RACKSPACE_SERVICENET: 'true',
      RACKSPACE_TTL: '3600',
      RACKSPACE_TEMP_URL_KEY: 'u7',
    }
    const expected = {
      username: 'alice',
      password: 'k7',
      regionName: 'DFW',
      containerName: 'media',
      servicenet: true,
      interface: 'internal',
      ttlSecs: 3600,
      tempUrlKey: 'u7',
    }
    expect(by(given)).toMatchObject(expected)
    expect(by({}, given)).toMatchObject(expected)
    const options = {
      userName: 'alice',
      apiKey: 'k7',
      region: 'dfw',
      container: 'media',
      useServicenet: true,
      ttl: 3600,
    }
    expect(rackspaceWith({ ...options, tempUrlKey: 'u7' }).options).toMatchObject(expected)
  })

  it('are not those of Swift, nor of another cloud in the environment', () => {
    const env = {
      SWIFT_USERNAME: 'bob',
      SWIFT_CONTAINER_NAME: 'other',
      OS_USERNAME: 'eve',
      OS_AUTH_URL: 'https://id.test',
    }
    expect(by({}, env)).toMatchObject({
      username: null,
      containerName: '',
      authUrl: expect.stringContaining('rackspace'),
    })
    const names = Object.values(rackspaceSettings).flatMap(({ keys }) => keys)
    expect(names.filter(name => /^(?:SWIFT|OS|ST)_/.test(name))).toEqual([])
    expect(new SwiftStorage({}, { settings: {}, env: { RACKSPACE_USERNAME: 'alice' } }).options.username).toBeNull()
  })

  it.each([
    [undefined, 'https://identity.api.rackspacecloud.com/v2.0', 'ORD'],
    ['us', 'https://identity.api.rackspacecloud.com/v2.0', 'ORD'],
    ['uk', 'https://lon.identity.api.rackspacecloud.com/v2.0', 'LON'],
    ['uk_authurl', 'https://lon.identity.api.rackspacecloud.com/v2.0', 'LON'],
    ['https://lon.auth.api.rackspacecloud.com/v1.1', 'https://lon.auth.api.rackspacecloud.com/v1.1', 'LON'],
  ])('with authUrl %s go to %s, region %s (case 72)', (authUrl, url, regionName) => {
    expect(rackspaceWith({ authUrl }).options).toMatchObject({ authUrl: url, regionName })
  })

  it('name what is missing', async () => {
    const full = { userName: 'a', apiKey: 'b', container: 'c' }
    for (const [option, name] of [
      ['userName', 'RACKSPACE_USERNAME'],
      ['apiKey', 'RACKSPACE_API_KEY'],
      ['container', 'RACKSPACE_CONTAINER'],
    ] as const) {
      const files = rackspaceWith({ ...full, [option]: undefined })
      await expect(files.exists('a')).rejects.toMatchObject({
        code: 'improperly_configured',
        message: expect.stringContaining(name),
      })
    }
  })

  it('show no key', () => {
    const files = rackspaceWith({ userName: 'a', apiKey: 'geheim', container: 'c', cumulus: { API_KEY: 'geheim' } })
    expect(JSON.stringify(files.options)).not.toContain('geheim')
  })

  it('with version 1.0 and ServiceNet put snet- before the host of transfers (swl-7)', async () => {
    const httpClient = scriptedClient(() => auth1({ 'x-cdn-management-url': 'https://cdn.test/v1/A' }))
    const { options } = rackspaceWith({ authUrl: 'https://id.test/v1.0', userName: 'a', apiKey: 'b', servicenet: true })
    const traits = { declared: rackspaceSettings, internalOf: (url: string) => url.replace('//', '//snet-') }
    const session = await new Identity(options, { httpClient, env: {} }, traits).session(context(1))
    expect(session).toMatchObject({
      storageUrl: 'https://snet-swift.test:8080/v1/AUTH_1',
      publicUrl: 'https://swift.test:8080/v1/AUTH_1',
      cdnUrl: 'https://cdn.test/v1/A',
    })
    expect(httpClient.asked[0]?.url).toBe('https://id.test/v1.0')
  })
})

describe('CUMULUS, the dictionary of django-cumulus', () => {
  const CUMULUS = { USERNAME: 'alice', API_KEY: 'k7', CONTAINER: 'media' }

  it('is understood, with the region of django-cumulus where it names none', () => {
    expect(by({ CUMULUS })).toMatchObject({
      username: 'alice',
      password: 'k7',
      containerName: 'media',
      regionName: 'DFW',
    })
    expect(by({ CUMULUS: { ...CUMULUS, AUTH_URL: 'uk_authurl' } })).toMatchObject({
      authUrl: 'https://lon.identity.api.rackspacecloud.com/v2.0',
      regionName: 'LON',
    })
    const full = {
      ...CUMULUS,
      REGION: 'iad',
      SERVICENET: true,
      TTL: 7200,
      TIMEOUT: 5,
      USE_SSL: true,
      CONTAINER_URI: 'http://a.rackcdn.test',
      CONTAINER_SSL_URI: 'https://b.rackcdn.test/',
    }
    expect(by({ CUMULUS: full })).toMatchObject({
      regionName: 'IAD',
      servicenet: true,
      interface: 'internal',
      ttlSecs: 7200,
      connectTimeoutSecs: 5,
      cdnSsl: true,
      cdnUri: 'https://b.rackcdn.test',
    })
    expect(by({ CUMULUS: { ...full, USE_SSL: false } })).toMatchObject({
      cdnUri: 'http://a.rackcdn.test',
      cdnSsl: false,
    })
  })

  it('loses against settings and options', () => {
    const settings = { CUMULUS: { ...CUMULUS, REGION: 'IAD' }, RACKSPACE_USERNAME: 'bob', RACKSPACE_REGION: 'syd' }
    expect(by(settings)).toMatchObject({ username: 'bob', password: 'k7', regionName: 'SYD' })
  })

  it('can name a Keystone', () => {
    const keystone = {
      ...CUMULUS,
      PYRAX_IDENTITY_TYPE: 'keystone',
      AUTH_URL: 'https://id.test/v2.0',
      AUTH_VERSION: '2.0',
      AUTH_TENANT_NAME: 'site',
    }
    expect(by({ CUMULUS: keystone })).toMatchObject({
      authUrl: 'https://id.test/v2.0',
      authType: 'password',
      authVersion: '2.0',
      projectName: 'site',
    })
  })

  it('with a value that cannot be is refused by its name, and shows no secret', () => {
    expect(() => by({ CUMULUS: { ...CUMULUS, TTL: 'soon' } })).toThrow("CUMULUS['TTL']: expected a whole number")
    expect(() => by({ CUMULUS: { ...CUMULUS, API_KEY: 'gehe\nim' } })).toThrow(/CUMULUS\['API_KEY'\](?!.*gehe)/)
  })

  it('has entries without an effect, of which advice tells', () => {
    const advice = RackspaceStorage.advice({
      settings: { CUMULUS: { ...CUMULUS, CNAMES: { a: 'b' }, HEADERS: {} } },
      env: {},
    })
    expect(advice).toEqual([
      "CUMULUS['CNAMES']: it has no effect; set RACKSPACE_CDN_URI to the domain of the container.",
      "CUMULUS['REGION']: without it the region is that of django-cumulus, DFW (LON in the UK); set RACKSPACE_REGION.",
    ])
    expect(RackspaceStorage.advice({ settings: {}, env: {} })).toEqual([])
  })
})

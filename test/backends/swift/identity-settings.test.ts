/** Addresses, versions and missing settings of the identity service; what counts of the environment. */
import { describe, expect, it } from 'vitest'
import { resolveSettings } from '../../../src/core/settings.ts'
import { authAddress } from '../../../src/remote/openstack/address.ts'
import { type AuthVersion, parseAuth } from '../../../src/remote/openstack/auth-version.ts'
import { withOneCloud } from '../../../src/remote/openstack/environment.ts'
import { type IdentityOptions, identitySettings } from '../../../src/remote/openstack/settings.ts'
import { keystone3, type RawOptions, scriptedIdentity } from './identity-support.ts'

const NAMES = { authUrl: 'SWIFT_AUTH_URL', authVersion: 'SWIFT_AUTH_VERSION' }
const at = (url: string, wanted?: AuthVersion, implied?: AuthVersion) => authAddress(url, NAMES, wanted, implied)

describe('the address of the identity service', () => {
  it.each<[string, AuthVersion | undefined, AuthVersion, string]>([
    ['https://id.test:5000/v3', undefined, 3, 'https://id.test:5000/v3/auth/tokens'],
    ['https://id.test:5000/v3/', undefined, 3, 'https://id.test:5000/v3/auth/tokens'],
    ['https://id.test/identity/v3', undefined, 3, 'https://id.test/identity/v3/auth/tokens'],
    ['https://id.test/identity', 3, 3, 'https://id.test/identity/v3/auth/tokens'],
    ['https://id.test/v3/auth/tokens', undefined, 3, 'https://id.test/v3/auth/tokens'],
    ['https://id.test', 3, 3, 'https://id.test/v3/auth/tokens'],
    ['http://id.test:5000/v2.0', 3, 3, 'http://id.test:5000/v3/auth/tokens'],
    ['id.test:5000/v3', undefined, 3, 'https://id.test:5000/v3/auth/tokens'],
    ['https://id.test/v2.0', undefined, 2, 'https://id.test/v2.0/tokens'],
    ['https://id.test/v2.0/tokens', undefined, 2, 'https://id.test/v2.0/tokens'],
    ['https://id.test/keystone/v2.0/', undefined, 2, 'https://id.test/keystone/v2.0/tokens'],
    ['https://id.test', 2, 2, 'https://id.test/v2.0/tokens'],
    ['https://id.test/v1.1', undefined, 1.1, 'https://id.test/v1.1/auth'],
    ['https://id.test/v1.1/auth', undefined, 1.1, 'https://id.test/v1.1/auth'],
    ['https://swift.test/auth/v1.0', undefined, 1, 'https://swift.test/auth/v1.0'],
    ['https://swift.test/auth/v1', undefined, 1, 'https://swift.test/auth/v1'],
    ['https://swift.test/v1.0', undefined, 1, 'https://swift.test/v1.0'],
    ['https://swift.test/auth/1.0', undefined, 1, 'https://swift.test/auth/1.0'],
    ['https://swift.test:8080', 1, 1, 'https://swift.test:8080/auth/v1.0'],
    ['https://swift.test/auth', 1, 1, 'https://swift.test/auth/v1.0'],
    ['https://swift.test/swift/login', 1, 1, 'https://swift.test/swift/login'],
  ])('of %s, version %s, has version %s and is %s', (given, wanted, version, url) => {
    expect(at(given, wanted)).toEqual({ version, url })
  })

  it('is refused without a version that anything tells', () => {
    expect(() => at('https://id.test')).toThrow('SWIFT_AUTH_VERSION is missing')
    expect(at('https://id.test', undefined, 3).version).toBe(3)
  })

  it('is refused as no http or https URL, or with a password, and the password is not shown', () => {
    expect(() => at('ftp://id.test/v3')).toThrow('SWIFT_AUTH_URL must be an http or https URL')
    expect(() => at('https://u:geheim@id.test/v3')).toThrow(/SWIFT_AUTH_URL takes no user, password(?!.*geheim)/)
  })
})

describe('a version', () => {
  it.each([
    [1, 1, undefined],
    ['1', 1, undefined],
    ['1.0', 1, undefined],
    ['v1.0', 1, undefined],
    ['1.1', 1.1, undefined],
    ['v1password', 1, 'password'],
    [2, 2, undefined],
    ['2.0', 2, undefined],
    ['2.0_password', 2, 'password'],
    ['2.0_apikey', 2, 'apikey'],
    ['v2password', 2, 'password'],
    ['v2token', 2, 'token'],
    [3, 3, undefined],
    ['3', 3, undefined],
    ['3.0', 3, undefined],
    ['3.x', 3, undefined],
    ['3.x_password', 3, 'password'],
    ['3.x_appcred', 3, 'appcred'],
    ['v3applicationcredential', 3, 'appcred'],
    ['v3token', 3, 'token'],
    ['password', undefined, 'password'],
    ['token', undefined, 'token'],
  ])('%s is understood', (raw, version, kind) => {
    expect(parseAuth(raw)).toEqual({ version, kind })
  })

  it.each([
    ['3.x_oidc_access_token', /oidc is not supported/],
    ['v3oidcpassword', /oidc is not supported/],
    ['v3samlpassword', /saml is not supported/],
    ['2.0_voms', /voms is not supported/],
    ['v3totp', /totp is not supported/],
    ['4', /expected a version/],
    ['', /expected a version/],
    ['2.0_appcred', /version 2 of the identity API has no appcred/],
    ['3.x_apikey', /version 3 of the identity API has no apikey/],
    ['1_token', /version 1 of the identity API has no token/],
    [true, /expected a version/],
  ])('%s is refused', (raw, text) => {
    expect(() => parseAuth(raw)).toThrow(text)
  })
})

describe('settings', () => {
  const V3 = { authUrl: 'https://id.test/v3', username: 'alice', password: 'secret' }
  const make = (given: RawOptions) => () => scriptedIdentity(() => keystone3(), given)

  it.each<[string, RawOptions, string]>([
    ['an address', {}, 'SWIFT_AUTH_URL is missing'],
    ['a user', { ...V3, username: null }, 'SWIFT_USERNAME is missing'],
    ['a password', { ...V3, password: null }, 'SWIFT_KEY is missing'],
    ['a secret', { ...V3, applicationCredentialId: 'c' }, 'SWIFT_APPLICATION_CREDENTIAL_SECRET is missing'],
    ['a token', { ...V3, password: null, authType: 'token' }, 'SWIFT_AUTH_TOKEN is missing'],
    ['a version', { ...V3, authUrl: 'https://id.test' }, 'SWIFT_AUTH_VERSION is missing'],
  ])('without %s name what is missing', (_what, given, text) => {
    expect(make(given)).toThrow(text)
  })

  it('that contradict each other are refused', () => {
    expect(make({ ...V3, authVersion: '2', authType: 'v3password' })).toThrow(
      'SWIFT_AUTH_VERSION is 2, but SWIFT_AUTH_TYPE is 3.',
    )
    const old = { authUrl: 'https://swift.test/auth/v1.0', username: 'a:b', password: 'c' }
    expect(make({ ...old, interface: 'internal' })).toThrow(
      'SWIFT_INTERFACE: version 1 of the identity API returns one',
    )
    expect(make({ ...old, password: null, token: 't' })).toThrow('version 1 of the identity API has no authentication')
  })

  it.each([
    [{ username: 'a:b', password: 'c' }, 'https://id.test/auth/v1.0'],
    [{ username: 'a', password: 'c', projectName: 'p' }, 'https://id.test/v3/auth/tokens'],
    [{ username: 'a', password: 'c', authType: 'apikey' }, 'https://id.test/v2.0/tokens'],
    [{ token: 't', projectId: 'p' }, 'https://id.test/v3/auth/tokens'],
    [{ applicationCredentialId: 'i', applicationCredentialSecret: 's' }, 'https://id.test/v3/auth/tokens'],
  ])('%j tell the version where the address does not', async (given, url) => {
    const { session, asked } = scriptedIdentity(() => ({ status: 403 }), { authUrl: 'https://id.test', ...given })
    await expect(session()).rejects.toMatchObject({ code: 'permission_denied' })
    expect(asked.map(one => one.url)).toEqual([url])
  })
})

describe('the environment', () => {
  const resolved = (env: Readonly<Record<string, string>>, settings: Readonly<Record<string, unknown>> = {}) =>
    withOneCloud(resolveSettings<IdentityOptions>('Test', identitySettings, {}, { defaults: [], settings, env }))
      .options
  const OS = {
    OS_AUTH_URL: 'https://os.test/v3',
    OS_USERNAME: 'os-user',
    OS_PASSWORD: 'os-pass',
    OS_PROJECT_NAME: 'os-project',
    OS_USER_DOMAIN_NAME: 'Default',
    OS_REGION_NAME: 'one',
    OS_INTERFACE: 'internalURL',
    OS_IDENTITY_API_VERSION: '3',
    OS_AUTH_TYPE: 'v3password',
  }

  it('has the variables of OpenStack as swiftclient reads them', () => {
    expect(resolved(OS)).toMatchObject({
      authUrl: 'https://os.test/v3',
      username: 'os-user',
      password: 'os-pass',
      projectName: 'os-project',
      userDomainName: 'Default',
      regionName: 'one',
      interface: 'internal',
      authVersion: '3',
      authType: 'v3password',
    })
    const direct = resolved({ OS_AUTH_TOKEN: 't', OS_STORAGE_URL: 'https://swift.test/v1/A/' })
    expect(direct).toMatchObject({ token: 't', storageUrl: 'https://swift.test/v1/A' })
  })

  it('gives nothing of one cloud to another that the settings name', () => {
    const settings = { SWIFT_AUTH_URL: 'https://mine.test/v3', SWIFT_USERNAME: 'me' }
    expect(resolved(OS, settings)).toMatchObject({
      authUrl: 'https://mine.test/v3',
      username: 'me',
      password: null,
      projectName: null,
      regionName: null,
      interface: 'public',
      authVersion: null,
    })
    const swift = { SWIFT_AUTH_URL: 'https://mine.test/v3', SWIFT_KEY: 'my-key' }
    expect(resolved({ ...OS, ...swift })).toMatchObject({
      authUrl: 'https://mine.test/v3',
      password: 'my-key',
      username: null,
    })
  })

  it('has the variables of version 1', () => {
    const env = { ST_AUTH: 'https://swift.test/auth/v1.0', ST_USER: 'a:b', ST_KEY: 'k' }
    expect(resolved(env)).toMatchObject({ authUrl: env.ST_AUTH, username: 'a:b', password: 'k' })
    expect(resolved({ ...env, OS_REGION_NAME: 'one' }).regionName).toBeNull()
  })

  it('has the names of django-storage-swift, in settings and variables', () => {
    const django = {
      SWIFT_AUTH_URL: 'http://127.0.0.1:5000/v2.0',
      SWIFT_USERNAME: 'u',
      SWIFT_PASSWORD: 'p',
      SWIFT_AUTH_VERSION: 2,
      SWIFT_PROJECT_ID: 'id',
      SWIFT_TENANT_NAME: 'tenant',
      SWIFT_USER_DOMAIN_ID: 'ud',
      SWIFT_PROJECT_DOMAIN_NAME: 'pd',
      SWIFT_REGION_NAME: 'r',
    }
    const expected = {
      authUrl: 'http://127.0.0.1:5000/v2.0',
      username: 'u',
      password: 'p',
      authVersion: '2',
      projectId: 'id',
      projectName: 'tenant',
      userDomainId: 'ud',
      projectDomainName: 'pd',
      regionName: 'r',
    }
    expect(resolved({}, django)).toMatchObject(expected)
    expect(resolved(Object.fromEntries(Object.entries(django).map(([k, v]) => [k, String(v)])))).toMatchObject(expected)
  })
})

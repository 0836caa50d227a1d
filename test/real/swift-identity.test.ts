/** Identities against OpenStack's own Keystone and Swift: every form of login of version 3, TempAuth, and tokens that end. */
import { afterAll, describe, expect, test } from 'vitest'
import { SwiftStorage } from '../../src/backends/swift/index.ts'
import { startKeystone } from '../servers/keystone.ts'
import { startSwift } from '../servers/swift.ts'

const keystone = await startKeystone()
const swift = await startSwift({ keystone })
const byTempAuth = await startSwift()
afterAll(async () => {
  await Promise.all([byTempAuth.close(), swift.close()])
  await keystone.close()
})

type Options = NonNullable<ConstructorParameters<typeof SwiftStorage>[0]>

const { user, project, applicationCredential } = keystone
const authUrl = keystone.url
const { name: username, password } = user
const inProject = { authUrl, username, password, projectName: project.name }

function storageWith(options: Options, env = {}): SwiftStorage {
  const own = { containerName: 'identity', autoCreateContainer: true, fileOverwrite: true }
  return new SwiftStorage({ ...own, ...options }, { settings: {}, env })
}

/** Stores a file and reads it again. */
async function works(options: Options, env = {}): Promise<void> {
  await using files = storageWith(options, env)
  const text = `stored ${Math.random()}`
  await files.save('a b/ü.txt', text)
  expect(await files.readText('a b/ü.txt')).toBe(text)
}

describe('Keystone', () => {
  test.each<[string, Options]>([
    ['a password', inProject],
    ['a password, by ids', { authUrl, userId: user.id, password, projectId: project.id }],
    ['a password, with domains by name', { ...inProject, userDomainName: 'Default', projectDomainName: 'Default' }],
    ['a password, where the address has no version', { ...inProject, authUrl: authUrl.replace(/\/v3$/, '') }],
    ["a password, in the user's own project", { authUrl, username, password }],
    ['a region', { ...inProject, regionName: 'RegionOne', interface: 'internal' }],
    [
      'an application credential by id',
      {
        authUrl,
        applicationCredentialId: applicationCredential.id,
        applicationCredentialSecret: applicationCredential.secret,
        authType: 'v3applicationcredential',
      },
    ],
    [
      'an application credential by name',
      {
        authUrl,
        username,
        applicationCredentialName: applicationCredential.name,
        applicationCredentialSecret: applicationCredential.secret,
      },
    ],
  ])('lets in by %s', async (_title, options) => {
    await works(options)
  })

  test('lets in by the environment of an openrc.sh', async () => {
    await works(
      {},
      {
        OS_AUTH_URL: authUrl,
        OS_USERNAME: username,
        OS_PASSWORD: password,
        OS_PROJECT_NAME: project.name,
        OS_USER_DOMAIN_NAME: 'Default',
        OS_PROJECT_DOMAIN_ID: 'default',
        OS_REGION_NAME: 'RegionOne',
        OS_INTERFACE: 'public',
        OS_IDENTITY_API_VERSION: '3',
      },
    )
  })

  test('lets in by a token, as it is or exchanged for one of the project', async () => {
    const { token, storageUrl } = await swift.login()
    await works({ token, storageUrl })
    await works({ authUrl, token, projectId: project.id })
  })

  test.each<[string, Options, string, string]>([
    [
      'a wrong password',
      { ...inProject, password: 'wrong-7' },
      'permission_denied',
      'Check SWIFT_TENANT_NAME, SWIFT_USERNAME, SWIFT_KEY.',
    ],
    ['another project', { ...inProject, projectName: 'admin' }, 'permission_denied', 'SWIFT_TENANT_NAME'],
    ['another region', { ...inProject, regionName: 'two' }, 'improperly_configured', 'regions: RegionOne'],
    ['version 2', { ...inProject, authVersion: 2 }, 'improperly_configured', '404'],
  ])('refuses %s', async (_title, options, code, text) => {
    await using files = storageWith(options)
    const error = await files.exists('a').catch((failure: Error) => failure)
    expect(error).toMatchObject({ code, message: expect.stringContaining(text) })
    expect(String(error)).not.toMatch(/wrong-7|pass:w/)
  })

  test('gives one more token for all calls when the old one has ended (swl-1)', async () => {
    await using files = storageWith({ ...inProject, timeoutSecs: 45 })
    await files.save('a.txt', 'before')
    await keystone.expireTokens()
    await swift.expireTokens()
    await Promise.all(Array.from({ length: 8 }, (_, at) => files.save(`many/${at}.txt`, `${at}`)))
    expect(await files.readText('a.txt')).toBe('before')
  })
})

describe('TempAuth', () => {
  test('lets in by version 1, and gives another token when the old one has ended', async () => {
    const options = { authUrl: byTempAuth.authUrl, username: byTempAuth.user, password: byTempAuth.key }
    await works(options)
    await works({ ...options, authUrl: byTempAuth.url, authVersion: '1.0' })
    await byTempAuth.expireTokens()
    await works(options)
    await using wrong = storageWith({ ...options, password: 'wrong-7' })
    await expect(wrong.exists('a')).rejects.toMatchObject({ code: 'permission_denied', status: 401 })
  })
})

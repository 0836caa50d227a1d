/** OpenStack Swift with Keystone v3: conformance with a password and with an application credential; tokens that end. */
import { afterAll, describe, expect, test } from 'vitest'
import { startKeystone } from '../servers/keystone.ts'
import { startSwift } from '../servers/swift.ts'
import { describeConformance, emptyAndClose } from './backend.ts'
import {
  conforming,
  credentialOptions,
  namesIn,
  SMALL_PARTS,
  setKey,
  storageOf,
  swiftOptions,
  swiftStorage,
  TEMP_URL_KEY,
} from './places/swift.ts'

const keystone = await startKeystone()
const server = await startSwift({ keystone }).catch(async error => {
  await keystone.close()
  throw error
})
afterAll(async () => {
  await server.close()
  await keystone.close()
}, 60_000)
await setKey(server)
await using made = swiftStorage(server)
await made.createContainer()

const options = { ...SMALL_PARTS, tempUrlKey: TEMP_URL_KEY }

describeConformance(
  {
    'the driver of Swift, a password of Keystone': conforming(server, () => swiftStorage(server, options)),
    'the driver of Swift, an application credential': conforming(server, () =>
      storageOf({ ...credentialOptions(server), ...options }),
    ),
  },
  {
    'SwiftStorage and Keystone': {
      create: wanted => swiftStorage(server, { ...SMALL_PARTS, ...wanted }),
      destroy: emptyAndClose,
    },
  },
)

const { user, project, domain } = keystone

describe('logins', () => {
  test.each([
    ['ids', { username: null, userId: user.id, projectName: null, projectId: project.id }],
    ['names of domains', { userDomainName: domain.name, projectDomainName: domain.name }],
    ['ids of domains', { userDomainId: domain.id, projectDomainId: domain.id }],
    ['a region', { regionName: keystone.region }],
    ['the internal interface', { interface: 'internal' as const }],
    ['an address without a version', { authUrl: keystone.url.replace(/\/v3$/, ''), authVersion: '3' as never }],
  ])('by %s', async (_title, more) => {
    await using files = storageOf({ ...swiftOptions(server), ...more })
    await files.save('by login', 'x', { overwrite: true })
    expect(await files.readText('by login')).toBe('x')
    await files.delete('by login')
  })

  test('a wrong password, an unknown project, region and service are refused', async () => {
    const failure = async (more: object): Promise<unknown> => {
      await using files = storageOf({ ...swiftOptions(server), maxAttempts: 2, ...more })
      return files.save('never', 'x').catch(error => error)
    }
    const wrong = await failure({ password: 'wrong' })
    expect(wrong).toMatchObject({ code: 'permission_denied', outcome: 'not_applied' })
    expect(JSON.stringify(wrong) + String(wrong)).not.toContain('wrong"')
    expect(await failure({ projectName: 'unknown' })).toMatchObject({ code: 'permission_denied' })
    expect(String(await failure({ regionName: 'Nowhere' }))).toContain('RegionOne')
    expect(await namesIn(server, 'media')).toEqual([])
  })
})

test('after all tokens ended, one new one serves many calls at once', async () => {
  await using files = swiftStorage(server, options)
  await files.save('kept', 'kept')
  await server.expireTokens()
  const names = Array.from({ length: 8 }, (_, index) => `after/${index}`)
  const large = Buffer.alloc(1_300_000, 'large')
  await Promise.all([
    ...names.map(name => files.save(name, name)),
    files.save('after/large', large),
    files.readText('kept').then(text => expect(text).toBe('kept')),
  ])
  for (const name of names) expect(await files.readText(name)).toBe(name)
  await using file = await files.open('after/large')
  expect(large.equals(await file.read())).toBe(true)
  await emptyAndClose(swiftStorage(server))
})

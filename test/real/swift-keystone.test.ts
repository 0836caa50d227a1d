/** OpenStack Swift with Keystone v3: conformance, every way to log in, tokens that end. */
import { afterAll, describe, expect, test } from 'vitest'
import type { SwiftStorage } from '../../src/backends/swift/index.ts'
import { startSwiftWithKeystone } from '../servers/swift.ts'
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

const server = await startSwiftWithKeystone()
afterAll(() => server.close(), 60_000)
await setKey(server)
await using made = swiftStorage(server)
await made.createContainer()

const options = { ...SMALL_PARTS, tempUrlKey: TEMP_URL_KEY }

describeConformance(
  {
    'the driver of Swift, a password of Keystone': conforming(server, () => swiftStorage(server, options)),
  },
  {
    'SwiftStorage and Keystone': {
      create: wanted => swiftStorage(server, { ...SMALL_PARTS, ...wanted }),
      destroy: emptyAndClose,
    },
  },
)

const { keystone } = server
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
    await using files = storageOf({ ...swiftOptions(server), ...options, ...more })
    await expectWorks(files)
  })

  test('by an application credential', async () => {
    await using files = storageOf({ ...credentialOptions(server), ...options })
    await expectWorks(files)
  })

  /** Saves, lists, reads, signs and deletes a small and a large file. */
  async function expectWorks(files: SwiftStorage): Promise<void> {
    const large = Buffer.alloc(1_300_000, 'large')
    await files.save('by/small', 'small')
    await files.save('by/large', large)
    expect((await files.listdir('by'))[1].toSorted()).toEqual(['large', 'small'])
    expect(await files.readText('by/small')).toBe('small')
    await using file = await files.open('by/large')
    expect(large.equals(await file.read())).toBe(true)
    const url = await files.url('by/small', { expiresInSecs: 60 })
    expect(await (await fetch(url)).text()).toBe('small')
    expect((await files.deleteMany(['by/small', 'by/large'])).errors).toEqual([])
  }

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

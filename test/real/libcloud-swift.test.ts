/** Independent clients against the strict Swift server: Apache Libcloud and OpenStack's swiftclient, by each form of login. */
import { afterAll, describe, expect, test } from 'vitest'
import { at, storageWith } from '../backends/swift/support.ts'
import { needPackages } from '../servers/debian.ts'
import { RACKSPACE, startStrictSwift } from '../servers/strict-swift.ts'
import { strictPlaces } from './places/swift-logins.ts'
import { needLibcloud, runScript, verdicts } from './python/script.ts'
import { describeInterchange } from './swift-interchange.ts'

const server = await startStrictSwift()
await needLibcloud()
await needPackages(['python3-swiftclient', 'python3-keystoneclient'])
afterAll(() => server.close())

const places = strictPlaces(server)
const rackspace = { kind: 'rackspace', url: server.url, user: RACKSPACE.username, key: RACKSPACE.apiKey }

describe('the strict server by independent clients', () => {
  test.each([
    ['v1', places.v1],
    ['v2', places.v2],
    ['v3', places.v3],
    ['rackspace', rackspace],
    ['rackspace in London', { ...rackspace, region: 'lon' }],
  ])('Libcloud, %s', async (_title, place) => {
    const { passed, failed } = verdicts(await runScript('swift_check.py', place))
    expect(failed).toEqual([])
    expect(passed).toHaveLength(12)
  })

  test.each([
    ['v1', places.v1],
    ['v2', places.v2],
    ['v3', places.v3],
    ['an application credential', places.credential],
  ])('swiftclient, %s', async (_title, place) => {
    const { passed, failed } = verdicts(await runScript('swiftclient_check.py', place))
    expect(failed).toEqual([])
    expect(passed).toHaveLength(16)
  })
})

describe('files are exchanged on the strict server', () => {
  describeInterchange('TempAuth', {
    place: places.v1,
    storage: (containerName, partSize, largeObjects) =>
      storageWith({ ...at(server), containerName, partSize, multipartThreshold: partSize, largeObjects }),
    names: async container => (server.account().containers.has(container) ? server.names(container) : []),
  })
})

test('no client asked for what a real server would not take', () => {
  expect(server.complaints).toEqual([])
})

/** Independent clients on OpenStack Swift with Keystone, as they are on our strict server, and files that they and Holdall exchange there. */
import { afterAll, describe, expect, test } from 'vitest'
import { needPackages } from '../servers/debian.ts'
import { startSwiftWithKeystone } from '../servers/swift.ts'
import { namesIn, swiftStorage } from './places/swift.ts'
import { realPlace } from './places/swift-logins.ts'
import { needLibcloud, runScript, verdicts } from './python/script.ts'
import { describeInterchange } from './swift-interchange.ts'

await needLibcloud()
await needPackages(['python3-swiftclient', 'python3-keystoneclient'])
const server = await startSwiftWithKeystone()
afterAll(() => server.close(), 60_000)

describe('what the strict server is checked for is true of the real one', () => {
  test.each([
    ['swift_check.py', 12],
    ['swiftclient_check.py', 16],
  ])('%s', async (script, count) => {
    const { passed, failed } = verdicts(await runScript(script, realPlace(server)))
    expect(failed).toEqual([])
    expect(passed).toHaveLength(count)
  })
})

describe('files are exchanged on a real server', () => {
  describeInterchange('Keystone', {
    place: realPlace(server),
    storage: (container, partSize, largeObjects) =>
      swiftStorage(server, { partSize, multipartThreshold: partSize, largeObjects }, container),
    names: container => namesIn(server, container),
  })
})

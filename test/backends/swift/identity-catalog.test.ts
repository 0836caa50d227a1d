/** Which of the services of a catalog is used: type, name, interface, region. */
import { describe, expect, it } from 'vitest'
import { CATALOG_2, CATALOG_3, keystone2, keystone3, type RawOptions, scriptedIdentity } from './identity-support.ts'

const USER = { username: 'alice', password: 'secret', projectName: 'media' }
const V3 = { authUrl: 'https://id.test/v3', ...USER }
const V2 = { authUrl: 'https://id.test/v2.0', ...USER }

function picked(given: RawOptions, catalog?: unknown) {
  const answer = String(given.authUrl).endsWith('v3') ? keystone3(catalog) : keystone2(catalog)
  return scriptedIdentity(() => answer, given).session()
}
const refused = (text: string) => ({ code: 'improperly_configured', message: expect.stringContaining(text) })

describe.each([
  ['3', V3],
  ['2', V2],
])('a catalog of version %s', (_version, given) => {
  it('with two regions, none of which is set, is an error that lists them (case 60)', async () => {
    await expect(picked(given)).rejects.toMatchObject(
      refused(
        "SWIFT_REGION_NAME is missing: the service of type 'object-store' is in several regions; regions: one, two.",
      ),
    )
  })

  it('without the region that is set is an error that lists those there are (case 60)', async () => {
    for (const regionName of ['three', 'ONE']) {
      await expect(picked({ ...given, regionName })).rejects.toMatchObject(
        refused(`SWIFT_REGION_NAME: there is no region '${regionName}'; regions: one, two.`),
      )
    }
  })

  it('gives the address of the region and leaves out the entries that are odd', async () => {
    expect(await picked({ ...given, regionName: 'one' })).toMatchObject({
      storageUrl: 'https://swift-one.test/v1/AUTH_1',
    })
    expect(await picked({ ...given, regionName: 'two' })).toMatchObject({
      storageUrl: 'https://swift-two.test/v1/AUTH_1',
    })
  })

  it('gives the internal address for transfers and the public one for URLs (case 61, swl-7)', async () => {
    expect(await picked({ ...given, regionName: 'one', interface: 'internalURL' })).toMatchObject({
      storageUrl: 'http://10.0.0.1:8080/v1/AUTH_1',
      publicUrl: 'https://swift-one.test/v1/AUTH_1',
    })
  })

  it('without the interface that is set is an error that lists those there are', async () => {
    const catalog = (given === V3 ? CATALOG_3 : CATALOG_2).slice(0, 1)
    const service = { serviceType: 'identity', interface: 'internal' }
    await expect(picked({ ...given, ...service }, catalog)).rejects.toMatchObject(
      refused("The service of type 'identity' has no internal interface; interfaces: public. See SWIFT_INTERFACE."),
    )
  })

  it('without the service is an error that lists the types there are', async () => {
    const catalog = (given === V3 ? CATALOG_3 : CATALOG_2).slice(0, 1)
    await expect(picked(given, catalog)).rejects.toMatchObject(
      refused("has no service of type 'object-store'; types: identity. See SWIFT_SERVICE_TYPE."),
    )
    await expect(picked({ ...given, serviceName: 'other' })).rejects.toMatchObject(
      refused("has no service of type 'object-store' called 'other'"),
    )
  })
})

describe('a catalog', () => {
  const service = (name: string, url: string, region: string | null = 'one') => ({
    type: 'object-store',
    name,
    endpoints: [{ interface: 'public', url, region }],
  })

  it('with two services of the type in one region needs the name of one', async () => {
    const catalog = [service('swift', 'https://swift.test/v1/A'), service('ceph', 'https://ceph.test/swift/v1')]
    await expect(picked(V3, catalog)).rejects.toMatchObject(
      refused("SWIFT_SERVICE_NAME is missing: there are several services of type 'object-store'; names: ceph, swift."),
    )
    expect(await picked({ ...V3, serviceName: 'ceph' }, catalog)).toMatchObject({
      storageUrl: 'https://ceph.test/swift/v1',
    })
  })

  it('with one region needs none, also where the same address stands twice or the region has no name', async () => {
    const twice = [service('swift', 'https://swift.test/v1/A'), service('swift', 'https://swift.test/v1/A/')]
    expect(await picked(V3, twice)).toMatchObject({ storageUrl: 'https://swift.test/v1/A' })
    const nameless = [service('swift', 'https://swift.test/v1/A', null)]
    expect(await picked(V3, nameless)).toMatchObject({ storageUrl: 'https://swift.test/v1/A' })
  })

  it('takes region_id where there is no region', async () => {
    const endpoints = [{ interface: 'public', url: 'https://swift.test/v1/A', region_id: 'here' }]
    const catalog = [{ type: 'object-store', name: 'swift', endpoints }]
    expect(await picked({ ...V3, regionName: 'here' }, catalog)).toMatchObject({
      storageUrl: 'https://swift.test/v1/A',
    })
  })

  it('without a public address leaves URLs on the internal one', async () => {
    const endpoints = [{ interface: 'internal', url: 'http://10.0.0.1/v1/A', region: 'one' }]
    const catalog = [{ type: 'object-store', name: 'swift', endpoints }]
    expect(await picked({ ...V3, interface: 'internal' }, catalog)).toMatchObject({ publicUrl: 'http://10.0.0.1/v1/A' })
  })

  it('is not asked for the account when its address is set', async () => {
    const own = await picked({ ...V3, storageUrl: 'https://near.test/v1/A/' })
    expect(own).toMatchObject({ storageUrl: 'https://near.test/v1/A', publicUrl: 'https://near.test/v1/A' })
  })

  it.each([['nothing'], [7], [null], [{}], [[1, null, 'x', {}]]])('that is %j has no service', async catalog => {
    await expect(picked(V3, catalog)).rejects.toMatchObject(refused('returned no catalog'))
  })

  it('does not show a password that stands in an address', async () => {
    const catalog = [service('swift', 'https://user:geheim@swift.test/v1/A')]
    const error = await picked(V3, catalog).catch((failure: Error) => failure)
    expect(String(error)).not.toContain('geheim')
  })
})

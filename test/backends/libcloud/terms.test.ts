/** Errors name the entry and its keys, never settings of the backend that an entry does not have. */
import { inspect } from 'node:util'
import { afterAll, describe, expect, it } from 'vitest'
import { findEntry } from '../../../src/backends/libcloud/entry.ts'
import { LibCloudStorage } from '../../../src/backends/libcloud/index.ts'
import { RECIPES } from '../../../src/backends/libcloud/recipes.ts'
import { Terms } from '../../../src/backends/libcloud/terms.ts'
import { StorageError } from '../../../src/core/errors.ts'
import { type ProviderName, startPlaces } from './places.ts'
import { entryOf, storageOf } from './support.ts'

const places = await startPlaces(['S3', 'AZURE_BLOBS', 'OPENSTACK_SWIFT', 'NIMBUS'])
afterAll(() => Promise.all(places.map(place => place.close())))

const entryAt = (name: ProviderName) => places.find(place => place.name === name)!.entry
const FOREIGN = /\b(?:AWS|AZURE|GS|SWIFT|OS|NIMBUS|ATMOS)_[A-Z]/
const PLACE = "LIBCLOUD_PROVIDERS['only']"

describe('errors of calls', () => {
  it.each([
    ['S3', `${PLACE}.bucket is not a bucket of this service`],
    ['AZURE_BLOBS', `${PLACE}.bucket is not a container of this account`],
    ['OPENSTACK_SWIFT', 'or set autoCreateContainer (of SwiftStorage; no key of an entry)'],
  ] as const)('a missing bucket of %s is told by the key of the entry', async (name, text) => {
    await using storage = storageOf({ ...entryAt(name), bucket: 'missing' })
    const error = await storage.save('a.txt', 'text').catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'improperly_configured', message: expect.stringContaining(text) })
    expect(String((error as Error).message)).not.toMatch(FOREIGN)
    expect((error as Error).stack).toContain(text)
  })

  it('so are URLs that a type does not have', async () => {
    await using storage = storageOf(entryAt('NIMBUS'))
    const text = 'publicRead (of NimbusStorage; no key of an entry)'
    await expect(storage.url('a.txt')).rejects.toMatchObject({
      code: 'unsupported',
      message: expect.stringContaining(text),
    })
    await expect(storage.driver.getObjectCdnUrl({ container: 'other', name: 'a.txt' })).rejects.toThrow(text)
  })

  it('a key that the service would never take is named', async () => {
    await using storage = storageOf({ ...entryAt('AZURE_BLOBS'), key: 'no base64!' })
    const error = await storage.exists('a.txt').catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ message: expect.stringContaining(`${PLACE}.key`) })
    expect(inspect((error as Error).message)).not.toMatch(FOREIGN)
  })

  it('settings of all backends stay, and one error is explained once', () => {
    const found = findEntry({ only: entryOf('S3', { region_name: 'eu-west-1' }) }, 'only')
    const terms = new Terms(found, RECIPES.s3)
    const text = 'set FILE_UPLOAD_TEMP_DIR, regionName (AWS_S3_REGION_NAME) or AWS_S3_CUSTOM_DOMAIN'
    const error = terms.error(terms.error(new StorageError('no_space', text)))
    expect((error as Error).message).toBe(
      `set FILE_UPLOAD_TEMP_DIR, ${PLACE}.region_name or customDomain (of S3Storage; no key of an entry)`,
    )
  })

  it('the name of a file is left as it is', async () => {
    await using storage = storageOf(entryAt('S3'))
    for (const name of ['AWS_STORAGE_BUCKET_NAME', 'x/AWS_STORAGE_BUCKET_NAME.txt', 'a AWS_STORAGE_BUCKET_NAME.txt']) {
      await expect(storage.size(name)).rejects.toThrow(`'${name}'`)
    }
  })
})

describe('errors of entries', () => {
  const refused = (type: string, more: Readonly<Record<string, unknown>>) => {
    try {
      storageOf(entryOf(type, more))
    } catch (error) {
      return (error as Error).message.replace(/^Unable to create libcloud driver type \S+: /, '')
    }
    return undefined
  }
  const auth_url = 'https://identity.test/v3'

  it.each([
    // Words of a sentence are no options.
    [
      'OPENSTACK_SWIFT',
      { auth_url, auth_version: 4 },
      'auth_version: expected a version such as 1, 2 or 3, or password, appcred, token or apikey',
    ],
    [
      'OPENSTACK_SWIFT',
      { auth_url: 'https://u:p@identity.test/v3' },
      'auth_url takes no user, password, query or fragment',
    ],
    ['NIMBUS', { user: 'alice' }, "the number of the key (keyId, or user 'name:number')"],
    // Keys without effect, and keys that contradict each other.
    ['S3', { path: '/x' }, 'path: it has no effect without a host'],
    ['CLOUDFILES', { port: 9000 }, 'port: it has no effect without a host'],
    ['OPENSTACK_SWIFT', { auth_url, host: 'swift.test' }, 'host: it has no effect beside auth_url'],
    ['OPENSTACK_SWIFT', { auth_url, port: 1 }, 'port: it has no effect beside auth_url'],
    [
      'OPENSTACK_SWIFT',
      { auth_url: 'http://identity.test/v3', secure: true },
      'secure: it is true, but auth_url begins with http:',
    ],
    ['LOCAL', { user: '/srv/a', path: '/srv/b' }, 'path: it has no effect beside user'],
    ['S3', { container: 'other' }, "'bucket' and 'container' are one key, and differ"],
    [
      'OPENSTACK_SWIFT',
      { auth_url, ex_force_auth_url: 'https://other.test' },
      "'auth_url' and 'ex_force_auth_url' are one key",
    ],
    // Hosts and ports.
    ['S3', { host: 'h.test', port: 70_000 }, 'port: expected a whole number from 1 to 65535, got 70000'],
    ['S3', { host: 'h.test:99999' }, 'host: expected a port from 1 to 65535, got 99999'],
    ['S3', { host: 'h.test:0' }, 'host: expected a port from 1 to 65535, got 0'],
    ['S3', { host: '..' }, 'host: expected the name of a host'],
    ['S3', { host: '[:::1]' }, 'host: expected the name of a host'],
    ['S3', { host: 'fe80::1%eth0' }, 'host: expected the name of a host'],
    ['S3', { host: 'h.test', path: 'a b' }, 'path: expected a path without blanks'],
  ] as const)('%s: %j', (type, more, text) => {
    expect(refused(type, more)).toContain(text)
    expect(refused(type, more)).toContain(PLACE)
    expect(refused(type, more)).not.toMatch(FOREIGN)
  })

  it('what is no name of an entry and no options is refused', () => {
    for (const odd of [3, true, () => 'amazon_1']) {
      expect(() => new LibCloudStorage(odd as never)).toThrow('expected the name of an entry of LIBCLOUD_PROVIDERS')
    }
  })

  it('an IPv6 address is a host of every type, with a port or without', () => {
    // To connect to, without brackets.
    const nimbus = storageOf(entryOf('NIMBUS', { key_id: 1, host: '[::1]:9000' })).backend.options
    expect(nimbus).toMatchObject({ host: '::1', port: 9000 })
    for (const type of ['S3', 'GOOGLE_STORAGE', 'AZURE_BLOBS', 'CLOUDFILES', 'ATMOS', 'NINEFOLD', 'NIMBUS']) {
      for (const more of [{ host: '::1' }, { host: '::1', port: 9000 }, { host: '[::1]' }, { host: '[::1]:9000' }]) {
        const own = type === 'NIMBUS' ? { key_id: 1 } : {}
        expect(refused(type, { ...more, ...own }), `${type} ${JSON.stringify(more)}`).toBe(undefined)
      }
    }
  })
})

import { describe, expect, it } from 'vitest'
import { NimbusStorage } from '../../../src/backends/nimbus/index.ts'
import { ImproperlyConfigured } from '../../../src/core/errors.ts'
import { ACCOUNT, COLLECTION, scripted, storageWith } from './support.ts'

const key = 'the-secret-key'
const base = { key, collection: COLLECTION, user: 'alice', keyId: 5001 }
const refusal = (options: object): string => {
  try {
    storageWith(options)
  } catch (error) {
    expect(error).toBeInstanceOf(ImproperlyConfigured)
    return (error as Error).message
  }
  return 'no error'
}

describe('the settings of Nimbus.io', () => {
  it('has the user and the number of the key in one setting or in two', async () => {
    for (const identity of [
      { user: 'alice:5001' },
      { user: 'alice', keyId: 5001 },
      { user: 'alice', key_id: '5001' },
    ]) {
      const files = scripted(() => ({ json: [] }), { keyId: null, ...identity } as object)
      await files.driver.listContainers()
      expect(files.asked[0]!.url).toBe('https://nimbus.io/customers/alice/collections')
      expect(files.asked[0]!.headers['authorization']).toMatch(/^NIMBUS\.IO 5001:/)
    }
  })

  it('says which of user, number and key is missing', () => {
    expect(refusal({ ...base, user: null })).toMatch(/Missing: the user \(user, NIMBUS_USER\)\.$/)
    expect(refusal({ ...base, keyId: null })).toMatch(/Missing: the number of the key \(keyId, NIMBUS_KEY_ID/)
    expect(refusal({ ...base, key: null })).toMatch(/Missing: the key \(key, NIMBUS_KEY\)\.$/)
    expect(refusal({ collection: COLLECTION })).toMatch(/Missing: the user .*; the number .*; the key /)
    expect(refusal({ ...base, collection: '' })).toMatch(/NIMBUS_COLLECTION/)
  })

  it('refuses a number of a key that is none, and two that differ', () => {
    for (const user of ['alice:', 'alice:x', 'alice:0', 'alice:-1', 'alice:1:2']) {
      expect(refusal({ ...base, user, keyId: null }), user).toMatch(/NIMBUS_USER: expected a name or 'name:number'/)
    }
    expect(refusal({ ...base, user: 'alice:5002' })).toBe('NIMBUS_KEY_ID is 5001, but NIMBUS_USER has the key id 5002.')
    expect(storageWith({ ...base, user: 'alice:5001' }).options.keyId).toBe(5001)
  })

  it.each(['A', 'a', 'Upper', 'a_b', '-ab', 'ab-', 'a--b', 'a.b', 'x'.repeat(64), 'é'])(
    'refuses the collection %j and names the setting',
    collection => expect(refusal({ ...base, collection })).toMatch(/collection/i),
  )

  it.each(['ab', '0a', 'a-b-c', 'dd-alice', 'rr-alice-photos', 'x'.repeat(63)])(
    'takes the collection %j',
    collection => {
      expect(storageWith({ ...base, collection }).options.collection).toBe(collection)
    },
  )

  it.each(['127.0.0.1', '[::1]', '::1', 'a..b', '.', 'nimbus.io/x', 'http://nimbus.io', 'nimbus.io:80', 'a b'])(
    'refuses the domain %j, below which no collection has a host',
    domain => expect(refusal({ ...base, domain })).toMatch(/^domain: expected /),
  )

  it.each([0, 65_536, -1])('refuses the port %d', port => {
    expect(refusal({ ...base, port })).toMatch(/^port: expected a whole number from 1 to 65535/)
  })

  it('reads the environment, also by the names of motoboto', () => {
    const env = {
      NIMBUS_USER: 'bob:7',
      NIMBUS_KEY: 'k',
      NIMBUS_COLLECTION: 'bob-files',
      NIMBUS_IO_SERVICE_DOMAIN: 'Nimbus.Example.com',
      NIMBUS_IO_SERVICE_PORT: '8088',
      NIMBUS_IO_SERVICE_SSL: '0',
    }
    const { options } = new NimbusStorage({}, { settings: {}, env })
    expect({ ...options }).toMatchObject({
      user: 'bob:7',
      domain: 'nimbus.example.com',
      port: 8088,
      secure: false,
      listSizes: false,
      publicRead: false,
    })
  })

  it('shows the key nowhere', async () => {
    const files = scripted(({ headers }) => ({ status: 403, body: `denied ${key} ${headers['authorization']}` }), {
      key,
    })
    const error = await files.readBytes('a', { start: 0, end: 1 }).catch(reason => reason)
    const signature = files.asked[0]!.headers['authorization']!.split(':')[1]!
    for (const shown of [String(error), JSON.stringify(error), JSON.stringify(files.options)]) {
      expect(shown).not.toContain(key)
      expect(shown).not.toContain(signature)
    }
    expect(error.code).toBe('permission_denied')
  })

  it('says that the public service is closed where no other domain is named', () => {
    const advice = (settings: object): readonly string[] => NimbusStorage.advice({ settings, env: {} } as never)
    const given = { NIMBUS_COLLECTION: 'a-b', NIMBUS_USER: 'alice:5001' }
    expect(advice(given)).toEqual([expect.stringMatching(/^NIMBUS_DOMAIN: the service at nimbus\.io is closed/)])
    expect(advice({ ...given, NIMBUS_DOMAIN: 'nimbus.example.com' })).toEqual([])
    expect(advice({ ...given, NIMBUS_DOMAIN: 'x.org', NIMBUS_KEY_ID: 5001 })).toEqual([
      'NIMBUS_KEY_ID: it is not needed, since NIMBUS_USER has the number of the key.',
    ])
    expect(advice({})).toEqual([])
  })

  it('has plain URLs only where anybody may read the collection, and no signed ones', async () => {
    const closed = storageWith({ ...ACCOUNT, collection: COLLECTION })
    await expect(closed.url('a b.txt')).rejects.toMatchObject({ code: 'unsupported', message: /publicRead/ })
    const open = storageWith({ ...ACCOUNT, collection: COLLECTION, publicRead: true, location: 'x' })
    expect(await open.url('a b/é#?.txt')).toBe('https://alice-files.nimbus.io/data/x/a%20b/%C3%A9%23%3F.txt')
    await expect(open.url('a', { method: 'PUT' })).rejects.toMatchObject({ code: 'unsupported' })
    const local = storageWith({
      ...ACCOUNT,
      collection: COLLECTION,
      publicRead: true,
      domain: 'x.org',
      port: 8080,
      secure: false,
    })
    expect(await local.url('a')).toBe('http://alice-files.x.org:8080/data/a')
    expect([closed.supports('publicUrl'), open.supports('publicUrl'), open.supports('signedUrl')]).toEqual([
      false,
      true,
      false,
    ])
  })
})

/** Where entries come from, how they are found, and what is said of bad ones. */
import { inspect } from 'node:util'
import { afterEach, describe, expect, it } from 'vitest'
import { LibCloudStorage } from '../../../src/backends/libcloud/index.ts'
import { configure, resolveBackend, storages } from '../../../src/config/index.ts'
import { scriptedClient } from '../../support/scripted-client.ts'
import { entryOf, storageOf, storagesOf } from './support.ts'

afterEach(() => configure({}))

const providers = {
  amazon_1: entryOf('S3', { bucket: 'bucket-1' }),
  amazon_2: entryOf('S3', { bucket: 'bucket-2' }),
  default: entryOf('S3', { bucket: 'bucket-0' }),
}
const at = storagesOf(providers)

describe('which entry is used', () => {
  it('case 3: DEFAULT_LIBCLOUD_PROVIDER names it where no argument does; the argument wins', () => {
    const chosen = storagesOf(providers, { settings: { DEFAULT_LIBCLOUD_PROVIDER: 'amazon_2' } })
    expect([chosen().bucket, chosen('amazon_1').bucket]).toEqual(['bucket-2', 'bucket-1'])
  })

  it('D.6 162: the entry `default` where nothing is named', () => {
    expect([at().bucket, at().provider]).toEqual(['bucket-0', 'default'])
  })

  it('case 4: an unknown name is refused in the words of django-storages', () => {
    const named = (message: string) => expect.objectContaining({ code: 'improperly_configured', message })
    expect(() => at('x')).toThrow(named('LIBCLOUD_PROVIDERS x not defined or invalid'))
    expect(() => at('amazon_3')).toThrow(
      named("LIBCLOUD_PROVIDERS amazon_3 not defined or invalid (did you mean 'amazon_1'?)"),
    )
    expect(() => storagesOf({})()).toThrow(
      named('LIBCLOUD_PROVIDERS default not defined or invalid (it has no entries)'),
    )
    for (const bad of [{}, null, [], 'text', 0]) {
      expect(() => storageOf(bad)).toThrow(named('LIBCLOUD_PROVIDERS only not defined or invalid'))
    }
    expect(() => at('constructor')).toThrow('LIBCLOUD_PROVIDERS constructor not defined or invalid')
  })

  it('`amazon-1` is `amazon_1`, as the manual takes them for one; a name that is spelt so wins, and two that could be meant are none', () => {
    expect(at('amazon-1').provider).toBe('amazon_1')
    const both = storagesOf({ 'a-1': entryOf('S3', { bucket: 'dash' }), a_1: entryOf('S3', { bucket: 'under' }) })
    expect([both('a-1').bucket, both('a_1').bucket]).toEqual(['dash', 'under'])
    const doubtful = storagesOf({ 'a-b_c': entryOf('S3'), 'a_b-c': entryOf('S3') })
    expect(() => doubtful('a_b_c')).toThrow('LIBCLOUD_PROVIDERS a_b_c not defined or invalid')
  })
})

describe('where entries come from', () => {
  it('the settings object, by Django’s class path, by a short name, and with provider_name in OPTIONS', () => {
    configure({
      STORAGES: {
        default: { BACKEND: 'storages.backends.apache_libcloud.LibCloudStorage' },
        second: { BACKEND: 'libcloud', OPTIONS: { provider_name: 'amazon_2' } },
        third: { BACKEND: 'libcloud', OPTIONS: { providerName: 'amazon_1', location: 'below' } },
      },
      LIBCLOUD_PROVIDERS: providers,
    })
    const found = ['default', 'second', 'third'].map(alias => storages.get(alias) as LibCloudStorage)
    expect(found.map(storage => [storage.constructor.name, storage.bucket])).toEqual([
      ['LibCloudStorage', 'bucket-0'],
      ['LibCloudStorage', 'bucket-2'],
      ['LibCloudStorage', 'bucket-1'],
    ])
    expect(found[2]!.keyOf('a.txt')).toBe('below/a.txt')
    expect(resolveBackend('libcloud').name).toBe('LibCloudStorage')
  })

  it('the environment as JSON', () => {
    const env = { LIBCLOUD_PROVIDERS: JSON.stringify(providers), DEFAULT_LIBCLOUD_PROVIDER: 'amazon_2' }
    expect(new LibCloudStorage({}, { settings: {}, env }).bucket).toBe('bucket-2')
    expect(new LibCloudStorage('amazon_1', { settings: {}, env }).bucket).toBe('bucket-1')
    const broken = { LIBCLOUD_PROVIDERS: '{"x": {"key": "s3cret"' }
    expect(() => new LibCloudStorage({}, { settings: {}, env: broken })).toThrow(
      'providers (LIBCLOUD_PROVIDERS): expected an object (JSON in the environment).',
    )
  })

  it('settings of the backends themselves say nothing: the entry alone does', async () => {
    const settings = { AWS_S3_ENDPOINT_URL: 'https://evil.test', AWS_LOCATION: 'x', AWS_QUERYSTRING_AUTH: false }
    const env = { AWS_S3_ENDPOINT_URL: 'https://evil.test', AWS_S3_REGION_NAME: 'moon', AWS_PROFILE: 'other' }
    // One that no entry can set.
    const domain = { AWS_S3_CUSTOM_DOMAIN: 'evil.test' }
    for (const [all, variables] of [
      [settings, env],
      [{ ...settings, ...domain }, env],
      [settings, { ...env, ...domain }],
    ] as const) {
      const url = new URL(await storageOf(entryOf('S3'), { settings: all, env: variables }).url('a.txt'))
      expect([url.host, url.pathname, url.searchParams.has('X-Amz-Signature')]).toEqual([
        's3.amazonaws.com',
        '/media/a.txt',
        true,
      ])
    }
  })
})

describe('bad entries', () => {
  it.each(['user', 'key', 'bucket'])('case 12: a missing %s is named together with the entry', missing => {
    for (const value of [undefined, null, '']) {
      expect(() => storageOf(entryOf('S3', { [missing]: value }))).toThrow(
        expect.objectContaining({
          code: 'improperly_configured',
          message: `Unable to create libcloud driver type libcloud.storage.types.Provider.S3: LIBCLOUD_PROVIDERS['only'] has no '${missing}'`,
        }),
      )
    }
  })

  it('a missing type is named', () => {
    expect(() => storageOf(entryOf('S3', { type: undefined }))).toThrow("LIBCLOUD_PROVIDERS['only'] has no 'type'")
  })

  it('a key that nothing reads is refused with the one that is probably meant; one of another type with those that this one reads', () => {
    expect(() => storageOf(entryOf('S3', { regoin: 'x' }))).toThrow(
      "Invalid setting 'regoin' for LIBCLOUD_PROVIDERS['only'] (did you mean 'region'?)",
    )
    expect(() => storageOf(entryOf('S3', { auth_url: 'https://keystone.test' }))).toThrow(
      /LIBCLOUD_PROVIDERS\['only'\]: 'auth_url' has no effect on S3, which takes type, user, key, bucket, .*region/,
    )
  })

  it('what the backend refuses is said in terms of the entry', () => {
    expect(() => storageOf(entryOf('S3', { bucket: 'not a bucket' }))).toThrow(/LIBCLOUD_PROVIDERS\['only'\]: bucket/)
    expect(() => storageOf(entryOf('AZURE_BLOBS', { bucket: 'a+b' }))).toThrow(/LIBCLOUD_PROVIDERS\['only'\]: bucket/)
    expect(() => storageOf(entryOf('S3', { region: 'a b' }))).toThrow(/LIBCLOUD_PROVIDERS\['only'\]: region/)
  })

  it('what the manual has for the reader to replace is refused where it would be sent, not before', async () => {
    const storage = storageOf(entryOf('S3', { user: '<your username here>' }))
    expect(storage.bucket).toBe('media')
    await expect(storage.save('a.txt', 'a')).rejects.toMatchObject({
      code: 'improperly_configured',
      message:
        "LIBCLOUD_PROVIDERS['only']: 'user' still has the placeholder of the manual; replace it with your own value.",
    })
  })
})

describe('options', () => {
  it('the time-out of an entry is that of the storage, unless the program gives another one', () => {
    const entry = entryOf('S3', { timeout: 7 })
    const storage = storageOf(entry)
    expect([storage.options.timeoutSecs, storage.backend.options]).toEqual([
      7,
      expect.objectContaining({ timeoutSecs: 7 }),
    ])
    expect(storage.origins['timeoutSecs']).toEqual({ from: 'setting', key: "LIBCLOUD_PROVIDERS['only'].timeout" })
    expect(storageOf(entry, {}, { timeoutSecs: 9 }).options.timeoutSecs).toBe(9)
    expect(storageOf(entryOf('S3')).options.timeoutSecs).toBe(60)
  })

  it('prints no secret, in whatever way it is printed', () => {
    const secrets = { key: 's3cret-key', token: 's3cret-token', unknown_key: 's3cret-unknown', host: 'u:s3cret@h' }
    const mixed = { good: entryOf('S3', { key: 's3cret-good' }), bad: secrets, odd: 's3cret-odd', list: ['s3cret'] }
    const storage = storagesOf(mixed)('good')
    for (const text of [
      inspect(storage, { depth: 9 }),
      JSON.stringify(storage),
      inspect(storage.options),
      JSON.stringify(storage.options),
      inspect(storage.backend),
    ]) {
      expect(text).not.toContain('s3cret')
      expect(text).toContain('***')
    }
    expect(JSON.stringify(storage)).toContain('AKIDTEST')
    for (const wrong of [
      { ...secrets, type: 'S3' },
      { type: 'S4', ...secrets },
    ]) {
      expect(() => storagesOf({ wrong })('wrong')).toThrow(expect.not.stringContaining('s3cret') as never)
      try {
        storagesOf({ wrong })('wrong')
      } catch (error) {
        expect(inspect(error)).not.toContain('s3cret')
      }
    }
  })

  it.each(['S3', 'GOOGLE_STORAGE', 'AZURE_BLOBS', 'OPENSTACK_SWIFT', 'CLOUDFILES', 'ATMOS', 'NIMBUS'])(
    'nor does the driver of %s',
    type => {
      const own = type === 'NIMBUS' ? { key_id: 1 } : type === 'OPENSTACK_SWIFT' ? { auth_version: '3' } : {}
      const storage = storageOf(entryOf(type, { key: 's3cretAA', host: 'host.test', ...own }))
      for (const printed of [
        storage.driver,
        storage.calls,
        storage.backend.calls.driver,
        storage.calls.driver.containers,
      ]) {
        expect(inspect(printed, { depth: 12 }) + JSON.stringify(printed)).not.toContain('s3cret')
      }
    },
  )

  it('a client of the program sends the requests, and those of the driver for other containers', async () => {
    const headers = { 'content-length': '4', etag: '"1"', 'last-modified': new Date(0).toUTCString() }
    const httpClient = scriptedClient(() => ({ status: 200, headers }))
    await using storage = storageOf(entryOf('S3'), { httpClient })
    expect([await storage.size('a.txt'), (await storage.driver.getObject('other', 'b.txt')).size]).toEqual([4, 4])
    expect(httpClient.asked.map(({ method, url }) => `${method} ${url}`)).toEqual([
      'HEAD https://s3.amazonaws.com/media/a.txt',
      'HEAD https://s3.amazonaws.com/other/b.txt',
    ])
  })

  it('a storage that is read-only refuses changes in every container, and of the account', async () => {
    await using storage = storageOf(entryOf('S3'), {}, { readOnly: true })
    const refused = { code: 'permission_denied' }
    await expect(storage.save('a.txt', 'a')).rejects.toMatchObject(refused)
    await expect(storage.driver.createContainer('other')).rejects.toMatchObject(refused)
    await expect(storage.driver.uploadObjectViaStream('a', 'other', 'a.txt')).rejects.toMatchObject(refused)
    await expect(storage.driver.deleteObject({ container: 'other', name: 'a.txt' })).rejects.toMatchObject(refused)
  })

  it('the entries that a program was given are not changed', () => {
    const own = { only: Object.freeze(entryOf('S3')) }
    const before = structuredClone(own)
    storagesOf(Object.freeze(own))('only')
    expect(own).toEqual(before)
  })
})

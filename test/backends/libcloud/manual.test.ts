/** Chapter 2 of the manual of django-storages 1.7.1, in its order. */
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import { LibCloudStorage, security } from '../../../src/backends/libcloud/index.ts'
import { configure, defaultStorage } from '../../../src/config/index.ts'
import { startStrictGcs } from '../../servers/strict-gcs.ts'
import { startStrictS3 } from '../../servers/strict-s3.ts'
import { hostOf } from './support.ts'

const [amazon, google] = await Promise.all([
  startStrictS3({ buckets: ['bucket-2'] }),
  startStrictGcs({ buckets: ['bucket-3'] }),
])
afterAll(() => Promise.all([amazon.close(), google.close()]))
afterEach(() => {
  configure({})
  security.CA_CERTS_PATH = null
})

/** 2.1.1, word for word. */
const LIBCLOUD_PROVIDERS = {
  amazon_1: {
    type: 'libcloud.storage.types.Provider.S3_US_STANDARD_HOST',
    user: '<your username here>',
    key: '<your key here>',
    bucket: 'bucket-1',
  },
  amazon_2: {
    type: 'libcloud.storage.types.Provider.S3_US_STANDARD_HOST',
    user: '<your username here>',
    key: '<your key here>',
    bucket: 'bucket-2',
  },
  google: {
    type: 'libcloud.storage.types.Provider.GOOGLE_STORAGE',
    user: '<Your Google APIv1 username>',
    key: '<Your Google APIv1 Key>',
    bucket: 'bucket-3',
  },
} as const

/** The same with what a reader puts in the place of the angle brackets, and at the test servers. */
function filled() {
  const { accessKeyId: user, secretAccessKey: key } = amazon.credentials
  const [s3, gcs] = [hostOf(amazon.url), hostOf(google.url)]
  const { amazon_1, amazon_2, google: third } = LIBCLOUD_PROVIDERS
  return {
    amazon_1: { ...amazon_1, ...s3, user, key },
    amazon_2: { ...amazon_2, ...s3, user, key },
    google: { ...third, ...gcs, user: google.hmac.accessId, key: google.hmac.secret },
  }
}

describe('2.1.1 LIBCLOUD_PROVIDERS', () => {
  it('case 1: the example word for word gives three storages, which say at the first use that they need keys', async () => {
    configure({ LIBCLOUD_PROVIDERS })
    const storages = ['amazon_1', 'amazon_2', 'google'].map(name => new LibCloudStorage(name))
    expect(storages.map(({ bucket }) => bucket)).toEqual(['bucket-1', 'bucket-2', 'bucket-3'])
    for (const storage of storages) {
      await expect(storage.driver.createContainer(storage.bucket)).rejects.toThrow(
        `LIBCLOUD_PROVIDERS['${storage.provider}']: 'user' still has the placeholder of the manual`,
      )
    }
  })

  it('case 1: with keys they are two buckets at Amazon and one at Google', async () => {
    configure({ LIBCLOUD_PROVIDERS: filled() })
    await using first = new LibCloudStorage('amazon_1')
    await using second = new LibCloudStorage('amazon_2')
    await using third = new LibCloudStorage('google')
    expect([first, second, third].map(({ driver }) => driver.name)).toEqual(['s3', 's3', 'gcs'])
    await second.save('a.txt', 'second')
    await third.save('a.txt', 'third')
    expect([...amazon.bucket('bucket-2').objects.keys()]).toEqual(['a.txt'])
    expect([...google.bucket('bucket-3').objects.keys()]).toEqual(['a.txt'])
  })

  it('"the bucket must exist before you can start using it"; the storage API makes it', async () => {
    configure({ LIBCLOUD_PROVIDERS: filled() })
    await using store = new LibCloudStorage('amazon_1')
    await expect(store.save('a.txt', 'text')).rejects.toThrow(/bucket/i)
    await store.driver.createContainer('bucket-1')
    expect(await store.save('a.txt', 'text')).toBe('a.txt')
    expect((await store.driver.listContainers()).map(({ name }) => name).sort()).toEqual(['bucket-1', 'bucket-2'])
    expect((await store.driver.getContainer('bucket-1')).name).toBe('bucket-1')
    await expect(store.driver.createContainer('bucket-1')).rejects.toMatchObject({ code: 'exists' })
    await expect(store.driver.deleteContainer('bucket-1')).rejects.toMatchObject({ code: 'not_empty' })
    await store.delete('a.txt')
    await store.driver.deleteContainer('bucket-1')
    await expect(store.driver.getContainer('bucket-1')).rejects.toMatchObject({ code: 'not_found' })
  })
})

describe('2.1.2 DEFAULT_LIBCLOUD_PROVIDER', () => {
  it('names the provider that is used where none is; `amazon-1`, as the manual spells it, is `amazon_1`', () => {
    for (const DEFAULT_LIBCLOUD_PROVIDER of ['amazon_1', 'amazon-1']) {
      configure({ LIBCLOUD_PROVIDERS: filled(), DEFAULT_LIBCLOUD_PROVIDER })
      expect(new LibCloudStorage().bucket).toBe('bucket-1')
    }
  })

  it('"the Libcloud backend will assume that the default storage backend is named default"', () => {
    configure({ LIBCLOUD_PROVIDERS: { ...filled(), default: filled().google } })
    expect(new LibCloudStorage().bucket).toBe('bucket-3')
    configure({ LIBCLOUD_PROVIDERS: filled() })
    expect(() => new LibCloudStorage()).toThrow('LIBCLOUD_PROVIDERS default not defined or invalid')
  })
})

it('2.1.3 DEFAULT_FILE_STORAGE: "Your default Libcloud provider will be used as the file store."', async () => {
  configure({
    DEFAULT_FILE_STORAGE: 'storages.backends.apache_libcloud.LibCloudStorage',
    DEFAULT_LIBCLOUD_PROVIDER: 'google',
    LIBCLOUD_PROVIDERS: filled(),
  })
  expect(defaultStorage.constructor.name).toBe('LibCloudStorage')
  expect(await defaultStorage.save('default.txt', 'text')).toBe('default.txt')
  expect(google.bucket('bucket-3').objects.has('default.txt')).toBe(true)
  await defaultStorage.close()
})

it('2.2: the error of a machine without certificates, and the two lines that end it', () => {
  const entry = { ...LIBCLOUD_PROVIDERS.amazon_1, user: 'AKID', key: 'secret' }
  configure({ LIBCLOUD_PROVIDERS: { amazon_1: entry } })
  security.CA_CERTS_PATH = ['/of/another/system.pem']
  expect(() => new LibCloudStorage('amazon_1')).toThrow(
    expect.objectContaining({
      name: 'ImproperlyConfigured',
      message:
        'Unable to create libcloud driver type libcloud.storage.types.Provider.S3_US_STANDARD_HOST: ' +
        'No CA Certificates were found in CA_CERTS_PATH.',
    }),
  )
})

/** Which backend a type is reached by, and what is said of types that there are not. */
import { describe, expect, it } from 'vitest'
import { AzureStorage } from '../../../src/backends/azure/index.ts'
import { GcsStorage } from '../../../src/backends/gcs/index.ts'
import { PROVIDER_TYPES } from '../../../src/backends/libcloud/types.ts'
import { LocalStorage } from '../../../src/backends/local/index.ts'
import { S3Storage } from '../../../src/backends/s3/index.ts'
import { entryOf, MODULE, storageOf } from './support.ts'

const urlOf = async (type: string, more: Readonly<Record<string, unknown>> = {}) => {
  const storage = storageOf(entryOf(type, more))
  expect(storage.backend).toBeInstanceOf(S3Storage)
  return new URL(await storage.url('a b.txt'))
}
const scopeOf = (url: URL) => url.searchParams.get('X-Amz-Credential')?.split('/')[2]

describe('the S3 hosts of the manual, which libcloud never had as types', () => {
  it.each([
    ['S3_US_STANDARD_HOST', 's3.amazonaws.com', 'us-east-1'],
    ['S3_US_WEST_HOST', 's3.us-west-1.amazonaws.com', 'us-west-1'],
    ['S3_US_WEST_OREGON_HOST', 's3.us-west-2.amazonaws.com', 'us-west-2'],
    ['S3_EU_WEST_HOST', 's3.eu-west-1.amazonaws.com', 'eu-west-1'],
    ['S3_AP_SOUTHEAST_HOST', 's3.ap-southeast-1.amazonaws.com', 'ap-southeast-1'],
    ['S3_AP_NORTHEAST_HOST', 's3.ap-northeast-1.amazonaws.com', 'ap-northeast-1'],
  ])('%s', async (type, host, region) => {
    const url = await urlOf(type)
    expect([url.host, url.pathname, scopeOf(url)]).toEqual([host, '/media/a%20b.txt', region])
  })
})

it('case 9: S3_US_WEST and its like, and S3 with a region, are the same driver as the host of the manual', async () => {
  for (const [type, region] of [
    ['S3_US_WEST', 'us-west-1'],
    ['S3_US_EAST2', 'us-east-2'],
    ['S3_US_WEST_OREGON', 'us-west-2'],
    ['S3_US_GOV_WEST', 'us-gov-west-1'],
    ['S3_CN_NORTH', 'cn-north-1'],
    ['S3_CN_NORTHWEST', 'cn-northwest-1'],
    ['S3_EU_WEST', 'eu-west-1'],
    ['S3_EU_WEST2', 'eu-west-2'],
    ['S3_EU_CENTRAL', 'eu-central-1'],
    ['S3_EU_NORTH1', 'eu-north-1'],
    ['S3_AP_SOUTH', 'ap-south-1'],
    ['S3_AP_SOUTHEAST', 'ap-southeast-1'],
    ['S3_AP_SOUTHEAST2', 'ap-southeast-2'],
    ['S3_AP_NORTHEAST', 'ap-northeast-1'],
    ['S3_AP_NORTHEAST1', 'ap-northeast-1'],
    ['S3_AP_NORTHEAST2', 'ap-northeast-2'],
    ['S3_SA_EAST', 'sa-east-1'],
    ['S3_CA_CENTRAL', 'ca-central-1'],
  ]) {
    const [tagged, given, constant] = [await urlOf(type!), await urlOf('S3', { region }), await urlOf(`${type}_HOST`)]
    expect([tagged.origin, tagged.pathname, scopeOf(tagged)], type).toEqual([given.origin, given.pathname, region])
    expect([constant.origin, scopeOf(constant)], type).toEqual([given.origin, region])
  }
})

it('services that speak S3 are at the hosts that libcloud has for them', async () => {
  for (const [type, more, origin, region] of [
    ['MINIO', { host: 'minio.test', port: 9000, secure: false }, 'http://minio.test:9000', 'us-east-1'],
    ['S3_RGW', { host: 'rgw.test' }, 'https://rgw.test', 'default'],
    ['S3_RGW_OUTSCALE', {}, 'https://osu.eu-west-2.outscale.com', 'eu-west-2'],
    ['S3_RGW_OUTSCALE', { region: 'us-east-2' }, 'https://osu.us-east-2.outscale.com', 'us-east-2'],
    ['DIGITALOCEAN_SPACES', {}, 'https://nyc3.digitaloceanspaces.com', 'nyc3'],
    ['DIGITALOCEAN_SPACES', { region: 'fra1' }, 'https://fra1.digitaloceanspaces.com', 'fra1'],
    ['SCALEWAY', {}, 'https://s3.fr-par.scw.cloud', 'fr-par'],
    ['OVH', {}, 'https://s3.sbg.perf.cloud.ovh.net', 'sbg'],
    ['OVH', { region: 'de' }, 'https://s3.de.io.cloud.ovh.net', 'de'],
    ['BACKBLAZE_B2', { region: 'us-west-004' }, 'https://s3.us-west-004.backblazeb2.com', 'us-west-004'],
    ['S3', { host: 's3.test:8080', ssl: false, region: 'moon' }, 'http://s3.test:8080', 'moon'],
    ['MINIO', { host: '::1', port: 9000 }, 'https://[::1]:9000', 'us-east-1'],
  ] as const) {
    const url = await urlOf(type, more)
    expect([url.origin, url.pathname, scopeOf(url)], type).toEqual([origin, '/media/a%20b.txt', region])
  }
  // The second version of the signature has no scope.
  const aurora = await urlOf('AURORAOBJECTS')
  expect([aurora.origin, aurora.searchParams.has('Signature')]).toEqual(['https://o.auroraobjects.eu', true])
  expect((await urlOf('S3', { signature_version: 2 })).searchParams.has('Signature')).toBe(true)
})

it('another host is not taken for Amazon’s, whose services keep conditions and check checksums', () => {
  const providerOf = (type: string, more = {}) => storageOf(entryOf(type, more)).backend.options.provider
  expect([providerOf('S3'), providerOf('S3_EU_WEST')]).toEqual(['aws', 'aws'])
  expect(providerOf('S3', { host: 's3.test' })).toBe(null)
  expect(providerOf('MINIO', { host: 's3.test' })).toBe('minio')
})

it('Google, Azure and the local disk have their own backends', () => {
  const hmac = storageOf(entryOf('GOOGLE_STORAGE', { user: 'GOOG1234567890123456' })).backend
  expect(hmac).toBeInstanceOf(GcsStorage)
  expect(hmac.options).toMatchObject({ hmacKeyId: 'GOOG1234567890123456', bucketName: 'media', hmacSignature: 'GOOG4' })
  const user = 'app@project.iam.gserviceaccount.com'
  const key = '-----BEGIN PRIVATE KEY-----\nMII\n-----END PRIVATE KEY-----\n'
  expect(storageOf(entryOf('GOOGLE_STORAGE', { user, key })).backend.options).toMatchObject({
    hmacKeyId: null,
    credentials: { type: 'service_account', client_email: user },
  })
  const azure = storageOf(entryOf('AZURE_BLOBS', { user: 'account' })).backend
  expect(azure).toBeInstanceOf(AzureStorage)
  expect(azure.options).toMatchObject({ accountName: 'account', azureContainer: 'media', endpointUrl: null })
  const china = storageOf(entryOf('AZURE_BLOBS', { host: 'blob.core.chinacloudapi.cn' })).backend
  expect(china.options).toMatchObject({ endpointSuffix: 'core.chinacloudapi.cn' })
  const local = storageOf({ type: 'LOCAL', user: '/srv/containers', bucket: 'media' }).backend
  expect(local).toBeInstanceOf(LocalStorage)
  expect(local.options).toMatchObject({ location: '/srv/containers/media' })
})

it('the type may stand alone, in any case, as the value of libcloud’s constant is', () => {
  expect(storageOf({ ...entryOf('S3'), type: 'S3_EU_WEST' }).providerType).toBe('S3_EU_WEST')
  expect(storageOf({ ...entryOf('S3'), type: 's3_eu_west' }).providerType).toBe('S3_EU_WEST')
  expect(PROVIDER_TYPES.size).toBeGreaterThan(60)
})

it('case 6, D.6 163: a type in another module is "Invalid module path"', () => {
  for (const type of ['x.y.Z', 'libcloud.compute.types.Provider.EC2', 'Provider.S3', `${MODULE}.S3.X`]) {
    expect(() => storageOf({ ...entryOf('S3'), type })).toThrow(
      expect.objectContaining({
        code: 'improperly_configured',
        message: `Unable to create libcloud driver type ${type}: Invalid module path`,
      }),
    )
  }
})

it('case 7: an unknown type is named, with the one that is probably meant', () => {
  const refused = (tag: string) => {
    try {
      storageOf(entryOf(tag))
    } catch (error) {
      return (error as Error).message
    }
    return undefined
  }
  const start = `Unable to create libcloud driver type ${MODULE}.`
  const entry = "LIBCLOUD_PROVIDERS['only']"
  expect(refused('S3_EU_WESTT')).toBe(
    `${start}S3_EU_WESTT: ${entry}: type: there is no provider 'S3_EU_WESTT' (did you mean 'S3_EU_WEST'?)`,
  )
  expect(refused('QQQQQQQQ')).toBe(`${start}QQQQQQQQ: ${entry}: type: there is no provider 'QQQQQQQQ'`)
  expect(refused('constructor')).toBe(`${start}constructor: ${entry}: type: there is no provider 'constructor'`)
  expect(refused('DUMMY')).toContain("use BACKEND 'memory'")
  expect(refused('ALIYUN_OSS')).toContain('S3-compatible endpoint')
})

it('what a type needs and lacks is named: a host, a region, an application key', () => {
  const refused =
    (type: string, more = {}) =>
    () =>
      storageOf(entryOf(type, more))
  expect(refused('MINIO')).toThrow('host must be set for MINIO')
  expect(refused('BACKBLAZE_B2')).toThrow('region must be set for BACKBLAZE_B2')
  expect(refused('BACKBLAZE_B2', { region: 'us-west-004', user: '0123456789ab' })).toThrow('no master key')
  expect(refused('S3_EU_WEST', { region: 'us-east-1' })).toThrow(
    "region: S3_EU_WEST is in eu-west-1, not in 'us-east-1'",
  )
  expect(refused('S3_RGW_OUTSCALE', { region: 'x' })).toThrow('region: S3_RGW_OUTSCALE has eu-west-1, eu-west-2')
  expect(refused('SCALEWAY', { region: 'evil.test/x' })).toThrow("region: expected a part of a host's name")
  expect(refused('S3', { port: 9000 })).toThrow('port: it has no effect without a host')
  expect(refused('MINIO', { host: 'https://minio.test' })).toThrow(
    'host: expected the name of a host, without a scheme',
  )
  expect(refused('MINIO', { host: 'minio.test:1', port: 2 })).toThrow('port: 2 is not that of the host')
  expect(refused('LOCAL', { bucket: '../x' })).toThrow('bucket: it has a slash')
})

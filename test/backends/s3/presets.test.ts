import { Readable } from 'node:stream'
import { describe, expect, test } from 'vitest'
import { S3Storage } from '../../../src/backends/s3/index.ts'
import { presetOf } from '../../../src/backends/s3/settings/presets.ts'
import type { S3Options } from '../../../src/backends/s3/settings/settings.ts'
import { SpacesStorage } from '../../../src/backends/spaces/index.ts'
import type { Content } from '../../../src/core/content.ts'
import type { Input } from '../../../src/core/settings.ts'
import { piecesOf } from '../../../src/remote/pieces.ts'
import { plainContext } from '../../../src/testing/index.ts'

const KEYS = { accessKey: 'AK', secretKey: 'SK', bucketName: 'bkt' }

const storage = (options: Input<S3Options>) => new S3Storage({ ...KEYS, ...options }, { settings: {}, env: {} })

describe('a provider', () => {
  test.each<[Input<S3Options>, string, string]>([
    [{ provider: 'aws' }, 'https://bkt.s3.amazonaws.com/a', 'us-east-1'],
    [{ provider: 'aws', regionName: 'eu-west-1' }, 'https://bkt.s3.eu-west-1.amazonaws.com/a', 'eu-west-1'],
    [{ provider: 'r2', accountId: 'acc' }, 'https://acc.r2.cloudflarestorage.com/bkt/a', 'auto'],
    [{ provider: 'digitalocean', regionName: 'nyc3' }, 'https://nyc3.digitaloceanspaces.com/bkt/a', 'nyc3'],
    [
      { provider: 'backblaze', regionName: 'us-west-004' },
      'https://s3.us-west-004.backblazeb2.com/bkt/a',
      'us-west-004',
    ],
    [{ provider: 'wasabi' }, 'https://s3.us-east-1.wasabisys.com/bkt/a', 'us-east-1'],
    [{ provider: 'wasabi', regionName: 'eu-west-3' }, 'https://s3.eu-west-3.wasabisys.com/bkt/a', 'eu-west-3'],
    [{ provider: 'scaleway', regionName: 'fr-par' }, 'https://s3.fr-par.scw.cloud/bkt/a', 'fr-par'],
    [
      { provider: 'oracle', accountId: 'ns', regionName: 'us-phoenix-1' },
      'https://ns.compat.objectstorage.us-phoenix-1.oci.customer-oci.com/bkt/a',
      'us-phoenix-1',
    ],
    [{ provider: 'ovh', regionName: 'gra' }, 'https://s3.gra.io.cloud.ovh.net/bkt/a', 'gra'],
    [{ provider: 'ovh', regionName: 'us-east-va' }, 'https://s3.us-east-va.io.cloud.ovh.us/bkt/a', 'us-east-va'],
    [{ provider: 'google' }, 'https://storage.googleapis.com/bkt/a', 'us-east-1'],
    [{ provider: 'minio', endpointUrl: 'http://localhost:9000' }, 'http://localhost:9000/bkt/a', 'us-east-1'],
    [{ provider: 'ceph', endpointUrl: 'https://rgw.example' }, 'https://rgw.example/bkt/a', 'us-east-1'],
  ])('%j has its endpoint and its region', async (options, url, region) => {
    const signed = new URL(await storage(options).url('a'))
    expect(signed.origin + signed.pathname).toBe(url)
    expect(signed.searchParams.get('X-Amz-Credential')!.split('/')[2]).toBe(region)
  })

  test.each<[Input<S3Options>, string]>([
    [{ provider: 'r2' }, 'AWS_S3_ACCOUNT_ID'],
    [{ provider: 'digitalocean' }, 'AWS_S3_REGION_NAME'],
    [{ provider: 'backblaze' }, 'AWS_S3_REGION_NAME'],
    [{ provider: 'scaleway' }, 'AWS_S3_REGION_NAME'],
    [{ provider: 'oracle', regionName: 'us-phoenix-1' }, 'AWS_S3_ACCOUNT_ID'],
    [{ provider: 'oracle', accountId: 'ns' }, 'AWS_S3_REGION_NAME'],
    [{ provider: 'ovh' }, 'AWS_S3_REGION_NAME'],
    [{ provider: 'minio' }, 'AWS_S3_ENDPOINT_URL'],
    [{ provider: 'ceph' }, 'AWS_S3_ENDPOINT_URL'],
  ])('%j says what is missing, and never falls back on Amazon', async (options, setting) => {
    await expect(storage(options).url('a')).rejects.toMatchObject({
      code: 'improperly_configured',
      message: `${setting} must be set for the provider '${options.provider}'.`,
    })
  })

  test.each([
    [null, 'aws'],
    ['https://s3.eu-west-1.amazonaws.com', 'aws'],
    ['https://bucket.vpce-1.s3.eu-west-1.vpce.amazonaws.com', 'aws'],
    ['https://s3.cn-north-1.amazonaws.com.cn', 'aws'],
    ['https://acc.r2.cloudflarestorage.com', 'r2'],
    ['https://acc.eu.r2.cloudflarestorage.com', 'r2'],
    ['nyc3.digitaloceanspaces.com', 'digitalocean'],
    ['https://s3.us-west-004.backblazeb2.com', 'backblaze'],
    ['https://s3.wasabisys.com', 'wasabi'],
    ['https://s3.nl-ams.scw.cloud', 'scaleway'],
    ['https://ns.compat.objectstorage.us-phoenix-1.oraclecloud.com', 'oracle'],
    ['https://ns.compat.objectstorage.us-phoenix-1.oci.customer-oci.com', 'oracle'],
    ['https://s3.gra.perf.cloud.ovh.net', 'ovh'],
    ['https://s3.us-east-va.io.cloud.ovh.us', 'ovh'],
    ['https://storage.googleapis.com', 'google'],
    ['http://localhost:9000', undefined],
    ['https://amazonaws.com.evil.example', undefined],
    ['https://notamazonaws.com', undefined],
  ])('at %s is told by its host', (endpointUrl, provider) => {
    expect(presetOf(null, endpointUrl).provider).toBe(provider)
  })

  test('has conditions and checksums only where they are known to be kept', () => {
    const known = (provider: Parameters<typeof presetOf>[0]) => {
      const { conditions, conditionalComplete, conditionalCopy, checksums } = presetOf(provider, 'http://h')
      return [conditions, conditionalComplete, conditionalCopy, checksums]
    }
    expect(known('aws')).toEqual([true, true, true, true])
    expect(known('r2')).toEqual([true, false, false, false])
    for (const provider of [
      'digitalocean',
      'backblaze',
      'wasabi',
      'minio',
      'ceph',
      'scaleway',
      'oracle',
      'ovh',
    ] as const)
      expect(known(provider)).toEqual([undefined, false, false, false])
  })
})

describe('an endpoint with a place for the region', () => {
  test.each(['$' + '{AWS_S3_REGION_NAME}', '$' + '{region}'])('as %s gets it, also without a scheme', async place => {
    const files = new SpacesStorage(
      {},
      {
        settings: {
          AWS_ACCESS_KEY_ID: 'AK',
          AWS_SECRET_ACCESS_KEY: 'SK',
          AWS_STORAGE_BUCKET_NAME: 'bkt',
          AWS_S3_REGION_NAME: 'sfo2',
          AWS_S3_ENDPOINT_URL: `${place}.digitaloceanspaces.com`,
          AWS_QUERYSTRING_AUTH: false,
        },
        env: {},
      },
    )
    expect(await files.url('a b.txt')).toBe('https://sfo2.digitaloceanspaces.com/bkt/a%20b.txt')
  })

  test('is also found under the names that the SDKs know', async () => {
    const of = (env: Record<string, string>) =>
      new S3Storage({ ...KEYS, querystringAuth: false }, { settings: {}, env }).url('a')
    expect(await of({ AWS_ENDPOINT_URL: 'http://localhost:1' })).toBe('http://localhost:1/bkt/a')
    expect(await of({ AWS_ENDPOINT_URL: 'http://localhost:1', AWS_ENDPOINT_URL_S3: 'http://localhost:2' })).toBe(
      'http://localhost:2/bkt/a',
    )
  })
})

test('parts of an unknown length grow, unless the service wants them alike', async () => {
  const content: Content = {
    size: undefined,
    replayable: true,
    open: () => Readable.from([Buffer.alloc(1100)], { objectMode: false }),
  }
  const sizes = async (uniform: boolean) => {
    const found: number[] = []
    for await (const { size } of piecesOf(content, 1, { maxParts: 10_000, uniform }, plainContext())) found.push(size)
    return found
  }
  expect(new Set((await sizes(false)).slice(0, 1000))).toEqual(new Set([1]))
  expect((await sizes(false)).slice(1000)).toEqual(Array(50).fill(2))
  expect(await sizes(true)).toEqual(Array(1100).fill(1))
  expect(presetOf('r2', null).uniformParts).toBe(true)
})

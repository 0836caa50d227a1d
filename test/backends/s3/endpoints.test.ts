import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { S3Storage } from '../../../src/backends/s3/index.ts'
import type { S3Options } from '../../../src/backends/s3/settings/settings.ts'
import type { Input } from '../../../src/core/settings.ts'

let folder: string
let env: Record<string, string>

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 's3-endpoints-'))
  env = {
    HOME: folder,
    AWS_SHARED_CREDENTIALS_FILE: join(folder, 'credentials'),
    AWS_CONFIG_FILE: join(folder, 'config'),
  }
})
afterEach(() => rm(folder, { recursive: true }))

const write = (name: 'credentials' | 'config', ...lines: string[]) => writeFile(join(folder, name), lines.join('\n'))
const KEYS = ['aws_access_key_id = A', 'aws_secret_access_key = S']
const AMAZON = 'bkt.s3.eu-west-1.amazonaws.com'

/** The host, and the bucket's path if it is there, of the service that is spoken to. */
async function placeOf(more: Record<string, string> = {}, options: Input<S3Options> = {}): Promise<string> {
  const files = new S3Storage(
    { bucketName: 'bkt', querystringAuth: false, ...options },
    { settings: {}, env: { ...env, AWS_REGION: 'eu-west-1', ...more } },
  )
  const { host, pathname } = new URL(await files.url('a'))
  return host + pathname.slice(0, -2)
}

describe('the endpoint of the shared files', () => {
  test('is that of the services section, then that of the profile', async () => {
    await write(
      'config',
      '[default]',
      ...KEYS,
      'endpoint_url = http://own.test',
      '[profile s]',
      ...KEYS,
      'services = here',
      'endpoint_url = http://own.test',
      '[services here]',
      'dynamodb =',
      '  endpoint_url = http://wrong.test',
      's3 =',
      '  endpoint_url = http://services.test:9000',
      '  other = 1',
      '[services there]',
      's3 =',
      '  endpoint_url = http://wrong.test',
    )
    expect(await placeOf()).toBe('own.test/bkt')
    expect(await placeOf({ AWS_PROFILE: 's' })).toBe('services.test:9000/bkt')
    expect(await placeOf({}, { sessionProfile: 's' })).toBe('services.test:9000/bkt')
  })

  test('loses to the environment, the service’s own variable first, and to the options', async () => {
    await write('config', '[default]', ...KEYS, 'endpoint_url = http://own.test')
    const all = { AWS_ENDPOINT_URL: 'http://all.test' }
    expect(await placeOf(all)).toBe('all.test/bkt')
    expect(await placeOf({ ...all, AWS_ENDPOINT_URL_S3: 'http://s3.test' })).toBe('s3.test/bkt')
    expect(await placeOf({ ...all, AWS_S3_ENDPOINT_URL: 'http://ours.test' })).toBe('ours.test/bkt')
    expect(await placeOf(all, { endpointUrl: 'http://option.test' })).toBe('option.test/bkt')
    expect(await placeOf({}, { provider: 'wasabi' })).toContain('wasabisys.com')
  })

  test('does not count where endpoints are ignored, nor do those of the environment', async () => {
    await write(
      'config',
      '[default]',
      ...KEYS,
      'endpoint_url = http://own.test',
      '[profile quiet]',
      ...KEYS,
      'ignore_configured_endpoint_urls = true',
      'endpoint_url = http://own.test',
    )
    const ignore = { AWS_IGNORE_CONFIGURED_ENDPOINT_URLS: 'True' }
    expect(await placeOf(ignore)).toBe(AMAZON)
    expect(
      await placeOf({ ...ignore, AWS_ENDPOINT_URL: 'http://all.test', AWS_ENDPOINT_URL_S3: 'http://s3.test' }),
    ).toBe(AMAZON)
    expect(await placeOf({ ...ignore, AWS_S3_ENDPOINT_URL: 'http://ours.test' })).toBe('ours.test/bkt')
    expect(await placeOf(ignore, { endpointUrl: 'http://option.test' })).toBe('option.test/bkt')
    expect(await placeOf({ AWS_IGNORE_CONFIGURED_ENDPOINT_URLS: 'false' })).toBe('own.test/bkt')
    expect(await placeOf({ AWS_PROFILE: 'quiet' })).toBe(AMAZON)
  })

  test('counts beside keys of one’s own only where the profile is named', async () => {
    await write(
      'config',
      '[default]',
      'endpoint_url = http://own.test',
      '[profile named]',
      'endpoint_url = http://named.test',
    )
    const keys = { AWS_ACCESS_KEY_ID: 'A', AWS_SECRET_ACCESS_KEY: 'S' }
    expect(await placeOf(keys)).toBe(AMAZON)
    expect(await placeOf({ ...keys, AWS_PROFILE: 'named' })).toBe('named.test/bkt')
  })

  test('of the credentials file wins over that of the configuration file', async () => {
    await write('credentials', '[default]', ...KEYS, 'endpoint_url = http://credentials.test')
    await write('config', '[default]', 'endpoint_url = http://config.test', 'region = eu-central-1')
    expect(await placeOf()).toBe('credentials.test/bkt')
  })

  test('that is missing or bad is said so, with the profile', async () => {
    await write(
      'config',
      '[default]',
      ...KEYS,
      'services = nowhere',
      '[profile bad]',
      ...KEYS,
      'endpoint_url = http://a b',
    )
    await expect(placeOf()).rejects.toMatchObject({
      code: 'improperly_configured',
      message: expect.stringContaining("names the services section 'nowhere', which is not in"),
    })
    await expect(placeOf({ AWS_PROFILE: 'bad' })).rejects.toMatchObject({
      code: 'improperly_configured',
      message: expect.stringContaining("The AWS profile 'bad': endpoint_url: expected text without blanks"),
    })
  })

  test('is what the signature is for, with the region of the profile', async () => {
    await write('config', '[default]', ...KEYS, 'endpoint_url = http://own.test', 'region = RegionOne')
    const files = new S3Storage({ bucketName: 'bkt' }, { settings: {}, env })
    const url = new URL(await files.url('a'))
    expect(url.host).toBe('own.test')
    expect(url.searchParams.get('X-Amz-Credential')).toContain('/RegionOne/s3/')
  })
})

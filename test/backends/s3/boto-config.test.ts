import { afterEach, describe, expect, test, vi } from 'vitest'
import { S3Storage } from '../../../src/backends/s3/index.ts'
import type { S3Options } from '../../../src/backends/s3/settings/settings.ts'
import type { Input } from '../../../src/core/settings.ts'

const MIB = 1_048_576

function storage(options: Input<S3Options>, settings: Record<string, unknown> = {}, env: Record<string, string> = {}) {
  return new S3Storage({ bucketName: 'bkt', ...options }, { settings, env })
}

afterEach(() => {
  vi.restoreAllMocks()
})

describe('AWS_S3_TRANSFER_CONFIG', () => {
  test.each([
    [{ multipart_threshold: 50 * MIB }, { multipartThreshold: 50 * MIB, partSize: 8 * MIB }],
    [{ multipart_chunksize: 16 * MIB }, { partSize: 16 * MIB, multipartThreshold: 8 * MIB }],
    [{ multipart_chunksize: 1 }, { partSize: 5 * MIB }],
    [{ max_concurrency: 2 }, { uploadConcurrency: 2 }],
    [
      { maxConcurrency: 2, multipartThreshold: 1 },
      { uploadConcurrency: 2, multipartThreshold: 1 },
    ],
    [{ max_concurrency: 2, use_threads: false }, { uploadConcurrency: 1 }],
    [{ use_threads: true, max_concurrency: null }, { uploadConcurrency: 4 }],
  ])('%j has its effect', (transferConfig, wanted) => {
    expect(storage({ transferConfig }).options).toMatchObject(wanted)
    expect(storage({}, { AWS_S3_TRANSFER_CONFIG: transferConfig }).options).toMatchObject(wanted)
    expect(storage({}, {}, { AWS_S3_TRANSFER_CONFIG: JSON.stringify(transferConfig) }).options).toMatchObject(wanted)
  })

  test('is named where it gave a value, and wins over the option that it stands for', () => {
    const files = storage({ partSize: 6 * MIB }, { AWS_S3_TRANSFER_CONFIG: { multipart_chunksize: 7 * MIB } })
    expect(files.options.partSize).toBe(7 * MIB)
    expect(files.origins['partSize']).toEqual({ from: 'setting', key: 'AWS_S3_TRANSFER_CONFIG.multipart_chunksize' })
  })

  test('with a bad value is refused by name', () => {
    expect(() => storage({ transfer_config: { max_concurrency: 0 } } as never)).toThrow(
      'transfer_config.max_concurrency: expected a whole number of at least 1',
    )
  })

  test('says once what has no effect', () => {
    const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined)
    for (let round = 0; round < 2; round++)
      storage({}, { AWS_S3_TRANSFER_CONFIG: { max_bandwidth: 9, io_chunksize: 1 } })
    expect(warned.mock.calls.map(([text]) => text)).toEqual([
      "AWS_S3_TRANSFER_CONFIG: 'max_bandwidth' has no effect.",
      "AWS_S3_TRANSFER_CONFIG: 'io_chunksize' has no effect.",
    ])
  })
})

describe('AWS_S3_CLIENT_CONFIG', () => {
  test.each<[Record<string, unknown>, Partial<S3Options>]>([
    [{ signature_version: 's3' }, { signatureVersion: 's3' }],
    [{ s3: { addressing_style: 'path' } }, { addressingStyle: 'path' }],
    [{ s3: { addressingStyle: 'virtual' } }, { addressingStyle: 'virtual' }],
    [{ proxies: { https: 'p:1' } }, { proxies: { https: 'p:1' } }],
    [
      { connect_timeout: 2.5, read_timeout: 0.5 },
      { connectTimeoutSecs: 3, timeoutSecs: 0.5 },
    ],
    [{ max_pool_connections: 50 }, { maxSockets: 50 }],
    [{ retries: { max_attempts: 2, mode: 'standard' } }, { maxAttempts: 3 }],
    [{ retries: { total_max_attempts: 2 } }, { maxAttempts: 2 }],
    [{ request_checksum_calculation: 'when_required' }, { checksums: 'off' }],
    [{ response_checksum_validation: 'when_required' }, { checksums: 'when-supported' }],
    [{ region_name: 'eu-west-1' }, { regionName: 'eu-west-1' }],
  ])('%j has its effect', (clientConfig, wanted) => {
    const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined)
    const settings = {
      AWS_S3_SIGNATURE_VERSION: 's3v4',
      AWS_S3_ADDRESSING_STYLE: 'auto',
      AWS_S3_PROXIES: { http: 'q:1' },
    }
    expect(storage({ clientConfig }, settings).options).toMatchObject(wanted)
    expect(storage({}, { ...settings, AWS_S3_CLIENT_CONFIG: clientConfig }).options).toMatchObject(wanted)
    expect(warned).not.toHaveBeenCalled()
  })

  test('says what has no effect', () => {
    const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined)
    storage({ client_config: { s3: { use_accelerate_endpoint: true }, user_agent: 'x' } } as never)
    expect(warned.mock.calls.map(([text]) => text)).toEqual([
      "client_config: 's3.use_accelerate_endpoint' has no effect.",
      "client_config: 'user_agent' has no effect.",
    ])
  })
})

describe('settings of old versions', () => {
  test('AWS_S3_USE_THREADS off sends one part at a time', () => {
    expect(storage({}, { AWS_S3_USE_THREADS: false }).options.uploadConcurrency).toBe(1)
    expect(storage({}, { AWS_S3_USE_THREADS: true }).options.uploadConcurrency).toBe(4)
  })

  test.each([
    [{}, 'https:'],
    [{ AWS_S3_URL_PROTOCOL: 'http:' }, 'http:'],
    [{ AWS_S3_SECURE_URLS: false }, 'http:'],
    [{ AWS_S3_SECURE_URLS: false, AWS_S3_URL_PROTOCOL: 'https:' }, 'https:'],
    [{ AWS_S3_SECURE_URLS: true, AWS_S3_URL_PROTOCOL: 'http:' }, 'https:'],
  ])('%j makes URLs of %s', async (settings, protocol) => {
    const files = storage({ customDomain: 'cdn.example.com' }, settings)
    expect(await files.url('a')).toBe(`${protocol}//cdn.example.com/a`)
  })
})

describe('a session token', () => {
  const keys = { AWS_ACCESS_KEY_ID: 'AK', AWS_SECRET_ACCESS_KEY: 'SK' }
  const token = { AWS_SESSION_TOKEN: 'T' }

  test.each<[string, Input<S3Options>, Record<string, unknown>, Record<string, string>, string | null]>([
    ['of the environment goes with keys of the environment', {}, {}, { ...keys, ...token }, 'T'],
    ['of the environment does not go with keys of the settings', {}, keys, token, null],
    ['of the settings goes with keys of the settings', {}, { ...keys, ...token }, {}, 'T'],
    ['of the settings does not go with keys of the options', { accessKey: 'A', secretKey: 'S' }, token, {}, null],
    ['of the settings goes with keys of the environment', {}, token, keys, 'T'],
    ['of the options goes with any keys', { securityToken: 'T' }, {}, keys, 'T'],
    ['under its old name counts as well', {}, {}, { ...keys, AWS_SECURITY_TOKEN: 'O' }, 'O'],
    ['is the newer one of two names', {}, { ...keys, ...token, AWS_SECURITY_TOKEN: 'O' }, {}, 'T'],
  ])('%s', (_, options, settings, env, wanted) => {
    expect(storage(options, settings, env).options.securityToken).toBe(wanted)
  })
})

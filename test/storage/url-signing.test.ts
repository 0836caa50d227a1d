import { generateKeyPairSync } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { AtmosStorage } from '../../src/backends/atmos/index.ts'
import { AzureStorage } from '../../src/backends/azure/index.ts'
import { DropboxStorage } from '../../src/backends/dropbox/index.ts'
import { FtpStorage } from '../../src/backends/ftp/index.ts'
import { GcsStorage } from '../../src/backends/gcs/index.ts'
import { LibCloudStorage } from '../../src/backends/libcloud/index.ts'
import { LocalStorage } from '../../src/backends/local/index.ts'
import { MemoryStorage } from '../../src/backends/memory/index.ts'
import { NimbusStorage } from '../../src/backends/nimbus/index.ts'
import { S3ManifestStaticStorage, S3StaticStorage, S3Storage } from '../../src/backends/s3/index.ts'
import { SftpStorage } from '../../src/backends/sftp/index.ts'
import { SpacesStorage } from '../../src/backends/spaces/index.ts'
import { RackspaceStorage, SwiftStorage } from '../../src/backends/swift/index.ts'
import type { StorageClass } from '../../src/config/backends.ts'
import { signedUrlsProblem } from '../../src/storage/url-signing.ts'

const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
const PEM = privateKey.export({ type: 'pkcs8', format: 'pem' })

const S3 = { bucketName: 'bkt', accessKey: 'AK', secretKey: 'SK' }
const CDN = { ...S3, customDomain: 'cdn.example.com' }
const FRONT = { ...CDN, cloudfrontKeyId: 'K1', cloudfrontKey: PEM }
const GCS = { bucketName: 'bkt', hmacKeyId: 'GOOG1', hmacSecret: 's' }
const AZURE = { accountName: 'a', accountKey: 'a2V5', azureContainer: 'c' }
const SWIFT = { authUrl: 'https://k.test/v3', username: 'u', password: 'p', projectName: 'p', containerName: 'c' }
const RACK = { username: 'u', apiKey: 'k', containerName: 'c' }
const ATMOS = { host: 'atmos.test', user: 'u/v', key: 'c2VjcmV0', container: 'c' }
const NIMBUS = { user: 'alice:5001', key: 'k', collection: 'alice-photos', domain: 'nimbus.test' }
const entry = (more: object) => ({
  providers: { one: { type: 'S3', user: 'AK', key: 'SK', bucket: 'bkt', ...more } },
  providerName: 'one',
})

type Row = readonly [title: string, backend: StorageClass, options: object]

const SIGNED: ReadonlyArray<readonly [...Row, remedy: string]> = [
  ['S3', S3Storage, S3, 'set AWS_QUERYSTRING_AUTH to False, as S3StaticStorage has it'],
  ['a Space', SpacesStorage, { ...S3, regionName: 'fra1' }, 'set AWS_QUERYSTRING_AUTH to False'],
  ['CloudFront with a key', S3Storage, FRONT, 'set AWS_QUERYSTRING_AUTH to False'],
  ['static files on S3 with signing switched on', S3StaticStorage, { ...S3, querystringAuth: true }, 'AWS_QUERYSTRING'],
  ['Google Cloud Storage', GcsStorage, GCS, 'set GS_QUERYSTRING_AUTH to False'],
  ['Azure with a life of URLs', AzureStorage, { ...AZURE, expirationSecs: 60 }, 'leave AZURE_URL_EXPIRATION_SECS out'],
  ['Swift with a key', SwiftStorage, { ...SWIFT, tempUrlKey: 'k' }, 'set SWIFT_USE_TEMP_URLS to False'],
  ['Rackspace without its CDN', RackspaceStorage, { ...RACK, cdn: false }, 'set RACKSPACE_CDN to True'],
  ['Atmos', AtmosStorage, ATMOS, 'set ATMOS_CUSTOM_DOMAIN'],
  ['Dropbox', DropboxStorage, { oauth2AccessToken: 't' }, 'use another backend'],
  ['Libcloud over S3', LibCloudStorage, entry({ querystringAuth: true }), 'set querystringAuth to False in LIBCLOUD'],
  [
    'local disk with a secret',
    LocalStorage,
    { baseUrl: '/s/', urlSecret: 'sixteen bytes or more' },
    'set urlSecret to null',
  ],
]

const PLAIN: readonly Row[] = [
  ['S3 without signing', S3Storage, { ...S3, querystringAuth: false }],
  ['S3 without credentials', S3Storage, { bucketName: 'bkt', signatureVersion: 'unsigned' }],
  ['static files on S3', S3StaticStorage, S3],
  ['static files on S3 with a manifest', S3ManifestStaticStorage, S3],
  ['a domain before S3', S3Storage, CDN],
  ['CloudFront with a key and signing switched off', S3Storage, { ...FRONT, querystringAuth: false }],
  ['static files behind CloudFront', S3StaticStorage, FRONT],
  ['Google Cloud Storage without signing', GcsStorage, { ...GCS, querystringAuth: false }],
  ['public files of Google Cloud Storage', GcsStorage, { ...GCS, defaultAcl: 'publicRead' }],
  ['Google Cloud Storage without credentials', GcsStorage, { bucketName: 'bkt', credentials: 'anonymous' }],
  ['Azure', AzureStorage, AZURE],
  ['Swift', SwiftStorage, SWIFT],
  ['Swift with a key that it does not use', SwiftStorage, { ...SWIFT, tempUrlKey: 'k', useTempUrls: false }],
  ['Rackspace', RackspaceStorage, RACK],
  ['a domain before Atmos', AtmosStorage, { ...ATMOS, customDomain: 'cdn.example.com' }],
  ['Libcloud over S3 without signing', LibCloudStorage, entry({ querystringAuth: false })],
  ['Nimbus.io', NimbusStorage, { ...NIMBUS, publicRead: true }],
  ['local disk', LocalStorage, { baseUrl: '/s/' }],
  ['memory', MemoryStorage, { baseUrl: '/s/' }],
  ['FTP', FtpStorage, { location: 'ftp://u:p@ftp.test/', baseUrl: '/s/' }],
  ['SFTP', SftpStorage, { host: 'sftp.test', baseUrl: '/s/' }],
]

const SERVICES = { settings: {}, env: {} }

describe('signed URLs of static files are found, with the setting that ends it', () => {
  test.each(SIGNED)('on %s', (_title, Backend, options, remedy) => {
    const problem = signedUrlsProblem(new Backend(options, SERVICES))
    expect(problem).toContain('its URLs are signed')
    expect(problem).toContain(remedy)
  })

  test.each(PLAIN)('on %s there are none', (_title, Backend, options) => {
    expect(signedUrlsProblem(new Backend(options, SERVICES))).toBeUndefined()
  })
})

/** Rows whose URLs need no request. */
function offline(
  rows: readonly Row[],
  isSigned: boolean,
): Array<[title: string, isSigned: boolean, StorageClass, object]> {
  const asks = ['swift', 'rackspace', 'dropbox']
  return rows
    .filter(([, Backend]) => !asks.includes(Backend.backendName) && Backend !== S3ManifestStaticStorage)
    .map(([title, Backend, options]) => [title, isSigned, Backend, options])
}

describe('what a storage says of its URLs is true of them', () => {
  const signature = /[?&](X-Amz-Signature|Signature|X-Goog-Signature|sig|signature)=/
  const signed = SIGNED.map(([title, Backend, options]): Row => [title, Backend, options])
  test.each([...offline(signed, true), ...offline(PLAIN, false)])(
    'of %s (signed: %s)',
    async (_title, isSigned, Backend, options) => {
      const storage = new Backend(options, SERVICES)
      expect(signature.test(await storage.url('a.css'))).toBe(isSigned)
      await storage.close()
    },
  )
})

import { once } from 'node:events'
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeEach, describe, expect, test } from 'vitest'
import { S3Storage } from '../../../src/backends/s3/index.ts'
import type { S3Options } from '../../../src/backends/s3/settings/settings.ts'
import type { Input } from '../../../src/core/settings.ts'
import { makeIdentity, serveProxy, serveTcp, serveTls } from '../../http/support.ts'
import { startStrictS3 } from '../../servers/strict-s3.ts'

/** Each setting of the manual, as Django's settings name it, by what then goes over the wire or is kept by the server. */
const lasting = { accessKeyId: 'AKIDLASTING', secretAccessKey: 'lasting+secret/key' }
const temporary = { accessKeyId: 'ASIATEMPORARY', secretAccessKey: 'temporary/secret', sessionToken: 'tok+/=' }
const server = await startStrictS3({
  buckets: ['media', { name: 'open', acl: 'public-read' }],
  credentials: [lasting, temporary],
})
const european = await startStrictS3({ region: 'eu-west-1', buckets: [] })
afterAll(() => Promise.all([server.close(), european.close()]))

const MIB = 1_048_576
const { accessKeyId, secretAccessKey } = server.credentials
const PLACE = {
  AWS_ACCESS_KEY_ID: accessKeyId,
  AWS_SECRET_ACCESS_KEY: secretAccessKey,
  AWS_STORAGE_BUCKET_NAME: 'media',
  AWS_S3_ENDPOINT_URL: server.url,
}

function storage(settings: Record<string, unknown> = {}, options: Input<S3Options> = {}, env = {}) {
  return new S3Storage({ maxAttempts: 1, ...options }, { settings: { ...PLACE, ...settings }, env })
}

const sent = (operation: string) => server.requests.filter(each => each.operation === operation)
const operations = () => server.requests.map(each => each.operation)

beforeEach(() => {
  server.requests.length = 0
  server.faults.clear()
})

/** Passes requests on to the strict server as they are. */
function passOn(incoming: IncomingMessage, outgoing: ServerResponse): void {
  const { method, url, headers } = incoming
  const onward = request({ host: '127.0.0.1', port: server.port, method, path: url, headers, agent: false }, answer => {
    outgoing.writeHead(answer.statusCode!, answer.headers)
    answer.pipe(outgoing)
  })
  incoming.pipe(onward)
}

describe('keys', () => {
  test.each<[string, Record<string, unknown>, object]>([
    [
      'AWS_S3_ACCESS_KEY_ID before AWS_ACCESS_KEY_ID',
      { AWS_ACCESS_KEY_ID: 'no', AWS_S3_ACCESS_KEY_ID: accessKeyId },
      {},
    ],
    [
      'AWS_S3_SECRET_ACCESS_KEY before AWS_SECRET_ACCESS_KEY',
      { AWS_SECRET_ACCESS_KEY: 'no', AWS_S3_SECRET_ACCESS_KEY: secretAccessKey },
      {},
    ],
    ['Django options', { AWS_ACCESS_KEY_ID: 'no' }, { access_key: accessKeyId, secret_key: secretAccessKey }],
    ['the names of the SDK', { AWS_ACCESS_KEY_ID: 'no' }, { accessKeyId, secretAccessKey }],
  ])('%s', async (_, settings, options) => {
    await storage(settings, options as Input<S3Options>).save('keys', 'x')
    await expect(storage({ AWS_ACCESS_KEY_ID: 'no' }).save('keys', 'x')).rejects.toMatchObject({ status: 403 })
  })

  test('a session token goes with requests and URLs, signed', async () => {
    const keys = { AWS_ACCESS_KEY_ID: temporary.accessKeyId, AWS_SECRET_ACCESS_KEY: temporary.secretAccessKey }
    const files = storage({ ...keys, AWS_SESSION_TOKEN: temporary.sessionToken })
    await files.save('token', 'x')
    const { headers } = sent('PutObject')[0]!
    expect(headers['x-amz-security-token']).toBe('tok+/=')
    expect(headers['authorization']).toContain('x-amz-security-token')
    const url = new URL(await files.url('token'))
    expect(url.searchParams.get('X-Amz-Security-Token')).toBe('tok+/=')
    expect((await fetch(url)).status).toBe(200)
    await expect(storage(keys).save('token', 'x')).rejects.toMatchObject({ code: 'permission_denied' })
    await expect(storage({ AWS_SESSION_TOKEN: 'of-others' }).save('token', 'x')).rejects.toThrow('AWS_SESSION_TOKEN')
  })

  test('of a profile of the shared files', async () => {
    const folder = await mkdtemp(join(tmpdir(), 's3-profile-'))
    const [credentials, config] = [join(folder, 'credentials'), join(folder, 'config')]
    const keys = `aws_access_key_id = ${accessKeyId}\naws_secret_access_key = ${secretAccessKey}\n`
    await writeFile(credentials, `[default]\naws_access_key_id = no\naws_secret_access_key = no\n[work]\n${keys}`)
    const env = { AWS_SHARED_CREDENTIALS_FILE: credentials, AWS_CONFIG_FILE: config, HOME: folder }
    const none = { AWS_ACCESS_KEY_ID: undefined, AWS_SECRET_ACCESS_KEY: undefined }
    await storage({ ...none, AWS_S3_SESSION_PROFILE: 'work' }, {}, env).save('profile', 'x')
    await storage(none, {}, { ...env, AWS_PROFILE: 'work' }).save('profile', 'x')
    await expect(storage(none, {}, env).save('profile', 'x')).rejects.toMatchObject({ code: 'permission_denied' })
    await writeFile(config, '[profile work]\nregion = eu-west-3\n[default]\nregion = ap-south-1\n')
    const host = async (settings: Record<string, unknown>, options: Input<S3Options> = {}, more = {}) =>
      new URL(await storage({ ...none, ...settings }, options, { ...env, ...more }).url('a')).host
    const amazon = { AWS_S3_ENDPOINT_URL: undefined }
    expect(await host({ ...amazon, AWS_S3_SESSION_PROFILE: 'work' })).toBe('media.s3.eu-west-3.amazonaws.com')
    expect(await host(amazon, {}, { AWS_PROFILE: 'work' })).toBe('media.s3.eu-west-3.amazonaws.com')
    expect(await host(amazon)).toBe('media.s3.ap-south-1.amazonaws.com')
    expect(await host({ ...amazon, AWS_S3_REGION_NAME: 'eu-west-1' })).toBe('media.s3.eu-west-1.amazonaws.com')
    expect(await host({ ...amazon, ...PLACE, ...amazon })).toBe('media.s3.amazonaws.com')
    const other = new URL(await storage({ ...none, AWS_S3_SESSION_PROFILE: 'work' }, {}, env).url('a'))
    expect(other.searchParams.get('X-Amz-Credential')).toContain('/us-east-1/')
    await rm(folder, { recursive: true })
  })
})

describe('the bucket', () => {
  test('that is not named is missed by its setting', async () => {
    const files = storage({ AWS_STORAGE_BUCKET_NAME: '' })
    for (const failing of [files.save('a', 'x'), files.url('a'), files.exists('a')]) {
      await expect(failing).rejects.toMatchObject({
        code: 'improperly_configured',
        message: expect.stringContaining('bucketName (AWS_STORAGE_BUCKET_NAME) must be set'),
      })
    }
  })

  test('is created in its region and with its ACL, and only then has one', async () => {
    const { credentials, url } = european
    const make = (bucketName: string, more: Record<string, unknown> = {}) =>
      new S3Storage(
        { bucketName, provider: 'aws', checksums: 'off' },
        {
          settings: {
            AWS_ACCESS_KEY_ID: credentials.accessKeyId,
            AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
            AWS_S3_ENDPOINT_URL: url,
            AWS_S3_REGION_NAME: 'eu-west-1',
            ...more,
          },
          env: {},
        },
      )
    await make('shown', { AWS_AUTO_CREATE_BUCKET: true, AWS_BUCKET_ACL: 'public-read' }).save('a', 'x')
    await make('hidden', { AWS_AUTO_CREATE_BUCKET: true }).save('a', 'x')
    await make('public-files', { AWS_AUTO_CREATE_BUCKET: true, AWS_DEFAULT_ACL: 'public-read' }).save('a', 'x')
    const acls = ['shown', 'hidden', 'public-files'].map(name => european.bucket(name).acl)
    expect(acls).toEqual(['public-read', 'private', 'private'])
    const created = european.requests.filter(({ operation }) => operation === 'CreateBucket')
    expect(created.map(({ bodySize }) => bodySize > 0)).toEqual([true, true, true])
    await expect(make('absent').save('a', 'x')).rejects.toMatchObject({ code: 'improperly_configured' })
  })

  test('is created by createContainer, also when it is ours already', async () => {
    const files = storage({ AWS_STORAGE_BUCKET_NAME: 'by-hand' })
    await files.createContainer()
    await files.createContainer()
    expect(server.bucket('by-hand').objects.size).toBe(0)
  })
})

describe('object parameters', () => {
  const parameters = {
    CacheControl: 'max-age=86400',
    ContentDisposition: 'attachment',
    ContentLanguage: 'de',
    ACL: 'public-read',
    StorageClass: 'STANDARD_IA',
    ServerSideEncryption: 'aws:kms',
    SSEKMSKeyId: 'key-1',
    Tagging: 'kind=photo&a%20b=c',
    Metadata: { Who: 'Jürgen' },
  }

  test('are kept of small files, of parts and of files opened for writing', async () => {
    const files = storage({ AWS_S3_OBJECT_PARAMETERS: parameters, AWS_S3_MULTIPART_THRESHOLD: 5 * MIB })
    await files.save('small', 'x')
    await files.save('large', Buffer.alloc(9 * MIB))
    await files.edit('written', 'wb', file => file.write('x'))
    for (const key of ['small', 'large', 'written']) {
      const { system, acl, storageClass, tags, encryption, metadata } = server.bucket().current(key)!
      expect(system).toMatchObject({
        'cache-control': 'max-age=86400',
        'content-disposition': 'attachment',
        'content-language': 'de',
      })
      expect({ acl, storageClass, tags }).toEqual({
        acl: 'public-read',
        storageClass: 'STANDARD_IA',
        tags: { kind: 'photo', 'a b': 'c' },
      })
      expect(encryption).toMatchObject({ algorithm: 'aws:kms', kmsKeyId: 'key-1' })
      expect(Object.keys(metadata)).toEqual(['who'])
    }
    expect((await files.stat('small')).storageClass).toBe('STANDARD_IA')
    expect(sent('UploadPart').every(({ headers }) => headers['x-amz-acl'] === undefined)).toBe(true)
  })

  test('of one file, in any spelling, win over those of the storage', async () => {
    const files = storage({ AWS_S3_OBJECT_PARAMETERS: { StorageClass: 'STANDARD_IA', CacheControl: 'a' } })
    const extra = { storageClass: 'ONEZONE_IA', tagging: { x: 'ü' }, acl: 'public-read' }
    await files.save('extra', 'x', { extra, cacheControl: 'b' })
    const { storageClass, system, tags, acl } = server.bucket().current('extra')!
    expect([storageClass, system['cache-control'], tags, acl]).toEqual(['ONEZONE_IA', 'b', { x: 'ü' }, 'public-read'])
  })

  test('for the payer and the owner go with every request about files', async () => {
    const AWS_S3_OBJECT_PARAMETERS = { RequestPayer: 'requester', ExpectedBucketOwner: '111122223333' }
    const files = storage({ AWS_S3_OBJECT_PARAMETERS, AWS_S3_MULTIPART_THRESHOLD: 5 * MIB })
    await files.save('payer', 'x')
    await files.save('payer large', Buffer.alloc(9 * MIB))
    await (await files.open('payer')).read()
    await files.copy('payer', 'payer copy')
    await files.listdir()
    await files.deleteMany(['payer', 'payer large'])
    await files.delete('payer copy')
    expect(operations().length).toBeGreaterThan(9)
    for (const { headers, operation } of server.requests) {
      if (operation === 'ListMultipartUploads') continue
      const { 'x-amz-request-payer': payer, 'x-amz-expected-bucket-owner': owner } = headers
      expect([operation, payer, owner]).toEqual([operation, 'requester', '111122223333'])
    }
  })

  test('of a subclass replace those of the settings', async () => {
    class Css extends S3Storage {
      override getObjectParameters(name: string) {
        return { CacheControl: `of ${name}` }
      }
    }
    await new Css({ location: 'css' }, { settings: PLACE, env: {} }).save('a.css', 'x')
    expect(server.bucket().current('css/a.css')!.system['cache-control']).toBe('of a.css')
  })

  test('old flags of theirs', async () => {
    await storage({ AWS_REDUCED_REDUNDANCY: true, AWS_S3_ENCRYPTION: true }).save('flags', 'x')
    const { storageClass, encryption } = server.bucket().current('flags')!
    expect([storageClass, encryption.algorithm]).toEqual(['REDUCED_REDUNDANCY', 'AES256'])
  })
})

describe('names', () => {
  test('stand below the location, which nothing leaves', async () => {
    const files = storage({ AWS_LOCATION: 'some place/' })
    expect(await files.save('a/b.txt', 'x')).toBe('a/b.txt')
    expect(server.bucket().current('some place/a/b.txt')).toBeDefined()
    expect(await files.listdir()).toEqual([['a'], []])
    for (const failing of [files.save('../x', 'x'), files.open('../x', 'w'), files.open('../x'), files.url('../x')]) {
      await expect(failing).rejects.toMatchObject({ code: 'suspicious_name' })
    }
    await expect(files.open('../x')).rejects.toThrow("Attempted access to '../x' denied.")
  })

  test('are not used twice where overwriting is off', async () => {
    const files = storage({ AWS_S3_FILE_OVERWRITE: false })
    expect(await files.save('once.tar.gz', '1')).toBe('once.tar.gz')
    expect(await files.save('once.tar.gz', '2')).toMatch(/^once_[A-Za-z0-9]{7}\.tar\.gz$/)
    const asserted = storage({ AWS_S3_FILE_OVERWRITE: true })
    expect(await asserted.save('once.tar.gz', '3')).toBe('once.tar.gz')
  })
})

describe('memory', () => {
  test('AWS_S3_MAX_MEMORY_SIZE: what is larger goes to a temporary file, and nothing where it is 0', async () => {
    const folder = await mkdtemp(join(tmpdir(), 's3-spool-'))
    const FILE_UPLOAD_TEMP_DIR = join(folder, 'missing')
    const append = (AWS_S3_MAX_MEMORY_SIZE?: number) =>
      storage({ AWS_S3_MAX_MEMORY_SIZE, FILE_UPLOAD_TEMP_DIR }).edit('spooled', 'ab', file => file.write('!'))
    await storage().save('spooled', Buffer.alloc(200_000))
    await append()
    await append(0)
    await append(300_000)
    expect(await storage().size('spooled')).toBe(200_003)
    await expect(append(100_000)).rejects.toThrow('missing')
    await mkdir(FILE_UPLOAD_TEMP_DIR)
    await append(100_000)
    expect(await readdir(FILE_UPLOAD_TEMP_DIR)).toEqual([])
    await rm(folder, { recursive: true })
  })
})

describe('the way to the service', () => {
  test('AWS_S3_VERIFY: a certificate of ours is refused, named, or not looked at', async () => {
    using identity = makeIdentity()
    await using secure = await serveTls(identity, passOn)
    const at = (AWS_S3_VERIFY?: unknown) => storage({ AWS_S3_ENDPOINT_URL: secure.url, AWS_S3_VERIFY })
    await expect(at().save('tls', 'x')).rejects.toMatchObject({ code: expect.stringMatching(/unavailable|unknown/) })
    await expect(at(true).save('tls', 'x')).rejects.toMatchObject({ name: 'StorageError' })
    expect(operations()).toEqual([])
    await using trusting = at(identity.certPath)
    expect(await trusting.save('tls', 'x')).toBe('tls')
    await using blind = at(false)
    expect(await (await blind.open('tls', 'r')).read()).toBe('x')
    await expect(at('/no/such/file.pem').save('tls', 'x')).rejects.toMatchObject({ code: 'improperly_configured' })
  })

  test('AWS_S3_PAYLOAD_SIGNING: the signature covers the bytes, or large ones are left to TLS, or all are', async () => {
    using identity = makeIdentity()
    await using secure = await serveTls(identity, passOn)
    const byTls = { AWS_S3_ENDPOINT_URL: secure.url, AWS_S3_VERIFY: identity.certPath }
    const hashes = async (settings: Record<string, unknown>) => {
      server.requests.length = 0
      await using files = storage(settings)
      for (const size of [2, 2 * MIB]) await files.save('signed', Buffer.alloc(size, 'x'))
      return sent('PutObject').map(({ headers }) =>
        headers['x-amz-content-sha256'] === UNSIGNED ? 'unsigned' : 'signed',
      )
    }
    const UNSIGNED = 'UNSIGNED-PAYLOAD'
    expect(await hashes({})).toEqual(['signed', 'signed'])
    expect(await hashes(byTls)).toEqual(['signed', 'unsigned'])
    expect(await hashes({ ...byTls, AWS_S3_PAYLOAD_SIGNING: 'always' })).toEqual(['signed', 'signed'])
    expect(await hashes({ AWS_S3_PAYLOAD_SIGNING: 'never' })).toEqual(['unsigned', 'unsigned'])
    const boto = { AWS_S3_CLIENT_CONFIG: { s3: { payload_signing_enabled: false } } }
    expect(await hashes(boto)).toEqual(['unsigned', 'unsigned'])
  })

  test('AWS_S3_USE_SSL: off asks by http where the endpoint names no scheme', async () => {
    const place = server.url.replace('http://', '')
    await storage({ AWS_S3_ENDPOINT_URL: place, AWS_S3_USE_SSL: false }).save('plain', 'x')
    expect(operations()).toEqual(['PutObject'])
    await expect(storage({ AWS_S3_ENDPOINT_URL: place }).save('plain', 'x')).rejects.toMatchObject({
      name: 'StorageError',
    })
  })

  test.each<[string, (proxy: string) => Record<string, string>]>([
    ['by scheme', proxy => ({ http: proxy })],
    ['by endpoint', proxy => ({ http: '127.0.0.1:1', 'http://s3.made.test': proxy })],
  ])('AWS_S3_PROXIES: %s, as the manual has them', async (_, proxies) => {
    await using proxy = await serveProxy()
    const AWS_S3_ENDPOINT_URL = `http://s3.made.test:${server.port}`
    const AWS_S3_PROXIES = proxies(proxy.url.replace('http://', ''))
    await using files = storage({ AWS_S3_ENDPOINT_URL, AWS_S3_PROXIES })
    await files.save('proxied', 'x')
    expect(proxy.asked.map(({ target }) => target)).toEqual([`${AWS_S3_ENDPOINT_URL}/media/proxied`])
    expect(operations()).toEqual(['PutObject'])
  })

  test('AWS_S3_PROXIES: without them those of the environment, as in Python', async () => {
    await using proxy = await serveProxy()
    const AWS_S3_ENDPOINT_URL = `http://s3.made.test:${server.port}`
    await using files = storage({ AWS_S3_ENDPOINT_URL }, {}, { http_proxy: proxy.url, no_proxy: 'other.test' })
    await files.save('proxied', 'x')
    expect(proxy.asked.map(({ target }) => target)).toEqual([`${AWS_S3_ENDPOINT_URL}/media/proxied`])
  })

  test('AWS_S3_PROXY_HOST and AWS_S3_PROXY_PORT of old', async () => {
    await using proxy = await serveProxy()
    const AWS_S3_ENDPOINT_URL = `http://s3.made.test:${server.port}`
    const old = { AWS_S3_PROXY_HOST: '127.0.0.1', AWS_S3_PROXY_PORT: proxy.port }
    await using files = storage({ AWS_S3_ENDPOINT_URL, ...old })
    await files.save('proxied', 'x')
    expect(proxy.asked).toHaveLength(1)
  })

  test('AWS_S3_HOST and AWS_S3_PORT of old', async () => {
    const old = { AWS_S3_HOST: '127.0.0.1', AWS_S3_PORT: server.port, AWS_S3_USE_SSL: false }
    await storage({ AWS_S3_ENDPOINT_URL: undefined, ...old }).save('old', 'x')
    expect(operations()).toEqual(['PutObject'])
  })

  test('AWS_S3_ADDRESSING_STYLE: the bucket in the host or in the path', async () => {
    const AWS_S3_ENDPOINT_URL = `http://localhost:${server.port}`
    await storage({ AWS_S3_ENDPOINT_URL, AWS_S3_ADDRESSING_STYLE: 'virtual' }).save('a', 'x')
    await storage({ AWS_S3_ENDPOINT_URL, AWS_S3_ADDRESSING_STYLE: 'path' }).save('a', 'x')
    await storage({ AWS_S3_ENDPOINT_URL, AWS_S3_CALLING_FORMAT: 'VHostCallingFormat' }).save('a', 'x')
    expect(sent('PutObject').map(({ headers, url }) => [headers['host'], url])).toEqual([
      [`media.localhost:${server.port}`, '/a'],
      [`localhost:${server.port}`, '/media/a'],
      [`media.localhost:${server.port}`, '/a'],
    ])
  })

  test('AWS_S3_SIGNATURE_VERSION: requests and URLs, of version 4, 2 or none', async () => {
    const authorization = async (AWS_S3_SIGNATURE_VERSION?: string) => {
      const files = storage({ AWS_S3_SIGNATURE_VERSION })
      await files.save('signed', 'x')
      expect((await fetch(await files.url('signed'))).status).toBe(200)
      const url = await files.url('signed')
      return [sent('PutObject').at(-1)!.headers['authorization']!.split(/[ :]/)[0], /X-Amz-Alg|AWSAcc/.exec(url)?.[0]]
    }
    expect(await authorization()).toEqual(['AWS4-HMAC-SHA256', 'X-Amz-Alg'])
    expect(await authorization('s3v4')).toEqual(['AWS4-HMAC-SHA256', 'X-Amz-Alg'])
    expect(await authorization('s3')).toEqual(['AWS', 'AWSAcc'])
    const none = {
      AWS_S3_SIGNATURE_VERSION: 'unsigned',
      AWS_ACCESS_KEY_ID: undefined,
      AWS_SECRET_ACCESS_KEY: undefined,
    }
    const anybody = storage({ ...none, AWS_STORAGE_BUCKET_NAME: 'open' })
    expect(await anybody.listdir()).toEqual([[], []])
    expect(sent('ListObjectsV2')[0]!.anonymous).toBe(true)
    expect(await anybody.url('a')).toBe(`${server.url}/open/a`)
  })

  test('AWS_S3_REGION_NAME: is signed for', async () => {
    await storage({ AWS_S3_REGION_NAME: 'us-east-1' }).save('a', 'x')
    expect(sent('PutObject')[0]!.headers['authorization']).toContain('/us-east-1/s3/aws4_request')
    await storage({ AWS_S3_REGION_NAME: 'eu-west-1' }).save('a', 'x')
    expect(sent('PutObject').map(({ code }) => code)).toEqual([undefined, 'AuthorizationHeaderMalformed', undefined])
  })

  test('AWS_S3_MAX_POOL_CONNECTIONS: no more connections than allowed', async () => {
    const sockets = new Set<unknown>()
    const counting = createServer((incoming, outgoing) => {
      sockets.add(incoming.socket)
      passOn(incoming, outgoing)
    }).listen(0, '127.0.0.1')
    await once(counting, 'listening')
    const AWS_S3_ENDPOINT_URL = `http://127.0.0.1:${(counting.address() as AddressInfo).port}`
    await using files = storage({ AWS_S3_ENDPOINT_URL, AWS_S3_MAX_POOL_CONNECTIONS: 2 })
    await Promise.all(Array.from({ length: 20 }, (_, at) => files.save(`pool/${at}`, 'x')))
    expect(sockets.size).toBeLessThanOrEqual(2)
    await files.close()
    counting.close()
    counting.closeAllConnections()
  })

  test('AWS_S3_CONNECT_TIMEOUT_SECS: ends a connection that does not come about', async () => {
    await using silent = await serveTcp(() => undefined)
    const AWS_S3_ENDPOINT_URL = silent.url.replace('http:', 'https:')
    const files = storage({ AWS_S3_ENDPOINT_URL, AWS_S3_CONNECT_TIMEOUT_SECS: 1 })
    await expect(files.save('a', 'x')).rejects.toMatchObject({
      code: 'timeout',
      message: expect.stringContaining('No connection within connectTimeoutSecs.'),
    })
  })
})

describe('transfers', () => {
  const bytes = Buffer.from(Array.from({ length: 13 * MIB }, (_, at) => (at * 7) % 253))

  test('AWS_S3_MULTIPART_THRESHOLD and AWS_S3_FILE_BUFFER_SIZE: what is sent at once, and in which parts', async () => {
    await storage({ AWS_S3_MULTIPART_THRESHOLD: 13 * MIB }).save('large', bytes)
    expect(operations()).toEqual(['PutObject'])
    await storage({ AWS_S3_FILE_BUFFER_SIZE: 6 * MIB }).save('large', bytes)
    expect(
      sent('UploadPart')
        .map(({ bodySize }) => bodySize / MIB)
        .sort(),
    ).toEqual([1, 6, 6])
    expect(server.bucket().current('large')!.body.equals(bytes)).toBe(true)
  })

  test.each([
    [{ AWS_S3_UPLOAD_CONCURRENCY: 1 }, 1],
    [{ AWS_S3_USE_THREADS: false }, 1],
    [{ AWS_S3_TRANSFER_CONFIG: { multipart_chunksize: 5 * MIB, max_concurrency: 2 } }, 2],
  ])('%j: at most so many parts at a time', async (settings, most) => {
    let under = 0
    let highest = 0
    const waiting: Array<() => void> = []
    const watching = createServer((incoming, outgoing) => {
      if (!incoming.url!.includes('partNumber')) return passOn(incoming, outgoing)
      highest = Math.max(highest, ++under)
      outgoing.on('finish', () => under--)
      // The first parts wait for each other, so that as many as are allowed are seen at a time.
      waiting.push(() => passOn(incoming, outgoing))
      if (highest >= most) for (const go of waiting.splice(0)) go()
    }).listen(0, '127.0.0.1')
    await once(watching, 'listening')
    const AWS_S3_ENDPOINT_URL = `http://127.0.0.1:${(watching.address() as AddressInfo).port}`
    await using files = storage({ AWS_S3_ENDPOINT_URL, AWS_S3_FILE_BUFFER_SIZE: 5 * MIB, ...settings })
    await files.save('parts', bytes)
    expect(highest).toBe(most)
    await files.close()
    watching.close()
    watching.closeAllConnections()
  })

  const CRC = 'x-amz-checksum-crc32'
  test.each<[Record<string, unknown>, string[]]>([
    [{}, []],
    [{ AWS_S3_PROVIDER: 'aws' }, [CRC]],
    [{ AWS_S3_PROVIDER: 'aws', AWS_S3_CHECKSUMS: 'off' }, []],
    [{ AWS_S3_PROVIDER: 'aws', AWS_S3_CLIENT_CONFIG: { request_checksum_calculation: 'when_required' } }, []],
    [{ AWS_S3_CHECKSUMS: 'always' }, [CRC]],
    [{ AWS_S3_CHECKSUMS: 'always', AWS_S3_CHECKSUM_ALGORITHM: 'SHA256' }, ['x-amz-checksum-sha256']],
    [{ AWS_S3_CHECKSUMS: 'md5' }, ['content-md5']],
    [{ AWS_S3_OBJECT_PARAMETERS: { ChecksumAlgorithm: 'CRC64NVME' } }, ['x-amz-checksum-crc64nvme']],
  ])('%j: uploads and parts carry %j', async (settings, wanted) => {
    const files = storage({ ...settings, AWS_S3_MULTIPART_THRESHOLD: 5 * MIB })
    await files.save('small', 'x')
    await files.save('large', bytes)
    const bodies = [...sent('PutObject'), ...sent('UploadPart')]
    expect(bodies.length).toBeGreaterThan(2)
    for (const { headers } of bodies) {
      const found = Object.keys(headers).filter(name => name === 'content-md5' || name.startsWith('x-amz-checksum'))
      expect(found).toEqual(wanted)
    }
  })

  test('ChecksumAlgorithm of one file wins, and another than ours is refused by name', async () => {
    const files = storage({ AWS_S3_CHECKSUMS: 'always' })
    await files.save('own', 'x', { extra: { checksumAlgorithm: 'SHA256' } })
    expect(Object.keys(server.bucket().current('own')!.checksums)).toEqual(['sha256'])
    await expect(files.save('own', 'x', { extra: { ChecksumAlgorithm: 'SHA1' } })).rejects.toMatchObject({
      code: 'invalid_argument',
      message: expect.stringContaining(
        "ChecksumAlgorithm must be one of CRC32, CRC32C, CRC64NVME, SHA256, not 'SHA1'.",
      ),
    })
  })

  test.each([
    ['on', true, ['PutObject']],
    ['off', false, ['HeadObject', 'GetObject', 'PutObject']],
  ] as const)('AWS_S3_CONDITIONAL_WRITES: %s', async (AWS_S3_CONDITIONAL_WRITES, exclusive, wanted) => {
    const files = storage({ AWS_S3_CONDITIONAL_WRITES, AWS_S3_FILE_OVERWRITE: false })
    await files.save(`conditions-${AWS_S3_CONDITIONAL_WRITES}`, 'x')
    expect(operations()).toEqual(wanted)
    expect(files.supports('exclusiveCreate')).toBe(exclusive)
    expect(sent('PutObject')[0]!.headers['if-none-match']).toBe(exclusive ? '*' : undefined)
  })
})

describe('files', () => {
  test('content that cannot be rewound is saved, content of ours stays open', async () => {
    const files = storage()
    async function* pieces() {
      yield 'one '
      yield Buffer.from('two')
    }
    expect(await files.save('pieces', pieces())).toBe('pieces')
    expect(await (await files.open('pieces', 'r')).read()).toBe('one two')
    const source = await files.open('pieces')
    await source.read(3)
    await files.save('copy', source)
    expect(source.closed).toBe(false)
    expect(await (await files.open('copy', 'r')).read()).toBe('one two')
    await source.close()
  })

  test('are opened again from their beginning', async () => {
    const files = storage()
    await files.save('again', 'content')
    const file = await files.open('again', 'r')
    expect(file.closed).toBe(false)
    expect(await file.read(3)).toBe('con')
    await file.close()
    expect(file.closed).toBe(true)
    await file.open()
    expect([file.closed, await file.read()]).toEqual([false, 'content'])
    await expect((await files.open('other', 'w')).read()).rejects.toMatchObject({ code: 'unsupported_mode' })
  })

  test('have the time of their upload', async () => {
    const files = storage()
    const before = Math.floor(Date.now() / 1000) * 1000
    await files.save('timed', 'x')
    const time = await files.getModifiedTime('timed')
    expect(time).toBeInstanceOf(Date)
    expect(time.getTime()).toBeGreaterThanOrEqual(before)
    expect(time.getTime()).toBeLessThanOrEqual(Date.now())
    await expect(files.getCreatedTime('timed')).rejects.toMatchObject({ code: 'unsupported' })
  })

  test('can be used again after the storage was closed', async () => {
    const files = storage()
    await files.save('closed', 'x')
    await files.close()
    expect(await (await files.open('closed', 'r')).read()).toBe('x')
    await files.close()
  })
})

import { createHash, randomBytes } from 'node:crypto'
import {
  CopyObjectCommand,
  GetObjectTaggingCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  PutBucketVersioningCommand,
} from '@aws-sdk/client-s3'
import { Upload } from '@aws-sdk/lib-storage'
import { afterAll, describe, expect, test, vi } from 'vitest'
import type { S3Options } from '../../src/backends/s3/settings/settings.ts'
import type { Input } from '../../src/core/settings.ts'
import type { PostForm } from '../../src/remote/sign/post-policy.ts'
import type { ContainerConformanceOptions, DriverConformanceOptions } from '../../src/testing/index.ts'
import { startRgw } from '../servers/rgw.ts'
import { describeConformance, emptyAndClose, keysOf } from './backend.ts'
import { localFetch, officialClient, rgwStorage } from './places/rgw.ts'
import { describeUploads } from './uploads.ts'

const server = await startRgw()
const client = officialClient(server)
afterAll(async () => {
  client.destroy()
  await server.close()
}, 60_000)

const Bucket = 'media'
const methods = [
  'discover',
  'deleteMany',
  'copy',
  'publicUrl',
  'signUrl',
  'uploadTarget',
  'address',
  'createContainer',
  'sweep',
  'visibility',
  'setVisibility',
] as const
const features = {
  ranges: true,
  exclusiveCreate: true,
  ifMatch: true,
  metadata: true,
  versions: true,
  listRange: true,
}
const MIB = 1024 * 1024

await using made = rgwStorage(server)
await made.createContainer()
await made.createContainer()

const kinds: ReadonlyArray<readonly [string, Input<S3Options>, readonly string[]]> = [
  ['endpoint and keys alone', {}, ['', 'some place/below/']],
  ['signature version 2, named as Ceph', { signatureVersion: 's3', provider: 'ceph', checksums: 'md5' }, ['']],
  ['buckets in the host', { endpointUrl: server.virtualUrl, addressingStyle: 'virtual' }, ['']],
]
const drivers = kinds.map(([title, options, locations]): [string, DriverConformanceOptions] => [
  `S3Driver and Ceph, ${title}`,
  {
    create: () => rgwStorage(server, { partSize: 5 * MIB, multipartThreshold: 5 * MIB, ...options }).calls.driver,
    destroy: async driver => {
      await driver.close?.()
      await emptyAndClose(rgwStorage(server))
    },
    locations,
    limits: true,
    keeps: ['modifiedAt', 'etag'],
    fetch: localFetch,
    expects: { features, methods },
  },
])
const buckets = kinds.map(([title, options]): [string, ContainerConformanceOptions] => [
  `the buckets of Ceph, ${title}`,
  { create: bucketName => rgwStorage(server, options, bucketName).calls.driver },
])
describeConformance(
  Object.fromEntries(drivers),
  { 'S3Storage and Ceph': { create: wanted => rgwStorage(server, wanted), destroy: emptyAndClose } },
  Object.fromEntries(buckets),
)

for (const [title, options, method] of [
  ['uploads of clients by a form, and in parts', {}, 'POST'],
  ['uploads of clients by a signed PUT, and in parts of one size', { provider: 'r2' }, 'PUT'],
] as const) {
  describeUploads(title, {
    open: () => rgwStorage(server, { fileOverwrite: true, ...options }),
    partSize: 5 * MIB,
    method,
    limitsSize: method === 'POST',
    fetch: localFetch as typeof fetch,
    unfinished: async () => {
      const { Uploads = [] } = await client.send(new ListMultipartUploadsCommand({ Bucket }))
      return Uploads.map(({ Key = '' }) => Key)
    },
  })
}

test('visibility: everybody may read a public file, and nobody a private one', async () => {
  await using storage = rgwStorage(server, { querystringAuth: false })
  await storage.save('seen ü.txt', 'text', { overwrite: true })
  const url = await storage.url('seen ü.txt')
  expect([await storage.visibility('seen ü.txt'), (await fetched(url))[0]]).toEqual(['private', 403])
  await storage.setVisibility('seen ü.txt', 'public')
  expect([await storage.visibility('seen ü.txt'), await fetched(url)]).toEqual(['public', [200, 'text']])
  await storage.setVisibility('seen ü.txt', 'private')
  expect([await storage.visibility('seen ü.txt'), (await fetched(url))[0]]).toEqual(['private', 403])
  await expect(storage.setVisibility('none', 'public')).rejects.toMatchObject({ code: 'not_found' })
  await storage.delete('seen ü.txt')
})

/** What anybody gets at a URL. */
async function fetched(url: string, init?: RequestInit): Promise<[status: number, body: string]> {
  const response = await localFetch(url, init)
  return [response.status, await response.text()]
}

async function textOf(files: ReturnType<typeof rgwStorage>, name: string, versionId?: string): Promise<string> {
  await using file = await files.open(name, 'r', { versionId })
  return file.read()
}

describe('discovery', () => {
  test('finds out what the gateway keeps and leaves no object behind', async () => {
    await using files = rgwStorage(server)
    await files.discover()
    expect(files.features).toEqual({ ...features, deleteIfMatch: false, rereads: 'small' })
    expect(await keysOf(files)).toEqual([])
  })

  test('a stale etag is refused, the present one accepted, quoted or not as the gateway wants it', async () => {
    await using files = rgwStorage(server)
    await files.discover()
    await files.save('match', 'one')
    const { etag } = await files.stat('match')
    expect(etag).toBe(createHash('md5').update('one').digest('hex'))
    await files.save('match', 'two')
    const stale = await files.open('match', 'r+')
    await files.save('match', 'three')
    await stale.write('x')
    await expect(stale.close()).rejects.toMatchObject({ code: 'precondition_failed' })
    expect(await textOf(files, 'match')).toBe('three')
    await files.edit('match', 'r+', file => file.write('T'))
    expect(await textOf(files, 'match')).toBe('Three')
    await files.delete('match')
  })

  test('a wrong secret, a wrong key and a missing bucket each have their code', async () => {
    await using wrong = rgwStorage(server, { secretKey: 'wrong' })
    await expect(wrong.size('x')).rejects.toMatchObject({ code: 'permission_denied' })
    await using unknown = rgwStorage(server, { accessKey: 'nobody' })
    await expect(unknown.save('x', 'x')).rejects.toMatchObject({ code: 'permission_denied' })
    await using missing = rgwStorage(server, {}, 'missing-bucket')
    await expect(missing.save('x', 'x')).rejects.toMatchObject({ code: 'improperly_configured' })
  })

  test('a missing bucket is created when that is asked, with its ACL', async () => {
    await using files = rgwStorage(server, { autoCreateBucket: true, bucketAcl: 'public-read' }, 'made-by-use')
    await files.save('x.txt', 'x')
    await using anybody = rgwStorage(
      server,
      { signatureVersion: 'unsigned', accessKey: null, secretKey: null },
      'made-by-use',
    )
    expect(await anybody.listdir()).toEqual([[], ['x.txt']])
    await expect(anybody.size('x.txt')).rejects.toMatchObject({ code: 'permission_denied' })
    await files.delete('x.txt')
  })
})

describe('ACLs', () => {
  test.each([
    ['public-read', 200, 200],
    ['public-read-write', 200, 200],
    ['authenticated-read', 403, 200],
    ['private', 403, 403],
    [null, 403, 403],
  ] as const)('%s gives anybody %d and another user %d', async (defaultAcl, anybody, other) => {
    await using files = rgwStorage(server, { defaultAcl, querystringAuth: false })
    const name = `acl ü/${defaultAcl}.txt`
    await files.save(name, 'for some')
    const url = await files.url(name)
    expect(url).not.toContain('?')
    expect((await fetched(url))[0]).toBe(anybody)
    second ??= server.addUser('second')
    const { accessKeyId: accessKey, secretAccessKey: secretKey } = await second
    await using others = rgwStorage(server, { accessKey, secretKey })
    expect((await fetched(await others.url(name)))[0]).toBe(other)
    await files.delete(name)
  })
  let second: ReturnType<typeof server.addUser> | undefined

  test('that of one file wins; parts and copies keep to theirs', async () => {
    await using files = rgwStorage(server, {
      objectParameters: name => (name.endsWith('.open') ? { ACL: 'public-read' } : {}),
      querystringAuth: false,
      partSize: 5 * MIB,
      multipartThreshold: 5 * MIB,
    })
    await files.save('a.open', randomBytes(6 * MIB))
    await files.save('a.closed', 'c')
    await files.save('b.closed', 'c', { extra: { ACL: 'public-read' } })
    await files.copy('a.closed', 'copied.open')
    const statuses: number[] = []
    for (const name of ['a.open', 'a.closed', 'b.closed', 'copied.open']) {
      statuses.push((await fetched(await files.url(name)))[0])
    }
    expect(statuses).toEqual([200, 403, 200, 200])
    await files.deleteMany(['a.open', 'a.closed', 'b.closed', 'copied.open'])
  })
})

describe('encryption', () => {
  const key = randomBytes(32)
  const kinds: ReadonlyArray<readonly [string, Record<string, unknown>, Record<string, unknown>]> = [
    [
      'SSE-KMS',
      { ServerSideEncryption: 'aws:kms', SSEKMSKeyId: server.kmsKeyId },
      { ServerSideEncryption: 'aws:kms', SSEKMSKeyId: server.kmsKeyId },
    ],
    ['SSE-C', { SSECustomerAlgorithm: 'AES256', SSECustomerKey: key }, { SSECustomerAlgorithm: 'AES256' }],
  ]
  test.each(kinds)('%s: small, in parts, ranges, appended, copied', async (_title, objectParameters, head) => {
    await using files = rgwStorage(server, { objectParameters, partSize: 5 * MIB, multipartThreshold: 5 * MIB })
    const bytes = randomBytes(11 * MIB + 3)
    await files.save('small', 'small one')
    await files.save('large', bytes)
    const isCustomer = 'SSECustomerKey' in objectParameters
    const shown = await client.send(
      new HeadObjectCommand({
        Bucket,
        Key: 'large',
        ...(isCustomer
          ? {
              SSECustomerAlgorithm: 'AES256',
              SSECustomerKey: key.toString('base64'),
              SSECustomerKeyMD5: createHash('md5').update(key).digest('base64'),
            }
          : {}),
      }),
    )
    expect(shown).toMatchObject({ ...head, ContentLength: bytes.byteLength })
    await using file = await files.open('large')
    expect(bytes.equals(await file.read())).toBe(true)
    const part: Buffer[] = []
    for await (const chunk of files.createReadStream('large', { start: 5 * MIB - 2, end: 5 * MIB + 9 }))
      part.push(chunk)
    expect(Buffer.concat(part)).toEqual(bytes.subarray(5 * MIB - 2, 5 * MIB + 9))
    await files.edit('small', 'a', opened => opened.write(', longer'))
    expect(await textOf(files, 'small')).toBe('small one, longer')
    if (isCustomer) {
      await using without = rgwStorage(server)
      await expect(textOf(without, 'small')).rejects.toMatchObject({ name: 'StorageError' })
      await using wrong = rgwStorage(server, {
        objectParameters: { SSECustomerAlgorithm: 'AES256', SSECustomerKey: randomBytes(32) },
      })
      await expect(textOf(wrong, 'small')).rejects.toMatchObject({ name: 'StorageError' })
    }
    await files.deleteMany(['small', 'large'])
  })
})

describe('tags, metadata and versions', () => {
  test('tags as text and as a map', async () => {
    await using files = rgwStorage(server, { objectParameters: { Tagging: 'kind=photo' } })
    await files.save('one', 'x')
    await files.save('two', 'x', { extra: { Tagging: { 'a b': 'ü&=', c: '' } } })
    const tags = async (Key: string) => (await client.send(new GetObjectTaggingCommand({ Bucket, Key }))).TagSet
    expect(await tags('one')).toEqual([{ Key: 'kind', Value: 'photo' }])
    expect(await tags('two')).toEqual([
      { Key: 'a b', Value: 'ü&=' },
      { Key: 'c', Value: '' },
    ])
    await files.deleteMany(['one', 'two'])
  })

  test('tags of a copy are those of the source, or as the official client would change them', async () => {
    await using files = rgwStorage(server)
    await files.save('source', 'x', { extra: { Tagging: 'kind=photo' } })
    await files.copy('source', 'kept')
    await files.copy('source', 'ours', { extra: { Tagging: 'kind=copy' }, contentType: 'text/odd' })
    const replaced = { MetadataDirective: 'REPLACE', TaggingDirective: 'REPLACE', Tagging: 'kind=copy' } as const
    const CopySource = `/${Bucket}/source`
    await client.send(new CopyObjectCommand({ Bucket, Key: 'theirs', CopySource, ...replaced }))
    const tags = async (Key: string) => (await client.send(new GetObjectTaggingCommand({ Bucket, Key }))).TagSet
    expect(await tags('kept')).toEqual([{ Key: 'kind', Value: 'photo' }])
    expect(await tags('ours')).toEqual(await tags('theirs'))
    expect(await files.stat('ours')).toMatchObject({ contentType: 'text/odd' })
    await files.deleteMany(['source', 'kept', 'ours', 'theirs'])
  })

  test('tags of an upload in parts are kept or lost as those of the official client', async () => {
    await using files = rgwStorage(server, { objectParameters: { Tagging: 'kind=photo' }, multipartThreshold: 5 * MIB })
    const bytes = randomBytes(9 * MIB)
    await files.save('ours', bytes)
    await new Upload({ client, params: { Bucket, Key: 'theirs', Body: bytes, Tagging: 'kind=photo' } }).done()
    const tags = async (Key: string) => (await client.send(new GetObjectTaggingCommand({ Bucket, Key }))).TagSet
    expect(await tags('ours')).toEqual(await tags('theirs'))
    await files.deleteMany(['ours', 'theirs'])
  })

  test('metadata and attributes beyond ASCII come back, also from parts and after a copy', async () => {
    await using files = rgwStorage(server, { multipartThreshold: 5 * MIB })
    const metadata = { who: 'Jürgen 日本 100%', 'a-b': 'c  d' }
    const attributes = { metadata, cacheControl: 'max-age=5', contentLanguage: 'de', contentDisposition: 'inline' }
    await files.save('small', 'x', { ...attributes, contentType: 'text/odd' })
    await files.save('large', randomBytes(9 * MIB), { ...attributes, contentType: 'text/odd' })
    await files.copy('small', 'copied')
    for (const name of ['small', 'large', 'copied']) {
      expect(await files.stat(name)).toMatchObject({ ...attributes, contentType: 'text/odd' })
    }
    await files.deleteMany(['small', 'large', 'copied'])
  })

  test('an old version is read by its id and by a signed URL, and stays after a delete', async () => {
    const bucket = 'versioned'
    await using files = rgwStorage(server, { autoCreateBucket: true }, bucket)
    await files.exists('x')
    const VersioningConfiguration = { Status: 'Enabled' } as const
    await client.send(new PutBucketVersioningCommand({ Bucket: bucket, VersioningConfiguration }))
    await files.save('doc', 'first')
    const { versionId } = await files.stat('doc')
    expect(versionId).toEqual(expect.any(String))
    await files.save('doc', 'second!')
    expect((await files.stat('doc')).versionId).not.toBe(versionId)
    expect(await textOf(files, 'doc')).toBe('second!')
    expect(await textOf(files, 'doc', versionId)).toBe('first')
    await files.delete('doc')
    expect(await files.exists('doc')).toBe(false)
    expect(await textOf(files, 'doc', versionId)).toBe('first')
    const url = await files.url('doc', { parameters: { VersionId: versionId! } })
    expect(await fetched(url)).toEqual([200, 'first'])
  })
})

describe.each([
  ['version 4', {}],
  ['version 4, bucket in the host', { endpointUrl: server.virtualUrl, addressingStyle: 'virtual' }],
  ['version 2', { signatureVersion: 's3' }],
  [
    'version 2, bucket in the host',
    { endpointUrl: server.virtualUrl, addressingStyle: 'virtual', signatureVersion: 's3' },
  ],
] as ReadonlyArray<readonly [string, Input<S3Options>]>)('signed URLs of %s', (_title, options) => {
  const names = ['plain.txt', 'a b+c&d=e?.txt', 'ü/日本 100%.txt', "~!*()'@:,;$.txt", 'with//two and [x].txt']

  test.each(names)('PUT, HEAD, GET and DELETE %s', async given => {
    await using files = rgwStorage(server, options)
    const name = given.replace('//', '/')
    const put = await files.url(name, { method: 'PUT', contentType: 'text/odd' })
    expect(await fetched(put, { method: 'PUT', body: 'sent', headers: { 'content-type': 'text/odd' } })).toEqual([
      200,
      '',
    ])
    expect(await files.stat(name)).toMatchObject({ size: 4, contentType: 'text/odd' })
    const head = await localFetch(await files.url(name, { method: 'HEAD' }), { method: 'HEAD' })
    expect([head.status, head.headers.get('content-length')]).toEqual([200, '4'])
    const get = await files.url(name)
    expect(await fetched(get)).toEqual([200, 'sent'])
    expect((await fetched(`${get}0`))[0]).toBe(403)
    const [status] = await fetched(await files.url(name, { method: 'DELETE' }), { method: 'DELETE' })
    expect(status).toBe(204)
    expect(await files.exists(name)).toBe(false)
  })

  test('a download is told another type and name', async () => {
    await using files = rgwStorage(server, options)
    await files.save('named', 'x')
    const contentDisposition = 'attachment; filename="a b.txt"'
    const { status, headers } = await localFetch(
      await files.url('named', { contentType: 'text/odd', contentDisposition }),
    )
    expect([status, headers.get('content-type'), headers.get('content-disposition')]).toEqual([
      200,
      'text/odd',
      contentDisposition,
    ])
    await files.delete('named')
  })

  test('an expired one is refused', async () => {
    await using files = rgwStorage(server, options)
    await files.save('late', 'x')
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() - 7_200_000 })
    const url = await files.url('late', { expiresInSecs: 3600 })
    vi.useRealTimers()
    expect((await fetched(url))[0]).toBe(403)
    await files.delete('late')
  })
})

describe('forms', () => {
  function send(form: PostForm, body: string, more: Record<string, string> = {}): Promise<[number, string]> {
    const data = new FormData()
    for (const [name, value] of Object.entries({ ...form.fields, ...more })) data.append(name, value)
    data.append('file', new File([body], 'mine.txt'))
    return fetched(form.url, { method: 'POST', body: data })
  }

  test('a file within the size is stored, a larger one is not', async () => {
    await using files = rgwStorage(server, { location: 'forms' })
    const form = await files.uploadForm('up.txt', { maxSize: 10, contentType: 'text/odd' })
    expect((await send(form, '0123456789'))[0]).toBe(204)
    expect(await files.stat('up.txt')).toMatchObject({ size: 10, contentType: 'text/odd' })
    expect(await send(form, '0123456789x')).toEqual([400, expect.stringContaining('EntityTooLarge')])
    expect(await files.size('up.txt')).toBe(10)
    await files.delete('up.txt')
  })

  test('another key, another type and a forged policy are refused', async () => {
    await using files = rgwStorage(server)
    const form = await files.uploadForm('up.txt', { contentType: 'image/' })
    expect((await send(form, 'x', { key: 'other.txt', 'Content-Type': 'image/png' }))[0]).toBe(403)
    expect((await send(form, 'x', { 'Content-Type': 'text/html' }))[0]).toBe(403)
    const policy = Buffer.from('{"expiration":"2099-01-01T00:00:00Z","conditions":[]}').toString('base64')
    expect((await send(form, 'x', { 'Content-Type': 'image/png', policy }))[0]).toBe(403)
    expect((await send(form, 'x', { 'Content-Type': 'image/png' }))[0]).toBe(204)
    expect(await keysOf(files)).toEqual(['up.txt'])
    await files.delete('up.txt')
  })

  test('any name below a folder', async () => {
    await using files = rgwStorage(server)
    const form = await files.uploadForm('inbox/${' + 'filename}', { maxSize: 100 })
    expect((await send(form, 'mine'))[0]).toBe(204)
    expect(await textOf(files, 'inbox/mine.txt')).toBe('mine')
    await files.delete('inbox/mine.txt')
  })
})

test('nothing is left in the bucket', async () => {
  await using files = rgwStorage(server)
  expect(await keysOf(files)).toEqual([])
})

import { Readable } from 'node:stream'
import { gunzipSync } from 'node:zlib'
import { afterAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { S3Storage } from '../../../src/backends/s3/index.ts'
import type { S3Options } from '../../../src/backends/s3/settings/settings.ts'
import type { Input } from '../../../src/core/settings.ts'
import type { PostForm } from '../../../src/remote/sign/post-policy.ts'
import { startR2 } from '../../servers/r2.ts'
import { startStrictS3 } from '../../servers/strict-s3.ts'

const server = await startStrictS3({ pageSize: 100, buckets: ['media'] })
const r2 = await startR2()
afterAll(() => Promise.all([server.close(), r2.close()]))
const MIB = 1024 * 1024

function storage(options: Input<S3Options> = {}) {
  const { accessKeyId: accessKey, secretAccessKey: secretKey } = server.credentials
  const place = { endpointUrl: server.url, regionName: server.region, bucketName: 'media', accessKey, secretKey }
  return new S3Storage({ ...place, maxAttempts: 1, ...options }, { settings: {}, env: {} })
}

const seen = () => server.requests.filter(request => !request.key.includes('.holdall-probe-'))
const sent = (operation: string) => seen().filter(request => request.operation === operation)
const operations = () => seen().map(request => request.operation)

beforeEach(async () => {
  const files = storage()
  const names: string[] = []
  for await (const { name } of files.entries('', { recursive: true })) names.push(name)
  await files.deleteMany(names)
  server.requests.length = 0
  server.faults.clear()
})

describe('the session of the manual', () => {
  test('writes, reads and deletes a file', async () => {
    const files = storage()
    expect(await files.exists('storage_test')).toBe(false)
    const written = await files.open('storage_test', 'w')
    await written.write('storage contents')
    await written.close()
    expect(await files.exists('storage_test')).toBe(true)
    const read = await files.open('storage_test', 'r')
    expect(await read.read()).toBe('storage contents')
    await read.close()
    await files.delete('storage_test')
    expect(await files.exists('storage_test')).toBe(false)
  })
})

describe('save', () => {
  test('stores text as UTF-8 with its type and gives the name', async () => {
    const files = storage()
    expect(await files.save('x.txt', 'grün')).toBe('x.txt')
    expect(sent('PutObject')[0]!.headers).toMatchObject({ 'content-type': 'text/plain', 'content-length': '5' })
    expect(operations()).toEqual(['PutObject'])
    expect(await files.size('x.txt')).toBe(5)
  })

  test('does not ask whether the name is taken when overwriting', async () => {
    const files = storage()
    await files.save('x.txt', '1')
    expect(await files.save('x.txt', '2')).toBe('x.txt')
    expect(operations()).toEqual(['PutObject', 'PutObject'])
  })

  test('sends the object parameters, whose type is not overwritten', async () => {
    const objectParameters = {
      CacheControl: 'max-age=86400',
      ContentType: 'text/odd',
      StorageClass: 'STANDARD',
      Metadata: { Who: 'Jürgen' },
      Expires: new Date('2030-01-01T00:00:00Z'),
    }
    const files = storage({ objectParameters })
    await files.save('x.txt', 'x')
    await files.edit('y.txt', 'w', file => file.write('y'))
    for (const request of sent('PutObject')) {
      expect(request.headers).toMatchObject({
        'cache-control': 'max-age=86400',
        'content-type': 'text/odd',
        'x-amz-storage-class': 'STANDARD',
        expires: 'Tue, 01 Jan 2030 00:00:00 GMT',
      })
    }
    expect((await files.stat('x.txt')).metadata).toEqual({ who: 'Jürgen' })
  })

  test('takes a function for the object parameters', async () => {
    const files = storage({ objectParameters: name => (name.endsWith('.css') ? { CacheControl: 'no-store' } : {}) })
    await files.save('d/a.css', 'x')
    await files.save('d/a.txt', 'x')
    expect((await files.stat('d/a.css')).cacheControl).toBe('no-store')
    expect((await files.stat('d/a.txt')).cacheControl).toBeUndefined()
  })

  test('sends the old AWS_HEADERS', async () => {
    const files = storage({ headers: { 'Cache-Control': 'max-age=1', Expires: 'Thu, 15 Apr 2010 20:00:00 GMT' } })
    await files.save('x.txt', 'x')
    expect(sent('PutObject')[0]!.headers).toMatchObject({
      'cache-control': 'max-age=1',
      expires: 'Thu, 15 Apr 2010 20:00:00 GMT',
    })
  })

  test('leaves out old headers that S3 does not keep, and says so', async () => {
    const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined)
    await storage({ headers: { 'X-Robots-Tag': 'none', 'cache-control': 'max-age=2' } }).save('x.txt', 'x')
    expect(warned.mock.calls.map(([text]) => text)).toEqual([
      "S3 does not keep the header 'X-Robots-Tag': it was dropped.",
    ])
    expect(sent('PutObject')[0]!.headers).toMatchObject({ 'cache-control': 'max-age=2' })
    warned.mockRestore()
  })

  test('sends an ACL only when there is one, and that of the parameters wins', async () => {
    await storage().save('none', 'x')
    await storage({ defaultAcl: 'public-read' }).save('public', 'x')
    await storage({ defaultAcl: 'public-read', objectParameters: { ACL: 'private' } }).save('private', 'x')
    expect(sent('PutObject').map(request => request.headers['x-amz-acl'])).toEqual([
      undefined,
      'public-read',
      'private',
    ])
    expect((await server.anonymous('/media/public')).status).toBe(200)
    expect((await server.anonymous('/media/private')).status).toBe(403)
  })

  test('encrypts at rest on save and on open', async () => {
    const files = storage({ encryption: true })
    await files.save('a', 'x')
    await files.edit('b', 'w', file => file.write('y'))
    const headers = sent('PutObject').map(request => request.headers['x-amz-server-side-encryption'])
    expect(headers).toEqual(['AES256', 'AES256'])
  })

  test('keeps both files of two parallel savers without overwriting', async () => {
    const files = storage({ fileOverwrite: false })
    const names = await Promise.all(['1', '2', '3', '4'].map(text => files.save('d/race.txt', text)))
    expect(new Set(names).size).toBe(4)
    const texts = await Promise.all(names.map(async name => (await files.open(name, 'r')).read()))
    expect(texts).toEqual(['1', '2', '3', '4'])
    expect((await files.listdir(''))[1], 'the probe is gone').toEqual([])
  })

  test('tries conditions out below the location only, and not at all where nothing may be written', async () => {
    const files = storage({ fileOverwrite: false, location: 'mine/' })
    await files.save('a.txt', 'x')
    const keys = server.requests.filter(({ method }) => method === 'PUT').map(({ key }) => key)
    expect(keys.length).toBeGreaterThan(1)
    expect(keys.every(key => key.startsWith('mine/'))).toBe(true)
    server.requests.length = 0
    const shown = storage({ readOnly: true })
    await shown.discover()
    expect(shown.supports('exclusiveCreate')).toBe(false)
    await expect(shown.save('b.txt', 'x')).rejects.toMatchObject({ name: 'StorageError' })
    expect(server.requests).toEqual([])
  })

  test('keeps both large files on a server whose completion ignores conditions', async () => {
    const { accessKeyId: accessKey, secretAccessKey: secretKey } = r2.credentials
    const files = new S3Storage(
      { endpointUrl: r2.url, bucketName: r2.bucket, accessKey, secretKey, fileOverwrite: false, partSize: 5 * MIB },
      { settings: {}, env: {} },
    )
    const names = await Promise.all([1, 2, 3].map(byte => files.save('big.bin', Buffer.alloc(9 * MIB, byte))))
    expect(new Set(names).size).toBe(3)
    for (const [index, name] of names.entries()) {
      const file = await files.open(name)
      expect((await file.read()).equals(Buffer.alloc(9 * MIB, index + 1))).toBe(true)
    }
  })
})

test.each(['a.tar.gz', 'dump.sql.gz', 'a.tgz', 'rows.csv.gz', 'a.gz'])('%s is stored as an archive', async name => {
  for (const gzip of [false, true]) {
    const files = storage({ gzip })
    await files.save(name, 'bytes of an archive')
    const { contentType, contentEncoding } = await files.stat(name)
    expect({ contentType, contentEncoding }).toEqual({ contentType: 'application/gzip', contentEncoding: undefined })
    expect(await files.readText(name)).toBe('bytes of an archive')
  }
})

test('a file that a page loads is stored with its encoding', async () => {
  const files = storage()
  await files.save('a.css.gz', 'packed')
  expect(await files.stat('a.css.gz')).toMatchObject({ contentType: 'text/css', contentEncoding: 'gzip' })
})

test('a packed file that was stored with an encoding is given as it is', async () => {
  const files = storage({ gzip: true, gzipContentTypes: ['text/csv'] })
  await files.save('rows.csv.gz', 'packed', { contentType: 'text/csv', contentEncoding: 'gzip' })
  expect(await files.readText('rows.csv.gz')).toBe('packed')
})

describe('gzip', () => {
  const CSS = 'a { color: red }\n'.repeat(50)

  test('compresses listed types, always to the same bytes', async () => {
    const files = storage({ gzip: true })
    await files.save('f.css', CSS)
    const stored = Buffer.from(
      await (await fetch(await files.url('f.css'), { headers: { 'accept-encoding': 'x' } })).arrayBuffer(),
    )
    expect(stored.toString()).toBe(CSS)
    const { size, contentEncoding, etag } = await files.stat('f.css')
    expect(contentEncoding).toBe('gzip')
    expect(size).toBeLessThan(CSS.length)
    await files.save('f.css', CSS)
    expect((await files.stat('f.css')).etag).toBe(etag)
    const plain = await storage().open('f.css')
    const bytes = await plain.read()
    expect(bytes.subarray(0, 9).toString('hex')).toBe('1f8b08000000000002')
    expect(gunzipSync(bytes).toString()).toBe(CSS)
  })

  test('is undone when the file is opened, and applies to open-write and large files', async () => {
    const files = storage({ gzip: true })
    await files.edit('g.js', 'w', file => file.write(CSS))
    expect((await files.stat('g.js')).contentEncoding).toBe('gzip')
    const file = await files.open('g.js', 'r')
    expect(await file.read()).toBe(CSS)
    const large = 'b { color: blue }\n'.repeat(20_000)
    await files.save('h.css', large)
    expect(await (await files.open('h.css', 'r')).read()).toBe(large)
  })

  test('leaves alone what is compressed or of another type', async () => {
    const files = storage({ gzip: true, objectParameters: name => (name === 'e.css' ? { ContentEncoding: 'br' } : {}) })
    await files.save('f.css.gz', 'body')
    await files.save('e.css', 'body')
    await files.save('f.png', 'body')
    expect(sent('PutObject').map(request => request.headers['content-encoding'])).toEqual(['gzip', 'br', undefined])
    for (const name of ['f.css.gz', 'e.css', 'f.png']) expect(await (await files.open(name, 'r')).read()).toBe('body')
  })

  test('is off by default', async () => {
    await storage().save('f.css.gz', 'body')
    expect(sent('PutObject')[0]!.headers).toMatchObject({ 'content-type': 'text/css', 'content-encoding': 'gzip' })
    expect(await storage().size('f.css.gz')).toBe(4)
  })
})

describe('open', () => {
  test('w without a write makes an empty file, also over an old one', async () => {
    const files = storage({ objectParameters: { CacheControl: 'no-store' } })
    await (await files.open('empty.txt', 'w')).close()
    expect(await files.stat('empty.txt')).toMatchObject({
      size: 0,
      contentType: 'text/plain',
      cacheControl: 'no-store',
    })
    await files.save('old.txt', 'old')
    await (await files.open('old.txt', 'w')).close()
    expect(await files.size('old.txt')).toBe(0)
  })

  test('w sends large files in parts while they are written', async () => {
    const files = storage({ partSize: 5 * MIB })
    const file = await files.open('big.bin', 'wb')
    for (let at = 0; at < 12; at++) await file.write(Buffer.alloc(MIB, at))
    await file.close()
    expect(operations().filter(name => name !== 'ListMultipartUploads')).toEqual([
      'CreateMultipartUpload',
      'UploadPart',
      'UploadPart',
      'UploadPart',
      'CompleteMultipartUpload',
    ])
    expect(sent('CreateMultipartUpload')[0]!.headers['content-type']).toBe('application/octet-stream')
    expect(await files.size('big.bin')).toBe(12 * MIB)
  })

  test('a block that throws after a part leaves nothing', async () => {
    const files = storage({ partSize: 5 * MIB })
    const failure = files.edit('big.bin', 'wb', async file => {
      for (let at = 0; at < 12; at++) await file.write(Buffer.alloc(MIB, at))
      throw new Error('stop')
    })
    await expect(failure).rejects.toThrow('stop')
    expect(operations()).toContain('AbortMultipartUpload')
    expect(operations()).not.toContain('CompleteMultipartUpload')
    expect(await files.exists('big.bin')).toBe(false)
  })

  test('refuses what the mode does not allow', async () => {
    const files = storage()
    await files.save('a', 'x')
    await expect((await files.open('a', 'r')).write('x' as never)).rejects.toMatchObject({ code: 'unsupported_mode' })
    await expect(files.open('rw', 'rw' as never)).rejects.toMatchObject({ code: 'invalid_argument' })
    await expect(files.open('missing')).rejects.toMatchObject({ code: 'not_found' })
  })

  test('x does not replace, a appends', async () => {
    const files = storage()
    await files.save('a', 'one')
    await expect(files.open('a', 'x')).rejects.toMatchObject({ code: 'exists' })
    await files.edit('a', 'a', file => file.write(' two'))
    expect(await (await files.open('a', 'r')).read()).toBe('one two')
  })

  test('sends the keys of customer encryption with every request', async () => {
    const files = storage({ objectParameters: { SSECustomerKey: 'k'.repeat(32) } })
    await files.save('secret', 'bytes')
    await files.stat('secret')
    expect(await (await files.open('secret', 'r')).read()).toBe('bytes')
    const name = 'x-amz-server-side-encryption-customer-key'
    expect(new Set(seen().map(({ headers }) => headers[name]))).toEqual(
      new Set([Buffer.from('k'.repeat(32)).toString('base64')]),
    )
  })
})

describe('folders', () => {
  test('are listed without the marker', async () => {
    const files = storage()
    for (const name of ['some/path/1.txt', 'some/2.txt']) await files.save(name, 'x')
    await files.calls.driver.write(
      'some/',
      { size: 0, replayable: true, bytes: new Uint8Array(), open: never },
      {},
      files.calls.context(),
    )
    expect(await files.listdir('some/')).toEqual([['path'], ['2.txt']])
    expect(await files.listdir('nothing')).toEqual([[], []])
    await files.calls.driver.delete('some/', files.calls.context())
  })

  test('are no files where everything below is listed', async () => {
    const files = storage()
    await files.save('some/path/1.txt', 'x')
    for (const marker of ['some/', 'some/path/', 'empty/']) {
      await files.calls.driver.write(
        marker,
        { size: 0, replayable: true, bytes: new Uint8Array(), open: never },
        {},
        files.calls.context(),
      )
    }
    const names: string[] = []
    for await (const { name } of files.entries('', { recursive: true })) names.push(name)
    expect(names).toEqual(['some/path/1.txt'])
    expect(await files.listdir()).toEqual([['empty', 'some'], []])
    for (const marker of ['some/', 'some/path/', 'empty/'])
      await files.calls.driver.delete(marker, files.calls.context())
  })

  test('are listed over many pages', async () => {
    const files = storage({ location: 'loc' })
    await Promise.all(Array.from({ length: 250 }, (_, at) => files.save(`many/${at}`, 'x')))
    expect((await files.listdir('many'))[1]).toHaveLength(250)
    expect(sent('ListObjectsV2').length).toBeGreaterThanOrEqual(3)
  })
})

describe('delete', () => {
  test('of a missing file is silent, a failing one is an error', async () => {
    await storage().delete('missing')
    server.faults.add({ operation: 'DeleteObject', fault: { do: 'refuse', status: 500, code: 'InternalError' } })
    await expect(storage().delete('x')).rejects.toMatchObject({ code: 'unavailable', status: 500 })
  })
})

describe('buckets', () => {
  test('are created by the first request that finds none, where asked for', async () => {
    const files = storage({ bucketName: 'fresh', autoCreateBucket: true })
    await files.save('a', 'x')
    await files.save('b', 'x')
    expect(operations()).toEqual(['PutObject', 'CreateBucket', 'PutObject', 'PutObject'])
  })

  test.each<[string, (files: S3Storage) => Promise<unknown>, unknown]>([
    ['exists', files => files.exists('a'), false],
    ['listdir', files => files.listdir(), [[], []]],
    ['save-in-parts', files => files.save('big', Readable.from([Buffer.alloc(11 * MIB)])), 'big'],
    ['save-new', files => files.save('a', 'x', { overwrite: false }), 'a'],
    ['delete', files => files.delete('a'), undefined],
    ['delete-many', files => files.deleteMany(['a', 'b']), { deleted: 2, errors: [] }],
  ])('are created by %s', async (bucketName, work, result) => {
    const files = storage({ bucketName, autoCreateBucket: true })
    expect(await work(files)).toEqual(result)
    expect(operations().filter(name => name === 'CreateBucket')).toHaveLength(1)
  })

  test('are created once by many calls', async () => {
    const files = storage({ bucketName: 'fresh-many', autoCreateBucket: true })
    await Promise.all(['a', 'b', 'c', 'd'].map(name => files.save(name, 'x')))
    expect(operations().filter(name => name === 'CreateBucket')).toHaveLength(1)
  })

  test('are not created by a read-only storage', async () => {
    const files = storage({ bucketName: 'fresh-read-only', autoCreateBucket: true, readOnly: true })
    await expect(files.exists('a')).rejects.toMatchObject({ code: 'improperly_configured' })
    expect(operations()).not.toContain('CreateBucket')
  })

  test('in another region are told by their setting', async () => {
    server.faults.add({
      operation: 'PutObject',
      fault: { do: 'refuse', status: 301, code: 'PermanentRedirect', headers: { 'x-amz-bucket-region': 'eu-west-1' } },
    })
    await expect(storage({ autoCreateBucket: true }).save('a', 'x')).rejects.toMatchObject({
      code: 'improperly_configured',
      message: expect.stringContaining('AWS_S3_REGION_NAME'),
    })
  })

  test('that are missing are no missing file', async () => {
    await expect(storage({ bucketName: 'nowhere' }).save('a', 'x')).rejects.toMatchObject({
      code: 'improperly_configured',
    })
  })
})

describe('forms', () => {
  const FILE_NAME = '$' + '{filename}'
  const post = (form: PostForm, text: string, more: Record<string, string> = {}, fileName = 'blob') => {
    const body = new FormData()
    for (const [name, value] of Object.entries({ ...form.fields, ...more })) body.append(name, value)
    body.append('file', new Blob([text]), fileName)
    return fetch(form.url, { method: 'POST', body })
  }

  test('upload a file of the right size and type from a browser', async () => {
    const files = storage({ location: 'loc' })
    const form = await files.uploadForm('up/a.txt', { maxSize: 10, contentType: 'text/plain' })
    expect((await post(form, 'short')).status).toBe(204)
    expect(await (await files.open('up/a.txt', 'r')).read()).toBe('short')
    expect((await files.stat('up/a.txt')).contentType).toBe('text/plain')
    expect((await post(form, 'exactly 10')).status).toBe(204)
    expect((await post(form, 'more than 10')).status).toBe(400)
    expect((await post(form, 'short', { 'Content-Type': 'text/html' })).status).toBe(403)
    expect((await post(form, 'short', { key: 'loc/up/other.txt' })).status).toBe(403)
  })

  test('admit every type that begins so, and every name below a folder', async () => {
    const files = storage()
    const form = await files.uploadForm(`photos/${FILE_NAME}`, {
      contentType: 'image/',
      fields: { acl: 'public-read' },
    })
    const type = (contentType: string) => ({ 'Content-Type': contentType })
    expect((await post(form, 'png', type('image/png'), 'a.png')).status).toBe(204)
    expect(await files.stat('photos/a.png')).toMatchObject({ contentType: 'image/png', size: 3 })
    expect((await server.anonymous('/media/photos/a.png')).status).toBe(200)
    expect((await post(form, 'html', type('text/html'), 'b.html')).status).toBe(403)
    expect((await post(form, 'x', { ...type('image/png'), key: 'elsewhere/c.png' })).status).toBe(403)
    expect((await post(form, 'x', { ...type('image/png'), acl: 'private' })).status).toBe(403)
  })

  test('end when they say so, and are not made without keys', async () => {
    const now = Date.now() - 120_000
    vi.useFakeTimers({ now, toFake: ['Date'] })
    const past = await storage()
      .uploadForm('late.txt', { expiresInSecs: 60 })
      .finally(() => vi.useRealTimers())
    const policy = JSON.parse(Buffer.from(past.fields['Policy']!, 'base64').toString())
    expect(Date.parse(policy.expiration)).toBe(Math.floor(now / 1000) * 1000 + 60_000)
    expect((await post(past, 'x')).status).toBe(403)
    const anybody = storage({ signatureVersion: 'unsigned' })
    await expect(anybody.uploadForm('a')).rejects.toMatchObject({ code: 'improperly_configured' })
    await expect(storage().uploadForm('../a')).rejects.toMatchObject({ code: 'suspicious_name' })
  })

  test('and signed URLs upload with PUT', async () => {
    const files = storage()
    const url = await files.url('put.txt', { method: 'PUT', contentType: 'text/plain' })
    const answer = await fetch(url, { method: 'PUT', body: 'put', headers: { 'content-type': 'text/plain' } })
    expect(answer.status).toBe(200)
    expect(await files.size('put.txt')).toBe(3)
  })
})

function never(): never {
  throw new Error('the bytes are at hand')
}

import { createHash, randomBytes } from 'node:crypto'
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { afterAll, beforeEach, describe, expect, test } from 'vitest'
import { S3Storage } from '../../../src/backends/s3/index.ts'
import type { S3Options } from '../../../src/backends/s3/settings/settings.ts'
import type { Input } from '../../../src/core/settings.ts'
import { chaos } from '../../../src/layers/chaos.ts'
import type { Services } from '../../../src/storage/types.ts'
import { startStrictS3 } from '../../servers/strict-s3.ts'

const server = await startStrictS3()
const { accessKeyId: accessKey, secretAccessKey: secretKey } = server.credentials
const official = new S3Client({
  endpoint: server.url,
  region: server.region,
  forcePathStyle: true,
  credentials: server.credentials,
  requestChecksumCalculation: 'WHEN_REQUIRED',
})
afterAll(() => {
  official.destroy()
  return server.close()
})

const MIB = 1_048_576

function storage(options: Input<S3Options> = {}, services: Services = {}) {
  const place = { endpointUrl: server.url, bucketName: 'media', accessKey, secretKey, conditionalWrites: 'on' as const }
  return new S3Storage({ ...place, maxAttempts: 2, ...options }, { settings: {}, env: {}, ...services })
}

const ranges = () =>
  server.requests.filter(({ operation }) => operation === 'GetObject').map(({ headers }) => headers['range'])

beforeEach(() => {
  server.requests.length = 0
  server.faults.clear()
})

describe('a small file', () => {
  const bytes = randomBytes(1000)

  test.each(['readBytes', 'createReadStream'] as const)('is continued where its body breaks, by %s', async how => {
    const broken = chaos({ on: ({ operation }) => operation === 'read', breakBody: { calls: [1, 2], afterBytes: 300 } })
    const files = storage({}, { layers: [broken] })
    await files.save('small', bytes)
    server.requests.length = 0
    const read =
      how === 'readBytes'
        ? await files.readBytes('small')
        : Buffer.concat(await files.createReadStream('small').toArray())
    expect(read.equals(bytes)).toBe(true)
    expect(ranges()).toEqual([undefined, 'bytes=300-', 'bytes=600-'])
  })
})

describe('a file opened for reading', () => {
  const bytes = randomBytes(2 * MIB)

  test('asks for the ranges that are read, each tied to the etag of the opening', async () => {
    const files = storage()
    await files.save('big', bytes)
    server.requests.length = 0
    const file = await files.open('big')
    expect(await file.size()).toBe(bytes.length)
    expect((await file.read(10)).equals(bytes.subarray(0, 10))).toBe(true)
    await file.seek(MIB + 5)
    expect((await file.read(7)).equals(bytes.subarray(MIB + 5, MIB + 12))).toBe(true)
    await file.seek(-3, 'end')
    expect((await file.read()).equals(bytes.subarray(-3))).toBe(true)
    await file.close()
    expect(server.requests.every(({ operation }) => operation === 'GetObject')).toBe(true)
    const etag = `"${createHash('md5').update(bytes).digest('hex')}"`
    expect(server.requests.map(({ headers }) => [headers['range'], headers['if-match']])).toEqual([
      [undefined, undefined],
      [`bytes=${MIB + 5}-`, etag],
      [expect.stringMatching(/^bytes=\d+-2097151$/), etag],
    ])
  })

  test('goes on where its body broke, if the object is the same', async () => {
    const files = storage()
    await files.save('broken', bytes)
    server.requests.length = 0
    server.faults.add({ operation: 'GetObject', fault: { do: 'cut', bytes: 300_000 } })
    const file = await files.open('broken')
    expect((await file.read()).equals(bytes)).toBe(true)
    expect(ranges()).toHaveLength(2)
    expect(Number(/bytes=(\d+)-/.exec(ranges()[1]!)![1])).toBeGreaterThan(0)
  })

  test('does not go on in another object', async () => {
    const files = storage()
    await files.save('changed', bytes)
    // Behind what is read ahead.
    server.faults.add({ operation: 'GetObject', fault: { do: 'cut', bytes: 1_500_000 } })
    const file = await files.open('changed')
    const first = await file.read(10)
    expect(first.equals(bytes.subarray(0, 10))).toBe(true)
    await files.save('changed', randomBytes(2 * MIB))
    await expect(file.read()).rejects.toMatchObject({ code: 'precondition_failed' })
  })

  test('gives 404 when it is opened, not when it is read', async () => {
    await expect(storage().open('missing')).rejects.toMatchObject({ code: 'not_found' })
    const stream = storage().createReadStream('missing')
    await expect(stream.toArray()).rejects.toMatchObject({ code: 'not_found' })
  })

  test('of no byte reads as nothing', async () => {
    const files = storage()
    await files.save('empty', '')
    const file = await files.open('empty', 'r')
    expect([await file.size(), await file.read(), await file.readLine()]).toEqual([0, '', ''])
    expect(await files.createReadStream('empty').toArray()).toEqual([])
  })
})

describe('a file that gzip compressed', () => {
  const lines = Array.from({ length: 5000 }, (_, at) => `.c${at} { content: 'ü${at}' }\n`)
  const css = lines.join('')

  test('is read in text mode by line, by character and after a seek', async () => {
    const files = storage({ gzip: true })
    await files.save('lines.css', css)
    expect(await files.size('lines.css')).toBeLessThan(css.length / 2)
    await using file = await files.open('lines.css', 'r')
    expect(await file.readLine()).toBe(lines[0])
    expect(await file.read(5)).toBe('.c1 {')
    await file.seek(0)
    expect(await file.readLines()).toEqual(lines)
    const start = Buffer.byteLength(lines.slice(0, 4000).join(''))
    await file.seek(start)
    expect(await file.readLine()).toBe(lines[4000])
    expect(await file.tell()).toBe(start + Buffer.byteLength(lines[4000]!))
    expect(await file.size()).toBe(Buffer.byteLength(css))
    const found: string[] = []
    for await (const line of file) found.push(line)
    expect([found, file.closed]).toEqual([lines, true])
  })

  test('is read in bytes, in chunks and as a stream, and changed in place', async () => {
    const files = storage({ gzip: true })
    await files.save('bytes.css', css)
    await using file = await files.open('bytes.css')
    const chunks: Buffer[] = []
    for await (const chunk of file.chunks(1000)) chunks.push(chunk)
    expect(Buffer.concat(chunks).toString()).toBe(css)
    expect(Buffer.concat(await files.createReadStream('bytes.css').toArray()).toString()).toBe(css)
    await files.edit('bytes.css', 'a', opened => opened.write('/* end */'))
    const entry = await files.stat('bytes.css')
    expect([entry.contentEncoding, entry.contentType]).toEqual(['gzip', 'text/css'])
    await using changed = await files.open('bytes.css', 'r')
    expect(await changed.read()).toBe(`${css}/* end */`)
  })

  test('by others is left as it is where gzip is off', async () => {
    await storage({ gzip: true }).save('raw.css', css)
    await using file = await storage().open('raw.css')
    expect((await file.read(3)).toString('hex')).toBe('1f8b08')
  })

  test('and is damaged fails instead of giving less', async () => {
    const files = storage({ gzip: true })
    await files.save('whole.css', css)
    const stored = server.bucket().current('whole.css')!.body
    const cut = { Bucket: 'media', Key: 'cut.css', Body: stored.subarray(0, -20) }
    await official.send(new PutObjectCommand({ ...cut, ContentType: 'text/css', ContentEncoding: 'gzip' }))
    const damaged = {
      name: 'StorageError',
      retryable: false,
      message: expect.stringContaining('not complete gzip data'),
    }
    await expect(files.open('cut.css')).rejects.toMatchObject(damaged)
    await expect(files.createReadStream('cut.css').toArray()).rejects.toMatchObject(damaged)
  })
})

describe('metadata', () => {
  const values = [
    'plain text',
    'Jürgen 日本 🙂',
    ' spaces around ',
    'two  spaces',
    'line\nbreak\ttab',
    '=?UTF-8?B?SGk=?=',
    'a=?b?=',
    '"quoted", \\ and %41',
    'é'.repeat(300),
    '',
  ]

  test.each(values)('%j comes back, from us and through a copy', async value => {
    const files = storage({ fileOverwrite: true })
    await files.save('meta', 'x', { metadata: { 'a-Value': value, other: 'o' } })
    expect((await files.stat('meta')).metadata).toEqual({ 'a-value': value, other: 'o' })
    await files.copy('meta', 'meta copy')
    expect((await files.stat('meta copy')).metadata).toEqual({ 'a-value': value, other: 'o' })
    const wire = server.requests.find(({ operation }) => operation === 'PutObject')!.headers['x-amz-meta-a-value']!
    expect(wire).toMatch(/^[\x20-\x7e]*$/)
  })

  test('of the official client is read, where it can say it', async () => {
    const metadata = { plain: 'text', word: '=?UTF-8?Q?J=C3=BCrgen_M?=' }
    await official.send(new PutObjectCommand({ Bucket: 'media', Key: 'theirs', Body: 'x', Metadata: metadata }))
    expect((await storage().stat('theirs')).metadata).toEqual({ plain: 'text', word: 'Jürgen M' })
  })

  test('with a name that no header can have is refused', async () => {
    await expect(storage().save('meta', 'x', { metadata: { 'a b': 'x' } })).rejects.toMatchObject({
      code: 'invalid_argument',
      message: expect.stringContaining("'a b' cannot be the name of metadata."),
    })
  })
})

/** Answers with a status of success that are none, and errors from which a request recovers. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import type { S3Storage } from '../../../src/backends/s3/index.ts'
import { bytesContent } from '../../../src/core/content.ts'
import { plainContext } from '../../../src/testing/index.ts'
import { refusal, type Scripted, scripted, storageOf, uploadOf } from './scripted.ts'

const PART = 5 * 1024 * 1024
const large = Buffer.alloc(2 * PART)
const OPTIONS = { conditionalWrites: 'off', multipartThreshold: PART, partSize: PART } as const
const PAGE = '<html><head><title>Welcome</title></head><body>Log in</body></html>'

type Kind =
  | 'create'
  | 'part'
  | 'complete'
  | 'abort'
  | 'parts'
  | 'uploads'
  | 'batch'
  | 'list'
  | 'copy'
  | 'put'
  | 'delete'
  | 'head'
  | 'get'

function kindOf({ method, url = '', headers }: IncomingMessage): Kind {
  const query = new URL(url, 'http://x').searchParams
  if (query.has('delete')) return 'batch'
  if (query.has('uploads')) return method === 'POST' ? 'create' : 'uploads'
  if (query.has('uploadId')) {
    if (method === 'PUT') return 'part'
    return method === 'POST' ? 'complete' : method === 'DELETE' ? 'abort' : 'parts'
  }
  if (query.has('list-type')) return 'list'
  if (method === 'PUT') return headers['x-amz-copy-source'] === undefined ? 'put' : 'copy'
  return method!.toLowerCase() as Kind
}

/** What a good service answers; an upload is there until it is aborted. */
function good(kind: Kind, response: ServerResponse, isOpen: boolean): void {
  if (kind === 'create') response.end(uploadOf('u'))
  else if (kind === 'part' || kind === 'put') response.writeHead(200, { etag: '"e"' }).end()
  else if (kind === 'complete')
    response.end('<CompleteMultipartUploadResult><ETag>"e-2"</ETag></CompleteMultipartUploadResult>')
  else if (kind === 'parts' && isOpen) response.end('<ListPartsResult/>')
  else if (kind === 'parts') response.writeHead(404).end('<Error><Code>NoSuchUpload</Code></Error>')
  else if (kind === 'uploads') response.end('<ListMultipartUploadsResult/>')
  else if (kind === 'list') response.end('<ListBucketResult/>')
  else if (kind === 'copy') response.end('<CopyObjectResult><ETag>"e"</ETag></CopyObjectResult>')
  else if (kind === 'head') response.writeHead(200, { etag: '"e"', 'content-length': 2 }).end()
  else if (kind === 'get') response.writeHead(200, { etag: '"e"' }).end('ok')
  else response.writeHead(204).end()
}

type Answer = (response: ServerResponse, request: IncomingMessage) => void

/** A service that answers one kind of request oddly. */
function odd(kind: Kind, answer: Answer): Promise<Scripted> {
  let isOpen = true
  return scripted((request, response) => {
    const found = kindOf(request)
    if (found === 'abort') isOpen = false
    if (found === kind) answer(response, request)
    else good(found, response, isOpen)
  })
}

const send =
  (status: number, body = '', headers: Record<string, string> = {}): Answer =>
  response =>
    response.writeHead(status, headers).end(body)

const save = (files: S3Storage): Promise<unknown> => files.save('a', 'x', { overwrite: true })
const saveLarge = (files: S3Storage): Promise<unknown> => files.save('a', large, { overwrite: true })
const copy = (files: S3Storage): Promise<unknown> => files.copy('a', 'b', { overwrite: true })
const list = (files: S3Storage): Promise<unknown> => files.listdir('')
const deleteOne = (files: S3Storage): Promise<unknown> => files.delete('a')
const deleteMany = async (files: S3Storage): Promise<unknown> => {
  const { errors } = await files.deleteMany(['a'])
  throw errors[0]!.error
}
const stat = (files: S3Storage): Promise<unknown> => files.stat('a')
const read = (files: S3Storage): Promise<unknown> => files.readText('a')

const REQUESTS: ReadonlyArray<readonly [Kind, (files: S3Storage) => Promise<unknown>]> = [
  ['list', list],
  ['copy', copy],
  ['batch', deleteMany],
  ['create', saveLarge],
  ['part', saveLarge],
  ['complete', saveLarge],
  ['put', save],
  ['delete', deleteOne],
]

// Where an upload may have been created, its search waits for two seconds.
describe.concurrent('a success that is no answer is an error:', () => {
  const html = { 'content-type': 'text/html; charset=utf-8' }
  test.each(REQUESTS)('%s answered by a page of HTML', async (kind, work) => {
    await using server = await odd(kind, send(200, PAGE, html))
    const outcome = kind === 'list' ? 'not_applied' : 'unknown'
    expect(await refusal({ ...server.options, ...OPTIONS }, work)).toMatchObject({ code: 'unavailable', outcome })
  })

  test.each(REQUESTS)('%s answered by a page of HTML with a document type', async (kind, work) => {
    await using server = await odd(kind, send(200, `\n<!DOCTYPE html>\n${PAGE}`, html))
    expect(await refusal({ ...server.options, ...OPTIONS }, work)).toMatchObject({ code: 'unavailable' })
  })

  test.each(REQUESTS.filter(([kind]) => kind !== 'delete'))(
    '%s answered by an empty body without headers',
    async (kind, work) => {
      await using server = await odd(kind, send(200))
      expect(await refusal({ ...server.options, ...OPTIONS }, work)).toMatchObject({ code: 'unavailable' })
    },
  )

  test.each(REQUESTS)('%s answered by 202', async (kind, work) => {
    await using server = await odd(kind, send(202, '', { etag: '"e"' }))
    const error = await refusal({ ...server.options, ...OPTIONS }, work)
    expect(error).toMatchObject({ code: 'unavailable', status: 202 })
    if (kind !== 'list') expect(error.outcome).toBe('unknown')
  })

  test.each(REQUESTS.filter(([kind]) => kind !== 'put' && kind !== 'part' && kind !== 'delete'))(
    '%s answered by JSON, or by a document of another kind',
    async (kind, work) => {
      for (const body of ['{"ok":true}', '<Other/>', '<CopyObjectResultX/>']) {
        await using server = await odd(kind, send(200, body))
        expect(await refusal({ ...server.options, ...OPTIONS }, work)).toMatchObject({ code: 'unavailable' })
      }
    },
  )

  test.each(REQUESTS)('%s answered by an error inside', async (kind, work) => {
    const body = '<?xml version="1.0"?><Error><Code>AccessDenied</Code><Message>no</Message></Error>'
    await using server = await odd(kind, send(200, body, { etag: '"e"' }))
    expect(await refusal({ ...server.options, ...OPTIONS }, work)).toMatchObject({
      message: expect.stringContaining('AccessDenied'),
    })
  })

  test.each<[string, Kind, Answer, (files: S3Storage) => Promise<unknown>]>([
    ['a HEAD without a length', 'head', send(200, '', { etag: '"e"', 'transfer-encoding': 'chunked' }), stat],
    ['a HEAD of a page', 'head', send(200, '', { ...html, 'content-length': '60' }), stat],
    [
      'a HEAD of a typed answer without a trace of a file',
      'head',
      send(200, '', { 'content-type': 'application/json', 'content-length': '60' }),
      stat,
    ],
    ['a GET of nothing', 'get', send(200, '', { 'content-length': '0' }), read],
    ['a GET of a page', 'get', send(200, PAGE, html), read],
    [
      'a GET answered by 206 that asked for all',
      'get',
      send(206, 'ok', { etag: '"e"', 'content-range': 'bytes 0-1/5' }),
      read,
    ],
    ['a GET answered by 304 without a condition', 'get', send(304), read],
    ['a GET answered by 203', 'get', send(203, 'changed', { etag: '"e"' }), read],
  ])('%s', async (_what, kind, answer, work) => {
    await using server = await odd(kind, answer)
    expect(await refusal({ ...server.options, ...OPTIONS }, work)).toMatchObject({
      code: 'unavailable',
      outcome: 'not_applied',
    })
  })

  test('but a HEAD with a length and no type is believed: small services keep neither etags nor times', async () => {
    await using server = await odd('head', send(200, '', { 'content-length': '5' }))
    await using files = storageOf({ ...server.options, ...OPTIONS })
    expect(await files.exists('a')).toBe(true)
    expect(await files.stat('a')).toMatchObject({ size: 5, etag: undefined, modifiedAt: undefined })
  })

  test('a file of HTML is no page of something between', async () => {
    await using server = await odd('get', send(200, PAGE, { ...html, etag: '"e"' }))
    await using files = storageOf({ ...server.options, ...OPTIONS })
    expect(await files.readText('a')).toBe(PAGE)
  })

  test.each([300, 302, 303, 305, 308])('a redirect by %d without an address', async status => {
    for (const [kind, work] of [
      ['put', save],
      ['get', read],
    ] as const) {
      await using server = await odd(kind, send(status))
      expect(await refusal({ ...server.options, ...OPTIONS }, work)).toMatchObject({
        code: 'improperly_configured',
        status,
      })
    }
  })
})

describe('documents', () => {
  const names = '<ListBucketResult><Contents><Key>a</Key><Size>1</Size></Contents></ListBucketResult>'
  const declared = `<?xml version="1.0" encoding="UTF-8"?>\n${names}`

  test.each([
    ['a byte order mark', `\uFEFF${declared}`],
    ['blanks that kept the connection open', `  \n \r\n${declared}`],
    ['both', `\n\uFEFF ${declared}\n`],
  ])('with %s in front are read', async (_what, body) => {
    await using server = await odd('list', send(200, body))
    await using files = storageOf({ ...server.options, ...OPTIONS })
    expect(await files.listdir('')).toEqual([[], ['a']])
  })

  test.each([
    ['gzip', gzipSync(declared)],
    ['deflate', deflateSync(declared)],
    ['br', brotliCompressSync(declared)],
  ])('that a proxy compressed by %s are read', async (encoding, body) => {
    await using server = await odd('list', response =>
      response.writeHead(200, { 'content-encoding': encoding }).end(body),
    )
    await using files = storageOf({ ...server.options, ...OPTIONS })
    expect(await files.listdir('')).toEqual([[], ['a']])
  })

  test('that are compressed errors tell their code', async () => {
    const body = gzipSync('<Error><Code>SlowDown</Code></Error>')
    await using server = await odd('put', response => response.writeHead(503, { 'content-encoding': 'gzip' }).end(body))
    expect(await refusal({ ...server.options, ...OPTIONS }, save)).toMatchObject({ code: 'throttled' })
  })

  test('that unpack to more than 16 MiB are too large; bytes that are not packed as they say are no answer', async () => {
    const bomb = gzipSync(Buffer.alloc(20 * 1024 * 1024, 0x20))
    for (const [body, code] of [
      [bomb, 'too_large'],
      [Buffer.from(declared), 'unavailable'],
    ] as const) {
      await using server = await odd('list', response =>
        response.writeHead(200, { 'content-encoding': 'gzip' }).end(body),
      )
      expect(await refusal({ ...server.options, ...OPTIONS }, list)).toMatchObject({ code })
    }
  })
})

describe.concurrent('a 404', () => {
  test.each<[Kind, (files: S3Storage) => Promise<unknown>]>([
    ['put', save],
    ['create', saveLarge],
    ['batch', deleteMany],
    ['list', list],
  ])('to %s is not a missing file', async (kind, work) => {
    await using server = await odd(kind, send(404))
    const error = await refusal({ ...server.options, ...OPTIONS }, work)
    expect(error.code).not.toBe('not_found')
    expect(error.message).not.toContain('does not exist')
  })

  test.each<[Kind, (files: S3Storage) => Promise<unknown>]>([
    ['get', read],
    ['delete', deleteOne],
  ])('by a page that is not from the service is no missing file to %s', async (kind, work) => {
    await using server = await odd(kind, send(404, PAGE, { 'content-type': 'text/html' }))
    expect(await refusal({ ...server.options, ...OPTIONS }, work)).toMatchObject({
      code: 'improperly_configured',
      status: 404,
    })
  })

  test.each<[Kind, (files: S3Storage) => Promise<unknown>]>([
    ['get', read],
    ['head', stat],
    ['copy', copy],
  ])('to %s is one in the same words', async (kind, work) => {
    await using server = await odd(kind, send(404, kind === 'head' ? '' : '<Error><Code>NoSuchKey</Code></Error>'))
    const error = await refusal({ ...server.options, ...OPTIONS }, work)
    expect(error).toMatchObject({
      code: 'not_found',
      message: expect.stringMatching(/'a': the file does not exist\.$/),
    })
  })
})

describe('a batch', () => {
  test.each([
    [501, '<Error><Code>NotImplemented</Code></Error>'],
    [501, ''],
    [405, ''],
    [400, '<Error><Code>NotImplemented</Code></Error>'],
  ])('that the service refuses by %d %s goes one by one, and is not tried again', async (status, body) => {
    await using server = await odd('batch', send(status, body))
    await using files = storageOf({ ...server.options, ...OPTIONS })
    expect(await files.deleteMany(['a', 'b'])).toEqual({ deleted: 2, errors: [] })
    expect(await files.deleteMany(['c'])).toEqual({ deleted: 1, errors: [] })
    expect(server.asked.map(({ method, url }) => `${method} ${url}`).sort()).toEqual([
      'DELETE /bkt/a',
      'DELETE /bkt/b',
      'DELETE /bkt/c',
      'POST /bkt?delete',
    ])
  })

  test('whose answer does not name a key has not deleted it', async () => {
    await using server = await odd('batch', send(200, '<DeleteResult><Deleted><Key>a</Key></Deleted></DeleteResult>'))
    await using files = storageOf({ ...server.options, ...OPTIONS })
    const { deleted, errors } = await files.deleteMany(['a', 'b'])
    expect(deleted).toBe(1)
    expect(errors).toMatchObject([{ name: 'b', error: { code: 'unavailable', outcome: 'unknown', fileName: 'b' } }])
  })

  test('asks for the name of every key', async () => {
    let body = ''
    await using server = await scripted((request, response) => {
      body = String(request.headers['content-length'])
      response.end(
        '<DeleteResult><Deleted><Key>a&amp;b</Key></Deleted><Error><Key>c</Key><Code>AccessDenied</Code></Error></DeleteResult>',
      )
    })
    await using files = storageOf({ ...server.options, ...OPTIONS })
    const { deleted, errors } = await files.deleteMany(['a&b', 'c'])
    expect([deleted, errors.map(({ error }) => error.code)]).toEqual([1, ['permission_denied']])
    expect(Number(body)).toBeGreaterThan(0)
  })

  test('sends again only the keys that were throttled', async () => {
    const failing = '<Error><Key>b</Key><Code>SlowDown</Code></Error>'
    await using server = await odd('batch', (response, { headers }) => {
      const isFirst = Number(headers['content-length']) > 150
      response.end(
        `<DeleteResult>${isFirst ? `<Deleted><Key>a</Key></Deleted>${failing}` : '<Deleted><Key>b</Key></Deleted>'}</DeleteResult>`,
      )
    })
    await using files = storageOf({ ...server.options, ...OPTIONS, maxAttempts: 3 })
    const names = ['a', 'b']
    expect(await files.deleteMany(names)).toEqual({ deleted: 2, errors: [] })
    const sizes = server.asked.map(({ headers }) => Number(headers['content-length']))
    expect(sizes).toHaveLength(2)
    expect(sizes[1]).toBeLessThan(sizes[0]!)
  })
})

describe('a HEAD that is refused without a word', () => {
  /** A service of another region, whose HEAD tells nothing. */
  function elsewhere(rest: Answer): Promise<Scripted> {
    return scripted((request, response) => {
      if (request.headers.authorization!.includes('/eu-west-1/')) return rest(response, request)
      const body = '<Error><Code>AuthorizationHeaderMalformed</Code><Region>eu-west-1</Region></Error>'
      response.writeHead(400).end(request.method === 'HEAD' ? undefined : body)
    })
  }

  test('learns the region of a GET, and the call succeeds', async () => {
    await using server = await elsewhere(send(200, '', { etag: '"e"', 'content-length': '0' }))
    await using files = storageOf({ ...server.options, ...OPTIONS })
    expect(await files.exists('a')).toBe(true)
    expect(await files.exists('b')).toBe(true)
    expect(server.asked.map(({ method }) => method)).toEqual(['HEAD', 'GET', 'HEAD', 'HEAD'])
  })

  test('of a missing file says there that it is missing', async () => {
    await using server = await elsewhere((response, { method }) =>
      response.writeHead(404).end(method === 'HEAD' ? undefined : '<Error><Code>NoSuchKey</Code></Error>'),
    )
    await using files = storageOf({ ...server.options, ...OPTIONS })
    expect(await files.exists('a')).toBe(false)
    expect(await files.exists('a')).toBe(false)
    expect(server.asked.map(({ method }) => method)).toEqual(['HEAD', 'GET', 'HEAD', 'GET', 'HEAD'])
  })

  test('needs no GET where a header tells the code', async () => {
    await using server = await odd('head', send(404, '', { 'x-minio-error-code': 'NoSuchKey' }))
    await using files = storageOf({ ...server.options, ...OPTIONS })
    expect(await files.exists('a')).toBe(false)
    expect(server.asked.map(({ method }) => method)).toEqual(['HEAD'])
  })
})

describe('odd values in headers', () => {
  test.each([
    ['Sunday, 06-Nov-94 08:49:37 GMT', 784_111_777_000],
    ['Sun Nov  6 08:49:37 1994', 784_111_777_000],
    ['some day', undefined],
  ])('a Last-Modified of %j', async (text, time) => {
    await using server = await odd('head', send(200, '', { etag: '"e"', 'content-length': '5', 'last-modified': text }))
    await using files = storageOf({ ...server.options, ...OPTIONS })
    expect((await files.stat('a')).modifiedAt?.getTime()).toBe(time)
  })

  test('a weak etag is no condition: another version is noticed by its own', async () => {
    let etag = 'W/"1"'
    await using server = await odd('get', (response, { headers }) => {
      if (headers['if-match'] !== undefined) response.writeHead(412).end()
      else response.writeHead(200, { etag, 'content-length': 2 }).end('ok')
    })
    await using files = storageOf({ ...server.options, ...OPTIONS, conditionalWrites: 'on' })
    const ctx = plainContext()
    const { stat: found, body } = await files.calls.driver.read('a', {}, ctx)
    body.take()
    expect(found?.etag).toBe('W/"1"')
    await files.calls.driver.read('a', { ifMatch: 'W/"1"' }, ctx)
    etag = 'W/"2"'
    await expect(files.calls.driver.read('a', { ifMatch: 'W/"1"' }, ctx)).rejects.toMatchObject({
      code: 'precondition_failed',
    })
    const write = files.calls.driver.write('a', bytesContent(Buffer.from('x')), { ifMatch: 'W/"1"' }, ctx)
    await expect(write).rejects.toMatchObject({ code: 'unsupported' })
  })
})

describe('the reason that a GET tells for a refused HEAD', () => {
  test('is that of a page of something between: no file is missing', async () => {
    await using server = await scripted(({ method }, response) =>
      response.writeHead(404).end(method === 'HEAD' ? '' : PAGE),
    )
    expect(await refusal(server.options, files => files.exists('a'))).toMatchObject({ code: 'improperly_configured' })
    expect(server.asked.map(({ method }) => method)).toEqual(['HEAD', 'GET'])
  })

  test('is not taken from an error of another cause', async () => {
    await using server = await scripted(({ method }, response) => {
      if (method === 'HEAD') response.writeHead(404).end()
      else response.writeHead(503).end('<Error><Code>SlowDown</Code></Error>')
    })
    await using files = storageOf(server.options)
    expect(await files.exists('a')).toBe(false)
  })
})

test('a success to a PUT with more in its body than any answer has is none', async () => {
  await using server = await scripted((_request, response) =>
    response.writeHead(200, { etag: '"e"' }).end(Buffer.alloc(100_000, 'x')),
  )
  const error = await refusal({ ...server.options, ...OPTIONS }, files => files.save('a', 'x'))
  expect(error).toMatchObject({ code: 'too_large', outcome: 'unknown' })
})

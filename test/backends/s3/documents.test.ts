import type { ServerResponse } from 'node:http'
import { describe, expect, test } from 'vitest'
import type { S3Storage } from '../../../src/backends/s3/index.ts'
import { refusal, scripted, storageOf, uploadOf } from './scripted.ts'

const PART = 5 * 1024 * 1024
const FILLER = 'x'.repeat(1 << 20)

/** A document that begins and does not end, as fast as it is taken; `closed` gets its connection's end. */
function endless(response: ServerResponse, closed: () => void): void {
  response.writeHead(200, { etag: '"e"' })
  response.write('<Answer><Text>')
  const more = (): void => {
    while (!response.destroyed && response.write(FILLER));
  }
  response.on('drain', more).on('close', closed)
  more()
}

const large = Buffer.alloc(2 * PART)
const conditions = { conditionalWrites: 'off', multipartThreshold: PART, partSize: PART } as const

type Isit = (method: string, url: string) => boolean

describe('an answer without an end is too large, is not asked for again, and its connection is closed:', () => {
  test.each<[string, Isit, 'not_applied' | 'unknown', (files: S3Storage) => Promise<unknown>]>([
    ['a listing', method => method === 'GET', 'not_applied', files => files.listdir('')],
    ['a copy', method => method === 'PUT', 'unknown', files => files.copy('a', 'b', { overwrite: true })],
    [
      'a completion',
      (method, url) => method === 'POST' && url.includes('uploadId'),
      'unknown',
      files => files.save('a', large),
    ],
    [
      'a deletion',
      (_, url) => url.includes('?delete'),
      'unknown',
      async files => {
        throw (await files.deleteMany(['a', 'b'])).errors[0]!.error
      },
    ],
  ])('%s', async (_what, isIt, outcome, work) => {
    const { promise: closed, resolve } = Promise.withResolvers<void>()
    let times = 0
    await using server = await scripted(({ method = '', url = '' }, response) => {
      if (url.includes('?uploads')) response.end(uploadOf('u'))
      else if (url.includes('uploadId') && method === 'GET') response.end('<ListPartsResult/>')
      else if (method === 'DELETE') response.writeHead(404).end()
      else if (isIt(method, url)) {
        times++
        endless(response, resolve)
      } else response.writeHead(200, { etag: '"e"', 'content-length': 0 }).end()
    })
    const error = await refusal({ ...server.options, ...conditions, maxAttempts: 4 }, work)
    expect(error).toMatchObject({ code: 'too_large', retryable: false, outcome })
    expect(times).toBe(1)
    await closed
  })
})

test('an error document without an end is an error without a document', async () => {
  await using server = await scripted((_request, response) => {
    response.writeHead(403)
    const more = (): void => {
      while (!response.destroyed && response.write('<Error>'.repeat(10_000)));
    }
    response.on('drain', more)
    more()
  })
  expect(await refusal(server.options, files => files.listdir(''))).toMatchObject({ code: 'permission_denied' })
})

test.each([
  ['a listing', 200, 'unavailable'],
  ['an error document', 400, 'invalid_argument'],
])('%s with 9,000 levels is refused as an answer', async (_what, status, code) => {
  await using server = await scripted((_request, response) => response.writeHead(status).end('<Error>'.repeat(9000)))
  expect(await refusal(server.options, files => files.listdir(''))).toMatchObject({ code })
})

test('a key that is not encoded as the listing says is listed as it stands, with the others', async () => {
  const file = (key: string) => `<Contents><Key>${key}</Key><Size>1</Size></Contents>`
  await using server = await scripted((_request, response) => {
    response.end(
      `<ListBucketResult><EncodingType>url</EncodingType>${file('a%20b')}${file('50%')}${file('c')}</ListBucketResult>`,
    )
  })
  await using files = storageOf(server.options)
  expect(await files.listdir('')).toEqual([[], ['a b', '50%', 'c']])
})

test.each(['constructor', '__proto__', 'toString'])('an error whose code is %s has one of our codes', async code => {
  await using server = await scripted((_request, response) => {
    response.writeHead(400).end(`<Error><Code>${code}</Code></Error>`)
  })
  const error = await refusal(server.options, files => files.listdir(''))
  expect(error).toMatchObject({ code: 'invalid_argument', message: expect.not.stringContaining('native') })
})

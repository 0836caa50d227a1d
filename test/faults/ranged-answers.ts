import type { IncomingMessage, ServerResponse } from 'node:http'
import { buffer } from 'node:stream/consumers'
import { describe, expect, test } from 'vitest'
import { createFileHandler } from '../../src/serve/index.ts'
import type { Storage } from '../../src/storage/storage.ts'
import { all } from '../files/helpers.ts'
import { scriptedServer } from '../support/scripted.ts'

/** A backend whose reads of a file `a` are answered by a script. */
export interface RangedGround {
  readonly backend: string
  /** A storage for the service at a URL; tries nothing again. */
  storage(url: string): Storage
  /** Headers of every answer. */
  readonly always?: Readonly<Record<string, string>>
  /** Code, and number of requests, where a body that broke goes on in answers without an etag. */
  readonly withoutEtag: readonly [code: string, requests: number]
}

const TEXT = Array.from({ length: 100_000 }, (_, at) => String(at).padStart(5, '0')).join('')

/** How an answer to a GET of the text is made; `from` is where its range begins. */
type Answer = (request: IncomingMessage, response: ServerResponse, from: number, count: number) => void

const headersOf = (from: number, etag = '"e"', isPart = from > 0) => ({
  etag,
  'content-length': TEXT.length - from,
  ...(isPart ? { 'content-range': `bytes ${from}-${TEXT.length - 1}/${TEXT.length}` } : {}),
})

/** Answers as a server should. */
const right: Answer = ({ headers }, response, from) => {
  response.writeHead(headers.range === undefined ? 200 : 206, headersOf(from, undefined, headers.range !== undefined))
  response.end(TEXT.slice(from))
}

/** All ways to read a part of the text. */
const ways: Readonly<Record<string, (files: Storage, start: number, end: number) => Promise<string>>> = {
  readText: (files, start, end) => files.readText('a', { start, end }),
  createReadStream: async (files, start, end) => String(await buffer(files.createReadStream('a', { start, end }))),
  'a file': (files, start, end) =>
    files.edit('a', 'r', async file => {
      await file.seek(start)
      return file.read(end - start)
    }),
}

/** Registers what every backend must do with answers to ranged reads that are not what was asked for: no byte is given that does not belong there. */
export function describeRangedAnswers(ground: RangedGround): void {
  /** Reads from a service that answers so, with the requests that it took. */
  async function reading<T>(
    answer: Answer,
    work: (files: Storage) => Promise<T>,
  ): Promise<{ result: T; asked: Array<Record<string, unknown>>; connections: number }> {
    await using server = await scriptedServer((request, response, count) => {
      for (const [name, value] of Object.entries(ground.always ?? {})) response.setHeader(name, value)
      const from = Number(/bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0)
      answer(request, response, from, count)
    })
    await using files = ground.storage(server.url)
    const result = await work(files)
    const asked = server.asked.map(({ method, headers }) => ({
      method,
      range: headers['range'],
      match: headers['if-match'],
    }))
    return { result, asked, connections: new Set(server.ports).size }
  }

  describe.each(Object.entries(ways))('a part that is read by %s', (_, read) => {
    const part = (files: Storage) => read(files, 300_000, 300_020)

    test('is right where the service ignores the range and sends everything', async () => {
      const { result } = await reading((_request, response) => response.writeHead(200, headersOf(0)).end(TEXT), part)
      expect(result).toBe(TEXT.slice(300_000, 300_020))
    })

    test.each<[string, number, Record<string, string | number>]>([
      ['another place', 206, { 'content-range': `bytes 0-${TEXT.length - 1}/${TEXT.length}` }],
      ['another unit', 206, { 'content-range': `lines 300000-300019/${TEXT.length}` }],
      ['no place', 206, {}],
      ['several parts', 206, { 'content-type': 'multipart/byteranges; boundary=b' }],
      ['another status', 203, {}],
    ])('is an error where the service answers with %s', async (__, status, headers) => {
      const answer: Answer = (request, response, from) => {
        if (request.headers.range === undefined) return right(request, response, from, 0)
        return response.writeHead(status, { etag: '"e"', ...headers }).end(TEXT)
      }
      const { result } = await reading(answer, files => part(files).catch(error => error))
      const code = status === 206 ? 'unknown' : 'unavailable'
      expect(result).toMatchObject({ name: 'StorageError', code, fileName: 'a', backend: ground.backend })
    })
  })

  describe('a large file of a service that ignores ranges', () => {
    const size = 9_000_000
    const ignoring: Answer = ({ method }, response) => {
      response.writeHead(200, { etag: '"e"', 'content-length': size })
      response.end(method === 'HEAD' ? undefined : Buffer.alloc(size, 'x'))
    }

    test('is not read beyond its first 8 MiB to get at a part', async () => {
      for (const read of Object.values(ways)) {
        const { result } = await reading(ignoring, files => read(files, 8_500_000, 8_500_010).catch(error => error))
        expect(result).toMatchObject({ code: 'unsupported', fileName: 'a' })
      }
    })

    test('is served as a whole where a part beyond that is asked for', async () => {
      const { result } = await reading(ignoring, async files => {
        const request = new Request('http://x/a', { headers: { range: 'bytes=8500000-8500009' } })
        const response = await createFileHandler(files)(request)
        return [response.status, (await response.arrayBuffer()).byteLength]
      })
      expect(result).toEqual([200, size])
    })
  })

  describe('a body that breaks', () => {
    test('goes on at its place where the service sends everything again, without a byte twice', async () => {
      const { result, asked } = await reading(
        (_request, response, __, count) => {
          response.writeHead(200, headersOf(0))
          if (count === 0) response.write(TEXT.slice(0, 100_000), () => response.destroy())
          else response.end(TEXT)
        },
        files => files.readText('a'),
      )
      expect(result).toBe(TEXT)
      expect(asked).toHaveLength(2)
      expect(asked[1]).toMatchObject({ match: '"e"', range: expect.stringMatching(/^bytes=\d+-$/) })
    })

    test('always at the same place is an error after a few requests', async () => {
      const { result, asked } = await reading(
        (_request, response) => void response.writeHead(200, headersOf(0)).write('01234', () => response.destroy()),
        files => files.readText('a').catch(error => error),
      )
      expect(result).toMatchObject({ code: 'unavailable', fileName: 'a' })
      expect(asked).toHaveLength(5)
    })

    test.each([
      ['another etag', '"f"', 'precondition_failed', 2],
      ['no etag', undefined, ...ground.withoutEtag],
    ])('does not go on in an answer with %s', async (_, etag, code, requests) => {
      const { result, asked } = await reading(
        (_request, response, from, count) => {
          if (count === 0) {
            response.writeHead(200, headersOf(0)).write(TEXT.slice(0, 100), () => response.destroy())
            return
          }
          const { etag: __, ...headers } = headersOf(from)
          response.setHeader('last-modified', 'Wed, 01 Jan 2020 00:00:00 GMT')
          response.writeHead(206, etag === undefined ? headers : { ...headers, etag }).end(TEXT.slice(from))
        },
        files => files.readText('a').catch(error => error),
      )
      expect(result).toMatchObject({ code, fileName: 'a' })
      expect(asked).toHaveLength(requests)
    })

    test.each([undefined, 'W/"e"'])('is not continued where the etag is %s', async etag => {
      const { result, asked } = await reading(
        (_request, response) => {
          const { etag: _, ...headers } = headersOf(0)
          response.setHeader('last-modified', 'Wed, 01 Jan 2020 00:00:00 GMT')
          response.writeHead(200, etag === undefined ? headers : { ...headers, etag })
          response.write(TEXT.slice(0, 100), () => response.destroy())
        },
        files => files.readText('a').catch(error => error),
      )
      expect(result).toMatchObject({ code: 'unavailable' })
      expect(asked).toHaveLength(1)
    })
  })

  describe('weak etags', () => {
    const weak =
      (change: Record<string, string> = {}): Answer =>
      ({ method, headers }, response, from) => {
        if (headers['if-match'] !== undefined) return response.writeHead(412).end()
        const changed = headers.range === undefined ? {} : change
        response.writeHead(headers.range === undefined ? 200 : 206, {
          ...headersOf(from, 'W/"e"', headers.range !== undefined),
          ...changed,
        })
        return response.end(method === 'HEAD' ? undefined : TEXT.slice(from))
      }
    const sought = (files: Storage) => ways['a file']!(files, 200_000, 200_010)

    test('are compared and never sent as a condition', async () => {
      const { result, asked } = await reading(weak(), sought)
      expect(result).toBe(TEXT.slice(200_000, 200_010))
      expect(asked).toEqual([
        { method: 'GET', range: undefined, match: undefined },
        { method: 'GET', range: 'bytes=200000-', match: undefined },
      ])
    })

    test.each<[string, Record<string, string>]>([
      ['etag', { etag: 'W/"f"' }],
      ['size', { 'content-range': `bytes 200000-${TEXT.length - 1}/${TEXT.length + 1}` }],
      ['time', { 'last-modified': 'Thu, 01 Jan 1970 00:00:00 GMT' }],
    ])('a file whose %s is another one is precondition_failed', async (_, change) => {
      const first = { 'last-modified': 'Wed, 01 Jan 2020 00:00:00 GMT' }
      const answer: Answer = (request, response, from, count) => {
        response.setHeader('last-modified', first['last-modified'])
        weak(change)(request, response, from, count)
      }
      const { result } = await reading(answer, files => sought(files).catch(error => error))
      expect(result).toMatchObject({ code: 'precondition_failed', fileName: 'a' })
    })

    test('stay weak where the file is served', async () => {
      const { result } = await reading(weak(), async files => {
        const handle = createFileHandler(files)
        const ask = async (headers: Record<string, string>) => {
          const response = await handle(new Request('http://x/a', { headers }))
          return [response.status, response.headers.get('etag'), (await response.text()).length]
        }
        return [
          await ask({}),
          await ask({ 'if-none-match': 'W/"e"' }),
          await ask({ 'if-none-match': '"e"' }),
          await ask({ 'if-match': 'W/"e"' }),
          await ask({ range: 'bytes=0-9', 'if-range': 'W/"e"' }),
          await ask({ range: 'bytes=0-9' }),
        ]
      })
      expect(result).toEqual([
        [200, 'W/"e"', TEXT.length],
        [304, 'W/"e"', 0],
        [304, 'W/"e"', 0],
        [412, null, expect.any(Number)],
        [200, 'W/"e"', TEXT.length],
        [206, 'W/"e"', 10],
      ])
    })
  })

  describe('a size that no header tells', () => {
    const chunked: Answer = (_request, response) => {
      response.writeHead(200, { etag: '"e"', 'transfer-encoding': 'chunked' })
      response.write(TEXT.slice(0, 1000))
      response.end(TEXT.slice(1000))
    }

    test.each(Object.entries(ways))('is no reason for other bytes, by %s', async (_, read) => {
      const { result } = await reading(chunked, files => read(files, 400_000, 400_010))
      expect(result).toBe(TEXT.slice(400_000, 400_010))
    })

    test('is known of an opened file all the same, by one request', async () => {
      const work = (files: Storage) => files.edit('a', 'rb', file => file.size())
      const { result, asked } = await reading(chunked, work)
      expect([result, asked.length]).toEqual([TEXT.length, 1])
    })
  })

  describe('the requests of an opened file', () => {
    test.each<[string, number, (files: Storage) => Promise<unknown>]>([
      ['all of it', 1, files => files.edit('a', 'r', file => file.read())],
      ['its beginning', 1, files => files.edit('a', 'r', file => file.read(10))],
      ['its size', 1, files => files.edit('a', 'r', file => file.size())],
      ['its lines', 1, async files => all(await files.open('a', 'r'))],
      ['a place after another', 2, files => ways['a file']!(files, 200_000, 200_010)],
      ['nothing of it, opened for changes', 1, files => files.edit('a', 'r+', () => undefined)],
    ])('that reads %s are %d', async (_, count, work) => {
      const { asked } = await reading(right, work)
      expect(asked.map(({ method }) => method)).toEqual(Array(count).fill('GET'))
    })

    test('leave the connection free for the next one when it is closed', async () => {
      const small = (size: number): Answer => {
        const body = TEXT.slice(0, size)
        return (_request, response) => void response.writeHead(200, { etag: '"e"', 'content-length': size }).end(body)
      }
      for (const size of [0, 10, 60_000, 200_000]) {
        const { asked, connections } = await reading(small(size), async files => {
          for (let turn = 0; turn < 3; turn++) {
            await files.edit('a', 'rb', file => file.read(5))
            // What is left of a body is read in the background.
            await new Promise(setImmediate)
          }
        })
        expect([size, asked.length, connections]).toEqual([size, 3, 1])
      }
    })

    test('of which nothing was read leave it free as well where little is on its way', async () => {
      const { connections } = await reading(
        (_request, response) =>
          void response.writeHead(200, { etag: '"e"', 'content-length': 1000 }).end(TEXT.slice(0, 1000)),
        async files => {
          for (let turn = 0; turn < 3; turn++) {
            await (await files.open('a')).close()
            await new Promise(setImmediate)
          }
        },
      )
      expect(connections).toBe(1)
    })
  })
}

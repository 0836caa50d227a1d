import { describe, expect, test } from 'vitest'
import { createFileHandler } from '../../src/serve/index.ts'
import type { Storage } from '../../src/storage/storage.ts'
import { all } from '../files/helpers.ts'
import {
  expectNotContinued,
  headersOf,
  OTHER_VERSION,
  type RangedAnswer,
  type RangedGround,
  readingFrom,
  TEXT,
  VERSION,
  ways,
} from './ranged-ground.ts'

/** Registers what every backend must do with answers to ranged reads that are not what was asked for: no byte is given that does not belong there. */
export function describeRangedAnswers(ground: RangedGround): void {
  const reading = <T>(answer: RangedAnswer, work: (files: Storage) => Promise<T>) => readingFrom(ground, answer, work)
  const { backend, version, told, method = 'GET' } = ground
  const head = (from: number, options?: Parameters<typeof headersOf>[2]) => headersOf(ground, from, options)

  /** Answers as a server should. */
  const right: RangedAnswer = ({ headers }, response, from) => {
    const isPart = headers.range !== undefined
    response.writeHead(isPart ? 206 : 200, head(from, { isPart }))
    response.end(TEXT.slice(from))
  }

  describe.each(Object.entries(ways))('a part that is read by %s', (_, read) => {
    const part = (files: Storage) => read(files, 300_000, 300_020)

    test('is right where the service ignores the range and sends everything', async () => {
      const { result } = await reading((_request, response) => response.writeHead(200, head(0)).end(TEXT), part)
      expect(result).toBe(TEXT.slice(300_000, 300_020))
    })

    test.each<[string, number, Record<string, string | number>]>([
      ['another place', 206, { 'content-range': `bytes 0-${TEXT.length - 1}/${TEXT.length}` }],
      ['another unit', 206, { 'content-range': `lines 300000-300019/${TEXT.length}` }],
      ['no place', 206, {}],
      ['several parts', 206, { 'content-type': 'multipart/byteranges; boundary=b' }],
      ['another status', 203, {}],
    ])('is an error where the service answers with %s', async (__, status, headers) => {
      const answer: RangedAnswer = (request, response, from) => {
        if (request.headers.range === undefined) return right(request, response, from, 0)
        return response.writeHead(status, { ...told(VERSION, TEXT), ...headers }).end(TEXT)
      }
      const { result } = await reading(answer, files => part(files).catch(error => error))
      const code = status === 206 ? 'unknown' : 'unavailable'
      expect(result).toMatchObject({ name: 'StorageError', code, fileName: 'a', backend })
    })
  })

  describe('a large file of a service that ignores ranges', () => {
    const size = 9_000_000
    const bytes = Buffer.alloc(size, 'x')
    const ignoring: RangedAnswer = (request, response) => {
      const document = ground.described?.(request, VERSION, bytes)
      if (document !== undefined) {
        return response.setHeader('content-type', 'application/json').end(JSON.stringify(document))
      }
      response.writeHead(200, { ...told(VERSION, bytes), 'content-length': size })
      return response.end(request.method === 'HEAD' ? undefined : bytes)
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
          response.writeHead(200, head(0))
          if (count === 0) response.write(TEXT.slice(0, 100_000), () => response.destroy())
          else response.end(TEXT)
        },
        files => files.readText('a'),
      )
      expect(result).toBe(TEXT)
      expect(asked).toHaveLength(2)
      expect(asked[1]).toMatchObject({ tied: VERSION, range: expect.stringMatching(/^bytes=\d+-$/) })
    })

    test('always at the same place is an error after a few requests', async () => {
      const { result, asked } = await reading(
        (_request, response) => void response.writeHead(200, head(0)).write('01234', () => response.destroy()),
        files => files.readText('a').catch(error => error),
      )
      expect(result).toMatchObject({ code: 'unavailable', fileName: 'a' })
      expect(asked).toHaveLength(5)
    })

    test.each([
      [`another ${version}`, OTHER_VERSION, 'precondition_failed', 2],
      [`no ${version}`, undefined, ...ground.withoutVersion],
    ])('does not go on in an answer with %s', async (_, other, code, requests) => {
      const { result, asked } = await reading(
        (_request, response, from, count) => {
          if (count === 0) {
            response.writeHead(200, head(0)).write(TEXT.slice(0, 100), () => response.destroy())
            return
          }
          response.setHeader('last-modified', 'Wed, 01 Jan 2020 00:00:00 GMT')
          response.writeHead(206, head(from, { version: other, isPart: true })).end(TEXT.slice(from))
        },
        files => files.readText('a').catch(error => error),
      )
      expect(result).toMatchObject({ code, fileName: 'a' })
      expect(asked).toHaveLength(requests)
    })

    test(`is not continued where the answer told no ${version}`, async () => {
      await expectNotContinued(ground, head(0, { version: undefined }))
    })
  })

  describe('a size that no header tells', () => {
    const chunked: RangedAnswer = (_request, response) => {
      response.writeHead(200, { ...told(VERSION, TEXT), 'transfer-encoding': 'chunked' })
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
      expect(asked.map(each => each.method)).toEqual(Array(count).fill(method))
    })

    test('leave the connection free for the next one when it is closed', async () => {
      const small = (size: number): RangedAnswer => {
        const body = TEXT.slice(0, size)
        const headers = { ...told(VERSION, body), 'content-length': size }
        return (_request, response) => void response.writeHead(200, headers).end(body)
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
      const body = TEXT.slice(0, 1000)
      const { connections } = await reading(
        (_request, response) =>
          void response.writeHead(200, { ...told(VERSION, body), 'content-length': body.length }).end(body),
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

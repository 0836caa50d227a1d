import { describe, expect, test } from 'vitest'
import { createFileHandler } from '../../src/serve/index.ts'
import type { Storage } from '../../src/storage/storage.ts'
import {
  expectNotContinued,
  headersOf,
  type RangedAnswer,
  type RangedGround,
  readingFrom,
  TEXT,
  ways,
} from './ranged-ground.ts'

/** Registers what a backend whose service has etags must do with weak ones. */
export function describeWeakEtags(ground: RangedGround): void {
  const reading = <T>(answer: RangedAnswer, work: (files: Storage) => Promise<T>) => readingFrom(ground, answer, work)

  describe('weak etags', () => {
    const weak =
      (change: Record<string, string> = {}): RangedAnswer =>
      ({ method, headers }, response, from) => {
        if (headers['if-match'] !== undefined) return response.writeHead(412).end()
        const changed = headers.range === undefined ? {} : change
        response.writeHead(headers.range === undefined ? 200 : 206, {
          ...headersOf(ground, from, { version: undefined, isPart: headers.range !== undefined }),
          etag: 'W/"e"',
          ...changed,
        })
        return response.end(method === 'HEAD' ? undefined : TEXT.slice(from))
      }
    const sought = (files: Storage) => ways['a file']!(files, 200_000, 200_010)

    test('no body is continued of a file with one', async () => {
      await expectNotContinued(ground, { ...headersOf(ground, 0, { version: undefined }), etag: 'W/"e"' })
    })

    test('are compared and never sent as a condition', async () => {
      const { result, asked } = await reading(weak(), sought)
      expect(result).toBe(TEXT.slice(200_000, 200_010))
      expect(asked).toEqual([
        { method: 'GET', range: undefined, tied: undefined },
        { method: 'GET', range: 'bytes=200000-', tied: undefined },
      ])
    })

    test.each<[string, Record<string, string>]>([
      ['etag', { etag: 'W/"f"' }],
      ['size', { 'content-range': `bytes 200000-${TEXT.length - 1}/${TEXT.length + 1}` }],
      ['time', { 'last-modified': 'Thu, 01 Jan 1970 00:00:00 GMT' }],
    ])('a file whose %s is another one is precondition_failed', async (_, change) => {
      const first = { 'last-modified': 'Wed, 01 Jan 2020 00:00:00 GMT' }
      const answer: RangedAnswer = (request, response, from, count) => {
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
}

/** Copies of small files to a name that must be free. */
import { afterAll, beforeEach, describe, expect, test } from 'vitest'
import { NodeClient } from '../../../src/http/node-client.ts'
import type { HttpClient, HttpRequest } from '../../../src/http/request.ts'
import { distinctBytes } from '../../faults/ground.ts'
import { startStrictSwift } from '../../servers/strict-swift.ts'
import { at, clear, PART, SMALL_PARTS, storageWith } from './support.ts'

const server = await startStrictSwift({ containers: ['media', 'media_segments'] })
afterAll(() => server.close())
beforeEach(() => {
  clear(server)
  server.requests.length = 0
})

const keeps = { ...at(server), ...SMALL_PARTS, fileOverwrite: false, maxAttempts: 3 }

/** A client that changes requests on their way, and may lose the answer to one. */
function clientOf(change: (request: HttpRequest) => HttpRequest, loses: (request: HttpRequest) => boolean): HttpClient {
  const inner = new NodeClient({})
  return {
    async request(request, ctx) {
      const answer = await inner.request(change(request), ctx)
      if (!loses(request)) return answer
      throw Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' })
    },
    close: () => inner.close(),
  }
}

const same = (request: HttpRequest): HttpRequest => request
const never = (): boolean => false

describe('a cluster that honours If-None-Match', () => {
  test('gets two requests, and the copy has all attributes of its source', async () => {
    await using files = storageWith(keeps)
    const deleteAt = Math.floor(Date.now() / 1000) + 100_000
    const attributes = { contentType: 'text/x-odd', cacheControl: 'max-age=1', metadata: { owner: 'ü' } }
    await files.save('from', 'text', { ...attributes, extra: { deleteAt, xRobotsTag: 'noindex' } })
    await files.copy('from', 'first')
    server.requests.length = 0
    expect(await files.copy('from', 'to')).toBe('to')
    expect(server.requests.map(({ method }) => method)).toEqual(['GET', 'PUT'])
    expect(await files.stat('to')).toMatchObject(attributes)
    const { headers } = server.requests[1]!
    expect(headers).toMatchObject({ 'x-delete-at': String(deleteAt), 'x-robots-tag': 'noindex', 'if-none-match': '*' })
    await files.copy('from', 'other', { metadata: { only: 'this' } })
    expect(await files.stat('other')).toMatchObject({ ...attributes, metadata: { only: 'this' } })
    expect((await files.stat('other')).metadata).toEqual({ only: 'this' })
    const names = (await files.listdir(''))[1]
    expect(names.toSorted()).toEqual(['first', 'from', 'other', 'to'])
  })

  test('keeps a taken name, whatever its size, and a file that is copied onto itself', async () => {
    await using files = storageWith(keeps)
    await files.save('taken', 'old')
    await files.save('small', 'small')
    const large = distinctBytes(2 * PART)
    await files.save('large', large)
    expect(await files.copy('small', 'taken')).not.toBe('taken')
    const other = await files.copy('large', 'taken')
    expect(other).not.toBe('taken')
    expect((await files.readBytes(other)).equals(large)).toBe(true)
    const itself = await files.copy('small', 'small')
    expect(itself).not.toBe('small')
    expect(await files.readText(itself)).toBe('small')
    expect(await files.readText('taken')).toBe('old')
    await expect(files.copy('missing', 'new')).rejects.toMatchObject({ code: 'not_found' })
    await expect(files.copy('missing', 'missing')).rejects.toMatchObject({ code: 'not_found' })
  })

  test('does not replace what a rival stored before a lost answer, and sends nothing twice', async () => {
    let isLost = false
    const loses = ({ method, url }: HttpRequest): boolean => isLost && method === 'PUT' && url.endsWith('/to')
    await using files = storageWith(keeps, { httpClient: clientOf(same, loses) })
    await files.save('from', 'text')
    await files.copy('from', 'first')
    isLost = true
    await expect(files.copy('from', 'to')).rejects.toMatchObject({ code: 'unavailable', outcome: 'unknown' })
    expect(await files.readText('to')).toBe('text')
    expect(server.requests.filter(({ method, key }) => method === 'PUT' && key === 'to')).toHaveLength(1)
  })
})

test('a service that ignores If-None-Match is asked before, and nothing is replaced', async () => {
  const ignoring = (request: HttpRequest): HttpRequest => {
    const { 'if-none-match': _, ...headers } = request.headers
    return { ...request, headers }
  }
  await using files = storageWith(keeps, { httpClient: clientOf(ignoring, never) })
  await files.save('from', 'text')
  await files.save('taken', 'old')
  expect(await files.copy('from', 'taken')).not.toBe('taken')
  expect(await files.readText('taken')).toBe('old')
  server.requests.length = 0
  expect(await files.copy('from', 'to')).toBe('to')
  expect(server.requests.map(({ method }) => method)).toEqual(['HEAD', 'HEAD', 'PUT'])
  await files.save('a/from', 'text')
  await files.save('b/from', 'old')
  const { copied, errors } = await files.copyAll('a', 'b')
  expect([copied, errors.map(({ error }) => error.code)]).toEqual([0, ['exists']])
  expect(await files.readText('b/from')).toBe('old')
})

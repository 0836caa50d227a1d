/** What every client does, whatever it stands on. */
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { Readable } from 'node:stream'
import { inspect } from 'node:util'
import { Agent } from 'undici'
import { afterAll, afterEach, describe, expect, test } from 'vitest'
import { drain, readBytes, readText } from '../../src/core/body.ts'
import { StorageError } from '../../src/core/errors.ts'
import { dispatcherClient, fetchClient, type HttpClient, type HttpRequest, NodeClient } from '../../src/http/index.ts'
import { context, echo, failure, makeIdentity, pattern, serve, serveTcp, serveTls, sumOf } from './support.ts'

const identity = makeIdentity()
const agent = new Agent()
afterAll(async () => {
  identity[Symbol.dispose]()
  await agent.destroy()
})

interface MakeOptions {
  readonly idleTimeoutSecs?: number
}

const CLIENTS: Readonly<Record<string, (options?: MakeOptions) => HttpClient>> = {
  'node:http': options => new NodeClient(options),
  fetch: options => fetchClient(undefined, options),
  dispatcher: options => dispatcherClient(agent, options),
}

describe.each(Object.entries(CLIENTS))('the client over %s', (name, make) => {
  let client = make()
  afterEach(async () => {
    await client.close()
    client = make()
  })
  const send = (request: Partial<HttpRequest> & { url: string }, signal?: AbortSignal) =>
    client.request({ method: 'GET', headers: {}, ...request }, context(signal))
  const textOf = async (request: Partial<HttpRequest> & { url: string }) => readText(await send(request))

  describe('requests and answers', () => {
    test('method, path, query and headers arrive exactly as they are', async () => {
      let seen: unknown
      await using server = await serve((request, response) => {
        seen = [request.method, request.url, request.headers['x-one'], request.headers.host]
        response.setHeader('X-Two', ['zwei', 'deux']).end('hello')
      })
      const url = `${server.url}/a%20b//c/%2F'(d)?x=%2F&y`
      const answer = await send({ method: 'DELETE', url, headers: { 'X-One': 'caf\u00e9' } })
      expect([answer.status, answer.headers['x-two'], await readText(answer)]).toEqual([200, 'zwei, deux', 'hello'])
      expect(Date.parse(answer.headers.date!)).toBeGreaterThan(0)
      expect(seen).toEqual(['DELETE', "/a%20b//c/%2F'(d)?x=%2F&y", 'caf\u00e9', `127.0.0.1:${server.port}`])
    })

    test('a path with dots arrives as it is or is refused', async () => {
      await using server = await serve((request, response) => response.end(request.url))
      const asked = textOf({ url: `${server.url}/a/../b` })
      if (name === 'fetch') expect((await failure(asked)).code).toBe('invalid_argument')
      else expect(await asked).toBe('/a/../b')
    })

    test('a URL without a path asks for the root, and its query stays', async () => {
      await using server = await serve((request, response) => response.end(request.url))
      expect(await textOf({ url: server.url })).toBe('/')
      expect(await textOf({ url: `${server.url}?list-type=2` })).toBe('/?list-type=2')
    })

    test('error statuses and redirects are answers', async () => {
      let asked = 0
      await using server = await serve((request, response) => {
        asked++
        response.writeHead(Number(request.url!.slice(1)), { location: '/200' }).end('text')
      })
      for (const status of [301, 307, 404, 503]) {
        const answer = await send({ url: `${server.url}/${status}` })
        expect([answer.status, answer.headers.location, await readText(answer)]).toEqual([status, '/200', 'text'])
      }
      expect(asked).toBe(4)
    })

    test.each([
      ['HEAD', 200],
      ['GET', 204],
      ['GET', 304],
    ])(
      '%s answered by %i with a content-length has no body, and the next answer is its own',
      async (method, status) => {
        await using server = await serveTcp(socket => {
          let got = ''
          socket.on('data', bytes => {
            got += bytes
            for (let end = got.indexOf('\r\n\r\n'); end >= 0; end = got.indexOf('\r\n\r\n')) {
              const isPlain = got.startsWith('GET /plain')
              got = got.slice(end + 4)
              const head = isPlain ? '200 OK\r\ncontent-length: 5' : `${status} X\r\ncontent-length: 10`
              socket.write(`HTTP/1.1 ${head}\r\n\r\n${isPlain ? 'plain' : ''}`)
            }
          })
        })
        for (let round = 0; round < 10; round++) {
          const answer = await send({ method, url: `${server.url}/empty` })
          expect([answer.status, answer.headers['content-length']]).toEqual([status, '10'])
          expect((await readBytes(answer)).length).toBe(0)
          expect(await textOf({ url: `${server.url}/plain` })).toBe('plain')
        }
      },
    )

    test.each([
      'content-length: 5\r\n\r\nhello',
      'transfer-encoding: chunked\r\n\r\n2;a=b\r\nhe\r\n3\r\nllo\r\n0\r\nx-trailer: 1\r\n\r\n',
      'connection: close\r\n\r\nhello',
      '\r\nhello',
    ])('a body framed by %j', async text => {
      await using server = await serveTcp(socket =>
        socket.once('data', () => {
          socket.write(`HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\nHTTP/1.1 200 OK\r\n${text}`)
          if (!text.includes(':') || text.includes('close')) socket.end()
        }),
      )
      expect(await textOf({ url: server.url })).toBe('hello')
    })

    test('a body that is given up leaves the client in order', async () => {
      await using server = await serve((_request, response) => response.end(Buffer.alloc(4_000_000)))
      for (let round = 0; round < 5; round++) {
        const answer = await send({ url: server.url })
        answer.body.stream().destroy()
        expect((await readBytes(await send({ url: server.url }))).length).toBe(4_000_000)
      }
    })
  })

  describe('bodies', () => {
    test.each([0, 1, 65_537, 1_000_003])(
      '%i bytes, whole, in pieces, or as a stream with and without its length',
      async size => {
        await using server = await echo()
        const bytes = pattern(size)
        const pieces = [bytes.subarray(0, size >> 1), Buffer.alloc(0), bytes.subarray(size >> 1)]
        const wanted = { size, sum: sumOf(bytes), length: String(size) }
        const put = async (body: HttpRequest['body'], headers = {}) =>
          JSON.parse(await textOf({ method: 'PUT', url: server.url, headers, body }))
        expect(await put(bytes)).toEqual(wanted)
        expect(await put(pieces)).toEqual(wanted)
        expect(await put(Readable.from(pieces), { 'content-length': String(size) })).toEqual(wanted)
        expect(await put(Readable.from(pieces))).toMatchObject({ size, sum: wanted.sum })
      },
    )

    test('text goes as UTF-8; a stream may give text', async () => {
      await using server = await serve((request, response) => request.pipe(response))
      expect(await textOf({ method: 'POST', url: server.url, body: 'na\u00efve \u20ac' })).toBe('na\u00efve \u20ac')
      expect(await textOf({ method: 'POST', url: server.url, body: Readable.from(['\u20ac', 'x']) })).toBe('\u20acx')
    })

    test.each([
      ['2', 'at least 3'],
      ['4', '3'],
    ])('a stream of another length than the announced %s fails', async (length, given) => {
      await using server = await echo()
      const body = Readable.from([Buffer.from('abc')])
      const error = await failure(send({ method: 'PUT', url: server.url, headers: { 'content-length': length }, body }))
      expect(error.code).toBe('invalid_argument')
      expect(error.message).toContain(given)
    })

    test('a stream that fails ends the request with its own error', async () => {
      const arrived = Promise.withResolvers<void>()
      await using server = await serve(request => {
        request.on('error', () => undefined).once('data', () => arrived.resolve())
      })
      const mine = Object.assign(new Error('disk broke'), { code: 'EIO' })
      const body = Readable.from(
        (async function* () {
          yield Buffer.alloc(100_000)
          await arrived.promise
          throw mine
        })(),
      )
      await expect(send({ method: 'PUT', url: server.url, body })).rejects.toBe(mine)
      const failed = Readable.from(['x'])
      failed.on('error', () => undefined).destroy(mine)
      await expect(send({ method: 'PUT', url: server.url, body: failed })).rejects.toBe(mine)
    })

    test.each([
      ['of 2 bytes', 2, false],
      ['of 300,000 bytes', 300_000, false],
      ['of 300,000 bytes and the end', 300_000, true],
    ])('a success %s before the upload ended is none', async (_what, size, ends) => {
      await using server = await serveTcp(socket =>
        socket.once('data', () => {
          socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${size}\r\n\r\n${'o'.repeat(size)}`)
          if (ends) socket.end()
        }),
      )
      const body = new Readable({ read() {} })
      body.push('first')
      const error = await failure(send({ method: 'PUT', url: server.url, body }))
      expect(error).toMatchObject({ code: 'unavailable', outcome: 'unknown' })
      expect(body.destroyed).toBe(true)
    })

    test('an error before the upload ended is given, and ends the upload', async () => {
      await using server = await serveTcp(socket =>
        socket.once('data', () => socket.write('HTTP/1.1 403 No\r\ncontent-length: 6\r\n\r\ndenied')),
      )
      const body = new Readable({ read() {} })
      body.push('first')
      const answer = await send({ method: 'PUT', url: server.url, body })
      expect(answer.status).toBe(403)
      if (name === 'node:http') expect(await readText(answer)).toBe('denied')
      else await drain(answer)
      if (!body.closed) await once(body, 'close')
    })
  })

  describe('what cannot be asked', () => {
    test.each<[string, Record<string, string>]>([
      ['ftp://host/key', {}],
      ['key?sig=5ec7e7', {}],
      ['http://user:5ec7e7@host/key', {}],
      ['http://127.0.0.1:1/a b?sig=5ec7e7', {}],
      ['http://127.0.0.1:1/a#b', {}],
      ['http://127.0.0.1:1/', { 'x-meta': 'line\nbreak 5ec7e7' }],
      ['http://127.0.0.1:1/', { 'x-meta': '\u20ac 5ec7e7' }],
      ['http://127.0.0.1:1/', { 'x meta': '5ec7e7' }],
      ['http://127.0.0.1:1/', { '': '5ec7e7' }],
      ['http://127.0.0.1:1/', { 'content-length': '7' }],
      ['http://127.0.0.1:1/', { 'content-length': '1, 1' }],
      ['http://127.0.0.1:1/', { 'transfer-encoding': 'chunked' }],
      ['http://127.0.0.1:1/', { 'content-length': '1', 'Content-Length': '1' }],
      ['http://127.0.0.1:1/', { 'Content-Length': '1', 'CONTENT-LENGTH': '1' }],
      ['http://127.0.0.1:1/', { Host: 'a', host: 'b' }],
      ['http://127.0.0.1:1/', { 'Transfer-Encoding': 'chunked', 'transfer-encoding': 'chunked' }],
    ])('%s %j is an invalid_argument', async (url, headers) => {
      const error = await failure(send({ method: 'PUT', url, headers, body: 'x' }))
      expect(error).toMatchObject({ code: 'invalid_argument', outcome: 'not_applied', retryable: false })
      expect(inspect(error, { depth: 9, showHidden: true })).not.toContain('5ec7e7')
    })

    test('a stream that is not sent is destroyed', async () => {
      const body = new Readable({ read() {} })
      await failure(send({ method: 'PUT', url: 'ftp://x/', body }))
      expect(body.destroyed).toBe(true)
    })
  })

  describe('broken connections', () => {
    test('a refused connection was not applied; the query is not shown', async () => {
      const gone = createServer().listen(0, '127.0.0.1')
      await once(gone, 'listening')
      const { port } = gone.address() as AddressInfo
      gone.close()
      await once(gone, 'close')
      const error = await failure(send({ method: 'PUT', url: `http://127.0.0.1:${port}/key?sig=5ec7e7`, body: 'x' }))
      expect(error).toMatchObject({ code: 'unavailable', retryable: true, outcome: 'not_applied' })
      expect(error.message).toContain(`PUT http://127.0.0.1:${port}/key: `)
      expect(inspect(error, { depth: 9 })).not.toContain('5ec7e7')
    })

    test.each(['POST', 'PUT'])('a %s on a new connection that is reset is sent once', async method => {
      let requests = 0
      await using server = await serveTcp(socket =>
        socket.once('data', () => {
          requests++
          socket.resetAndDestroy()
        }),
      )
      const error = await failure(send({ method, url: server.url, body: 'x' }))
      expect(error).toMatchObject({ code: 'unavailable', retryable: true, outcome: 'unknown' })
      expect(requests).toBe(1)
    })

    test('a connection that is reset under a stream is unavailable, not the stream\u2019s fault', async () => {
      await using server = await serveTcp(socket => socket.once('data', () => socket.resetAndDestroy()))
      const body = new Readable({
        read() {
          setImmediate(() => this.push(Buffer.alloc(10_000)))
        },
      })
      const error = await failure(send({ method: 'PUT', url: server.url, body }))
      expect(error).toMatchObject({ code: 'unavailable', retryable: true, outcome: 'unknown' })
      expect(body.destroyed).toBe(true)
    })

    test('a POST on a kept connection is not sent again', async () => {
      let requests = 0
      await using server = await serveTcp(socket =>
        socket.on('data', () => {
          if (++requests === 1) socket.write('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n')
          else socket.resetAndDestroy()
        }),
      )
      await drain(await send({ url: server.url }))
      expect((await failure(send({ method: 'POST', url: server.url, body: 'x' }))).code).toBe('unavailable')
      expect(requests).toBe(2)
    })

    test.each(['content-length: 10\r\n\r\n12345', 'transfer-encoding: chunked\r\n\r\n5\r\n12345\r\n'])(
      'an answer cut short after %j is unavailable',
      async text => {
        await using server = await serveTcp(socket =>
          socket.once('data', () => socket.end(`HTTP/1.1 200 OK\r\n${text}`)),
        )
        const error = await failure(send({ url: `${server.url}/k?sig=5ec7e7` }).then(answer => readBytes(answer)))
        expect(error).toMatchObject({ code: 'unavailable', retryable: true })
        expect(error.message).not.toContain('5ec7e7')
      },
    )

    test.each([
      'SSH-2.0-OpenSSH\r\n',
      'HTTP/1.1 101 X\r\nconnection: upgrade\r\nupgrade: foo\r\n\r\n',
      'HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nxy',
    ])('%j is no answer', async text => {
      await using server = await serveTcp(socket => socket.once('data', () => socket.end(text)))
      expect((await failure(textOf({ url: server.url }))).code).toBe('unavailable')
    })

    test('https to a port of plain http says so, and is not tried again', async () => {
      await using server = await serve((_request, response) => response.end('x'))
      const error = await failure(send({ url: server.url.replace('http', 'https') }))
      expect(error).toMatchObject({ code: 'unavailable', retryable: false, outcome: 'not_applied' })
      expect(error.message).toContain('does not speak TLS')
    })

    test('a certificate of an unknown authority is not tried again', async () => {
      await using server = await serveTls(identity, (_request, response) => response.end('x'))
      const error = await failure(send({ url: server.url }))
      expect(error).toMatchObject({ code: 'unavailable', retryable: false, outcome: 'not_applied' })
      expect(error.message).toContain('certificate is not trusted')
    })
  })

  describe('ending', () => {
    const hanging = (arrived: () => void) =>
      serveTcp(socket => {
        socket.once('data', () => arrived())
      })
    const half = () =>
      serve((_request, response) => {
        response.setHeader('content-length', 10).write('12345')
      })

    test('an aborted signal sends nothing', async () => {
      await using server = await half()
      const error = await failure(send({ url: server.url }, AbortSignal.abort()))
      expect(error).toMatchObject({ code: 'aborted', retryable: false })
      expect(server.sockets).toHaveLength(0)
    })

    test('abort while the answer is waited for: the signal\u2019s reason where that is a StorageError', async () => {
      const controller = new AbortController()
      const reason = new StorageError('timeout', 'Nothing moved for 5 seconds.')
      await using server = await hanging(() => controller.abort(reason))
      await expect(send({ url: server.url }, controller.signal)).rejects.toBe(reason)
    })

    test('abort while a stream is sent destroys it', async () => {
      const controller = new AbortController()
      await using server = await hanging(() => controller.abort())
      const body = new Readable({ read() {} })
      body.push('first')
      const error = await failure(send({ method: 'PUT', url: server.url, body }, controller.signal))
      expect([error.code, body.destroyed]).toEqual(['aborted', true])
    })

    test('abort in the middle of the body breaks it', async () => {
      await using server = await half()
      const controller = new AbortController()
      const answer = await send({ url: server.url }, controller.signal)
      const reading = failure(
        (async () => {
          for await (const _ of answer.body.stream()) controller.abort()
        })(),
      )
      expect((await reading).code).toBe('aborted')
      const [socket] = server.sockets
      if (!socket!.closed) await new Promise(resolve => socket!.once('close', resolve))
    })

    test('a body that stands still while it is read is a timeout', async () => {
      await using server = await half()
      const hasty = make({ idleTimeoutSecs: 0.05 })
      const answer = await hasty.request({ method: 'GET', url: server.url, headers: {} }, context())
      expect(await failure(readText(answer))).toMatchObject({ code: 'timeout', retryable: true })
      await hasty.close()
    })

    test('close ends requests under way, bodies under way and later requests', async () => {
      const arrived = Promise.withResolvers<void>()
      await using silent = await hanging(arrived.resolve)
      await using server = await half()
      const answer = await send({ url: server.url })
      const waiting = failure(send({ url: silent.url }))
      await arrived.promise
      const reading = failure(readText(answer))
      await client.close()
      expect(await waiting).toMatchObject({ code: 'closed', outcome: 'unknown' })
      expect((await reading).code).toBe('unavailable')
      expect(await failure(send({ url: server.url }))).toMatchObject({ code: 'closed', outcome: 'not_applied' })
    })
  })
})

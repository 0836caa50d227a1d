import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { inspect } from 'node:util'
import { afterEach, describe, expect, test } from 'vitest'
import { drain, readBytes, readText } from '../../src/core/body.ts'
import { StorageError } from '../../src/core/errors.ts'
import { NodeClient } from '../../src/http/node-client.ts'
import { transportError } from '../../src/http/transport-error.ts'
import { context, failure, serve, serveTcp } from './support.ts'

let transport = new NodeClient()

afterEach(async () => {
  await transport.close()
  transport = new NodeClient()
})

describe('requests and answers', () => {
  test('send method, path, query and headers exactly as they are', async () => {
    let seen: unknown
    await using server = await serve((request, response) => {
      seen = [request.method, request.url, request.headers['x-one'], request.headers.host]
      response.setHeader('x-two', 'zwei')
      response.end('hello')
    })
    const url = `${server.url}/a%20b//c/../d?x=%2F&y`
    const answer = await transport.request({ method: 'GET', url, headers: { 'X-One': 'eins' } }, context())
    expect(answer.status).toBe(200)
    expect(answer.headers['x-two']).toBe('zwei')
    expect(Date.parse(answer.headers.date!)).toBeGreaterThan(0)
    expect(await readText(answer)).toBe('hello')
    expect(seen).toEqual(['GET', '/a%20b//c/../d?x=%2F&y', 'eins', `127.0.0.1:${server.port}`])
  })

  test('a URL without a path asks for the root, and its query stays', async () => {
    await using server = await serve((request, response) => response.end(request.url))
    const ask = async (url: string) => readText(await transport.request({ method: 'GET', url, headers: {} }, context()))
    expect(await ask(server.url)).toBe('/')
    expect(await ask(`${server.url}?list-type=2`)).toBe('/?list-type=2')
  })

  test('names below localhost are this machine, whatever the resolver knows', async () => {
    await using server = await serve((request, response) => response.end(request.headers.host))
    const url = server.url.replace('127.0.0.1', 'bucket.localhost')
    const answer = await transport.request({ method: 'GET', url, headers: {} }, context())
    expect(await readText(answer)).toBe(`bucket.localhost:${server.port}`)
  })

  test('a host header of the caller is the only one', async () => {
    let raw: string[] = []
    await using server = await serve((request, response) => {
      raw = request.rawHeaders
      response.end()
    })
    await drain(
      await transport.request({ method: 'PUT', url: server.url, headers: { Host: 'signed.test' } }, context()),
    )
    expect(raw.filter(each => each.toLowerCase() === 'host')).toHaveLength(1)
    expect(raw).toContain('signed.test')
    expect(raw.join(' ').toLowerCase()).toContain('content-length 0')
  })

  test('error statuses and redirects are answers', async () => {
    let asked = 0
    await using server = await serve((request, response) => {
      asked++
      response.writeHead(Number(request.url!.slice(1)), { location: '/200' }).end('text')
    })
    for (const status of [301, 307, 404, 503]) {
      const request = { method: 'GET', url: `${server.url}/${status}`, headers: {} }
      const answer = await transport.request(request, context())
      expect(answer.status).toBe(status)
      expect(await readText(answer)).toBe('text')
    }
    expect(asked).toBe(4)
  })

  test('one connection serves request after request, also after HEAD and empty answers that nobody reads', async () => {
    await using server = await serve((request, response) => {
      response.setHeader('content-length', request.method === 'GET' ? 4 : request.method === 'HEAD' ? 5 : 0)
      response.end(request.method === 'GET' ? 'four' : undefined)
    })
    for (const method of ['GET', 'PUT', 'HEAD', 'DELETE', 'GET']) {
      const answer = await transport.request({ method, url: server.url, headers: {} }, context())
      if (method === 'GET') expect(await readText(answer)).toBe('four')
    }
    expect(server.sockets).toHaveLength(1)
  })

  test('maxSockets makes requests wait', async () => {
    await using server = await serve((_request, response) => response.end('x'))
    const narrow = new NodeClient({ maxSockets: 2 })
    const ask = async () => readText(await narrow.request({ method: 'GET', url: server.url, headers: {} }, context()))
    expect(await Promise.all(Array.from({ length: 9 }, ask))).toEqual(Array(9).fill('x'))
    expect(server.sockets).toHaveLength(2)
    await narrow.close()
  })

  test('progress shows for the headers and for every piece of the body', async () => {
    await using server = await serve(async (_request, response) => {
      for (const piece of ['a', 'b', 'c']) {
        response.write(piece)
        await new Promise(setImmediate)
      }
      response.end()
    })
    const ctx = context()
    const answer = await transport.request({ method: 'GET', url: server.url, headers: {} }, ctx)
    const before = ctx.moves
    expect(before).toBeGreaterThan(0)
    expect(await readText(answer)).toBe('abc')
    expect(ctx.moves).toBeGreaterThan(before)
  })

  test('a slow reader holds the server back', async () => {
    const size = 64 * 1024 * 1024
    let written = 0
    await using server = await serve((_request, response) => {
      response.setHeader('content-length', size)
      const piece = Buffer.alloc(1024 * 1024)
      const more = (): void => {
        while (written < size) {
          written += piece.length
          if (!response.write(piece)) return
        }
        response.end()
      }
      response.on('drain', more)
      more()
    })
    const answer = await transport.request({ method: 'GET', url: server.url, headers: {} }, context())
    answer.body.stream().pause()
    // Another whole exchange with the same server: time enough to send all, were it not for the reader.
    await using other = await serve((_request, response) => response.end('ok'))
    for (let round = 0; round < 50; round++) {
      await drain(await transport.request({ method: 'GET', url: other.url, headers: {} }, context()))
    }
    expect(written).toBeLessThan(size / 2)
    let size2 = 0
    for await (const chunk of answer.body.stream()) size2 += chunk.length
    expect(size2).toBe(size)
  })

  test('readBytes keeps to its limit, drain never fails', async () => {
    await using server = await serve((_request, response) => response.end(Buffer.alloc(5000)))
    const ask = () => transport.request({ method: 'GET', url: server.url, headers: {} }, context())
    expect((await readBytes(await ask(), 5000)).length).toBe(5000)
    expect((await failure(readBytes(await ask(), 4999))).code).toBe('too_large')
    const destroyed = await ask()
    destroyed.body.stream().destroy(new Error('mine'))
    await expect(drain(destroyed)).resolves.toBeUndefined()
    const read = await ask()
    await readBytes(read)
    expect((await readBytes(read)).length).toBe(0)
  })
})

describe('broken connections', () => {
  test('a refused connection is unavailable and was not applied; the query is not shown', async () => {
    const gone = createServer().listen(0, '127.0.0.1')
    await once(gone, 'listening')
    const { port } = gone.address() as AddressInfo
    gone.close()
    await once(gone, 'close')
    const url = `http://127.0.0.1:${port}/key?X-Amz-Signature=5ec7e7`
    const headers = { authorization: 'Bearer 5ec7e7' }
    const error = await failure(transport.request({ method: 'PUT', url, headers, body: 'x' }, context()))
    expect(error).toMatchObject({ code: 'unavailable', retryable: true, outcome: 'not_applied' })
    expect(error.message).toContain(`PUT http://127.0.0.1:${port}/key: `)
    expect(inspect(error, { depth: 9, showHidden: true })).not.toContain('5ec7e7')
  })

  test('a connection reset before the answer is unavailable, with an unknown outcome', async () => {
    await using server = await serveTcp(socket => socket.once('data', () => socket.resetAndDestroy()))
    const error = await failure(
      transport.request({ method: 'PUT', url: server.url, headers: {}, body: 'x' }, context()),
    )
    expect(error).toMatchObject({ code: 'unavailable', retryable: true, outcome: 'unknown' })
    expect(server.sockets).toHaveLength(1)
  })

  test('an answer that is no HTTP is unavailable', async () => {
    await using server = await serveTcp(socket => socket.once('data', () => socket.end('SSH-2.0-OpenSSH\r\n')))
    const error = await failure(transport.request({ method: 'GET', url: server.url, headers: {} }, context()))
    expect(error.code).toBe('unavailable')
  })

  test('an unasked-for upgrade does not hang', async () => {
    await using server = await serveTcp(socket =>
      socket.once('data', () => socket.write('HTTP/1.1 101 X\r\nconnection: upgrade\r\nupgrade: foo\r\n\r\n')),
    )
    const error = await failure(transport.request({ method: 'GET', url: server.url, headers: {} }, context()))
    expect(error.code).toBe('unavailable')
  })

  for (const [kind, head] of [
    ['content-length', 'content-length: 10\r\n\r\n12345'],
    ['chunked', 'transfer-encoding: chunked\r\n\r\n5\r\n12345\r\n'],
  ]) {
    for (const how of ['end', 'reset'] as const) {
      test(`a body cut short (${kind}, by ${how}) fails as unavailable`, async () => {
        await using server = await serveTcp(socket =>
          socket.once('data', () => {
            socket.write(`HTTP/1.1 200 OK\r\n${head}`)
            if (how === 'end') socket.end()
          }),
        )
        const request = { method: 'GET', url: `${server.url}/k?sig=5ec7e7`, headers: {} }
        const answer = await transport.request(request, context())
        const pieces: string[] = []
        const reading = (async () => {
          for await (const chunk of answer.body.stream()) {
            pieces.push(String(chunk))
            if (how === 'reset') server.sockets[0]!.resetAndDestroy()
          }
        })()
        const error = await failure(reading)
        expect(error).toMatchObject({ code: 'unavailable', retryable: true })
        expect(error.message).not.toContain('5ec7e7')
        expect(pieces).toEqual(['12345'])
      })
    }
  }

  test('readBytes and readText fail for a body cut short', async () => {
    await using server = await serveTcp(socket =>
      socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n12345')),
    )
    const ask = () => transport.request({ method: 'GET', url: server.url, headers: {} }, context())
    expect((await failure(ask().then(answer => readBytes(answer)))).code).toBe('unavailable')
    expect((await failure(ask().then(answer => readText(answer)))).code).toBe('unavailable')
  })

  test('a host that does not answer in time is a timeout that was not applied', async () => {
    // TEST-NET-1 (RFC 5737): nobody is there. Where the network says so at once, that error comes first.
    const hasty = new NodeClient({ connectTimeoutSecs: 0.001 })
    const error = await failure(hasty.request({ method: 'GET', url: 'http://192.0.2.1:9/', headers: {} }, context()))
    expect(error).toMatchObject({ outcome: 'not_applied', retryable: true })
    expect(['timeout', 'unavailable']).toContain(error.code)
    await hasty.close()
  })
})

describe('a stale connection', () => {
  // Answers the first request of the first connection, then resets it at the next request.
  const stale = () =>
    serve((request, response) => {
      const { socket } = request
      request.resume()
      if (seen.has(socket)) socket.resetAndDestroy()
      else response.end(`connection ${seen.size}`)
      if (first) seen.add(socket)
      first = false
    })
  let seen = new Set<unknown>()
  let first = true

  for (const body of [undefined, 'text', Buffer.alloc(300_000)]) {
    test(`is replaced once for a body of type ${body?.constructor.name}`, async () => {
      seen = new Set()
      first = true
      await using server = await stale()
      const ask = async () =>
        readText(await transport.request({ method: 'PUT', url: server.url, headers: {}, body }, context()))
      expect(await ask()).toBe('connection 0')
      expect(await ask()).toBe('connection 1')
      expect(server.sockets).toHaveLength(2)
    })
  }

  test('is an error for a stream, which is destroyed', async () => {
    seen = new Set()
    first = true
    await using server = await stale()
    await drain(await transport.request({ method: 'GET', url: server.url, headers: {} }, context()))
    const { Readable } = await import('node:stream')
    const body = Readable.from([Buffer.from('x')])
    const error = await failure(transport.request({ method: 'PUT', url: server.url, headers: {}, body }, context()))
    expect(error).toMatchObject({ code: 'unavailable', retryable: true })
    expect(body.destroyed).toBe(true)
    expect(server.sockets).toHaveLength(1)
  })

  test('is replaced only once', async () => {
    let requests = 0
    await using server = await serve((request, response) => {
      requests++
      if (requests === 1) response.end('fine')
      else request.socket.resetAndDestroy()
    })
    await drain(await transport.request({ method: 'GET', url: server.url, headers: {} }, context()))
    const error = await failure(transport.request({ method: 'GET', url: server.url, headers: {} }, context()))
    expect(error.code).toBe('unavailable')
    expect(requests).toBe(3)
  })
})

describe('aborting', () => {
  test('beforehand sends nothing', async () => {
    await using server = await serve((_request, response) => response.end())
    const error = await failure(
      transport.request({ method: 'GET', url: server.url, headers: {} }, context(AbortSignal.abort())),
    )
    expect(error).toMatchObject({ code: 'aborted', retryable: false })
    expect(server.sockets).toHaveLength(0)
  })

  test('while waiting for the answer closes the connection', async () => {
    const arrived = Promise.withResolvers<void>()
    const closed = Promise.withResolvers<void>()
    await using server = await serve(request => {
      request.socket.once('close', () => closed.resolve())
      arrived.resolve()
    })
    const controller = new AbortController()
    const waiting = failure(
      transport.request({ method: 'GET', url: server.url, headers: {} }, context(controller.signal)),
    )
    await arrived.promise
    controller.abort()
    expect((await waiting).code).toBe('aborted')
    await closed.promise
  })

  test('gives the reason where that is a StorageError', async () => {
    const controller = new AbortController()
    await using server = await serve(() => controller.abort(reason))
    const reason = new StorageError('timeout', 'Nothing moved for 5 seconds.')
    const request = { method: 'GET', url: server.url, headers: {} }
    await expect(transport.request(request, context(controller.signal))).rejects.toBe(reason)
  })

  test('in the middle of the body breaks it', async () => {
    const closed = Promise.withResolvers<void>()
    await using server = await serve((request, response) => {
      request.socket.once('close', () => closed.resolve())
      response.setHeader('content-length', 10)
      response.write('12345')
    })
    const controller = new AbortController()
    const request = { method: 'GET', url: server.url, headers: {} }
    const answer = await transport.request(request, context(controller.signal))
    const reading = failure(
      (async () => {
        for await (const chunk of answer.body.stream()) {
          expect(String(chunk)).toBe('12345')
          controller.abort()
        }
      })(),
    )
    expect((await reading).code).toBe('aborted')
    await closed.promise
  })

  test('before anybody asked for the body is told to whoever listens then', async () => {
    await using server = await serve((_request, response) => {
      response.setHeader('content-length', 10)
      response.write('12345')
    })
    const controller = new AbortController()
    const request = { method: 'GET', url: server.url, headers: {} }
    const { body } = await transport.request(request, context(controller.signal)).then(answer => {
      controller.abort()
      return answer
    })
    const error = await new Promise(resolve =>
      body
        .stream()
        .once('error', resolve)
        .once('close', () => resolve('closed')),
    )
    expect(error).toMatchObject({ code: 'aborted' })
  })

  test('while queued for a connection fails at once', async () => {
    await using server = await serve((_request, response) => void response.write('x'))
    const narrow = new NodeClient({ maxSockets: 1 })
    const request = { method: 'GET', url: server.url, headers: {} }
    const answer = await narrow.request(request, context())
    const controller = new AbortController()
    const waiting = failure(narrow.request(request, context(controller.signal)))
    controller.abort()
    expect((await waiting).code).toBe('aborted')
    answer.body.stream().destroy()
    await narrow.close()
  })

  test('no listener stays behind', async () => {
    await using server = await serve((_request, response) => response.end(Buffer.alloc(1024 * 1024)))
    const { signal } = new AbortController()
    let listeners = 0
    const { addEventListener, removeEventListener } = signal
    signal.addEventListener = (...rest: unknown[]) => {
      listeners++
      Reflect.apply(addEventListener, signal, rest)
    }
    signal.removeEventListener = (...rest: unknown[]) => {
      listeners--
      Reflect.apply(removeEventListener, signal, rest)
    }
    for (let round = 0; round < 3; round++) {
      const answer = await transport.request({ method: 'GET', url: server.url, headers: {} }, context(signal))
      expect(listeners).toBe(1)
      await readText(answer)
      await new Promise(setImmediate)
      expect(listeners).toBe(0)
    }
  })
})

describe('what cannot be asked', () => {
  test.each([
    ['ftp://host/key', {}],
    ['key?sig=5ec7e7', {}],
    ['http://user:5ec7e7@host/key', {}],
    ['http://127.0.0.1:1/a b?sig=5ec7e7', {}],
    ['http://127.0.0.1:1/?sig=5ec7e7', { 'x-meta': 'line\nbreak 5ec7e7' }],
    ['http://127.0.0.1:1/?sig=5ec7e7', { 'x meta': '5ec7e7' }],
    ['http://127.0.0.1:1/?sig=5ec7e7', { 'content-length': '7' }],
    ['http://127.0.0.1:1/?sig=5ec7e7', { 'transfer-encoding': 'chunked' }],
  ])('%s %j is an invalid_argument', async (url, headers) => {
    const error = await failure(transport.request({ method: 'GET', url, headers: { ...headers } }, context()))
    expect(error.code).toBe('invalid_argument')
    expect(inspect(error, { depth: 9, showHidden: true })).not.toContain('5ec7e7')
  })

  test('a closed transport', async () => {
    await using server = await serve((_request, response) => void response.write('x'))
    const request = { method: 'GET', url: server.url, headers: {} }
    const answer = await transport.request(request, context())
    await transport.close()
    expect((await failure(readText(answer))).code).toBe('unavailable')
    expect((await failure(transport.request(request, context()))).code).toBe('closed')
  })
})

test('an error keeps no bytes of an answer that is not HTTP', () => {
  const packet = Object.assign(new Error('Parse Error'), {
    code: 'HPE_INVALID_CONSTANT',
    rawPacket: Buffer.from('5ec7e7'),
  })
  const error = transportError(packet, 'GET', 'https://host.test/')
  expect(error).toMatchObject({ code: 'unavailable', cause: packet })
  expect(inspect(error, { depth: 9 })).not.toContain('rawPacket')
})

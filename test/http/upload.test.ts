import { once } from 'node:events'
import { Readable } from 'node:stream'
import { afterEach, describe, expect, test } from 'vitest'
import { drain, readText } from '../../src/core/body.ts'
import { NodeClient } from '../../src/http/node-client.ts'
import { context, echo, failure, pattern, serve, serveTcp, sumOf } from './support.ts'

let transport = new NodeClient()

afterEach(async () => {
  await transport.close()
  transport = new NodeClient()
})

describe('bytes', () => {
  test.each([0, 1, 65_536, 65_537, 131_072, 262_144, 1_000_003])('%i of them arrive', async size => {
    await using server = await echo()
    const body = pattern(size)
    const ctx = context()
    const answer = await transport.request({ method: 'PUT', url: server.url, headers: {}, body }, ctx)
    const seen = JSON.parse(await readText(answer))
    expect(seen).toEqual({ size, sum: sumOf(body), length: String(size) })
    if (size > 1_000_000) expect(ctx.moves).toBeGreaterThan(4)
  })

  test.each([[[]], [[0]], [[3, 0, 5]], [[200_000, 1, 300_000, 70_000]]])('in pieces of %j arrive', async sizes => {
    await using server = await echo()
    const bytes = pattern(sizes.reduce((sum, size) => sum + size, 0))
    let at = 0
    const body = sizes.map(size => bytes.subarray(at, (at += size)))
    const answer = await transport.request({ method: 'PUT', url: server.url, headers: {}, body }, context())
    const wanted = { size: bytes.length, sum: sumOf(bytes), length: String(bytes.length) }
    expect(JSON.parse(await readText(answer))).toEqual(wanted)
  })

  test('a string is sent as UTF-8, next to a Latin-1 header', async () => {
    let got = ''
    let header: unknown
    await using server = await serve(async (request, response) => {
      header = request.headers['x-name']
      for await (const chunk of request) got += chunk
      response.end()
    })
    const request = { method: 'POST', url: server.url, headers: { 'x-name': 'caf\u00e9' }, body: 'na\u00efve \u20ac' }
    await drain(await transport.request(request, context()))
    expect([got, header]).toEqual(['na\u00efve \u20ac', 'caf\u00e9'])
  })
})

describe('streams', () => {
  test.each([undefined, '1000003'])('arrive, with content-length %s', async length => {
    await using server = await echo()
    const bytes = pattern(1_000_003)
    const pieces = Array.from({ length: 11 }, (_, at) => bytes.subarray(at * 100_000, (at + 1) * 100_000))
    const headers: Record<string, string> = length === undefined ? {} : { 'Content-Length': length }
    const request = { method: 'PUT', url: server.url, headers, body: Readable.from(pieces) }
    const seen = JSON.parse(await readText(await transport.request(request, context())))
    const framing = length === undefined ? { coding: 'chunked' } : { length }
    expect(seen).toEqual({ size: bytes.length, sum: sumOf(bytes), ...framing })
  })

  test.each(['DELETE', 'GET'])('are framed also for %s', async method => {
    await using server = await echo()
    const request = { method, url: server.url, headers: {}, body: Readable.from([Buffer.from('abc')]) }
    expect(JSON.parse(await readText(await transport.request(request, context())))).toMatchObject({ size: 3 })
  })

  test.each([
    ['an empty one', []],
    ['strings', ['\u20ac', 'x']],
  ])('%s', async (_name, pieces) => {
    await using server = await echo()
    const request = { method: 'PUT', url: server.url, headers: {}, body: Readable.from(pieces) }
    const { size } = JSON.parse(await readText(await transport.request(request, context())))
    expect(size).toBe(Buffer.byteLength(pieces.join('')))
  })

  test('are read only as fast as the server takes them', async () => {
    const go = Promise.withResolvers<void>()
    const arrived = Promise.withResolvers<void>()
    let size = 0
    await using server = await serve(async (request, response) => {
      arrived.resolve()
      await go.promise
      for await (const chunk of request) size += chunk.length
      response.end()
    })
    let given = 0
    const total = 64
    const body = Readable.from(
      (function* () {
        for (; given < total; given++) yield Buffer.alloc(1024 * 1024)
      })(),
    )
    const sending = transport.request({ method: 'PUT', url: server.url, headers: {}, body }, context())
    await arrived.promise
    // Other exchanges meanwhile: time enough to read all, were it not for the server.
    await using other = await serve((_request, response) => response.end())
    for (let round = 0; round < 50; round++) {
      await drain(await transport.request({ method: 'GET', url: other.url, headers: {} }, context()))
    }
    expect(given).toBeLessThan(total / 2)
    go.resolve()
    await drain(await sending)
    expect(size).toBe(total * 1024 * 1024)
  })

  test('that fail end the request with their own error', async () => {
    const arrived = Promise.withResolvers<void>()
    const closed = Promise.withResolvers<void>()
    await using server = await serve(request => {
      request.on('error', () => closed.resolve())
      request.once('data', () => arrived.resolve())
    })
    const mine = Object.assign(new Error('disk broke'), { code: 'EIO' })
    const body = Readable.from(
      (async function* () {
        yield Buffer.alloc(100_000)
        await arrived.promise
        throw mine
      })(),
    )
    const request = { method: 'PUT', url: server.url, headers: {}, body }
    await expect(transport.request(request, context())).rejects.toBe(mine)
    await closed.promise
  })

  test('that failed or were destroyed before fail', async () => {
    await using server = await echo()
    const mine = new Error('mine')
    const failed = Readable.from(['x'])
    failed.on('error', () => undefined).destroy(mine)
    const request = { method: 'PUT', url: server.url, headers: {} }
    await expect(transport.request({ ...request, body: failed }, context())).rejects.toBe(mine)
    const destroyed = Readable.from(['x'])
    destroyed.destroy()
    expect((await failure(transport.request({ ...request, body: destroyed }, context()))).code).toBe('unknown')
  })

  test.each([
    ['2', 'at least 3'],
    ['4', '3'],
  ])('of another length than the announced %s fail', async (length, given) => {
    await using server = await echo()
    const headers = { 'content-length': length }
    const request = { method: 'PUT', url: server.url, headers, body: Readable.from([Buffer.from('abc')]) }
    const error = await failure(transport.request(request, context()))
    expect(error.code).toBe('invalid_argument')
    expect(error.message).toContain(given)
  })

  test.each([{ 'content-length': 'x' }, { 'content-length': '3', 'transfer-encoding': 'chunked' }])(
    'are not sent with %j',
    async headers => {
      await using server = await echo()
      const request = { method: 'PUT', url: server.url, headers: { ...headers }, body: Readable.from(['abc']) }
      expect((await failure(transport.request(request, context()))).code).toBe('invalid_argument')
      expect(server.sockets).toHaveLength(0)
    },
  )

  test('are destroyed when the caller aborts, and when nothing could be sent', async () => {
    const controller = new AbortController()
    await using server = await serve(() => controller.abort())
    const body = new Readable({ read() {} })
    body.push('first')
    const error = await failure(
      transport.request({ method: 'PUT', url: server.url, headers: {}, body }, context(controller.signal)),
    )
    expect(error.code).toBe('aborted')
    expect(body.destroyed).toBe(true)
    const unsent = new Readable({ read() {} })
    await failure(transport.request({ method: 'PUT', url: 'ftp://x/', headers: {}, body: unsent }, context()))
    expect(unsent.destroyed).toBe(true)
  })
})

describe('an early answer', () => {
  test.each(['stream', 'bytes'])('of an error stops the sending of %s and is given', async kind => {
    let size = 0
    await using server = await serve((request, response) => {
      request.on('error', () => undefined)
      request.once('data', () => {
        request.pause()
        response.writeHead(403, { 'content-length': 6 }).end('denied', () => {
          request.on('data', chunk => {
            size += chunk.length
          })
          request.resume()
        })
      })
    })
    const endless = new Readable({
      read() {
        this.push(Buffer.alloc(65_536))
      },
    })
    const body = kind === 'stream' ? endless : Buffer.alloc(64 * 1024 * 1024)
    const answer = await transport.request({ method: 'PUT', url: server.url, headers: {}, body }, context())
    expect(answer.status).toBe(403)
    if (kind === 'stream') expect(endless.destroyed).toBe(true)
    expect(await readText(answer)).toBe('denied')
    const [socket] = server.sockets
    if (!socket!.closed) await new Promise(resolve => socket!.once('close', resolve))
    expect(size).toBeLessThan(32 * 1024 * 1024)
    // The half-sent request spoilt its connection: the next one has its own.
    const next = transport.request({ method: 'PUT', url: server.url, headers: {}, body: 'x' }, context())
    expect(await readText(await next)).toBe('denied')
    expect(server.sockets).toHaveLength(2)
  })

  test('of success is given when the upload has ended', async () => {
    const all = Promise.withResolvers<number>()
    const begun = Promise.withResolvers<void>()
    await using server = await serve(async (request, response) => {
      response.writeHead(200)
      response.write('early ')
      begun.resolve()
      let size = 0
      for await (const chunk of request) size += chunk.length
      all.resolve(size)
      response.end('late')
    })
    let sent = 0
    const body = Readable.from(
      (async function* () {
        yield Buffer.alloc(10)
        await begun.promise
        for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate)
        sent = 30
        yield Buffer.alloc(20)
      })(),
    )
    const answer = await transport.request({ method: 'PUT', url: server.url, headers: {}, body }, context())
    expect(sent).toBe(30)
    expect(await readText(answer)).toBe('early late')
    expect(await all.promise).toBe(30)
  })
})

describe('expect: 100-continue', () => {
  const headers = { expect: '100-continue' }

  test.each(['stream', 'bytes'])('sends %s after the go-ahead', async kind => {
    let asked = 0
    await using server = await echo()
    server.server.on('checkContinue', (request, response) => {
      asked++
      response.writeContinue()
      server.server.emit('request', request, response)
    })
    const body = kind === 'bytes' ? Buffer.from('abc') : Readable.from([Buffer.from('abc')])
    const answer = await transport.request({ method: 'PUT', url: server.url, headers, body }, context())
    expect(JSON.parse(await readText(answer))).toMatchObject({ size: 3 })
    expect(asked).toBe(1)
  })

  test('sends nothing after a refusal', async () => {
    let head = ''
    await using server = await serveTcp(socket =>
      socket.on('data', chunk => {
        head += chunk
        if (head.endsWith('\r\n\r\n')) socket.write('HTTP/1.1 412 No\r\ncontent-length: 2\r\n\r\nno')
      }),
    )
    const body = Readable.from([Buffer.from('the body')])
    const answer = await transport.request({ method: 'PUT', url: server.url, headers, body }, context())
    expect(answer.status).toBe(412)
    expect(await readText(answer)).toBe('no')
    expect(body.destroyed).toBe(true)
    await once(server.sockets[0]!, 'close')
    expect(head).not.toContain('the body')
  })

  test('sends the body anyway to a server that says nothing', async () => {
    let got = ''
    await using server = await serveTcp(socket =>
      socket.on('data', chunk => {
        got += chunk
        if (got.endsWith('the body')) socket.end('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n')
      }),
    )
    const request = { method: 'PUT', url: server.url, headers, body: 'the body' }
    expect((await transport.request(request, context())).status).toBe(200)
  })

  test('a stream that fails meanwhile ends the request', async () => {
    const arrived = Promise.withResolvers<void>()
    await using server = await serveTcp(socket => socket.once('data', () => arrived.resolve()))
    const mine = new Error('mine')
    const body = new Readable({ read() {} })
    const sending = transport.request({ method: 'PUT', url: server.url, headers, body }, context())
    arrived.promise.then(() => body.destroy(mine))
    await expect(sending).rejects.toBe(mine)
  })
})

import { AsyncLocalStorage } from 'node:async_hooks'
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import { Readable } from 'node:stream'
import type { TLSSocket } from 'node:tls'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { afterEach, describe, expect, test } from 'vitest'
import { drain, readText } from '../../src/core/body.ts'
import { NodeClient } from '../../src/http/node-client.ts'
import { context, failure, makeIdentity, serve, serveTcp } from './support.ts'

let transport = new NodeClient()

afterEach(async () => {
  await transport.close()
  transport = new NodeClient()
})

const ask = (url: string) => transport.request({ method: 'GET', url, headers: {} }, context())

describe('a kept connection', () => {
  test.each([
    ['connection: close\r\ncontent-length: 1\r\n\r\nx', 2],
    ['keep-alive: timeout=1\r\ncontent-length: 1\r\n\r\nx', 2],
    ['keep-alive: timeout=60, max=5\r\ncontent-length: 1\r\n\r\nx', 1],
    ['content-length: 1\r\n\r\nxHTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil', 2],
  ])('after %j: %i for two requests', async (answer, connections) => {
    await using server = await serveTcp(socket => socket.on('data', () => socket.write(`HTTP/1.1 200 OK\r\n${answer}`)))
    for (let round = 0; round < 2; round++) expect(await readText(await ask(server.url))).toBe('x')
    expect(server.sockets).toHaveLength(connections)
  })

  test('that gets bytes nobody asked for is closed', async () => {
    await using server = await serveTcp(socket =>
      socket.on('data', () => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nx')),
    )
    await drain(await ask(server.url))
    const [socket] = server.sockets
    socket!.write('HTTP/1.1 408 Request Timeout\r\ncontent-length: 4\r\n\r\nslow')
    await once(socket!, 'close')
    expect(await readText(await ask(server.url))).toBe('x')
    expect(server.sockets).toHaveLength(2)
  })

  test('does not keep the process alive', async () => {
    await using server = await serve((_request, response) => response.end('x'))
    server.server.keepAliveTimeout = 0
    const program = `
      import { NodeClient } from '${pathToFileURL('src/http/node-client.ts')}'
      const ctx = { signal: new AbortController().signal, attempt: 1, progress() {} }
      const answer = await new NodeClient().request({ method: 'GET', url: '${server.url}', headers: {} }, ctx)
      console.log(answer.status)`
    const run = promisify(execFile)(process.execPath, ['--input-type=module-typescript', '--eval', program], {
      timeout: 30_000,
    })
    expect((await run).stdout).toBe('200\n')
  })

  test('is not needed to the end by an answer that ends with it', async () => {
    await using server = await serveTcp(socket =>
      socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\n\r\nuntil the end')),
    )
    expect(await readText(await ask(server.url))).toBe('until the end')
  })
})

test('no more connections than allowed, also when they break or are given up', async () => {
  let open = 0
  let most = 0
  await using server = await serve((request, response) => {
    if (request.url === '/break') request.socket.destroy()
    else if (request.url === '/ok') response.end('x')
  })
  server.server.on('connection', socket => {
    most = Math.max(most, ++open)
    socket.on('close', () => open--)
  })
  const narrow = new NodeClient({ maxSockets: 2 })
  const kinds = ['ok', 'break', 'hang'] as const
  const outcomes = Array.from({ length: 30 }, async (_, index) => {
    const kind = kinds[index % 3]!
    const controller = new AbortController()
    const asked = narrow.request(
      { method: 'GET', url: `${server.url}/${kind}`, headers: {} },
      context(controller.signal),
    )
    if (kind === 'hang') setImmediate(() => controller.abort())
    return kind === 'ok' ? readText(await asked) : (await failure(asked)).code
  })
  const wanted = { ok: 'x', break: 'unavailable', hang: 'aborted' }
  expect(await Promise.all(outcomes)).toEqual(Array.from({ length: 30 }, (_, index) => wanted[kinds[index % 3]!]))
  // A closed connection is heard of a little later on this side than on that.
  expect(most).toBeLessThanOrEqual(4)
  await narrow.close()
})

describe('the asynchronous context', () => {
  const who = new AsyncLocalStorage<string>()

  test('of the events of a body is its reader\u2019s, on whatever connection', async () => {
    await using server = await serve(async (_request, response) => {
      for (let piece = 0; piece < 5; piece++) {
        response.write('x'.repeat(100_000))
        await new Promise(setImmediate)
      }
      response.end()
    })
    const seen = async (name: string) =>
      who.run(name, async () => {
        const names = new Set<string | undefined>()
        const { body } = await ask(server.url)
        for (const event of ['data', 'end', 'close']) body.stream().on(event, () => names.add(who.getStore()))
        await once(body.stream(), 'close')
        return [...names]
      })
    expect(await seen('first')).toEqual(['first'])
    expect(await seen('second')).toEqual(['second'])
    expect(server.sockets).toHaveLength(1)
  })

  test('of a stream that is sent is its owner\u2019s', async () => {
    await using server = await serve((request, response) => {
      request.resume().on('end', () => response.end())
    })
    const send = (name: string) =>
      who.run(name, async () => {
        const names = new Set<string | undefined>()
        let left = 64
        const body = new Readable({
          read() {
            names.add(who.getStore())
            this.push(left-- > 0 ? Buffer.alloc(100_000) : null)
          },
        })
        await drain(await transport.request({ method: 'PUT', url: server.url, headers: {}, body }, context()))
        return [...names]
      })
    expect(await send('first')).toEqual(['first'])
    expect(await send('second')).toEqual(['second'])
    expect(server.sockets).toHaveLength(1)
  })
})

test('no more than 256 idle connections are kept', async () => {
  const all = Promise.withResolvers<void>()
  let arrived = 0
  let closed = 0
  await using server = await serve(async (request, response) => {
    request.socket.once('close', () => closed++)
    if (++arrived === 260) all.resolve()
    await all.promise
    response.end()
  })
  await Promise.all(Array.from({ length: 260 }, async () => drain(await ask(server.url))))
  while (closed < 4) await new Promise(setImmediate)
  await drain(await ask(server.url))
  expect([closed, server.sockets.length]).toEqual([4, 260])
})

test('a reset TLS connection takes its session along', async () => {
  using identity = makeIdentity()
  const resumed: boolean[] = []
  let raw: Socket | undefined
  const server = createTlsServer({ key: identity.key, cert: identity.cert }, (request, response) => {
    resumed.push((request.socket as TLSSocket).isSessionReused())
    if (resumed.length === 2) raw!.resetAndDestroy()
    else response.setHeader('connection', 'close').end('x')
  })
  server.on('connection', (socket: Socket) => {
    raw = socket
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const own = new NodeClient({ verify: identity.certPath })
  const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}/`
  const request = { method: 'GET', url, headers: {} }
  await drain(await own.request(request, context()))
  expect((await failure(own.request(request, context()))).code).toBe('unavailable')
  await drain(await own.request(request, context()))
  expect(resumed).toEqual([false, true, false])
  await own.close()
  server.close()
})

test('the second TLS connection continues the session of the first', async () => {
  using identity = makeIdentity()
  const resumed: boolean[] = []
  const server = createTlsServer({ key: identity.key, cert: identity.cert }, (request, response) => {
    resumed.push((request.socket as TLSSocket).isSessionReused())
    response.setHeader('connection', 'close').end('x')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const own = new NodeClient({ verify: identity.certPath })
  const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}/`
  for (let round = 0; round < 2; round++) {
    await drain(await own.request({ method: 'GET', url, headers: {} }, context()))
  }
  expect(resumed).toEqual([false, true])
  await own.close()
  server.close()
})

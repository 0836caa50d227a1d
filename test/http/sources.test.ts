import { AsyncLocalStorage } from 'node:async_hooks'
import { createReadStream } from 'node:fs'
import { Readable } from 'node:stream'
import { afterEach, describe, expect, test } from 'vitest'
import { drain, readText } from '../../src/core/body.ts'
import { NodeClient } from '../../src/http/node-client.ts'
import { context, failure, serve, serveTcp } from './support.ts'

let narrow = new NodeClient({ maxSockets: 1 })

afterEach(async () => {
  await narrow.close()
  narrow = new NodeClient({ maxSockets: 1 })
})

/** A file that cannot be opened: its error comes by itself, whether anybody listens or not. */
const missing = () => createReadStream('/nonexistent/holdall')

describe('a stream that fails', () => {
  test('while its request waits for a connection ends it, and nothing else', async () => {
    await using server = await serve(() => undefined)
    const request = { method: 'PUT', url: server.url, headers: {} }
    const first = failure(narrow.request(request, context()))
    await expect(narrow.request({ ...request, body: missing() }, context())).rejects.toMatchObject({ code: 'ENOENT' })
    await narrow.close()
    expect((await first).code).toBe('closed')
  })

  test('while a tunnel is made ends the request', async () => {
    await using proxy = await serveTcp(() => undefined)
    const transport = new NodeClient({ proxies: { https: `127.0.0.1:${proxy.port}` } })
    const request = { method: 'PUT', url: 'https://made.test/', headers: {}, body: missing() }
    await expect(transport.request(request, context())).rejects.toMatchObject({ code: 'ENOENT' })
    await transport.close()
  })

  test.each(['aborted', 'closed'])('after its request was %s is of no account', async how => {
    const body = missing()
    const signal = how === 'aborted' ? AbortSignal.abort() : undefined
    if (how === 'closed') await narrow.close()
    const request = { method: 'PUT', url: 'http://127.0.0.1:1/', headers: {}, body }
    expect((await failure(narrow.request(request, context(signal)))).code).toBe(how)
    if (!body.closed) await new Promise<void>(resolve => body.once('close', () => resolve()))
    expect(body.listenerCount('error')).toBeGreaterThan(0)
  })
})

describe('a success that came before the whole body', () => {
  const early = () =>
    serveTcp(socket => socket.once('data', () => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok')))

  test.each(['a stream that goes on', 'bytes'])(
    'of %s is none, and its connection serves no other request',
    async kind => {
      await using server = await early()
      const endless = new Readable({ read() {} })
      endless.push('first')
      const body = kind === 'bytes' ? Buffer.alloc(64 * 1024 * 1024) : endless
      const request = { method: 'PUT', url: server.url, headers: {}, body }
      server.server.once('connection', socket => socket.once('data', () => socket.pause()))
      const error = await failure(narrow.request(request, context()))
      expect(error).toMatchObject({ code: 'unavailable', outcome: 'unknown', retryable: true })
      expect(error.message).toContain('before it had the whole content')
      if (kind !== 'bytes') expect(endless.destroyed).toBe(true)
      // It would wait for ever, were the only connection still taken.
      expect(await readText(await narrow.request({ method: 'GET', url: server.url, headers: {} }, context()))).toBe(
        'ok',
      )
      expect(server.sockets).toHaveLength(2)
    },
  )

  test.each(['fails', 'is aborted'])('is not given either when the stream %s', async how => {
    const answered = Promise.withResolvers<void>()
    await using server = await serveTcp(socket =>
      socket.once('data', () => {
        socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\no')
        answered.resolve()
      }),
    )
    const controller = new AbortController()
    const body = new Readable({ read() {} })
    body.push('first')
    const request = { method: 'PUT', url: server.url, headers: {}, body }
    const sending = narrow.request(request, context(controller.signal))
    await answered.promise
    if (how === 'fails') body.destroy(new Error('mine'))
    else controller.abort()
    await expect(sending).rejects.toMatchObject(how === 'fails' ? { message: 'mine' } : { code: 'aborted' })
    expect(body.destroyed).toBe(true)
    const [socket] = server.sockets
    if (!socket!.closed) await new Promise<void>(resolve => socket!.once('close', () => resolve()))
  })

  test('is given where all announced bytes were sent, whenever the stream ends', async () => {
    await using server = await serve((request, response) => {
      request.resume().on('end', () => response.end('ok'))
    })
    const body = new Readable({ read() {} })
    body.push('first')
    const headers = { 'content-length': '5' }
    const answer = await narrow.request({ method: 'PUT', url: server.url, headers, body }, context())
    expect(await readText(answer)).toBe('ok')
    body.push(null)
    await drain(await narrow.request({ method: 'GET', url: server.url, headers: {} }, context()))
    expect(server.sockets).toHaveLength(1)
  })
})

test('a stream is read in the asynchronous context of its request, however long that waited', async () => {
  const held = Promise.withResolvers<void>()
  await using server = await serve(async (request, response) => {
    if (request.method === 'GET') await held.promise
    request.resume()
    request.on('end', () => response.end())
  })
  const owner = new AsyncLocalStorage<string>()
  const seen = new Set<string | undefined>()
  let left = 30
  const body = new Readable({
    read() {
      seen.add(owner.getStore())
      this.push(left-- > 0 ? Buffer.alloc(100_000) : null)
    },
  })
  const first = narrow.request({ method: 'GET', url: server.url, headers: {} }, context())
  const second = owner.run('second', () =>
    narrow.request({ method: 'PUT', url: server.url, headers: {}, body }, context()),
  )
  held.resolve()
  await drain(await first)
  await drain(await second)
  expect([...seen]).toEqual(['second'])
})

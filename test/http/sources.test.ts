import { AsyncLocalStorage } from 'node:async_hooks'
import { once } from 'node:events'
import { createReadStream } from 'node:fs'
import { Readable } from 'node:stream'
import { afterEach, describe, expect, test } from 'vitest'
import { drain, readText } from '../../src/core/body.ts'
import { Transport } from '../../src/http/transport.ts'
import { context, failure, serve, serveTcp } from './support.ts'

let narrow = new Transport({ maxSockets: 1 })

afterEach(async () => {
  await narrow.close()
  narrow = new Transport({ maxSockets: 1 })
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
    const transport = new Transport({ proxies: { https: `127.0.0.1:${proxy.port}` } })
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

describe('after an answer that came before the whole body', () => {
  const early = () =>
    serveTcp(socket => socket.once('data', () => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok')))

  test.each(['fails', 'is aborted'])('a stream that %s closes the connection', async how => {
    await using server = await early()
    const controller = new AbortController()
    const body = new Readable({ read() {} })
    body.push('first')
    const request = { method: 'PUT', url: server.url, headers: {}, body }
    const answer = await narrow.request(request, context(controller.signal))
    expect(await readText(answer)).toBe('ok')
    if (how === 'fails') body.destroy(new Error('mine'))
    else controller.abort()
    // It would wait for ever, were the only connection still taken.
    expect(await readText(await narrow.request({ method: 'GET', url: server.url, headers: {} }, context()))).toBe('ok')
    expect(body.destroyed).toBe(true)
    if (!server.sockets[0]!.destroyed) await once(server.sockets[0]!, 'close')
  })

  test('the end of the body frees it', async () => {
    let requests = 0
    await using server = await serve((request, response) => {
      requests++
      request.resume()
      response.end('ok')
    })
    const body = new Readable({ read() {} })
    body.push('first')
    const answer = await narrow.request({ method: 'PUT', url: server.url, headers: {}, body }, context())
    expect(await readText(answer)).toBe('ok')
    body.push(null)
    await drain(await narrow.request({ method: 'GET', url: server.url, headers: {} }, context()))
    expect([requests, server.sockets.length]).toEqual([2, 1])
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

/** What a kept connection may have become meanwhile. Requests go over the client on node:http. */
import { once } from 'node:events'
import { Readable } from 'node:stream'
import { Worker } from 'node:worker_threads'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { drain, readText } from '../../src/core/body.ts'
import type { StorageError } from '../../src/core/errors.ts'
import { NodeClient } from '../../src/http/node-client.ts'
import { compose } from '../../src/layers/layer.ts'
import { retry } from '../../src/layers/retry.ts'
import { timeout } from '../../src/layers/timeout.ts'
import { context, failure, serve, serveTcp } from './support.ts'

let client = new NodeClient()

afterEach(async () => {
  vi.restoreAllMocks()
  await client.close()
  client = new NodeClient()
})

const ask = (url: string, method = 'GET', body?: Readable | string) =>
  client.request({ method, url, headers: {}, body }, context())

/** A server in a thread of its own: each connection's first answer is followed by what `then` says, 2 ms later. */
async function serveElsewhere(then: 'stray answer' | 'end' | 'reset') {
  const done = new Int32Array(new SharedArrayBuffer(4))
  const worker = new Worker(
    `
    const { workerData: { then, done }, parentPort } = require('node:worker_threads')
    const answer = text => 'HTTP/1.1 200 OK\\r\\ncontent-length: ' + text.length + '\\r\\n\\r\\n' + text
    let requests = 0
    const server = require('node:net').createServer(socket => {
      let answers = 0
      socket.on('error', () => undefined).on('data', () => {
        if (++answers > 1) return socket.write(answer('second'))
        socket.write(answer('good ' + ++requests))
        setTimeout(() => {
          const tell = () => { Atomics.add(done, 0, 1); Atomics.notify(done, 0) }
          if (then === 'end') socket.end(tell)
          else if (then === 'reset') { socket.resetAndDestroy(); tell() }
          else socket.write(answer('evil'), tell)
        }, 2)
      })
    }).listen(0, '127.0.0.1', () => parentPort.postMessage(server.address().port))
    `,
    { eval: true, workerData: { then, done } },
  )
  const [port] = (await once(worker, 'message')) as [number]
  return {
    url: `http://127.0.0.1:${port}/`,
    /** Keeps this thread busy until the server has done it `times` times. */
    busyUntil(times: number): void {
      for (let seen = 0; seen < times; seen = Atomics.load(done, 0)) Atomics.wait(done, 0, seen, 1000)
    },
    [Symbol.asyncDispose]: async () => void (await worker.terminate()),
  }
}

describe('while the event loop was busy', () => {
  test('bytes that reach an idle connection never answer the next request: 30 of 30', async () => {
    await using server = await serveElsewhere('stray answer')
    for (let round = 1; round <= 30; round++) {
      expect(await readText(await ask(server.url))).toBe(`good ${round}`)
      server.busyUntil(round)
    }
  })

  test.each(['end', 'reset'] as const)('a connection that the server closed by %s is not given a stream', async how => {
    await using server = await serveElsewhere(how)
    for (let round = 1; round <= 20; round++) {
      const body = Readable.from([Buffer.from('once'), Buffer.from(' only')])
      const answer = await ask(server.url, 'PUT', body)
      expect(answer.resent).toBe(false)
      expect(await readText(answer)).toBe(`good ${round}`)
      server.busyUntil(round)
    }
  })

  test('a POST is not given one either', async () => {
    await using server = await serveElsewhere('reset')
    for (let round = 1; round <= 20; round++) {
      expect(await readText(await ask(server.url, 'POST', 'x'))).toBe(`good ${round}`)
      server.busyUntil(round)
    }
  })
})

test('a stream in the very moment in which the server ends the connection goes to a new one', async () => {
  let requests = 0
  await using server = await serveTcp(socket =>
    socket.once('data', () => {
      requests++
      socket.end('HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nx')
    }),
  )
  for (let round = 0; round < 10; round++) {
    await drain(await ask(server.url, 'PUT', Readable.from([Buffer.from('once')])))
  }
  expect(requests).toBe(10)
})

describe('the age of an idle connection', () => {
  test.each([
    ['', 3900, 1],
    ['', 4100, 2],
    ['keep-alive: timeout=2\r\n', 900, 1],
    ['keep-alive: timeout=2\r\n', 1100, 2],
    ['keep-alive: timeout=20, max=9\r\n', 18_900, 1],
    ['keep-alive: timeout=99999\r\n', 60_000, 2],
  ])('%j, %i ms later: %i connections', async (hint, later, connections) => {
    await using server = await serveTcp(socket =>
      socket.on('data', () => socket.write(`HTTP/1.1 200 OK\r\n${hint}content-length: 1\r\n\r\nx`)),
    )
    await drain(await ask(server.url))
    const now = Date.now()
    vi.spyOn(Date, 'now').mockImplementation(() => now + later)
    await drain(await ask(server.url))
    expect(server.sockets).toHaveLength(connections)
  })
})

/** Lets many requests arrive before the first is answered, so that each has its own connection; these fall silent afterwards. */
async function serveThenFallSilent(count: number) {
  const all = Promise.withResolvers<void>()
  let arrived = 0
  return serveTcp(socket => {
    const isLate = arrived >= count
    let answered = false
    const answer = () => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nx')
    socket.on('data', async () => {
      if (answered && !isLate) return
      answered = true
      if (++arrived === count) all.resolve()
      await all.promise
      answer()
    })
  })
}

test.each(['one after another', 'at once'])('16 connections that died silently: calls %s', async how => {
  const count = 16
  await using server = await serveThenFallSilent(count)
  await Promise.all(Array.from({ length: count }, async () => drain(await ask(server.url))))
  expect(server.sockets).toHaveLength(count)
  const layer = compose([retry({ maxAttempts: 3, baseMs: 1 }), timeout(300)])
  const attempts: number[] = []
  const call = async () => {
    let tried = 0
    const answer = await layer(
      { operation: 'read', backend: 'test', repeat: true },
      ctx => {
        tried++
        return client.request({ method: 'GET', url: server.url, headers: {} }, ctx)
      },
      context(),
    )
    expect(await readText(answer)).toBe('x')
    attempts.push(tried - 1)
  }
  if (how === 'at once') await Promise.all(Array.from({ length: count }, call))
  else for (let round = 0; round < count; round++) await call()
  // No call needs more than one retry; one after another, only the first needs any.
  expect(Math.max(...attempts)).toBe(1)
  if (how !== 'at once') expect(attempts).toEqual([1, ...Array(count - 1).fill(0)])
})

test('a retry has a connection of its own', async () => {
  await using server = await serve((_request, response) => response.end('x'))
  await drain(await ask(server.url))
  const again = { ...context(), attempt: 2 }
  await drain(await client.request({ method: 'GET', url: server.url, headers: {} }, again))
  expect(server.sockets).toHaveLength(2)
})

describe('a request whose kept connection breaks', () => {
  /** Answers the first request of a connection; the second one breaks it when `beginning` of an answer was sent. */
  const breaking = (beginning: string, bodies: string[]) =>
    serveTcp(socket => {
      let requests = 0
      socket.on('data', bytes => {
        bodies.push(bytes.toString().split('\r\n\r\n')[1]!)
        if (++requests === 1) socket.write('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n')
        else if (beginning === '') socket.resetAndDestroy()
        else socket.end(beginning)
      })
    })

  const send = async (url: string, method: string, repeatable?: boolean): Promise<unknown> => {
    const request = { method, url, headers: {}, body: 'x', repeatable }
    const sending = client.request(request, context())
    return sending.then(({ resent }) => resent).catch((error: StorageError) => [error.code, error.outcome])
  }

  test.each([
    ['PUT', undefined, true, 3],
    ['DELETE', undefined, true, 3],
    ['POST', undefined, ['unavailable', 'unknown'], 2],
    ['PATCH', undefined, ['unavailable', 'unknown'], 2],
    ['POST', true, true, 3],
    ['PUT', false, ['unavailable', 'unknown'], 2],
  ])('%s, repeatable %s: %j', async (method, repeatable, outcome, sent) => {
    const bodies: string[] = []
    await using server = await breaking('', bodies)
    await drain(await ask(server.url, 'PUT', 'first'))
    expect(await send(server.url, method, repeatable)).toEqual(outcome)
    expect(bodies).toEqual(['first', 'x', 'x'].slice(0, sent))
  })

  test.each(['H', 'HTTP/1.1 100 Continue\r\n\r\n', 'HTTP/1.1 200 OK\r\n'])('after %j is not sent again', async part => {
    const bodies: string[] = []
    await using server = await breaking(part, bodies)
    await drain(await ask(server.url))
    expect(await send(server.url, 'PUT', true)).toEqual(['unavailable', 'unknown'])
    expect(bodies).toHaveLength(2)
  })
})

test('a connection that was never used for a request is not waited for by one that is given up', async () => {
  await using server = await serve((_request, response) => response.end('x'))
  const controller = new AbortController()
  await drain(await ask(server.url))
  const given = client.request({ method: 'POST', url: server.url, headers: {} }, context(controller.signal))
  controller.abort()
  expect((await failure(given)).code).toBe('aborted')
  expect(await readText(await ask(server.url))).toBe('x')
  expect(server.sockets).toHaveLength(1)
})

test('tools that watch node:http see every request', async () => {
  const { subscribe, unsubscribe } = await import('node:diagnostics_channel')
  await using server = await serve((_request, response) => response.end('x'))
  const seen: string[] = []
  const watch = (message: unknown) => {
    const { request } = message as { request: { method: string; path: string; getHeader(name: string): unknown } }
    seen.push(`${request.method} ${request.path} ${request.getHeader('x-one')}`)
  }
  subscribe('http.client.request.start', watch)
  try {
    for (const path of ['/a', '/b']) {
      const request = { method: 'GET', url: server.url + path, headers: { 'x-one': 'eins' } }
      await drain(await client.request(request, context()))
    }
  } finally {
    unsubscribe('http.client.request.start', watch)
  }
  expect(seen).toEqual(['GET /a eins', 'GET /b eins'])
})

/** A handler behind `toNodeListener` that fails: the client gets an answer, and the error is seen. */
import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import express from 'express'
import { expect, test, vi } from 'vitest'
import { toNodeListener } from '../../src/serve/index.ts'
import { UploadError } from '../../src/uploads/index.ts'

async function serving(listener: RequestListener) {
  const server = createServer(listener)
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo
  return {
    port,
    url: `http://127.0.0.1:${port}/`,
    [Symbol.dispose]() {
      server.closeAllConnections()
      server.close()
    },
  }
}

function warnings(): { readonly texts: string[]; [Symbol.dispose](): void } {
  const texts: string[] = []
  const note = (warning: Error & { code?: string }): void => void texts.push(`${warning.code}: ${warning.message}`)
  process.on('warning', note)
  return { texts, [Symbol.dispose]: () => void process.off('warning', note) }
}

test('under node:http the answer is 500, and the error is a warning', async () => {
  using noted = warnings()
  using site = await serving(
    toNodeListener(async request => {
      if (request.method === 'POST') await request.text()
      throw new Error('the database is down')
    }),
  )
  for (const init of [{}, { method: 'POST', body: 'x' }, { method: 'PUT', body: Buffer.alloc(1_000_000) }]) {
    const answer = await fetch(site.url, init)
    expect([answer.status, await answer.text()]).toEqual([500, ''])
  }
  await vi.waitFor(() => expect(noted.texts.length).toBe(3))
  expect(noted.texts[0]).toBe('HOLDALL_HANDLER: A request handler failed: the database is down')
})

test('under Express its error handlers get the error, with its status', async () => {
  using noted = warnings()
  const errors: unknown[] = []
  const app = express()
  app.set('env', 'test')
  const failures = [new UploadError('file_too_large', 'too large'), new Error('the database is down')]
  app.post(
    '/',
    toNodeListener(async () => {
      throw failures[errors.length]!
    }),
  )
  app.use(((error, _request, _response, next) => {
    errors.push(error)
    next(error)
  }) satisfies express.ErrorRequestHandler)
  using site = await serving(app)
  const statuses = [await fetch(site.url, { method: 'POST' }), await fetch(site.url, { method: 'POST' })]
  expect([statuses.map(({ status }) => status), errors, noted.texts]).toEqual([[413, 500], failures, []])
})

test('a client that is gone is no failure of the handler', async () => {
  using noted = warnings()
  const { promise: ended, resolve } = Promise.withResolvers<unknown>()
  using site = await serving(
    toNodeListener(request => {
      const reading = request.text().then(text => new Response(text))
      reading.catch(resolve)
      return reading
    }),
  )
  const socket = connect(site.port, '127.0.0.1')
  socket.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nhalf', () => socket.destroy())
  expect(await ended).toBeInstanceOf(Error)
  await new Promise(setImmediate)
  expect(noted.texts).toEqual([])
})

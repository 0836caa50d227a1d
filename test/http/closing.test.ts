import { once } from 'node:events'
import { expect, test } from 'vitest'
import { drain, readText } from '../../src/core/body.ts'
import { NodeClient } from '../../src/http/node-client.ts'
import { context, failure, serve } from './support.ts'

test('a request under way on a kept connection is closed, not sent again', async () => {
  let requests = 0
  const arrived = Promise.withResolvers<void>()
  await using server = await serve((request, response) => {
    requests++
    if (request.method === 'GET') response.end('fine')
    else arrived.resolve()
  })
  const transport = new NodeClient()
  await drain(await transport.request({ method: 'GET', url: server.url, headers: {} }, context()))
  const second = failure(transport.request({ method: 'PUT', url: server.url, headers: {}, body: 'x' }, context()))
  await arrived.promise
  await transport.close()
  expect(await second).toMatchObject({ code: 'closed', retryable: false, outcome: 'unknown' })
  // Whatever was still on its way would arrive before this one.
  const other = new NodeClient()
  await drain(await other.request({ method: 'GET', url: server.url, headers: {} }, context()))
  await other.close()
  expect(requests).toBe(3)
  expect(server.sockets).toHaveLength(2)
})

test('a body under way breaks, and every connection is gone', async () => {
  await using server = await serve((_request, response) => {
    response.setHeader('content-length', 10)
    response.write('12345')
  })
  const transport = new NodeClient()
  const answer = await transport.request({ method: 'GET', url: server.url, headers: {} }, context())
  const reading = failure(readText(answer))
  const gone = once(server.sockets[0]!, 'close')
  await transport.close()
  expect((await reading).code).toBe('unavailable')
  await gone
})

test('requests that wait for a connection are closed too', async () => {
  const arrived = Promise.withResolvers<void>()
  await using server = await serve(() => arrived.resolve())
  const transport = new NodeClient({ maxSockets: 1 })
  const all = Array.from({ length: 3 }, () =>
    failure(transport.request({ method: 'GET', url: server.url, headers: {} }, context())),
  )
  await arrived.promise
  await transport.close()
  expect((await Promise.all(all)).map(error => error.code)).toEqual(['closed', 'closed', 'closed'])
  expect(server.sockets).toHaveLength(1)
})

import { connect } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { drain } from '../../src/core/body.ts'
import { NodeClient } from '../../src/http/node-client.ts'
import { context, failure, serveTcp } from './support.ts'

let transport = new NodeClient()

afterEach(async () => {
  await transport.close()
  transport = new NodeClient()
})

const EMPTY = 'HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n'

/** Answers the first request of a connection and ends it after the beginning of an answer to the second. */
const broken = (beginning: string, onSecond: () => void) =>
  serveTcp(socket => {
    let requests = 0
    socket.on('data', () => {
      if (++requests === 1) {
        socket.write(EMPTY)
        return
      }
      onSecond()
      socket.end(beginning)
    })
  })

test.each([
  ['', 2],
  ['H', 1],
  ['HTTP/1.1 100 Continue\r\n\r\n', 1],
  ['HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 2', 1],
])('a kept connection that ends after %j: %i connections', async (beginning, connections) => {
  await using server = await broken(beginning, () => undefined)
  await drain(await transport.request({ method: 'GET', url: server.url, headers: {} }, context()))
  const sending = transport.request({ method: 'PUT', url: server.url, headers: {}, body: 'x' }, context())
  if (beginning === '') expect((await sending).resent).toBe(true)
  else expect(await failure(sending)).toMatchObject({ code: 'unavailable', outcome: 'unknown' })
  expect(server.sockets).toHaveLength(connections)
})

test('one that cannot be sent again has an unknown outcome: the first may have been carried out', async () => {
  const server = await broken('', () => void server[Symbol.asyncDispose]())
  await drain(await transport.request({ method: 'GET', url: server.url, headers: {} }, context()))
  const sending = transport.request({ method: 'PUT', url: server.url, headers: {}, body: 'x' }, context())
  expect(await failure(sending)).toMatchObject({ code: 'unavailable', outcome: 'unknown' })
  // Nobody listens there any more.
  const [error] = await new Promise<[NodeJS.ErrnoException]>(resolve =>
    connect(server.port, '127.0.0.1').once('error', (...all) => resolve(all as [NodeJS.ErrnoException])),
  )
  expect(error.code).toBe('ECONNREFUSED')
})

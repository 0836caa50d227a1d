import { once } from 'node:events'
import type { Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { expect, test } from 'vitest'
import { Connection, type Home, type Served } from '../../src/http/connection.ts'

/** A socket whose bytes the test gives. */
function madeSocket(): Socket {
  const duplex = new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() })
  return Object.assign(duplex, { ref() {}, unref() {} }) as unknown as Socket
}

function begin(onBody: (bytes: Buffer) => void = () => undefined) {
  const socket = madeSocket()
  const seen: string[] = []
  const home: Home = { onFree: () => seen.push('free'), onGone: () => seen.push('gone') }
  const served: Served = {
    onContinue: () => undefined,
    onHead: () => seen.push('head'),
    onBody,
    onDrain: () => undefined,
    onEnd: () => seen.push('end'),
    onLost: () => seen.push('lost'),
  }
  const connection = new Connection(socket, home)
  connection.begin(served, 'GET')
  connection.sent()
  return { connection, socket, seen }
}

const HEAD = 'HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n'

test('bytes behind an answer, come while reading was paused, are not kept for the next request', async () => {
  const { connection, socket, seen } = begin()
  connection.pause()
  for (const piece of [HEAD, 'x', `${HEAD}y`]) socket.push(piece)
  connection.resume()
  await once(socket, 'close')
  expect(seen).toEqual(['head', 'end', 'gone'])
})

test('the error of a listener is not taken for the server\u2019s', async () => {
  const { socket, seen } = begin(() => {
    throw new TypeError('mine')
  })
  expect(() => socket.emit('data', Buffer.from(`${HEAD}x`))).toThrow('mine')
  await once(socket, 'close')
  expect(seen).toEqual(['head', 'gone', 'lost'])
})

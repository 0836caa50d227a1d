/** Connections of the client on node:http that go elsewhere than the URL names. */
import type { TLSSocket } from 'node:tls'
import { afterAll, expect, test } from 'vitest'
import { readText } from '../../src/core/body.ts'
import { NodeClient, type NodeClientOptions } from '../../src/http/node-client.ts'
import { context, failure, makeIdentity, serve, serveProxy, serveTls } from './support.ts'

const identity = makeIdentity()
afterAll(() => identity[Symbol.dispose]())

async function ask(url: string, options: NodeClientOptions): Promise<string> {
  const client = new NodeClient({ verify: identity.certPath, ...options })
  try {
    return await readText(await client.request({ method: 'GET', url, headers: {} }, context()))
  } finally {
    await client.close()
  }
}

test('connectTo: the server hears the host of the URL, with its port', async () => {
  await using server = await serve((request, response) => response.end(request.headers.host))
  for (const host of ['files.invalid', 'other.invalid']) {
    expect(await ask(`http://${host}:${server.port}/a`, { connectTo: '127.0.0.1' })).toBe(`${host}:${server.port}`)
  }
  expect(await failure(ask(`http://files.invalid:${server.port}/a`, {}))).toMatchObject({ code: 'unavailable' })
})

test('connectTo: a certificate must be for the host of the URL', async () => {
  await using server = await serveTls(identity, (request, response) =>
    response.end(`${request.headers.host} ${(request.socket as TLSSocket).servername}`),
  )
  const told = await ask(`https://made.test:${server.port}/a`, { connectTo: '127.0.0.1' })
  expect(told).toBe(`made.test:${server.port} made.test`)
  const refused = await failure(ask(`https://other.test:${server.port}/a`, { connectTo: '127.0.0.1' }))
  expect(refused).toMatchObject({ outcome: 'not_applied' })
})

test('connectTo: a proxy finds the way by itself', async () => {
  await using server = await serve((request, response) => response.end(request.headers.host))
  await using proxy = await serveProxy()
  const options = { connectTo: '192.0.2.1', proxies: { http: proxy.url } }
  expect(await ask(`http://made.test:${server.port}/a`, options)).toBe(`made.test:${server.port}`)
  expect(proxy.asked).toHaveLength(1)
})

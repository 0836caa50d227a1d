/** TLS by the client on node:http: handshakes that fail alike each time, and certificates of the client. */
import { readFileSync, writeFileSync } from 'node:fs'
import { createServer, type ServerOptions as TlsOptions } from 'node:https'
import type { AddressInfo } from 'node:net'
import { dirname, join } from 'node:path'
import type { TLSSocket } from 'node:tls'
import { afterAll, describe, expect, test } from 'vitest'
import { readText } from '../../src/core/body.ts'
import { NodeClient, type NodeClientOptions } from '../../src/http/node-client.ts'
import { context, failure, makeIdentity, serve, serveProxy } from './support.ts'

const identity = makeIdentity()
const mine = makeIdentity()
afterAll(() => {
  identity[Symbol.dispose]()
  mine[Symbol.dispose]()
})
const keyPath = join(dirname(mine.certPath), 'key.pem')
const together = join(dirname(mine.certPath), 'both.pem')
writeFileSync(together, Buffer.concat([mine.cert, mine.key]))

async function serveTlsWith(options: TlsOptions) {
  let connections = 0
  const server = createServer({ key: identity.key, cert: identity.cert, ...options }, (request, response) => {
    response.end((request.socket as TLSSocket).getPeerCertificate().subject?.CN)
  })
  server.on('connection', () => connections++)
  server.listen(0, '127.0.0.1')
  await new Promise(resolve => server.once('listening', resolve))
  return {
    url: `https://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    port: (server.address() as AddressInfo).port,
    connections: () => connections,
    async [Symbol.asyncDispose]() {
      server.close()
      server.closeAllConnections()
    },
  }
}

async function ask(url: string, options: NodeClientOptions = {}): Promise<string> {
  const client = new NodeClient({ verify: identity.certPath, ...options })
  try {
    return await readText(await client.request({ method: 'GET', url, headers: {} }, context()))
  } finally {
    await client.close()
  }
}

const never = { code: 'unavailable', retryable: false, outcome: 'not_applied' }

describe('a handshake that can never succeed is not tried again', () => {
  test.each<[string, TlsOptions]>([
    ['no common cipher', { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-RSA-AES128-GCM-SHA256' }],
    ['no common version', { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' }],
    ['no common protocol', { ALPNProtocols: ['h2'] }],
    ['TLS 1.2 wants a certificate', { maxVersion: 'TLSv1.2', requestCert: true, ca: mine.cert }],
    ['TLS 1.3 wants a certificate', { minVersion: 'TLSv1.3', requestCert: true, ca: mine.cert }],
  ])('%s', async (_what, options) => {
    await using server = await serveTlsWith(options)
    const error = await failure(ask(server.url))
    expect(error).toMatchObject(never)
    expect(error.message).toContain('no TLS connection is possible')
    expect(server.connections()).toBe(1)
  })

  test('https to a plain port says so, also through a tunnel', async () => {
    await using server = await serve((_request, response) => response.end('x'))
    await using proxy = await serveProxy()
    const proxies = { https: `127.0.0.1:${proxy.port}` }
    for (const options of [{}, { proxies }]) {
      const error = await failure(ask(server.url.replace('http', 'https'), options))
      expect(error).toMatchObject(never)
      expect(error.message).toContain('the server does not speak TLS on this port')
    }
  })

  test('http to a port of TLS says so where the server answers by an alert', async () => {
    const { createServer: createTcp } = await import('node:net')
    const alert = Buffer.from([0x15, 3, 1, 0, 2, 2, 70])
    const server = createTcp(socket => socket.once('data', () => socket.end(alert))).listen(0, '127.0.0.1')
    await new Promise(resolve => server.once('listening', resolve))
    const error = await failure(ask(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`))
    server.close()
    expect(error).toMatchObject(never)
    expect(error.message).toContain('the address must begin with https')
  })
})

describe('a certificate of the client', () => {
  test.each<[string, NodeClientOptions['clientCert']]>([
    ['two files', [mine.certPath, keyPath]],
    ['one file', together],
  ])('from %s', async (_what, clientCert) => {
    expect(readFileSync(keyPath)).toEqual(mine.key)
    await using server = await serveTlsWith({ requestCert: true, ca: mine.cert })
    expect(await ask(server.url, { clientCert })).toBe('localhost')
  })

  test.each<[string, NodeClientOptions['clientCert']]>([
    ['a missing file', join(dirname(mine.certPath), 'missing.pem')],
    ['a file without a key', mine.certPath],
    ['the key of another', [mine.certPath, join(dirname(identity.certPath), 'key.pem')]],
  ])('from %s is improperly configured', async (_what, clientCert) => {
    await using server = await serveTlsWith({})
    const error = await failure(ask(server.url, { clientCert }))
    expect(error.code).toBe('improperly_configured')
    expect(error.message).toMatch(/^clientCert: /)
  })
})

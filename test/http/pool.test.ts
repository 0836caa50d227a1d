import { expect, test } from 'vitest'
import { Pool } from '../../src/http/pool.ts'
import { ProxyTable } from '../../src/http/proxy.ts'
import { serveProxy, serveTcp } from './support.ts'

test('where TLS cannot even begin in a tunnel, whoever waits for the connection is told too', async () => {
  await using proxy = await serveProxy()
  await using server = await serveTcp(() => undefined)
  const tunnel = new ProxyTable({ https: `127.0.0.1:${proxy.port}` }).select('https', 'made.test', server.port)
  const { port } = server
  const ca = {} as Buffer
  const route = { hostname: 'made.test', port, secure: true, tunnel, connectTimeoutMs: 0, ca, rejectUnauthorized: true }
  const pool = new Pool(route, 1)
  const acquire = () =>
    new Promise((resolve, reject) => pool.acquire({ onConnection: resolve, onRefused: reject }, false))
  const refused = { code: 'ERR_INVALID_ARG_TYPE' }
  await Promise.all([1, 2].map(() => expect(acquire()).rejects.toMatchObject(refused)))
  pool.close()
})

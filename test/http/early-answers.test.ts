/** A server that runs beside the client may answer before the client knows that its last bytes are written: that is no answer too early. */
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { expect, test } from 'vitest'
import { NodeClient } from '../../src/http/node-client.ts'
import { context, makeIdentity } from './support.ts'

/** A server on a thread of its own, which answers at the last byte of the body. */
const SERVER = `
const { createServer } = require('node:https')
const { parentPort, workerData } = require('node:worker_threads')
const server = createServer(workerData, (request, response) => {
  let left = Number(request.headers['content-length'])
  request.on('data', bytes => {
    left -= bytes.length
    if (left === 0) response.writeHead(201, { 'content-length': 0 }).end()
  })
})
server.listen(0, '127.0.0.1', () => parentPort.postMessage(server.address().port))
`

test('over TLS, with bodies of many sizes', async () => {
  using identity = makeIdentity()
  const workerData = { key: String(identity.key), cert: String(identity.cert) }
  const worker = new Worker(SERVER, { eval: true, workerData })
  const [port] = await once(worker, 'message')
  const client = new NodeClient({ verify: identity.certPath })
  const statuses = new Map<number, number>()
  for (let round = 0; round < 300; round++) {
    const body = Buffer.alloc(66_000 + (round % 30) * 4_000, 1)
    const headers = { 'content-length': String(body.length) }
    const request = { method: 'PUT', url: `https://127.0.0.1:${port}/`, headers, body } as const
    const { status } = await client.request(request, context())
    statuses.set(status, (statuses.get(status) ?? 0) + 1)
  }
  expect([...statuses]).toEqual([[201, 300]])
  await client.close()
  await worker.terminate()
})

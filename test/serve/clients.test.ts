import { once } from 'node:events'
import { createServer } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { Readable } from 'node:stream'
import { expect, test } from 'vitest'
import { LocalStorage } from '../../src/backends/local/index.ts'
import { MemoryStorage } from '../../src/backends/memory/index.ts'
import { StorageError } from '../../src/core/errors.ts'
import { createFileHandler, type ServedStorage, toNodeListener } from '../../src/serve/index.ts'
import { temporaryFolder } from '../backends/local/fixture.ts'

function stored(stream: () => Readable): ServedStorage {
  return {
    stat: async name => ({ name, isDirectory: false, size: 5 }),
    createReadStream: stream,
    save: async name => String(name),
    decoder: () => undefined,
  }
}

test('a client that goes away before the first byte does no harm', async () => {
  const gone = new AbortController()
  const source = new Readable({ read: () => gone.abort() })
  const request = new Request('http://localhost/f', { signal: gone.signal })
  const closed = new Promise(resolve => source.once('close', resolve))
  request.signal.addEventListener('abort', () => setImmediate(() => source.destroy(new Error('aborted later'))))
  const answer = await createFileHandler(stored(() => source))(request)
  expect(answer.status).toBe(500)
  await closed
})

test('a failure that tells when to come again says so to the client', async () => {
  const fail = () => {
    throw new StorageError('throttled', 'slow down', { retryAfterMs: 1500 })
  }
  const answer = await createFileHandler({ ...stored(fail), stat: fail })(new Request('http://localhost/f'))
  expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '2'])
})

test.each([
  ['memory', () => new MemoryStorage({}, { env: {}, settings: {} })],
  ['local', (path: string) => new LocalStorage({ location: path, fsync: false }, { env: {}, settings: {} })],
])('headers and bytes are of one version when a file is replaced in between: %s', async (_, make) => {
  using folder = temporaryFolder()
  await using storage = make(folder.path)
  await storage.save('f', 'old')
  let replaced = false
  const served: ServedStorage = {
    stat: (name, options) => storage.stat(name, options),
    save: (name, source, options) => storage.save(name, source, options),
    decoder: () => undefined,
    createReadStream(name, options) {
      if (replaced) return storage.createReadStream(name, options)
      replaced = true
      return Readable.from(
        (async function* () {
          await storage.save('f', 'new', { overwrite: true })
          yield* storage.createReadStream(name, options)
        })(),
        { objectMode: false },
      )
    },
  }
  const answer = await createFileHandler(served)(new Request('http://localhost/f'))
  expect([await answer.text(), answer.headers.get('etag')]).toEqual(['new', `"${(await storage.stat('f')).etag}"`])
})

test('clients that go away at any moment leave no stream open', async () => {
  using folder = temporaryFolder()
  await using storage = new LocalStorage({ location: folder.path, fsync: false }, { env: {}, settings: {} })
  await storage.save('big', Buffer.alloc(5_000_000))
  const streams: Readable[] = []
  const served: ServedStorage = {
    ...stored(() => new Readable()),
    stat: (name, options) => storage.stat(name, options),
    createReadStream(name, options) {
      const stream = storage.createReadStream(name, options)
      streams.push(stream)
      return stream
    },
  }
  const server = createServer(toNodeListener(createFileHandler(served)))
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo
  try {
    for (let client = 0; client < 60; client++) {
      const socket = connect(port, '127.0.0.1').on('error', () => {})
      socket.write('GET /big HTTP/1.1\r\nHost: x\r\n\r\n')
      if (client % 3 > 0) await once(socket, 'data')
      if (client % 2 === 0) socket.destroy()
      else socket.resetAndDestroy()
    }
    const whole = await (await fetch(`http://127.0.0.1:${port}/big`)).arrayBuffer()
    expect(whole.byteLength).toBe(5_000_000)
    expect(streams.length).toBeGreaterThan(40)
    await Promise.all(streams.map(stream => stream.closed || new Promise(resolve => stream.once('close', resolve))))
  } finally {
    server.closeAllConnections()
    server.close()
  }
})

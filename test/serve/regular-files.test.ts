import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer as createHttpServer } from 'node:http'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { expect, test } from 'vitest'
import { LocalStorage } from '../../src/backends/local/index.ts'
import { createFileHandler, type ServedStorage, toNodeListener } from '../../src/serve/index.ts'
import { temporaryFolder } from '../backends/local/fixture.ts'

const SERVICES = { env: {}, settings: {} }

test('nothing but regular files is served, and nothing is waited for', async () => {
  using folder = temporaryFolder()
  const location = join(folder.path, 'root')
  mkdirSync(join(location, 'folder'), { recursive: true })
  execFileSync('mkfifo', [join(location, 'pipe')])
  const socket = createServer()
  await once(socket.listen(join(location, 'socket')), 'listening')
  writeFileSync(join(folder.path, 'outside'), 'outside')
  writeFileSync(join(location, 'file'), 'inside')
  const links = {
    'to-pipe': 'pipe',
    loop: 'loop',
    nowhere: 'none',
    out: '../outside',
    device: '/dev/zero',
    inside: 'file',
  }
  for (const [name, target] of Object.entries(links)) symlinkSync(target, join(location, name))
  await using storage = new LocalStorage({ location }, SERVICES)
  const errors: unknown[] = []
  const handler = createFileHandler(storage, { onError: error => void errors.push(error) })
  try {
    for (const method of ['GET', 'HEAD']) {
      for (const name of ['pipe', 'socket', 'to-pipe', 'folder', 'loop', 'nowhere', 'out', 'device', 'a'.repeat(300)]) {
        for (const headers of [{}, { range: 'bytes=0-' }, { 'if-none-match': '*' }]) {
          const { status } = await handler(new Request(`http://h/${name}`, { method, headers: { ...headers } }))
          expect([method, name, status]).toEqual([method, name, 404])
        }
      }
      expect((await handler(new Request('http://h/inside', { method }))).status).toBe(200)
    }
    expect(errors).toEqual([])
  } finally {
    socket.close()
  }
})

test.runIf(process.platform === 'linux')('devices are not served, and files of /proc are whole', async () => {
  await using devices = new LocalStorage({ location: '/dev' }, SERVICES)
  for (const name of ['null', 'zero']) {
    expect((await createFileHandler(devices)(new Request(`http://h/${name}`))).status).toBe(404)
  }
  await using processes = new LocalStorage({ location: '/proc/self' }, SERVICES)
  const handler = createFileHandler(processes)
  const server = createHttpServer(toNodeListener(handler))
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  try {
    for (const headers of [{}, { range: 'bytes=0-3' }, { 'if-none-match': '"x"' }]) {
      const answer = await fetch(`${origin}/status`, { headers: { ...headers } })
      expect([answer.status, answer.headers.get('content-length'), answer.headers.get('etag')]).toEqual([
        200,
        null,
        null,
      ])
      expect(await answer.text()).toMatch(new RegExp(`^Name:[^]*\\nPid:\\s+${process.pid}\\n[^]*\\n$`))
    }
    // More than is read at once.
    expect((await (await fetch(`${origin}/smaps`)).text()).length).toBeGreaterThan(100_000)
    const head = await fetch(`${origin}/status`, { method: 'HEAD' })
    expect([head.status, head.headers.get('content-length')]).toEqual([200, null])
  } finally {
    server.closeAllConnections()
    server.close()
  }
})

test('a file that is said to be empty is read to its end', async () => {
  let bytes: Buffer[] = []
  const streams: Readable[] = []
  const storage: ServedStorage = {
    stat: async name => ({ name, isDirectory: false, size: 0, etag: 'e' }),
    createReadStream() {
      const stream = Readable.from(bytes, { objectMode: false })
      streams.push(stream)
      return stream
    },
    save: async name => String(name),
    decoder: () => undefined,
  }
  const answers = async (init?: RequestInit) => {
    const answer = await createFileHandler(storage)(new Request('http://h/f', init))
    return [answer.status, answer.headers.get('content-length'), answer.headers.get('etag'), await answer.text()]
  }
  expect(await answers()).toEqual([200, '0', '"e"', ''])
  expect(await answers({ method: 'HEAD' })).toEqual([200, '0', '"e"', ''])
  expect(await answers({ headers: { 'if-none-match': '"e"' } })).toEqual([304, null, '"e"', ''])
  expect((await answers({ headers: { range: 'bytes=0-' } }))[0]).toBe(416)
  bytes = [Buffer.from('grown '), Buffer.from('since')]
  expect(await answers()).toEqual([200, null, null, 'grown since'])
  expect(await answers({ headers: { 'if-none-match': '"e"', range: 'bytes=0-1' } })).toEqual([
    200,
    null,
    null,
    'grown since',
  ])
  expect(await answers({ method: 'HEAD' })).toEqual([200, null, null, ''])
  for (const stream of streams) expect(stream.destroyed).toBe(true)
})

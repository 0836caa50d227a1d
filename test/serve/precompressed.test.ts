import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import { MemoryStorage } from '../../src/backends/memory/index.ts'
import { createFileHandler, type ServedStorage, toNodeListener } from '../../src/serve/index.ts'
import { ALL, BROWSER, counted, NOWHERE, PACKED, site, TEXT } from './static-site.ts'

test('the sibling that the client wants most is sent, with the type of the plain name', async () => {
  await using web = await site(ALL)
  const plainTag = (await web.get('a.css', null)).headers.get('etag')
  for (const [accepted, coding, bytes] of [
    [BROWSER, 'br', PACKED.br],
    ['zstd, gzip', 'zstd', PACKED.zst],
    ['x-gzip', 'gzip', PACKED.gz],
    ['br;q=0.1, gzip', 'gzip', PACKED.gz],
    ['*', 'br', PACKED.br],
  ] as const) {
    for (const method of ['GET', 'HEAD']) {
      const answer = await web.get('a.css', accepted, {}, method)
      expect(answer.status).toBe(200)
      expect(Object.fromEntries(answer.headers), `${method} ${accepted}`).toMatchObject({
        'content-type': 'text/css; charset=utf-8',
        'content-encoding': coding,
        'content-length': String(bytes.byteLength),
        'content-disposition': 'inline; filename="a.css"',
        vary: 'Accept-Encoding',
        'accept-ranges': 'bytes',
        'cache-control': 'no-cache',
      })
      expect(answer.headers.get('etag')).not.toBe(plainTag)
      const body = Buffer.from(await answer.arrayBuffer())
      expect(body.equals(method === 'GET' ? bytes : Buffer.alloc(0))).toBe(true)
    }
  }
  for (const accepted of [null, '', 'identity', 'deflate', 'br;q=0', 'identity, br;q=0.5']) {
    const answer = await web.get('a.css', accepted)
    expect([answer.headers.get('content-encoding'), answer.headers.get('vary')]).toEqual([null, 'Accept-Encoding'])
    expect([await answer.text(), answer.headers.get('etag')]).toEqual([TEXT, plainTag])
  }
})

test('only the codings that the option names are looked for, in an order of their own', async () => {
  await using web = await site(ALL, { precompressed: ['gzip', 'zstd'] })
  expect((await web.get('a.css', BROWSER)).headers.get('content-encoding')).toBe('zstd')
  expect((await web.get('a.css', 'br')).headers.get('content-encoding')).toBe(null)
  expect(web.calls.filter(call => call.endsWith('.br'))).toEqual([])
  for (const odd of [['deflate'], ['br', 'BR'], 'gzip', 1, [undefined]]) {
    const make = () => createFileHandler(web.storage, { precompressed: odd as never })
    expect(make).toThrow(/^precompressed: expected true, false or a list of 'br', 'zstd' and 'gzip', got /)
  }
})

test('conditions are those of what is sent, and a 304 varies too', async () => {
  await using web = await site(ALL)
  const tag = async (accepted: string | null) => (await web.get('a.css', accepted)).headers.get('etag')!
  const [plain, packed] = [await tag(null), await tag('br')]
  const answer = async (accepted: string | null, headers: Record<string, string>) => {
    const { status, headers: shown } = await web.get('a.css', accepted, headers)
    return [status, shown.get('vary'), shown.get('content-encoding')]
  }
  expect(await answer('br', { 'if-none-match': packed })).toEqual([304, 'Accept-Encoding', null])
  expect(await answer(null, { 'if-none-match': plain })).toEqual([304, 'Accept-Encoding', null])
  expect(await answer('br', { 'if-none-match': plain })).toEqual([200, 'Accept-Encoding', 'br'])
  expect(await answer(null, { 'if-none-match': packed })).toEqual([200, 'Accept-Encoding', null])
  expect((await answer('br', { 'if-match': plain }))[0]).toBe(412)
  expect((await answer('br', { 'if-match': packed }))[0]).toBe(200)
  // The sibling is a second newer.
  const since = new Date(1_700_000_000_000).toUTCString()
  expect((await answer(null, { 'if-modified-since': since }))[0]).toBe(304)
  expect((await answer('br', { 'if-modified-since': since }))[0]).toBe(200)
})

test('ranges are those of the sibling’s bytes', async () => {
  await using web = await site(ALL)
  const size = PACKED.gz.byteLength
  const part = await web.get('a.css', 'gzip', { range: 'bytes=2-9' })
  expect([part.status, part.headers.get('content-range')]).toEqual([206, `bytes 2-9/${size}`])
  expect(part.headers.get('content-encoding')).toBe('gzip')
  expect(Buffer.from(await part.arrayBuffer())).toEqual(PACKED.gz.subarray(2, 10))
  const beyond = await web.get('a.css', 'gzip', { range: `bytes=${size}-` })
  expect([beyond.status, beyond.headers.get('content-range')]).toEqual([416, `bytes */${size}`])
  // A part of another representation is never joined to this one.
  const plain = (await web.get('a.css', null)).headers.get('etag')!
  const whole = await web.get('a.css', 'gzip', { range: 'bytes=2-9', 'if-range': plain })
  expect([whole.status, (await whole.arrayBuffer()).byteLength]).toEqual([200, size])
})

test('equal etags of a storage that numbers its versions are told apart', async () => {
  const storage: ServedStorage = {
    ...counted(new MemoryStorage({}, NOWHERE), []),
    stat: async name => ({ name, isDirectory: false, size: 5, etag: name.startsWith('w') ? 'W/"7"' : '7' }),
  }
  const handler = createFileHandler(storage, { precompressed: true })
  const tag = async (name: string, accepted: string) =>
    (
      await handler(new Request(`http://h/${name}`, { method: 'HEAD', headers: { 'accept-encoding': accepted } }))
    ).headers.get('etag')
  expect([await tag('a.css', ''), await tag('a.css', 'br'), await tag('a.css', 'gzip')]).toEqual([
    '"7"',
    '"7-br"',
    '"7-gzip"',
  ])
  expect([await tag('w.css', ''), await tag('w.css', 'br')]).toEqual(['W/"7"', 'W/"7-br"'])
})

test('over HTTP a client gets the text, whatever it accepts', async () => {
  await using web = await site(ALL)
  await web.storage.save('stored.css', PACKED.gz)
  const stored: ServedStorage = {
    ...counted(web.storage, []),
    stat: async (name, options) => {
      const entry = await web.storage.stat(name, options)
      return name === 'stored.css' ? { ...entry, contentEncoding: 'gzip' } : entry
    },
  }
  const server = createServer(toNodeListener(createFileHandler(stored, { precompressed: true })))
  await once(server.listen(0, '127.0.0.1'), 'listening')
  try {
    for (const name of ['a.css', 'stored.css']) {
      for (const accepted of [BROWSER, 'gzip', 'identity', '*;q=0']) {
        const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/${name}`
        const answer = await fetch(url, { headers: { 'accept-encoding': accepted } })
        expect([name, accepted, answer.status, await answer.text()]).toEqual([name, accepted, 200, TEXT])
        expect(answer.headers.get('vary')).toBe('Accept-Encoding')
      }
    }
  } finally {
    server.closeAllConnections()
    server.close()
  }
})

import { once } from 'node:events'
import { symlinkSync } from 'node:fs'
import { createServer, request as httpRequest } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { LocalStorage } from '../../src/backends/local/index.ts'
import { UrlSigner } from '../../src/backends/local/signed-urls.ts'
import { createFileHandler, type FileHandlerOptions, toNodeListener } from '../../src/serve/index.ts'
import { temporaryFolder } from '../backends/local/fixture.ts'

const SECRET = 'a secret of enough bytes'

async function site(options: { urlSecret?: string } & FileHandlerOptions = {}) {
  const { urlSecret = null, ...handlerOptions } = options
  const folder = temporaryFolder()
  const server = createServer()
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const location = join(folder.path, 'root')
  const storage = new LocalStorage(
    { location, baseUrl: `${origin}/media/`, urlSecret, fsync: false },
    { env: {}, settings: {} },
  )
  server.on('request', toNodeListener(createFileHandler(storage, { basePath: '/media', ...handlerOptions })))
  return {
    storage,
    location,
    origin,
    get: (path: string, init?: RequestInit) => fetch(`${origin}/media/${path}`, init),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await storage.close()
      folder[Symbol.dispose]()
    },
  }
}

/** Sends a path exactly as it is, which `fetch` does not. */
async function rawStatus(origin: string, path: string): Promise<number> {
  const sent = httpRequest(origin, { path, agent: false }).end()
  const [answer] = await once(sent, 'response')
  answer.resume()
  return answer.statusCode
}

test('a file is served whole, in ranges, and by HEAD', async () => {
  await using web = await site()
  await web.storage.save('a/grün.txt', '0123456789')
  const whole = await web.get('a/gr%C3%BCn.txt')
  expect([whole.status, await whole.text()]).toEqual([200, '0123456789'])
  const headers = Object.fromEntries(whole.headers)
  expect(headers).toMatchObject({
    'content-type': 'text/plain; charset=utf-8',
    'content-length': '10',
    'accept-ranges': 'bytes',
    'x-content-type-options': 'nosniff',
    'content-disposition': `inline; filename="gr_n.txt"; filename*=UTF-8''gr%C3%BCn.txt`,
  })
  const cases = {
    'bytes=2-4': '234',
    'bytes=7-': '789',
    'bytes=-2': '89',
    'bytes=8-99': '89',
    'bytes=-99': '0123456789',
  }
  for (const [range, text] of Object.entries(cases)) {
    const part = await web.get('a/gr%C3%BCn.txt', { headers: { range } })
    expect([range, part.status, await part.text()]).toEqual([range, 206, text])
  }
  const part = await web.get('a/gr%C3%BCn.txt', { headers: { range: 'bytes=2-4' } })
  expect([part.headers.get('content-range'), part.headers.get('content-length')]).toEqual(['bytes 2-4/10', '3'])
  for (const range of ['bytes=10-', 'bytes=-0']) {
    const beyond = await web.get('a/gr%C3%BCn.txt', { headers: { range } })
    expect([beyond.status, beyond.headers.get('content-range')]).toEqual([416, 'bytes */10'])
  }
  for (const range of ['bytes=4-2', 'lines=1-2', 'bytes=0-1,3-4']) {
    expect((await web.get('a/gr%C3%BCn.txt', { headers: { range } })).status).toBe(200)
  }
  const head = await web.get('a/gr%C3%BCn.txt', { method: 'HEAD' })
  expect([head.status, head.headers.get('content-length'), await head.text()]).toEqual([200, '10', ''])
})

test('conditions answer 304 and 412, and If-Range guards a range', async () => {
  await using web = await site()
  await web.storage.save('f.txt', 'content')
  const first = await web.get('f.txt')
  const etag = first.headers.get('etag')!
  const modified = first.headers.get('last-modified')!
  const status = async (headers: Record<string, string>) => (await web.get('f.txt', { headers })).status
  expect(await status({ 'if-none-match': etag })).toBe(304)
  expect(await status({ 'if-none-match': `"x", W/${etag}` })).toBe(304)
  expect(await status({ 'if-none-match': '*' })).toBe(304)
  expect(await status({ 'if-none-match': '"x"', 'if-modified-since': modified })).toBe(200)
  expect(await status({ 'if-modified-since': modified })).toBe(304)
  expect(await status({ 'if-modified-since': 'Thu, 01 Jan 1970 00:00:00 GMT' })).toBe(200)
  expect(await status({ 'if-modified-since': 'Fri Jan  1 00:00:00 2100' })).toBe(304)
  expect(await status({ 'if-modified-since': 'Sunday, 06-Nov-94 08:49:37 GMT' })).toBe(200)
  for (const other of ['2100', '2100-01-01', 'Fri, 01 Jan 2100 00:00:00', 'soon']) {
    expect([other, await status({ 'if-modified-since': other })]).toEqual([other, 200])
  }
  expect(await status({ 'if-match': `W/${etag}` })).toBe(412)
  expect(await status({ 'if-match': etag })).toBe(200)
  expect(await status({ range: 'bytes=0-1', 'if-range': etag })).toBe(206)
  expect(await status({ range: 'bytes=0-1', 'if-range': modified })).toBe(206)
  expect(await status({ range: 'bytes=0-1', 'if-range': `W/${etag}` })).toBe(200)
  expect(await status({ range: 'bytes=0-1', 'if-range': '"old"' })).toBe(200)
})

test('pages and pictures that could run scripts are put in a sandbox', async () => {
  await using web = await site()
  for (const name of ['a.html', 'a.svg', 'a.xml', 'a.xhtml']) {
    await web.storage.save(name, '<script/>')
    expect((await web.get(name)).headers.get('content-security-policy'), name).toContain('sandbox')
  }
  await web.storage.save('a.png', 'x')
  expect((await web.get('a.png')).headers.get('content-security-policy')).toBeNull()
})

test('paths never lead outside, and other methods are refused', async () => {
  await using web = await site()
  await web.storage.save('d/f.txt', 'x')
  symlinkSync('/etc', join(web.location, 'etc'))
  const paths = [
    '../x',
    '%2e%2e/%2e%2e/etc/passwd',
    '..%2f..%2fetc/passwd',
    '..%5cx',
    'etc/passwd',
    'd',
    'd/',
    '',
    'a%00b',
    '%ff',
  ]
  for (const path of [...paths, '/etc/passwd', '.holdall-1-ab.tmp', 'none']) {
    expect([path, await rawStatus(web.origin, `/media/${path}`)]).toEqual([path, 404])
  }
  expect(await rawStatus(web.origin, '//media/d/f.txt')).toBe(404)
  for (const method of ['POST', 'DELETE', 'PUT']) {
    const refused = await web.get('d/f.txt', { method })
    expect([refused.status, refused.headers.get('allow')]).toEqual([405, 'GET, HEAD'])
  }
})

test('signed URLs are needed, and good for what was signed only', async () => {
  await using web = await site({ urlSecret: SECRET })
  await web.storage.save('a b.txt', 'content')
  const url = await web.storage.url('a b.txt', { contentType: 'text/x-own', parameters: { colour: 'red' } })
  const good = await fetch(url)
  expect([good.status, await good.text(), good.headers.get('content-type')]).toEqual([
    200,
    'content',
    'text/x-own; charset=utf-8',
  ])
  expect((await fetch(url, { method: 'HEAD' })).status).toBe(200)
  const named = await web.storage.url('a b.txt', { contentDisposition: 'attachment; filename="ü\r\nx"' })
  expect((await fetch(named)).headers.get('content-disposition')).toBe('attachment; filename="___x"')
  const parts = await web.storage.url('a b.txt', { contentType: 'multipart/x-mixed-replace;boundary=b' })
  expect((await fetch(parts)).headers.get('content-security-policy')).toContain('sandbox')
  const signer = new UrlSigner(SECRET, `${web.origin}/media/`)
  const life = { method: 'GET', expiresInSecs: 60 } as const
  const expired = `${url.split('?')[0]}?${signer.sign('a b.txt', life, Date.now() - 61_000)}`
  const valid = `${url.split('?')[0]}?${signer.sign('a b.txt', life)}`
  expect((await fetch(valid)).status).toBe(200)
  const bad = [
    url.replace('red', 'blue'),
    url.replace('a%20b', 'other'),
    `${url}&more=1`,
    `${url.slice(0, -1)}!`,
    expired,
  ]
  for (const each of [...bad, `${web.origin}/media/a%20b.txt`]) expect((await fetch(each)).status, each).toBe(403)
  expect((await fetch(url, { method: 'PUT', body: 'x' })).status).toBe(403)
})

test('a signed PUT stores under its name, within its size', async () => {
  await using web = await site({ urlSecret: SECRET, maxUploadBytes: 1_000_000 })
  const url = await web.storage.url('up/f.bin', { method: 'PUT', contentType: 'application/x-up' })
  const headers = { 'content-type': 'application/x-up' }
  const bytes = Buffer.alloc(900_000, 'x')
  expect((await fetch(url, { method: 'PUT', body: bytes, headers })).status).toBe(201)
  expect(await web.storage.size('up/f.bin')).toBe(900_000)
  expect((await fetch(url, { method: 'PUT', body: bytes, headers: { 'content-type': 'text/html' } })).status).toBe(403)
  const stream = new Blob([bytes, bytes]).stream()
  const parameters = { 'max-bytes': '1MB' }
  const wrong = await web.storage.url('up/g.bin', { method: 'PUT', parameters })
  expect((await fetch(wrong, { method: 'PUT', body: bytes })).status).toBe(400)
  // A signed limit only lowers that of the handler.
  const higher = await web.storage.url('up/g.bin', { method: 'PUT', parameters: { 'max-bytes': 9_000_000 } })
  expect((await fetch(higher, { method: 'PUT', body: Buffer.concat([bytes, bytes]) })).status).toBe(413)
  expect(await web.storage.exists('up/g.bin')).toBe(false)
  const init = { method: 'PUT', body: stream, headers, duplex: 'half' } as RequestInit
  expect((await fetch(url, init)).status).toBe(413)
  expect((await fetch(url, { method: 'PUT', body: 'x', headers: { ...headers, 'if-none-match': '*' } })).status).toBe(
    501,
  )
  expect((await fetch(url)).status).toBe(403)
  expect(await web.storage.size('up/f.bin')).toBe(900_000)
  expect(await web.storage.listdir('up')).toEqual([[], ['f.bin']])
})

test('a client that goes away ends the stream, and the server goes on', async () => {
  await using web = await site()
  const big = Buffer.alloc(30_000_000, 'abc')
  await web.storage.save('big', big)
  const controller = new AbortController()
  const cut = await web.get('big', { signal: controller.signal })
  await cut.body!.getReader().read()
  controller.abort()
  const whole = Buffer.from(await (await web.get('big')).arrayBuffer())
  expect(whole.equals(big)).toBe(true)
})

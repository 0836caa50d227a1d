import { expect, test } from 'vitest'
import { LocalStorage } from '../../src/backends/local/index.ts'
import { MemoryStorage } from '../../src/backends/memory/index.ts'
import { createFileHandler } from '../../src/serve/index.ts'
import { temporaryFolder } from '../backends/local/fixture.ts'
import { ALL, BROWSER, NOWHERE, PACKED, shown, site, TEXT } from './static-site.ts'

test('a packed file that is asked for by its own name has the type and the coding of that name', async () => {
  const storage = new MemoryStorage({}, NOWHERE)
  for (const name of ['c.css.br', 'c.css.gz', 'c.bin.br', 'c.tar.gz']) await storage.save(name, PACKED.br)
  const keeping = createFileHandler(storage, { basePath: '/static/', precompressed: true, trusted: true })
  // A folder keeps no coding: there a packed file is a file of its own.
  await using web = await site(ALL)
  for (const accepted of [null, BROWSER, 'identity']) {
    const stored = async (name: string) => {
      const headers: Record<string, string> = accepted === null ? {} : { 'accept-encoding': accepted }
      return shown(await keeping(new Request(`http://h/static/${name}`, { headers })))
    }
    expect(await stored('c.css.br')).toEqual(['text/css; charset=utf-8', 'br', null])
    expect(await stored('c.css.gz')).toEqual(['text/css; charset=utf-8', 'gzip', null])
    expect(await stored('c.bin.br')).toEqual(['application/x-brotli', null, null])
    expect(await stored('c.tar.gz')).toEqual(['application/gzip', null, null])
    expect(shown(await web.get('a.css.br', accepted))).toEqual(['application/x-brotli', null, null])
    expect(shown(await web.get('a.css.gz', accepted))).toEqual(['application/gzip', null, null])
  }
  // As a stranger's file its script is inert, whatever the coding.
  await using strange = await site(ALL, { precompressed: true, trusted: false })
  for (const name of ['a.css', 'a.css.br']) {
    expect((await strange.get(name, BROWSER)).headers.get('content-security-policy')).toContain('sandbox')
  }
})

test('a file that is stored in a coding is unpacked for a client that refuses it', async () => {
  const storage = new MemoryStorage({}, NOWHERE)
  const handler = createFileHandler(storage)
  const get = async (name: string, accepted: string | null, headers: Record<string, string> = {}, method = 'GET') => {
    const all = accepted === null ? headers : { 'accept-encoding': accepted, ...headers }
    const answer = await handler(new Request(`http://h/${name}`, { method, headers: all }))
    return { answer, shown: answer.headers, body: Buffer.from(await answer.arrayBuffer()) }
  }
  const codings = { gzip: PACKED.gz, 'X-GZIP': PACKED.gz, br: PACKED.br, zstd: PACKED.zst }
  for (const [contentEncoding, content] of Object.entries(codings)) {
    await storage.save('a.css', content, { contentEncoding, overwrite: true })
    for (const accepted of [null, '*', `${contentEncoding.toLowerCase()};q=0.1`]) {
      const { answer, shown, body } = await get('a.css', accepted)
      expect([shown.get('content-encoding'), shown.get('vary')]).toEqual([contentEncoding, 'Accept-Encoding'])
      expect([shown.get('content-length'), shown.get('accept-ranges')]).toEqual([String(content.byteLength), 'bytes'])
      expect([answer.status, body]).toEqual([200, content])
    }
    const stored = (await get('a.css', null)).shown.get('etag')!
    for (const accepted of ['', 'identity', '*;q=0', 'deflate']) {
      const { answer, shown, body } = await get('a.css', accepted, { range: 'bytes=0-3' })
      expect([answer.status, body.toString()]).toEqual([200, TEXT])
      for (const name of ['content-encoding', 'content-length', 'accept-ranges']) expect(shown.get(name)).toBe(null)
      expect([shown.get('vary'), shown.get('content-type')]).toEqual(['Accept-Encoding', 'text/css; charset=utf-8'])
      const etag = shown.get('etag')!
      expect(etag).not.toBe(stored)
      expect((await get('a.css', accepted, { 'if-none-match': etag })).answer.status).toBe(304)
      expect((await get('a.css', accepted, { 'if-none-match': stored })).answer.status).toBe(200)
      const head = await get('a.css', accepted, {}, 'HEAD')
      expect([head.answer.status, head.shown.get('content-length')]).toEqual([200, null])
    }
  }
  // What is no coding of ours, and files that are packed by their own name, are passed on.
  await storage.save('b.css', 'x', { contentEncoding: 'aws-chunked' })
  await storage.save('c.css.gz', PACKED.gz)
  for (const [name, coding] of [
    ['b.css', 'aws-chunked'],
    ['c.css.gz', 'gzip'],
  ] as const) {
    const { shown } = await get(name, 'identity')
    expect([shown.get('content-encoding'), shown.get('vary')]).toEqual([coding, null])
  }
  // Bytes that are no gzip data are the server's failure, and not a broken page.
  await storage.save('d.css', 'no gzip data', { contentEncoding: 'gzip' })
  expect((await get('d.css', 'identity')).answer.status).toBe(500)
})

test('a coding that a signed URL names is not undone', async () => {
  using folder = temporaryFolder()
  const options = { location: folder.path, baseUrl: 'http://h/', urlSecret: 'a secret of enough bytes', fsync: false }
  await using storage = new LocalStorage(options, NOWHERE)
  await storage.save('a.css', PACKED.gz)
  await storage.save('a.css.br', PACKED.br)
  const handler = createFileHandler(storage, { precompressed: true })
  const get = async (url: string, accepted: string) => {
    const answer = await handler(new Request(url, { headers: { 'accept-encoding': accepted } }))
    return [answer.headers.get('content-encoding'), Buffer.from(await answer.arrayBuffer())]
  }
  const named = await storage.url('a.css', { contentEncoding: 'gzip' })
  for (const accepted of [BROWSER, 'identity']) expect(await get(named, accepted)).toEqual(['gzip', PACKED.gz])
  expect(await get(await storage.url('a.css'), BROWSER)).toEqual(['br', PACKED.br])
})

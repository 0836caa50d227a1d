import { utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { MemoryStorage } from '../../src/backends/memory/index.ts'
import { createFileHandler, type ServedStorage } from '../../src/serve/index.ts'
import { ALL, BROWSER, counted, NOWHERE, PACKED, shown, site, TEXT } from './static-site.ts'

test('a sibling that is older than the file is not sent, one of the same time is', async () => {
  await using web = await site({ 'a.css.br': 'old', 'a.css': TEXT, 'a.css.gz': PACKED.gz })
  expect((await web.get('a.css', BROWSER)).headers.get('content-encoding')).toBe('gzip')
  const older = await web.get('a.css', 'br')
  expect([await older.text(), older.headers.get('vary')]).toEqual([TEXT, 'Accept-Encoding'])
  for (const name of ['a.css', 'a.css.br']) utimesSync(join(web.folder.path, name), 1_700_000_000, 1_700_000_000)
  expect((await web.get('a.css', 'br')).headers.get('content-encoding')).toBe('br')
})

test('times that are not known are no reason against a sibling', async () => {
  const storage = new MemoryStorage({}, NOWHERE)
  for (const name of ['a.css.br', 'a.css']) await storage.save(name, name)
  for (const without of ['a.css', 'a.css.br']) {
    const served: ServedStorage = {
      ...counted(storage, []),
      stat: async name => ({ ...(await storage.stat(name)), ...(name === without ? { modifiedAt: undefined } : {}) }),
    }
    const request = new Request('http://h/a.css', { headers: { 'accept-encoding': 'br' } })
    const answer = await createFileHandler(served, { precompressed: true })(request)
    expect(answer.headers.get('content-encoding')).toBe('br')
  }
})

test('a sibling without its file is a plain 404 that nothing keeps', async () => {
  await using web = await site(
    { 'a.0123456789ab.css.br': PACKED.br, 'index.html': 'home' },
    { precompressed: true, cacheControl: () => 'public, max-age=31536000, immutable' },
  )
  for (const name of ['a.0123456789ab.css', 'none.css', 'none', 'd/', 'none.css.br']) {
    for (const method of ['GET', 'HEAD']) {
      for (const accepted of [null, BROWSER]) {
        const answer = await web.get(name, accepted, {}, method)
        expect([name, answer.status, answer.headers.get('cache-control')]).toEqual([name, 404, 'no-store'])
        expect(answer.headers.get('content-encoding')).toBe(null)
        expect(answer.headers.get('content-type')).toBe('text/plain; charset=utf-8')
        expect(await answer.text()).toBe('404 Not found.\n')
      }
    }
  }
})

test('what is no good as a sibling leaves the plain file', async () => {
  await using web = await site({ 'a.css': TEXT, 'a.css.br/x': 'a folder', 'b.css': TEXT, 'b.css.br': '', 'e.css': '' })
  for (const name of ['a.css', 'b.css']) expect(await (await web.get(name, 'br')).text()).toBe(TEXT)
  // What is said to be empty may be more: it is read.
  await web.storage.save('e.css.br', 'x')
  const empty = await web.get('e.css', 'br')
  expect([empty.headers.get('content-length'), empty.headers.get('vary')]).toEqual(['0', 'Accept-Encoding'])
  const long = `${'a'.repeat(250)}.css`
  writeFileSync(join(web.folder.path, long), TEXT)
  expect(await (await web.get(long, BROWSER)).text()).toBe(TEXT)
  // A coding on top of the one that the name says.
  const storage = new MemoryStorage({}, NOWHERE)
  await storage.save('a.css', TEXT)
  await storage.save('a.css.br', 'x', { contentEncoding: 'gzip' })
  const request = () => new Request('http://h/a.css', { headers: { 'accept-encoding': 'br' } })
  expect(await (await createFileHandler(storage, { precompressed: true })(request())).text()).toBe(TEXT)
  // A sibling of a file that is stored in a coding: of which bytes is not known.
  await storage.save('packed.css', PACKED.gz, { contentEncoding: 'gzip' })
  await storage.save('packed.css.br', 'x')
  const packed = await createFileHandler(storage, { precompressed: true })(
    new Request('http://h/packed.css', { headers: { 'accept-encoding': BROWSER } }),
  )
  expect(shown(packed).slice(1)).toEqual(['gzip', 'Accept-Encoding'])
  const decoding: ServedStorage = {
    ...counted(storage, []),
    decoder: stat => (stat.contentType === 'text/css' && stat.contentEncoding === 'br' ? body => body : undefined),
  }
  await storage.save('a.css.br', 'x', { overwrite: true })
  expect(await (await createFileHandler(decoding, { precompressed: true })(request())).text()).toBe(TEXT)
})

test('a sibling that fails, or goes while it is sent for, is no failure of the answer', async () => {
  for (const fault of ['stat', 'stat at once', 'read', 'gone'] as const) {
    await using web = await site(ALL)
    const errors: unknown[] = []
    const served: ServedStorage = {
      ...counted(web.storage, []),
      stat(name, options) {
        if (fault === 'stat at once' && name !== 'a.css') throw new Error('boom')
        if (fault === 'stat' && name !== 'a.css') return Promise.reject(new Error('boom'))
        return web.storage.stat(name, options)
      },
      createReadStream(name, options) {
        if (fault === 'read' && name !== 'a.css') throw new Error('boom')
        return web.storage.createReadStream(fault === 'gone' && name !== 'a.css' ? 'none' : name, options)
      },
    }
    const handler = createFileHandler(served, { precompressed: true, onError: error => void errors.push(error) })
    const answer = await handler(new Request('http://h/a.css', { headers: { 'accept-encoding': BROWSER } }))
    expect([fault, answer.status, answer.headers.get('content-encoding'), answer.headers.get('vary')]).toEqual([
      fault,
      200,
      null,
      'Accept-Encoding',
    ])
    expect(await answer.text()).toBe(TEXT)
    expect(errors).toEqual([])
  }
})

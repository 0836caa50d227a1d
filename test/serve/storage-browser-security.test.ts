/** What a page of another origin, a stored file or a name can do to the storage browser: nothing. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import express from 'express'
import { expect, test } from 'vitest'
import { MemoryStorage } from '../../src/backends/memory/index.ts'
import { createStorageBrowser, type StorageBrowserOptions } from '../../src/serve/browser/index.ts'
import { toNodeListener } from '../../src/serve/index.ts'
import { answerOf } from './browsed.ts'

const NOTHING = { env: {}, settings: {} }

function browser(options: StorageBrowserOptions = {}) {
  const storage = new MemoryStorage({}, NOTHING)
  const handler = createStorageBrowser({ media: storage }, { writable: true, ...options })
  return {
    storage,
    send: (route: string, query: Record<string, string> = {}, init: RequestInit = {}) =>
      handler(new Request(`http://files/${route}?${new URLSearchParams({ storage: 'media', ...query })}`, init)),
  }
}

test('the page has a policy without any inline, foreign or evaluated code, and nothing frames it', async () => {
  const { send } = browser()
  const { headers } = await send('')
  const policy = new Map(
    headers
      .get('content-security-policy')!
      .split('; ')
      .map(part => [part.split(' ')[0]!, part.split(' ').slice(1).join(' ')]),
  )
  expect(Object.fromEntries(policy)).toEqual({
    'default-src': "'none'",
    'script-src': "'self'",
    'style-src': "'self'",
    'img-src': "'self'",
    'media-src': "'self'",
    'connect-src': "'self'",
    'frame-src': "'self'",
    'form-action': "'none'",
    'base-uri': "'none'",
    'frame-ancestors': "'none'",
    'require-trusted-types-for': "'script'",
    'trusted-types': "'none'",
  })
  const html = await (await send('')).text()
  expect(html).not.toMatch(/<script(?![^>]* src=)|<style|\son\w+=|\sstyle=|https?:/)
})

test('every answer, of files and of errors too, is guessed, embedded and cached by none', async () => {
  const { storage, send } = browser()
  await storage.save('a.txt', 'x')
  const routes = ['', '-/app.js', '-/storages', '-/list', '-/file', '-/stat', '-/link', '-/markdown', 'none']
  for (const route of routes) {
    const { headers } = await send(route, { path: route === '-/list' ? '' : 'a.txt' })
    expect([route, Object.fromEntries(headers)]).toEqual([
      route,
      expect.objectContaining({
        'x-content-type-options': 'nosniff',
        'cross-origin-resource-policy': 'same-origin',
        'referrer-policy': 'no-referrer',
        'content-security-policy': expect.stringContaining("default-src 'none'"),
        'cache-control': expect.stringMatching(/no-store|no-cache/),
      }),
    ])
    expect(headers.has('access-control-allow-origin')).toBe(false)
  }
})

test('stored markup and scripts are downloads in a sandbox, whatever type they claim', async () => {
  const { storage, send } = browser()
  const types = ['text/html', 'image/svg+xml', 'application/xhtml+xml', 'text/xml', 'text/javascript', 'text/html,x/y']
  for (const contentType of types) {
    const name = await storage.save('a', '<script>alert(1)</script>', { contentType })
    const { headers } = await send('-/file', { path: name })
    expect([contentType, headers.get('content-security-policy')]).toEqual([
      contentType,
      expect.stringMatching(/^sandbox;/),
    ])
    expect([contentType, headers.get('content-disposition')]).toEqual([
      contentType,
      expect.stringMatching(/^attachment;/),
    ])
  }
  await storage.save('bad', 'x', { contentDisposition: 'inline', contentType: 'text/html' })
  expect((await send('-/file', { path: 'bad' })).headers.get('content-disposition')).toMatch(/^attachment;/)
})

test('a file that was stored as public is private here, and asked for again', async () => {
  const { storage, send } = browser({ linkSecret: 'a secret of enough bytes' })
  await storage.save('a.txt', 'x', { cacheControl: 'public, max-age=31536000, immutable' })
  const { url } = await answerOf(send('-/link', { path: 'a.txt' }))
  const shared = Object.fromEntries(new URL(url, 'http://x').searchParams)
  for (const [route, query] of [
    ['-/file', { path: 'a.txt' }],
    ['-/file', { path: 'a.txt', download: '' }],
    ['-/shared', shared],
  ] as const) {
    expect((await send(route, query)).headers.get('cache-control')).toBe('private, no-cache')
  }
})

test('changes are accepted from the page itself only', async () => {
  const { storage, send } = browser()
  await storage.save('a.txt', 'x')
  const own = { 'x-storage-browser': '1' }
  const cases: Array<[Record<string, string>, boolean]> = [
    [{ ...own, 'sec-fetch-site': 'same-origin' }, true],
    [{ ...own, origin: 'http://files', host: 'files' }, true],
    [{ ...own, origin: 'http://files:81', host: 'files:81' }, true],
    [{ 'sec-fetch-site': 'same-origin' }, false],
    [{ origin: 'http://files' }, false],
    [own, false],
    [{ ...own, 'sec-fetch-site': 'same-site', origin: 'http://files' }, false],
    [{ ...own, 'sec-fetch-site': 'cross-site', origin: 'http://files' }, false],
    [{ ...own, 'sec-fetch-site': 'none' }, false],
    [{ ...own, origin: 'http://evil.example' }, false],
    [{ ...own, origin: 'http://files:81', host: 'files' }, false],
    [{ ...own, origin: 'null' }, false],
    [{ ...own, origin: 'files' }, false],
  ]
  for (const [headers, isAccepted] of cases) {
    const put = await send('-/file', { name: 'n' }, { method: 'PUT', body: 'x', headers })
    const deleted = await send('-/file', { path: 'none' }, { method: 'DELETE', headers })
    expect([headers, put.status, deleted.status]).toEqual([headers, ...(isAccepted ? [201, 204] : [403, 403])])
  }
  for (const method of ['POST', 'PATCH', 'OPTIONS']) {
    expect((await send('-/file', { path: 'a.txt' }, { method })).status).toBe(405)
  }
  expect(await storage.exists('a.txt')).toBe(true)
})

test('other sites and other ports read nothing, though links to the page work', async () => {
  const { storage, send } = browser()
  await storage.save('a.txt', 'x')
  for (const site of ['cross-site', 'same-site']) {
    const init = { headers: { 'sec-fetch-site': site } }
    for (const route of ['-/file', '-/list', '-/storages', '-/markdown', '-/app.js']) {
      expect([site, route, (await send(route, { path: 'a.txt' }, init)).status]).toEqual([site, route, 403])
    }
    expect((await send('', {}, init)).status).toBe(200)
  }
  expect((await send('-/file', { path: 'a.txt' }, { headers: { 'sec-fetch-site': 'none' } })).status).toBe(200)
})

/** Names that are markup, addresses, escapes, other people's words, or too long. */
const NAMES = [
  '<img src=x onerror=alert(1)>.txt',
  '"><script>alert(1)</script>.txt',
  "' onclick='alert(1).txt",
  '\u202egnp.txt',
  'line\nbreak\r\n.txt',
  '%2e%2e%2f.txt',
  'a#b?c&d=e+f;g.txt',
  '__proto__',
  'constructor',
  'toString.txt',
  '👩‍👩‍👧 emoji 你好.txt',
  `${'long '.repeat(40)}.txt`,
  'javascript:alert(1)',
  'C:x.txt',
  ' blanks .txt',
]

test.each(NAMES)('the name %j is data: stored, listed, read, downloaded, linked and deleted as it is', async name => {
  const { storage, send } = browser({ linkSecret: 'a secret of enough bytes' })
  const headers = { 'x-storage-browser': '1', 'sec-fetch-site': 'same-origin' }
  const stored = await send('-/file', { path: 'd', name }, { method: 'PUT', body: name, headers })
  const answer = await answerOf(stored)
  if (stored.status !== 201) {
    // The storage refuses it, in words that do not repeat it.
    expect([stored.status, answer.error]).toEqual([404, 'The storage does not accept this name.'])
    return
  }
  expect(answer).toMatchObject({ path: `d/${name}`, name })
  const listed = await send('-/list', { path: 'd' })
  expect(listed.headers.get('content-type')).toBe('application/json; charset=utf-8')
  expect((await answerOf(listed)).entries.map(entry => entry.name)).toEqual([name])
  const path = `d/${name}`
  expect(await (await send('-/file', { path })).text()).toBe(name)
  const { headers: sent } = await send('-/file', { path, download: '' })
  expect(sent.get('content-disposition')).toMatch(
    /^attachment; filename="[^"\\]*"(?:; filename\*=UTF-8''[\w!#$&+.^`|~%-]+)?$/,
  )
  const { url } = await answerOf(send('-/link', { path }))
  expect(
    await (await send(url.replace(/\?.*/s, ''), Object.fromEntries(new URL(url, 'http://x').searchParams))).text(),
  ).toBe(name)
  expect((await send('-/file', { path }, { method: 'DELETE', headers })).status).toBe(204)
  expect(await storage.listdir('d')).toEqual([[], []])
})

test.each([
  ['/files', '/files'],
  [undefined, '/files'],
  ['/files', ''],
  ['/files/', '/files'],
])('basePath %j works mounted at %j of Express', async (basePath, mount) => {
  const storage = new MemoryStorage({}, NOTHING)
  await storage.save('a ü.txt', 'text')
  const listener = toNodeListener(createStorageBrowser({ media: storage }, { basePath }))
  const app = express()
  if (mount === '') app.use(listener)
  else app.use(mount, listener)
  const server = createServer(app)
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  try {
    const page = await fetch(`${origin}/files/`)
    expect(await page.text()).toContain('-/app.js')
    expect((await fetch(`${origin}/files/-/app.js`)).status).toBe(200)
    const query = new URLSearchParams({ storage: 'media', path: 'a ü.txt' })
    expect(await (await fetch(`${origin}/files/-/file?${query}`)).text()).toBe('text')
    const bare = await fetch(`${origin}/files`)
    expect([bare.status, bare.url]).toEqual([200, `${origin}/files/`])
    expect((await fetch(`${origin}//files`)).status).toBe(404)
  } finally {
    server.closeAllConnections()
    server.close()
  }
})

/** The storage browser as a handler of requests: what it lists, shows, stores, deletes and links to. */
import { mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { LocalStorage } from '../../src/backends/local/index.ts'
import { MemoryStorage } from '../../src/backends/memory/index.ts'
import { StorageError } from '../../src/core/errors.ts'
import { createStorageBrowser, type StorageBrowserOptions } from '../../src/serve/browser/index.ts'
import { pageTypes } from '../../src/serve/browser/page-files.ts'
import type { AnyStorage } from '../../src/storage/storage.ts'
import type { AvailableNameOptions } from '../../src/storage/types.ts'
import { temporaryFolder } from '../backends/local/fixture.ts'
import { answerOf } from './browsed.ts'

const NOTHING = { env: {}, settings: {} }
const CHANGE = { 'x-storage-browser': '1', 'sec-fetch-site': 'same-origin' }
const PAGE = join(import.meta.dirname, '../../src/serve/browser/page')

function browser(options: StorageBrowserOptions & { storage?: AnyStorage; path?: string } = {}) {
  const { storage = new MemoryStorage({}, NOTHING), path, ...rest } = options
  const handler = createStorageBrowser({ media: { storage, path } }, { writable: true, ...rest })
  const send = (route: string, query: Record<string, string> = {}, init: RequestInit = {}) =>
    handler(new Request(`http://files/${route}?${new URLSearchParams({ storage: 'media', ...query })}`, init))
  return {
    storage,
    send,
    list: async (query: Record<string, string> = {}) => answerOf(send('-/list', query)),
    put: (
      query: Record<string, string>,
      body: NonNullable<RequestInit['body']>,
      headers: Record<string, string> = CHANGE,
    ) => send('-/file', query, { method: 'PUT', body, headers, duplex: 'half' } as RequestInit),
    remove: (path: string, headers: Record<string, string> = CHANGE) =>
      send('-/file', { path }, { method: 'DELETE', headers }),
  }
}

test('the page is made of files that all are served, each with its type', async () => {
  const { send } = browser()
  const html = await (await send('')).text()
  const named = [...html.matchAll(/(?:src|href)="-\/([^"]+)"/g)].map(([, name]) => name!)
  expect(named.sort()).toEqual(['app.js', 'icon.svg', 'style.css'])
  expect([...pageTypes.keys()].sort()).toEqual(readdirSync(PAGE).sort())
  for (const [name, type] of pageTypes) {
    if (name.endsWith('.html')) continue
    const answer = await send(`-/${name}`)
    expect([answer.status, answer.headers.get('content-type')]).toEqual([200, `${type}; charset=utf-8`])
    expect(await answer.text()).toBe(readFileSync(join(PAGE, name), 'utf8'))
    for (const [, imported] of readFileSync(join(PAGE, name), 'utf8').matchAll(/from '\.\/([^']+)'/g)) {
      expect(pageTypes.has(imported!), imported).toBe(true)
    }
  }
  for (const route of ['-/index.html', '-/', '-', '-/../x', '-/none.js', 'app.js', '-/toString']) {
    expect([route, (await send(route)).status]).toEqual([route, 404])
  }
})

test('it lists folders and files with what is known of them, and stats one', async () => {
  const { storage, send, list } = browser()
  await storage.save('d/e/f.txt', 'x')
  await storage.save('d/a.png', 'png')
  await storage.save('d/b.md', '# b')
  await storage.save('d/LICENSE', 'text')
  expect(await list({ path: 'd' })).toEqual({
    entries: expect.arrayContaining([
      { path: 'd/e', name: 'e', kind: 'folder' },
      { path: 'd/a.png', name: 'a.png', kind: 'image', size: 3, type: 'image/png', modified: expect.any(String) },
      expect.objectContaining({ path: 'd/b.md', kind: 'markdown' }),
      expect.objectContaining({ path: 'd/LICENSE', kind: 'text' }),
    ]),
  })
  expect(await list()).toEqual({ entries: [{ path: 'd', name: 'd', kind: 'folder' }] })
  expect(await list({ path: 'none' })).toEqual({ entries: [] })
  expect(await (await send('-/stat', { path: 'd/a.png' })).json()).toMatchObject({ name: 'a.png', size: 3 })
  expect(await (await send('-/storages')).json()).toEqual({
    title: 'Files',
    storages: [{ label: 'media', writable: true, links: false }],
    maxUploadBytes: 104_857_600,
  })
})

test.each(
  Object.entries({
    'a.SVG': 'image',
    'a.jpg': 'image',
    'a.tiff': 'other',
    'a.mp4': 'video',
    'a.ts': 'text',
    'a.mp3': 'audio',
    'a.html': 'text',
    'a.json': 'text',
    'a.yaml': 'text',
    'a.csv': 'text',
    'a.markdown': 'markdown',
    'a.zip': 'other',
    'a.pdf': 'other',
    Makefile: 'text',
  }),
)('%s is shown as %s', async (name, kind) => {
  const { storage, list } = browser()
  await storage.save(name, 'x')
  expect((await list()).entries[0]?.kind).toBe(kind)
})

test('a folder of thousands comes page by page', async () => {
  using folder = temporaryFolder()
  await using storage = new LocalStorage({ location: folder.path, fsync: false }, NOTHING)
  for (let number = 0; number < 450; number++) await storage.save(`n${number}`, '')
  const handler = createStorageBrowser({ disk: storage })
  const names = new Set<string>()
  let token: string | undefined
  let pages = 0
  do {
    const query = new URLSearchParams({ storage: 'disk', ...(token === undefined ? {} : { token }) })
    const page = await answerOf(handler(new Request(`http://files/-/list?${query}`)))
    expect(page.entries.length).toBeLessThanOrEqual(200)
    for (const { name } of page.entries) names.add(name)
    token = page.next
    pages++
  } while (token !== undefined)
  expect([names.size, pages]).toEqual([450, 3])
})

test('content comes whole, in ranges, and as a download', async () => {
  const { storage, send } = browser()
  await storage.save('d/ü.txt', '0123456789')
  const whole = await send('-/file', { path: 'd/ü.txt' })
  expect([whole.status, await whole.text(), whole.headers.get('content-type')]).toEqual([
    200,
    '0123456789',
    'text/plain; charset=utf-8',
  ])
  expect(whole.headers.get('content-disposition')).toMatch(/^inline/)
  const part = await send('-/file', { path: 'd/ü.txt' }, { headers: { range: 'bytes=2-4' } })
  expect([part.status, await part.text(), part.headers.get('content-range')]).toEqual([206, '234', 'bytes 2-4/10'])
  const download = await send('-/file', { path: 'd/ü.txt', download: '' })
  expect(download.headers.get('content-disposition')).toBe(`attachment; filename="_.txt"; filename*=UTF-8''%C3%BC.txt`)
  const etag = whole.headers.get('etag')!
  expect((await send('-/file', { path: 'd/ü.txt' }, { headers: { 'if-none-match': etag } })).status).toBe(304)
  expect((await send('-/file', { path: 'd' })).status).toBe(404)
  expect((await send('-/file', { path: 'none' })).status).toBe(404)
})

test('an upload is stored as it is, and a taken name gets another one, which is named', async () => {
  const { storage, put } = browser()
  const first = await put({ path: 'new/folder', name: 'a b.txt' }, 'first', { ...CHANGE, 'content-type': 'text/html' })
  expect([first.status, await first.json()]).toMatchObject([
    201,
    { path: 'new/folder/a b.txt', name: 'a b.txt', size: 5 },
  ])
  const second = await answerOf(put({ path: 'new/folder', name: 'a b.txt' }, 'second'))
  expect(second.name).toMatch(/^a b_\w{7}\.txt$/)
  expect([await storage.readText('new/folder/a b.txt'), await storage.readText(second.path)]).toEqual([
    'first',
    'second',
  ])
  // The type is that of the name, not one that the client chose.
  expect((await storage.stat('new/folder/a b.txt')).contentType).toBe('text/plain')
  const empty = await put({ path: '', name: 'empty' }, '')
  expect(await empty.json()).toMatchObject({ name: 'empty', size: 0 })
})

test('an upload is streamed, without a copy of it on this machine; a name that is taken meanwhile is refused', async () => {
  using folder = temporaryFolder()
  vi.stubEnv('TMPDIR', join(folder.path, 'none'))
  class Late extends LocalStorage {
    isLate = false
    override getAvailableName(name: string, options?: AvailableNameOptions): Promise<string> {
      return this.isLate ? Promise.resolve(name) : super.getAvailableName(name, options)
    }
  }
  await using storage = new Late({ location: folder.path, maxMemorySize: 1000, fsync: false }, NOTHING)
  const { put } = browser({ storage })
  const large = 'x'.repeat(100_000)
  try {
    expect((await put({ name: 'a.txt' }, new Blob([large]).stream())).status).toBe(201)
    expect((await put({ name: 'a.txt' }, new Blob([large]).stream())).status).toBe(201)
    storage.isLate = true
    const refused = await put({ name: 'a.txt' }, new Blob(['other']).stream())
    expect([refused.status, (await answerOf(refused)).error]).toEqual([
      409,
      'Another file has taken this name meanwhile. Upload the file again.',
    ])
    expect(await storage.readText('a.txt')).toBe(large)
    expect((await storage.listdir())[1]).toHaveLength(2)
  } finally {
    vi.unstubAllEnvs()
  }
})

test('a storage that overwrites is not overwritten by an upload', async () => {
  const storage = new MemoryStorage({ fileOverwrite: true }, NOTHING)
  const { put } = browser({ storage })
  await storage.save('a.txt', 'old')
  expect((await answerOf(put({ name: 'a.txt' }, 'new'))).name).not.toBe('a.txt')
  expect(await storage.readText('a.txt')).toBe('old')
})

test('an upload over the limit stores nothing: by what it declares, and by what comes', async () => {
  const { storage, put } = browser({ maxUploadBytes: 10 })
  expect((await put({ name: 'ten' }, '0123456789')).status).toBe(201)
  const declared = await put({ name: 'a' }, 'x', { ...CHANGE, 'content-length': '11' })
  const streamed = await put({ name: 'b' }, new Blob(['01234567890']).stream())
  for (const answer of [declared, streamed]) {
    expect([answer.status, await answer.json()]).toEqual([
      413,
      { error: 'The file is larger than 10 bytes, which is the maximum here.' },
    ])
  }
  expect(await storage.listdir()).toEqual([[], ['ten']])
})

test('an upload that breaks off stores nothing', async () => {
  const { storage, put } = browser()
  const body = new ReadableStream({
    pull(controller) {
      controller.enqueue(new Uint8Array(1000))
      controller.error(new Error('cut'))
    },
  })
  expect((await put({ name: 'a' }, body)).status).toBeGreaterThanOrEqual(400)
  expect(await storage.listdir()).toEqual([[], []])
})

test('deleting removes the one file; a missing one is no error, a folder with files is one', async () => {
  const { storage, remove } = browser()
  for (const name of ['a.txt', 'd/b.txt', 'd/c.txt']) await storage.save(name, 'x')
  expect([(await remove('a.txt')).status, (await remove('a.txt')).status]).toEqual([204, 204])
  const folder = await remove('d')
  expect([folder.status, (await answerOf(folder)).error]).toEqual([409, 'This is a folder that is not empty.'])
  expect((await remove('')).status).toBe(400)
  expect(await storage.listdir()).toEqual([['d'], []])
})

test('links are the URLs of the storage, signed where it signs, else links to the page, if it signs some', async () => {
  using folder = temporaryFolder()
  const options = { location: folder.path, baseUrl: 'https://cdn.example/m/', urlSecret: 'a secret of enough bytes' }
  const signing = new LocalStorage(options, NOTHING)
  const plain = new MemoryStorage({ baseUrl: 'https://cdn.example/p/' }, NOTHING)
  const bare = new MemoryStorage({}, NOTHING)
  await bare.save('a ü.txt', 'shared')
  const linkSecret = 'another secret of enough bytes'
  const storages = { signing, plain, bare }
  const linkOf = async (storage: string, options: StorageBrowserOptions) => {
    const handler = createStorageBrowser(storages, { linkExpiresInSecs: 60, ...options })
    const query = new URLSearchParams({ storage, path: 'a ü.txt' })
    return answerOf(handler(new Request(`http://files/-/link?${query}`)))
  }
  const signed = await linkOf('signing', {})
  expect(signed).toMatchObject({ url: expect.stringMatching(/^https:\/\/cdn\.example\/m\/a%20/), expiresInSecs: 60 })
  const query = new URL(signed.url).searchParams
  expect(signing.verifyUrl('GET', 'a ü.txt', query).key).toBe('a ü.txt')
  expect(await linkOf('plain', {})).toEqual({ url: 'https://cdn.example/p/a%20%C3%BC.txt' })
  expect(await linkOf('bare', {})).toEqual({ error: 'This storage has no URLs that others could open.' })
  const shared = await linkOf('bare', { linkSecret })
  expect(shared).toMatchObject({ url: expect.stringMatching(/^-\/shared\?/), expiresInSecs: 60 })
  const handler = createStorageBrowser(storages, { linkSecret })
  const status = async (url: string, init: RequestInit = {}) =>
    (await handler(new Request(`http://files/${url}`, init))).status
  const foreign = { headers: { 'sec-fetch-site': 'cross-site' } }
  expect(await (await handler(new Request(`http://files/${shared.url}`, foreign))).text()).toBe('shared')
  expect(await status(shared.url, { method: 'HEAD' })).toBe(200)
  for (const url of [
    shared.url.replace('bare', 'plain'),
    shared.url.replace('a+', 'b+'),
    `${shared.url}&download=`,
    shared.url.replace(/expires=\d+/, 'expires=99999999999'),
    shared.url.replace(/&signature=.*/, ''),
    '-/shared?storage=bare&path=a.txt',
  ]) {
    expect([url, await status(url)]).toEqual([url, 403])
  }
  expect(await status(shared.url, { method: 'PUT', body: 'x', headers: CHANGE })).toBe(405)
  vi.useFakeTimers({ now: Date.now() + 61_000, toFake: ['Date'] })
  try {
    expect(await status(shared.url)).toBe(403)
  } finally {
    vi.useRealTimers()
  }
})

test('a folder of a storage is all that its place reaches', async () => {
  const { storage, send, list, put, remove } = browser({ path: 'in/side' })
  await storage.save('in/side/d/a.txt', 'a')
  await storage.save('in/side.txt', 'secret')
  await storage.save('out.txt', 'secret')
  expect(await list()).toEqual({ entries: [{ path: 'd', name: 'd', kind: 'folder' }] })
  expect((await list({ path: 'd' })).entries[0]).toMatchObject({ path: 'd/a.txt', name: 'a.txt' })
  expect(await (await send('-/file', { path: 'd/a.txt' })).text()).toBe('a')
  for (const path of ['../../out.txt', '../side.txt', '..', 'd/../../side.txt', '/out.txt', '.txt', '..\\side.txt']) {
    for (const route of ['-/file', '-/stat', '-/list', '-/link', '-/markdown']) {
      const answer = await send(route, { path })
      expect([route, path, (await answer.text()).includes('secret')]).toEqual([route, path, false])
      if (route !== '-/list') expect([route, path, answer.status]).toEqual([route, path, expect.toSatisfy(is4xxOr501)])
    }
    await remove(path)
    await put({ path, name: 'a.txt' }, 'planted')
  }
  for (const name of ['../a.txt', '..\\a.txt', '..', 'x/y.txt', 'x\\y.txt', '', '.']) {
    expect([name, (await put({ path: 'd', name }, 'planted')).status]).toEqual([name, 404])
  }
  await put({ path: 'd', name: 'b.txt' }, 'b')
  const names: string[] = []
  for await (const { name } of storage.entries('', { recursive: true })) if (!name.includes('/.txt/')) names.push(name)
  expect(names.filter(name => !name.startsWith('in/side/')).sort()).toEqual(['in/side.txt', 'out.txt'])
  expect(names).toContain('in/side/d/b.txt')
})

test('the folder of a place is never deleted, also when it is empty', async () => {
  using folder = temporaryFolder()
  mkdirSync(join(folder.path, 'in'))
  await using storage = new LocalStorage({ location: folder.path }, NOTHING)
  const { remove } = browser({ storage, path: 'in' })
  for (const path of ['', '.', './', '/', '../in'])
    expect([path, (await remove(path)).status >= 400]).toEqual([path, true])
  expect(readdirSync(folder.path)).toEqual(['in'])
})

const is4xxOr501 = (status: number) => (status >= 400 && status < 500) || status === 501

test('it is read-only unless told otherwise, for each storage', async () => {
  const storages = { one: new MemoryStorage({}, NOTHING), two: new MemoryStorage({}, NOTHING) }
  const statuses = async (options: StorageBrowserOptions) => {
    const handler = createStorageBrowser(storages, options)
    const put = (storage: string) =>
      handler(
        new Request(`http://files/-/file?storage=${storage}&name=a`, { method: 'PUT', body: 'x', headers: CHANGE }),
      )
    const { storages: shown } = await answerOf(handler(new Request('http://files/-/storages')))
    return [shown.map(each => each.writable), (await put('one')).status, (await put('two')).status]
  }
  expect(await statuses({})).toEqual([[false, false], 403, 403])
  expect(await statuses({ writable: ['two'] })).toEqual([[false, true], 403, 201])
  expect(await statuses({ writable: true })).toEqual([[true, true], 201, 201])
  expect(() => createStorageBrowser(storages, { writable: ['three'] })).toThrow(
    "writable: there is no storage 'three'.",
  )
  expect(() => createStorageBrowser({})).toThrow('at least one storage')
  expect(() => createStorageBrowser(storages, { writeable: true } as never)).toThrow("did you mean 'writable'")
})

test('errors are said in words that name no path of the server, and those of the storage are reported', async () => {
  const reported: unknown[] = []
  const { send, storage } = browser({ onError: error => void reported.push(error) })
  const failures = { unavailable: 503, timeout: 504, permission_denied: 403, unknown: 500, no_space: 507 } as const
  for (const [code, status] of Object.entries(failures)) {
    vi.spyOn(storage, 'page').mockRejectedValueOnce(new StorageError(code as never, '/srv/secret/path'))
    const answer = await send('-/list')
    const text = await answer.text()
    expect([answer.status, text.includes('/srv')]).toEqual([status, false])
    expect(JSON.parse(text).error).toMatch(/^[A-Z].*\.$/)
  }
  expect(reported).toHaveLength(Object.keys(failures).length)
  vi.spyOn(storage, 'page').mockRejectedValueOnce(new TypeError('internal'))
  expect(await (await send('-/list')).json()).toMatchObject({ error: expect.stringContaining('The request failed') })
  const other = await send('-/list', { storage: '__proto__' })
  expect([other.status, await other.json()]).toEqual([404, { error: "There is no storage '__proto__'." }])
  vi.restoreAllMocks()
})

test('Markdown is rendered without anything that could act, and what is too large or takes too long is refused', async () => {
  const { storage, send } = browser()
  const text = [
    '# Title <b>bold</b>',
    '<script>alert(1)</script>',
    '<img src=x onerror=alert(1)>',
    '[bad](javascript:alert(1)) [rel](other.md) [web](https://example.com/?a="b) <https://auto.example>',
    '![alt <i>](https://tracker.example/x.png)',
    '```js\n</code><script>\n```',
    '| a | b |\n|---|---|\n| 1 | 2 |',
  ].join('\n\n')
  await storage.save('a.md', text)
  const answer = await send('-/markdown', { path: 'a.md' })
  const html = await answer.text()
  expect(answer.status).toBe(200)
  expect(html).toContain('<td>1</td>')
  expect(html).toContain('Title &lt;b&gt;bold&lt;/b&gt;')
  const tags = new Set([...html.matchAll(/<([a-z][a-z0-9]*)/g)].map(([, tag]) => tag))
  for (const tag of ['script', 'img', 'b', 'i', 'form', 'iframe']) expect(tags).not.toContain(tag)
  expect([...html.matchAll(/ (?:href|src)="([^"]*)"/g)].map(([, url]) => url)).toEqual([
    'https://example.com/?a=&quot;b',
    'https://auto.example',
  ])
  const policy = answer.headers.get('content-security-policy')!
  expect(policy).toContain("default-src 'none'")
  expect(policy).toMatch(/sandbox allow-popups allow-popups-to-escape-sandbox$/)
  expect(policy).not.toContain('allow-scripts')
  await storage.save('large.md', Buffer.alloc(256 * 1024 + 1, 'a'))
  expect((await send('-/markdown', { path: 'large.md' })).status).toBe(413)
  // Quadratic for marked: 18 seconds without an end.
  await storage.save('slow.md', '_a'.repeat(80_000))
  const began = process.cpuUsage().user
  expect((await send('-/markdown', { path: 'slow.md' })).status).toBe(422)
  expect(process.cpuUsage().user - began).toBeLessThan(6e6)
  await storage.save('deep.md', '>'.repeat(60_000))
  expect((await send('-/markdown', { path: 'deep.md' })).status).toBe(422)
})

/** What an example that people copy must not let happen: scripts of strangers, forms of other sites, files of others. */
import { request as httpRequest } from 'node:http'
import { buffer } from 'node:stream/consumers'
import { afterEach, expect, test, vi } from 'vitest'
import { createApp } from '../../examples/resumes/app.ts'
import { readForm } from '../../examples/resumes/form.ts'
import { html } from '../../examples/resumes/html.ts'
import { DOCUMENTS, knownFile, PICTURES } from '../../examples/resumes/kinds.ts'
import { Refusal } from '../../examples/resumes/refusal.ts'
import { startServer } from '../../examples/resumes/server.ts'
import { defaultStorage, MemoryStorage, StorageError } from '../../src/index.ts'
import { temporaryFolder } from '../backends/local/fixture.ts'
import { errorIn, PDF, png, startSite } from './resumes/site.ts'

afterEach(() => {
  vi.restoreAllMocks()
  vi.unstubAllEnvs()
})

const EVIL = `"><script>alert(1)</script><img src=x onerror='alert(1)'>`

test('names of people and files are text in the page, never markup', async () => {
  await using site = await startSite()
  const row = await site.add(EVIL, [`${EVIL}.pdf`, PDF], [`${EVIL}.png`, png(3, 4)])
  expect([row.person, row.pdf.name]).toEqual([EVIL, expect.stringMatching(/^pdfs\/[\w.-]+\.pdf$/)])
  site.database.prepare('UPDATE resumes SET pdf = ?').run(`pdfs/${EVIL}`)
  const page = await (await site.get(`/?done=${encodeURIComponent(EVIL)}`)).text()
  expect(page).toContain('&lt;script&gt;alert(1)&lt;/script&gt;')
  expect(page.match(/<script[^>]*>/g)).toEqual(['<script type="module" src="/app.js">'])
  expect(page.match(/<img [^>]*>/g)).toEqual([expect.stringContaining('loading="lazy"')])
  expect(page).not.toMatch(/\son\w+=['"]?alert/)
})

test('values are escaped wherever they stand', () => {
  expect(html`<p title="${`"'<&>`}">${[html`<b>`, 0, null, undefined, false, '</b>']}</p>`.text).toBe(
    '<p title="&quot;&#39;&lt;&amp;&gt;"><b>0&lt;/b&gt;</p>',
  )
})

test('what was done is said in words of the page only', async () => {
  await using site = await startSite()
  for (const done of ['', 'constructor', '__proto__', '<b>'])
    expect(await (await site.get(`/?done=${encodeURIComponent(done)}`)).text()).toContain(
      '<p id="status" role="status"></p>',
    )
})

test('a policy allows scripts and styles of the page’s own files only', async () => {
  await using site = await startSite()
  const { headers } = await site.get('/')
  const policy = headers.get('content-security-policy')
  for (const part of ["default-src 'none'", "script-src 'self'", "img-src 'self';", "frame-ancestors 'none'"]) {
    expect(policy).toContain(part)
  }
  expect(policy).not.toContain('unsafe')
  expect(headers.get('x-content-type-options')).toBe('nosniff')
  const page = await (await site.get('/')).text()
  expect(page).not.toMatch(/<script>|<style|\sstyle=|\son\w+=/)
  const assets = ['/app.css', '/app.js', '/icon.svg'].map(async path =>
    (await site.get(path)).headers.get('content-type'),
  )
  expect(await Promise.all(assets)).toEqual([
    'text/css; charset=utf-8',
    'text/javascript; charset=utf-8',
    'image/svg+xml',
  ])
})

test('a page that got into the storage some other way runs no script', async () => {
  await using site = await startSite()
  await site.add('Ada')
  for (const [name, type] of [
    ['pdfs/a.html', 'text/html; charset=utf-8'],
    ['pdfs/a.svg', 'image/svg+xml'],
    ['pdfs/a.js', 'text/plain; charset=utf-8'],
  ] as const) {
    await defaultStorage.save(name, '<script>alert(1)</script>')
    site.database.prepare('UPDATE resumes SET pdf = ?').run(name)
    const answer = await site.get('/resumes/1/pdf')
    expect([name, answer.status, answer.headers.get('content-type')]).toEqual([name, 200, type])
    expect(answer.headers.get('content-security-policy')).toMatch(/^sandbox;/)
  }
})

test('only files that a row names are shown', async () => {
  await using site = await startSite()
  await site.add('Ada', ['grüße 100%.pdf', PDF])
  await defaultStorage.save('private.txt', 'x')
  const name = site.resumes.list()[0]!.pdf.name!
  const status = async (path: string): Promise<number> => (await site.get(path)).status
  expect([name, await status(`/media/${encodeURI(name)}`)]).toEqual(['pdfs/grüße_100.pdf', 200])
  const hidden = [
    'private.txt',
    '',
    'pdfs',
    'pdfs/',
    '%',
    '..%2fresumes.db',
    'pdfs/..%2f..%2fresumes.db',
    '%2e%2e/resumes.db',
  ]
  expect(await Promise.all(hidden.map(path => status(`/media/${path}`)))).toEqual(hidden.map(() => 404))
  const others = ['/nothing', '/resumes/9/pdf', '/resumes/x/pdf', '/resumes/x', '/server.ts', '/..%2fserver.ts']
  expect(await Promise.all(others.map(status))).toEqual(others.map(() => 404))
})

const OTHERS: ReadonlyArray<Record<string, string>> = [
  { 'sec-fetch-site': 'cross-site' },
  { 'sec-fetch-site': 'same-site' },
  { 'sec-fetch-site': 'none' },
  { origin: 'https://evil.example' },
  { origin: 'null' },
  { origin: 'not a url' },
]

test.each(OTHERS)('a form of another site changes nothing: %o', async headers => {
  await using site = await startSite()
  await site.add('Ada')
  for (const path of ['/resumes', '/resumes/1', '/resumes/1/delete', '/resumes/1/photos/delete']) {
    const answer = await site.post(path, { person: 'Eve', pdf: ['eve.pdf', PDF] }, headers)
    expect([answer.status, errorIn(await answer.text())]).toEqual([403, 'This form was sent from another site.'])
  }
  expect([site.resumes.list().map(({ person }) => person), site.files()]).toEqual([['Ada'], ['pdfs/cv.pdf']])
})

test('forms of the page itself, and of programs, are taken', async () => {
  await using site = await startSite()
  for (const headers of [{ 'sec-fetch-site': 'same-origin' }, { origin: site.origin }, {}] as Record<
    string,
    string
  >[]) {
    expect((await site.post('/resumes', { person: 'Ada', pdf: ['cv.pdf', PDF] }, headers)).status).toBe(303)
  }
  expect((await site.get('/', { 'sec-fetch-site': 'cross-site' })).status).toBe(200)
})

test('other hosts are not answered for, unless they are allowed', async () => {
  using folder = temporaryFolder()
  vi.stubEnv('RESUMES_DATA', folder.path)
  const statusFor = async (allowedHosts: string[] | undefined, host: string): Promise<number | undefined> => {
    const app = await startServer({ port: 0, host: '127.0.0.1', data: folder.path, allowedHosts })
    try {
      const { promise, resolve, reject } = Promise.withResolvers<number | undefined>()
      const request = httpRequest(app.url, { headers: { host } }, answer => resolve(answer.resume().statusCode))
      request.on('error', reject).end()
      return await promise
    } finally {
      await app.close()
    }
  }
  expect(await statusFor(undefined, 'evil.example:8000')).toBe(421)
  expect(await statusFor(undefined, 'LOCALHOST:8000')).toBe(200)
  expect(await statusFor(undefined, '[::1]')).toBe(200)
  expect(await statusFor(['resumes.example'], 'resumes.example')).toBe(200)
  expect(await statusFor(['resumes.example'], 'localhost')).toBe(421)
})

test('a storage that cannot be reached is said so, in plain words', async () => {
  class Away extends MemoryStorage {
    override save(): Promise<string> {
      return Promise.reject(new StorageError('unavailable', 'secret-host.internal: connection refused'))
    }
  }
  await using site = await startSite({ STORAGES: { default: { BACKEND: Away } } })
  const errors = vi.spyOn(console, 'error').mockImplementation(() => {})
  const answer = await site.post('/resumes', { person: 'Ada', pdf: ['cv.pdf', PDF] })
  expect([answer.status, await answer.text()]).toEqual([
    503,
    'The files cannot be reached at the moment. Try again later.\n',
  ])
  expect([errors.mock.calls.length, site.resumes.list()]).toEqual([1, []])
})

test.each([1_500_000, 9_000_000])('a form of %i bytes where a million is allowed is refused', async bytes => {
  let made = 0
  async function* form(): AsyncGenerator<Uint8Array> {
    yield Buffer.from('--b\r\ncontent-disposition: form-data; name="pdf"; filename="cv.pdf"\r\n\r\n')
    for (let sent = 0; sent < bytes; sent += 50_000) {
      made += 50_000
      yield Buffer.alloc(50_000)
    }
  }
  const headers = { 'content-type': 'multipart/form-data; boundary=b' }
  const init = { method: 'POST', headers, body: ReadableStream.from(form()), duplex: 'half' }
  const request = new Request('http://localhost/resumes', init as RequestInit)
  const taken: number[] = []
  const take = async (_field: string, _filename: string, content: AsyncIterable<Buffer>): Promise<void> => {
    for await (const chunk of content) taken.push(chunk.byteLength)
  }
  const refusal = await readForm(request, take, 1_000_000).catch((error: unknown) => error)
  expect(refusal).toMatchObject({ status: 413, message: 'All files together are larger than 1 MB.' })
  expect(taken.reduce((sum, length) => sum + length, 0)).toBeLessThanOrEqual(1_000_000)
  // It is read on for a while: a browser that still sends shows no answer.
  expect(made).toBeLessThan(2_600_000)
  expect(made).toBeGreaterThanOrEqual(Math.min(bytes, 2_000_000))
})

test('an answer that needs no body comes when a small one has been read, and soon when it is large', async () => {
  await using site = await startSite()
  const refused = async (pieces: number): Promise<number> => {
    let made = 0
    const body = ReadableStream.from(
      (async function* () {
        for (; made < pieces; made++) yield Buffer.alloc(100_000)
      })(),
    )
    const headers = { 'sec-fetch-site': 'cross-site', 'content-type': 'multipart/form-data; boundary=b' }
    const init = { method: 'POST', headers, body, duplex: 'half' } as RequestInit
    const request = new Request('http://localhost/resumes', init)
    request.headers.set('host', 'localhost')
    expect((await createApp(site.resumes)(request)).status).toBe(403)
    return made
  }
  expect(await refused(5)).toBe(5)
  expect(await refused(1000)).toBeLessThan(20)
})

const avif = (...brands: string[]): string => {
  const size = Buffer.alloc(4)
  size.writeUInt32BE(8 + 4 * brands.length)
  return `${size.toString('latin1')}ftyp${brands.join('')}`
}

test.each([
  ['pdf', '%PDF-2.0', DOCUMENTS],
  ['png', '\x89PNG\r\n\x1a\n', PICTURES],
  ['jpg', '\xff\xd8\xff\xe0', PICTURES],
  ['gif', 'GIF87a', PICTURES],
  ['webp', 'RIFF\x1a\0\0\0WEBP', PICTURES],
  ['avif', avif('avif', '\0\0\0\0'), PICTURES],
  ['avif', avif('mif1', '\0\0\0\0', 'miaf', 'avif'), PICTURES],
  [undefined, avif('heic', 'avif', 'mif1'), PICTURES],
  [undefined, `${avif('mif1', '\0\0\0\0')}avif`, PICTURES],
  [undefined, 'RIFF\x1a\0\0\0WAVE', PICTURES],
  [undefined, '\n%PDF-2.0', DOCUMENTS],
  [undefined, '', DOCUMENTS],
])('the first bytes make a file %s', async (extension, head, kinds) => {
  const bytes = Buffer.concat([Buffer.from(head, 'latin1'), Buffer.alloc(100)])
  const one = async function* (): AsyncGenerator<Buffer> {
    for (const byte of head === '' ? [] : bytes) yield Buffer.of(byte)
  }
  const known = await knownFile(one(), kinds, 'no').catch((error: unknown) => error as Refusal)
  if (known instanceof Refusal) return expect([extension, known.status]).toEqual([undefined, 415])
  expect(known.kind.extension).toBe(extension)
  expect(await buffer(known.content)).toEqual(bytes)
})

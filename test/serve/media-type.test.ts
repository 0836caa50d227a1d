import { MIMEType } from 'node:util'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { LocalStorage } from '../../src/backends/local/index.ts'
import { createFileHandler, type FileHandlerOptions, type ServedStorage } from '../../src/serve/index.ts'
import { sentType } from '../../src/serve/media-type.ts'
import { temporaryFolder } from '../backends/local/fixture.ts'

const INERT = ['image/png', 'image/jpeg', 'image/webp', 'audio/mpeg', 'video/mp4', 'font/woff2', 'application/pdf']

/** The headers of a file with this type. */
async function headersOf(contentType: string | undefined, options: FileHandlerOptions = {}): Promise<Headers> {
  const storage: ServedStorage = {
    stat: async name => ({ name, isDirectory: false, size: 1, contentType }),
    createReadStream() {
      throw new Error('HEAD reads nothing')
    },
    save: async name => String(name),
    decoder: () => undefined,
  }
  return (await createFileHandler(storage, options)(new Request('http://localhost/f', { method: 'HEAD' }))).headers
}

const sandboxed = (headers: Headers): boolean => headers.get('content-security-policy')?.startsWith('sandbox') === true

test.each<readonly [stored: string, sent: string]>([
  ...INERT.map(type => [type, type] as const),
  ['IMAGE/PNG', 'image/png'],
  ['text/plain', 'text/plain; charset=utf-8'],
  ['text/plain;', 'text/plain; charset=utf-8'],
  ['text/plain ;Charset="ISO-8859-1"', 'text/plain; charset="ISO-8859-1"'],
  ['text/plain; format=flowed', 'text/plain; format=flowed; charset=utf-8'],
  ['text/csv', 'text/csv; charset=utf-8'],
  ['application/json', 'application/json'],
  ['video/webm; codecs="vp8.0"', 'video/webm; codecs="vp8.0"'],
  // What MediaRecorder and manuals of servers say.
  ['video/webm;codecs=vp8,opus', 'video/webm'],
  ['video/webm;codecs="vp8,opus"', 'video/webm'],
  ['video/mp4; codecs="avc1.42E01E, mp4a.40.2"', 'video/mp4'],
])('%s is shown as it is', async (stored, sent) => {
  const headers = await headersOf(stored)
  expect([headers.get('content-type'), sandboxed(headers)]).toEqual([sent, false])
  expect(headers.get('x-content-type-options')).toBe('nosniff')
})

test.each<readonly [stored: string | undefined, sent: string]>([
  // One type, but of markup, or none that is known to be inert.
  ['text/html', 'text/html; charset=utf-8'],
  ['text/html; charset=utf-7', 'text/html; charset=utf-7'],
  ['image/svg+xml', 'image/svg+xml'],
  ['image/png+xml', 'image/png+xml'],
  ['application/xhtml+xml', 'application/xhtml+xml'],
  ['text/xsl', 'text/xsl; charset=utf-8'],
  ['text/css', 'text/css; charset=utf-8'],
  ['text/cache-manifest', 'text/cache-manifest; charset=utf-8'],
  ['application/octet-stream', 'application/octet-stream'],
  ['application/x-own', 'application/x-own'],
  ['image/x-own', 'image/x-own'],
  // ASCII bytes that do not mean ASCII.
  ['text/plain; charset=utf-7', 'text/plain; charset=utf-7'],
  ['text/plain; charset=iso-2022-jp', 'text/plain; charset=iso-2022-jp'],
  ['image/png; charset=utf-16', 'image/png; charset=utf-16'],
  // Scripts are text.
  ['text/javascript', 'text/plain; charset=utf-8'],
  ['application/x-javascript; charset=latin1', 'text/plain; charset=utf-8'],
  ['text/ecmascript', 'text/plain; charset=utf-8'],
  ['text/javascript1.5', 'text/plain; charset=utf-8'],
  // Parts bring their own types.
  ['multipart/x-mixed-replace; boundary=b', 'application/octet-stream'],
  ['message/rfc822', 'application/octet-stream'],
  // No type, several, or what is none.
  ...[
    undefined,
    '',
    ' ',
    'image/png,text/html',
    'text/plain;a=b,text/html',
    'text/plain;a="b,c"',
    'image/png; a="b", text/html',
    'text/html;x=,a/b',
    'image',
    'image/',
    '/png',
    'image/png/x',
    'image /png',
    'image/png text/html',
    '*/*',
    'image/*',
    'image/png; a',
    'image/png; =b',
    'image/png; a=b; A=c',
    'image/png; a="b',
    'image/png; a="b\\"c"',
    'image/png; a=b c',
    'image/png; a="b;c"',
    `image/png; a=${'b'.repeat(255)}`,
    'image/p\u00f1g',
    'video/webm;codecs=vp8,text/html',
    'video/webm;codecs="vp8,text/html"',
    'video/webm;codecs=vp8,opus,',
    'video/webm;x=vp8,opus',
    'image/png\0',
    'image/png\r\ncontent-type: text/html',
  ].map(type => [type, 'application/octet-stream'] as const),
])('%s is put in a sandbox', async (stored, sent) => {
  const headers = await headersOf(stored)
  expect([headers.get('content-type'), sandboxed(headers)]).toEqual([sent, true])
  expect(headers.get('x-content-type-options')).toBe('nosniff')
})

test('what a site trusts is sent as it was stored', async () => {
  for (const [stored, sent] of [
    ['text/html', 'text/html; charset=utf-8'],
    ['text/javascript', 'text/javascript; charset=utf-8'],
    ['image/svg+xml', 'image/svg+xml'],
    ['multipart/mixed; boundary=b', 'multipart/mixed; boundary=b'],
    ['text/plain,text/html', 'text/plain,text/html'],
    ['video/webm; codecs="vp8,opus"', 'video/webm; codecs="vp8,opus"'],
  ] as const) {
    const headers = await headersOf(stored, { trusted: true })
    expect([headers.get('content-type'), sandboxed(headers)]).toEqual([sent, false])
    expect(headers.get('x-content-type-options')).toBe('nosniff')
  }
})

test('only what has one meaning for every reader is inert', () => {
  const piece = fc.oneof(
    fc.constantFrom(...INERT, 'text/plain', 'text/html', 'image/svg+xml', 'charset=utf-8', 'utf-7', 'a=b', 'a', 'b'),
    fc.constantFrom(',', ';', '; ', '"', '\\', '/', '=', ' ', '\t', '+xml', '*', ''),
  )
  const inert = new Set([...INERT, 'text/plain'])
  let seen = 0
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 8 }), pieces => {
      const stored = pieces.join('')
      const sent = sentType(stored, false)
      if (!sent.inert) return
      seen += 1
      expect(sent.header).not.toContain(',')
      expect(inert).toContain(new MIMEType(stored.trim()).essence)
      expect(new MIMEType(sent.header).essence).toBe(new MIMEType(stored.trim()).essence)
    }),
    { numRuns: 20_000 },
  )
  expect(seen).toBeGreaterThan(100)
})

test('a signed URL cannot take its answer out of the sandbox', async () => {
  using folder = temporaryFolder()
  const options = { location: folder.path, baseUrl: '/', urlSecret: 'a secret of enough bytes', keepMetadata: true }
  await using storage = new LocalStorage(options, { env: {}, settings: {} })
  const handler = createFileHandler(storage)
  await storage.save('a.png', '<script/>', { contentType: 'image/png' })
  for (const contentType of ['text/html', 'image/png,text/html', 'text/javascript', 'multipart/x-mixed-replace']) {
    const answer = await handler(new Request(`http://h${await storage.url('a.png', { contentType })}`))
    expect(sandboxed(answer.headers), contentType).toBe(true)
  }
  const put = await storage.url('b.png', { method: 'PUT' })
  const headers = { 'content-type': 'image/png;a=b,text/html' }
  expect((await handler(new Request(`http://h${put}`, { method: 'PUT', body: '<script/>', headers }))).status).toBe(201)
  const stored = await handler(new Request(`http://h${await storage.url('b.png')}`))
  expect([sandboxed(stored.headers), stored.headers.get('content-type')]).toEqual([true, 'application/octet-stream'])
})

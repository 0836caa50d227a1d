import { expect, test } from 'vitest'
import { LocalStorage } from '../../src/backends/local/index.ts'
import { type CorsOptions, createFileHandler } from '../../src/serve/index.ts'
import { temporaryFolder } from '../backends/local/fixture.ts'

const APP = 'https://app.example.com'

function site(folder: string, cors?: CorsOptions) {
  const options = { location: folder, baseUrl: 'http://files/', urlSecret: 'a secret of enough bytes', fsync: false }
  const storage = new LocalStorage(options, { env: {}, settings: {} })
  const handler = createFileHandler(storage, cors === undefined ? {} : { cors })
  const send = (url: string, init: RequestInit = {}) => handler(new Request(url, init))
  const preflight = (url: string, origin: string, method = 'PUT') =>
    send(url, {
      method: 'OPTIONS',
      headers: { origin, 'access-control-request-method': method, 'access-control-request-headers': 'content-type' },
    })
  return { storage, send, preflight }
}

const corsOf = ({ headers }: Response) =>
  Object.fromEntries([...headers].filter(([name]) => name.startsWith('access-control-') || name === 'vary'))

test('a page of a listed origin can ask, PUT, read with its headers, and DELETE', async () => {
  using folder = temporaryFolder()
  const { storage, send, preflight } = site(folder.path, { origins: ['https://other.example', APP], maxAgeSecs: 60 })
  const put = await storage.url('a.txt', { method: 'PUT' })
  const asked = await preflight(put, APP)
  expect([asked.status, corsOf(asked)]).toEqual([
    204,
    {
      'access-control-allow-origin': APP,
      'access-control-allow-methods': 'GET, HEAD, PUT, DELETE',
      'access-control-allow-headers': '*',
      'access-control-max-age': '60',
      vary: 'Origin, Access-Control-Request-Method, Access-Control-Request-Headers',
    },
  ])
  const stored = await send(put, { method: 'PUT', body: '0123456789', headers: { origin: APP } })
  expect([stored.status, stored.headers.get('access-control-allow-origin')]).toEqual([201, APP])
  const part = await send(await storage.url('a.txt'), { headers: { origin: APP, range: 'bytes=2-4' } })
  expect([part.status, await part.text()]).toEqual([206, '234'])
  const exposed = part.headers.get('access-control-expose-headers')!.split(', ')
  expect(exposed).toEqual(
    expect.arrayContaining(['ETag', 'Content-Range', 'Accept-Ranges', 'Content-Length', 'Content-Disposition']),
  )
  const remove = await storage.url('a.txt', { method: 'DELETE' })
  expect((await preflight(remove, APP, 'DELETE')).status).toBe(204)
  const removed = await send(remove, { method: 'DELETE', headers: { origin: APP } })
  expect([removed.status, removed.headers.get('access-control-allow-origin')]).toEqual([204, APP])
  const failed = await send(await storage.url('a.txt'), { headers: { origin: APP } })
  expect([failed.status, failed.headers.get('access-control-allow-origin')]).toEqual([404, APP])
})

test('another origin is never reflected, credentials are never allowed, and caches keep answers apart', async () => {
  using folder = temporaryFolder()
  const { storage, send, preflight } = site(folder.path, { origins: [APP] })
  await storage.save('a.txt', 'x')
  const url = await storage.url('a.txt')
  for (const origin of [
    'https://evil.example',
    `${APP}.evil.example`,
    'https://APP.example.com',
    'null',
    'constructor',
  ]) {
    const asked = await preflight(url, origin)
    expect([origin, asked.status, corsOf(asked)]).toEqual([
      origin,
      403,
      { vary: 'Origin, Access-Control-Request-Method, Access-Control-Request-Headers' },
    ])
    expect([origin, corsOf(await send(url, { headers: { origin } }))]).toEqual([origin, { vary: 'Origin' }])
  }
  expect(corsOf(await send(url))).toEqual({ vary: 'Origin' })
  for (const answer of [await send(url, { headers: { origin: APP } }), await preflight(url, APP)]) {
    expect(answer.headers.has('access-control-allow-credentials')).toBe(false)
  }
})

test('every origin can be allowed, by a star and not by its name', async () => {
  using folder = temporaryFolder()
  const { storage, send, preflight } = site(folder.path, { origins: '*' })
  await storage.save('a.txt', 'x')
  const url = await storage.url('a.txt')
  const got = await send(url, { headers: { origin: APP } })
  expect(corsOf(got)).toMatchObject({ 'access-control-allow-origin': '*' })
  expect(got.headers.get('vary') ?? '').not.toContain('Origin')
  expect((await preflight(url, APP)).headers.get('access-control-allow-origin')).toBe('*')
})

test('it is off by default, and an OPTIONS that is no preflight is another method', async () => {
  using folder = temporaryFolder()
  const off = site(folder.path)
  const url = await off.storage.url('a.txt')
  expect([(await off.preflight(url, APP)).status, corsOf(await off.preflight(url, APP))]).toEqual([405, {}])
  const on = site(folder.path, { origins: [APP] })
  expect((await on.send(url, { method: 'OPTIONS' })).status).toBe(405)
})

test.each([
  [
    { origins: [`${APP}/`] },
    `cors.origins: expected an origin such as '${APP}', got '${APP}/'; did you mean '${APP}'?.`,
  ],
  [{ origins: ['null'] }, "got 'null'."],
  [{ origins: ['*'] }, "got '*'."],
  [{ origins: APP as never }, "cors.origins: expected '*' or a list"],
  [{ origins: '*', maxAgeSecs: 1.5 }, 'cors.maxAgeSecs: expected a whole number'],
] as const)('%j is refused', (cors, message) => {
  using folder = temporaryFolder()
  expect(() => site(folder.path, cors as CorsOptions)).toThrow(message)
})

test('DELETE needs a URL that was signed for it, and can be repeated', async () => {
  using folder = temporaryFolder()
  const { storage, send } = site(folder.path)
  for (const name of ['a.txt', 'b.txt', 'd/c.txt']) await storage.save(name, 'x')
  const url = await storage.url('a.txt', { method: 'DELETE' })
  const status = async (address: string, init: RequestInit = {}) =>
    (await send(address, { method: 'DELETE', ...init })).status
  for (const address of [await storage.url('a.txt'), await storage.url('a.txt', { method: 'PUT' })]) {
    expect(await status(address)).toBe(403)
  }
  expect(await status(url.replace('a.txt', 'b.txt'))).toBe(403)
  expect(await status('http://files/a.txt')).toBe(403)
  expect((await send(url)).status).toBe(403)
  expect(await status(url, { headers: { 'if-match': '"other"' } })).toBe(501)
  expect(await storage.listdir()).toEqual([['d'], ['a.txt', 'b.txt']])
  expect([await status(url), await status(url)]).toEqual([204, 204])
  expect(await status(await storage.url('d', { method: 'DELETE' }))).toBe(404)
  expect(await storage.listdir()).toEqual([['d'], ['b.txt']])
  const readOnly = createFileHandler({
    stat: async () => ({ name: 'a', isDirectory: false, size: 0 }),
    urlsAreSigned: true,
    verifyUrl: () => ({ parameters: {} }),
  } as never)
  const refused = await readOnly(new Request('http://files/a', { method: 'DELETE' }))
  expect([refused.status, refused.headers.get('allow')]).toEqual([405, 'GET, HEAD, PUT'])
})

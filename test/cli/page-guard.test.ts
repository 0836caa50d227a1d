import { expect, test } from 'vitest'
import { guardHost, guardPage, newSecret } from '../../src/cli/page-guard.ts'

const token = 'a-token'
const handler = async () => new Response('page')
const guard = { token, port: 4000, host: '127.0.0.1' }

const send = (guarded: (request: Request) => Promise<Response>, path: string, headers: Record<string, string> = {}) =>
  guarded(new Request(`http://localhost${path}`, { headers }))

test('the token becomes a cookie that scripts and other sites cannot use, and leaves the address', async () => {
  const page = guardPage(handler, guard)
  const admitted = await send(page, `/?token=${token}`)
  expect([admitted.status, admitted.headers.get('location'), admitted.headers.get('cache-control')]).toEqual([
    303,
    '/',
    'no-store',
  ])
  const cookie = admitted.headers.get('set-cookie')!
  expect(cookie).toMatch(/^holdall_4000=[\w-]{22}; Path=\/; HttpOnly; SameSite=Strict$/)
  expect(cookie).not.toContain(token)
  const own = cookie.split(';', 1)[0]!
  for (const sent of [own, `other=1; ${own}`, `${own};x=y`]) {
    expect(await (await send(page, '/', { cookie: sent })).text()).toBe('page')
  }
  for (const sent of [
    '',
    `${own}x`,
    own.slice(0, -1),
    `x${own}`,
    `holdall_4000=${token}`,
    'holdall_4000=',
    own.replace('4000', '4001'),
  ]) {
    const refused = await send(page, '/', { cookie: sent })
    expect([sent, refused.status, await refused.text()]).toEqual([sent, 403, expect.stringContaining('Open the URL')])
  }
})

test('another token is refused, and only the address of the page takes one', async () => {
  const page = guardPage(handler, guard)
  for (const path of [
    '/?token=',
    '/?token=A-token',
    `/?token=${token}x`,
    '/?token=%00',
    `/-/list?token=${token}`,
    '/',
  ]) {
    const refused = await send(page, path)
    expect([path, refused.status, refused.headers.has('set-cookie')]).toEqual([path, 403, false])
  }
})

test('who comes from another site is let on by a refresh, since a redirect would leave the cookie behind', async () => {
  const page = guardPage(handler, guard)
  for (const site of ['cross-site', 'same-site']) {
    const admitted = await send(page, `/?token=${token}`, { 'sec-fetch-site': site })
    expect([admitted.status, await admitted.text()]).toEqual([200, expect.stringContaining('content="0; url=/"')])
    expect(admitted.headers.get('set-cookie')).toContain('SameSite=Strict')
  }
  expect((await send(page, `/?token=${token}`, { 'sec-fetch-site': 'none' })).status).toBe(303)
})

test.each([
  ['127.0.0.1:4000', 200],
  ['127.0.0.1', 200],
  ['localhost:80', 200],
  ['LOCALHOST:4000', 200],
  ['[::1]:4000', 200],
  ['192.168.1.5:4000', 200],
  ['files.lan:4000', 200],
  ['evil.example', 403],
  ['127.0.0.1.evil.example:4000', 403],
  ['localhost.evil.example', 403],
  ['evil.example@localhost', 200],
  ['localhost@evil.example', 403],
  ['files.lan.evil.example', 403],
  ['', 403],
  ['a b', 403],
] as const)('the host %j is answered with %i', async (host, status) => {
  const guarded = guardHost(handler, { host: 'files.lan' })
  const request = { url: 'http://localhost/', headers: new Map([['host', host]]) } as unknown as Request
  expect((await guarded(request)).status).toBe(status)
})

test('a request without a host is refused, and secrets are long and new', async () => {
  expect((await send(guardHost(handler, guard), '/')).status).toBe(403)
  const secrets = new Set(Array.from({ length: 100 }, newSecret))
  expect([secrets.size, [...secrets].every(secret => /^[\w-]{22}$/.test(secret))]).toEqual([100, true])
})

/** Signatures of the strict Atmos server, in headers and in shareable URLs. */
import { createHmac } from 'node:crypto'
import { afterAll, describe, expect, test } from 'vitest'
import { type Answered, type Asked, ask, hmacOf, send, signatureOf } from './strict-atmos/asker.ts'
import { NINEFOLD_PATH, startStrictAtmos, startStrictNinefold } from './strict-atmos.ts'

const PRINTED = Date.parse('Thu, 05 Jun 2008 16:38:19 GMT')
const secret = 'LJLuryj6zs8ste6Y3jTGQp71xq0='
const uid = '6039ac182f194e15b9261d73ce044939/user1'

const server = await startStrictAtmos({
  now: () => PRINTED,
  credentials: [
    { uid, secret },
    { uid: '6039ac182f194e15b9261d73ce044939/john', secret: Buffer.from('johns').toString('base64') },
  ],
})
const ninefold = await startStrictNinefold()
const whole = await startStrictNinefold({ signsDriverPath: true })
afterAll(() => Promise.all([server.close(), ninefold.close(), whole.close()]))

const at = (method: string, path: string, asked?: Asked): Promise<Answered> =>
  ask(server, method, path, { now: PRINTED, ...asked })
const told = ({ status, code }: Answered): [number, number] => [status, code]

/** The request of the guide's example. */
const example = {
  'content-type': 'application/octet-stream',
  date: 'Thu, 05 Jun 2008 16:38:19 GMT',
  'x-emc-date': 'Thu, 05 Jun 2008 16:38:19 GMT',
  'x-emc-groupacl': 'other=NONE',
  'x-emc-listable-meta': 'part4/part7/part8=quick',
  'x-emc-meta': 'part1=buy',
  'x-emc-uid': uid,
  'x-emc-useracl': 'john=FULL_CONTROL,mary=WRITE',
}
const SIGNATURE = 'WHJo1MFevMnK4jCthJ974L3YHoo='

describe.concurrent('in headers', () => {
  test("the guide's example is taken by its printed signature, and by no other", async () => {
    expect(signatureOf(secret, 'POST', '/rest/objects', example)).toBe(SIGNATURE)
    const headers = { ...example, 'x-emc-signature': SIGNATURE, 'content-length': '0' }
    expect((await send(`${server.url}/rest/objects`, 'POST', headers)).status).toBe(201)
    for (const change of [
      { 'x-emc-signature': SIGNATURE.replace('W', 'V') },
      { 'x-emc-signature': `${SIGNATURE}=` },
      { 'x-emc-meta': 'part1=sell' },
      { 'content-type': 'text/plain' },
      { range: 'bytes=0-1' },
      { 'x-emc-extra': 'unsigned' },
    ]) {
      expect(told(await send(`${server.url}/rest/objects`, 'POST', { ...headers, ...change }))).toEqual([403, 1032])
    }
    expect(told(await send(`${server.url}/rest/objects`, 'GET', headers))).toEqual([403, 1032])
  })

  test('blanks are collapsed and repeated headers are joined', async () => {
    const headers = { 'x-emc-meta': '  a=1   2 ', 'x-emc-useracl': ['john=READ', 'mary=READ'] }
    const made = await at('POST', '/rest/namespace/headers', { headers, body: 'x' })
    expect(made.status).toBe(201)
    const read = await at('GET', '/rest/namespace/headers')
    expect(read.headers['x-emc-useracl']).toBe('user1=FULL, john=READ, mary=READ')
  })

  test('the path is signed decoded and in lower case', async () => {
    const made = await at('POST', `/rest/namespace/${encodeURIComponent('Ünï Ç+%/A')}`, { body: 'x' })
    expect(made.status).toBe(201)
    expect(server.tree.paths()).toContain('Ünï Ç+%/A')
  })

  test('Date alone is enough, and x-emc-date alone, whose Date is signed as nothing', async () => {
    expect((await at('GET', '/rest/service', { headers: { 'x-emc-date': [] } })).status).toBe(200)
    expect((await at('GET', '/rest/service', { headers: { date: [] } })).status).toBe(200)
    expect(told(await at('GET', '/rest/service', { headers: { date: [], 'x-emc-date': [] } }))).toEqual([400, 1054])
  })

  test('a clock that is more than five minutes off is refused, with the date of the server', async () => {
    for (const [minutes, status] of [
      [-4.9, 200],
      [4.9, 200],
      [-5.1, 403],
      [10, 403],
    ] as const) {
      const answer = await at('GET', '/rest/service', { now: PRINTED + minutes * 60_000 })
      expect(answer.status, String(minutes)).toBe(status)
      expect(answer.code).toBe(status === 403 ? 1031 : 0)
      expect(answer.headers.date).toBe('Thu, 05 Jun 2008 16:38:19 GMT')
    }
    const odd = { 'x-emc-date': '2008-06-05T16:38:19Z' }
    expect(told(await at('GET', '/rest/service', { headers: odd }))).toEqual([403, 1031])
  })

  test('an unknown user, another secret and a request without a signature are refused', async () => {
    const unknown = { ...server, credentials: { uid: 'else/user1', secret } }
    expect(told(await ask(unknown, 'GET', '/rest/service', { now: PRINTED }))).toEqual([403, 1033])
    const wrong = { ...server, credentials: { uid, secret: Buffer.from('wrong').toString('base64') } }
    expect(told(await ask(wrong, 'GET', '/rest/service', { now: PRINTED }))).toEqual([403, 1032])
    // The secret is decoded before it is used.
    const raw = createHmac('sha1', secret).update('GET').digest('base64')
    expect(told(await at('GET', '/rest/service', { signature: raw }))).toEqual([403, 1032])
    expect(told(await send(`${server.url}/rest/service`, 'GET', {}))).toEqual([400, 1054])
  })

  test('a header that is not ASCII is refused', async () => {
    const headers = { 'x-emc-meta': 'a=\u00e9' }
    expect(told(await at('POST', '/rest/namespace/ascii', { headers, body: 'x' }))).toEqual([400, 1002])
  })

  test("Ninefold's path is no part of what is signed, unless the server is set so", async () => {
    const [short, long] = ['/rest/service', `${NINEFOLD_PATH}/rest/service`]
    expect((await ask(ninefold, 'GET', short, { unsigned: NINEFOLD_PATH })).status).toBe(200)
    expect(told(await ask(ninefold, 'GET', long))).toEqual([403, 1032])
    expect((await ask(whole, 'GET', long)).status).toBe(200)
    expect(told(await ask(whole, 'GET', short, { unsigned: NINEFOLD_PATH }))).toEqual([403, 1032])
    expect(told(await ask(ninefold, 'GET', short))).toEqual([404, 1008])
  })
})

describe.concurrent('in URLs', () => {
  const EXPIRES = PRINTED / 1000 + 60
  const path = `/rest/namespace/shared/${encodeURIComponent('Ä b.txt')}`
  /** A URL with these values, which may differ from the signed ones. */
  function shared(signed: readonly (string | number)[], values: Record<string, string>): string {
    const text = ['GET', decodeURIComponent(path).toLowerCase(), ...signed].join('\n')
    const query = new URLSearchParams({ ...values, signature: hmacOf(secret, text) })
    return `${server.url}${path}?${query}`
  }
  const get = (url: string, method = 'GET'): Promise<Answered> => send(url, method, {})
  const made = at('POST', path, { body: 'shared' })

  test('a URL is good for reading until it expires', async () => {
    await made
    const url = shared([uid, EXPIRES], { uid, expires: String(EXPIRES) })
    const read = await get(url)
    expect([read.status, String(read.body), read.headers['content-disposition']]).toEqual([200, 'shared', undefined])
    expect(told(await get(url, 'DELETE'))).toEqual([405, 1009])
    expect(told(await get(url.replace('b.txt', 'c.txt')))).toEqual([403, 1032])
    expect(told(await get(url.replace(String(EXPIRES), String(EXPIRES + 1))))).toEqual([403, 1032])
    expect(told(await get(`${url}&disposition=attachment`))).toEqual([403, 1032])
    expect(told(await get(`${url}&other=1`))).toEqual([400, 1002])
    const past = PRINTED / 1000
    expect(told(await get(shared([uid, past], { uid, expires: String(past) })))).toEqual([403, 1031])
    expect(server.requests.some(({ by, status }) => by === 'url' && status === 200)).toBe(true)
  })

  test('a plus sign of the signature that is not encoded is a blank', async () => {
    await made
    const range = Array.from({ length: 200 }, (_each, at) => EXPIRES + at)
    const urls = range.map(expires => shared([uid, expires], { uid, expires: String(expires) }))
    const url = urls.find(one => one.includes('%2B'))!
    expect((await get(url)).status).toBe(200)
    expect(told(await get(url.replace('%2B', '+')))).toEqual([403, 1032])
  })

  test('a disposition is signed, and answered', async () => {
    await made
    const disposition = 'attachment; filename="x y.txt"'
    const url = shared([uid, EXPIRES, disposition], { uid, expires: String(EXPIRES), disposition })
    const read = await get(url)
    expect([read.status, read.headers['content-disposition']]).toEqual([200, disposition])
    expect(told(await get(url.replace('attachment', 'inline')))).toEqual([403, 1032])
  })
})

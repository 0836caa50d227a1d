import { get } from 'node:http'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { GcsStorage } from '../../../src/backends/gcs/index.ts'
import { startStrictGcs } from '../../servers/strict-gcs.ts'
import { KEY_FILE } from './sample.ts'
import { at, storageWith } from './support.ts'

const DOMAIN = 'files.localhost'
let aheadMs = 0
const server = await startStrictGcs({ domains: { [DOMAIN]: 'media' }, now: () => Date.now() + aheadMs })
const files = storageWith({ ...at(server), expiration: 600 })
afterAll(async () => {
  await files.close()
  await server.close()
})
beforeEach(() => {
  server.requests.length = 0
})

/** A storage at Google itself, of which nothing is asked. */
const offline = (options: object) => storageWith({ bucketName: 'bkt', credentials: KEY_FILE, ...options })

describe('URLs without a request', () => {
  it.each([
    ['defaultAcl publicRead', { defaultAcl: 'publicRead' }],
    ['defaultAcl public-read, the name of the XML API', { defaultAcl: 'public-read' }],
    ['querystringAuth false', { querystringAuth: false }],
    ['the parameter acl', { objectParameters: { acl: 'publicRead' } }],
    [
      'the parameter acl of this file',
      { objectParameters: (name: string) => (name === 'a b.txt' ? { acl: 'publicRead' } : {}) },
    ],
  ])('are plain with %s', async (_, options) => {
    expect(await offline(options).url('a b.txt')).toBe('https://storage.googleapis.com/bkt/a%20b.txt')
  })

  it.each([
    ['no ACL', {}],
    ['another ACL', { defaultAcl: 'private' }],
    ['a parameter acl over defaultAcl', { defaultAcl: 'publicRead', objectParameters: { acl: 'projectPrivate' } }],
  ])('are signed by version 4 for a day with %s', async (_, options) => {
    const url = new URL(await offline(options).url("dir/it's ü.txt"))
    expect(url.pathname).toBe('/bkt/dir/it%27s%20%C3%BC.txt')
    expect(url.searchParams.get('X-Goog-Expires')).toBe('86400')
    expect(url.searchParams.get('X-Goog-Algorithm')).toBe('GOOG4-RSA-SHA256')
  })

  it("have !'()* and a blank in percent signs, and a plain slash, in the URL and in what is signed alike", async () => {
    const name = "a/b !'()*+~.txt"
    const encoded = 'a/b%20%21%27%28%29%2A%2B~.txt'
    const url = await offline({}).url(name, { contentDisposition: "inline; filename=a'(b) c*!" })
    expect(url.startsWith(`https://storage.googleapis.com/bkt/${encoded}?`)).toBe(true)
    expect(url).toContain('response-content-disposition=inline%3B%20filename%3D')
    expect(url.slice(url.indexOf('?'))).not.toMatch(/[!'()*+ ]/)
    // The service signs what it gets, byte for byte.
    await files.save(name, 'odd', { overwrite: true })
    const answer = await fetch(await files.url(name, { contentDisposition: "inline; filename=a'(b) c*!" }))
    expect([answer.status, await answer.text()]).toEqual([200, 'odd'])
  })

  it('stand on a custom endpoint instead of host and bucket, plain and signed', async () => {
    const custom = { customEndpoint: 'https://files.example.com/' }
    expect(await offline({ ...custom, querystringAuth: false }).url('a b.txt')).toBe(
      'https://files.example.com/a%20b.txt',
    )
    expect(await offline(custom).url('a b.txt')).toMatch(
      /^https:\/\/files\.example\.com\/a%20b\.txt\?X-Goog-Algorithm=/,
    )
  })

  it('take type and disposition of the answer, and no other header', async () => {
    const url = await offline({}).url('a', {
      contentType: 'text/plain',
      contentDisposition: 'attachment; filename="ü.txt"',
    })
    expect(new URL(url).searchParams.get('response-content-disposition')).toBe(
      'attachment; filename="_.txt"; filename*=UTF-8\'\'%C3%BC.txt',
    )
    await expect(offline({}).url('a', { cacheControl: 'no-store' })).rejects.toMatchObject({ code: 'unsupported' })
  })

  it('are of one generation where the parameters name it as a version', async () => {
    const url = new URL(await offline({}).url('a', { parameters: { versionId: '5' } }))
    expect(url.searchParams.get('generation')).toBe('5')
    expect(url.searchParams.has('versionId')).toBe(false)
  })

  it('end at the date of the settings, and never later than in 7 days', async () => {
    const soon = new Date(Date.now() + 100_000)
    const secs = Number(new URL(await offline({ expiration: soon }).url('a')).searchParams.get('X-Goog-Expires'))
    expect(secs).toBeGreaterThan(0)
    expect(secs).toBeLessThanOrEqual(100)
    await expect(offline({ expiration: new Date(0) }).url('a')).rejects.toMatchObject({ code: 'improperly_configured' })
    const late = new Date(Date.now() + 8 * 86_400_000)
    await expect(offline({ expiration: late }).url('a')).rejects.toThrow('at most 604800 seconds (7 days)')
    expect(() => offline({ expiration: { days: 8 } })).toThrow('at most 604800 seconds (7 days), not 691200')
    await expect(offline({}).url('a', { expiresInSecs: 604_801 })).rejects.toMatchObject({ code: 'invalid_argument' })
  })

  it('without something to sign them say what is missing', async () => {
    const anonymous = offline({ credentials: 'anonymous' })
    expect(await anonymous.url('a')).toBe('https://storage.googleapis.com/bkt/a')
    await expect(anonymous.url('a', { method: 'PUT' })).rejects.toMatchObject({ code: 'improperly_configured' })
    await expect(
      offline({
        credentials: { type: 'authorized_user', client_id: 'a', client_secret: 'b', refresh_token: 'c' },
        iamSignBlob: true,
      }).url('a'),
    ).rejects.toThrow('GS_SA_EMAIL')
  })
})

describe.each([
  ['a key', {}],
  ['an HMAC key', { hmacKeyId: server.hmac.accessId, hmacSecret: server.hmac.secret }],
])('the strict server, with %s,', (_, more) => {
  const storage = storageWith({ ...at(server), ...more })
  afterAll(() => storage.close())
  const names = ["it's (a) *name*!.txt", 'dir/ü + %41.txt', 'a?b#c']

  it('case 78: takes a URL until it has expired', async () => {
    await storage.save('lasting.txt', 'bytes')
    const url = await storage.url('lasting.txt', { expiresInSecs: 60 })
    expect(await (await fetch(url)).text()).toBe('bytes')
    aheadMs = 61_000
    const late = await fetch(url).finally(() => {
      aheadMs = 0
    })
    expect([late.status, await late.text()]).toEqual([400, expect.stringContaining('ExpiredToken')])
    expect((await fetch(url)).status).toBe(200)
  })

  it.each(names)('takes URLs for GET, HEAD, PUT and DELETE of %s', async name => {
    const put = await storage.url(name, {
      method: 'PUT',
      contentType: 'text/odd',
      parameters: { 'x-goog-meta-colour': 'red' },
    })
    const headers = { 'content-type': 'text/odd', 'x-goog-meta-colour': 'red' }
    expect((await fetch(put, { method: 'PUT', body: 'bytes' })).status).toBeGreaterThanOrEqual(400)
    expect((await fetch(put, { method: 'PUT', body: 'bytes', headers })).status).toBe(200)
    expect(await storage.stat(name)).toMatchObject({ contentType: 'text/odd', metadata: { colour: 'red' } })
    const get = await storage.url(name)
    expect(await (await fetch(get)).text()).toBe('bytes')
    expect((await fetch(get.replace('X-Goog-Expires=', 'X-Goog-Expires=1'))).status).toBe(403)
    expect((await fetch(get, { method: 'DELETE' })).status).toBe(403)
    expect((await fetch(await storage.url(name, { method: 'HEAD' }), { method: 'HEAD' })).status).toBe(200)
    expect((await fetch(await storage.url(name, { method: 'DELETE' }), { method: 'DELETE' })).status).toBe(204)
    expect(await storage.exists(name)).toBe(false)
  })

  it('takes the URL that begins a resumable upload', async () => {
    const url = await storage.resumableUploadUrl('large.bin', { contentType: 'text/odd', expiresInSecs: 60 })
    const start = { 'x-goog-resumable': 'start', 'content-type': 'text/odd' }
    const begun = await fetch(url, { method: 'POST', headers: start })
    expect(begun.status).toBe(201)
    await fetch(begun.headers.get('location')!, { method: 'PUT', body: 'bytes' })
    expect(await storage.stat('large.bin')).toMatchObject({ size: 5, contentType: 'text/odd' })
  })

  it('takes forms, and refuses what they do not allow', async () => {
    const { url, fields } = await storage.uploadForm('form/ü.txt', { maxSize: 10, contentType: 'text/plain' })
    const send = (bytes: string) => {
      const form = new FormData()
      for (const [name, value] of Object.entries(fields)) form.append(name, value)
      form.append('file', new Blob([bytes]))
      return fetch(url, { method: 'POST', body: form })
    }
    expect((await send('more than ten')).status).toBe(400)
    expect((await send('ten bytes')).status).toBe(204)
    expect(await storage.stat('form/ü.txt')).toMatchObject({ size: 9, contentType: 'text/plain' })
  })
})

it('a URL on a host that stands for the bucket is taken by that host', async () => {
  await files.save('bound.txt', 'bound')
  const { port } = new URL(server.url)
  const storage = new GcsStorage(
    { ...at(server), bucketName: 'media', customEndpoint: `http://${DOMAIN}:${port}` },
    { settings: {}, env: {} },
  )
  const url = await storage.url('bound.txt')
  expect(url).toMatch(`http://${DOMAIN}:${port}/bound.txt?`)
  // The name resolves nowhere: the request goes to the server with it as its host.
  const answer = await new Promise<string>((resolve, reject) => {
    const { pathname, search, host } = new URL(url)
    get(`${server.url}${pathname}${search}`, { headers: { host } }, async message => {
      resolve(Buffer.concat(await message.toArray()).toString())
    }).on('error', reject)
  })
  expect(answer).toBe('bound')
  await storage.close()
})

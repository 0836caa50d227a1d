/** Rackspace Cloud Files over the strict server: identity, regions, ServiceNet, CDN, URLs. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Answer } from '../../faults/faults.ts'
import { makeIdentity, serveProxy } from '../../http/support.ts'
import { RACKSPACE, rateLimited, type StrictSwift, startStrictSwift } from '../../servers/strict-swift.ts'
import { accountOf, rackspaceAt } from './rackspace-support.ts'

let server: StrictSwift
beforeAll(async () => {
  server = await startStrictSwift({ tempUrlKey: 'url key', containers: ['media', 'on', 'off', 'odd-name'] })
})
afterAll(async () => {
  expect(server.complaints).toEqual([])
  await server.close()
})

/** What was asked with a container. */
function asked(operation: string, container: string) {
  return server.requests.filter(one => one.operation === operation && one.container === container)
}

describe('identity', () => {
  it.each([
    [undefined, 'ORD'],
    ['ord', 'ORD'],
    ['lon', 'LON'],
    ['DFW', 'DFW'],
  ] as const)('region %s is %s: the account and the CDN are there (case 72)', async (region, found) => {
    await using files = rackspaceAt(server, { region, container: 'off' })
    await files.save('a.txt', 'abc')
    expect(server.names('off', accountOf(found))).toEqual(['a.txt'])
    expect(await files.readText('a.txt')).toBe('abc')
    expect(await files.cdnState()).toBeUndefined()
    expect(asked('cdn.head', 'off').at(-1)?.account).toBe(accountOf(found))
    await files.delete('a.txt')
  })

  it('a region that there is not is refused with those there are', async () => {
    await using files = rackspaceAt(server, { region: 'syd' })
    await expect(files.exists('a')).rejects.toMatchObject({
      code: 'improperly_configured',
      message: expect.stringContaining("RACKSPACE_REGION: there is no region 'SYD'; regions: DFW, LON, ORD."),
    })
  })

  it('sends the API key to version 2.0, and to 1.1 and 1.0 where the address names them', async () => {
    server.requests.length = 0
    for (const path of ['/v2.0', '/v2.0/tokens', '/v1.1', '/v1.0']) {
      // Other connection settings than elsewhere in this file have a token of their own.
      await using files = rackspaceAt(server, { authUrl: server.url + path, region: 'LON', timeoutSecs: 50 })
      expect(await files.exists('none')).toBe(false)
      expect(await files.cdnState()).toBeUndefined()
    }
    expect(server.requests.map(one => one.operation).filter(name => name.startsWith('auth'))).toEqual([
      'auth.v2',
      'auth.v1.1',
      'auth.v1',
    ])
    const [first] = server.requests.filter(one => one.operation === 'auth.v2')
    const { username, apiKey } = RACKSPACE
    expect(JSON.parse(first!.text!)).toEqual({ auth: { 'RAX-KSKEY:apiKeyCredentials': { username, apiKey } } })
  })

  it('takes a password where authType says so', async () => {
    await using files = rackspaceAt(server, { authType: 'password', apiKey: RACKSPACE.password })
    expect(await files.exists('none')).toBe(false)
  })

  it('a wrong key is permission_denied, which names the settings and shows no key', async () => {
    await using files = rackspaceAt(server, { apiKey: 'wrong-key-7' })
    const error = await files.exists('a').catch((failure: Error) => failure)
    expect(error).toMatchObject({ code: 'permission_denied', status: 401 })
    expect(String(error)).toMatch(/Check RACKSPACE_USERNAME, RACKSPACE_API_KEY\.$/)
    expect(String(error)).not.toContain('wrong-key')
  })
})

describe('ServiceNet', () => {
  it('carries the transfers, and URLs stay public (swl-7)', async () => {
    await using files = rackspaceAt(server, { servicenet: true })
    await files.save('a b.txt', 'over the internal network')
    const put = server.requests.findLast(one => one.operation === 'object.put')
    expect(put?.headers['host']).toBe(`localhost:${server.port}`)
    const url = await files.url('a b.txt')
    expect(new URL(url).host).toBe(`127.0.0.1:${server.port}`)
    expect(await (await fetch(url)).text()).toBe('over the internal network')
    await files.enableCdn()
    expect(new URL(await files.url('a b.txt')).host).toBe(`127.0.0.1:${server.port}`)
    server.cdn.remove(RACKSPACE.account, 'media')
    await files.delete('a b.txt')
  })
})

describe('the CDN', () => {
  it('publishes a container with a life of its files, tells how, and takes it off again', async () => {
    await using files = rackspaceAt(server, { container: 'odd-name', ttl: 3600 })
    expect(await files.cdnState()).toBeUndefined()
    await files.enableCdn()
    expect(await files.cdnState()).toMatchObject({
      enabled: true,
      ttlSecs: 3600,
      logRetention: false,
      uri: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+\/cdn-files\/[0-9a-f]+$/),
      sslUri: expect.stringMatching(/^https:\/\/127\.0\.0\.1:\d+\/cdn-files\/[0-9a-f]+$/),
      streamingUri: expect.stringContaining('.stream.'),
      iosUri: expect.stringContaining('.iosr.'),
    })
    await files.enableCdn({ ttlSecs: 900, logRetention: true })
    expect(await files.cdnState()).toMatchObject({ ttlSecs: 900, logRetention: true })
    await files.disableCdn()
    expect(await files.cdnState()).toMatchObject({ enabled: false })
    const [, second] = asked('cdn.put', 'odd-name')
    expect(second).toMatchObject({ status: 202, headers: { 'x-cdn-enabled': 'True', 'x-ttl': '900' } })
  })

  it.each([0, 899, 31_536_001, 900.5])('takes no life of %s seconds', async ttlSecs => {
    await using files = rackspaceAt(server)
    await expect(files.enableCdn({ ttlSecs })).rejects.toMatchObject({ code: 'invalid_argument' })
  })

  it('takes a file off the edge, with a message where one is wanted', async () => {
    await using files = rackspaceAt(server, { location: 'in side' })
    await files.enableCdn()
    await files.purgeCdn('ä b.jpg', { email: 'ops@files.test' })
    await files.purgeCdn('c.jpg')
    expect(server.cdn.purges.splice(0)).toEqual([
      `${RACKSPACE.account}/media/in side/ä b.jpg`,
      `${RACKSPACE.account}/media/in side/c.jpg`,
    ])
    expect(asked('cdn.purge', 'media')[0]?.headers).toMatchObject({ 'x-purge-email': 'ops@files.test' })
    server.cdn.remove(RACKSPACE.account, 'media')
    await expect(files.purgeCdn('c.jpg')).rejects.toBeDefined()
  })

  it('is not changed by a read-only storage', async () => {
    await using files = rackspaceAt(server, { readOnly: true })
    for (const change of [files.enableCdn(), files.disableCdn(), files.purgeCdn('a')]) {
      await expect(change).rejects.toMatchObject({ code: 'permission_denied' })
    }
  })

  it('renews the token that it shares with the storage, once', async () => {
    const own = await startStrictSwift()
    try {
      await using files = rackspaceAt(own)
      await files.exists('a')
      own.tokens.expireAll()
      await Promise.all([files.cdnState(), files.cdnState(), files.exists('a'), files.exists('b')])
      expect(own.tokens.given).toBe(2)
    } finally {
      await own.close()
    }
  })

  it('is asked again when it is busy, and believed only with its own headers', async () => {
    await using files = rackspaceAt(server, { container: 'off' })
    server.faults.add({ operation: 'cdn.head', fault: rateLimited(429, 0) })
    expect(await files.cdnState()).toBeUndefined()
    await using once = rackspaceAt(server, { container: 'off', maxAttempts: 1 })
    const html: Answer = { status: 200, headers: [['content-type', 'text/html']], body: Buffer.from('<html></html>') }
    const page = { do: 'lie', answer: () => html } as const
    server.faults.add({ operation: 'cdn.head', fault: page })
    await expect(once.cdnState()).rejects.toMatchObject({ code: 'unavailable' })
    server.faults.add({ operation: 'cdn.put', fault: page })
    await expect(once.enableCdn()).rejects.toMatchObject({ code: 'unavailable', outcome: 'unknown' })
  })
})

describe('url (case 73)', () => {
  it('is the https address at the CDN of a published container, with the name encoded, and is looked up once', async () => {
    const { ssl } = { ssl: `https://127.0.0.1:${server.port}/cdn-files/${server.cdn.hash(RACKSPACE.account, 'on')}` }
    server.cdn.add(RACKSPACE.account, 'on')
    await using files = rackspaceAt(server, { container: 'on', location: 'x' })
    const names = ['a b/ü#1.txt', 'c?d.txt', 'e+f%20.txt']
    const urls = await Promise.all(names.map(name => files.url(name)))
    expect(urls).toEqual([`${ssl}/x/a%20b/%C3%BC%231.txt`, `${ssl}/x/c%3Fd.txt`, `${ssl}/x/e%2Bf%2520.txt`])
    expect(asked('cdn.head', 'on')).toHaveLength(1)
    await files.save(names[0]!, 'at the edge')
    const plain = await rackspaceAt(server, { container: 'on', location: 'x', cdnSsl: false }).url(names[0]!)
    expect(plain).toMatch(/^http:/)
    expect(await (await fetch(plain)).text()).toBe('at the edge')
  })

  it('is a temporary URL of a container that is not published, of one that was, and where it must end', async () => {
    await using files = rackspaceAt(server, { container: 'off' })
    await files.save('a b.txt', 'signed')
    const signed = await files.url('a b.txt')
    expect(signed).toContain('temp_url_sig=')
    expect(await (await fetch(signed)).text()).toBe('signed')
    await files.enableCdn()
    expect(await files.url('a b.txt')).toContain('/cdn-files/')
    expect(await files.url('a b.txt', { expiresInSecs: 60 })).toContain('temp_url_sig=')
    expect(await files.url('a b.txt', { parameters: { filename: 'b.txt' } })).toContain('filename=b.txt')
    expect(await files.url('a b.txt', { method: 'PUT' })).toContain('temp_url_sig=')
    await files.disableCdn()
    expect(await files.url('a b.txt')).toContain('temp_url_sig=')
    await using never = rackspaceAt(server, { container: 'on', cdn: false })
    expect(await never.url('a')).toContain('temp_url_sig=')
    await files.delete('a b.txt')
  })

  it('is a clear error where the container is not published and there is no key', async () => {
    const own = await startStrictSwift()
    try {
      await using files = rackspaceAt(own)
      await expect(files.url('a.txt')).rejects.toMatchObject({
        code: 'improperly_configured',
        fileName: 'a.txt',
        message: expect.stringContaining(
          "The container 'media' is not published (enableCdn), and there is no key for temporary URLs: set RACKSPACE_TEMP_URL_KEY",
        ),
      })
      await files.storeTempUrlKey({ key: 'now there is one' })
      expect(await files.url('a.txt')).toContain('temp_url_sig=')
    } finally {
      await own.close()
    }
  })

  it('is at an address that is set, without a look', async () => {
    await using files = rackspaceAt(server, { cdnUri: 'https://cdn.files.test/media/' })
    const before = server.requests.length
    expect(await files.url('a b.txt')).toBe('https://cdn.files.test/media/a%20b.txt')
    expect(server.requests).toHaveLength(before)
  })
})

describe('a custom CA and a proxy', () => {
  it('hold for the identity service, the storage and the CDN alike (case 21)', async () => {
    using certificate = makeIdentity()
    const own = await startStrictSwift({ tls: certificate })
    try {
      await using distrustful = rackspaceAt(own, { maxAttempts: 1 })
      await expect(distrustful.exists('a')).rejects.toMatchObject({ code: 'unavailable' })
      expect(own.requests).toEqual([])
      await using proxy = await serveProxy()
      await using files = rackspaceAt(own, { verify: certificate.certPath, proxies: { https: proxy.url } })
      expect([await files.exists('a'), await files.cdnState()]).toEqual([false, undefined])
      const operations = own.requests.map(one => one.operation)
      expect(operations).toEqual(['auth.v2', 'object.head', 'cdn.head'])
      // A connection for the token, and those of the storage and the CDN.
      expect(proxy.asked.length).toBeGreaterThan(1)
      expect(new Set(proxy.asked.map(one => one.target))).toEqual(new Set([`127.0.0.1:${own.port}`]))
    } finally {
      await own.close()
    }
  })
})

import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { inspect } from 'node:util'
import { afterAll, describe, expect, test } from 'vitest'
import { readText } from '../../src/core/body.ts'
import { NodeClient, type NodeClientOptions } from '../../src/http/node-client.ts'
import { ProxyTable } from '../../src/http/proxy.ts'
import { context, failure, makeIdentity, serve, serveProxy, serveTcp, serveTls } from './support.ts'

const identity = makeIdentity()
afterAll(() => identity[Symbol.dispose]())

async function ask(options: NodeClientOptions, url: string, body?: string): Promise<string> {
  const transport = new NodeClient(options)
  try {
    const answer = await transport.request(
      { method: body === undefined ? 'GET' : 'PUT', url, headers: {}, body },
      context(),
    )
    return `${answer.status} ${await readText(answer)}`
  } finally {
    await transport.close()
  }
}

describe('the table', () => {
  const table = new ProxyTable({
    http: 'plain.test:3128',
    https: '//user:p%40ss@both.test',
    'http://hostname': 'endpoint.test:4012',
    'http://hostname:8080': 'https://exact.test',
    'https://none': '',
  })

  test.each([
    ['http', 'other', 80, 'plain.test', 3128, false],
    ['https', 'other', 443, 'both.test', 80, false],
    ['http', 'hostname', 80, 'endpoint.test', 4012, false],
    ['http', 'hostname', 8080, 'exact.test', 443, true],
    ['https', 'hostname', 443, 'both.test', 80, false],
  ])('%s://%s:%i goes by %s:%i', (scheme, host, port, hostname, proxyPort, secure) => {
    expect(table.select(scheme, host, port)).toMatchObject({ hostname, port: proxyPort, secure })
  })

  test('user and password become a header value', () => {
    const value = `Basic ${Buffer.from('user:p@ss').toString('base64')}`
    expect(table.select('https', 'x', 443)?.authorization).toBe(value)
    expect(table.select('http', 'x', 80)?.authorization).toBeUndefined()
  })

  test('nothing configured means no proxy', () => {
    expect(new ProxyTable(null).select('http', 'x', 80)).toBeUndefined()
    expect(new ProxyTable({ https: 'x' }).select('http', 'x', 80)).toBeUndefined()
  })

  test.each([
    { http: 'http://user:5ec7e7@[bad' },
    { http: 'socks5://user:5ec7e7@host' },
    { 'user:5ec7e7@host': 'x' },
    { ftp: 'user:5ec7e7@host' },
  ])('%j is improperly configured, without showing the password', proxies => {
    let error: unknown
    try {
      new NodeClient({ proxies: proxies as Record<string, string> })
    } catch (thrown) {
      error = thrown
    }
    expect(error).toMatchObject({ code: 'improperly_configured' })
    expect(inspect(error, { showHidden: true, depth: 9 }).split('\n    at ')[0]).not.toContain('5ec7e7')
  })
})

describe('the environment', () => {
  const env = {
    HTTP_PROXY: 'capital.test:1',
    http_proxy: 'small.test:2',
    HTTPS_PROXY: 'user:5ec7e7@secure.test:3',
    NO_PROXY:
      'direct.test, .below.test,*.star.test 10.0.0.1:9000,[2001:db8::1] ported.test:8443 192.168.0.0/16,fd00::/8 172.16.0.0/12:81 [fe80::1]:82 10.9.0.0/99',
  }
  const table = new ProxyTable({}, env)

  test.each([
    ['http', 'other.test', 80, 'small.test'],
    ['https', 'other.test', 443, 'secure.test'],
    ['https', 'not-direct.test', 443, 'secure.test'],
    ['http', '10.0.0.1', 80, 'small.test'],
    ['http', '10.0.0.1', 9000, undefined],
    ['https', 'Direct.test', 443, undefined],
    ['https', 'www.direct.test', 443, undefined],
    ['https', 'a.below.test', 443, undefined],
    ['https', 'a.star.test', 443, undefined],
    ['https', '[2001:db8::1]', 443, undefined],
    ['https', '[2001:db8:0:0::1]', 443, undefined],
    ['https', '[2001:db8::2]', 443, 'secure.test'],
    ['https', 'below.test', 443, undefined],
    ['https', 'notbelow.test', 443, 'secure.test'],
    ['https', 'direct.test.evil.test', 443, 'secure.test'],
    ['https', 'ported.test', 8443, undefined],
    ['https', 'www.ported.test', 8443, undefined],
    ['https', 'ported.test', 443, 'secure.test'],
    ['http', '192.168.255.1', 80, undefined],
    ['http', '192.169.0.1', 80, 'small.test'],
    ['http', '192.168.0.1.nip.test', 80, 'small.test'],
    ['http', '[fd12::1]', 80, undefined],
    ['http', '[fe80::1]', 80, 'small.test'],
    ['http', '[fe80::1]', 82, undefined],
    ['http', '172.31.0.1', 81, undefined],
    ['http', '172.31.0.1', 80, 'small.test'],
    ['http', '10.9.0.0', 80, 'small.test'],
    ['http', 'localhost', 9000, undefined],
    ['http', 'media.localhost', 9000, undefined],
    ['http', '127.0.0.1', 9000, undefined],
    ['http', '[::1]', 9000, undefined],
  ])('%s://%s:%i goes by %s', (scheme, host, port, proxy) => {
    expect(table.select(scheme, host, port)?.hostname).toBe(proxy)
  })

  test('counts only where nothing is given', () => {
    expect(new ProxyTable({ https: 'given.test' }, env).select('http', 'other.test', 80)).toBeUndefined()
    expect(new ProxyTable({ http: '' }, env).select('http', 'other.test', 80)).toBeUndefined()
    expect(new ProxyTable(null, { ...env, no_proxy: '*' }).select('http', 'other.test', 80)).toBeUndefined()
  })

  test('of a CGI program does not count as far as its client sets it', () => {
    const cgi = new ProxyTable(null, { REQUEST_METHOD: 'GET', HTTP_PROXY: 'evil.test', HTTPS_PROXY: 'fine.test' })
    expect(cgi.select('http', 'other.test', 80)).toBeUndefined()
    expect(cgi.select('https', 'other.test', 443)?.hostname).toBe('fine.test')
  })

  test('is told by its name where it is wrong, without the password', () => {
    const wrong = () => new ProxyTable(null, { https_proxy: 'socks5://user:5ec7e7@host' })
    expect(wrong).toThrow(/^https_proxy in the environment has the proxy scheme 'socks5:'/)
    expect(wrong).not.toThrow(/5ec7e7/)
  })
})

describe('forwarding and tunnels', () => {
  test('an http target is asked for by its whole URL', async () => {
    await using proxy = await serveProxy('user:p@ss')
    let seen: unknown
    await using server = await serve(async (request, response) => {
      seen = [request.url, request.headers.host, request.headers['proxy-authorization']]
      request.pipe(response)
    })
    const url = `http://made.test:${server.port}/key?x=1`
    expect(await ask({ proxies: { http: `user:p%40ss@127.0.0.1:${proxy.port}` } }, url, 'body')).toBe('200 body')
    const authorization = `Basic ${Buffer.from('user:p@ss').toString('base64')}`
    expect(proxy.asked).toEqual([{ method: 'PUT', target: url, authorization }])
    expect(seen).toEqual(['/key?x=1', `made.test:${server.port}`, undefined])
  })

  test('an https target is reached by one tunnel, which never shows the proxy password to the server', async () => {
    await using proxy = await serveProxy('user:pass')
    let shown: string | undefined
    await using server = await serveTls(identity, (request, response) => {
      shown = request.headers['proxy-authorization']
      request.pipe(response)
    })
    const url = `https://made.test:${server.port}/key?x=1`
    const proxies = { https: `http://user:pass@127.0.0.1:${proxy.port}` }
    const transport = new NodeClient({ proxies, verify: identity.certPath })
    for (const body of ['one', 'two']) {
      const answer = await transport.request({ method: 'PUT', url, headers: {}, body }, context())
      expect(await readText(answer)).toBe(body)
    }
    await transport.close()
    expect(proxy.asked).toMatchObject([{ method: 'CONNECT', target: `made.test:${server.port}` }])
    expect(shown).toBeUndefined()
  })

  test('the endpoint key wins over the scheme', async () => {
    await using general = await serveProxy()
    await using special = await serveProxy()
    await using server = await serve((_request, response) => response.end('ok'))
    const proxies = { http: `127.0.0.1:${general.port}`, 'http://special.test': `127.0.0.1:${special.port}` }
    expect(await ask({ proxies }, `http://special.test:${server.port}/a`)).toBe('200 ok')
    expect(await ask({ proxies }, `http://general.test:${server.port}/b`)).toBe('200 ok')
    expect(special.asked).toHaveLength(1)
    expect(general.asked).toHaveLength(1)
  })

  test('a proxy that wants another password: its answer, or permission_denied for a tunnel', async () => {
    await using proxy = await serveProxy('user:right')
    const proxies = { http: `user:wr0ng@127.0.0.1:${proxy.port}`, https: `user:wr0ng@127.0.0.1:${proxy.port}` }
    expect(await ask({ proxies }, 'http://made.test/key')).toBe('407 who?')
    const error = await failure(ask({ proxies }, 'https://made.test/key?sig=5ec7e7'))
    expect(error).toMatchObject({ code: 'permission_denied', status: 407, outcome: 'not_applied', retryable: false })
    const basic = Buffer.from('user:wr0ng').toString('base64')
    for (const secret of ['wr0ng', basic, '5ec7e7']) expect(inspect(error, { depth: 9 })).not.toContain(secret)
  })

  test('a proxy that is not there, or hangs up, is unavailable', async () => {
    await using rude = await serveTcp(socket => socket.once('data', () => socket.destroy()))
    for (const url of ['http://made.test/', 'https://made.test/']) {
      const address = `user:wr0ng@127.0.0.1:${rude.port}`
      const error = await failure(ask({ proxies: { http: address, https: address } }, url))
      expect(error.code).toBe('unavailable')
      expect(inspect(error, { depth: 9 })).not.toContain('wr0ng')
    }
  })

  test('a tunnel that never stands ends by the time limit, or by the caller', async () => {
    const arrived = Promise.withResolvers<void>()
    await using silent = await serveTcp(socket => socket.on('data', () => arrived.resolve()))
    const proxies = { https: `127.0.0.1:${silent.port}` }
    const error = await failure(ask({ proxies, connectTimeoutSecs: 0.05 }, 'https://made.test/'))
    expect(error).toMatchObject({ code: 'timeout', outcome: 'not_applied', retryable: true })
    const controller = new AbortController()
    arrived.promise.then(() => controller.abort())
    const transport = new NodeClient({ proxies, connectTimeoutSecs: 5 })
    const request = { method: 'GET', url: 'https://made.test/', headers: {} }
    expect((await failure(transport.request(request, context(controller.signal)))).code).toBe('aborted')
    await transport.close()
  })

  test('a proxy that speaks TLS itself', async () => {
    await using server = await serve((_request, response) => response.end('plain'))
    await using secure = await serveTls(identity, (request, response) => response.end(`asked for ${request.url}`))
    const url = `http://made.test:${server.port}/key`
    const proxies = { http: `https://127.0.0.1:${secure.port}` }
    expect(await ask({ proxies, verify: identity.certPath }, url)).toBe(`200 asked for ${url}`)
  })
})

describe('certificates', () => {
  test('an unknown authority is refused without a retry, unless verify names it or is false', async () => {
    await using server = await serveTls(identity, (_request, response) => response.end('ok'))
    const url = `https://localhost:${server.port}/`.replace('localhost', '127.0.0.1')
    const error = await failure(ask({}, url))
    expect(error).toMatchObject({ code: 'unavailable', retryable: false, outcome: 'not_applied' })
    expect((await failure(ask({ verify: null }, url))).message).toContain('certificate is not trusted')
    expect(await ask({ verify: false }, url)).toBe('200 ok')
    expect(await ask({ verify: identity.certPath }, url)).toBe('200 ok')
  })

  test('a name that the certificate has not is refused', async () => {
    await using server = await serveTls(identity, (_request, response) => response.end('ok'))
    await using proxy = await serveProxy()
    const proxies = { https: `127.0.0.1:${proxy.port}` }
    const error = await failure(ask({ proxies, verify: identity.certPath }, `https://other.test:${server.port}/`))
    expect(error).toMatchObject({ code: 'unavailable', retryable: false })
  })

  test('a missing CA file is improperly configured, and only for https', async () => {
    await using server = await serve((_request, response) => response.end('ok'))
    const verify = join(dirname(identity.certPath), 'missing.pem')
    expect(await ask({ verify }, server.url)).toBe('200 ok')
    expect((await failure(ask({ verify }, 'https://127.0.0.1:1/'))).code).toBe('improperly_configured')
  })

  test('a file without certificates trusts nobody', async () => {
    await using server = await serveTls(identity, (_request, response) => response.end('ok'))
    const verify = join(dirname(identity.certPath), 'empty.pem')
    writeFileSync(verify, 'nothing here\n')
    expect((await failure(ask({ verify }, server.url))).retryable).toBe(false)
  })

  test('a body cut short over TLS fails as unavailable', async () => {
    await using server = await serveTls(identity, (request, response) => {
      response.setHeader('content-length', 10)
      response.write('12345', () => request.socket.destroy())
    })
    const error = await failure(ask({ verify: identity.certPath }, server.url))
    expect(error).toMatchObject({ code: 'unavailable', retryable: true })
  })

  test('a silent TLS server ends by the time limit', async () => {
    await using silent = await serveTcp(socket => socket.resume())
    const error = await failure(ask({ connectTimeoutSecs: 0.05 }, silent.url.replace('http', 'https')))
    expect(error.code).toBe('timeout')
    if (!silent.sockets[0]!.destroyed) await once(silent.sockets[0]!, 'close')
  })
})

import type { ServerResponse } from 'node:http'
import { describe, expect, test } from 'vitest'
import { refusal, type Scripted, scripted, storageOf } from './scripted.ts'

/** Answers that the bucket is elsewhere. */
function elsewhere(response: ServerResponse, region: string): void {
  response.writeHead(400)
  response.end(`<Error><Code>AuthorizationHeaderMalformed</Code><Region>${region}</Region></Error>`)
}

function ok(response: ServerResponse): void {
  response.writeHead(200, { 'content-length': 2, etag: '"e"' }).end('ok')
}

/** The regions that requests were signed for. */
function regions({ asked }: Scripted): string[] {
  return asked.map(({ headers }) => /\/\d{8}\/([^/]*)\//.exec(headers.authorization!)![1]!)
}

describe('a region that a service names', () => {
  test('is kept after a request there has worked, also for URLs', async () => {
    await using server = await scripted((_request, response, count) =>
      count === 0 ? elsewhere(response, 'eu-west-1') : ok(response),
    )
    await using files = storageOf(server.options)
    expect(await files.url('a')).toContain('us-east-1')
    expect(await files.readText('a')).toBe('ok')
    expect(await files.readText('a')).toBe('ok')
    expect(regions(server)).toEqual(['us-east-1', 'eu-west-1', 'eu-west-1'])
    expect(await files.url('a')).toContain('eu-west-1')
  })

  test.each(['garage', 'my-home', 'dc1.example', 'lab_2', 'RegionOne'])(
    'as %s is one where an endpoint is set',
    async region => {
      await using server = await scripted((_request, response, count) =>
        count === 0 ? elsewhere(response, region) : ok(response),
      )
      await using files = storageOf(server.options)
      expect(await files.readText('a')).toBe('ok')
      expect(regions(server)).toEqual(['us-east-1', region])
    },
  )

  test('is kept where the file is missing there: the signature was taken', async () => {
    await using server = await scripted((_request, response, count) =>
      count === 0 ? elsewhere(response, 'eu-west-1') : response.writeHead(404).end(),
    )
    await using files = storageOf(server.options)
    await files.readText('a').catch(() => {})
    await files.readText('a').catch(() => {})
    expect(regions(server)).toEqual(['us-east-1', 'eu-west-1', 'eu-west-1'])
  })

  test('is forgotten where it does not work', async () => {
    await using server = await scripted((_request, response, count) =>
      count < 2 ? elsewhere(response, count === 0 ? 'eu-west-1' : 'us-east-1') : ok(response),
    )
    await using files = storageOf(server.options)
    await expect(files.readText('a')).rejects.toMatchObject({ code: 'improperly_configured' })
    expect(await files.readText('a')).toBe('ok')
    expect(regions(server)).toEqual(['us-east-1', 'eu-west-1', 'us-east-1'])
    expect(await files.url('a')).toContain('us-east-1')
  })

  test('is followed by every request under way', async () => {
    await using server = await scripted((request, response) =>
      request.headers.authorization!.includes('us-east-1') ? elsewhere(response, 'eu-west-1') : ok(response),
    )
    await using files = storageOf(server.options)
    expect(await Promise.all(['a', 'b', 'c'].map(name => files.readText(name)))).toEqual(['ok', 'ok', 'ok'])
  })

  test.each(['eu-1&#10;', 'eu+1', 'a/b', 'eu west', '&lt;x&gt;', 'a'.repeat(65), ''])('as %j is none', async region => {
    await using server = await scripted((_request, response, count) =>
      count === 0 ? elsewhere(response, region) : ok(response),
    )
    await using files = storageOf(server.options)
    await expect(files.readText('a')).rejects.toMatchObject({ code: 'improperly_configured' })
    expect(await files.readText('a')).toBe('ok')
    expect(regions(server)).toEqual(['us-east-1', 'us-east-1'])
  })
})

/** A storage at Amazon, whose requests a proxy takes: it stands for the network. */
function atAmazon({ url, options }: Scripted): typeof options {
  return { ...options, endpointUrl: null, useSsl: false, proxies: { http: url } }
}

describe('a redirect at Amazon', () => {
  test.each<[string, Record<string, string>, string?]>([
    ['a host that anybody can rent', { location: 'http://ec2-203-0-113-9.compute-1.amazonaws.com/a' }],
    ['a load balancer', { location: 'http://x-1.us-west-2.elb.amazonaws.com/a' }],
    ['an API of somebody', { location: 'http://x.execute-api.us-west-2.amazonaws.com/a' }],
    ['a website', { location: 'http://bkt.s3-website-us-west-2.amazonaws.com/a' }],
    ['an access point', { location: 'http://bkt-1.s3-accesspoint.us-west-2.amazonaws.com/a' }],
    ["somebody's bucket", { location: 'http://other.s3.us-west-2.amazonaws.com/a' }],
    ['a host with the name in front', { location: 'http://bkt.s3.us-west-2.amazonaws.com.evil.test/a' }],
    ['another port', { location: 'http://bkt.s3.us-west-2.amazonaws.com:8080/a' }],
    ['a host with a user', { location: 'http://bkt.s3.us-west-2.amazonaws.com@evil.test/a' }],
    ['an address with a user', { location: 'http://user:pw@bkt.s3.us-west-2.amazonaws.com/a' }],
    ['another partition', { location: 'http://bkt.s3.cn-north-1.amazonaws.com.cn/a' }],
    ['no address', { location: '//' }],
    ['a region of another partition', { 'x-amz-bucket-region': 'cn-north-1' }],
    ['a region that makes another host', { 'x-amz-bucket-region': 'compute-1' }],
    ['a region that makes a host with more parts', { 'x-amz-bucket-region': 'evil.us-west-2' }],
    ['an endpoint elsewhere', {}, '<Endpoint>bkt.s3.us-west-2.evil.test</Endpoint>'],
  ])('to %s is an error, and nothing is sent there', async (_what, headers, more = '') => {
    for (const status of [301, 302, 307, 308]) {
      await using server = await scripted((_request, response, count) => {
        if (count === 0) response.writeHead(status, headers).end(`<Error><Code>Redirect</Code>${more}</Error>`)
        else ok(response)
      })
      expect(await refusal(atAmazon(server), files => files.readText('a'))).toMatchObject({
        code: 'improperly_configured',
      })
      expect(server.asked.map(({ url }) => url)).toEqual(['http://bkt.s3.amazonaws.com/a'])
    }
  })

  test.each<[number, Record<string, string>, string?]>([
    [307, { location: 'http://bkt.s3-us-west-2.amazonaws.com/a' }],
    [307, { location: 'https://bkt.s3.us-west-2.amazonaws.com/a' }],
    [307, { location: 'https://s3.dualstack.us-west-2.amazonaws.com/bkt/a' }],
    [301, { 'x-amz-bucket-region': 'us-west-2' }],
    [301, {}, '<Endpoint>bkt.s3.us-west-2.amazonaws.com</Endpoint>'],
    [400, {}, '<Region>us-west-2</Region>'],
  ])('by %d with %j %s goes to the host that we make of its region', async (status, headers, more = '') => {
    await using server = await scripted((_request, response, count) => {
      if (count === 0) response.writeHead(status, headers).end(`<Error><Code>Redirect</Code>${more}</Error>`)
      else ok(response)
    })
    await using files = storageOf(atAmazon(server))
    expect(await files.readText('a')).toBe('ok')
    expect(server.asked.map(({ url }) => url)).toEqual([
      'http://bkt.s3.amazonaws.com/a',
      'http://bkt.s3.us-west-2.amazonaws.com/a',
    ])
    expect(regions(server)).toEqual(['us-east-1', 'us-west-2'])
  })
})

test('a redirect of a service of its own is an error', async () => {
  await using other = await scripted((_request, response) => ok(response))
  await using server = await scripted((_request, response) => response.writeHead(307, { location: other.url }).end())
  expect(await refusal(server.options, files => files.readText('a'))).toMatchObject({ code: 'improperly_configured' })
  expect([server.asked.length, other.asked.length]).toEqual([1, 0])
})

test('a region whose header came twice is learnt', async () => {
  await using server = await scripted((request, response) => {
    if (request.headers.authorization!.includes('eu-west-1')) ok(response)
    else response.writeHead(301, { 'x-amz-bucket-region': ['eu-west-1', 'eu-west-1'] }).end()
  })
  await using files = storageOf(server.options)
  expect(await files.readText('a')).toBe('ok')
})

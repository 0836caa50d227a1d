import { expect, it } from 'vitest'
import { BytesBody } from '../../src/core/body.ts'
import type { HttpClient } from '../../src/http/request.ts'
import { httpClientOf } from '../../src/remote/http-client.ts'
import { plainContext } from '../../src/testing/index.ts'

const OPTIONS = { verify: null, proxies: {}, maxSockets: null, connectTimeoutSecs: 30, timeoutSecs: 60 }

it('leaves a given client open', async () => {
  const calls: string[] = []
  const given: HttpClient = {
    async request({ url }) {
      calls.push(url)
      return { status: 200, headers: {}, body: new BytesBody(Buffer.from('')) }
    },
    async close() {
      calls.push('closed')
    },
    secrets: ['s3cret'],
  }
  const client = httpClientOf(OPTIONS, { httpClient: given })
  await client.request({ method: 'GET', url: 'http://a.test/', headers: {} }, plainContext())
  await client.close()
  expect([calls, client.secrets]).toEqual([['http://a.test/'], ['s3cret']])
})

it('closes one of its own, whose proxies are those of the options', async () => {
  const proxies = { http: 'http://user:hidden@127.0.0.1:9' }
  const client = httpClientOf({ ...OPTIONS, proxies }, { env: {} })
  expect(client.secrets).toContain('hidden')
  await client.close()
  const request = client.request({ method: 'GET', url: 'http://a.test/', headers: {} }, plainContext())
  await expect(request).rejects.toMatchObject({ code: 'closed' })
  expect(() => httpClientOf({ ...OPTIONS, proxies: { http: 'ftp://x' } }, { env: {} })).toThrow(
    expect.objectContaining({ code: 'improperly_configured' }),
  )
})

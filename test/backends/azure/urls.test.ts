import { afterAll, describe, expect, test } from 'vitest'
import type { AzureOptions } from '../../../src/backends/azure/index.ts'
import type { Input } from '../../../src/core/settings.ts'
import { startStrictAzure } from '../../servers/strict-azure.ts'
import { storageWith } from './support.ts'

const server = await startStrictAzure({ containers: ['media'] })
afterAll(() => server.close())
const KEY = Buffer.from('a key').toString('base64')
const offline = (options: Input<AzureOptions> = {}) =>
  storageWith({ accountName: 'acct', accountKey: KEY, azureContainer: 'cont', ...options })
const online = (options: Input<AzureOptions> = {}) =>
  storageWith({ connectionString: server.connectionString, azureContainer: 'media', expirationSecs: 600, ...options })
const query = (url: string) => Object.fromEntries(new URL(url).searchParams)

describe('a plain URL', () => {
  test('keeps only what is unreserved', async () => {
    expect(await offline().url('some blob')).toBe('https://acct.blob.core.windows.net/cont/some%20blob')
    expect(await offline({ location: 'loc' }).url("d/x~!*()'.txt")).toBe(
      'https://acct.blob.core.windows.net/cont/loc/d/x~%21%2A%28%29%27.txt',
    )
    expect(await offline({ azureSsl: false }).url('a')).toBe('http://acct.blob.core.windows.net/cont/a')
    expect(await offline({ endpointSuffix: 'core.chinacloudapi.cn' }).url('a')).toBe(
      'https://acct.blob.core.chinacloudapi.cn/cont/a',
    )
    expect(await offline({ isEmulated: true }).url('a b')).toBe('http://127.0.0.1:10000/devstoreaccount1/cont/a%20b')
  })

  test('is on the custom domain, of which only the host is another one', async () => {
    expect(await offline({ customDomain: 'cdn.x.com' }).url('a b.txt')).toBe('https://cdn.x.com/cont/a%20b.txt')
    expect(await offline({ customDomain: 'cdn.x.com', azureSsl: false }).url('a')).toBe('http://cdn.x.com/cont/a')
  })

  test('is made where 0 is given, also over a life of the settings', async () => {
    expect(await offline({ expirationSecs: 60 }).url('a', { expiresInSecs: 0 })).not.toContain('?')
    expect(await offline({ expirationSecs: 0 }).url('a')).not.toContain('?')
  })

  test('cannot set headers of the answer, and does not say it could', async () => {
    await expect(offline().url('a', { contentType: 'text/plain' })).rejects.toMatchObject({ code: 'unsupported' })
    await expect(offline().url('a', { method: 'PUT' })).rejects.toMatchObject({ code: 'invalid_argument' })
  })
})

describe('a signed URL', () => {
  test('has the rights of its method and ends', async () => {
    const media = offline({ expirationSecs: 60 })
    expect(query(await media.url('a'))).toMatchObject({
      sp: 'r',
      sr: 'b',
      se: expect.stringMatching(/^20.*Z$/),
      sig: expect.any(String),
    })
    expect(query(await media.url('a'))).not.toHaveProperty('st')
    expect(query(await media.url('a', { method: 'PUT' }))).toMatchObject({ sp: 'w' })
    expect(query(await media.url('a', { method: 'DELETE' }))).toMatchObject({ sp: 'd' })
    expect(query(await offline().url('a', { expiresInSecs: 60 }))).toHaveProperty('sig')
  })

  test('says what headers the answer has, by both spellings', async () => {
    const media = offline({ expirationSecs: 60 })
    expect(query(await media.url('a', { contentType: 'text/plain', contentDisposition: 'attachment' }))).toMatchObject({
      rsct: 'text/plain',
      rscd: 'attachment',
    })
    const parameters = {
      content_type: 'text/x',
      cache_control: 'no-store',
      content_encoding: 'gzip',
      content_language: 'de',
    }
    expect(query(await media.url('a', { parameters }))).toMatchObject({
      rsct: 'text/x',
      rscc: 'no-store',
      rsce: 'gzip',
      rscl: 'de',
    })
    await expect(media.url('a', { parameters: { nonsense: 1 } })).rejects.toMatchObject({ code: 'invalid_argument' })
    await expect(media.url('a', { method: 'PUT', contentType: 'text/x' })).rejects.toMatchObject({
      code: 'unsupported',
    })
  })

  test('has a disposition in ASCII, whatever the name of the file', async () => {
    const media = online({ fileOverwrite: true })
    await media.save('sum', 'x')
    const url = await media.url('sum', { contentDisposition: 'attachment; filename="Übersicht €.txt"' })
    const answer = await fetch(url)
    expect([answer.status, answer.headers.get('content-disposition')]).toEqual([
      200,
      expect.stringContaining("filename*=UTF-8''%C3%9Cbersicht%20%E2%82%AC.txt"),
    ])
    await media.delete('sum')
  })

  test('stays signed on the custom domain; uploads go to the account', async () => {
    const media = offline({ customDomain: 'cdn.x.com', expirationSecs: 60 })
    expect(await media.url('a')).toMatch(/^https:\/\/cdn\.x\.com\/cont\/a\?.*sig=/)
    expect(await media.url('a', { method: 'PUT' })).toMatch(/^https:\/\/acct\.blob\./)
  })

  test.each(['plain.txt', "d/ü +%2E#?&'(!).txt", '%41', 'a%2Fb'])('gives and takes %j', async name => {
    const media = online({ fileOverwrite: true })
    const put = await fetch(await media.url(name, { method: 'PUT' }), {
      method: 'PUT',
      body: 'sent',
      headers: { 'x-ms-blob-type': 'BlockBlob' },
    })
    expect(put.status).toBe(201)
    expect(await media.readText(name)).toBe('sent')
    const got = await fetch(await media.url(name, { contentType: 'text/odd' }))
    expect([got.status, got.headers.get('content-type'), await got.text()]).toEqual([200, 'text/odd', 'sent'])
    expect((await fetch(await media.url(name, { method: 'DELETE' }), { method: 'DELETE' })).status).toBe(202)
    expect(await media.exists(name)).toBe(false)
  })

  test('that was changed, or for something else, opens nothing', async () => {
    const media = online()
    await media.save('mine', 'x')
    await media.save('other', 'x')
    const url = await media.url('mine')
    expect((await fetch(url.replace('/mine', '/other'))).status).toBe(403)
    expect((await fetch(url, { method: 'DELETE' })).status).toBe(403)
    await media.deleteMany(['mine', 'other'])
  })

  test('needs something that signs', async () => {
    const without = storageWith({
      accountName: 'acct',
      azureContainer: 'cont',
      sasToken: 'sv=1&sig=x',
      expirationSecs: 60,
    })
    await expect(without.url('a')).rejects.toMatchObject({ code: 'improperly_configured' })
    expect(await storageWith({ accountName: 'acct', azureContainer: 'cont' }).url('a')).toBe(
      'https://acct.blob.core.windows.net/cont/a',
    )
  })
})

describe('with an identity', () => {
  const identity = () => {
    let tokens = 0
    const getToken = async () => {
      tokens++
      return { token: server.token, expiresOnTimestamp: Date.now() + 3_600_000 }
    }
    const media = storageWith({
      accountName: server.account,
      endpointUrl: server.endpoint,
      azureContainer: 'media',
      tokenCredential: { getToken },
      expirationSecs: 600,
    })
    return { media, tokens: () => tokens }
  }

  test('one delegation key and one token serve many URLs', async () => {
    const { media, tokens } = identity()
    await media.save('a.txt', 'text')
    server.requests.length = 0
    const urls = await Promise.all(Array.from({ length: 20 }, () => media.url('a.txt')))
    urls.push(await media.url('a.txt', { expiresInSecs: 6 * 86_400 }))
    expect(server.requests.map(({ operation }) => operation)).toEqual(['GetUserDelegationKey'])
    expect(tokens()).toBe(1)
    for (const url of new Set(urls)) expect(await (await fetch(url)).text()).toBe('text')
    await media.delete('a.txt')
  })

  test('a life that no delegation key covers is refused', async () => {
    await expect(identity().media.url('a', { expiresInSecs: 7 * 86_400 })).rejects.toMatchObject({
      code: 'invalid_argument',
    })
  })
})

import { createHmac } from 'node:crypto'
import { afterAll, describe, expect, it, test } from 'vitest'
import { tempUrlSignature } from '../../../src/backends/swift/index.ts'
import { seeded } from '../../oracles/seeded.ts'
import { startStrictSwift } from '../../servers/strict-swift.ts'
import { at, storageWith } from './support.ts'

const KEY = 'a key & more ü'
const server = await startStrictSwift({ tempUrlKey: KEY })
afterAll(async () => {
  await server.close()
  expect(server.complaints).toEqual([])
})
const files = storageWith({ ...at(server), tempUrlKey: KEY })
const plain = storageWith({ ...at(server), useTempUrls: false })
afterAll(() => Promise.all([files.close(), plain.close()]))
const NAME = 'a b/ü & #1 + %20?.txt'
server.put(NAME, 'text')

/** The query of a URL. */
const query = (url: string) => new URL(url).searchParams
const status = async (url: string, method = 'GET', body?: string) => {
  const answer = await fetch(url, { method, ...(body === undefined ? {} : { body }) })
  return [answer.status, await answer.text()] as const
}
const statusOf = async (...given: Parameters<typeof status>) => (await status(...given))[0]

describe.each(['sha1', 'sha256', 'sha512'] as const)('500 random temporary URLs by %s', digest => {
  test('have the signature that the documentation describes', () => {
    const { pick, text, integer } = random(digest)
    for (let count = 0; count < 500; count++) {
      const method = pick(['GET', 'HEAD', 'PUT', 'POST', 'DELETE'] as const)
      const path = `/v1/AUTH_${text(8)}/${text(5)}/${text(30)}`
      const expires = integer(4_000_000_000)
      const key = text(20)
      const isPrefix = count % 3 === 0
      const ipRange = count % 5 === 0 ? `10.0.${count % 256}.0/24` : undefined
      const lines = [
        ...(ipRange === undefined ? [] : [`ip=${ipRange}`]),
        method,
        expires,
        isPrefix ? `prefix:${path}` : path,
      ]
      const bytes = createHmac(digest, Buffer.from(key, 'utf8'))
        .update(Buffer.from(lines.join('\n'), 'utf8'))
        .digest()
      const wanted = digest === 'sha512' ? `sha512:${bytes.toString('base64')}` : bytes.toString('hex')
      expect(tempUrlSignature({ method, path, expires, isPrefix, ipRange }, key, digest)).toBe(wanted)
    }
  })

  test('cases 69 and 70: open a file whose name has blanks and other letters, with the port of the service', async () => {
    await using storage = storageWith({ ...at(server), tempUrlKey: KEY, tempUrlDigest: digest })
    const url = await storage.url(NAME)
    expect(url.startsWith(`${server.url}/v1/AUTH_test/media/a%20b/%C3%BC%20%26%20%231%20%2B%20%2520%3F.txt?`)).toBe(
      true,
    )
    expect(await status(url)).toEqual([200, 'text'])
    expect(await statusOf(url.replace(/.(?=&temp_url_expires)/, last => (last === '0' ? '1' : '0')))).toBe(401)
  })
})

/** Random choices that are the same in each run. */
function random(seed: string) {
  const next = seeded([...seed].reduce((sum, letter) => sum * 31 + letter.charCodeAt(0), 7) % 100_000)
  const integer = (below: number): number => Math.floor(next() * below)
  const LETTERS = [...`aZ7 /%+&=?#ü漢😀\n"':.~`]
  const pick = <T>(values: readonly T[]): T => values[integer(values.length)]!
  const text = (length: number): string => Array.from({ length: 1 + integer(length) }, () => pick(LETTERS)).join('')
  return { integer, pick, text }
}

describe('case 69: a temporary URL', () => {
  it('ends', async () => {
    const url = await files.url(NAME, { expiresInSecs: 60 })
    const expires = Number(query(url).get('temp_url_expires'))
    expect(Math.abs(expires - Date.now() / 1000 - 60)).toBeLessThan(5)
    const old = { method: 'GET', path: `/v1/AUTH_test/media/${NAME}`, expires: 1_000_000_000 } as const
    const ended = new URL(url)
    ended.searchParams.set('temp_url_expires', String(old.expires))
    ended.searchParams.set('temp_url_sig', tempUrlSignature(old, KEY, 'sha256'))
    expect(await statusOf(ended.href)).toBe(401)
  })

  it('is good for HEAD, and not for another method or file', async () => {
    const url = await files.url(NAME)
    expect(await statusOf(url, 'HEAD')).toBe(200)
    expect(await statusOf(url, 'DELETE')).toBe(401)
    expect(await statusOf(url.replace('.txt', '.pdf'))).toBe(401)
  })

  it('takes an upload, and a deletion', async () => {
    const up = await files.url('up load', { method: 'PUT', expiresInSecs: 60 })
    expect(await statusOf(up, 'PUT', 'uploaded')).toBe(201)
    expect(server.object('up load')?.bytes.toString()).toBe('uploaded')
    const away = await files.url('up load', { method: 'DELETE', expiresInSecs: 60 })
    expect(await statusOf(away, 'DELETE')).toBe(204)
  })

  it('gives a file another name, or shows it inline', async () => {
    const disposition = 'attachment; filename="A \\"name\\".txt"'
    const named = await fetch(await files.url(NAME, { contentDisposition: disposition }))
    expect(named.headers.get('content-disposition')).toMatch(/filename="A(?: |%20)%22name%22\.txt"/)
    expect(
      query(await files.url(NAME, { contentDisposition: "attachment; filename*=UTF-8''%C3%BC.txt" })).get('filename'),
    ).toBe('ü.txt')
    const inline = await fetch(await files.url(NAME, { parameters: { inline: true } }))
    expect(inline.headers.get('content-disposition')).toMatch(/^inline/)
    expect(await files.url(NAME, { contentDisposition: 'inline' })).toMatch(/&inline$/)
  })

  it('is good for all files of a prefix, and from some addresses only', async () => {
    server.put('album/1', 'one')
    server.put('album/2', 'two')
    const first = await files.url('album/1', { parameters: { prefix: 'album/' } })
    expect(await status(first)).toEqual([200, 'one'])
    expect(await status(first.replace('/album/1', '/album/2'))).toEqual([200, 'two'])
    expect(await statusOf(first.replace('/album/1', '/other'))).toBe(401)
    await expect(files.url('x', { parameters: { prefix: 'album/' } })).rejects.toMatchObject({
      code: 'invalid_argument',
    })
    expect(await statusOf(await files.url('album/1', { parameters: { ipRange: '127.0.0.0/8' } }))).toBe(200)
    expect(await statusOf(await files.url('album/1', { parameters: { ipRange: '10.0.0.1' } }))).toBe(401)
    await using below = storageWith({ ...at(server), tempUrlKey: KEY, location: 'album' })
    expect(await status(await below.url('1', { parameters: { prefix: '' } }))).toEqual([200, 'one'])
  })

  it('cannot set what Swift cannot', async () => {
    const refused = { code: 'unsupported' }
    await expect(files.url(NAME, { contentType: 'text/html' })).rejects.toMatchObject(refused)
    await expect(files.url(NAME, { cacheControl: 'no-cache' })).rejects.toMatchObject(refused)
    const bad = { parameters: { temp_url_sig: 'x' } }
    await expect(files.url(NAME, bad)).rejects.toMatchObject({ code: 'invalid_argument' })
  })

  it.each([
    [['sha1'], 40],
    [['sha1', 'sha256'], 64],
    [['sha512'], 95],
  ] as const)('is signed by what the cluster takes: %j', async (allowedDigests, length) => {
    const other = await startStrictSwift({ tempUrlKey: KEY, allowedDigests: [...allowedDigests] })
    try {
      other.put('a', 'text')
      await using storage = storageWith({ ...at(other), tempUrlKey: KEY })
      const url = await storage.url('a')
      expect(query(url).get('temp_url_sig')).toHaveLength(length)
      expect(await status(url)).toEqual([200, 'text'])
    } finally {
      await other.close()
    }
  })

  it('uses the key of the container, else of the account, where none is set, and asks once', async () => {
    await using storage = storageWith({ ...at(server), useTempUrls: true })
    const before = server.requests.length
    const urls = await Promise.all([storage.url(NAME), storage.url('album/1')])
    expect(await status(urls[1])).toEqual([200, 'one'])
    const asked = server.requests.slice(before).map(({ operation }) => operation)
    expect(asked.filter(operation => /head/.test(operation))).toEqual(['container.head', 'account.head'])
  })

  it('needs a key, which is kept where Swift looks for it', async () => {
    const bare = await startStrictSwift()
    try {
      bare.put('a', 'text')
      await using storage = storageWith({ ...at(bare), useTempUrls: true })
      await expect(storage.url('a')).rejects.toMatchObject({ code: 'improperly_configured' })
      await expect(storage.storeTempUrlKey()).rejects.toThrow('SWIFT_TEMP_URL_KEY')
      await storage.storeTempUrlKey({ of: 'container', slot: 2, key: 'kept' })
      expect(await status(await storage.url('a'))).toEqual([200, 'text'])
      await using other = storageWith({ ...at(bare), tempUrlKey: 'öther' })
      await other.storeTempUrlKey()
      expect(await status(await other.url('a'))).toEqual([200, 'text'])
    } finally {
      await bare.close()
    }
  })
})

describe('a plain URL', () => {
  it('opens a public container, until it is private again', async () => {
    const url = await plain.url(NAME)
    expect(url).toBe(`${server.url}/v1/AUTH_test/media/a%20b/%C3%BC%20%26%20%231%20%2B%20%2520%3F.txt`)
    expect(await statusOf(url)).toBe(401)
    await plain.setPublic(true)
    expect(await status(url)).toEqual([200, 'text'])
    await plain.setPublic(false)
    expect(await statusOf(url)).toBe(401)
    expect(server.container().read).toBe('')
  })

  it.each([
    [{ baseUrl: 'http://127.0.0.1:8888/foo' }, 'http://127.0.0.1:8888/foo/v1/AUTH_test/media/a%20b'],
    [{ baseUrl: 'https://cdn.example.com/x/', autoBaseUrl: false }, 'https://cdn.example.com/x/a%20b'],
  ])('begins with %j', async (options, wanted) => {
    await using storage = storageWith({ ...at(server), ...options })
    expect(await storage.url('a b')).toBe(wanted)
    await using signed = storageWith({ ...at(server), ...options, tempUrlKey: KEY })
    const url = await signed.url('a b')
    expect(url.startsWith(`${wanted}?temp_url_sig=`)).toBe(true)
    // The signature is over the path that Swift sees behind it.
    const expires = Number(query(url).get('temp_url_expires'))
    const path = '/v1/AUTH_test/media/a b'
    expect(query(url).get('temp_url_sig')).toBe(tempUrlSignature({ method: 'GET', path, expires }, KEY, 'sha256'))
  })

  it('is signed all the same where it is to end, or to change something', async () => {
    await using storage = storageWith({ ...at(server), tempUrlKey: KEY, useTempUrls: false })
    expect(await storage.url('a')).not.toContain('?')
    expect(await storage.url('a', { expiresInSecs: 5 })).toContain('?temp_url_sig=')
    expect(await storage.url('a', { method: 'PUT' })).toContain('?temp_url_sig=')
  })
})

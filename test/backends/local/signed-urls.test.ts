import { describe, expect, it } from 'vitest'
import { LocalStorage } from '../../../src/backends/local/index.ts'
import { MAX_URL_SECS, UrlSigner } from '../../../src/backends/local/signed-urls.ts'

const SECRET = 'sixteen bytes ...'
const BASE = 'https://media.example/files/'
const signer = new UrlSigner(SECRET, BASE)
const NOW = 1_800_000_000_000
const denied = expect.objectContaining({ code: 'permission_denied' })

function signed(method: 'GET' | 'HEAD' | 'PUT' | 'DELETE' = 'GET', key = 'dir/file.txt'): URLSearchParams {
  return new URLSearchParams(signer.sign(key, { method, expiresInSecs: 60, contentType: 'text/plain' }, NOW))
}

describe('a signed URL', () => {
  it('allows its method on its file until it expires', () => {
    expect(signer.verify('GET', 'dir/file.txt', signed(), NOW)).toEqual({
      method: 'GET',
      key: 'dir/file.txt',
      expiresAt: new Date(NOW + 60_000),
      parameters: { 'response-content-type': 'text/plain' },
    })
    expect(signer.verify('PUT', 'dir/file.txt', signed('PUT'), NOW).parameters).toEqual({
      'content-type': 'text/plain',
    })
    expect(signer.verify('HEAD', 'dir/file.txt', signed(), NOW + 59_999).method).toBe('GET')
    expect(() => signer.verify('GET', 'dir/file.txt', signed(), NOW + 60_000)).toThrow(denied)
  })

  it.each([
    ['GET', 'PUT'],
    ['GET', 'DELETE'],
    ['PUT', 'GET'],
    ['PUT', 'HEAD'],
    ['HEAD', 'GET'],
    ['DELETE', 'PUT'],
  ] as const)('for %s does not allow %s', (method, used) => {
    expect(() => signer.verify(used, 'dir/file.txt', signed(method), NOW)).toThrow(denied)
  })

  it('allows nothing once anything of it was changed, added, doubled or taken away', () => {
    const query = [...signed()]
    for (const [at, [name, value]] of query.entries()) {
      const without = query.filter((_, other) => other !== at)
      const changes = [
        without,
        [...without, [name, `${value}x`]],
        [...without, [name, value.toUpperCase() === value ? value.toLowerCase() : value.toUpperCase()]],
        [...query, [name, value]],
        [...without, [`${name}x`, value]],
      ] as string[][][]
      for (const changed of changes.filter(each => JSON.stringify(each) !== JSON.stringify(query))) {
        const tampered = new URLSearchParams(changed as [string, string][])
        if ([...tampered].sort().join() === [...query].sort().join()) continue
        expect(() => signer.verify('GET', 'dir/file.txt', tampered, NOW), `${tampered}`).toThrow(denied)
      }
    }
    expect(() => signer.verify('GET', 'dir/file.txt', new URLSearchParams([...query, ['extra', '1']]), NOW)).toThrow(
      denied,
    )
    for (const key of ['dir/file.txt2', 'dir', 'dir/File.txt', 'dirfile.txt', '']) {
      expect(() => signer.verify('GET', key, signed(), NOW)).toThrow(denied)
    }
    expect(() => new UrlSigner('another secret of bytes', BASE).verify('GET', 'dir/file.txt', signed(), NOW)).toThrow(
      denied,
    )
    expect(() => signer.verify('GET', 'dir/file.txt', new URLSearchParams(), NOW)).toThrow(denied)
  })

  it('keeps its own parameters to itself, and lives for a time', async () => {
    expect(() => signer.sign('a', { method: 'GET', expiresInSecs: 60, parameters: { expires: 1 } })).toThrow(
      expect.objectContaining({ code: 'invalid_argument' }),
    )
    const storage = new LocalStorage({ location: '/x', baseUrl: '/m/', urlSecret: SECRET, urlExpire: 90 })
    for (const expiresInSecs of [0, -1, Number.NaN, 0.5, 1.5, Infinity, MAX_URL_SECS + 1]) {
      await expect(storage.url('a', { expiresInSecs })).rejects.toMatchObject({ code: 'invalid_argument' })
    }
    const { searchParams, pathname } = new URL(await storage.url('a b.txt'), 'http://x')
    expect(pathname).toBe('/m/a%20b.txt')
    const { expiresAt } = storage.verifyUrl('GET', 'a b.txt', searchParams)
    expect(Math.abs(expiresAt.getTime() - Date.now() - 90_000)).toBeLessThan(2000)
    expect(storage.urlsAreSigned).toBe(true)
    for (const name of ['', '.', 'dir/']) {
      await expect(storage.url(name)).rejects.toMatchObject({ code: 'suspicious_name' })
    }
    const plain = new LocalStorage({ location: '/x', baseUrl: '/m/' })
    expect(await plain.url('')).toBe('/m/')
    expect(() => plain.verifyUrl('GET', 'a', searchParams)).toThrow(expect.objectContaining({ code: 'unsupported' }))
    await expect(new LocalStorage({ location: '/x' }).url('a')).rejects.toMatchObject({
      code: 'unsupported',
      message: 'This file is not accessible via a URL. Set baseUrl, and urlSecret for signed URLs.',
    })
  })
})

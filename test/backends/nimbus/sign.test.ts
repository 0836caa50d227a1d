import { createHmac } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { signature, signedHeaders } from '../../../src/backends/nimbus/sign.ts'
import { seeded } from '../../oracles/seeded.ts'
import { ACCOUNT, asksMeta, fileHeaders, scripted } from './support.ts'

/** Python's `unquote_plus` of bytes, and the signature over it, written without the code under test. */
function independent(user: string, key: string, method: string, timestamp: string, uri: string): string {
  const bytes: number[] = []
  for (let at = 0; at < uri.length; at++) {
    const hex = uri.slice(at + 1, at + 3)
    if (uri[at] === '%' && /^[0-9A-Fa-f]{2}$/.test(hex)) {
      bytes.push(Number.parseInt(hex, 16))
      at += 2
    } else bytes.push(uri[at] === '+' ? 32 : uri.charCodeAt(at))
  }
  const head = Buffer.from([user, method, timestamp, ''].join('\n'), 'utf8')
  const mac = createHmac('sha256', Buffer.from(key, 'utf8'))
  return mac.update(Buffer.concat([head, Buffer.from(bytes)])).digest('hex')
}

const CHARS = [...'abzAZ019-._~ +%?&=#/é日🙂\'"<>()*!,;:@$[]\\^`{|}']

describe('the signature of Nimbus.io', () => {
  it('is that of the vector, where the key is text and not base64', () => {
    const parts = { method: 'GET', uri: '/list_collections', timestamp: 1_276_808_600 }
    const key = { ...ACCOUNT, keyId: '5001' }
    const hex = '317df0926d72ac610d7d3e819000b77a537f4acfa7c63d5322b2d9afbda82a47'
    expect(signature(key, parts)).toBe(hex)
    expect(signedHeaders(key, parts)).toEqual({
      authorization: `NIMBUS.IO 5001:${hex}`,
      'x-nimbus-io-timestamp': '1276808600',
    })
  })

  it('takes a plus for a blank, as the service decodes it', () => {
    const of = (uri: string): string => signature({ ...ACCOUNT, keyId: '5001' }, { method: 'GET', uri, timestamp: 1 })
    expect(of('/data/a+b?action=meta&x=c+d%2B')).toBe(of('/data/a%20b?action=meta&x=c%20d%2B'))
    expect(of('/data/a+b')).not.toBe(of('/data/a%2Bb'))
  })

  it('equals an independent computation for 600 random users, keys and addresses', () => {
    const random = seeded(45)
    const below = (end: number): number => Math.floor(random() * end)
    const text = (most: number): string =>
      Array.from({ length: 1 + below(most) }, () => CHARS[below(CHARS.length)]!).join('')
    const seen = new Set<string>()
    for (let count = 0; count < 600; count++) {
      const [user, key, timestamp] = [`user-${below(999)}`, text(40), below(2_000_000_000)]
      const method = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE'][below(5)]!
      const query = below(2) === 0 ? '' : `?${encodeURIComponent(text(8))}=${encodeURIComponent(text(20))}`
      const uri = `/data/${text(30).split('/').map(encodeURIComponent).join('/')}${query}`
      const hex = signature({ user, key, keyId: '1' }, { method, uri, timestamp })
      expect(hex, uri).toBe(independent(user, key, method, String(timestamp), uri))
      seen.add(hex)
    }
    expect(seen.size).toBe(600)
  })

  it.each(['a b', 'a+b', 'a%20b', 'what?', 'é', 'a/b c+d%?é.txt', '%', 'a&b=c'])(
    'case 45: every request for %j is signed over its decoded form',
    async name => {
      const files = scripted(asked =>
        asksMeta(asked) ? { json: [] } : { status: 200, headers: fileHeaders(4), body: 'text' },
      )
      await files.stat(name)
      await files.readBytes(name)
      expect(files.asked.map(({ method }) => method)).toEqual(['HEAD', 'GET', 'GET'])
      for (const { method, url, headers } of files.asked) {
        const uri = url.slice('https://alice-files.nimbus.io'.length)
        // No character that the service would take for its own.
        expect(uri).toMatch(/^\/data\/[^?+ ]+(\?action=meta)?$/)
        expect(decodeURIComponent(uri.replace('?action=meta', ''))).toBe(`/data/${name}`)
        const [, id, hex] = /^NIMBUS\.IO (\d+):([0-9a-f]{64})$/.exec(headers['authorization']!)!
        const timestamp = headers['x-nimbus-io-timestamp']!
        expect(id).toBe('5001')
        expect(hex).toBe(independent('alice', ACCOUNT.key, method, timestamp, uri))
        expect(Math.abs(Number(timestamp) - Date.now() / 1000)).toBeLessThan(60)
      }
    },
  )

  it('follows the clock of a service that refuses a request by another time, once', async () => {
    const date = new Date(Date.now() - 3_600_000)
    const files = scripted((asked, count) => {
      if (count <= 2) return { status: 401, headers: { date: date.toUTCString() } }
      return asksMeta(asked) ? { json: [] } : { status: 200, headers: fileHeaders(4) }
    })
    expect(await files.size('a')).toBe(4)
    await files.size('a')
    const stamps = files.asked.map(({ headers }) => Number(headers['x-nimbus-io-timestamp']))
    const late = stamps.map(stamp => Math.abs(stamp - date.getTime() / 1000) < 60)
    expect(late).toEqual([false, false, true, true, true, true])
  })

  it('does not ask again where the clocks agree', async () => {
    const files = scripted(() => ({ status: 401, headers: { date: new Date().toUTCString() } }))
    await expect(files.readBytes('a', { start: 0, end: 1 })).rejects.toMatchObject({ code: 'permission_denied' })
    expect(files.asked).toHaveLength(1)
  })
})

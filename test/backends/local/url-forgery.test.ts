import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { LocalStorage } from '../../../src/backends/local/index.ts'
import { MAX_URL_SECS, UrlSigner } from '../../../src/backends/local/signed-urls.ts'
import type { SignUrlOptions } from '../../../src/core/driver.ts'

const SECRET = 'a secret of enough bytes'
const NOW = 1_800_000_000_000
const METHODS = ['GET', 'HEAD', 'PUT', 'DELETE'] as const
const denied = expect.objectContaining({ code: 'permission_denied' })
const invalid = expect.objectContaining({ code: 'invalid_argument' })

interface Parts {
  readonly base: string
  readonly key: string
  readonly method: SignUrlOptions['method']
  readonly secs: number
  readonly parameters: Readonly<Record<string, string>>
}

/** Texts that a careless encoding confuses: separators, quotes, brackets, percent-encodings, names of object members. */
const text = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.constantFrom(
    '',
    'a',
    'b',
    '\u00e9',
    'e\u0301',
    'a/b',
    'a&b=c',
    '","',
    '%2F',
    '+',
    ' ',
    '\0',
    '__proto__',
    'constructor',
    '[]',
  ),
)
const name = text.filter(each => !['expires', 'method', 'signature'].includes(each))
const base = fc.constantFrom('/', '/media/', '/media/a/', '//cdn.example/media/', 'https://cdn.example/media/')
const parts: fc.Arbitrary<Parts> = fc.record({
  base,
  key: text,
  method: fc.constantFrom(...METHODS),
  secs: fc.integer({ min: 1, max: MAX_URL_SECS }),
  parameters: fc
    .array(fc.tuple(name, text), { maxLength: 3 })
    .map(entries => Object.fromEntries(entries) as Record<string, string>),
})

function signed({ base, key, method, secs, parameters }: Parts): URLSearchParams {
  return new URLSearchParams(new UrlSigner(SECRET, base).sign(key, { method, expiresInSecs: secs, parameters }, NOW))
}

function verified({ base, key, method }: Parts, query: URLSearchParams) {
  return new UrlSigner(SECRET, base).verify(method, key, query, NOW)
}

/** Parts as a list that two values share only if they mean the same. */
function meaning({ base, key, method, secs, parameters }: Parts): string {
  return JSON.stringify([base, key, method, secs, Object.entries(parameters).sort(([a], [b]) => (a < b ? -1 : 1))])
}

describe('a signature', () => {
  it('gives back exactly what was signed, whatever the characters', () => {
    fc.assert(
      fc.property(parts, each => {
        const { key, method, expiresAt, parameters } = verified(each, signed(each))
        expect([key, method, expiresAt]).toEqual([each.key, each.method, new Date(NOW + each.secs * 1000)])
        expect(Object.entries(parameters).sort()).toEqual(Object.entries(each.parameters).sort())
      }),
      { numRuns: 500 },
    )
  })

  it('is never that of other parts', () => {
    fc.assert(
      fc.property(parts, parts, (one, other) => {
        const same = signed(one).get('signature') === signed(other).get('signature')
        expect(same).toBe(meaning(one) === meaning(other))
      }),
      { numRuns: 1000 },
    )
  })

  it('opens nothing once one part is another', () => {
    fc.assert(
      fc.property(parts, parts, fc.constantFrom('base', 'key', 'method', 'all'), (one, other, part) => {
        const claimed = part === 'all' ? other : { ...one, [part]: other[part] }
        const isSame = one.base === claimed.base && one.key === claimed.key
        const isAllowed = one.method === claimed.method || (one.method === 'GET' && claimed.method === 'HEAD')
        if (isSame && isAllowed) expect(verified(claimed, signed(one)).method).toBe(one.method)
        else expect(() => verified(claimed, signed(one))).toThrow(denied)
      }),
      { numRuns: 1000 },
    )
  })

  it('opens nothing once its query is another', () => {
    const change = fc.oneof(
      fc.record({ kind: fc.constantFrom('remove', 'double'), at: fc.nat() }),
      fc.record({ kind: fc.constantFrom('value', 'name'), at: fc.nat(), text }),
      fc.record({ kind: fc.constant('add'), at: fc.nat(), text, value: text }),
    )
    fc.assert(
      fc.property(parts, change, (each, change) => {
        const query = [...signed(each)]
        const at = change.at % query.length
        const [name, value] = query[at]!
        const changed = query.filter((_, other) => other !== at)
        const added = change as { text: string; value: string }
        if (change.kind === 'double') changed.push([name, value], [name, value])
        if (change.kind === 'value') changed.push([name, added.text])
        if (change.kind === 'name') changed.push([added.text, value])
        if (change.kind === 'add') changed.push([name, value], [added.text, added.value])
        const tampered = new URLSearchParams(changed)
        fc.pre([...tampered].sort().join('\n') !== query.sort().join('\n'))
        expect(() => verified(each, tampered)).toThrow(denied)
      }),
      { numRuns: 1000 },
    )
  })
})

describe('a signed URL', () => {
  it('has a method, a life and parameters that can be sent', () => {
    const signer = new UrlSigner(SECRET, '/media/')
    const sign = (options: object, key = 'a') =>
      signer.sign(key, { method: 'GET', expiresInSecs: 60, ...options } as SignUrlOptions, NOW)
    for (const method of ['POST', 'get', '', 'OPTIONS', undefined]) {
      expect(() => sign({ method }), `${method}`).toThrow(invalid)
    }
    for (const expiresInSecs of [0, -1, 0.5, 1.5, Number.NaN, Infinity, 2 ** 53, MAX_URL_SECS + 1, '60', null, 60n]) {
      expect(() => sign({ expiresInSecs }), `${expiresInSecs}`).toThrow(invalid)
    }
    for (const parameters of [{ signature: 'x' }, { method: 'PUT' }, { a: ['b'] }, { a: null }, { a: '\ud800' }]) {
      expect(() => sign({ parameters }), JSON.stringify(parameters)).toThrow(invalid)
    }
    expect(() => sign({}, '\udc00')).toThrow(invalid)
    expect(() => sign({ contentDisposition: 'attachment; filename="\ud800"' })).toThrow(invalid)
  })

  it('is refused with an expiry that no signer of ours makes', () => {
    const signer = new UrlSigner(SECRET, '/')
    const read = (query: string, now: number) => signer.verify('GET', 'a', new URLSearchParams(query), now)
    const longest = signer.sign('a', { method: 'GET', expiresInSecs: MAX_URL_SECS }, NOW)
    expect(read(longest, NOW).expiresAt).toEqual(new Date(NOW + MAX_URL_SECS * 1000))
    expect(() => read(longest, NOW - 2 * 3_600_000)).toThrow(denied)
    // Rightly signed, by a clock that makes no time of it: 'NaN', '-40', '0', '1e+22', 'Infinity' and 16 digits.
    for (const clock of [Number.NaN, -100_000, -60_000, 1e25, Infinity, 1e18]) {
      const query = signer.sign('a', GET, clock)
      for (const now of [0, NOW, clock - 1]) expect(() => read(query, now), query).toThrow(denied)
    }
  })

  it('is of one storage, whatever server stands before it', () => {
    const query = new URLSearchParams(new UrlSigner(SECRET, 'HTTPS://CDN.example:443/m').sign('a', GET, NOW))
    for (const same of ['https://cdn.example/m/', 'https://cdn.example:443/m', 'https://cdn.example/x/../m/']) {
      expect(new UrlSigner(SECRET, same).verify('GET', 'a', query, NOW).key).toBe('a')
    }
    for (const other of ['http://cdn.example/m/', 'https://cdn.example/n/', 'https://cdn.example/', '/m/', '']) {
      expect(() => new UrlSigner(SECRET, other).verify('GET', 'a', query, NOW), other).toThrow(denied)
    }
  })

  it('of one storage opens no other one with the same secret', async () => {
    const env = { HOLDALL_URL_SECRET: SECRET }
    const services = { settings: {}, env }
    const [uploads, invoices, nowhere] = ['/uploads/', '/invoices/', null].map(
      baseUrl => new LocalStorage({ location: '/x', baseUrl }, services),
    )
    const query = new URL(await uploads!.url('a.pdf'), 'http://x').searchParams
    expect(uploads!.verifyUrl('GET', 'a.pdf', query).key).toBe('a.pdf')
    expect(() => invoices!.verifyUrl('GET', 'a.pdf', query)).toThrow(denied)
    expect(nowhere!.urlsAreSigned).toBe(true)
    expect(() => nowhere!.verifyUrl('GET', 'a.pdf', query)).toThrow(
      expect.objectContaining({ code: 'improperly_configured', message: expect.stringContaining('baseUrl') }),
    )
  })
})

const GET = { method: 'GET', expiresInSecs: 60 } as const

describe('a secret', () => {
  const refused = expect.objectContaining({
    code: 'improperly_configured',
    message: expect.stringMatching(/urlSecret.*16 bytes/),
  })
  const make = (options: object, settings: object = {}, env: Record<string, string> = {}) => {
    const services = { settings: settings as Record<string, unknown>, env }
    return new LocalStorage({ location: '/x', baseUrl: '/', ...options }, services)
  }

  it.each(['', ' ', 'None', 'null', 'fifteen bytes..', 'ééééééé'])(
    "that is '%s' is refused wherever it comes from",
    secret => {
      const messages: string[] = []
      for (const build of [
        () => make({ urlSecret: secret }),
        () => make({ url_secret: secret }),
        () => make({}, { HOLDALL_URL_SECRET: secret }),
        () => make({}, {}, { HOLDALL_URL_SECRET: secret }),
        () => new UrlSigner(secret, '/'),
      ]) {
        expect(build).toThrow(refused)
        try {
          build()
        } catch (error) {
          messages.push((error as Error).message)
        }
      }
      if (secret.length > 4) expect(messages.join()).not.toContain(secret)
    },
  )

  it('that is not there leaves URLs unsigned, one of sixteen bytes signs them', async () => {
    for (const storage of [make({}), make({ urlSecret: null }), make({ urlSecret: undefined })]) {
      expect([storage.urlsAreSigned, await storage.url('a')]).toEqual([false, '/a'])
    }
    expect(make({}, { HOLDALL_URL_SECRET: null }).urlsAreSigned).toBe(false)
    for (const urlSecret of ['0123456789abcdef', 'éééééééé']) {
      expect([make({ urlSecret }).urlsAreSigned, await make({ urlSecret }).url('a')]).toEqual([
        true,
        expect.stringMatching(/^\/a\?method=GET&expires=\d+&signature=[\w-]{43}$/),
      ])
    }
  })

  it('lets URLs live for 366 days at most', () => {
    expect(make({ urlExpire: MAX_URL_SECS }).options.urlExpire).toBe(31_622_400)
    for (const urlExpire of [0, -1, 1.5, Infinity, Number.NaN, MAX_URL_SECS + 1]) {
      expect(() => make({ urlExpire }), `${urlExpire}`).toThrow(
        expect.objectContaining({ code: 'improperly_configured', message: expect.stringContaining('urlExpire') }),
      )
    }
    expect(() => make({}, {}, { HOLDALL_URL_EXPIRE: '31622401' })).toThrow(/HOLDALL_URL_EXPIRE/)
  })
})

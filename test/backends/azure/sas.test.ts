import { createHmac } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import type { DelegationKey } from '../../../src/backends/azure/credentials/delegation-key.ts'
import {
  accountSas,
  type BlobSasOptions,
  delegationSas,
  givenSas,
  SAS_VERSION,
  sasEnd,
  serviceSas,
} from '../../../src/backends/azure/sas.ts'
import { SharedKey } from '../../../src/backends/azure/sign.ts'
import { drain } from '../../../src/core/body.ts'
import { bytesContent } from '../../../src/core/content.ts'
import { sharedContext } from '../../../src/remote/aftermath.ts'
import { both, ENDPOINTS } from './ground.ts'

const SECRET = Buffer.from('a secret of some length, for tests only').toString('base64')
const KEY = new SharedKey('anaccount', SECRET)
const expiresAt = new Date('2026-05-06T07:08:09.999Z')
const BASE: BlobSasOptions = { container: 'media', blob: 'a.txt', permissions: 'r', expiresAt }
const DELEGATION: DelegationKey = {
  objectId: 'object',
  tenantId: 'tenant',
  startsAt: new Date('2026-05-06T00:00:00Z'),
  expiresAt: new Date('2026-05-07T00:00:00Z'),
  service: 'b',
  version: '2021-12-02',
  value: SECRET,
}

function parametersOf(query: string): Record<string, string> {
  return Object.fromEntries(new URLSearchParams(query))
}

describe('a SAS', () => {
  test('says no more than it must: no start time, whole seconds (az-4)', () => {
    const { sig, ...rest } = parametersOf(serviceSas(KEY, BASE))
    expect(rest).toEqual({ sv: SAS_VERSION, se: '2026-05-06T07:08:09Z', sr: 'b', sp: 'r' })
    expect(sig).toMatch(/^[A-Za-z0-9+/]{43}=$/)
    expect(parametersOf(delegationSas('anaccount', DELEGATION, BASE))).not.toHaveProperty('st')
    expect(accountSas(KEY, { ...BASE, services: 'b', resourceTypes: 'o' })).not.toContain('st=')
  })

  test('has a start time when one is asked for', () => {
    const startsAt = new Date('2026-05-06T01:02:03.004Z')
    expect(parametersOf(serviceSas(KEY, { ...BASE, startsAt }))).toMatchObject({ st: '2026-05-06T01:02:03Z' })
  })

  test.each(['a%b', 'a%2Eb', 'a#b?c', 'a+b c', "!$&'()*,:;=@", 'ü/\u{1f600}'])(
    'signs the plain name, with the account once: %s (az-2)',
    blob => {
      const lines = ['r', '', '2026-05-06T07:08:09Z', `/blob/anaccount/media/${blob}`, '', '', '', SAS_VERSION, 'b']
      const text = [...lines, '', '', '', '', '', '', ''].join('\n')
      const sig = createHmac('sha256', Buffer.from(SECRET, 'base64')).update(text).digest('base64')
      expect(parametersOf(serviceSas(KEY, { ...BASE, blob })).sig).toBe(sig)
    },
  )

  test('is another one for a name that decodes to the same (az-2)', () => {
    expect(serviceSas(KEY, { ...BASE, blob: 'a%2Etxt' })).not.toBe(serviceSas(KEY, BASE))
  })

  test('encodes its values once, a blank as %20 and a plus as %2B', () => {
    const query = serviceSas(KEY, { ...BASE, contentDisposition: 'attachment; filename="a+b c.txt"' })
    expect(query).toContain('rscd=attachment%3B%20filename%3D%22a%2Bb%20c.txt%22')
    expect(query).not.toMatch(/[+ ]/)
  })

  test('lives no second less than was asked for', () => {
    expect(sasEnd(new Date('2026-01-01T00:00:00.001Z'), 1)).toEqual(new Date('2026-01-01T00:00:02Z'))
    expect(sasEnd(new Date('2026-01-01T00:00:00.000Z'), 1)).toEqual(new Date('2026-01-01T00:00:01Z'))
  })

  test('of a stored access policy needs neither letters nor an end', () => {
    const { sig, ...rest } = parametersOf(serviceSas(KEY, { container: 'media', identifier: 'policy' }))
    expect(rest).toEqual({ sv: SAS_VERSION, si: 'policy', sr: 'c' })
    expect(sig).toBeTruthy()
  })

  test.each<[Partial<BlobSasOptions>, RegExp]>([
    [{ permissions: 'rq' }, /^permissions: expected letters of 'racwdxtmeiy', got 'rq'$/],
    [{ permissions: 'l' }, /^permissions: /],
    [{ permissions: '' }, /^permissions: expected at least one letter$/],
    [{ expiresAt: undefined }, /^expiresAt: expected a date$/],
    [{ expiresAt: new Date(Number.NaN) }, /^expiresAt: expected a valid date/],
    [{ expiresAt: new Date('+010000-01-01T00:00:00Z') }, /^expiresAt: expected a valid date of at most the year 9999$/],
    [{ startsAt: new Date('2026-05-06T07:08:09.000Z') }, /^expiresAt: expected a time after startsAt$/],
    [{ version: '2018-03-28' }, /^version: expected 2018-11-09 or later$/],
    [{ version: 'newest' }, /^version: /],
    [{ version: '2019-12-12', encryptionScope: 'scope' }, /^encryptionScope: needs version 2020-12-06 or later$/],
    [{ protocol: 'http' as never }, /^protocol: expected 'https' or 'https,http'$/],
    [{ blob: undefined, permissions: 'r', snapshot: '2026' }, /^snapshot and versionId: expected with a blob$/],
    [{ contentType: 'a\nb' }, /^contentType: expected a text without control characters$/],
    [{ ip: '10.0.0.1\n' }, /^ip: /],
  ])('is refused for %o', (options, message) => {
    for (const make of [
      () => serviceSas(KEY, { ...BASE, ...options }),
      () => delegationSas('anaccount', DELEGATION, { ...BASE, ...options }),
    ]) {
      expect(make).toThrow(message)
      expect(make).toThrow(expect.objectContaining({ code: 'invalid_argument' }))
    }
  })
})

describe('a SAS of a delegation key', () => {
  const sas = (options: Partial<BlobSasOptions>) => delegationSas('anaccount', DELEGATION, { ...BASE, ...options })

  test('may end with the key and never later (az-5)', () => {
    expect(parametersOf(sas({ expiresAt: DELEGATION.expiresAt }))).toMatchObject({
      ...{ se: '2026-05-07T00:00:00Z', skoid: 'object', sktid: 'tenant', sks: 'b', skv: '2021-12-02' },
      ...{ skt: '2026-05-06T00:00:00Z', ske: '2026-05-07T00:00:00Z' },
    })
    const later = new Date(DELEGATION.expiresAt.getTime() + 1000)
    expect(() => sas({ expiresAt: later })).toThrow(/^expiresAt: the delegation key ends at 2026-05-07T00:00:00Z$/)
  })

  test('never starts before the key', () => {
    const startsAt = new Date(DELEGATION.startsAt.getTime() - 1000)
    expect(() => sas({ startsAt })).toThrow(/^startsAt: the delegation key starts at 2026-05-06T00:00:00Z$/)
  })

  test('takes no stored access policy', () => {
    expect(() => sas({ identifier: 'policy' })).toThrow(/^identifier: /)
  })
})

describe('a SAS that the user gives (az-3)', () => {
  const SAS = 'sv=2021-12-02&se=2026-01-01T00%3A00%3A00Z&sr=c&sp=rl&sig=a%2Bb%2fc+d/e%3D='

  test.each([SAS, `?${SAS}`, ` ${SAS} `, ` ?${SAS}\n`])('is kept byte for byte: %j', text => {
    expect(givenSas(text, 'AZURE_SAS_TOKEN')).toBe(SAS)
  })

  test('may begin with its signature', () => {
    expect(givenSas('sig=a&sv=b', 'AZURE_SAS_TOKEN')).toBe('sig=a&sv=b')
  })

  test.each([
    '',
    '?',
    'sv=secret',
    'sv=secret&sig=',
    'sv=secret&sig=secret x',
    `https://a.example/c?${SAS}`,
    'asig=secret',
    'sig=secret#x',
    'sig=secretü',
  ])('is refused without being shown: %j', text => {
    expect(() => givenSas(text, 'AZURE_SAS_TOKEN')).toThrow(
      /^AZURE_SAS_TOKEN must be a SAS token, as in sv=\.\.\.&sp=r&sig=\.\.\., without the URL before it$/,
    )
  })

  test.each(ENDPOINTS)('stands byte for byte in every request to %s, behind our own parameters', async endpoint => {
    const { driver, http } = both(endpoint, `?${SAS}`)
    const ctx = sharedContext()
    const names = ['a%2Eb+c d', 'ü?#']
    await driver.write(names[0]!, bytesContent(Buffer.from('abcdefghi')), {}, ctx)
    await driver.stat(names[0]!, ctx)
    await drain(await driver.read(names[0]!, {}, ctx))
    await driver.list('a+b', { recursive: false }, ctx)
    await driver.copy(names[0]!, names[1]!, {}, ctx)
    await driver.delete(names[0]!, ctx)
    await driver.deleteMany(names, ctx)
    expect(http.sent.length).toBeGreaterThan(9)
    for (const { url, headers } of http.sent) {
      expect(url.endsWith(`?${SAS}`) || url.endsWith(`&${SAS}`), url).toBe(true)
      expect(url.split(SAS).length).toBe(2)
      expect(headers).not.toHaveProperty('authorization')
    }
    const copies = http.sent.filter(({ headers }) => headers['x-ms-copy-source'] !== undefined)
    expect(copies.map(({ headers }) => headers['x-ms-copy-source'])).toEqual([
      `${endpoint}/media/a%252Eb%2Bc%20d?${SAS}`,
    ])
    const batch = http.sent.at(-1)!.body.toString()
    expect(batch.split(`?${SAS} HTTP/1.1\r\n`).length).toBe(names.length + 1)
  })
})

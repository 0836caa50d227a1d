import { describe, expect, test } from 'vitest'
import {
  type DelegationKey,
  DelegationKeys,
  keyInfo,
  MAX_DELEGATION_SECS,
  parseDelegationKey,
} from '../../../src/backends/azure/credentials/delegation-key.ts'
import { sasEnd } from '../../../src/backends/azure/sas.ts'
import { parseXml } from '../../../src/remote/xml.ts'

const START = Date.parse('2026-01-01T00:00:00.500Z')
const DAY_SECS = 86_400

interface Load {
  readonly startsAt: Date
  readonly expiresAt: Date
  give(key?: Partial<DelegationKey>): void
  fail(error: Error): void
}

/** Keys whose loads the test answers. */
function ground({ answer = true }: { readonly answer?: boolean } = {}) {
  const clock = { ms: START }
  const loads: Load[] = []
  const keys = new DelegationKeys({
    now: () => clock.ms,
    load: (startsAt, expiresAt) =>
      new Promise((resolve, reject) => {
        const whole = {
          objectId: 'o',
          tenantId: 't',
          startsAt,
          expiresAt,
          service: 'b',
          version: 'v',
          value: 'c2VjcmV0',
        }
        const give = (key: Partial<DelegationKey> = {}): void => resolve({ ...whole, ...key })
        loads.push({ startsAt, expiresAt, give, fail: reject })
        if (answer) give()
      }),
  })
  const get = (lifeSecs: number, signal?: AbortSignal) => keys.get(new Date(clock.ms + lifeSecs * 1000), signal)
  return { clock, loads, keys, get }
}

describe('a delegation key', () => {
  test('starts 15 minutes back and ends less than 7 days after that, in whole seconds (az-4)', async () => {
    const { loads, get } = ground()
    await get(60)
    expect(loads[0]!.startsAt).toEqual(new Date('2025-12-31T23:45:00Z'))
    expect(loads[0]!.expiresAt).toEqual(new Date('2026-01-07T23:44:00Z'))
  })

  test('is loaded once for many calls, at once and later', async () => {
    const { loads, clock, get } = ground()
    const [first, ...others] = await Promise.all(Array.from({ length: 50 }, (_, at) => get(60 + at)))
    expect(others.every(key => key === first)).toBe(true)
    clock.ms += 3 * DAY_SECS * 1000
    expect(await get(3 * DAY_SECS)).toBe(first)
    expect(loads.length).toBe(1)
  })

  test('is replaced once when a wanted end is later than its own (az-5)', async () => {
    const { loads, clock, get } = ground()
    const first = await get(60)
    clock.ms += DAY_SECS * 1000
    const wanted = await Promise.all([get(6.5 * DAY_SECS), get(6.5 * DAY_SECS)])
    expect(wanted[0]).toBe(wanted[1])
    expect(wanted[0]).not.toBe(first)
    expect(await get(60)).toBe(wanted[0])
    expect(loads.length).toBe(2)
  })

  test('is loaded again where a load that was under way gives one that ends too early', async () => {
    const { loads, clock, get } = ground({ answer: false })
    const short = get(60)
    clock.ms += 3_600_000
    const long = get(MAX_DELEGATION_SECS)
    loads[0]!.give()
    const first = await short
    await expect.poll(() => loads.length).toBe(2)
    loads[1]!.give()
    expect((await long).expiresAt.getTime()).toBeGreaterThan(first.expiresAt.getTime())
  })

  test('is not used once it has ended (az-5)', async () => {
    const { loads, clock, get } = ground()
    const first = await get(60)
    clock.ms = first.expiresAt.getTime()
    const second = await get(1)
    expect(second).not.toBe(first)
    expect(second.expiresAt.getTime()).toBeGreaterThan(clock.ms + 1000)
    expect(loads.length).toBe(2)
  })

  test('is renewed before it ends, while calls still get the old one', async () => {
    const { loads, clock, get } = ground()
    const first = await get(60)
    clock.ms = first.expiresAt.getTime() - 4 * 60_000
    expect(await get(60)).toBe(first)
    expect(loads.length).toBe(2)
    expect(await get(60)).not.toBe(first)
  })

  test('is kept while a load of a longer one fails', async () => {
    const { loads, clock, get } = ground({ answer: false })
    const waiting = get(60)
    loads[0]!.give()
    const first = await waiting
    clock.ms += DAY_SECS * 1000
    const long = get(6.5 * DAY_SECS)
    loads[1]!.fail(new Error('down'))
    await expect(long).rejects.toThrow('down')
    expect(await get(60)).toBe(first)
    expect(loads.length).toBe(2)
  })

  test('counts by the end that the service gave, and a life beyond it is refused after one more load (az-5)', async () => {
    const { loads, get, clock } = ground({ answer: false })
    const end = new Date(START + 3_600_000)
    const refused = get(2 * 3600)
    loads[0]!.give({ expiresAt: end })
    await expect.poll(() => loads.length).toBe(2)
    loads[1]!.give({ expiresAt: end })
    await expect(refused).rejects.toMatchObject({
      code: 'invalid_argument',
      message: `a signed URL cannot live until ${new Date(clock.ms + 7_200_000).toISOString()}: the service issued a delegation key until ${end.toISOString()}`,
    })
    expect((await get(1800)).expiresAt).toEqual(end)
    expect(loads.length).toBe(2)
  })

  test('is not asked for when no key can live so long (az-5)', async () => {
    const { loads, get, keys } = ground()
    await expect(get(MAX_DELEGATION_SECS + 4)).rejects.toMatchObject({ code: 'invalid_argument' })
    await expect(get(7 * DAY_SECS)).rejects.toThrow(/7 days at most, which leaves 603838 seconds$/)
    await expect(keys.get(new Date(Number.NaN))).rejects.toMatchObject({ code: 'invalid_argument' })
    expect(loads.length).toBe(0)
  })

  test.each([0, 1, 500, 999])('covers the longest life at %i ms of a second, rounded up', async fraction => {
    const { clock, keys } = ground()
    clock.ms = Date.parse('2026-01-01T00:00:00Z') + fraction
    const until = sasEnd(new Date(clock.ms), MAX_DELEGATION_SECS)
    expect((await keys.get(until)).expiresAt.getTime()).toBeGreaterThanOrEqual(until.getTime())
  })

  test('is loaded again after a failure', async () => {
    const { loads, get } = ground({ answer: false })
    const failed = get(60)
    loads[0]!.fail(new Error('down'))
    await expect(failed).rejects.toThrow('down')
    const good = get(60)
    loads[1]!.give()
    expect(await good).toBeTruthy()
  })

  test('is not waited for by a call that is aborted, and comes to the others', async () => {
    const { loads, get } = ground({ answer: false })
    const aborter = new AbortController()
    const aborted = get(60, aborter.signal)
    const other = get(60)
    aborter.abort(new Error('enough'))
    await expect(aborted).rejects.toThrow('enough')
    loads[0]!.give()
    expect(await other).toBeTruthy()
    expect(loads.length).toBe(1)
  })
})

const FIELDS = {
  SignedOid: 'object',
  SignedTid: 'tenant',
  SignedStart: '2026-01-01T00:00:00Z',
  SignedExpiry: '2026-01-07T00:00:00Z',
  SignedService: 'b',
  SignedVersion: '2021-12-02',
  Value: 'c2VjcmV0',
}

function answerOf(fields: Record<string, string>, root = 'UserDelegationKey'): string {
  const children = Object.entries(fields).map(([name, text]) => `<${name}>${text}</${name}>`)
  return `\ufeff<?xml version="1.0" encoding="utf-8"?><${root}>${children.join('')}</${root}>`
}

describe('an answer with a key', () => {
  test('is read', async () => {
    expect(parseDelegationKey(await parseXml(answerOf(FIELDS)))).toEqual({
      ...{ objectId: 'object', tenantId: 'tenant', service: 'b', version: '2021-12-02', value: 'c2VjcmV0' },
      ...{ startsAt: new Date('2026-01-01T00:00:00Z'), expiresAt: new Date('2026-01-07T00:00:00Z') },
    })
  })

  test.each([
    ...Object.keys(FIELDS).map(name => [name, { [name]: ' ' }, undefined] as const),
    ['SignedStart', { SignedStart: 'soon' }, undefined] as const,
    ['SignedExpiry', { SignedExpiry: '2026-01-01T00:00:00Z' }, undefined] as const,
    ['SignedOid', {}, 'Error'] as const,
  ])('that lacks a valid %s is no key, and its text is not shown: %o %s', async (name, fields, root) => {
    const node = await parseXml(answerOf({ ...FIELDS, ...fields }, root))
    const message = `The service answered with a delegation key without a valid ${name}.`
    expect(() => parseDelegationKey(node)).toThrow(expect.objectContaining({ code: 'unavailable', message }))
  })

  test('is asked for with whole seconds', () => {
    const text = keyInfo(new Date('2026-01-01T00:00:00.999Z'), new Date('2026-01-07T00:00:00Z'))
    expect(text).toContain('<Start>2026-01-01T00:00:00Z</Start><Expiry>2026-01-07T00:00:00Z</Expiry>')
  })
})

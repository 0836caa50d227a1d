import fc from 'fast-check'
import { expect, test } from 'vitest'
import { checkConditions, requestedPart } from '../../src/serve/conditions.ts'

const STAT = { size: 10, etag: 'e', modifiedAt: new Date('2024-02-29T12:00:00.500Z') }
const MODIFIED = 'Thu, 29 Feb 2024 12:00:00 GMT'
const part = (range: string, ifRange?: string) =>
  requestedPart(new Headers({ range, ...(ifRange !== undefined && { 'if-range': ifRange }) }), STAT)

test('a range is digits, a hyphen and digits', () => {
  for (const [range, expected] of [
    ['bytes=2-4', { start: 2, end: 5 }],
    ['BYTES=2-4', { start: 2, end: 5 }],
    ['bytes=0002-', { start: 2, end: 10 }],
    ['bytes=-3', { start: 7, end: 10 }],
    [`bytes=2-${'9'.repeat(100_000)}`, { start: 2, end: 10 }],
    [`bytes=-${'9'.repeat(100_000)}`, { start: 0, end: 10 }],
    [`bytes=${'9'.repeat(100_000)}-`, 'unsatisfiable'],
    ['bytes=10-', 'unsatisfiable'],
    ['bytes=-0', 'unsatisfiable'],
  ] as const) {
    expect(part(range), range.slice(0, 20)).toEqual(expected)
  }
  const none = [
    'bytes=-',
    'bytes=4-2',
    'bytes = 2-4',
    'bytes=2 - 4',
    'bytes=1-2,4-5',
    'bytes=+1-2',
    'bytes=1.0-2',
    'bytes=0x1-2',
  ]
  for (const range of [...none, `bytes=${' '.repeat(100_000)}x`, `bytes=${'1'.repeat(100_000)}`]) {
    expect(part(range), range.slice(0, 20)).toBeUndefined()
  }
})

test('a date is one of the three forms of HTTP, and only those', () => {
  for (const date of [MODIFIED, 'Thursday, 29-Feb-24 12:00:00 GMT', 'Thu Feb 29 12:00:00 2024']) {
    expect(part('bytes=2-4', date), date).toEqual({ start: 2, end: 5 })
    expect(checkConditions(new Headers({ 'if-modified-since': date }), STAT), date).toBe(304)
  }
  const wrong = [
    '2024-02-29T12:00:00Z',
    '1709208000000',
    'Thu, 29 Feb 2024 12:00:00',
    'Thu, 29 Feb 2024 12:00:00 GMT+1 GMT',
    'Thu, (x) 29 Feb 2024 12:00:00 GMT',
    'Thu, 29 Feb 2024 12:00:00 +0000 GMT',
    'Thu, 99 Feb 2024 12:00:00 GMT',
    `Thu, ${' '.repeat(100_000)}GMT`,
    `Thu, ${'('.repeat(100_000)} GMT`,
  ]
  for (const date of wrong) {
    expect(part('bytes=2-4', date), date.slice(0, 40)).toBeUndefined()
    expect(checkConditions(new Headers({ 'if-modified-since': date }), STAT), date.slice(0, 40)).toBe(200)
  }
})

test('an entity tag is found in a list of any length, and nowhere else', () => {
  const many = '"x", '.repeat(20_000)
  for (const [list, status] of [
    [`${many}"e"`, 304],
    [`${many}W/"e"`, 304],
    [many, 200],
    ['"'.repeat(99_999), 200],
    ['W/'.repeat(50_000), 200],
    [`"${'e'.repeat(100_000)}`, 200],
    ['e', 200],
    ['"E"', 200],
    ['*', 304],
    ['"*"', 200],
  ] as const) {
    expect(checkConditions(new Headers({ 'if-none-match': list }), STAT), list.slice(0, 20)).toBe(status)
  }
})

test('a weak tag of a file proves no bytes', () => {
  const weak = { ...STAT, etag: 'W/"e"' }
  for (const tag of ['"e"', 'W/"e"']) {
    expect(checkConditions(new Headers({ 'if-match': tag }), weak)).toBe(412)
    expect(checkConditions(new Headers({ 'if-none-match': tag }), weak)).toBe(304)
    expect(requestedPart(new Headers({ range: 'bytes=2-4', 'if-range': tag }), weak)).toBeUndefined()
  }
})

test('conditions and ranges of any text are answered', () => {
  const value = fc.string({ unit: fc.constantFrom(...'bytes=0123456789-, \t"W/*GMT:'), maxLength: 30 })
  const names = fc.constantFrom(
    'range',
    'if-range',
    'if-match',
    'if-none-match',
    'if-modified-since',
    'if-unmodified-since',
  )
  fc.assert(
    fc.property(fc.array(fc.tuple(names, value), { maxLength: 4 }), entries => {
      const headers = new Headers(entries)
      expect([200, 304, 412]).toContain(checkConditions(headers, STAT))
      const found = requestedPart(headers, STAT)
      if (typeof found !== 'object') return
      expect(found.start).toBeGreaterThanOrEqual(0)
      expect(found.end).toBeGreaterThan(found.start)
      expect(found.end).toBeLessThanOrEqual(STAT.size)
    }),
    { numRuns: 5000 },
  )
})

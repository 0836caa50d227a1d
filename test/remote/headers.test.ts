import { describe, expect, test } from 'vitest'
import { isWeakEtag } from '../../src/core/etags.ts'
import { dateOf, etagOf, headerTextOf, sizeOf, statOfHeaders } from '../../src/remote/headers.ts'

const NOV_6 = '1994-11-06T08:49:37.000Z'

describe('dateOf', () => {
  test.each([
    ['Sun, 06 Nov 1994 08:49:37 GMT', NOV_6],
    ['Sunday, 06-Nov-94 08:49:37 GMT', NOV_6],
    ['Sun Nov  6 08:49:37 1994', NOV_6],
    ['Sun Nov 06 08:49:37 1994', NOV_6],
    ['06 Nov 1994 08:49:37 GMT', NOV_6],
    ['Sun, 6 Nov 1994 08:49:37 UTC', NOV_6],
    ['Sun, 06 Nov 1994 10:49:37 +0200', NOV_6],
    ['Sun, 06 Nov 1994 08:49:37', NOV_6],
    ['1994-11-06T08:49:37Z', NOV_6],
    ['1994-11-06T08:49:37.000Z', NOV_6],
    ['1994-11-06T08:49:37', NOV_6],
    ['1994-11-06T09:49:37+01:00', NOV_6],
    [' 1994-11-06 08:49:37 ', NOV_6],
    ['1994-11-06T08:49:37.1234567Z', '1994-11-06T08:49:37.123Z'],
    ['1994-11-06', '1994-11-06T00:00:00.000Z'],
    ['Thu, 31 Dec 1998 23:59:60 GMT', '1999-01-01T00:00:00.000Z'],
    ['Thursday, 01-Jan-70 00:00:00 GMT', '2070-01-01T00:00:00.000Z'],
  ])('%j is %s', (text, time) => {
    expect(dateOf(text)?.toISOString()).toBe(time)
  })

  test('a year of two digits is at most 50 years ahead', () => {
    const now = new Date().getUTCFullYear()
    const text = (year: number) => `Sunday, 06-Nov-${String(year % 100).padStart(2, '0')} 08:49:37 GMT`
    expect(dateOf(text(now))?.getUTCFullYear()).toBe(now)
    expect(dateOf(text(now - 5))?.getUTCFullYear()).toBe(now - 5)
    expect(dateOf(text(now + 51))?.getUTCFullYear()).toBe(now - 49)
  })

  test.each([
    '',
    'yesterday',
    '0',
    '784111777',
    'Sun, 31 Feb 1994 08:49:37 GMT',
    'Sun, 06 Nov 1994 25:49:37 GMT',
    'Sun, 06 Foo 1994 08:49:37 GMT',
    'Sun, 06 Nov 1994 08:49:37 ABC',
    '1994-13-06T08:49:37Z',
    '1994-11-06T08:49:37Z'.repeat(1000),
    ' '.repeat(50_000),
  ])('%j is none', text => {
    expect(dateOf(text)).toBeUndefined()
  })

  test('a missing or repeated header is none', () => {
    expect(dateOf(undefined)).toBeUndefined()
    expect(dateOf(['Sun, 06 Nov 1994 08:49:37 GMT'])).toBeUndefined()
  })
})

describe('etagOf', () => {
  test.each([
    ['"abc"', 'abc'],
    ['abc', 'abc'],
    [' "abc" ', 'abc'],
    ['"a"b"', '"a"b"'],
    ['W/"abc"', 'W/"abc"'],
    ['w/"abc"', 'W/"abc"'],
    ['W/abc', 'W/"abc"'],
    ['""', undefined],
    ['W/""', undefined],
    ['', undefined],
    ['"a\u0000b"', undefined],
    ['"a\nb"', undefined],
    [undefined, undefined],
  ])('%j is %j', (text, etag) => {
    expect(etagOf(text)).toBe(etag)
  })

  test('tells weak ones', () => {
    expect([etagOf('W/"a"')!, etagOf('"a"')!].map(isWeakEtag)).toEqual([true, false])
  })
})

describe('sizeOf', () => {
  test.each([
    [{ 'content-length': '5' }, 5],
    [{ 'content-length': '0' }, 0],
    [{ 'content-length': '2', 'content-range': 'bytes 0-1/7' }, 7],
    [{ 'content-range': 'bytes */7' }, 7],
    [{ 'content-length': '2', 'content-range': 'bytes 0-1/*' }, undefined],
    [{}, undefined],
    [{ 'content-length': '-1' }, undefined],
    [{ 'content-length': '5, 5' }, undefined],
    [{ 'content-length': '0x10' }, undefined],
    [{ 'content-length': '9'.repeat(30) }, undefined],
  ])('%j is %s', (headers, size) => {
    expect(sizeOf(headers as Record<string, string>)).toBe(size)
  })
})

test('one odd header takes no other one with it', () => {
  const headers = {
    'content-length': '5',
    'last-modified': 'the other day',
    etag: '"e"',
    'content-type': 'text/plain\u0001',
    'cache-control': 'no-cache',
  }
  expect(statOfHeaders(headers)).toMatchObject({
    size: 5,
    modifiedAt: undefined,
    etag: 'e',
    contentType: undefined,
    cacheControl: 'no-cache',
  })
  expect(headerTextOf(['a', 'b'])).toBeUndefined()
  expect(headerTextOf('a\tb')).toBe('a\tb')
})

test('a zone before or behind UTC is taken off the time', () => {
  expect(dateOf('Fri, 02 Jan 2026 03:04:05 -0500')).toEqual(new Date('2026-01-02T08:04:05Z'))
  expect(dateOf('Fri, 02 Jan 2026 03:04:05 +01:30')).toEqual(new Date('2026-01-02T01:34:05Z'))
})

import { expect, test } from 'vitest'
import { CODINGS, refuses, wantedCodings } from '../../src/serve/accept-encoding.ts'

const wanted = (header: string | null): string => wantedCodings(header, CODINGS).join(' ')

test.each([
  // What browsers and tools send.
  ['gzip, deflate, br, zstd', 'br zstd gzip'],
  ['gzip, deflate, br', 'br gzip'],
  ['gzip,deflate', 'gzip'],
  ['deflate, gzip, br, zstd', 'br zstd gzip'],
  ['identity;q=1, *;q=0', ''],
  ['identity', ''],
  ['', ''],
  [null, ''],
  // Weights, of which the highest wins, and equals in our order.
  ['br;q=0.2, gzip;q=0.9, zstd;q=0.5', 'gzip zstd br'],
  ['br;q=0.5, gzip;q=0.5, zstd;q=0.5', 'br zstd gzip'],
  ['gzip;q=1.000, br;q=0.999', 'gzip br'],
  ['gzip;q=1., br;q=0.', 'gzip'],
  ['br;q=0, gzip', 'gzip'],
  ['br;q=0.000, gzip;q=0.001', 'gzip'],
  // A file without a coding is wanted less than what is named, unless it is named itself.
  ['identity, gzip;q=0.5', ''],
  ['identity;q=0.5, gzip;q=0.5, br;q=0.1', 'gzip'],
  ['identity;q=0.2, gzip;q=0.5', 'gzip'],
  ['identity;q=0, gzip;q=0.001', 'gzip'],
  // The star stands for what is not named, also for a file without a coding.
  ['*', 'br zstd gzip'],
  ['*;q=0', ''],
  ['gzip, *;q=0', 'gzip'],
  ['gzip;q=0, *', 'br zstd'],
  ['gzip;q=0.5, *;q=0.8', 'br zstd'],
  ['gzip;q=0.5, *;q=0.8, identity;q=0', 'br zstd gzip'],
  // Letter case, the old name, blanks and empty parts.
  ['GZIP', 'gzip'],
  ['Br;Q=0.5', 'br'],
  ['x-gzip', 'gzip'],
  ['X-GZip;q=0.5, br;q=0.4', 'gzip br'],
  ['x-br, x-zstd', ''],
  [' \tgzip \t;\t q=0.5\t , ,, br ;q=0.4,', 'gzip br'],
  // Malformed parts are ignored, the others count.
  ['gzip;q=2, br', 'br'],
  ['gzip;q=1.5', ''],
  ['gzip;q=-1', ''],
  ['gzip;q=', ''],
  ['gzip;q', ''],
  ['gzip;', ''],
  ['gzip;q=0.1234', ''],
  ['gzip;q=.5', ''],
  ['gzip;q= 0.5', ''],
  ['gzip;q =0.5', ''],
  ['gzip;q=0,5', ''],
  ['gzip;q="1"', ''],
  ['gzip;level=9', ''],
  ['gzip;q=0.5;q=1', ''],
  ['gzip br', ''],
  ['"gzip"', ''],
  ['gzip\u00a0', ''],
  ['gzip/1, zstd', 'zstd'],
  ['not-gzip, gzipped, bro, brr', ''],
  ['gzip;q=NaN, gzip;q=Infinity, gzip;q=1e0', ''],
  // Of a coding that comes twice the lower weight counts.
  ['gzip, gzip;q=0', ''],
  ['gzip;q=0, x-gzip', ''],
  ['__proto__, constructor, br', 'br'],
])('of %j are wanted: %s', (header, codings) => {
  expect(wanted(header)).toBe(codings)
})

test('only codings that are offered are wanted', () => {
  expect(wantedCodings('gzip, br, zstd', ['gzip', 'zstd'])).toEqual(['zstd', 'gzip'])
  expect(wantedCodings('gzip, br, zstd', [])).toEqual([])
})

test.each([
  [null, false],
  ['gzip', false],
  ['*', false],
  ['br;q=0, *;q=0.1', false],
  ['', true],
  ['br', true],
  ['identity', true],
  ['gzip;q=0', true],
  ['*;q=0', true],
  ['gzip;q=0, *', true],
])('%j refuses gzip: %s', (header, isRefused) => {
  expect(refuses(header, 'gzip')).toBe(isRefused)
})

test('long headers are read to their end', () => {
  expect(wanted(`${'a;q=0.1, '.repeat(100_000)}br`)).toBe('br')
  expect(wanted(`${','.repeat(1_000_000)}gzip`)).toBe('gzip')
  expect(wanted(`gzip${' '.repeat(1_000_000)}x, br`)).toBe('br')
})

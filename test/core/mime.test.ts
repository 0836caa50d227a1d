import { expect, test } from 'vitest'
import { guessType, packedType } from '../../src/core/mime.ts'

test.each([
  ['a/b.bin', 'application/octet-stream', undefined],
  ['a.b/c.JPG', 'image/jpeg', undefined],
  ['a.css.gz', 'text/css', 'gzip'],
  ['dir\\logo.svgz', 'image/svg+xml', 'gzip'],
  ['x.js.map.br', 'application/json', 'br'],
  ['x.HTML.GZ', 'text/html', 'gzip'],
  ['x.svg.zst', 'image/svg+xml', 'zstd'],
  ['x.css.bz2', 'application/x-bzip2', undefined],
  ['x.css.Z', 'application/x-compress', undefined],
  ['x.TGZ', 'application/gzip', undefined],
  ['x.tar.gz', 'application/gzip', undefined],
  ['dump.sql.gz', 'application/gzip', undefined],
  ['rows.csv.gz', 'application/gzip', undefined],
  ['rows.json.gz', 'application/gzip', undefined],
  ['x.gz', 'application/gzip', undefined],
  ['x..gz', 'application/gzip', undefined],
  ['x.tar.xz', 'application/x-xz', undefined],
  ['x.tar.zst', 'application/zstd', undefined],
  ['x.tbz2', 'application/x-bzip2', undefined],
  ['x.tar', 'application/x-tar', undefined],
  ['.gz', undefined, undefined],
  ['x.Z', 'application/x-compress', undefined],
  ['x.z', undefined, undefined],
  ['x.mjs', 'text/javascript', undefined],
  ['.css', undefined, undefined],
  ['..css', undefined, undefined],
  ['.a.css', 'text/css', undefined],
  ['css', undefined, undefined],
  ['a.css/b', undefined, undefined],
  ['a.', undefined, undefined],
  ['', undefined, undefined],
  ['x.constructor', undefined, undefined],
  ['x.toString', undefined, undefined],
  ['x.valueOf.gz', 'application/gzip', undefined],
  ['x.__proto__', undefined, undefined],
])('guesses the type of %j', (name, contentType, contentEncoding) => {
  expect(guessType(name)).toEqual({
    ...(contentType === undefined ? {} : { contentType }),
    ...(contentEncoding === undefined ? {} : { contentEncoding }),
  })
})

test.each([
  ['a.css.gz', 'application/gzip'],
  ['a.svgz', 'application/gzip'],
  ['d.gz/a.css', undefined],
  ['a.zip', undefined],
  ['.gz', undefined],
])('knows what packed %j', (name, type) => {
  expect(packedType(name)).toBe(type)
})

import { expect, test } from 'vitest'
import { guessType } from '../../src/core/mime.ts'

test.each([
  ['a/b.bin', 'application/octet-stream', undefined],
  ['a.b/c.JPG', 'image/jpeg', undefined],
  ['a.css.gz', 'text/css', 'gzip'],
  ['dir\\logo.svgz', 'image/svg+xml', 'gzip'],
  ['x.TGZ', 'application/x-tar', 'gzip'],
  ['x.Z', undefined, 'compress'],
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
  ['x.valueOf.gz', undefined, 'gzip'],
])('guesses the type of %j', (name, contentType, contentEncoding) => {
  expect(guessType(name)).toEqual({
    ...(contentType === undefined ? {} : { contentType }),
    ...(contentEncoding === undefined ? {} : { contentEncoding }),
  })
})

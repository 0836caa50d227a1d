import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { bytesText, parseDisposition, parseHeaderParams } from '../../src/uploads/header-params.ts'

const latin1 = (text: string): string => Buffer.from(text).toString('latin1')

describe('a header with parameters', () => {
  test.each<[header: string, value: string, params: Record<string, string>]>([
    ['multipart/form-data; boundary=abc', 'multipart/form-data', { boundary: 'abc' }],
    ['Multipart/Form-Data;BOUNDARY="a; b=c"', 'multipart/form-data', { boundary: 'a; b=c' }],
    ['form-data', 'form-data', {}],
    ['form-data; ; flag; name = "x" ; name=second', 'form-data', { name: 'x' }],
    ['form-data; name="a\\"b\\\\c\\d"', 'form-data', { name: 'a"b\\c\\d' }],
    ['form-data; name="a"junk; filename=b', 'form-data', { name: 'a', filename: 'b' }],
    ['form-data; __proto__=x; constructor=y', 'form-data', { ['__proto__']: 'x', constructor: 'y' }],
    ['', '', {}],
  ])('%s', (header, value, params) => {
    const parsed = parseHeaderParams(header)
    expect([parsed?.value, [...(parsed?.params ?? [])]]).toEqual([value, Object.entries(params)])
  })

  test('with a quote that is not closed is none', () => {
    expect(parseHeaderParams('form-data; name="abc')).toBeUndefined()
    expect(parseHeaderParams('form-data; name="abc\\"')).toBeUndefined()
  })

  const text = fc
    .array(fc.constantFrom('a', ' ', '"', '\\', ';', '=', 'é', '日', '%', '22', '%0a', "'", '*'), { maxLength: 12 })
    .map(parts => parts.join(''))

  test('has the name that was quoted into it', () => {
    fc.assert(
      fc.property(text, text, (name, filename) => {
        const quoted = (text: string): string => latin1(text.toWellFormed()).replace(/["\\]/g, char => `\\${char}`)
        const parsed = parseDisposition(`form-data; name="${quoted(name)}"; filename="${quoted(filename)}"`)
        const decoded = (text: string): string =>
          text.toWellFormed().replace(/%0A/gi, '\n').replace(/%0D/gi, '\r').replace(/%22/g, '"')
        expect(parsed).toEqual({ name: decoded(name), filename: decoded(filename) })
      }),
    )
  })
})

describe('a Content-Disposition', () => {
  test.each<[header: string, filename: string | undefined]>([
    [`form-data; name="a"`, undefined],
    [`form-data; name="a"; filename=""`, ''],
    [`form-data; name="a"; filename="${latin1('naïve.png')}"`, 'naïve.png'],
    [`form-data; name="a"; filename="na\xefve.png"`, 'naïve.png'],
    [`form-data; name="a"; filename="x"; filename*=utf-8''na%C3%AFve.png`, 'naïve.png'],
    [`form-data; name="a"; filename="x"; filename*=ISO-8859-1'en'na%EFve.png`, 'naïve.png'],
    // What cannot be decoded is as if it were not there.
    [`form-data; name="a"; filename="x"; filename*=UTF-8''%FF`, 'x'],
    [`form-data; name="a"; filename="x"; filename*=UTF-8''%4`, 'x'],
    [`form-data; name="a"; filename="x"; filename*=UTF-16''a`, 'x'],
    [`form-data; name="a"; filename="x"; filename*=nothing`, 'x'],
    [`form-data; name="a"; filename*="UTF-8''it's.png"`, "it's.png"],
  ])('%s', (header, filename) => {
    expect(parseDisposition(header)).toEqual({ name: 'a', filename })
  })

  test.each(['', 'attachment; name="a"', 'form-data', 'form-data; filename="a"', 'form-data; name="a'])(
    'without a name of a field is none: %s',
    header => expect(parseDisposition(header)).toBeUndefined(),
  )
})

test('text that was decoded before stays', () => {
  expect(bytesText('日本.png')).toBe('日本.png')
  expect(bytesText('é.png')).toBe('é.png')
  expect(bytesText(latin1('日本.png'))).toBe('日本.png')
})

import { describe, expect, it } from 'vitest'
import { asciiDisposition, contentDisposition } from '../../src/core/disposition.ts'

describe('asciiDisposition', () => {
  it.each([
    'attachment',
    'inline; filename="a b.txt"',
    'attachment; filename=a.txt; size=3',
    `attachment; filename*=UTF-8''%e2%82%ac.txt`,
    'form-data; name="x";',
    'anything in ASCII, well-formed or not "',
    '',
  ])('leaves %o as it is', text => {
    expect(asciiDisposition(text)).toBe(text)
  })

  it.each([
    ['attachment; filename="東京.pdf"', `attachment; filename="__.pdf"; filename*=UTF-8''%E6%9D%B1%E4%BA%AC.pdf`],
    ['attachment; filename="a–b.txt"', `attachment; filename="a_b.txt"; filename*=UTF-8''a%E2%80%93b.txt`],
    ['inline;filename=café.pdf', `inline; filename="caf_.pdf"; filename*=UTF-8''caf%C3%A9.pdf`],
    ['attachment; FileName="🙂"', `attachment; filename="_"; filename*=UTF-8''%F0%9F%99%82`],
    [
      `attachment; filename="ü (1)*'.txt"; size=3`,
      `attachment; filename="_ (1)*'.txt"; filename*=UTF-8''%C3%BC%20%281%29%2A%27.txt; size=3`,
    ],
    [
      'attachment; filename="a;\\"ü\\\\.txt"',
      `attachment; filename="a;\\"_\\\\.txt"; filename*=UTF-8''a%3B%22%C3%BC%5C.txt`,
    ],
  ])('writes %o in ASCII', (given, written) => {
    expect(asciiDisposition(given)).toBe(written)
  })

  it('keeps an extended form that is there', () => {
    expect(asciiDisposition(`attachment; filename="ü.txt"; filename*=UTF-8''u.txt`)).toBe(
      `attachment; filename="_.txt"; filename*=UTF-8''u.txt`,
    )
  })

  it.each([
    'é',
    'attachment; é',
    'attachment; filename; x=é',
    'attachment; filename="é',
    'attachment; file name=é',
    'attachment; filename="é\r\nx"',
    'attachment; filename="é\0"',
    'attachment; filename="\ud800"',
    `attachment; filename*=UTF-8''é`,
    '; filename=é',
  ])('refuses %o', text => {
    expect(() => asciiDisposition(text)).toThrow(expect.objectContaining({ code: 'invalid_argument' }))
  })

  it('gives text that URLs and headers take, whatever the name', () => {
    for (let code = 0x80; code < 0x3000; code++) {
      const text = asciiDisposition(
        `attachment; filename="${String.fromCodePoint(code, 0x1f600)}x"`.replace(/\p{Cc}/gu, 'é'),
      )
      expect(text).toMatch(/^[\x20-\x7e]+$/)
      expect(decodeURIComponent(text.split("UTF-8''")[1]!)).toMatch(/x$/)
    }
  })
})

it('contentDisposition gives the last part of a name', () => {
  expect(contentDisposition('inline', 'a/b c.txt')).toBe('inline; filename="b c.txt"')
  expect(contentDisposition('attachment', 'a/100%".txt')).toBe(
    `attachment; filename="100__.txt"; filename*=UTF-8''100%25%22.txt`,
  )
})

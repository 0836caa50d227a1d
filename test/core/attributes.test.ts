import { describe, expect, it } from 'vitest'
import { checkedAttributes } from '../../src/core/attributes.ts'
import type { FileAttributes } from '../../src/core/driver.ts'

const checked = (given: unknown): FileAttributes => checkedAttributes(given as FileAttributes)

describe('attributes', () => {
  it('lose blanks at their ends, and keep what a header can carry', () => {
    const given = { contentType: ' text/plain; charset=utf-8\t', contentDisposition: 'inline; filename="naïve ☃.txt"' }
    expect(checked(given)).toEqual({ ...given, contentType: 'text/plain; charset=utf-8', metadata: undefined })
    expect(checked({ cacheControl: undefined })).toEqual({ cacheControl: undefined, metadata: undefined })
  })

  it.each([
    ['contentType', 5, 'contentType: expected text, got number.'],
    ['contentType', 'text/plain\r\nx-evil: 1', 'characters that no header can carry'],
    ['contentType', 'text/plain; title=☃', 'contentType: expected ASCII'],
    ['cacheControl', 'max-age=1\0', 'characters that no header can carry'],
    ['contentLanguage', 'dé', 'contentLanguage: expected ASCII'],
    ['contentEncoding', null, 'contentEncoding: expected text, got null.'],
    ['contentDisposition', 'inline\x7f', 'characters that no header can carry'],
    ['contentDisposition', 'attachment; filename="\ud83d"', 'half of a surrogate pair'],
  ])('%s %j is refused', (name, value, text) => {
    const work = () => checked({ [name]: value })
    expect(work).toThrow(expect.objectContaining({ code: 'invalid_argument', outcome: 'not_applied' }))
    expect(work).toThrow(text)
    expect(work).toThrow(name)
  })
})

describe('metadata', () => {
  it('has names in lower case and any Unicode text as values', () => {
    const metadata = { Author: 'Jürgen ☃', 'x_y-z.1': '', gone: undefined, ['__proto__']: 'kept' }
    expect(Object.entries(checked({ metadata }).metadata!)).toEqual([
      ['author', 'Jürgen ☃'],
      ['x_y-z.1', ''],
      ['__proto__', 'kept'],
    ])
  })

  it.each([
    [{ 'a b': 'x' }, "'a b' cannot be the name of metadata."],
    [{ '': 'x' }, "'' cannot be the name of metadata."],
    [{ ä: 'x' }, "'ä' cannot be the name of metadata."],
    [{ 'a\n': 'x' }, 'cannot be the name of metadata.'],
    [{ Name: 'x', name: 'y' }, "two names are 'name' in lower case."],
    [{ a: 5 }, "metadata 'a': expected text, got number."],
    [{ a: '\udc00' }, "metadata 'a': it has half of a surrogate pair."],
    [['x'], 'metadata: expected an object of texts, got a list.'],
    ['x', 'metadata: expected an object of texts, got string.'],
    [null, 'metadata: expected an object of texts, got null.'],
  ])('%j is refused', (metadata, text) => {
    expect(() => checked({ metadata })).toThrow(expect.objectContaining({ code: 'invalid_argument' }))
    expect(() => checked({ metadata })).toThrow(text)
  })
})

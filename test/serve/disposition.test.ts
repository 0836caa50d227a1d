import { expect, test } from 'vitest'
import { contentDisposition } from '../../src/serve/index.ts'

/** The file name that a reader of RFC 6266 takes: the extended parameter where there is one (section 4.3), else the quoted string. */
function nameRead(header: string): string {
  const extended = /; filename\*=UTF-8''([\w!#$&+.^`|~%-]*)$/.exec(header)?.[1]
  const quoted = /; filename="((?:[^"\\]|\\.)*)"/.exec(header)?.[1]
  expect(quoted, header).toBeDefined()
  return extended === undefined ? quoted!.replace(/\\(.)/g, '$1') : decodeURIComponent(extended)
}

const NAMES = [
  'a.txt',
  'a b.txt',
  'grün 你好 👍.pdf',
  'quote".txt',
  'back\\slash.txt',
  '50%41.txt',
  "it's (1)*.txt",
  'semi;colon=x.txt',
  'line\r\nSet-Cookie: a=b.txt',
  '\u0000\u007f.txt',
  '\u202egnp.exe',
  '"; filename="other.exe',
  '__proto__',
  'x'.repeat(5000),
  '',
]

test.each(NAMES)('%j is read back as it is, from a header that HTTP can carry', name => {
  for (const kind of ['inline', 'attachment'] as const) {
    const header = contentDisposition(kind, `folder/${name}`)
    expect(header).toMatch(new RegExp(`^${kind}; filename="[ -~]*"(?:; filename\\*=UTF-8''[!-~]*)?$`))
    expect(new Headers({ 'content-disposition': header }).get('content-disposition')).toBe(header)
    expect(nameRead(header)).toBe(name)
  }
})

test('the parts are those of the RFCs: attr-chars stay, the fallback has no quote, escape or percent sign, and ASCII has no second form', () => {
  expect(contentDisposition('attachment', 'a/€ rates.txt')).toBe(
    `attachment; filename="_ rates.txt"; filename*=UTF-8''%E2%82%AC%20rates.txt`,
  )
  expect(contentDisposition('inline', "it's (1)*.txt")).toBe(`inline; filename="it's (1)*.txt"`)
  expect(contentDisposition('inline', "ü'()*!#$&+-.^_`|~.txt")).toBe(
    `inline; filename="_'()*!#$&+-.^_\`|~.txt"; filename*=UTF-8''%C3%BC%27%28%29%2A!%23%24%26%2B-.%5E_%60%7C~.txt`,
  )
  expect(contentDisposition('inline', '50%41"\\.txt')).toBe(
    `inline; filename="50_41__.txt"; filename*=UTF-8''50%2541%22%5C.txt`,
  )
})

test('half a surrogate pair, which UTF-8 cannot say, is replaced', () => {
  expect(nameRead(contentDisposition('inline', 'a\ud800b.txt'))).toBe('a\ufffdb.txt')
})

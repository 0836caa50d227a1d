import { describe, expect, test } from 'vitest'
import { referencesOf, rewritten, urls } from './css-support.ts'

describe('another URL is written as Django writes it', () => {
  test.each([
    ['a{b:url(x)}', 'a{b:url("n.png")}'],
    ["a{b:url( 'x' ) c}", 'a{b:url("n.png") c}'],
    ['a{b:\\75 RL(x)}', 'a{b:url("n.png")}'],
    ['@import "x";', '@import url("n.png");'],
    ["@import'x';", '@import url("n.png");'],
    ['@IMPORT\n"x" print;', '@import url("n.png") print;'],
    ['@import  url(x);', '@import  url("n.png");'],
    ['@import/**/"x" print;', '@import/**/url("n.png") print;'],
    ['a{b:image-set("x" 1x)}', 'a{b:image-set("n.png" 1x)}'],
    ['/*@sourceMappingURL=x*/', '/*# sourceMappingURL=n.png */'],
  ])('%j becomes %j', (css, expected) => {
    expect(rewritten(css, () => 'n.png')).toBe(expected)
  })
})

describe('a file that ends too early', () => {
  test.each([
    ['a{b:url(x', 'a{b:url("n.png")'],
    ['a{b:url(x \n', 'a{b:url("n.png")'],
    ['a{b:url(x\\', 'a{b:url("n.png")'],
    ['a{b:url("x', 'a{b:url("n.png")'],
    ['a{b:url("x\\', 'a{b:url("n.png")'],
    ['a{b:url("x"', 'a{b:url("n.png")'],
    ['a{b:url("x"\n', 'a{b:url("n.png")\n'],
    ['a{b:url("x" /* c', 'a{b:url("n.png" /* c'],
    ['@import "x', '@import url("n.png")'],
    ["@import/**/'x", '@import/**/url("n.png")'],
    ["a{b:image-set('x", "a{b:image-set('n.png'"],
    ['a{}/*# sourceMappingURL=x', 'a{}/*# sourceMappingURL=n.png */'],
  ])('%j becomes %j, which has the URL', (css, expected) => {
    expect(rewritten(css, () => 'n.png')).toBe(expected)
    expect(urls(expected)).toEqual(['n.png'])
  })

  test.each([
    '@',
    '@import',
    '@import ',
    '@import/*',
    'url',
    'url(',
    'url("',
    'url( ',
    'a{b:image-set(',
    '/*',
    '/*#',
    '\\',
    'a{b:"',
    '\uFEFF',
    '',
  ])('%j has no reference', css => {
    expect(urls(css)).toEqual([])
  })
})

test.each(['n"\'.png', 'a\\b.png', 'a\nb\r\nc\fd.png', '\\22', '");}*{color:red}/*', "');}*{color:red}/*", 'ü😀'])(
  'the URL %j is read as it was written',
  url => {
    for (const css of [
      'a{b:url(x)}',
      'a{b:url("x"/**/)}',
      "a{b:image-set('x' 1x)}",
      'a{b:image("x")}',
      '@import "x";',
    ]) {
      const text = rewritten(css, () => url)
      expect(urls(text), text).toEqual([url])
      expect(rewritten(text, () => 'x')).toBe(rewritten(css, () => 'x'))
    }
  },
)

describe('offsets are units of UTF-16', () => {
  test.each([
    ['a byte order mark', '\uFEFF'],
    ['characters beyond U+FFFF', '/* 😀 */ .😀{a:"😀";b:\\1F600 }'],
    ['halves of characters', '.\ud83d{a:"\ude00\ud83d"}/*\ud83d*/'],
    ['line ends of all kinds', 'a{}\r\n\r\f\n\n\r/*\r\n*/b{c:"\\\r\nd"}\\\r\n{}'],
    ['NUL', 'a\0{b:"\0";c:\0url\0}/*\0*/'],
    ['a string that ends with its line', 'a{b:"c\r\n}'],
    ['a broken url()', 'a{b:url(😀 "\r\n)}'],
    ['numbers and ranges', 'a{b:+1.5e3px -.5% U+26-2F 1e;}'],
  ])('behind %s', (_, before) => {
    const css = `${before}x{y:url(z.png)}@import "z.css";/*# sourceMappingURL=z.map */\r\n`
    const [url, imported, map] = referencesOf(css)
    expect(css.slice(url!.start, url!.end)).toBe('url(z.png)')
    expect(css.slice(imported!.start, imported!.end)).toBe('@import "z.css"')
    expect(css.slice(map!.start, map!.end)).toBe('/*# sourceMappingURL=z.map */')
  })

  test('and a byte order mark hides no @import', () => {
    const css = '\uFEFF@import "x";'
    expect(rewritten(css, () => 'n.css')).toBe('\uFEFF@import url("n.css");')
  })
})

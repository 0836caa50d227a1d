import { describe, expect, test } from 'vitest'
import { found, referencesOf, rewritten, urls } from './css-support.ts'

describe('url()', () => {
  test.each([
    ['a{b:url(x.png)}', 'url(x.png)', 'x.png'],
    ['a{b:url("x.png")}', 'url("x.png")', 'x.png'],
    ["a{b:url('x.png')}", "url('x.png')", 'x.png'],
    ['a{b:url( x.png )}', 'url( x.png )', 'x.png'],
    ['a{b:url(\n\t"x.png"\r\n)}', 'url(\n\t"x.png"\r\n)', 'x.png'],
    ['a{b:url(" x.png\t")}', 'url(" x.png\t")', 'x.png'],
    ['a{b:URL(x.png)}', 'URL(x.png)', 'x.png'],
    ['a{b:uRl("x.png")}', 'uRl("x.png")', 'x.png'],
    ['a{b:\\75rl(x.png)}', '\\75rl(x.png)', 'x.png'],
    ['a{b:u\\52 L("x.png")}', 'u\\52 L("x.png")', 'x.png'],
    ['a{b:url(x\\ y\\(1\\).png)}', 'url(x\\ y\\(1\\).png)', 'x y(1).png'],
    ['a{b:url(\\66 oo.png)}', 'url(\\66 oo.png)', 'foo.png'],
    ['a{b:url("\\"\\27\\00000a.png")}', 'url("\\"\\27\\00000a.png")', '"\'\n.png'],
    ['a{b:url("x\\\r\ny.png")}', 'url("x\\\r\ny.png")', 'xy.png'],
    ['a{b:url(x%20y.png?v=1#z)}', 'url(x%20y.png?v=1#z)', 'x%20y.png?v=1#z'],
    ['a{b:url(ü😀.png)}', 'url(ü😀.png)', 'ü😀.png'],
    ['a{b:url(#a)}', 'url(#a)', '#a'],
    ['a{--b:url(x.png)}', 'url(x.png)', 'x.png'],
    ['@property --b{syntax:"<url>";initial-value:url(x.png)}', 'url(x.png)', 'x.png'],
    ['a{b:var(--c, url(x.png))}', 'url(x.png)', 'x.png'],
    ['a{b:cross-fade(url(x.png) 50%, red)}', 'url(x.png)', 'x.png'],
    ['a{b:-webkit-image-set(url(x.png) 1x)}', 'url(x.png)', 'x.png'],
    ['@media print{@layer a{b{&:hover{c:url(x.png)}}}}', 'url(x.png)', 'x.png'],
    ['b:url(x.png)', 'url(x.png)', 'x.png'],
  ])('in %j is found', (css, text, url) => {
    expect(found(css)).toEqual([[text, url]])
    expect(referencesOf(css)[0]!.kind).toBe('asset')
  })

  test('with modifiers keeps them: only its string is replaced', () => {
    const css = `a{b:url('x.png' crossorigin(anonymous) "y.png"),url("z.png"/**/)}`
    expect(found(css)).toEqual([
      ["'x.png'", 'x.png'],
      ['"z.png"', 'z.png'],
    ])
    expect(rewritten(css, ({ url }) => `n/${url}`)).toBe(
      `a{b:url('n/x.png' crossorigin(anonymous) "y.png"),url("n/z.png"/**/)}`,
    )
  })

  test('with what does not belong there hides nothing behind it', () => {
    expect(urls('a{b:url("x"}@import "y";')).toEqual(['x', 'y'])
    expect(urls('a{b:image-set(url("x" a) 1x,"y" 2x)}')).toEqual(['x', 'y'])
    expect(urls('a{b:image-set(url("x" "z") 1x,"y" 2x)}')).toEqual(['x', 'y'])
    expect(urls('a{b:url("x"/*# sourceMappingURL=y */)}')).toEqual(['x', 'y'])
    expect(urls('@import;@import "x";')).toEqual(['x'])
  })

  test('without a URL names nothing', () => {
    expect(urls(`a{b:url();c:url("");d:url( ' ' );e:url(`)).toEqual([])
  })

  test('is not what has another name', () => {
    expect(urls('a{b:src("x"),local("x"),url-prefix("x"),curl(x),url (x),local(x.png),-url("x"),format("x")}')).toEqual(
      [],
    )
  })
})

describe('a url() that is broken', () => {
  test('is no reference, and the next one is found', () => {
    expect(urls('a{b:url(x"y.png)}c{d:url(z.png)}')).toEqual(['z.png'])
    expect(urls('a{b:url(x y.png)}c{d:url(z.png)}')).toEqual(['z.png'])
    expect(urls('a{b:url(x(1).png)}c{d:url(z.png)}')).toEqual(['z.png'])
    expect(urls('a{b:url("x.png\n)}c{d:url(z.png)}')).toEqual(['z.png'])
    expect(urls('a{b:url(/**/"x.png")}c{d:url(z.png)}')).toEqual(['z.png'])
    expect(urls('a{b:url(x\\\ny)}c{d:url(z.png)}')).toEqual(['z.png'])
  })
})

describe('@import', () => {
  test.each([
    ['@import "x.css";', '@import "x.css"'],
    ["@import'x.css';", "@import'x.css'"],
    ['@import\n\t"x.css" screen;', '@import\n\t"x.css"'],
    ['@IMPORT "x.css";', '@IMPORT "x.css"'],
    ['@\\69mport "x.css";', '@\\69mport "x.css"'],
    ['@import/* url(y) */"x.css";', '"x.css"'],
    ['@import url(x.css);', 'url(x.css)'],
    ['@import url( "x.css" ) layer(a) supports(display: grid) print;', 'url( "x.css" )'],
    ['@import\\75rl(y);@import \\75rl("x.css");', '\\75rl("x.css")'],
    ['@charset "utf-8";\n@layer a;\n@import "x.css" layer(a) supports(b: url(y.png));', '@import "x.css"'],
    ['<!-- @import "x.css"; -->', '@import "x.css"'],
    ['/* @import "y.css"; */ @import "x.css";', '@import "x.css"'],
    ['a{b:c}@import "x.css";', '@import "x.css"'],
    ['@import "x.css', '@import "x.css'],
  ])('in %j is found', (css, text) => {
    expect(found(css)).toEqual([[text, 'x.css']])
  })

  test.each([
    'a{b:c @import "x.css"}',
    '@media @import "x.css";',
    'a{--b:c @import "x.css"}',
    '@import x "y.css" url(z.css);',
    '@import;"x.css"',
    '@import{}"x.css"',
    '@import "x.css\n;',
    '@imported "x.css";',
    '@-moz-import "x.css";',
    'import "x.css";',
    '@import layer url("x.css");',
    '@import image-set("x.css");',
  ])('is not in %j', css => {
    expect(urls(css)).toEqual([])
  })
})

describe('a string', () => {
  test.each([
    ['a{b:image-set("x.png" 1x,"y.png" 2x)}', ['x.png', 'y.png']],
    ["a{b:IMAGE-SET('x.png' 1x)}", ['x.png']],
    ['a{b:-webkit-image-set("x.png" 1x)}', ['x.png']],
    ['a{b:image\\-set("x.png" 1x)}', ['x.png']],
    ['a{b:image("x.png",red)}', ['x.png']],
    ['a{b:image-set("x.avif" type("image/avif"),url("x.png") type("image/png"))}', ['x.avif', 'x.png']],
    ['a{b:image-set("x.avif" type(("image/avif")) 1x,"x.png" calc(1 * 1x))}', ['x.avif', 'x.png']],
    ['a{b:cross-fade(image-set("x.png" 1x) 50%,"y.png")}', ['x.png']],
    ['a{b:image-set(linear-gradient(red,"y.png") 1x,"x.png" 2x)}', ['x.png']],
    ['a{b:image-set(var(--c,"x.png") 1x)}', ['x.png']],
    ['a{b:var(--c,"y.png")}', []],
    ['a{--b:image-set("x.png" 1x)}', ['x.png']],
    ['a{b:image-set("x.png" 1x);c:"y.png"}', ['x.png']],
    ['a{b:image-set("x.png" 1x}c{content:"y.png"}', ['x.png']],
    ['a{b:image-set("x.png" 1x;content:"y.png"}', ['x.png']],
    ['a{b:image-set("" 1x,["y.png"] 2x)}', []],
    ['a[href="y.png"]{font:"y.png"}@charset "y.png";', []],
  ])('in %j is an image only in a function of images', (css, expected) => {
    expect(urls(css)).toEqual(expected)
  })

  test('keeps its quotes', () => {
    const css = `a{b:image-set("x.png" 1x,'y.png' 2x)}`
    expect(rewritten(css, () => `n"'.png`)).toBe(`a{b:image-set("n\\"'.png" 1x,'n"\\'.png' 2x)}`)
  })
})

describe('what is compared and never fetched', () => {
  test.each([
    '@namespace url(http://www.w3.org/1999/xhtml);',
    '@namespace svg url("http://www.w3.org/2000/svg");',
    '@NAMESPACE svg "http://www.w3.org/2000/svg";',
    '@document url(http://a.example/),url-prefix("b"),domain(c),regexp("d"){}',
    '@-moz-document url("http://a.example/"){}',
    '@supports (background:url(x.png)) and (b:image-set("x.png" 1x)){}',
  ])('in %j is no reference', css => {
    expect(urls(css)).toEqual([])
    expect(urls(`${css}a{b:url(y.png)}`)).toEqual(['y.png'])
    expect(urls(`${css.replace('{}', '{a{b:url(y.png)}}')}c{d:url(z.png)}`)).toContain('z.png')
  })

  test('ends at the block', () => {
    expect(urls('@document url(x){a{b:url(y.png)}}')).toEqual(['y.png'])
    expect(urls('@supports (b:url(x)){a{b:url(y.png)}}')).toEqual(['y.png'])
  })
})

describe('the comment of a source map', () => {
  test.each([
    ['a{}\n/*# sourceMappingURL=x.css.map */', 'x.css.map'],
    ['a{}\n/*# sourceMappingURL=x.css.map*/\n', 'x.css.map'],
    ['a{}/*@ sourceMappingURL=x.css.map */', 'x.css.map'],
    ['a{}/*#sourceMappingURL=x.css.map\n*/', 'x.css.map'],
    ['/*# sourceMappingURL=x.css.map */\na{}', 'x.css.map'],
    ['a{}/*# sourceMappingURL=x.css.map', 'x.css.map'],
    ['/*# sourceMappingURL=y */a{}/*# sourceMappingURL=x.css.map *//* end */', 'x.css.map'],
    ['a{}/*# sourceMappingURL=x.css.map?a=b */', 'x.css.map?a=b'],
  ])('%j is found', (css, url) => {
    expect(urls(css)).toEqual([url])
    expect(referencesOf(css)[0]!.kind).toBe('sourceMap')
    expect(rewritten(css, () => 'n.map')).toContain('/*# sourceMappingURL=n.map */')
  })

  test.each([
    '/* # sourceMappingURL=x.css.map */',
    '/*! sourceMappingURL=x.css.map */',
    '/*# sourcemappingurl=x.css.map */',
    '/*# sourceMappingURL= */',
    '/*# sourceMappingURL */',
    '/*# sourceMappingURL=x y */',
    '/*# sourceURL=x */',
    '/*#*/',
    '/*#',
    '//# sourceMappingURL=x.css.map',
    'a{content:"/*# sourceMappingURL=x.css.map */"}',
  ])('is not %j', css => {
    expect(urls(css)).toEqual([])
  })

  test('has its place among the references', () => {
    const css = 'a{b:url(x)}/*# sourceMappingURL=m */c{d:url(y)}/*# sourceMappingURL=n o */'
    expect(urls(css)).toEqual(['x', 'm', 'y'])
    expect(rewritten(css, ({ url }) => `${url}2`)).toBe(
      'a{b:url("x2")}/*# sourceMappingURL=m2 */c{d:url("y2")}/*# sourceMappingURL=n o */',
    )
    expect(urls('@import/*# sourceMappingURL=m */"x"')).toEqual(['m', 'x'])
  })

  test('is not ended by the URL that is written', () => {
    expect(rewritten('/*# sourceMappingURL=x */', () => 'a */ b.map')).toBe('/*# sourceMappingURL=a%20%2A/%20b.map */')
  })
})

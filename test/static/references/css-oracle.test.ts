import { describe, expect, test } from 'vitest'
import { compared, comparedSourceMaps, type Kind } from './css-oracle.ts'

describe('css-tree', () => {
  test.each([
    'a{b:url(x)}',
    '@import "x";',
    '\uFEFF/* url(y) */@import\r\n"x";😀{b:url( "y" )}',
    'a{b:url(x"y)}c{d:url(z)}',
    'a{--b:url(" x ") url("")}',
    'a{b:c;*d:url(x)}@media print{@import "y";}',
    'a{b:url("x',
  ])('finds the same in %j', css => {
    const { equal, differences } = compared(css)
    expect(equal).toBeGreaterThan(0)
    expect(differences).toEqual([])
  })

  test.each<readonly [kind: Kind, css: string, ours: readonly string[], theirs: readonly string[]]>([
    ['a name with escapes', 'a{b:\\75rl(x) \\75rl("y")}', ['x', 'y'], []],
    ['a name with escapes', '@\\69mport "x";', ['x'], []],
    ['a string in a function of images', 'a{b:image-set("x" 1x,url(y) 2x,"z" 3x)}', ['x', 'z'], []],
    ['a value that css-tree does not read', 'a{b:url( "x" crossorigin(anonymous))}', ['x'], []],
    ['a value that css-tree does not read', 'a{b:url(x"y),url(z)}', ['z'], []],
    ['a value that css-tree does not read', 'a{--b:{c:url(x)}}', ['x'], []],
    ['a value that css-tree does not read', 'a{b:progid:C.D(e=1) url(x)}', ['x'], []],
    ['compared and never fetched', '@namespace url(x);', [], ['x']],
    ['compared and never fetched', '@-moz-document url(x){}@supports (a:url(y)){}', [], ['x', 'y']],
    ['compared and never fetched', '@import url(x) supports(a:url(y));', [], ['y']],
  ])('differs by %s: %j', (kind, css, ours, theirs) => {
    const { differences } = compared(css)
    expect(new Set(differences.map(difference => difference.kind))).toEqual(new Set([kind]))
    const of = (finder: string) => differences.filter(each => each.finder === finder).map(({ url }) => url)
    expect([of('ours'), of('css-tree')]).toEqual([ours, theirs])
  })

  test('sees the comments of source maps', () => {
    const css = 'a{b:"/*# sourceMappingURL=w */"}/*# sourceMappingURL=x *//*# sourceMappingURL=y *//* z */'
    expect(comparedSourceMaps(css)).toEqual([['y'], ['y']])
    expect(comparedSourceMaps('/*! # sourceMappingURL=x */')).toEqual([[], []])
  })
})

import { describe, expect, test } from 'vitest'
import { found, rewritten, urls } from './css-support.ts'

const real = 'z{y:url(real.png)}'

describe('text that only looks like a reference is left alone, and the real url() after it is found (sta-2)', () => {
  test.each([
    ['a comment', '/* url(x.png) @import "x.css"; image-set("x.png" 1x) */'],
    ['a comment with quotes', `/* it's url("x.png) */`],
    [
      'the long URL of a theme builder in a comment',
      `/*! jQuery UI - v1.13.3\n* To view and modify this theme, visit http://jqueryui.com/themeroller/?bgImgOpacityHover=75&bgTextureDefault=url(images/ui-bg_glass.png)&ffDefault='Trebuchet MS'%2CTahoma&fwDefault=bold */`,
    ],
    ['a string', 'a{content:"url(x.png)";quotes:\'@import "x.css";\' "/*"}'],
    ['a string of an attribute', 'a[href="url(x.png)"],a[style*=\'url("x.png")\']{b:c}'],
    ['a class of Tailwind', String.raw`.bg-\[url\(\'x.png\'\)\]{b:c}`],
    ['a class of Tailwind with double quotes', String.raw`.bg-\[url\(\"\/img\/x.png\"\)\]:hover{b:c}`],
    ['a class of Tailwind without quotes', String.raw`.before\:content-\[url\(x.png\)\]::before{b:c}`],
    ['an escaped name', String.raw`.url\(x.png\){b:c}.\75 rl\28 x.png\29{b:c}`],
    ['an escaped @', String.raw`.\@import\ \"x.css\"{b:c}`],
    ['a string that is not closed', 'a{content:"url(x.png)\n;b:c}'],
    ['an escaped quote', String.raw`a{content:"\"url(x.png)";b:'\'url(x.png)'}`],
    ['what HTML hides', '<!-- a{b:c} -->'],
  ])('%s', (_, text) => {
    expect(found(text + real)).toEqual([['url(real.png)', 'real.png']])
    expect(rewritten(text + real, () => 'n.png')).toBe(`${text}z{y:url("n.png")}`)
  })

  test('Tailwind writes both: the class is kept, and its url() is found', () => {
    const css = String.raw`.bg-\[url\(\'\/img\/hero.png\'\)\] {
  background-image: url('/img/hero.png');
}
.\[mask\:url\(\#a\)\] { mask: url(#a); }
.bg-\[image-set\(\"a.png\"_1x\,\"b.png\"_2x\)\] { background-image: image-set("a.png" 1x, "b.png" 2x); }
@property --tw-content { syntax: "*"; initial-value: ""; inherits: false; }
`
    expect(urls(css)).toEqual(['/img/hero.png', '#a', 'a.png', 'b.png'])
    const kept = String.raw`.bg-\[url\(\'\/img\/hero.png\'\)\] {
  background-image: url("n");
}`
    expect(rewritten(css, () => 'n').startsWith(kept)).toBe(true)
  })
})

describe('a data URI is one reference, and what is inside is none (sta-3)', () => {
  test.each([
    `url("data:image/svg+xml,<svg fill='url(#a)' stroke='url(%23b)'/>")`,
    `url('data:image/svg+xml,<svg fill="url(#a)" stroke="url(%23b)"/>')`,
    String.raw`url("data:image/svg+xml,<svg fill=\"url(x.png)\"/>")`,
    `url( "data:image/svg+xml;utf8,<svg xmlns='http://www.w3.org/2000/svg'><image href='x.png'/></svg>" )`,
    'url(data:image/svg+xml,%3Csvg%20fill=%22url%28%23a%29%22/%3E)',
    'url(data:image/png;base64,iVBORw0KGgo=)',
    String.raw`url(data:image/svg+xml,<svg\ fill=\'url\(\#a\)\'/>)`,
    'url(DATA:,a)',
  ])('%s', uri => {
    const css = `a{b:${uri} 0 0}`
    const [data, ...others] = found(css + real)
    expect(data![0]).toBe(uri)
    expect(data![1]).toMatch(/^data:/i)
    expect(others).toEqual([['url(real.png)', 'real.png']])
  })

  test.each([
    `url(data:image/svg+xml,<svg fill='url(#a)' stroke='url(%23b)' mask='url(x.png)'/>)`,
    `url( Data:image/svg+xml;utf8,<svg xmlns="http://www.w3.org/2000/svg" fill="url(%23a)" stroke="url(%23b)"/> )`,
  ])('one that CSS does not allow without quotes is none, nor is what is in it: %s', uri => {
    expect(urls(`a{b:${uri} 0 0;\n}${real}`)).not.toContain('x.png')
    expect(urls(`a{b:${uri} 0 0;\n}${real}`)).not.toContain('%23b')
    expect(urls(`a{b:${uri} 0 0;\n}\n${real}`).filter(url => url !== 'real.png')).toEqual([])
  })

  test('quotes are changed only where a reference is', () => {
    const css = `a{font-family:'Gill Sans',"Arial";b:url('x.png');content:'"' "'"}`
    expect(rewritten(css, ({ url }) => url)).toBe(`a{font-family:'Gill Sans',"Arial";b:url("x.png");content:'"' "'"}`)
  })
})

import { describe, expect, test } from 'vitest'
import { sourceMapReferences } from '../../../src/static/references/javascript/source-map.ts'
import { javaScriptReferences } from '../../../src/static/references/javascript.ts'
import { found, rewritten, urls } from './finding.ts'

const find = (text: string) => found(sourceMapReferences, text)
const findUrls = (text: string) => urls(sourceMapReferences, text)

describe('the comment of a source map', () => {
  test.each([
    ['//# sourceMappingURL=x.js.map', '//# sourceMappingURL=x.js.map'],
    ['a()\n//# sourceMappingURL=x.js.map\n', '//# sourceMappingURL=x.js.map'],
    ['a()\r\n\t//# sourceMappingURL=x.js.map \r\n\r\n', '//# sourceMappingURL=x.js.map'],
    ['a()\r//# sourceMappingURL=x.js.map', '//# sourceMappingURL=x.js.map'],
    ['a()\u2028//# sourceMappingURL=x.js.map', '//# sourceMappingURL=x.js.map'],
    ['//@ sourceMappingURL=x.js.map', '//@ sourceMappingURL=x.js.map'],
    ['//#sourceMappingURL=x.js.map', '//#sourceMappingURL=x.js.map'],
    ['//# sourceMappingURL=x.js.map\n// the end\n\n//# sourceURL=a.js', '//# sourceMappingURL=x.js.map'],
    ['//# sourceMappingURL=x.js.map\n/* the\n end */ /**/\n', '//# sourceMappingURL=x.js.map'],
    ['//# sourceMappingURL=x.js.map\n/* a /*/', '//# sourceMappingURL=x.js.map'],
    ['/* a */\n//# sourceMappingURL=x.js.map\n/* b */', '//# sourceMappingURL=x.js.map'],
    ['//# sourceMappingURL=w.map\n//# sourceMappingURL=x.js.map', '//# sourceMappingURL=x.js.map'],
    ['/*\n//# sourceMappingURL=w.map\n*/\n//# sourceMappingURL=x.js.map', '//# sourceMappingURL=x.js.map'],
    ['`\n//# sourceMappingURL=w.map`\n//# sourceMappingURL=x.js.map', '//# sourceMappingURL=x.js.map'],
    ['var glob = "src/*"\n//# sourceMappingURL=x.js.map', '//# sourceMappingURL=x.js.map'],
  ])('in %j is found', async (text, place) => {
    expect(await find(text)).toEqual([['sourceMap', place, 'x.js.map']])
  })

  test.each([
    ['code behind it', '//# sourceMappingURL=x.js.map\na()'],
    ['code before it', 'a() //# sourceMappingURL=x.js.map'],
    ['code behind a comment', '//# sourceMappingURL=x.js.map\n/* a */ b()'],
    ['a template around it', 'a(`\n//# sourceMappingURL=x.js.map`)'],
    ['a template that begins before it', 'a = `\n//# sourceMappingURL=x.js.map\n`'],
    ['a template with what looks like a comment', 'a = `\n//# sourceMappingURL=x.js.map\n/* `; b() /* */'],
    ['a template with what looks like a comment of a line', 'a = `\n//# sourceMappingURL=x.js.map\n// `; b()'],
    ['a comment around it', '/*\n//# sourceMappingURL=x.js.map\n*/'],
    ['a comment around it that ends with it', '/*\n//# sourceMappingURL=x.js.map*/'],
    ['a comment around it that ends in the next line', '/*\n//# sourceMappingURL=x.js.map\n// a */'],
    ['a comment around it with what looks like a comment', '/*\n//# sourceMappingURL=x.js.map\n/* a */'],
    ['a string around it', 'a = "\\\n//# sourceMappingURL=x.js.map\\\n//"'],
    ['a string that ends with it', 'a = "\\\n//# sourceMappingURL=x.js.map"'],
    ['no URL', '//# sourceMappingURL='],
    ['a URL with a blank', '//# sourceMappingURL=x y.map'],
    ['another sign', '//! sourceMappingURL=x.js.map'],
    ['a blank before the sign', '// # sourceMappingURL=x.js.map'],
    ['another name', '//# sourcemappingurl=x.js.map'],
    ['three slashes', '///# sourceMappingURL=x.js.map'],
    ['a map in itself', '//# sourceMappingURL=data:application/json;base64,e30='],
    ['a map in itself behind another one', '//# sourceMappingURL=x.js.map\n//# sourceMappingURL=data:,a'],
    ['nothing at all', ''],
  ])('is none with %s', async (_, text) => {
    expect(await findUrls(text)).toEqual([])
  })
})

test('one is found beside modules, and in what is no JavaScript at all', async () => {
  expect(await urls(javaScriptReferences, 'import "./a.js"\n//# sourceMappingURL=a.js.map')).toEqual([
    './a.js',
    'a.js.map',
  ])
  expect(await findUrls('}}} "\n//# sourceMappingURL=a.js.map')).toEqual(['a.js.map'])
  expect(await findUrls('import "./a.js"\nnew URL("./b.png", import.meta.url)')).toEqual([])
})

test('another URL is written as Django writes it', async () => {
  const write = (url: string) => rewritten(sourceMapReferences, 'a()\n//@sourceMappingURL=x.map \n', () => url)
  expect(await write('y.map')).toBe('a()\n//# sourceMappingURL=y.map \n')
  expect(await write('y z\'"`\\*/<\n.map')).toBe('a()\n//# sourceMappingURL=y%20z%27%22%60%5C%2A/%3C%0A.map \n')
  expect(await findUrls(await write('y z\'"`\\*/<\n.map'))).toEqual(['y%20z%27%22%60%5C%2A/%3C%0A.map'])
})

// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are texts of JavaScript and templates
import { describe, expect, test } from 'vitest'
import { javaScriptReferences } from '../../../src/static/references/javascript.ts'
import { found, rewritten, urls } from './finding.ts'

const find = (text: string) => found(javaScriptReferences, text)
const findUrls = (text: string) => urls(javaScriptReferences, text)
const rewrite = (text: string, url: string) => rewritten(javaScriptReferences, text, () => url)

describe('the module of', () => {
  test.each([
    ["import a from './a.js'", "'./a.js'"],
    ["import './a.js'", "'./a.js'"],
    ['import"./a.js"', '"./a.js"'],
    ['import * as a from "./a.js";', '"./a.js"'],
    ['import a, { b as c, default as d } from "./a.js";', '"./a.js"'],
    ['import { "b c" as d } from "./a.js";', '"./a.js"'],
    ['import {\n  a, // from "./b.js"\n} /* from "./c.js" */ from "./a.js"', '"./a.js"'],
    ['import a from "./a.js" with { type: "json" }', '"./a.js"'],
    ['import a from "./a.js" assert { type: "json" }', '"./a.js"'],
    ['import defer * as a from "./a.js"', '"./a.js"'],
    ['import source a from "./a.js"', '"./a.js"'],
    ['import type from "./a.js"', '"./a.js"'],
    ['export * from "./a.js"', '"./a.js"'],
    ['export * as a from "./a.js"', '"./a.js"'],
    ['export { a as b } from "./a.js"', '"./a.js"'],
    ['export {} from "./a.js"', '"./a.js"'],
    ['import("./a.js")', '"./a.js"'],
    ['import.defer("./a.js")', '"./a.js"'],
    ['import.source("./a.js")', '"./a.js"'],
    ['import(`./a.js`)', '`./a.js`'],
    ['import(/* webpackChunkName: "b" */ "./a.js" /* c */)', '"./a.js"'],
    ['import("./a.js", { with: { type: "json" } })', '"./a.js"'],
    ['import("./a.js",)', '"./a.js"'],
    ['const a = async () => (await import("./a.js")).default', '"./a.js"'],
    ['`text ${await import("./a.js")} text`', '"./a.js"'],
    ['`${`${import("./a.js")}`}`', '"./a.js"'],
    ['class A { static { import("./a.js") } }', '"./a.js"'],
    ['a / import("./a.js") / b', '"./a.js"'],
    ['if (/[/"]/.test(a)) import("./a.js")', '"./a.js"'],
  ])('%s is found', async (text, place) => {
    expect(await find(text)).toEqual([['module', place, './a.js']])
  })

  test.each([
    ["import '\\u002e/\\x61.js'", './a.js'],
    ["import './\\u{61}.js'", './a.js'],
    ["import('./a\\\n.js')", './a.js'],
    ['import(`./\\x61.js`)', './a.js'],
    ["import './\\'.js'", "./'.js"],
    ["import './ü😀.js?v=1#x'", './ü😀.js?v=1#x'],
    ["import './a%20b.js'", './a%20b.js'],
  ])('%s is %s, with its escapes undone', async (text, url) => {
    expect(await findUrls(text)).toEqual([url])
  })
})

test('only URLs of files are references: a bare name is looked up by others', async () => {
  const names = [
    'lodash',
    '#a',
    '@a/b',
    '.',
    '..',
    'a.js',
    'node:fs',
    'data:text/javascript,1',
    'blob:a',
    '',
    './',
    '../',
    '/a/',
  ]
  for (const name of names) {
    expect(await findUrls(`import "${name}"; export * from "${name}"; import("${name}")`), name).toEqual([])
  }
  const files = [
    './a.js',
    '../a.js',
    '/a.js',
    'https://a.example/b.js',
    'HTTP://a.example/b.js',
    './.a',
    './a?b=/',
    './a#/',
  ]
  for (const name of files) {
    expect(await findUrls(`import "${name}"; export * from "${name}"; import("${name}")`), name).toEqual([
      name,
      name,
      name,
    ])
  }
})

describe('no reference is in', () => {
  test.each([
    ['a string', '"import(\'./a.js\')" + \'import "./a.js"\''],
    ['a string with escaped quotes', '"\\"import(\'./a.js\')"'],
    ['a string with a line continued', '"a\\\nimport(\'./a.js\')"'],
    ['the text of a template', '`import("./a.js"); ${b} import "./a.js"`'],
    ['a template in a template', '`${`import("./a.js")`}`'],
    ['a comment of a line', '// import("./a.js")\n/ 1 /; // import "./a.js"'],
    ['a comment of several lines', '/* import("./a.js")\n import "./a.js" */'],
    ['a regular expression', 'x = /import("a.js")/; if (x) /import "a.js"/.test(y)'],
    ['a class of a regular expression', 'x = /[/import("./a.js")]/'],
    ['a method with the name of the word', 'a.import("./a.js"); a?.import("./a.js"); ({ import("./a.js") {} })'],
    ['a private method', 'class A { #import() {} b() { this.#import("./a.js") } }'],
    ['a longer name', '$import("./a.js"); importScripts("./a.js"); _import("./a.js")'],
    [
      'what is not a whole string',
      'import("./a" + ".js"); import(a); import(`./${a}.js`); import(b ? "./a.js" : "./c.js")',
    ],
    ['a call of require', 'require("./a.js"); exports.a = require("./b.js")'],
    ['the first line of a program', '#!/usr/bin/env import("./a.js")\n'],
  ])('%s, and the module behind it is found', async (_, text) => {
    expect(await findUrls(`${text}\n;import("./real.js")`)).toEqual(['./real.js'])
  })
})

describe('a classic script', () => {
  test('has the references of import(), whose URLs are relative to it', async () => {
    const text = '(function () { var i = 010; with (i) { import("./a.js") } return /import("b.js")/ })()'
    expect(await findUrls(text)).toEqual(['./a.js'])
  })

  test('with import( in a regular expression or a template has none', async () => {
    expect(await findUrls('var a = /import("a.js")/.test(`import("./b.js")`);')).toEqual([])
  })

  test('of CommonJS has none', async () => {
    expect(await findUrls('"use strict";\nexports.import = require("./a.js");\nreturn;')).toEqual([])
  })

  test('without the words import and export is not read as JavaScript, broken or not', async () => {
    expect(await find('var a = ("\n//# sourceMappingURL=a.map')).toEqual([
      ['sourceMap', '//# sourceMappingURL=a.map', 'a.map'],
    ])
  })
})

describe('what is no JavaScript is a SyntaxError', () => {
  test.each([
    ['import("./a.js")\nvar a = "b\n"', 'expected JavaScript: could not read line 2'],
    ['import("./a.js")\r\n\r\nvar a = /[/', 'expected JavaScript: could not read line 3'],
    ['import "./a.js"\rimport("\\x")', 'expected JavaScript: could not read line 2'],
    ['import("./a.js"))', 'expected JavaScript: could not read line 1'],
    ['\nimport("./a.js")\nf(', 'expected JavaScript: brackets do not match, from line 1 on'],
    ['import("./a.js"); `${', 'expected JavaScript: brackets do not match, from line 1 on'],
    ['const a = <p>don"t</p>; export default a', 'expected JavaScript: could not read line 1'],
  ])('%j: %s', async (text, message) => {
    const error = await Promise.resolve(javaScriptReferences(text)).catch(thrown => thrown)
    expect(error).toBeInstanceOf(SyntaxError)
    expect(error.message).toBe(message)
  })
})

describe('another URL is written', () => {
  test.each([
    ["import a from './a.js'", "import a from './n.js'"],
    ['import"./a.js"', 'import"./n.js"'],
    ['import( `./a.js` )', 'import( `./n.js` )'],
    ['export*from"./\\x61.js";', 'export*from"./n.js";'],
    ['import a from "./a.js" with { type: "json" }', 'import a from "./n.js" with { type: "json" }'],
    ['import.defer(/* a */ "./a.js", {})', 'import.defer(/* a */ "./n.js", {})'],
  ])('in the quotes that are there: %s becomes %s', async (text, expected) => {
    expect(await rewrite(text, './n.js')).toBe(expected)
  })

  test.each(['./"\'`.js', './\\.js', './${a}.js', './\n\r\u2028\u2029.js', './</script><!--.js', './ü😀.js', './$.js'])(
    'with the escapes that it needs: %j',
    async url => {
      const text = await rewrite('import \'./a.js\'; import(`./a.js`); export * from "./a.js"', url)
      expect(text).not.toMatch(/[<\n\r\u2028\u2029]/)
      expect(await findUrls(text)).toEqual([url, url, url])
    },
  )
})

test('references come in their order, and the offsets are units of UTF-16 behind any character', async () => {
  const text =
    '\uFEFF/* 😀\r\n */ import a from "./a.js"\nnew URL("b.png", import.meta.url); "😀"; import("./c.js") //# d\n//# sourceMappingURL=e.map\n'
  expect(await find(text)).toEqual([
    ['module', '"./a.js"', './a.js'],
    ['asset', '"b.png"', 'b.png'],
    ['module', '"./c.js"', './c.js'],
    ['sourceMap', '//# sourceMappingURL=e.map', 'e.map'],
  ])
})

test('a byte order mark hides no import', async () => {
  expect(await rewrite('\uFEFFimport "./a.js"', './n.js')).toBe('\uFEFFimport "./n.js"')
})

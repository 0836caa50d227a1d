// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are texts of JavaScript and templates
import { describe, expect, test } from 'vitest'
import { javaScriptReferences } from '../../../src/static/references/javascript.ts'
import { found, rewritten, urls } from './finding.ts'

const find = (text: string) => found(javaScriptReferences, text)
const findUrls = (text: string) => urls(javaScriptReferences, text)

describe('new URL() with import.meta.url', () => {
  test.each([
    ['new URL("./x.png", import.meta.url)', '"./x.png"'],
    ["new URL('./x.png',import.meta.url).href", "'./x.png'"],
    ['new URL(`./x.png`, import.meta.url)', '`./x.png`'],
    ['new URL("./x.png", import.meta.url,)', '"./x.png"'],
    ['new URL(\n  "./x.png",\n  import.meta.url,\n)', '"./x.png"'],
    ['new\r\nURL\t(\u00a0"./x.png" , import . meta . url )', '"./x.png"'],
    ['new URL(/* webpackIgnore: true */ "./x.png" /* , */, // )\n import.meta.url /* ) */)', '"./x.png"'],
    ['new URL("./x.png", import /* . */ . /* . */ meta /* . */ . /* . */ url)', '"./x.png"'],
    ['new globalThis.URL("./x.png", import.meta.url)', '"./x.png"'],
    ['new window . URL("./x.png", import.meta.url)', '"./x.png"'],
    ['new self.URL("./x.png", import.meta.url)', '"./x.png"'],
    ['new Worker(new URL("./x.png", import.meta.url), { type: "module" })', '"./x.png"'],
    ['fetch(new URL("./x.png", import.meta.url))', '"./x.png"'],
    ['`${new URL("./x.png", import.meta.url)}`', '"./x.png"'],
    ['export default new URL("./x.png", import.meta.url)', '"./x.png"'],
    ['a = b / new URL("./x.png", import.meta.url) / c', '"./x.png"'],
    ['return new URL("./\\x78.png", import.meta.url)', '"./\\x78.png"'],
    ['"new URL("; new URL("./x.png", import.meta.url)', '"./x.png"'],
    ['/new URL(/; new URL("./x.png", import.meta.url)', '"./x.png"'],
  ])('%s is found', async (text, place) => {
    expect(await find(text)).toEqual([['asset', place, './x.png']])
  })

  test.each(['x.png', '../x.png', '/x.png', 'a/x.wasm?b#c', 'https://a.example/x.png', '.htaccess'])(
    'takes %s, also without ./',
    async url => {
      expect(await findUrls(`new URL("${url}", import.meta.url)`)).toEqual([url])
    },
  )

  test.each(['.', './', '..', '../', 'a/', '', '#a', '?a', 'data:,a', 'blob:a', 'file:///a.png'])(
    'takes no folder and nothing else: %j',
    async url => {
      expect(await findUrls(`new URL("${url}", import.meta.url)`)).toEqual([])
    },
  )

  test('within others: each is found, from the outside in', async () => {
    const text =
      'new URL("a.png", import.meta.url, new URL("b.png", import.meta.url)); f(new URL("c.png", import.meta.url), new URL("d.png", import.meta.url))'
    expect(await findUrls(text)).toEqual(['b.png', 'c.png', 'd.png'])
    expect(await findUrls('import("./a.js", new URL("./b.png", import.meta.url))')).toEqual(['./a.js', './b.png'])
  })
})

describe('what only looks like it is none', () => {
  test.each([
    '"new URL(\'./x.png\', import.meta.url)"',
    '`new URL("./x.png", import.meta.url)`',
    '// new URL("./x.png", import.meta.url)',
    '/* new URL("./x.png", import.meta.url) */',
    '/new URL(".x.png", import.meta.url)/.test(a)',
    '"new URL(" + f("./x.png", import.meta.url)',
    'f(\'new URL(\', "./x.png", import.meta.url)',
    '// new URL(\n("./x.png", import.meta.url)',
    '// new\nURL("./x.png", import.meta.url)',
    '/* new */ URL("./x.png", import.meta.url)',
    '/* new URL( */ ("./x.png", import.meta.url)',
    '`new URL(${"./x.png", import.meta.url})`',
    '`new URL("./x.png", ${import.meta.url})`',
    'URL("./x.png", import.meta.url)',
    'new URL2("./x.png", import.meta.url)',
    'new MyURL("./x.png", import.meta.url)',
    'new my.URL("./x.png", import.meta.url)',
    'new URL.x("./x.png", import.meta.url)',
    '$new\nURL("./x.png", import.meta.url)',
    'new URL("./x.png")',
    'new URL("./x.png", location.href)',
    'new URL("./x.png", import.meta)',
    'new URL("./x.png", import.meta.urls)',
    'new URL("./x.png", import.meta.dirname)',
    'new URL("./x.png", import.meta.url + "/..")',
    'new URL("./x.png", import.meta.url.replace("a", "b"))',
    'new URL("./x.png", (import.meta.url))',
    'new URL("./x.png", a, import.meta.url)',
    'new URL("./x" + ".png", import.meta.url)',
    'new URL(`./${a}.png`, import.meta.url)',
    'new URL(import.meta.url)',
    'new URL(("./x.png"), import.meta.url)',
  ])('%s', async text => {
    expect(await findUrls(`${text}\n;new URL("./real.png", import.meta.url)`)).toEqual(['./real.png'])
  })
})

describe('import.meta.resolve()', () => {
  test('with a URL is found, as a bare name is not', async () => {
    expect(await find('import.meta.resolve("./x.js"); import.meta . resolve (`/y.js`)')).toEqual([
      ['asset', '"./x.js"', './x.js'],
      ['asset', '`/y.js`', '/y.js'],
    ])
    expect(await findUrls('import.meta.resolve("x"); import.meta.resolve("./"); import.meta.resolve(a)')).toEqual([])
    expect(await findUrls('"import.meta.resolve(\'./x.js\')"; import.meta.resolved("./x.js")')).toEqual([])
  })
})

test('another URL is written in the quotes that are there, and nothing else changes', async () => {
  const text =
    '// new\nnew URL( \'./a.png\' , import.meta.url)\nimport.meta.resolve("./b.js"), new URL(`c`, import.meta.url)'
  expect(await rewritten(javaScriptReferences, text, ({ url }) => `${url}'"\``)).toBe(
    '// new\nnew URL( \'./a.png\\\'"`\' , import.meta.url)\nimport.meta.resolve("./b.js\'\\"`"), new URL(`c\'"\\``, import.meta.url)',
  )
})

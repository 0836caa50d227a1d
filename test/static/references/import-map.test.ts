import { expect, test } from 'vitest'
import { importMapReferences } from '../../../src/static/references/import-map.ts'
import { webManifestReferences } from '../../../src/static/references/web-manifest.ts'
import { found, rewritten, urls } from './finding.ts'

const findUrls = (map: unknown) => urls(importMapReferences, typeof map === 'string' ? map : JSON.stringify(map))

test('addresses of imports and scopes are rewritten in place, and names never', async () => {
  const text = `\uFEFF{
  "imports": { "a": "./a.js", "./b.js": "/b.js", "c/": "./c/", "d": "d", "\\u0065": ".\\/e.js?v=1#f" },
  "scopes": { "/s/": { "a" : "../s/a.js", "./g.js": "https://a.example/g.js" } }
}
`
  expect(await found(importMapReferences, text)).toEqual([
    ['module', '"./a.js"', './a.js'],
    ['module', '"/b.js"', '/b.js'],
    ['module', '".\\/e.js?v=1#f"', './e.js?v=1#f'],
    ['module', '"../s/a.js"', '../s/a.js'],
    ['module', '"https://a.example/g.js"', 'https://a.example/g.js'],
  ])
  expect(await rewritten(importMapReferences, text, ({ url }) => url.replace('.js', '.1"2<3\\4\n.js'))).toBe(
    text
      .replace('"./a.js"', String.raw`"./a.1\"2\u003c3\\4\n.js"`)
      .replace('"/b.js"', String.raw`"/b.1\"2\u003c3\\4\n.js"`)
      .replace('".\\/e.js?v=1#f"', String.raw`"./e.1\"2\u003c3\\4\n.js?v=1#f"`)
      .replace('"../s/a.js"', String.raw`"../s/a.1\"2\u003c3\\4\n.js"`)
      .replace('g.js" }', String.raw`g.1\"2\u003c3\\4\n.js" }`),
  )
})

test('only strings in these two places are addresses', async () => {
  expect(await findUrls({ a: './a.js', imports: { a: { b: './a.js' }, c: ['./c.js'], d: null, e: 1 } })).toEqual([])
  expect(
    await findUrls({ scopes: { a: './a.js', b: { c: { d: './d.js' } } }, other: { imports: { a: './a.js' } } }),
  ).toEqual([])
  expect(await findUrls({ imports: './a.js', scopes: ['./a.js'] })).toEqual([])
  expect(await findUrls([{ imports: { a: './a.js' } }])).toEqual([])
  expect(await findUrls('"./a.js"')).toEqual([])
})

test('an address with an entry in integrity is left alone: its digest is that of the plain file', async () => {
  const map = {
    imports: { a: './a.js', b: './b.js', c: '/c.js', d: 'https://a.example/d.js' },
    scopes: { './x/': { a: './x/../a.js', e: './e.js' } },
    integrity: { './a.js': 'sha384-1', '/c.js': 'sha384-2', 'HTTPS://a.example/d.js': 'sha384-3', f: './b.js' },
  }
  expect(await findUrls(map)).toEqual(['./b.js', './e.js'])
})

test('what is no JSON is a SyntaxError with the line', async () => {
  await expect(findUrls('{"imports": {\n  "a": "./a.js", }\n}')).rejects.toThrow(
    new SyntaxError('expected JSON: a name in double quotes in line 2'),
  )
})

test('a web app manifest has images, and pages that are left alone', async () => {
  const manifest = {
    name: './n.png',
    start_url: '/index.html',
    scope: './',
    src: 'a.png',
    icons: [
      { src: 'i.png', sizes: '48x48' },
      { src: '../j.svg?x', type: 'image/svg+xml' },
      { src: 'data:,a' },
      'k.png',
    ],
    screenshots: [{ src: '/s.png', label: 's.png' }],
    shortcuts: [{ name: 'a', url: '/a.html', icons: [{ src: 't.png' }], src: 'u.png' }],
    'icons.0.src': 'v.png',
    related: { icons: [{ src: 'w.png' }] },
  }
  const text = JSON.stringify(manifest, undefined, 2)
  expect(await found(webManifestReferences, text)).toEqual([
    ['asset', '"i.png"', 'i.png'],
    ['asset', '"../j.svg?x"', '../j.svg?x'],
    ['asset', '"/s.png"', '/s.png'],
    ['asset', '"t.png"', 't.png'],
  ])
  expect(await rewritten(webManifestReferences, text, ({ url }) => url)).toBe(text)
})

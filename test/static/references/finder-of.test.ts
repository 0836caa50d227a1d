import { expect, test } from 'vitest'
import { cssReferences } from '../../../src/static/references/css.ts'
import { htmlReferences } from '../../../src/static/references/html.ts'
import { importMapReferences } from '../../../src/static/references/import-map.ts'
import { finderOf } from '../../../src/static/references/index.ts'
import { sourceMapReferences } from '../../../src/static/references/javascript/source-map.ts'
import { javaScriptReferences } from '../../../src/static/references/javascript.ts'
import { webManifestReferences } from '../../../src/static/references/web-manifest.ts'
import { urls } from './finding.ts'

test.each([
  ['a/b.css', cssReferences],
  ['B.CSS', cssReferences],
  ['a.min.js', javaScriptReferences],
  ['a/b.MJS', javaScriptReferences],
  ['map.importmap', importMapReferences],
  ['a/importmap.json', importMapReferences],
  ['a/ImportMap.JSON', importMapReferences],
  ['site.webmanifest', webManifestReferences],
  ['index.html', htmlReferences],
  ['a/INDEX.HTM', htmlReferences],
  ['my-importmap.json', undefined],
  ['importmap.json/a.json', undefined],
  ['manifest.json', undefined],
  ['a.json', undefined],
  ['a.css.map', undefined],
  ['a.css/b', undefined],
  ['a.js/b.png', undefined],
  ['css', undefined],
  ['js', undefined],
  ['a.cjs', undefined],
  ['a.ts', undefined],
  ['a.js.gz', undefined],
  ['a.svg', undefined],
  ['a.xhtml', undefined],
  ['', undefined],
])('%j has the finder of its extension', (name, finder) => {
  expect(finderOf(name, { html: true })).toBe(finder)
})

test('HTML only where asked for', () => {
  expect([finderOf('a.html'), finderOf('a.htm', { html: false })]).toEqual([undefined, undefined])
})

test('without modules only source maps are found in scripts, and nothing in import maps', async () => {
  const sourceMaps = { javaScript: 'sourceMaps', html: true } as const
  expect(finderOf('a.js', sourceMaps)).toBe(sourceMapReferences)
  expect(finderOf('a.mjs', sourceMaps)).toBe(sourceMapReferences)
  expect([finderOf('a.importmap', sourceMaps), finderOf('importmap.json', sourceMaps)]).toEqual([undefined, undefined])
  expect(finderOf('a.css', sourceMaps)).toBe(cssReferences)
  const page = '<script type=module src=a.js></script><script type=module>import "./b.js"</script>'
  expect(await urls(finderOf('a.html', sourceMaps)!, page)).toEqual(['a.js'])
  expect(await urls(finderOf('a.html', { html: true })!, page)).toEqual(['a.js', './b.js'])
})

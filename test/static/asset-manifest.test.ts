import { expect, test } from 'vitest'
import { fromAssetManifest } from '../../src/static/asset-manifest.ts'

test('a map of names is a bundle: as webpack, Rollup and Laravel Mix write it', () => {
  const webpack = fromAssetManifest({ 'main.js': '/main.1f3c.js', 'img/logo.png': '/img/logo.9a.png' }, { base: 'app' })
  expect(Object.fromEntries(webpack.paths)).toEqual({
    'main.js': 'app/main.1f3c.js',
    'img/logo.png': 'app/img/logo.9a.png',
  })
  expect([[...webpack.files], webpack.immutable]).toEqual([['app/main.1f3c.js', 'app/img/logo.9a.png'], false])
  const rollup = fromAssetManifest({ 'main.js': 'main.abc.js' }, { immutable: true })
  expect([rollup.paths.get('main.js'), rollup.immutable]).toEqual(['main.abc.js', true])
  const mix = fromAssetManifest({ '/js/app.js': '/js/app.js?id=68fac6' })
  expect([[...mix.paths], [...mix.files]]).toEqual([[['js/app.js', 'js/app.js?id=68fac6']], ['js/app.js']])
  const placed = fromAssetManifest({ 'a.js': '/build/a.1.js' }, { publicPath: '/build/' })
  expect(placed.paths.get('a.js')).toBe('a.1.js')
})

test.each<[unknown, string]>([
  [[], 'The asset manifest: expected an object of entries, got [].'],
  [{ a: 1 }, "The asset manifest, entry 'a': expected the relative path of a built file in 'a', got 1."],
  [
    { a: { js: 'a.js' } },
    `The asset manifest, entry 'a': expected the relative path of a built file in 'a', got {"js":"a.js"}.`,
  ],
  [
    { a: 'https://cdn/a.js' },
    `The asset manifest, entry 'a': expected the relative path of a built file in 'a', got "https://cdn/a.js".`,
  ],
  [
    { a: '../a.js' },
    `The asset manifest, entry 'a': expected the relative path of a built file in 'a', got "../a.js".`,
  ],
])('%j is no map of names', (manifest, message) => {
  expect(() => fromAssetManifest(manifest as object)).toThrow(
    expect.objectContaining({ code: 'improperly_configured', message }),
  )
})

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, test } from 'vitest'
import { fromViteManifest, type ViteOptions } from '../../src/static/vite.ts'

const url = (name: string): string => `/static/${name}`
const lines = (manifest: object, entries: string | string[], options?: { nonce?: string }) =>
  fromViteManifest(manifest).tags(entries, url, options).split('\n')

/** Entries as other versions and plugins write them. */
const FORMS = {
  // Vite 5 leaves a placeholder, and has no worker; since 8.4 a worker has a key of its own.
  '_shared-!~{005}~.js': { file: 'assets/shared-CZ2m5TdG.css', src: '_shared-!~{005}~.js' },
  '_worker_assets/worker-DhhC8tt6.js': {
    file: 'assets/worker-DhhC8tt6.js',
    src: 'src/worker.ts',
    isWorkerEntry: true,
  },
  // @vitejs/plugin-legacy
  'src/main-legacy.ts': { file: 'assets/main-legacy-BEhTn2Mm.js', src: 'src/main-legacy.ts', isEntry: true },
  'vite/legacy-polyfills-legacy': {
    file: 'assets/polyfills-legacy-DHzSVkac.js',
    src: 'vite/legacy-polyfills-legacy',
    isEntry: true,
  },
  'src/main.ts': {
    file: 'assets/main-UtrpeWMC.js',
    src: 'src/main.ts',
    isEntry: true,
    dynamicImports: ['src/gone.ts'],
  },
  // Chunks of several sources, pages, and files outside of the project.
  '_vendor-CM1D3KFK.js': { file: 'assets/vendor-CM1D3KFK.js', name: 'vendor' },
  '_vendor-CZ2m5TdG.css': { file: 'assets/vendor-CZ2m5TdG.css', src: '_vendor-CZ2m5TdG.css' },
  'index.html': { file: 'assets/index-DuAFTsqO.js', src: 'index.html', isEntry: true },
  '../lib/icon.svg': { file: 'assets/icon-DuAFTsqO.svg', src: '../lib/icon.svg' },
  '_own.svg': { file: 'assets/_own-DuAFTsqO.svg', src: '_own.svg' },
}

test('sources have paths; what Vite has made up, and pages, which have a file of their own, have none', () => {
  const { paths, files } = fromViteManifest(FORMS)
  expect(Object.fromEntries(paths)).toEqual({
    'src/worker.ts': 'assets/worker-DhhC8tt6.js',
    'src/main-legacy.ts': 'assets/main-legacy-BEhTn2Mm.js',
    'vite/legacy-polyfills-legacy': 'assets/polyfills-legacy-DHzSVkac.js',
    'src/main.ts': 'assets/main-UtrpeWMC.js',
    '../lib/icon.svg': 'assets/icon-DuAFTsqO.svg',
    '_own.svg': 'assets/_own-DuAFTsqO.svg',
  })
  for (const { file } of Object.values(FORMS)) expect(files).toContain(file)
})

test('a worker that is also imported is the imported file to programs', () => {
  const chunk = { file: 'a.js', src: 'src/worker.ts', isDynamicEntry: true }
  for (const order of [1, -1]) {
    const entries = [
      ['src/worker.ts', chunk],
      ['_worker_assets/b.js', { file: 'b.js', src: 'src/worker.ts' }],
    ] as const
    const { paths } = fromViteManifest(Object.fromEntries(order === 1 ? entries : entries.toReversed()))
    expect(paths.get('src/worker.ts')).toBe('a.js')
  }
})

test('the tags are in the order that Vite describes: own style sheets, those of imports, the script, preloads', () => {
  const manifest = {
    'main.js': {
      file: 'm.js',
      isEntry: true,
      css: ['m1.css', 'm2.css'],
      imports: ['_a.js', '_b.js'],
      dynamicImports: ['d.js'],
    },
    '_a.js': { file: 'a.js', css: ['a.css'], imports: ['_deep.js'] },
    '_b.js': { file: 'b.js', css: ['b.css', 'a.css'], imports: ['_deep.js', '_a.js'] },
    '_deep.js': { file: 'deep.js', css: ['deep.css'] },
    'd.js': { file: 'd.js', css: ['d.css'], isDynamicEntry: true, imports: ['_b.js'] },
  }
  expect(lines(manifest, 'main.js')).toEqual([
    '<link rel="stylesheet" href="/static/m1.css">',
    '<link rel="stylesheet" href="/static/m2.css">',
    '<link rel="stylesheet" href="/static/deep.css">',
    '<link rel="stylesheet" href="/static/a.css">',
    '<link rel="stylesheet" href="/static/b.css">',
    '<script type="module" src="/static/m.js"></script>',
    '<link rel="modulepreload" href="/static/deep.js">',
    '<link rel="modulepreload" href="/static/a.js">',
    '<link rel="modulepreload" href="/static/b.js">',
  ])
})

test('an import that is no script is not preloaded as one', () => {
  const manifest = { 'main.js': { file: 'm.js', imports: ['a.css'] }, 'a.css': { file: 'a.css' } }
  expect(lines(manifest, 'main.js')).toEqual(['<script type="module" src="/static/m.js"></script>'])
})

test('circles end, and a chain of any length is followed', () => {
  const circle = {
    'a.js': { file: 'a.js', imports: ['b.js', 'a.js'] },
    'b.js': { file: 'b.js', imports: ['c.js'] },
    'c.js': { file: 'c.js', imports: ['b.js', 'a.js'] },
  }
  expect(lines(circle, 'a.js')).toEqual([
    '<script type="module" src="/static/a.js"></script>',
    '<link rel="modulepreload" href="/static/c.js">',
    '<link rel="modulepreload" href="/static/b.js">',
  ])
  const chain = Object.fromEntries(
    Array.from({ length: 20_000 }, (_, at) => [
      `${at}.js`,
      { file: `${at}.js`, imports: at < 19_999 ? [`${at + 1}.js`] : [] },
    ]),
  )
  const found = lines(chain, '0.js')
  expect([found.length, found[1]]).toEqual([20_000, '<link rel="modulepreload" href="/static/19999.js">'])
})

test('what stands in attributes is escaped', () => {
  const manifest = { 'a.js': { file: `a"'<&>.js`, css: ['b&c.css'] } }
  expect(lines(manifest, 'a.js', { nonce: '"><script>' })).toEqual([
    '<link rel="stylesheet" href="/static/b&amp;c.css" nonce="&quot;&gt;&lt;script&gt;">',
    '<script type="module" src="/static/a&quot;&#39;&lt;&amp;&gt;.js" nonce="&quot;&gt;&lt;script&gt;"></script>',
  ])
})

test('an entry that is not there is not_found, one that loads nothing invalid_argument', () => {
  const bundle = fromViteManifest(FORMS)
  const failure = (work: () => unknown) => {
    try {
      work()
    } catch (error) {
      const { code, message, fileName } = error as { code: string; message: string; fileName: string }
      return [code, fileName, message]
    }
    return undefined
  }
  expect(failure(() => bundle.tags('src/main.js', url))).toEqual([
    'not_found',
    'src/main.js',
    "The Vite manifest has no entry 'src/main.js'. Did you mean 'src/main.ts'?",
  ])
  expect(failure(() => bundle.asset('__proto__', url))?.slice(0, 2)).toEqual(['not_found', '__proto__'])
  expect(failure(() => bundle.tags(['src/main.ts', '_own.svg'], url))?.slice(0, 2)).toEqual([
    'invalid_argument',
    '_own.svg',
  ])
  expect(bundle.asset('_own.svg', url)).toBe('/static/assets/_own-DuAFTsqO.svg')
})

test.each<[unknown, string]>([
  [null, 'The Vite manifest: expected an object of entries, got null.'],
  [[], 'The Vite manifest: expected an object of entries, got [].'],
  [
    { 'a.ts': 'a.js' },
    "The Vite manifest, entry 'a.ts': expected an object, got a text; a map of names is read by fromAssetManifest.",
  ],
  [
    { 'a.ts': ['a.js'] },
    "The Vite manifest, entry 'a.ts': expected an object with a 'file', as build.manifest makes it.",
  ],
  [{ 'a.ts': null }, "The Vite manifest, entry 'a.ts': expected an object with a 'file', as build.manifest makes it."],
  [
    { 'a.ts': {} },
    "The Vite manifest, entry 'a.ts': expected the relative path of a built file in 'file', got nothing.",
  ],
  ...['', '/a.js', '../a.js', 'a/../../b.js', 'a//b.js', 'a\\b.js', 'https://h/a.js', 'a\0.js', 1].map(
    (file): [unknown, string] => [
      { 'a.ts': { file } },
      `The Vite manifest, entry 'a.ts': expected the relative path of a built file in 'file', got ${JSON.stringify(file)}.`,
    ],
  ),
  [
    { a: { file: 'a.js', css: 'a.css' } },
    `The Vite manifest, entry 'a': expected a list of texts in 'css', got "a.css".`,
  ],
  [
    { a: { file: 'a.js', css: ['/a.css'] } },
    `The Vite manifest, entry 'a': expected the relative path of a built file in 'css', got "/a.css".`,
  ],
  [
    { a: { file: 'a.js', assets: [1] } },
    "The Vite manifest, entry 'a': expected a list of texts in 'assets', got [1].",
  ],
  [
    { a: { file: 'a.js', imports: {} } },
    "The Vite manifest, entry 'a': expected a list of texts in 'imports', got {}.",
  ],
  [{ a: { file: 'a.js', imports: ['b'] } }, "The Vite manifest, entry 'a': its import 'b' is not in the manifest."],
  [{ a: { file: 'a.js', src: 1 } }, "The Vite manifest, entry 'a': expected a text in 'src'."],
])('%j is no manifest', (manifest, message) => {
  expect(() => fromViteManifest(manifest as object)).toThrow(
    expect.objectContaining({ code: 'improperly_configured', message }),
  )
})

test('a manifest is named by its file where it is read from one', () => {
  const folder = mkdtempSync(join(tmpdir(), 'holdall-manifest-'))
  try {
    const path = join(folder, 'manifest.json')
    expect(() => fromViteManifest(path)).toThrow(
      /^The Vite manifest '.*manifest\.json': it cannot be read \(ENOENT.*\)\. Build first/,
    )
    writeFileSync(path, '{')
    expect(() => fromViteManifest(path)).toThrow(/^The Vite manifest '.*manifest\.json': it is no JSON\.$/)
    writeFileSync(path, '"text"')
    expect(() => fromViteManifest(pathToFileURL(path))).toThrow(
      /manifest\.json': expected an object of entries, got "text"\.$/,
    )
    writeFileSync(path, '{ "__proto__": { "file": "a.js", "src": "__proto__" } }')
    expect([...fromViteManifest(path).paths]).toEqual([['__proto__', 'a.js']])
  } finally {
    rmSync(folder, { recursive: true })
  }
})

test('the folder of a build is a prefix of its files', () => {
  for (const base of ['a/b', 'a/b/', '/a/b/']) {
    const { files, paths } = fromViteManifest(
      { 'x.ts': { file: 'x.js', src: 'x.ts' } },
      { base, files: ['w.js', 'd.bin'] },
    )
    expect([...files].sort()).toEqual(['a/b/d.bin', 'a/b/w.js', 'a/b/w.js.map', 'a/b/x.js', 'a/b/x.js.map'])
    expect(paths.get('x.ts')).toBe('a/b/x.js')
  }
  const refused = (options: ViteOptions) => () => fromViteManifest({}, options)
  for (const base of ['..', 'a/../b', 'a\\b', './']) {
    expect(refused({ base })).toThrow(`base: expected a folder in the static files, such as 'app/', got '${base}'.`)
  }
  expect(refused({ files: ['a.js', '/b.js'] })).toThrow("files: expected relative paths of built files, got '/b.js'.")
})

test('the development server is one of the web', () => {
  for (const devServer of ['', 'localhost:5173', '//localhost', 'file:///a', 'javascript:alert(1)']) {
    expect(() => fromViteManifest({}, { devServer })).toThrow(/^devServer: expected the URL of Vite's server/)
  }
  const { tags } = {
    tags: (entry: string, options = {}) =>
      fromViteManifest({}, { devServer: 'http://localhost:5173' }).tags(entry, url, options),
  }
  expect(tags('src/a b.ts', { nonce: 'n"' })).toBe(
    '<script type="module" src="http://localhost:5173/@vite/client" nonce="n&quot;"></script>\n' +
      '<script type="module" src="http://localhost:5173/src/a%20b.ts" nonce="n&quot;"></script>',
  )
  for (const name of ['a.css', 'a.scss', 'a.LESS'])
    expect(tags(name)).toContain(`<link rel="stylesheet" href="http://localhost:5173/${name}">`)
})

/** Builds by Vite itself, of a small front end that has of everything. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { build, createServer, type UserConfig } from 'vite'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { MemoryStorage } from '../../src/backends/memory/index.ts'
import { StaticFiles } from '../../src/static/static-files.ts'
import { staticUrl } from '../../src/static/templates.ts'
import { fromViteManifest } from '../../src/static/vite.ts'
import { collect, namesIn, pathsIn, SourceMap } from './support.ts'

/** Large enough not to be put into the files that refer to it. */
const BYTES = Buffer.alloc(9000, 'bytes')

const SOURCES: Record<string, string | Buffer> = {
  'index.html': '<script type="module" src="/src/other.ts"></script>',
  'src/main.ts': `
    import './main.css'
    import { shared } from './shared.ts'
    import logo from './logo.png'
    shared(logo)
    import('./lazy.ts').then(module => module.lazy())
    new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' })`,
  'src/other.ts': `import { shared } from './shared.ts'; shared('other')`,
  'src/shared.ts': `import './shared.css'; import { deep } from './deep.ts'
    export const shared = (text: string) => document.body.append(text, deep())`,
  // A circle.
  'src/deep.ts': `import './deep.css'; import { shared } from './shared.ts'
    export const deep = () => 'deep' + shared.name`,
  'src/lazy.ts': `import './lazy.css'; import { shared } from './shared.ts'
    export const lazy = () => shared('lazy')`,
  'src/worker.ts': `postMessage('worker')`,
  'src/main.css': 'body { background: url(./bg.png) } @font-face { font-family: own; src: url(./own.woff2) }',
  'src/shared.css': '.shared { color: red }',
  'src/deep.css': '.deep { color: green }',
  'src/lazy.css': '.lazy { color: blue }',
  'src/only.css': 'h1 { background: url(./bg.png) }',
  'src/logo.png': BYTES,
  'src/bg.png': Buffer.concat([BYTES, BYTES]),
  'src/own.woff2': Buffer.concat([BYTES, BYTES, BYTES]),
  'public/robots.txt': 'User-agent: *',
}
const ENTRIES = ['src/main.ts', 'src/other.ts', 'src/only.css', 'index.html']

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'holdall-vite-'))
  for (const [name, content] of Object.entries(SOURCES)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), content)
  }
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** Builds, and returns the paths of the output and of the manifest. */
async function built(outDir: string, options: UserConfig['build'] = {}, input: string[] = ENTRIES) {
  await build({
    root: folder,
    configFile: false,
    logLevel: 'error',
    base: './',
    build: { outDir, manifest: true, rollupOptions: { input }, ...options },
  })
  const out = join(folder, outDir)
  return { out, manifest: join(out, '.vite/manifest.json'), files: filesBelow(out) }
}

function filesBelow(root: string): string[] {
  return readdirSync(root, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .map(entry => join(entry.parentPath, entry.name).slice(root.length + 1))
    .sort()
}

const url = (name: string): string => `/static/${name}`

describe('a build of Vite', () => {
  let output: Awaited<ReturnType<typeof built>>
  beforeAll(async () => {
    output = await built('dist', { sourcemap: true })
  })
  const bundle = (options = {}) => fromViteManifest(output.manifest, { base: 'app/', ...options })
  /** The built file of a source, without its hash, and the rest of the name. */
  const plain = (html: string) => html.replace(/-[\w-]{8}(?=\.\w)/g, '')

  test('its files are those of the manifest and their source maps, below the folder', () => {
    const { files } = bundle()
    const assets = output.files.filter(name => name.startsWith('assets/')).map(name => `app/${name}`)
    expect(assets.length).toBeGreaterThan(15)
    expect(assets.filter(name => !files.has(name))).toEqual([])
    for (const own of ['app/index.html', 'app/robots.txt', 'app/.vite/manifest.json'])
      expect(files.has(own)).toBe(false)
  })

  test('sources lead to built files, also pictures and what is imported on demand', () => {
    const { paths } = bundle()
    const shown = Object.fromEntries([...paths].map(([name, file]) => [name, plain(file)]))
    expect(shown).toEqual({
      'src/main.ts': 'app/assets/main.js',
      'src/other.ts': 'app/assets/other.js',
      'src/lazy.ts': 'app/assets/lazy.js',
      'src/only.css': 'app/assets/only.css',
      'src/logo.png': 'app/assets/logo.png',
      'src/bg.png': 'app/assets/bg.png',
      'src/own.woff2': 'app/assets/own.woff2',
    })
    for (const file of paths.values()) expect(output.files).toContain(file.slice('app/'.length))
  })

  test('the tags of an entry are its style sheets, its script, and preloads of what it imports', () => {
    expect(plain(bundle().tags('src/main.ts', url))).toBe(
      [
        '<link rel="stylesheet" href="/static/app/assets/main.css">',
        '<link rel="stylesheet" href="/static/app/assets/shared.css">',
        '<script type="module" src="/static/app/assets/main.js"></script>',
        '<link rel="modulepreload" href="/static/app/assets/shared.js">',
      ].join('\n'),
    )
    expect(plain(bundle().tags('src/only.css', url))).toBe('<link rel="stylesheet" href="/static/app/assets/only.css">')
    expect(plain(bundle().tags('src/lazy.ts', url)).split('\n').length).toBe(4)
  })

  test('several entries share what they need, each URL once', () => {
    const html = bundle().tags(['src/only.css', 'src/main.ts', 'src/other.ts', 'index.html'], url, { nonce: 'n' })
    const urls = [...html.matchAll(/(?:href|src)="([^"]+)" nonce="n"/g)].map(([, each]) => each)
    expect(urls.length).toBe(html.split('\n').length)
    expect(new Set(urls).size).toBe(urls.length)
    expect(plain(html)).toMatch(/^<link rel="stylesheet" href="\/static\/app\/assets\/only\.css" nonce="n">\n/)
    expect(plain(html).match(/<script/g)?.length).toBe(3)
  })

  test('collected, every URL is that of a stored file whose name stays, and the page’s own files get hashes', async () => {
    const sources = Object.fromEntries(
      output.files
        .filter(name => !name.startsWith('.'))
        .map(name => [`app/${name}`, readFileSync(join(output.out, name))]),
    )
    const storage = new MemoryStorage({ baseUrl: '/static/' }, { env: {}, settings: {} })
    const files = new StaticFiles({
      storage,
      finders: [new SourceMap({ ...sources, 'css/site.css': 'b {}' })],
      manifest: { keepOriginals: false },
      bundles: [bundle({ immutable: true })],
    })
    const { failures, warnings } = await collect(files)
    expect([failures, warnings]).toEqual([[], []])
    await files.load()
    const stored = new Set((await namesIn(storage)).map(name => `/static/${name}`))
    const html = fromViteManifest(output.manifest, { base: 'app' }).tags(
      ['src/main.ts', 'src/only.css'],
      staticUrl(files),
    )
    const urls = [...html.matchAll(/(?:href|src)="([^"]+)"/g)].map(([, each]) => each!)
    expect(urls.length).toBe(5)
    for (const each of [...urls, files.url('src/logo.png'), files.url('src/main.ts')]) expect(stored).toContain(each)
    for (const name of output.files.filter(each => each.startsWith('assets/'))) {
      expect(stored).toContain(`/static/app/${name}`)
      expect(await storage.readBytes(`app/${name}`)).toEqual(readFileSync(join(output.out, name)))
    }
    expect(files.url('css/site.css')).toMatch(/^\/static\/css\/site\.[0-9a-f]{12}\.css$/)
    expect(files.isImmutable(files.url('src/main.ts').slice('/static/'.length))).toBe(true)
    expect(files.isImmutable('app/robots.txt')).toBe(false)
    expect((await pathsIn(storage))['src/main.ts']).toBe(bundle().paths.get('src/main.ts'))
  })

  test('whether names have hashes only the program knows', async () => {
    expect([bundle().immutable, bundle({ immutable: true }).immutable]).toEqual([false, true])
    const plainNames = await built('unhashed', {
      rollupOptions: {
        input: ['src/main.ts'],
        output: { entryFileNames: '[name].js', chunkFileNames: '[name].js', assetFileNames: '[name][extname]' },
      },
    })
    const own = fromViteManifest(plainNames.manifest)
    expect([own.immutable, own.paths.get('src/main.ts'), own.paths.get('src/logo.png')]).toEqual([
      false,
      'main.js',
      'logo.png',
    ])
  })

  test('without split style sheets there is one, which is an entry of its own', async () => {
    const { manifest, files } = await built('whole', { cssCodeSplit: false }, ['src/main.ts', 'src/other.ts'])
    const whole = fromViteManifest(new URL(`file://${manifest}`))
    expect(
      plain(whole.tags(['style.css', 'src/main.ts'], url))
        .split('\n')
        .slice(0, 2),
    ).toEqual([
      '<link rel="stylesheet" href="/static/assets/style.css">',
      '<script type="module" src="/static/assets/main.js"></script>',
    ])
    for (const name of files.filter(each => each.startsWith('assets/'))) expect(whole.files.has(name)).toBe(true)
  })

  test('in development the tags lead to Vite’s server, which has what they name', async () => {
    const server = await createServer({
      root: folder,
      base: '/static/app/',
      configFile: false,
      logLevel: 'silent',
      server: { port: 0, host: '127.0.0.1' },
    })
    try {
      await server.listen()
      const devServer = server.resolvedUrls!.local[0]!
      const dev = fromViteManifest('there/is/none.json', { devServer, base: 'app/', immutable: true })
      const html = dev.tags(['src/main.ts', 'src/only.css'], url)
      expect(html).toBe(
        [
          `<script type="module" src="${devServer}@vite/client"></script>`,
          `<script type="module" src="${devServer}src/main.ts"></script>`,
          `<link rel="stylesheet" href="${devServer}src/only.css">`,
        ].join('\n'),
      )
      const types: Record<string, RegExp> = {
        '@vite/client': /javascript/,
        'src/main.ts': /javascript/,
        'src/only.css': /css/,
      }
      for (const [name, type] of Object.entries(types)) {
        // A link asks for CSS, a script for anything.
        const answer = await fetch(dev.asset(name, url), {
          headers: { accept: name.endsWith('.css') ? 'text/css' : '*/*' },
        })
        expect([name, answer.status, answer.headers.get('content-type')]).toEqual([
          name,
          200,
          expect.stringMatching(type),
        ])
        await answer.text()
      }
      expect((await fetch(dev.asset('src/logo.png', url))).headers.get('content-type')).toBe('image/png')
      expect([dev.paths.size, dev.files.size, dev.immutable]).toEqual([0, 0, false])
    } finally {
      await server.close()
    }
  })
})

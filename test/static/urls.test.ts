import { describe, expect, test } from 'vitest'
import { AzureStorage } from '../../src/backends/azure/index.ts'
import { GcsStorage } from '../../src/backends/gcs/index.ts'
import { LocalStorage, StaticFilesStorage } from '../../src/backends/local/index.ts'
import { MemoryStorage } from '../../src/backends/memory/index.ts'
import { S3Storage } from '../../src/backends/s3/index.ts'
import { StaticFiles } from '../../src/static/static-files.ts'
import type { AnyStorage } from '../../src/storage/storage.ts'
import { collect, pathsIn, SourceMap } from './support.ts'

const NAMES = [
  'css/a.css',
  'with blank.txt',
  'ümlaut/ß.svg',
  "it's (1)!~*.js",
  'a+b&c=d@2x.png',
  '100%.txt',
  'a,b;c$d:e.txt',
]

const STORAGES: ReadonlyArray<readonly [string, AnyStorage]> = [
  ['local disk', new LocalStorage({ location: '/nowhere', baseUrl: '/static/' })],
  ['memory', new MemoryStorage({ baseUrl: 'https://static.example.com/x/' })],
  [
    'S3 without signatures',
    new S3Storage({ bucketName: 'b', regionName: 'eu-west-1', querystringAuth: false, location: 'static' }),
  ],
  ['S3 with a custom domain', new S3Storage({ bucketName: 'b', customDomain: 'cdn.example.com', location: 'static' })],
  ['Azure', new AzureStorage({ accountName: 'acc', azureContainer: 'c', accountKey: 'a2V5' })],
  ['Google Cloud Storage', new GcsStorage({ bucketName: 'b', querystringAuth: false })],
]

describe.each(STORAGES)('the URLs of static files on %s', (_, storage) => {
  test.each(NAMES)('%s is that of the storage, at once', async name => {
    const files = await new StaticFiles({ storage, finders: [] }).load()
    // The marks !'()* may stand as they are or be encoded. (RFC 3986 2.2)
    expect(decodeURIComponent(files.url(name))).toBe(decodeURIComponent(await storage.url(name)))
    expect(new URL(files.url(name), 'http://x/').search).toBe('')
  })
})

describe('url', () => {
  const sources = new SourceMap({ 'css/a.css': 'i{}', 'f.eot': 'x' })

  test('keeps query and fragment, and leaves a folder as it is', async () => {
    const storage = new MemoryStorage({ baseUrl: '/static/' })
    const files = new StaticFiles({ storage, finders: [sources], manifest: true })
    await collect(files)
    await files.load()
    const paths = await pathsIn(storage)
    expect(files.url('css/a.css?x=1#y')).toBe(`/static/${paths['css/a.css']}?x=1#y`)
    expect(files.url('f.eot?#iefix')).toBe(`/static/${paths['f.eot']}?#iefix`)
    expect(files.url('css/')).toBe('/static/css/')
  })

  test('of a name that the manifest has not is an error, or plain', async () => {
    const storage = new MemoryStorage({ baseUrl: '/static/' })
    await collect(new StaticFiles({ storage, finders: [sources], manifest: true }))
    const strict = await new StaticFiles({ storage, finders: [], manifest: true }).load()
    expect(() => strict.url('nope.css')).toThrow("Missing staticfiles manifest entry for 'nope.css'")
    const lenient = await new StaticFiles({ storage, finders: [], manifest: { strictUrls: false } }).load()
    expect(lenient.url('nope.css')).toBe('/static/nope.css')
    const debug = await new StaticFiles({ storage, finders: [], manifest: true, debug: true }).load()
    expect(debug.url('css/a.css')).toBe('/static/css/a.css')
  })

  test('before load is an error that says so', () => {
    const files = new StaticFiles({ storage: new MemoryStorage({ baseUrl: '/static/' }), finders: [] })
    expect(() => files.url('a.css')).toThrow(/await load\(\)/)
  })

  test('of a storage without URLs is an error that names the way out', async () => {
    const files = await new StaticFiles({ storage: new MemoryStorage({ baseUrl: null }), finders: [] }).load()
    expect(() => files.url('a.css')).toThrow(/MemoryStorage has none.*baseUrl/)
  })

  test('references by absolute URLs of the site are rewritten too', async () => {
    const storage = new MemoryStorage({ baseUrl: '/static/' })
    const site = new SourceMap({
      'css/a.css': 'a{background:url(/static/x.png)}b{background:url(/media/x.png)}',
      'x.png': 'x',
    })
    await collect(new StaticFiles({ storage, finders: [site], manifest: true }))
    const paths = await pathsIn(storage)
    expect(await storage.readText(paths['css/a.css']!)).toBe(
      `a{background:url("/static/${paths['x.png']}")}b{background:url(/media/x.png)}`,
    )
  })

  test('references by other roots of the site are rewritten too', async () => {
    const storage = new MemoryStorage({ baseUrl: 'https://cdn.example.com/' })
    const site = new SourceMap({ 'a.css': 'a{background:url(/static/x.png)}', 'x.png': 'x' })
    await collect(new StaticFiles({ storage, finders: [site], manifest: true, rootUrls: ['/static'] }))
    const paths = await pathsIn(storage)
    expect(await storage.readText(paths['a.css']!)).toBe(`a{background:url("/static/${paths['x.png']}")}`)
  })

  test('the files that bundlers have built keep their names', async () => {
    const storage = new MemoryStorage({ baseUrl: '/static/' })
    const built = new SourceMap({
      'app/main-B2xk.js': 'import "./part.js"',
      'app/part.js': '1',
      'site.css': 'a{background:url(app/logo.png)}',
      'app/logo.png': 'x',
    })
    const bundles = [
      {
        paths: new Map([['src/main.ts', 'app/main-B2xk.js']]),
        files: new Set(['app/main-B2xk.js', 'app/logo.png']),
        immutable: true,
      },
    ]
    const options = { storage, finders: [built], manifest: true, bundles }
    const run = await collect(new StaticFiles(options))
    expect(run.of('postProcessed')).toEqual(['app/part.js', 'site.css'])
    const paths = await pathsIn(storage)
    expect(paths).toMatchObject({ 'src/main.ts': 'app/main-B2xk.js', 'app/main-B2xk.js': 'app/main-B2xk.js' })
    expect(await storage.readText('app/main-B2xk.js')).toBe('import "./part.js"')
    expect(await storage.readText(paths['site.css']!)).toBe('a{background:url(app/logo.png)}')
    const files = await new StaticFiles(options).load()
    expect(files.url('src/main.ts')).toBe('/static/app/main-B2xk.js')
    expect([files.isImmutable('app/main-B2xk.js'), files.isImmutable('app/part.js')]).toEqual([true, false])
    expect((await storage.stat('app/main-B2xk.js')).cacheControl).toContain('immutable')
  })
})

test('a STATIC_URL without a slash at its beginning begins at the root, as the one of a new Django project', async () => {
  const folder = { location: '/nowhere' }
  const settings = { STATIC_URL: 'static/', MEDIA_URL: 'media/' }
  expect(await new StaticFilesStorage(folder, { settings, env: {} }).url('a.css')).toBe('/static/a.css')
  expect(await new LocalStorage(folder, { settings, env: {} }).url('a.png')).toBe('/media/a.png')
  for (const url of ['https://cdn.test/', '//cdn.test/', '/s/', 'data:x/'])
    expect(await new LocalStorage({ ...folder, baseUrl: url }, { settings: {}, env: {} }).url('a')).toBe(`${url}a`)
  const same = new StaticFilesStorage(folder, { settings: { STATIC_URL: '/x/', MEDIA_URL: 'x/' }, env: {} })
  await expect(same.url('a')).rejects.toThrow('MEDIA_URL and STATIC_URL settings must have different values')
})

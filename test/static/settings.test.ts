import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest'
import { ManifestStaticFilesStorage } from '../../src/backends/local/index.ts'
import { configure, type HoldallSettings, storages } from '../../src/config/index.ts'
import { loadAndConfigure } from '../../src/config/load.ts'
import { ImproperlyConfigured } from '../../src/core/errors.ts'
import { hashedName, shortHash } from '../../src/core/static-manifest.ts'
import { staticFilesFromSettings } from '../../src/static/settings.ts'
import type { StaticFiles } from '../../src/static/static-files.ts'
import type { CollectSummary, Finder } from '../../src/static/types.ts'
import { startStrictS3 } from '../servers/strict-s3.ts'

const server = await startStrictS3()
afterAll(() => server.close())
const { accessKeyId, secretAccessKey } = server.credentials

let dir: string
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'holdall-static-'))
  server.bucket().objects.clear()
  server.requests.length = 0
})
afterEach(async () => {
  await storages.closeAll()
  configure({})
  await rm(dir, { recursive: true })
})

const put = async (name: string, text: string): Promise<void> => {
  await mkdir(dirname(join(dir, name)), { recursive: true })
  await writeFile(join(dir, name), text)
}

/** Settings whose relative paths begin in the folder of the test. */
const use = (settings: HoldallSettings, more: object = {}) =>
  configure(
    { STATIC_URL: '/static/', STATIC_ROOT: join(dir, 'root'), ...settings, ...more },
    { base: join(dir, 'x.ts') },
  )

async function collect(files: StaticFiles): Promise<CollectSummary> {
  const events = []
  for await (const event of files.collect()) events.push(event)
  return events.at(-1) as CollectSummary
}

const hashed = (name: string, text: string) => hashedName(name, shortHash(text))
const originsOf = async (files: StaticFiles, name: string) => (await files.findAll(name)).map(({ origin }) => origin)

describe('sources', () => {
  test('are STATICFILES_DIRS, then STATICFILES_PACKAGES, beside the configuration', async () => {
    await put('assets/a.css', 'a')
    await put('more/a.css', 'b')
    await put('node_modules/site-theme/static/a.css', 'c')
    await put('node_modules/site-theme/package.json', '{"name":"site-theme"}')
    use({ STATICFILES_DIRS: ['assets', ['theme', 'more']], STATICFILES_PACKAGES: ['site-theme'] })
    const files = staticFilesFromSettings()
    expect(await originsOf(files, 'a.css')).toEqual([
      join(dir, 'assets/a.css'),
      join(dir, 'node_modules/site-theme/static/a.css'),
    ])
    expect(await originsOf(files, 'theme/a.css')).toEqual([join(dir, 'more/a.css')])
    configure({ ...{ STATICFILES_DIRS: ['assets'] } }, { base: pathToFileURL(join(dir, 'x.ts')).href })
    expect(await originsOf(staticFilesFromSettings(), 'a.css')).toEqual([join(dir, 'assets/a.css')])
  })

  test('are those of STATICFILES_FINDERS in their order', async () => {
    await put('assets/a.css', 'a')
    await put('media/a.css', 'm')
    const own: Finder = {
      locations: ['nowhere'],
      files: () => [],
      find: async () => [],
    }
    use({
      MEDIA_ROOT: join(dir, 'media'),
      STATICFILES_DIRS: ['assets'],
      STATICFILES_FINDERS: ['django.contrib.staticfiles.finders.DefaultStorageFinder', own, 'FileSystemFinder'],
    })
    const files = staticFilesFromSettings()
    expect((await files.findAll('a.css')).map(({ path }) => path)).toEqual([
      join(dir, 'media/a.css'),
      join(dir, 'assets/a.css'),
    ])
    expect(files.finders[1]).toBe(own)
  })

  test('come from the environment as JSON', async () => {
    await put('assets, old/a.css', 'a')
    use({})
    process.env['STATICFILES_DIRS'] = '["assets, old"]'
    process.env['STATICFILES_IGNORE'] = '*.map, tmp'
    try {
      const files = staticFilesFromSettings()
      expect(await originsOf(files, 'a.css')).toEqual([join(dir, 'assets, old/a.css')])
      expect(files.options.ignore).toEqual(['*.map', 'tmp'])
      process.env['STATICFILES_DIRS'] = 'assets'
      expect(() => staticFilesFromSettings()).toThrow(
        "STATICFILES_DIRS: expected a list whose entries are texts or [prefix, text] (JSON in the environment), got 'assets'.",
      )
    } finally {
      delete process.env['STATICFILES_DIRS']
      delete process.env['STATICFILES_IGNORE']
    }
  })

  test('of a configuration file begin beside it, also when the program is started elsewhere', async () => {
    await put('site/assets/a.css', 'a')
    await put('site/holdall.config.json', '{"STATICFILES_DIRS": ["assets"], "STATIC_ROOT": "out", "STATIC_URL": "/s/"}')
    await loadAndConfigure({ file: join(dir, 'site/holdall.config.json'), env: {} })
    const files = staticFilesFromSettings()
    expect(await originsOf(files, 'a.css')).toEqual([join(dir, 'site/assets/a.css')])
    expect(await collect(files)).toMatchObject({ copied: 1, destination: join(dir, 'site/out') })
  })

  test('must not hold the target, nor lie in it', async () => {
    await put('assets/a.css', 'a')
    const target = (STATIC_ROOT: string, STATICFILES_IGNORE: readonly string[] = []) => {
      use({ STATICFILES_DIRS: ['assets'], STATIC_ROOT: join(dir, STATIC_ROOT), STATICFILES_IGNORE })
      return () => staticFilesFromSettings()
    }
    const refusal = (text: string) =>
      expect.objectContaining({ code: 'improperly_configured', message: expect.stringContaining(text) })
    expect(target('assets')).toThrow(refusal('STATICFILES_DIRS must not contain the folder of STATIC_ROOT'))
    expect(target('assets/root')).toThrow(refusal('STATIC_ROOT lies in'))
    expect(target('.')).toThrow(refusal('lies in STATIC_ROOT'))
    expect(target('assets/root', ['root'])).not.toThrow()
  })
})

describe('bad settings are named', () => {
  test.each([
    [{ STATICFILES_DIRS: 'assets' }, 'STATICFILES_DIRS: expected a list'],
    [{ STATICFILES_DIRS: [['a', 'b', 'c']] }, 'STATICFILES_DIRS: expected a list'],
    [{ STATICFILES_DIRS: [['pre/', 'assets']] }, "STATICFILES_DIRS: the prefix 'pre/' must not end with a slash."],
    [{ STATICFILES_PACKAGES: { a: 1 } }, 'STATICFILES_PACKAGES: expected a list'],
    [
      { STATICFILES_FINDERS: ['django.contrib.staticfiles.finders.FileSystemFindr'] },
      "is not one of FileSystemFinder, AppDirectoriesFinder, DefaultStorageFinder (did you mean 'FileSystemFinder'?)",
    ],
    [{ STATICFILES_FINDERS: ['compressor.finders.CompressorFinder'] }, "STATICFILES_FINDERS: 'compressor.finders"],
    [{ STATICFILES_FINDERS: ['toString'] }, "STATICFILES_FINDERS: 'toString' is not one of"],
    [{ STATICFILES_FINDERS: [{ find: () => [] }] }, 'STATICFILES_FINDERS: expected a finder'],
    [{ STATICFILES_FINDERS: 'FileSystemFinder' }, 'STATICFILES_FINDERS: expected a list of class paths and finders'],
    [{ STATICFILES_MANIFEST: 'yes please' }, 'STATICFILES_MANIFEST: expected true, false or an object of options'],
    [
      { STATICFILES_MANIFEST: { stritc: true } },
      "STATICFILES_MANIFEST: stritc: there is no such option (did you mean 'strict'?)",
    ],
    [{ STATICFILES_MANIFEST: { version: 1.1 } }, 'STATICFILES_MANIFEST: version: expected one of 1.0, 1.1'],
    [{ STATICFILES_MANIFEST: { storage: 'names' } }, "STATICFILES_MANIFEST: Could not find config for 'names'"],
    [{ STATICFILES_COMPRESS: { codings: ['gz'] } }, 'STATICFILES_COMPRESS: codings: expected one of br, gzip, zstd'],
    [{ STATICFILES_COMPRESS: { minSize: -1 } }, 'STATICFILES_COMPRESS: minSize: expected a whole number of at least 0'],
    [{ STATICFILES_HEADERS: { '*.css': 'no-cache' } }, 'STATICFILES_HEADERS: *.css: expected an object'],
    [
      { STATICFILES_HEADERS: { '*': { cache: 'x' } } },
      "STATICFILES_HEADERS: *: cache: there is no such option (did you mean 'cacheControl'?)",
    ],
    [{ STATICFILES_IGNORE: [1] }, 'STATICFILES_IGNORE: expected a list of texts'],
    [{ DEBUG: 'perhaps' }, 'DEBUG: expected true or false'],
  ])('%j', (settings, message) => {
    use(settings as never)
    expect(() => staticFilesFromSettings()).toThrow(ImproperlyConfigured)
    expect(() => staticFilesFromSettings()).toThrow(message)
  })
})

describe('what settings say of a run', () => {
  test('counts in it, and what the program says wins', async () => {
    use({
      STORAGES: {
        staticfiles: { BACKEND: 'memory', OPTIONS: { base_url: '/s/', file_overwrite: true } },
        names: { BACKEND: 'memory' },
      },
      STATICFILES_DIRS: ['assets'],
      STATICFILES_MANIFEST: { storage: 'names', name: 'm.json', strictUrls: false, lenientFor: ['vendor/*'] },
      STATICFILES_COMPRESS: { codings: ['gzip'], minSize: 10 },
      STATICFILES_HEADERS: { '*.css': { cacheControl: 'no-cache', metadata: { made: 'here' } } },
      STATICFILES_IGNORE: ['*.map'],
    })
    const text = 'a { color: red }\n'.repeat(20)
    await put('assets/a.css', text)
    await put('assets/a.css.map', '{}')
    const files = staticFilesFromSettings()
    expect(files.options.manifest).toEqual({
      storage: storages['names'],
      name: 'm.json',
      strictUrls: false,
      lenientFor: ['vendor/*'],
    })
    expect(await collect(files)).toMatchObject({ copied: 1, failed: 0 })
    const name = hashed('a.css', text)
    const [, stored] = await storages.staticfiles.listdir('')
    expect(stored).toEqual(expect.arrayContaining(['a.css', 'a.css.gz', name, `${name}.gz`]))
    expect(stored.filter(each => each.includes('.map') || each.endsWith('.br'))).toEqual([])
    expect(await storages.staticfiles.stat('a.css')).toMatchObject({
      cacheControl: 'no-cache',
      metadata: expect.objectContaining({ made: 'here' }),
    })
    expect(await storages['names']!.exists('m.json')).toBe(true)
    await files.load()
    expect([files.url('a.css'), files.url('nope.css')]).toEqual([`/s/${name}`, '/s/nope.css'])
    const plain = await staticFilesFromSettings('staticfiles', {
      manifest: false,
      compress: false,
      baseUrl: '/x/',
    }).load()
    expect(plain.url('a.css')).toBe('/x/a.css')
    expect(plain.options.compress).toBe(false)
  })

  test('comes from the class of the storage, DEBUG from the settings', async () => {
    await put('assets/a.css', 'a')
    const BACKEND = 'django.contrib.staticfiles.storage.ManifestStaticFilesStorage'
    use({ STATICFILES_STORAGE: BACKEND, STATICFILES_DIRS: ['assets'] })
    const storage = storages.staticfiles
    expect(storage).toBeInstanceOf(ManifestStaticFilesStorage)
    await expect(storage.url('a.css')).rejects.toMatchObject({ code: 'not_found' })
    const files = staticFilesFromSettings()
    expect(await collect(files)).toMatchObject({ copied: 1, postProcessed: 1, failed: 0 })
    // The run has made the storage forget that there was no manifest.
    expect(await storage.url('a.css')).toBe(`/static/${hashed('a.css', 'a')}`)
    expect((await files.load()).url('a.css')).toBe(await storage.url('a.css'))
    use({ STATICFILES_STORAGE: BACKEND, STATICFILES_DIRS: ['assets'], DEBUG: true })
    expect((await staticFilesFromSettings().load()).url('new.css')).toBe('/static/new.css')
    expect(await storages.staticfiles.url('new.css')).toBe('/static/new.css')
  })

  test('takes the classes of WhiteNoise with their settings', async () => {
    const text = 'a { color: red }\n'.repeat(20)
    await put('assets/a.css', text)
    use({
      STORAGES: { staticfiles: { BACKEND: 'whitenoise.storage.CompressedManifestStaticFilesStorage' } },
      STATICFILES_DIRS: ['assets'],
      WHITENOISE_KEEP_ONLY_HASHED_FILES: true,
    })
    expect(await collect(staticFilesFromSettings())).toMatchObject({ failed: 0 })
    const name = hashed('a.css', text)
    const [, stored] = await storages.staticfiles.listdir('')
    expect(stored.filter(each => each.startsWith('a.')).sort()).toEqual([name, `${name}.br`, `${name}.gz`])
    expect(await storages.staticfiles.url('a.css')).toBe(`/static/${name}`)
  })

  test('names an alias that is not configured', () => {
    use({ STORAGES: {} })
    expect(() => staticFilesFromSettings('assets')).toThrow("Could not find config for 'assets'")
  })
})

describe('a Django project on S3', () => {
  const AWS = {
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    AWS_STORAGE_BUCKET_NAME: 'media',
    AWS_S3_ENDPOINT_URL: server.url,
    AWS_LOCATION: 'static',
    STATICFILES_DIRS: ['assets'],
  }
  const stored = () => [...server.bucket().objects.keys()].filter(key => !key.includes('/.')).sort()

  test('with the STATICFILES_STORAGE of the manual collects, and has URLs once they are not signed', async () => {
    await put('assets/css/a.css', 'a')
    const STATICFILES_STORAGE = 'storages.backends.s3boto3.S3Boto3Storage'
    use(AWS, { STATICFILES_STORAGE })
    const files = staticFilesFromSettings()
    expect(await collect(files)).toMatchObject({ copied: 1, failed: 0 })
    expect(stored()).toContain('static/css/a.css')
    await files.load()
    expect(() => files.url('css/a.css')).toThrow('set AWS_QUERYSTRING_AUTH to False')
    use(AWS, { STATICFILES_STORAGE, AWS_QUERYSTRING_AUTH: false })
    const plain = await staticFilesFromSettings().load()
    expect(plain.url('css/a.css')).toBe(`${server.url}/media/static/css/a.css`)
    expect(await storages.staticfiles.url('css/a.css')).toBe(plain.url('css/a.css'))
    use(AWS, { STATICFILES_STORAGE, AWS_S3_CUSTOM_DOMAIN: 'cdn.example.com' })
    expect((await staticFilesFromSettings().load()).url('css/a.css')).toBe('https://cdn.example.com/static/css/a.css')
  })

  test.each(['storages.backends.s3boto3.S3ManifestStaticStorage', 'storages.backends.s3.S3ManifestStaticStorage'])(
    'with %s in STORAGES has hashed URLs',
    async BACKEND => {
      await put('assets/css/a.css', 'a { background: url(../b.png) }')
      await put('assets/b.png', 'png')
      const { AWS_LOCATION, ...keys } = AWS
      use(keys, { STORAGES: { staticfiles: { BACKEND, OPTIONS: { location: AWS_LOCATION } } } })
      const files = staticFilesFromSettings()
      expect(await collect(files)).toMatchObject({ failed: 0 })
      const css = `a { background: url("../${hashed('b.png', 'png')}") }`
      expect(stored()).toEqual(
        expect.arrayContaining([`static/${hashed('css/a.css', css)}`, 'static/staticfiles.json', 'static/b.png']),
      )
      const url = `${server.url}/media/static/${hashed('css/a.css', css)}`
      expect((await files.load()).url('css/a.css')).toBe(url)
      expect(await storages.staticfiles.url('css/a.css')).toBe(url)
    },
  )

  test('may keep the manifest in a storage of its own, by its alias', async () => {
    await put('assets/a.css', 'a')
    const OPTIONS = { manifest_storage: 'manifests' }
    use(AWS, {
      STORAGES: {
        staticfiles: { BACKEND: 's3-manifest-static', OPTIONS },
        manifests: { BACKEND: 'local', OPTIONS: { location: 'manifests' } },
      },
    })
    await collect(staticFilesFromSettings())
    expect(await storages['manifests']!.exists('staticfiles.json')).toBe(true)
    expect(stored()).not.toContain('static/staticfiles.json')
    server.requests.length = 0
    expect(await storages.staticfiles.url('a.css')).toBe(`${server.url}/media/static/${hashed('a.css', 'a')}`)
    expect(server.requests).toEqual([])
  })
})

import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  CompressedManifestStaticFilesStorage,
  CompressedStaticFilesStorage,
  LocalStorage,
  ManifestStaticFilesStorage,
  StaticFilesStorage,
} from '../../../src/backends/local/index.ts'
import { MemoryStorage } from '../../../src/backends/memory/index.ts'
import { hashedName, serializeManifest, shortHash } from '../../../src/core/static-manifest.ts'
import { signedUrlsProblem } from '../../../src/storage/url-signing.ts'

let dir: string
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'holdall-static-'))
})
afterEach(() => rm(dir, { recursive: true }))

const settingsOf = (more: Record<string, unknown> = {}) => ({
  settings: { STATIC_ROOT: dir, STATIC_URL: '/static/', ...more },
  env: {},
})

const NAMES = new Map([
  ['css/a.css', 'css/a.0123456789ab.css'],
  ['ä b.png', 'ä b.abcdefabcdef.png'],
])

const put = (name: string, text: string) => writeFile(join(dir, name), text)
const manifest = (name = 'staticfiles.json', names: ReadonlyMap<string, string> = NAMES) =>
  put(name, serializeManifest(names))

describe('a place of static files', () => {
  const use = (more: Record<string, unknown>, options: object = {}, env: Record<string, string> = {}) =>
    new StaticFilesStorage(options, { ...settingsOf(more), env }).url('a.css')

  test('needs a folder and a URL when it is used, and not before', async () => {
    expect(() => new StaticFilesStorage({}, { settings: {}, env: {} })).not.toThrow()
    await expect(use({ STATIC_ROOT: null })).rejects.toMatchObject({
      code: 'improperly_configured',
      message: expect.stringContaining('STATIC_ROOT'),
    })
    for (const STATIC_URL of [null, '']) {
      await expect(use({ STATIC_URL })).rejects.toMatchObject({
        code: 'improperly_configured',
        message: expect.stringContaining('STATIC_URL'),
      })
    }
    expect(await use({})).toBe('/static/a.css')
  })

  test.each([
    ['MEDIA_URL', '/static/', 'STATIC_URL'],
    ['MEDIA_URL', '/static', 'STATIC_URL'],
    ['MEDIA_ROOT', 'same', 'STATIC_ROOT'],
    ['MEDIA_ROOT', 'same, spelt in another way', 'STATIC_ROOT'],
  ])('is refused where %s is the same: %s', async (key, value, own) => {
    const given = key === 'MEDIA_URL' ? value : value === 'same' ? dir : `${dir}/x/../`
    const refusal = {
      code: 'improperly_configured',
      message: expect.stringContaining(`The ${key} and ${own} settings must have different values`),
    }
    await expect(use({ [key]: given })).rejects.toMatchObject(refusal)
    await expect(use({}, {}, { [key]: given })).rejects.toMatchObject(refusal)
    const option = key === 'MEDIA_URL' ? { base_url: '/other/' } : { location: join(dir, 'other') }
    expect(await use({ [key]: given }, option)).toMatch(/a\.css$/)
  })

  test('takes other media files, and none', async () => {
    expect(await use({ MEDIA_URL: '/media/', MEDIA_ROOT: join(dir, 'media') })).toBe('/static/a.css')
    expect(await use({ MEDIA_URL: '', MEDIA_ROOT: '' })).toBe('/static/a.css')
    const inSettings = new LocalStorage({}, settingsOf({ MEDIA_URL: '/static/' }))
    expect(await inSettings.url('a.css')).toBe('/static/a.css')
  })

  test('needs a STATIC_URL that ends in a slash, and puts it behind an option', async () => {
    await expect(use({ STATIC_URL: '/static' })).rejects.toMatchObject({
      code: 'improperly_configured',
      message: "STATIC_URL: expected a URL that ends in a slash, got '/static'.",
    })
    expect(await use({}, { base_url: '/other' })).toBe('/other/a.css')
  })

  test('says of a STATIC_URL without a slash what is wrong before it is used', () => {
    const advice = (STATIC_URL: unknown) => StaticFilesStorage.advice({ settings: { STATIC_URL }, env: {} })
    expect(advice('https://cdn.example.com')).toEqual([
      "STATIC_URL: expected a URL that ends in a slash, got 'https://cdn.example.com'.",
    ])
    expect([advice('/static/'), advice(null), advice('')]).toEqual([[], [], []])
    expect(StaticFilesStorage.advice({ settings: {}, env: { STATIC_URL: '/s' } })).toHaveLength(1)
  })
})

describe('the URL of a file with a manifest', () => {
  const files = (options: object = {}, more: Record<string, unknown> = {}) =>
    new ManifestStaticFilesStorage(options, settingsOf(more))

  test.each([
    ['css/a.css', '/static/css/a.0123456789ab.css'],
    ['css/a.css?v=1', '/static/css/a.0123456789ab.css?v=1'],
    ['css/a.css#x', '/static/css/a.0123456789ab.css#x'],
    ['css/a.css?#iefix', '/static/css/a.0123456789ab.css?#iefix'],
    ['css/a.css?x=1&y=a?b#c', '/static/css/a.0123456789ab.css?x=1&y=a?b#c'],
    ['ä b.png', '/static/%C3%A4%20b.abcdefabcdef.png'],
    ['css/', '/static/css/'],
    ['css/?x=1', '/static/css/?x=1'],
  ])('of %s is %s', async (name, url) => {
    await manifest()
    expect(await files().url(name)).toBe(url)
  })

  test.each(['nope.css', 'css/a.0123456789ab.css', '/css/a.css', 'css', 'toString'])(
    'of %s, which the manifest has not, is not found',
    async name => {
      await manifest()
      await expect(files().url(`${name}?x=1`)).rejects.toMatchObject({
        code: 'not_found',
        message: expect.stringContaining(`Missing staticfiles manifest entry for '${name}'`),
        fileName: name,
        operation: 'url',
      })
    },
  )

  test('is not found where no files were collected yet', async () => {
    await expect(files().url('css/a.css')).rejects.toMatchObject({ code: 'not_found' })
  })

  test('has the plain name where DEBUG is on, without a manifest, and not by the environment', async () => {
    expect(await files({}, { DEBUG: true }).url('nope.css?x=1')).toBe('/static/nope.css?x=1')
    const { settings } = settingsOf()
    const byEnvironment = new ManifestStaticFilesStorage({}, { settings, env: { DEBUG: '1' } })
    await expect(byEnvironment.url('nope.css')).rejects.toMatchObject({ code: 'not_found' })
  })

  test('has the hash of the stored file where the manifest is not strict', async () => {
    await manifest()
    await put('b.css', 'b { }')
    const lenient = files({ manifest_strict: false })
    expect(await lenient.url('b.css?x')).toBe(`/static/${hashedName('b.css', shortHash('b { }'))}?x`)
    expect(await lenient.url('css/a.css')).toBe('/static/css/a.0123456789ab.css')
    await expect(lenient.url('nope.css')).rejects.toMatchObject({ code: 'not_found', fileName: 'nope.css' })
  })

  test('is made of a manifest of another name', async () => {
    await manifest('names.json')
    expect(await files({ manifest_name: 'names.json' }).url('css/a.css')).toContain('0123456789ab')
    expect(() => files({ manifestName: 'folder/' })).toThrow('manifestName: expected the name of a file, such as')
  })

  test('of a damaged manifest is an error that names it, until it is whole', async () => {
    const storage = files()
    await put('staticfiles.json', '{"paths": {')
    await expect(storage.url('css/a.css')).rejects.toMatchObject({
      code: 'improperly_configured',
      message: expect.stringContaining("Couldn't load manifest 'staticfiles.json'"),
    })
    await manifest()
    expect(await storage.url('css/a.css')).toContain('0123456789ab')
  })

  test('is that of the first reading until the manifest is forgotten', async () => {
    const storage = files()
    await manifest()
    expect(await storage.url('css/a.css')).toContain('0123456789ab')
    await manifest('staticfiles.json', new Map([['css/a.css', 'css/a.aaaaaaaaaaaa.css']]))
    expect(await storage.url('css/a.css')).toContain('0123456789ab')
    storage.forgetManifest()
    expect(await storage.url('css/a.css')).toContain('aaaaaaaaaaaa')
  })

  test('is given to many at once with one reading, and gives up with its own signal only', async () => {
    await manifest()
    let reads = 0
    const counting = {
      layers: [
        (call: { operation: string }, next: (ctx: never) => Promise<never>, ctx: never) => {
          if (call.operation === 'read') reads++
          return next(ctx)
        },
      ],
    }
    const storage = new ManifestStaticFilesStorage({}, { ...settingsOf(), ...(counting as object) })
    const stopped = new AbortController()
    const given = Promise.allSettled([
      storage.url('css/a.css', { signal: stopped.signal }),
      storage.url('css/a.css'),
      storage.url('css/a.css'),
    ])
    stopped.abort()
    const [first, ...others] = await given
    expect(first).toMatchObject({ status: 'rejected', reason: { code: 'aborted' } })
    expect(others.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled'])
    expect(reads).toBe(1)
  })

  test('is plain for an entry of a listing, and for an upload', async () => {
    await manifest()
    await put('x.a0a0a0a0a0a0.css', '')
    const storage = files()
    const entry = await storage.stat('x.a0a0a0a0a0a0.css')
    expect(await storage.url(entry)).toBe('/static/x.a0a0a0a0a0a0.css')
    const signing = files({ urlSecret: 'sixteen bytes or more' })
    expect(await signing.url('new.css', { method: 'PUT' })).toMatch(/^\/static\/new\.css\?/)
  })

  test('keeps its signature whole, and not the query of the name', async () => {
    await manifest()
    const url = await files({ urlSecret: 'sixteen bytes or more' }).url('css/a.css?x=1#top')
    expect(url).toMatch(/^\/static\/css\/a\.0123456789ab\.css\?[^?]*#top$/)
    expect(url).not.toContain('x=1')
  })
})

describe('a manifest in another storage', () => {
  const names = async (): Promise<MemoryStorage> => {
    const storage = new MemoryStorage({}, { settings: {}, env: {} })
    await storage.save('staticfiles.json', serializeManifest(NAMES))
    return storage
  }

  test('is read there', async () => {
    const manifestStorage = await names()
    const files = new ManifestStaticFilesStorage({ manifestStorage }, settingsOf())
    expect(await files.url('css/a.css')).toBe('/static/css/a.0123456789ab.css')
    expect(files.staticFiles.manifest?.storage).toBe(manifestStorage)
    expect(JSON.stringify(files)).toContain('"manifestStorage":"MemoryStorage"')
  })

  test('is found by its alias in a configuration only', async () => {
    const manifestStorage = await names()
    const storages = (alias: string) => {
      if (alias === 'names') return manifestStorage
      throw new Error(`no ${alias}`)
    }
    const of = (alias: string, services: object) =>
      new ManifestStaticFilesStorage({ manifest_storage: alias } as object, { ...settingsOf(), ...services })
    expect(await of('names', { storages }).url('css/a.css')).toContain('0123456789ab')
    await expect(of('others', { storages }).url('css/a.css')).rejects.toThrow('manifestStorage: no others')
    await expect(of('names', {}).url('css/a.css')).rejects.toMatchObject({
      code: 'improperly_configured',
      message: expect.stringContaining("manifestStorage: 'names' is an alias"),
    })
    expect(() => of(5 as never, {})).toThrow('manifest_storage: expected the alias of a storage, or a storage')
  })
})

describe('the classes', () => {
  test('say how files are collected', () => {
    const plain = new StaticFilesStorage({}, settingsOf())
    const manifested = new ManifestStaticFilesStorage({ manifestStrict: false }, settingsOf())
    const compressed = new CompressedStaticFilesStorage({}, settingsOf())
    const both = new CompressedManifestStaticFilesStorage({}, settingsOf({ WHITENOISE_MANIFEST_STRICT: false }))
    expect(plain.staticFiles).toBeUndefined()
    expect(manifested.staticFiles).toMatchObject({
      manifest: { name: 'staticfiles.json', strict: false, keepOriginals: true, storage: manifested },
    })
    expect(compressed.staticFiles).toEqual({ compress: true })
    expect(both.staticFiles).toMatchObject({ compress: true, manifest: { strict: false, keepOriginals: true } })
    const onlyHashed = settingsOf({ WHITENOISE_KEEP_ONLY_HASHED_FILES: true })
    expect(new CompressedManifestStaticFilesStorage({}, onlyHashed).staticFiles.manifest?.keepOriginals).toBe(false)
  })

  test('can fix options of a manifest', async () => {
    class Lenient extends ManifestStaticFilesStorage {
      static override readonly defaults = { manifestStrict: false, manifestName: 'mine.json' }
    }
    expect(new Lenient({}, settingsOf()).staticFiles.manifest).toMatchObject({ name: 'mine.json', strict: false })
  })

  test('sign URLs only with a secret, and say how to stop that', () => {
    expect(signedUrlsProblem(new StaticFilesStorage({}, settingsOf()))).toBeUndefined()
    const secret = settingsOf({ HOLDALL_URL_SECRET: 'sixteen bytes or more' })
    expect(signedUrlsProblem(new StaticFilesStorage({}, secret))).toContain('set urlSecret to null in its OPTIONS')
    expect(signedUrlsProblem(new StaticFilesStorage({ urlSecret: null }, secret))).toBeUndefined()
  })
})

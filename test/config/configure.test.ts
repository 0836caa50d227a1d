import { once } from 'node:events'
import { inspect } from 'node:util'
import { afterEach, describe, expect, test } from 'vitest'
import { LocalStorage } from '../../src/backends/local/index.ts'
import { MemoryStorage } from '../../src/backends/memory/index.ts'
import {
  configure,
  defaultStorage,
  defineConfig,
  lazyStorage,
  overrideSettings,
  registerBackend,
  resetStorages,
  resolveBackend,
  StaticFilesStorage,
  staticfilesStorage,
  storageConfigs,
  storages,
} from '../../src/config/index.ts'

afterEach(() => configure({}))

describe('storages', () => {
  test('has local storages for media and static files when nothing is configured', () => {
    configure({ MEDIA_ROOT: '/srv/media', MEDIA_URL: '/m/', STATIC_ROOT: '/srv/static', STATIC_URL: '/s/' })
    expect(storages.aliases()).toEqual(['default', 'staticfiles'])
    expect(storages.default).toBeInstanceOf(LocalStorage)
    expect(storages.default.path('a.txt')).toBe('/srv/media/a.txt')
    expect(storages.staticfiles).toBeInstanceOf(StaticFilesStorage)
    expect(storages.staticfiles.path('a.css')).toBe('/srv/static/a.css')
    expect(staticfilesStorage.path('b.css')).toBe('/srv/static/b.css')
  })

  test('lets static files need their folder only when they are used', () => {
    configure({ STATIC_ROOT: null })
    expect(storages.staticfiles).toBeInstanceOf(StaticFilesStorage)
    expect(() => storages.staticfiles.path('a.css')).toThrow('Static files need the setting STATIC_ROOT')
  })

  test('builds each alias once', () => {
    configure({ STORAGES: { x: { BACKEND: 'memory' }, y: { BACKEND: 'memory' } } })
    expect(storages['x']).toBe(storages.get('x'))
    expect(storages['x']).not.toBe(storages['y'])
    expect('x' in storages).toBe(true)
    expect('z' in storages).toBe(false)
  })

  test('names the alias that is not configured', () => {
    configure({ STORAGES: { x: { BACKEND: 'memory' } } })
    const message = "Could not find config for 'y' in settings.STORAGES. Known: x."
    expect(() => storages['y']).toThrow(expect.objectContaining({ code: 'improperly_configured', message }))
    expect(() => storages.default).toThrow("Could not find config for 'default' in settings.STORAGES.")
    expect(() => storages['toString']).not.toThrow()
    configure({ STORAGES: { media: { BACKEND: 'memory' } } })
    expect(() => storages['meida']).toThrow(
      "Could not find config for 'meida' in settings.STORAGES. Known: media (did you mean 'media'?).",
    )
  })

  test.each(['storages', 'STORAGE', 'Storages'])('refuses %s, which nothing would read', key => {
    const message = `'${key}' is not a setting: did you mean 'STORAGES'?`
    expect(() => configure({ [key]: { default: { BACKEND: 'memory' } } })).toThrow(
      expect.objectContaining({ code: 'improperly_configured', message }),
    )
  })

  test('can be awaited and printed without touching an alias', async () => {
    configure({ STORAGES: {} })
    expect(await Promise.resolve(storages)).toBe(storages)
    expect(() => inspect(storages)).not.toThrow()
  })

  test('passes OPTIONS, in either spelling, to the constructor', () => {
    configure({
      STORAGES: { default: { BACKEND: 'memory', OPTIONS: { file_overwrite: true, nameStrategy: 'underscore' } } },
    })
    expect(storages.default.options).toMatchObject({ fileOverwrite: true, nameStrategy: 'underscore' })
    configure({ STORAGES: { default: { BACKEND: 'memory', OPTIONS: { foo: 1 } } } })
    expect(() => storages.default).toThrow("storage 'default': Invalid setting 'foo' for MemoryStorage")
  })

  test('configure starts anew, also with equal settings', async () => {
    const settings = { STORAGES: { default: { BACKEND: 'memory' } } }
    configure(settings)
    await storages.default.save('a.txt', 'x')
    configure(settings)
    expect(await storages.default.exists('a.txt')).toBe(false)
    configure({ MEDIA_ROOT: '/one', MEDIA_URL: '/m/' })
    const one = storages.default
    configure({ MEDIA_ROOT: '/two', MEDIA_URL: '/m/' })
    expect(storages.default).not.toBe(one)
    expect(storages.default.path('a')).toBe('/two/a')
    expect(defaultStorage.path('a')).toBe('/two/a')
  })

  test('resetStorages closes the storages and forgets them', async () => {
    configure({ STORAGES: { default: { BACKEND: 'memory' } } })
    await storages.default.save('a.txt', 'x')
    await resetStorages()
    expect(await storages.default.exists('a.txt')).toBe(false)
  })

  test('BACKEND takes a storage itself, and never closes it', async () => {
    class Closing extends MemoryStorage {
      closed = 0
      override async close(): Promise<void> {
        this.closed++
        await super.close()
      }
    }
    const mine = new Closing()
    configure({ STORAGES: { default: { BACKEND: mine } } })
    expect(storages.default).toBe(mine)
    await defaultStorage.save('a.txt', 'x')
    await resetStorages()
    expect([storages.default, mine.closed]).toEqual([mine, 0])
    expect(await mine.exists('a.txt')).toBe(true)
    expect(storages.create('default')).toBe(mine)
    expect(() => storages.create('default', { location: 'b' })).toThrow("BACKEND is a storage, so 'location' cannot")
    const withOptions = { STORAGES: { default: { BACKEND: mine, OPTIONS: { location: 'b' } } } }
    expect(() => configure(withOptions)).toThrow("STORAGES['default'].OPTIONS: BACKEND is a storage")
  })

  test('create gives a storage of its own with some options changed', () => {
    configure({ STORAGES: { default: { BACKEND: 'memory', OPTIONS: { location: 'a' } } } })
    const own = storages.create('default', { location: 'b' })
    expect(own).not.toBe(storages.default)
    expect(own.options.location).toBe('b')
  })

  test('closeAll forgets what was built', async () => {
    configure({ STORAGES: { default: { BACKEND: 'memory' } } })
    const before = storages.default
    await storages.closeAll()
    expect(storages.default).not.toBe(before)
  })
})

describe('defaultStorage', () => {
  test('is the storage of alias default to every eye', async () => {
    configure({ STORAGES: { default: { BACKEND: 'memory' } } })
    expect(defaultStorage).toBeInstanceOf(MemoryStorage)
    expect(defaultStorage.constructor).toBe(MemoryStorage)
    expect(inspect(defaultStorage)).toBe(inspect(storages.default))
    expect(inspect(defaultStorage)).toContain('MemoryStorage')
    expect(await defaultStorage.save('a.txt', 'x')).toBe('a.txt')
    expect(await storages.default.exists('a.txt')).toBe(true)
    expect('save' in defaultStorage).toBe(true)
  })

  test('builds nothing before it is used', () => {
    configure({ STORAGES: {} })
    const lazy = lazyStorage('later')
    configure({ STORAGES: { later: { BACKEND: 'memory' } } })
    expect(lazy).toBeInstanceOf(MemoryStorage)
  })
})

describe('backends', () => {
  test.each([
    ['local', LocalStorage],
    ['django.core.files.storage.FileSystemStorage', LocalStorage],
    ['django.core.files.storage.filesystem.FileSystemStorage', LocalStorage],
    ['memory', MemoryStorage],
    ['django.core.files.storage.InMemoryStorage', MemoryStorage],
    ['django.core.files.storage.memory.InMemoryStorage', MemoryStorage],
    ['django.contrib.staticfiles.storage.StaticFilesStorage', StaticFilesStorage],
  ])('%s names its class', (name, type) => {
    expect(resolveBackend(name)).toBe(type)
  })

  test('a class stands for itself, anything else is refused', () => {
    expect(resolveBackend(MemoryStorage)).toBe(MemoryStorage)
    expect(() => resolveBackend(Date)).toThrow("BACKEND 'Date' is not a class that extends Storage.")
    expect(() => resolveBackend(7)).toThrow('BACKEND must be a name, a class or a storage, not number.')
  })

  test.each([
    ['storages.backends.s3boto3.S3Boto3Storage', 'S3Storage'],
    ['storages.backends.s3.S3Storage', 'S3Storage'],
    ['storages.backends.s3boto3.S3StaticStorage', 'S3StaticStorage'],
    ['storages.backends.s3.S3StaticStorage', 'S3StaticStorage'],
    ['storages.backends.s3boto3.S3ManifestStaticStorage', 'S3ManifestStaticStorage'],
    ['storages.backends.s3.S3ManifestStaticStorage', 'S3ManifestStaticStorage'],
    ['django.contrib.staticfiles.storage.ManifestStaticFilesStorage', 'ManifestStaticFilesStorage'],
    ['whitenoise.storage.CompressedManifestStaticFilesStorage', 'CompressedManifestStaticFilesStorage'],
    ['whitenoise.storage.CompressedStaticFilesStorage', 'CompressedStaticFilesStorage'],
  ])('%s names %s', (name, className) => {
    expect(resolveBackend(name).name).toBe(className)
  })

  test('the boto class is understood and warns', async () => {
    const warned = once(process, 'warning')
    expect(resolveBackend('storages.backends.s3boto.S3BotoStorage').name).toBe('S3Storage')
    const [warning] = await warned
    expect(warning).toMatchObject({ name: 'DeprecationWarning', code: 'HOLDALL_S3BOTO' })
  })

  test.each(['storages.backends.nonsense.Storage', 'nothing', 'constructor'])('%s cannot be found', name => {
    expect(() => resolveBackend(name)).toThrow(
      expect.objectContaining({
        code: 'improperly_configured',
        message: expect.stringMatching(new RegExp(`^Could not find backend '${name.replaceAll('.', '\\.')}': `)),
      }),
    )
  })

  test.each([
    ['S3', 's3'],
    ['locl', 'local'],
    ['S3Storage', 'storages.backends.s3.S3Storage'],
    ['s3boto3', 'storages.backends.s3boto3.S3Boto3Storage'],
    ['storages.backends.s3boto3.S3Boto3Storag', 'storages.backends.s3boto3.S3Boto3Storage'],
  ])('%s is probably %s', (name, meant) => {
    expect(() => resolveBackend(name)).toThrow(`(did you mean '${meant}'?)`)
  })

  test('a registered name can be used', () => {
    class Mine extends MemoryStorage {}
    registerBackend('mine', Mine)
    configure({ STORAGES: { default: { BACKEND: 'mine' } } })
    expect(storages.default).toBeInstanceOf(Mine)
  })
})

describe('configure', () => {
  test('takes the older names of the two storages', () => {
    configure({ DEFAULT_FILE_STORAGE: 'django.core.files.storage.InMemoryStorage', STATIC_ROOT: '/s' })
    expect(storages.default).toBeInstanceOf(MemoryStorage)
    expect(storages.staticfiles).toBeInstanceOf(StaticFilesStorage)
    configure({ STATICFILES_STORAGE: 'memory', MEDIA_ROOT: '/m' })
    expect(storages.staticfiles).toBeInstanceOf(MemoryStorage)
    expect(storages.default).toBeInstanceOf(LocalStorage)
  })

  test.each(['DEFAULT_FILE_STORAGE', 'STATICFILES_STORAGE'])('refuses %s together with STORAGES', key => {
    expect(() => configure({ STORAGES: {}, [key]: 'local' })).toThrow(`${key}/STORAGES are mutually exclusive.`)
  })

  test('says what is wrong with STORAGES', () => {
    const bad = (STORAGES: unknown) => () => configure({ STORAGES } as never)
    expect(bad([])).toThrow('STORAGES: expected an object')
    expect(bad({ a: 'local' })).toThrow("STORAGES['a']: expected an object")
    expect(bad({ a: {} })).toThrow("STORAGES['a'] has no BACKEND.")
    expect(bad({ a: { BACKEND: 'local', OPTION: {} } })).toThrow("STORAGES['a']: unknown key 'OPTION'")
    expect(bad({ a: { BACKEND: 'local', OPTIONS: 3 } })).toThrow("STORAGES['a'].OPTIONS: expected an object")
  })

  test('reads the environment where the settings are silent', () => {
    const STORAGES = '{"default":{"BACKEND":"memory"}}'
    expect(storageConfigs({}, { STORAGES })).toEqual({ default: { BACKEND: 'memory', OPTIONS: {} } })
    expect(() => storageConfigs({}, { STORAGES, STATICFILES_STORAGE: 'local' })).toThrow(
      'STATICFILES_STORAGE/STORAGES are mutually exclusive.',
    )
    expect(storageConfigs({ DEFAULT_FILE_STORAGE: 'local' }, { STORAGES })['default']).toEqual({ BACKEND: 'local' })
    expect(storageConfigs({}, { DEFAULT_FILE_STORAGE: 'memory' })['default']).toEqual({ BACKEND: 'memory' })
    expect(() => storageConfigs({}, { STORAGES: 'nonsense' })).toThrow('STORAGES: expected an object')
  })

  test('defineConfig gives its argument back', () => {
    const settings = { MEDIA_ROOT: 'media' }
    expect(defineConfig(settings)).toBe(settings)
  })
})

describe('overrideSettings', () => {
  test('holds during the call and no longer, with the old storages untouched', async () => {
    configure({ STORAGES: { default: { BACKEND: 'memory' } } })
    await storages.default.save('kept.txt', 'x')
    await overrideSettings({ DEFAULT_FILE_STORAGE: 'local', MEDIA_ROOT: '/elsewhere' }, async () => {
      await Promise.resolve()
      expect(defaultStorage.path('a')).toBe('/elsewhere/a')
    })
    expect(await storages.default.exists('kept.txt')).toBe(true)
  })

  test('ends when the call throws or rejects', async () => {
    configure({ STORAGES: { a: { BACKEND: 'memory' } } })
    const during = { STORAGES: { b: { BACKEND: 'memory' } } }
    const fail = () => {
      expect(storages.aliases()).toEqual(['b'])
      throw new Error('inside')
    }
    expect(() => overrideSettings(during, fail)).toThrow('inside')
    expect(storages.aliases()).toEqual(['a'])
    await expect(overrideSettings(during, async () => fail())).rejects.toThrow('inside')
    expect(storages.aliases()).toEqual(['a'])
    expect(overrideSettings(during, () => 7)).toBe(7)
  })
  test('calls may overlap, and code outside keeps its settings', async () => {
    configure({ MEDIA_ROOT: '/outside' })
    const gate = Promise.withResolvers<void>()
    const seen = (root: string) => async () => {
      const before = defaultStorage.path('a')
      await gate.promise
      return [before, defaultStorage.path('a'), root]
    }
    const both = Promise.all([
      overrideSettings({ MEDIA_ROOT: '/one' }, seen('/one')),
      overrideSettings({ MEDIA_ROOT: '/two' }, seen('/two')),
    ])
    expect(defaultStorage.path('a')).toBe('/outside/a')
    gate.resolve()
    expect(await both).toEqual([
      ['/one/a', '/one/a', '/one'],
      ['/two/a', '/two/a', '/two'],
    ])
    expect(defaultStorage.path('a')).toBe('/outside/a')
  })

  test('gives new storages where it names them, and keeps those for which nothing changed', async () => {
    const STORAGES = { default: { BACKEND: 'memory' } }
    configure({ STORAGES })
    const outer = storages.default
    await outer.save('a.txt', 'x')
    expect(overrideSettings({ UNRELATED: 1 }, () => storages.default)).toBe(outer)
    expect(overrideSettings({ MEDIA_URL: '/m/' }, () => storages.default)).not.toBe(outer)
    expect(await overrideSettings({ STORAGES }, () => storages.default.exists('a.txt'))).toBe(false)
  })

  test('configure in it holds until its end', () => {
    configure({ MEDIA_ROOT: '/outside' })
    overrideSettings({ MEDIA_ROOT: '/one' }, () => {
      configure({ MEDIA_ROOT: '/inside' })
      expect(defaultStorage.path('a')).toBe('/inside/a')
    })
    expect(defaultStorage.path('a')).toBe('/outside/a')
  })
})

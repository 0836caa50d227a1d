import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { resolveBackend } from '../../src/config/backends.ts'
import { configure, storages } from '../../src/config/index.ts'
import { findConfig, loadAndConfigure, loadConfig } from '../../src/config/load.ts'

let dir: string
beforeEach(async () => {
  dir = await realpath(await mkdtemp(join(tmpdir(), 'holdall-config-')))
})
afterEach(() => {
  configure({})
  return rm(dir, { recursive: true })
})

const put = (name: string, text: string) => writeFile(join(dir, name), text)

describe('findConfig', () => {
  test('looks upward and prefers TypeScript', async () => {
    await mkdir(join(dir, 'a/b'), { recursive: true })
    await put('holdall.config.json', '{}')
    expect(findConfig(join(dir, 'a/b'))).toBe(join(dir, 'holdall.config.json'))
    await put('holdall.config.ts', 'export default {}')
    expect(findConfig(join(dir, 'a/b'))).toBe(join(dir, 'holdall.config.ts'))
    await put('a/holdall.config.mjs', 'export default {}')
    expect(findConfig(join(dir, 'a/b'))).toBe(join(dir, 'a/holdall.config.mjs'))
  })
})

describe('loadConfig', () => {
  test('reads TypeScript, an object or a function', async () => {
    await put('holdall.config.ts', 'const root: string = "/m"\nexport default { MEDIA_ROOT: root }')
    expect(await loadConfig({ cwd: dir, env: {} })).toMatchObject({
      settings: { MEDIA_ROOT: '/m' },
      file: join(dir, 'holdall.config.ts'),
    })
    await put('own.mjs', 'export default async ({ environment }) => ({ MEDIA_URL: "/" + environment + "/" })')
    const loaded = await loadConfig({
      cwd: dir,
      file: 'own.mjs',
      env: { HOLDALL_ENV: 'staging', NODE_ENV: 'production' },
    })
    expect(loaded.settings).toEqual({ MEDIA_URL: '/staging/' })
    expect(loaded.environment).toBe('staging')
  })

  test('lays the part of $env over the rest', async () => {
    await put('holdall.config.json', '{"A":1,"B":1,"$env":{"production":{"B":2},"test":{"A":3}}}')
    expect((await loadConfig({ cwd: dir, env: { NODE_ENV: 'production' } })).settings).toEqual({ A: 1, B: 2 })
    expect((await loadConfig({ cwd: dir, env: {} })).settings).toEqual({ A: 1, B: 1 })
    expect((await loadConfig({ cwd: dir, env: { NODE_ENV: 'constructor' } })).settings).toEqual({ A: 1, B: 1 })
  })

  test('starts relative folders of this machine from the file', async () => {
    const local = new URL('../../src/backends/local/index.ts', import.meta.url)
    await put('own.ts', `import { LocalStorage } from '${local}'\nexport class Own extends LocalStorage {}\n`)
    const OPTIONS = { location: 'media' }
    const STORAGES = {
      local: { BACKEND: 'local', OPTIONS },
      own: { BACKEND: './own.ts#Own', OPTIONS },
      bucket: { BACKEND: 's3', OPTIONS },
      root: { BACKEND: 'local' },
    }
    await put('holdall.config.json', JSON.stringify({ MEDIA_ROOT: './m', STATIC_ROOT: '/s', STORAGES }))
    await mkdir(join(dir, 'sub'))
    const { settings } = await loadAndConfigure({ cwd: join(dir, 'sub'), env: {} })
    expect(settings).toMatchObject({ MEDIA_ROOT: join(dir, 'm'), STATIC_ROOT: '/s' })
    expect(storages['local']!.path('f')).toBe(join(dir, 'media/f'))
    expect(storages['own']!.path('f')).toBe(join(dir, 'media/f'))
    expect(storages['root']!.path('f')).toBe(join(dir, 'm/f'))
    expect(storages['bucket']!.options.location).toBe('media')
  })

  test('lets the overlay use the other form of naming storages', async () => {
    const production = { STORAGES: { default: { BACKEND: 'memory' } } }
    await put('holdall.config.json', JSON.stringify({ DEFAULT_FILE_STORAGE: 'local', $env: { production } }))
    expect((await loadConfig({ cwd: dir, env: { NODE_ENV: 'production' } })).settings).toEqual(production)
  })

  test('reads files that begin with a byte order mark', async () => {
    await put('.env', '\uFEFFX=1\n')
    await put('holdall.config.json', '\uFEFF{"A":1}')
    const env: Record<string, string> = {}
    expect((await loadConfig({ cwd: dir, env })).settings).toEqual({ A: 1 })
    expect(env).toEqual({ X: '1' })
  })

  test('adds .env to the environment and replaces nothing', async () => {
    await put('.env', 'HOLDALL_ENV=staging\nONE=from-file\nTWO="two words" # comment\n')
    await put('holdall.config.json', '{"$env":{"staging":{"X":1}}}')
    const env: Record<string, string> = { ONE: 'given' }
    const loaded = await loadConfig({ cwd: dir, env })
    expect(env).toEqual({ HOLDALL_ENV: 'staging', ONE: 'given', TWO: 'two words' })
    expect(loaded).toMatchObject({ envFile: join(dir, '.env'), settings: { X: 1 } })
  })

  test('takes the file that HOLDALL_CONFIG names', async () => {
    await put('other.json', '{"X":2}')
    expect((await loadConfig({ cwd: dir, env: { HOLDALL_CONFIG: 'other.json' } })).settings).toEqual({ X: 2 })
  })

  test.each([
    ['missing.json', undefined, "The configuration file 'missing.json' does not exist."],
    ['bad.json', '{', 'is not valid JSON'],
    ['bad.mjs', 'export default 7', 'must export its settings'],
    ['bad.json', '[]', 'bad.json must hold an object'],
    ['throws.mjs', '\nthrow new Error("on purpose")', 'throws.mjs:2 could not be loaded: on purpose'],
    ['word.mjs', 'throw "a word"', 'word.mjs could not be loaded: a word'],
    ['called.mjs', '\n\nexport default () => { throw new Error("later") }', 'called.mjs:3 could not be loaded: later'],
    ['package.mjs', 'import "absent-package"', "the package 'absent-package' is not installed here: npm install"],
    ['.', undefined, "The configuration file '.' is not a file."],
  ])('says what is wrong with %s', async (name, text, message) => {
    if (text !== undefined) await put(name, text)
    await expect(loadConfig({ cwd: dir, file: name, env: {} })).rejects.toMatchObject({
      code: 'improperly_configured',
      message: expect.stringContaining(message),
    })
  })
})

test('a contradiction in the file is told with the file', async () => {
  await put('holdall.config.json', '{"STORAGES":{"default":{"BACKEND":"local"}},"STATICFILES_STORAGE":"static"}')
  await expect(loadAndConfigure({ cwd: dir, env: {} })).rejects.toMatchObject({
    code: 'improperly_configured',
    message: `${join(dir, 'holdall.config.json')}: STATICFILES_STORAGE/STORAGES are mutually exclusive.`,
  })
  await put('holdall.config.json', '{"STORAGES":[]}')
  await expect(loadAndConfigure({ cwd: dir, env: {} })).rejects.toThrow('STORAGES: expected an object')
})

describe('a module path as BACKEND', () => {
  test('starts from the configuration file', async () => {
    await put('storages.mjs', 'export class Public { save() {} open() {} }\nexport const nothing = 1\n')
    const base = join(dir, 'holdall.config.ts')
    expect(resolveBackend('./storages.mjs#Public', base).name).toBe('Public')
    expect(() => resolveBackend('./storages.mjs#Private', base)).toThrow(
      "Could not find backend './storages.mjs#Private': the module has no export 'Private'.",
    )
    expect(() => resolveBackend('./storages.mjs#nothing', base)).toThrow('is not a class that extends Storage')
    expect(() => resolveBackend('./absent.mjs#Public', base)).toThrow(
      `Could not find backend './absent.mjs#Public': Cannot find module '${join(dir, 'absent.mjs')}'`,
    )
    const odd = pathToFileURL(join(dir, 'a b.mjs')).href
    await put('a b.mjs', 'export class Odd { save() {} open() {} }\n')
    expect(resolveBackend(`${odd}#Odd`, pathToFileURL(base).href).name).toBe('Odd')
  })
})

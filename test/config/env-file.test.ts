import { execFileSync } from 'node:child_process'
import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { AzureStorage } from '../../src/backends/azure/index.ts'
import { S3Storage } from '../../src/backends/s3/index.ts'
import { SpacesStorage } from '../../src/backends/spaces/index.ts'
import { backendNames, configure, declaredSettings, resolveBackend, storages } from '../../src/config/index.ts'
import { loadAndConfigure, loadConfig } from '../../src/config/load.ts'

let dir: string
let before: NodeJS.ProcessEnv
beforeEach(async () => {
  dir = await realpath(await mkdtemp(join(tmpdir(), 'holdall-env-')))
  before = { ...process.env }
})
afterEach(async () => {
  configure({})
  for (const name of Object.keys(process.env)) if (!(name in before)) delete process.env[name]
  await rm(dir, { recursive: true })
})

const put = (name: string, text: string) => writeFile(join(dir, name), text)
/** Loads a configuration with these lines in `.env` and these variables of the process itself. */
const load = async (lines: readonly string[], settings: object = {}, real: Record<string, string> = {}) => {
  Object.assign(process.env, real)
  await put('.env', lines.join('\n'))
  await put('holdall.config.json', JSON.stringify(settings))
  return loadAndConfigure({ cwd: dir })
}

describe('.env', () => {
  test('is not read without a configuration beside it, unless it is named', async () => {
    await put('.env', 'X=1\n')
    const env: Record<string, string> = {}
    expect(await loadConfig({ cwd: dir, env })).toMatchObject({ file: undefined, envFile: undefined })
    expect(env).toEqual({})
    expect(await loadConfig({ cwd: dir, env, envFile: '.env' })).toMatchObject({ envFile: join(dir, '.env') })
    expect(env).toEqual({ X: '1' })
    await expect(loadConfig({ cwd: dir, env, envFile: 'absent.env' })).rejects.toThrow(
      "The environment file 'absent.env' does not exist.",
    )
  })

  test('that is a folder, as Python has them, is no file of variables', async () => {
    await put('holdall.config.json', '{}')
    await mkdir(join(dir, '.env/bin'), { recursive: true })
    expect(await loadConfig({ cwd: dir, env: {} })).toMatchObject({ envFile: undefined })
    await expect(loadConfig({ cwd: dir, env: {}, envFile: '.env' })).rejects.toThrow('is not a file')
  })

  test('is another one than that beside the configuration when it is named', async () => {
    await put('.env', 'X=beside\n')
    await put('other.env', 'X=named\n')
    await put('holdall.config.json', '{}')
    const env: Record<string, string> = {}
    await loadConfig({ cwd: dir, env, envFile: 'other.env' })
    expect(env).toEqual({ X: 'named' })
  })

  test.runIf(process.platform !== 'win32')('that is a pipe does not block', async () => {
    await put('holdall.config.json', '{}')
    execFileSync('mkfifo', [join(dir, '.env'), join(dir, 'pipe.mjs')])
    await expect(loadConfig({ cwd: dir, env: {} })).rejects.toThrow('is not a file')
    await expect(loadConfig({ cwd: dir, env: {}, file: 'pipe.mjs' })).rejects.toThrow('is not a file')
  })

  test('sets no variable that decides which programs run', async () => {
    const names = ['PATH', 'HOME', 'NODE_OPTIONS', 'NODE_PATH', 'LD_PRELOAD', 'DYLD_INSERT_LIBRARIES', 'HOLDALL_CONFIG']
    names.push('PYTHONPATH', 'PERL5LIB', 'PERL5OPT', 'RUBYOPT', 'BASH_ENV', 'JAVA_TOOL_OPTIONS', '_JAVA_OPTIONS')
    names.push('HOSTALIASES', 'LOCALDOMAIN', 'RES_OPTIONS')
    await put('.env', [...names, 'OTHER'].map(name => `${name}=x`).join('\n'))
    const env: Record<string, string> = {}
    await loadConfig({ cwd: dir, env, envFile: '.env' })
    expect(env).toEqual({ OTHER: 'x' })
  })

  test.each([
    ['STORAGES', `STORAGES='{"default":{"BACKEND":"./x.cjs#X"}}'`],
    ['STORAGES', `STORAGES='{"default":"{\\\\"BACKEND\\\\":\\\\"./x.cjs#X\\\\"}"}'`.replaceAll('\\\\', '\\')],
    ['STORAGES', `STORAGES='{"default":{"BACKEND":"memory"},"other":{"BACKEND":"package#X"}}'`],
    ['DEFAULT_FILE_STORAGE', "DEFAULT_FILE_STORAGE='./x.cjs#X'"],
    ['DEFAULT_FILE_STORAGE', 'DEFAULT_FILE_STORAGE=/x.cjs'],
    ['STATICFILES_STORAGE', 'STATICFILES_STORAGE=file:///x.cjs'],
  ])('names no module in %s', async (name, line) => {
    await put('x.cjs', 'throw new Error("it was run")')
    await load([line])
    expect(() => storages.default).toThrow(
      expect.objectContaining({
        code: 'improperly_configured',
        message: expect.stringMatching(
          new RegExp(`/\\.env: ${name}\\b.*: expected a backend of Holdall, got a module`),
        ),
      }),
    )
  })

  test('names backends by short names and class paths', async () => {
    await load(['DEFAULT_FILE_STORAGE=django.core.files.storage.InMemoryStorage', 'STATICFILES_STORAGE=memory'])
    expect([storages.default.constructor.name, storages.staticfiles.constructor.name]).toEqual([
      'MemoryStorage',
      'MemoryStorage',
    ])
  })

  test('lets the environment itself name a module', async () => {
    await put('own.mjs', 'export class Own { static settings = {}; save() {} open() {} }\n')
    await load(['STORAGES=unused'], {}, { STORAGES: '{"default":{"BACKEND":"./own.mjs#Own"}}' })
    expect(storages.default.constructor.name).toBe('Own')
  })
})

describe('where requests go', () => {
  const STORAGES = { default: { BACKEND: 's3', OPTIONS: { bucketName: 'b' } } }
  const inEnv = (OPTIONS: object) => `STORAGES='${JSON.stringify({ default: { BACKEND: 's3', OPTIONS } })}'`
  const real = { AWS_ACCESS_KEY_ID: 'REAL', AWS_SECRET_ACCESS_KEY: 'real-secret' }
  const own = ['AWS_ACCESS_KEY_ID=OWN', 'AWS_SECRET_ACCESS_KEY=own-secret']
  const keys = { accessKey: 'A', secretKey: 'own-secret' }
  const endpoint = 'AWS_S3_ENDPOINT_URL=http://127.0.0.1:9'

  test.each<[string, string[], object, Record<string, string>]>([
    ['with keys of the process', [endpoint], { STORAGES }, real],
    ['with keys of the configuration', [endpoint], { STORAGES, ...real }, {}],
    ['with keys of a profile or an instance', [endpoint], { STORAGES }, {}],
    ['with a named profile', [endpoint, ...own, 'AWS_S3_SESSION_PROFILE=p'], { STORAGES }, {}],
    ['with half a pair', [endpoint, own[1]!], { STORAGES }, { AWS_ACCESS_KEY_ID: 'REAL' }],
    ['with the session token of the process', [endpoint, ...own], { STORAGES }, { AWS_SESSION_TOKEN: 'real-token' }],
    [
      'with stronger keys of the process',
      [endpoint, ...own],
      { STORAGES },
      { AWS_S3_ACCESS_KEY_ID: 'R', AWS_S3_SECRET_ACCESS_KEY: 'real-secret' },
    ],
    ['by the general name', ['AWS_ENDPOINT_URL=http://127.0.0.1:9'], { STORAGES }, real],
    ['in OPTIONS', [inEnv({ endpointUrl: 'http://127.0.0.1:9' })], {}, real],
    ['in OPTIONS by an alias', [inEnv({ endpoint_url: 'http://127.0.0.1:9' })], {}, real],
    ['in OPTIONS, with null for keys', [inEnv({ host: 'h', accessKey: null, secretKey: null })], {}, real],
    ['by a provider', ['AWS_S3_PROVIDER=r2', 'AWS_S3_ACCOUNT_ID=a'], { STORAGES }, real],
    ['by a proxy', ['AWS_S3_PROXIES={"https":"http://127.0.0.1:9"}'], { STORAGES }, real],
    ["in boto3's map", ['AWS_S3_CLIENT_CONFIG={"proxies":{"https":"http://127.0.0.1:9"}}'], { STORAGES }, real],
    ['by a proxy of the process', ['https_proxy=http://127.0.0.1:9'], { STORAGES }, real],
    ['without TLS', ['AWS_S3_USE_SSL=false'], { STORAGES }, real],
    ['without a check of the certificate', ['AWS_S3_VERIFY=false'], { STORAGES }, real],
    ["without Node's check", ['NODE_TLS_REJECT_UNAUTHORIZED=0'], { STORAGES }, real],
    ['by leaving out an endpoint', ['AWS_IGNORE_CONFIGURED_ENDPOINT_URLS=true'], { STORAGES }, real],
    ['by a file that may name a program', ['AWS_CONFIG_FILE=./evil'], { STORAGES }, {}],
  ])('is not named by .env %s', async (_what, lines, settings, variables) => {
    await load(lines, settings, variables)
    const error = (() => {
      try {
        return storages.default
      } catch (error) {
        return error as Error
      }
    })()
    expect(error).toMatchObject({ code: 'improperly_configured' })
    expect((error as Error).message).toMatch(
      /\/\.env: \S+(?: \(\w+\))? decides where requests go .* does not bring the keys/,
    )
    expect((error as Error).message).not.toMatch(/real|own-secret/)
  })

  test.each<[string, string[], object, Record<string, string>]>([
    ['with its own keys', [endpoint, ...own], { STORAGES }, {}],
    ['with its own keys in OPTIONS', [inEnv({ endpointUrl: 'http://127.0.0.1:9', ...keys })], {}, real],
    ['as the process has it as well', [endpoint], { STORAGES }, { ...real, AWS_S3_ENDPOINT_URL: 'http://127.0.0.1:8' }],
    ['as the configuration has it as well', [endpoint], { STORAGES, AWS_S3_ENDPOINT_URL: 'http://127.0.0.1:9' }, real],
  ])('may be named by .env %s', async (_what, lines, settings, variables) => {
    await load(lines, settings, variables)
    expect(storages.default.options).toHaveProperty('endpointUrl', expect.stringContaining('http://127.0.0.1:'))
  })

  test('may be a connection string of .env that brings its key, and no other', async () => {
    const AZURE = { STORAGES: { default: { BACKEND: 'azure', OPTIONS: { azureContainer: 'c' } } } }
    const key = 'AccountKey=a2V5'
    await load([`AZURE_CONNECTION_STRING=AccountName=a;${key}`], AZURE)
    expect(storages.default.options).toMatchObject({ azureContainer: 'c' })
    const bare = 'AZURE_CONNECTION_STRING=BlobEndpoint=https://127.0.0.1:9/a'
    for (const variables of [{ AZURE_ACCOUNT_KEY: 'cmVhbA==' }, { AZURE_TOKEN_CREDENTIAL: 'default' }]) {
      await load([bare], AZURE, variables)
      expect(() => storages.default).toThrow('connectionString (AZURE_CONNECTION_STRING) decides where requests go')
      for (const name of Object.keys(variables)) delete process.env[name]
    }
  })

  test('leaves other settings to .env', async () => {
    const lines = [
      'AWS_STORAGE_BUCKET_NAME=b',
      'AWS_S3_REGION_NAME=eu-west-1',
      'AWS_S3_CLIENT_CONFIG={"read_timeout":5}',
    ]
    await load(lines, { STORAGES: { default: { BACKEND: 's3' } } }, real)
    expect(storages.default.options).toMatchObject({ bucketName: 'b', regionName: 'eu-west-1' })
    await load(['MEDIA_URL=/m/', 'http_proxy=http://127.0.0.1:9'], { STORAGES: { default: { BACKEND: 'local' } } })
    expect(storages.default.options).toMatchObject({ baseUrl: '/m/' })
  })

  test.each(['digitalocean', 'wasabi', 'backblaze', 'scaleway', 'ovh'])(
    'is not decided by the region of .env with %s',
    async AWS_S3_PROVIDER => {
      await load(['AWS_S3_REGION_NAME=example.com/'], { STORAGES, AWS_S3_PROVIDER }, real)
      await expect(storages.default.url('x')).rejects.toMatchObject({
        code: 'improperly_configured',
        message: expect.stringContaining("AWS_S3_REGION_NAME: expected a part of a host's name"),
      })
    },
  )

  test('is declared of each setting that decides it', () => {
    const PLACE = /endpoint|host|port$|prox|ssl|verify|provider|account|address|server|url$/i
    /** Addresses of the files of users, settings that are no place, and names of entries that have places and keys. */
    const NONE = new Set(['baseUrl', 'addressingStyle', 'accountKey', 'accountName', 'providerName', 'defaultProvider'])
    const undeclared = backendNames().flatMap(name =>
      Object.entries(declaredSettings(resolveBackend(name)))
        .filter(
          ([option, { role }]) => PLACE.test(option) && role !== 'destination' && role !== 'both' && !NONE.has(option),
        )
        .map(([option]) => `${name}.${option}`),
    )
    expect(undeclared).toEqual([])
    expect(declaredSettings(SpacesStorage)['endpointUrl']!.role).toBe('destination')
  })

  test('is declared with the keys that it needs', () => {
    for (const backend of [S3Storage, SpacesStorage]) {
      const roles = Object.entries(declaredSettings(backend)).filter(([, { role }]) => role === 'credential')
      expect(roles.map(([option]) => option)).toEqual(['accessKey', 'secretKey', 'securityToken'])
    }
    const roles = Object.entries(declaredSettings(AzureStorage)).filter(([, { role }]) => role === 'credential')
    expect(roles.map(([option]) => option)).toEqual(['accountKey', 'sasToken', 'tokenCredential'])
    expect(declaredSettings(AzureStorage)['connectionString']!.role).toBe('both')
  })
})

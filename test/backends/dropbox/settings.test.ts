import { afterEach, describe, expect, it, vi } from 'vitest'
import { DropboxStorage } from '../../../src/backends/dropbox/index.ts'
import { resolveBackend } from '../../../src/config/backends.ts'
import { storageWith } from './support.ts'

const TOKEN = { oauth2AccessToken: 'a-token' }
const make = (options: object = {}, env: Record<string, string> = {}) => storageWith({ ...TOKEN, ...options }, { env })

afterEach(() => vi.restoreAllMocks())

it('takes every setting of django-storages by its name', () => {
  const settings = {
    DROPBOX_OAUTH2_TOKEN: 'the-token',
    DROPBOX_OAUTH2_REFRESH_TOKEN: 'refresh',
    DROPBOX_APP_KEY: 'key',
    DROPBOX_APP_SECRET: 'secret',
    DROPBOX_ROOT_PATH: '/my app/',
    DROPBOX_TIMEOUT: null,
    DROPBOX_WRITE_MODE: 'overwrite',
  }
  const { options } = new DropboxStorage({}, { settings, env: {} })
  expect({ ...options }).toMatchObject({
    oauth2AccessToken: 'the-token',
    oauth2RefreshToken: 'refresh',
    appKey: 'key',
    appSecret: 'secret',
    rootPath: '/my app',
    timeoutSecs: null,
    writeMode: 'overwrite',
    fileOverwrite: true,
  })
})

it('takes the options of django-storages by their names, and the environment', () => {
  const options = { root_path: '/a', write_mode: 'update', timeout: 5, oauth2_refresh_token: 'r', app_key: 'k' }
  const storage = make(options, { DROPBOX_APP_SECRET: 's', DROPBOX_TEAM_ROOT: 'yes', DROPBOX_PART_SIZE: '8388608' })
  expect({ ...storage.options }).toMatchObject({
    rootPath: '/a',
    writeMode: 'update',
    timeoutSecs: 5,
    oauth2RefreshToken: 'r',
    appKey: 'k',
    appSecret: 's',
    teamRoot: true,
    partSize: 8_388_608,
  })
})

it('has the defaults of django-storages', () => {
  expect({ ...make().options }).toMatchObject({
    rootPath: '/',
    timeoutSecs: 100,
    writeMode: 'add',
    fileOverwrite: false,
  })
  expect(make({}, { DROPBOX_TIMEOUT: '30' }).options.timeoutSecs).toBe(30)
  // Row 208: what is sent at once, and the parts of the rest.
  expect(make().options).toMatchObject({ multipartThreshold: 4_194_304, partSize: 4_194_304 })
})

it.each([
  ['add', false],
  ['overwrite', true],
  ['update', true],
])('%s as write mode: files are overwritten: %s, unless fileOverwrite says otherwise', (writeMode, overwrites) => {
  expect(make({ writeMode }).options.fileOverwrite).toBe(overwrites)
  expect(make({ writeMode, fileOverwrite: !overwrites }).options.fileOverwrite).toBe(!overwrites)
  expect(make({ writeMode, allow_overwrite: !overwrites }).options.fileOverwrite).toBe(!overwrites)
})

describe('the root', () => {
  it.each([
    ['/', '', 'a.txt'],
    ['/app', 'app', 'app/a.txt'],
    ['/app/', 'app', 'app/a.txt'],
    ['/my app/Über', 'my app/Über', 'my app/Über/a.txt'],
  ])('%j is the prefix of keys', (rootPath, location, key) => {
    const storage = make({ rootPath })
    expect(storage.options.location).toBe(location)
    expect(storage.keyOf('a.txt')).toBe(key)
    expect(storage.nameOf(key)).toBe('a.txt')
  })

  it('is also taken by its old name, with a warning', () => {
    const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined)
    const { options } = make({ location: '/old' })
    expect([options.rootPath, options.location]).toEqual(['/old', 'old'])
    expect(warn.mock.calls).toEqual([[expect.stringContaining('rootPath'), expect.anything()]])
    // The new name wins.
    expect(make({ location: '/old', rootPath: '/new' }).options.location).toBe('new')
    expect(() => make({ location: 'old' })).toThrow("location: expected a path that begins with '/'")
  })

  it.each([
    'app',
    '',
    'app/',
    '//',
    '/a//b',
    '/a/../b',
    '/.',
    '/trailing ',
    '/a\\b',
    '/desktop.ini',
    `/${'x'.repeat(256)}`,
  ])('is never %j', rootPath => {
    expect(() => make({ rootPath })).toThrow(/^rootPath: expected a path/)
  })
})

describe('tokens', () => {
  it('row 205: none is improperly_configured, with the names of the settings', () => {
    const none = () => storageWith({})
    expect(none).toThrow(expect.objectContaining({ code: 'improperly_configured' }))
    expect(none).toThrow(/DROPBOX_OAUTH2_TOKEN.*DROPBOX_APP_KEY.*DROPBOX_APP_SECRET.*DROPBOX_OAUTH2_REFRESH_TOKEN/)
    expect(() => storageWith({ appKey: 'k', appSecret: 's' })).toThrow(/DROPBOX_OAUTH2_TOKEN/)
  })

  it('a refresh token needs its app, not an access token', () => {
    expect(() => storageWith({ oauth2RefreshToken: 'r' })).toThrow(/DROPBOX_APP_KEY is missing/)
    expect(() => storageWith({ oauth2RefreshToken: 'r', appKey: 'k' })).not.toThrow()
  })

  it.each(['oauth2AccessToken', 'oauth2RefreshToken', 'appSecret'])('%s is never shown', name => {
    const storage = make({ oauth2RefreshToken: 'r', appKey: 'k', [name]: 'top-secret-text' })
    const { inspect } = process.getBuiltinModule('node:util')
    for (const text of [
      inspect(storage),
      JSON.stringify(storage),
      inspect(storage.options),
      JSON.stringify(storage.options),
    ])
      expect(text).not.toContain('top-secret-text')
    const bad = (): unknown => make({ [name]: 'top secret text' })
    expect(bad).toThrow(name)
    expect(bad).not.toThrow(/top secret/)
  })
})

it.each([
  [{ rootPath: 5 }, 'rootPath: expected text'],
  [{ writeMode: 'replace' }, 'writeMode: expected one of add, overwrite, update'],
  [{ partSize: 1_000_000 }, 'partSize: expected a whole number of at least 4194304'],
  [{ partSize: 5_000_000 }, 'partSize: expected a multiple of 4194304 bytes (4 MiB)'],
  [{ partSize: 160 * 1024 * 1024 }, 'at most 148 MiB'],
  [{ multipartThreshold: 157_286_401 }, 'from 0 to 157286400'],
  [{ timeout: -1 }, 'timeout: expected a number of seconds above 0'],
  [{ apiUrl: 'ftp://host' }, 'apiUrl: the address must be an http or https URL'],
  [{ contentUrl: 'https://user:pw@host' }, 'contentUrl: the address takes no user'],
  [{ oauth2Token: 'x' }, "Invalid setting 'oauth2Token' for DropboxStorage"],
])('refuses %j by name', (options, message) => {
  const bad = (): unknown => make(options)
  expect(bad).toThrow(expect.objectContaining({ code: 'improperly_configured' }))
  expect(bad).toThrow(message)
})

it.each(['storages.backends.dropbox.DropBoxStorage', 'storages.backends.dropbox.DropboxStorage', 'dropbox'])(
  '%s is its name',
  name => {
    expect(resolveBackend(name).name).toBe('DropboxStorage')
  },
)

describe('advice', () => {
  const advice = (settings: Record<string, string>, env: Record<string, string> = {}) =>
    DropboxStorage.advice({ settings, env })

  it('says that a token alone ends', () => {
    expect(advice({ DROPBOX_OAUTH2_TOKEN: 'x' })).toEqual([expect.stringMatching(/^DROPBOX_OAUTH2_TOKEN: .*4 hours/)])
    expect(advice({}, { DROPBOX_OAUTH2_TOKEN: 'x' })).toHaveLength(1)
  })

  it('says what has no effect, and what only PKCE can do without', () => {
    expect(advice({ DROPBOX_OAUTH2_TOKEN: '', DROPBOX_APP_KEY: 'k', DROPBOX_APP_SECRET: 's' })).toEqual([
      'DROPBOX_APP_KEY: it has no effect without DROPBOX_OAUTH2_REFRESH_TOKEN.',
      'DROPBOX_APP_SECRET: it has no effect without DROPBOX_OAUTH2_REFRESH_TOKEN.',
    ])
    expect(advice({ DROPBOX_OAUTH2_REFRESH_TOKEN: 'r', DROPBOX_APP_KEY: 'k' })).toEqual([
      expect.stringContaining('PKCE'),
    ])
  })

  it('is silent about what is right', () => {
    const right = { DROPBOX_OAUTH2_REFRESH_TOKEN: 'r', DROPBOX_APP_KEY: 'k', DROPBOX_APP_SECRET: 's' }
    expect([advice({}), advice(right), advice({ ...right, DROPBOX_OAUTH2_TOKEN: 't' })]).toEqual([[], [], []])
  })
})

import { describe, expect, it } from 'vitest'
import { AtmosStorage, NinefoldStorage } from '../../../src/backends/atmos/index.ts'
import { BACKENDS } from '../../../src/config/backend-table.ts'
import { scripted } from './scripted.ts'

const KEY = 'LJLuryj6zs8ste6Y3jTGQp71xq0='
const OWN = { host: 'atmos.example.com', user: 'sub/uid', key: KEY }
const make = (options: object, env: Record<string, string> = {}) => new AtmosStorage(options, { settings: {}, env })

it('takes every setting by its global name, of Atmos and of Ninefold', () => {
  const given = {
    USER: 'sub/uid',
    KEY,
    CONTAINER: 'media',
    HOST: 'h.example.com',
    PORT: '8443',
    SECURE: 'false',
    PATH: 'api/v1/',
    SIGN_PATH: 'yes',
    LOCATION: 'below',
    FILE_OVERWRITE: '1',
    USER_ACL: 'john=READ',
    GROUP_ACL: 'other=READ',
    CHECKSUMS: 'off',
    PART_SIZE: '2097152',
    QUERYSTRING_EXPIRE: '60',
    CUSTOM_DOMAIN: 'cdn.example.com',
    URL_PROTOCOL: 'http',
    CONNECT_TIMEOUT_SECS: '5',
    TIMEOUT_SECS: '7',
    MAX_SOCKETS: '3',
    VERIFY: 'false',
  }
  for (const [prefix, Class] of [
    ['ATMOS', AtmosStorage],
    ['NINEFOLD', NinefoldStorage],
  ] as const) {
    const env = Object.fromEntries(Object.entries(given).map(([name, value]) => [`${prefix}_${name}`, value]))
    expect(new Class({}, { settings: {}, env }).options).toMatchObject({
      user: 'sub/uid',
      key: KEY,
      container: 'media',
      host: 'h.example.com',
      port: 8443,
      secure: false,
      path: '/api/v1',
      signPath: true,
      location: 'below',
      fileOverwrite: true,
      userAcl: 'john=READ',
      groupAcl: 'other=READ',
      checksums: false,
      partSize: 2_097_152,
      querystringExpire: 60,
      customDomain: 'cdn.example.com',
      urlProtocol: 'http:',
      connectTimeoutSecs: 5,
      timeoutSecs: 7,
      maxSockets: 3,
      verify: false,
    })
  }
})

it.each<[object, string]>([
  [{ user: 'uid', key: KEY }, 'ATMOS_HOST is missing'],
  [{ host: 'h', key: KEY }, 'ATMOS_USER is missing'],
  [{ host: 'h', user: 'uid' }, 'ATMOS_KEY is missing'],
  [{ ...OWN, key: 'not base64!' }, 'key: expected the shared secret in base64'],
  [{ ...OWN, container: 'a/b' }, 'container: expected the name of one folder'],
  [{ ...OWN, container: '..' }, 'container: expected the name of one folder'],
  [{ ...OWN, host: 'ftp://h' }, 'host must be an http or https URL'],
  [{ ...OWN, host: 'https://user:pw@h' }, 'host takes no user'],
  [{ ...OWN, path: '/a?b' }, 'path: expected a path'],
  [{ ...OWN, path: '/a/../b' }, 'path: expected a path'],
  [{ ...OWN, port: 0 }, 'port: expected a whole number from 1 to 65535'],
  [{ ...OWN, port: 65_536 }, 'port: expected a whole number from 1 to 65535'],
  [{ ...OWN, partSize: 1000 }, 'partSize: expected a whole number of at least 1048576'],
  [{ ...OWN, user: 'a b' }, 'user: expected text without blanks'],
  [{ ...OWN, location: '/a' }, 'cannot begin with a leading slash'],
  [{ ...OWN, objectParameters: { colour: 'red' } }, "'colour' is not a parameter of an Atmos upload"],
  [{ ...OWN, customDomain: 'https://cdn' }, 'customDomain must be a host'],
  [{ ...OWN, containr: 'x' }, 'container'],
])('refuses %j by name', (options, message) => {
  const error = (() => {
    try {
      return make(options)
    } catch (failure) {
      return failure
    }
  })()
  expect(error).toMatchObject({ code: 'improperly_configured', message: expect.stringContaining(message) })
  expect(String(error)).not.toContain('not base64!')
})

describe('the address', () => {
  it.each([
    [{}, 'https://atmos.example.com/rest/namespace/c/a'],
    [{ port: 10_080, secure: false }, 'http://atmos.example.com:10080/rest/namespace/c/a'],
    [{ host: 'http://h:81/x', path: 'y' }, 'http://h:81/x/y/rest/namespace/c/a'],
    [{ host: 'https://h/a/storage/v1.0', path: '/storage/v1.0' }, 'https://h/a/storage/v1.0/rest/namespace/c/a'],
    [{ host: '[::1]', port: 8080 }, 'https://[::1]:8080/rest/namespace/c/a'],
    [{ container: null }, 'https://atmos.example.com/rest/namespace/a'],
    [{ container: 'a b', location: 'ü' }, 'https://atmos.example.com/rest/namespace/a%20b/%C3%BC/a'],
  ])('of %j', async (options, url) => {
    const files = scripted(() => ({ status: 500 }), options)
    await files.readText('a').catch(() => undefined)
    expect(files.asked[0]!.url).toBe(url)
  })

  it('of Ninefold is its own unless another is given', async () => {
    const own = { user: 'u', key: KEY, container: 'c' }
    const url = await new NinefoldStorage(own, { settings: {}, env: {} }).url('a')
    expect(url).toMatch(/^https:\/\/api\.ninefold\.com\/storage\/v1\.0\/rest\/namespace\/c\/a\?uid=u&expires=/)
  })
})

it('shows no secret', () => {
  const files = make(OWN)
  expect(`${JSON.stringify(files)} ${JSON.stringify(files.options)}`).not.toContain(KEY)
})

it('has advice: Ninefold is gone, and a connection without TLS can be read', () => {
  const none = { settings: {}, env: {} }
  expect(AtmosStorage.advice(none)).toEqual([])
  expect(NinefoldStorage.advice(none)).toEqual([])
  const old = { NINEFOLD_USER: 'u', NINEFOLD_KEY: KEY }
  expect(NinefoldStorage.advice({ settings: old, env: {} })).toEqual([
    expect.stringMatching(/^NINEFOLD_HOST: Ninefold closed in 2016/),
  ])
  expect(NinefoldStorage.advice({ settings: old, env: { NINEFOLD_HOST: 'h' } })).toEqual([])
  expect(AtmosStorage.advice({ settings: { ATMOS_SECURE: false, ATMOS_SIGN_PATH: true }, env: {} })).toEqual([
    expect.stringMatching(/^ATMOS_SECURE: without TLS/),
    expect.stringMatching(/^ATMOS_SIGN_PATH: it has no effect/),
  ])
})

it('is in the table of backends, with Ninefold in the same chunk', () => {
  expect(BACKENDS.filter(({ folder }) => folder === 'atmos').map(({ name, chunk }) => [name, chunk])).toEqual([
    ['atmos', 'atmos'],
    ['ninefold', 'atmos'],
  ])
})

it('refuses names that the namespace cannot hold before anything is asked', async () => {
  const files = scripted(() => ({ status: 500 }))
  for (const name of ['a\u0001b', `${'x'.repeat(256)}`, `a/${'é'.repeat(128)}/b`, '.holdall-1-aa.tmp']) {
    await expect(files.save(name, 'x', { overwrite: true }), name).rejects.toMatchObject({ code: 'suspicious_name' })
  }
  expect(files.asked).toEqual([])
})

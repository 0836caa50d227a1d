import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import {
  credentialSource,
  type ExpiringCredentials,
  RefreshingCredentials,
} from '../../../src/backends/s3/credentials/credentials.ts'
import {
  type ProfilePlace,
  profilePlace,
  readProfile,
  staticKeys,
} from '../../../src/backends/s3/credentials/shared-profile.ts'
import { S3Storage } from '../../../src/backends/s3/index.ts'
import { type Profiles, parseProfileFile } from '../../../src/remote/aws-profiles.ts'
import type { SigningCredentials } from '../../../src/remote/sign/query.ts'
import { scripted } from './scripted.ts'
import { driverFor } from './support.ts'

const NOBODY = { accessKeyId: 'A', secretAccessKey: 'secret' }
const NONE = { accessKey: null, secretKey: null, securityToken: null, sessionProfile: null, signatureVersion: 's3v4' }

let folder: string
let env: Record<string, string>

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'credentials-'))
  const file = (name: string) => join(folder, name)
  env = { HOME: folder, AWS_SHARED_CREDENTIALS_FILE: file('credentials'), AWS_CONFIG_FILE: file('config') }
})

afterEach(() => rm(folder, { recursive: true }))

const write = (name: 'credentials' | 'config', ...lines: string[]) => writeFile(join(folder, name), lines.join('\n'))

const readStaticKeys = async (place: ProfilePlace) => staticKeys(await readProfile(place), place)

describe('explicit keys', () => {
  test('come at once, always the same object', () => {
    const source = credentialSource({ ...NONE, accessKey: 'AK', secretKey: 'SK', securityToken: 'T' }, env)
    const keys = source.get()
    expect(keys).toEqual({ accessKeyId: 'AK', secretAccessKey: 'SK', sessionToken: 'T' })
    expect(source.get()).toBe(keys)
  })

  test('are not looked for when nothing is signed', () => {
    expect(credentialSource({ ...NONE, signatureVersion: 'unsigned' }, env).get()).toBeNull()
  })

  test.each([
    [{ accessKey: 'AK' }, 'SECRET_ACCESS_KEY'],
    [{ secretKey: 'hidden' }, 'ACCESS_KEY_ID'],
    [{ accessKey: 'AK', secretKey: 'hidden', sessionProfile: 'work' }, 'AWS_S3_SESSION_PROFILE'],
  ])('that contradict each other are refused without their values: %o', (options, named) => {
    const make = () => credentialSource({ ...NONE, ...options }, env)
    expect(make).toThrow(expect.objectContaining({ code: 'improperly_configured' }))
    expect(make).toThrow(named)
    expect(make).not.toThrow('hidden')
  })
})

describe('shared profiles', () => {
  test('give static keys by the profile setting, AWS_PROFILE, then default', async () => {
    await write('credentials', '[default]', 'aws_access_key_id = D', 'aws_secret_access_key = d/+=d')
    await write('config', '[profile work]', 'aws_access_key_id=W', 'aws_secret_access_key=w', 'aws_session_token=t')
    const work = { accessKeyId: 'W', secretAccessKey: 'w', sessionToken: 't' }
    const named = { ...env, AWS_PROFILE: 'work' }
    expect(await credentialSource(NONE, env).get()).toMatchObject({ accessKeyId: 'D', secretAccessKey: 'd/+=d' })
    expect(await credentialSource({ ...NONE, sessionProfile: 'work' }, env).get()).toEqual(work)
    expect(await credentialSource(NONE, named).get()).toEqual(work)
    expect(await credentialSource({ ...NONE, sessionProfile: 'default' }, named).get()).toMatchObject({
      accessKeyId: 'D',
    })
  })

  test.each([
    ['aws_security_token = old', 'old'],
    ['aws_security_token = old\naws_session_token = new', 'new'],
    ['AWS_Session_Token =\naws_security_token = old', 'old'],
  ])('have a session token by its newer or its older name: %o', async (lines, sessionToken) => {
    await write('credentials', '[default]', 'aws_access_key_id = D', 'aws_secret_access_key = d', lines)
    expect(await credentialSource(NONE, env).get()).toMatchObject({ sessionToken })
  })

  test('are read once, after which the keys come at once', async () => {
    await write('credentials', '[default]', 'aws_access_key_id = D', 'aws_secret_access_key = d')
    const source = credentialSource(NONE, env)
    const keys = await source.get()
    await rm(join(folder, 'credentials'))
    expect(source.get()).toBe(keys)
  })

  test('are looked for in the home folder, also by ~', () => {
    const place = profilePlace(null, { HOME: '/h', AWS_CONFIG_FILE: '~/config' })
    expect(place).toMatchObject({ profile: 'default', isNamed: false, configFile: '/h/config' })
    expect(place.credentialsFile).toBe(join('/h', '.aws', 'credentials'))
  })

  test('of the credentials file go before those of the configuration file and never mix', async () => {
    await write('credentials', '[default]', 'aws_access_key_id = C', 'aws_secret_access_key = c')
    await write('config', '[default]', 'aws_access_key_id = X', 'aws_secret_access_key = x', 'aws_session_token = x')
    const keys = await readStaticKeys(profilePlace(null, env))
    expect(keys).toEqual({ accessKeyId: 'C', secretAccessKey: 'c', sessionToken: undefined })
  })

  test('that assume a role, and missing files, give no static keys', async () => {
    expect(await readStaticKeys(profilePlace(null, env))).toBeUndefined()
    await write('credentials', '[role]', 'aws_access_key_id = C', 'aws_secret_access_key = c')
    await write('config', '[profile role]', 'role_arn = arn:aws:iam::1:role/r', 'source_profile = role')
    expect(await readStaticKeys(profilePlace('role', env))).toBeUndefined()
  })

  test('that are named and absent, or have half a pair, are errors without their values', async () => {
    await write('credentials', '[half]', 'aws_secret_access_key = hidden')
    const failure = (profile: string) => readStaticKeys(profilePlace(profile, env)).catch(error => error)
    const [absent, half] = [await failure('nobody'), await failure('half')]
    expect(absent).toMatchObject({ code: 'improperly_configured' })
    expect(absent.message).toContain(`'nobody' is in neither of '${join(folder, 'credentials')}'`)
    expect(half).toMatchObject({ code: 'improperly_configured' })
    expect(half.cause).toBeUndefined()
    expect(half.message).toContain('aws_access_key_id')
    expect(half.message).not.toContain('hidden')
  })

  test('are parsed with comments, nested settings, indents, quotes and foreign line ends', () => {
    const text = [
      '\uFEFF# comment = no',
      'stray = 1',
      '[ default ] ; comment',
      '  AWS_Access_Key_Id = a#b  # comment',
      's3 =',
      '  aws_secret_access_key = nested',
      'aws_secret_access_key=x=y==',
      '[profile "two words"]',
      'region: none',
      'key = 1 ;\u2028 # a comment has any character',
      '[plain]',
      'key = 2',
      '[sso-session s]',
      'key = 3',
      '[profile __proto__]',
      'key = 4',
      '[profile default]',
      'late = yes',
    ].join('\r\n')
    expect(plain(parseProfileFile(text, true).profiles)).toEqual([
      ['default', { aws_access_key_id: 'a#b', s3: '', aws_secret_access_key: 'x=y==', late: 'yes' }],
      ['two words', { key: '1' }],
      ['__proto__', { key: '4' }],
    ])
    expect(plain(parseProfileFile('[plain]\nkey = 2', false).profiles)).toEqual([['plain', { key: '2' }]])
  })
})

test('sections of services and of SSO sessions are only those of the configuration file', () => {
  const text =
    '[services a]\ns3 =\n\tendpoint_url = http://s3\nother = 1\n[sso-session b]\nsso_region = r\n[services]\nx = y\n'
  const { profiles, services, sessions } = parseProfileFile(text, true)
  expect([plain(profiles), plain(services), plain(sessions)]).toEqual([
    [],
    [['a', { s3: '', 's3.endpoint_url': 'http://s3', other: '1' }]],
    [['b', { sso_region: 'r' }]],
  ])
  expect([...parseProfileFile(text, false).profiles.keys()]).toEqual(['services a', 'sso-session b', 'services'])
})

test('settings that say null leave the keys of the environment, but not beside a profile', async () => {
  const env = {
    AWS_S3_ACCESS_KEY_ID: 'A',
    AWS_SECRET_ACCESS_KEY: 'S',
    AWS_SESSION_TOKEN: 'T',
    AWS_CONFIG_FILE: '/none',
  }
  const keys = { accessKeyId: 'A', secretAccessKey: 'S', sessionToken: 'T' }
  expect(credentialSource(NONE, env).get()).toEqual(keys)
  const named = credentialSource({ ...NONE, sessionProfile: 'none' }, { ...env, AWS_SHARED_CREDENTIALS_FILE: '/none' })
  await expect(named.get()).rejects.toMatchObject({ code: 'improperly_configured' })
})

describe('keys that end', () => {
  const MINUTE = 60_000

  /** Keys whose n-th loading answers by `answer`; `clock.now` is in milliseconds. */
  function refreshing(answer: (call: number) => Promise<ExpiringCredentials>) {
    const clock = { now: 0, calls: 0 }
    const load = () => {
      clock.calls++
      return answer(clock.calls)
    }
    return { clock, source: new RefreshingCredentials(load, () => clock.now) }
  }

  const lasting = (call: number, minutes: number) => {
    const expiration = new Date(minutes * MINUTE)
    return { accessKeyId: `AK${call}`, secretAccessKey: `SK${call}`, expiration }
  }

  test('are loaded once for 50 callers, then not until 5 minutes before the end', async () => {
    const { clock, source } = refreshing(async call => lasting(call, 60 * call))
    const all = await Promise.all(Array.from({ length: 50 }, () => source.get()))
    expect(new Set(all).size).toBe(1)
    clock.now = 54.9 * MINUTE
    expect(source.get()).toBe(all[0])
    expect(clock.calls).toBe(1)
    clock.now = 55 * MINUTE
    await Promise.all(Array.from({ length: 50 }, () => source.get()))
    expect(clock.calls).toBe(2)
    await expect.poll(() => source.get()).toMatchObject({ accessKeyId: 'AK2' })
    expect(clock.calls).toBe(2)
  })

  test('stay in use while valid when renewing fails, and no longer', async () => {
    const { clock, source } = refreshing(async call => {
      if (call > 1) throw new Error('down')
      return lasting(call, 60)
    })
    const old = await source.get()
    clock.now = 56 * MINUTE
    expect(await Promise.all(Array.from({ length: 50 }, () => source.get()))).toEqual(Array(50).fill(old))
    expect(clock.calls).toBe(2)
    clock.now = 60 * MINUTE
    await expect(Promise.resolve(source.get())).rejects.toThrow('down')
  })

  test('are asked for again at once after a failure', async () => {
    const { clock, source } = refreshing(async call => {
      if (call === 1) throw new Error('not yet')
      return { accessKeyId: 'AK', secretAccessKey: 'SK' }
    })
    await expect(Promise.all(Array.from({ length: 50 }, () => source.get()))).rejects.toThrow('not yet')
    const keys = await source.get()
    clock.now = 1e15
    expect(source.get(), 'no end was given').toBe(keys)
    expect(clock.calls).toBe(2)
  })
})

function plain(profiles: Profiles) {
  return Array.from(profiles, ([name, settings]) => [name, Object.fromEntries(settings)])
}

test('an abort ends a call that waits for its keys, and the others get them', async () => {
  const { promise, resolve } = Promise.withResolvers<SigningCredentials>()
  const credentials = new RefreshingCredentials(() => promise)
  await using server = await scripted((_request, response) => response.setHeader('etag', '"e"').end('ok'))
  const driver = driverFor({ url: server.url, region: 'us-east-1', credentials: NOBODY }, { credentials })
  const files = new S3Storage({ bucketName: 'bkt', timeoutSecs: null }, { settings: {}, env: {}, driver })
  const controller = new AbortController()
  const { signal } = controller
  const calls = [files.readText('a', { signal }), files.url('a', { signal }), files.save('a', 'x', { signal })]
  const patient = files.readText('a')
  controller.abort(new Error('enough'))
  for (const call of calls) await expect(call).rejects.toMatchObject({ name: 'StorageError', code: 'aborted' })
  resolve(NOBODY)
  expect(await patient).toBe('ok')
  await driver.close()
})

test.each<[string, () => unknown]>([
  ['a document', () => JSON.parse('{5ec7e7')],
  [
    'the output of a process',
    () => {
      throw Object.assign(new Error('Command failed: keys --password 5ec7e7\n5ec7e7'), { stdout: '5ec7e7' })
    },
  ],
  [
    'a cause and more lines',
    () => {
      throw new Error('refused\n5ec7e7', { cause: '5ec7e7' })
    },
  ],
])('a chain that fails is reported without %s', async (_what, fail) => {
  vi.doMock('@aws-sdk/credential-providers', () => ({ fromNodeProviderChain: () => async () => fail() }))
  try {
    const failure = await Promise.resolve(credentialSource(NONE, env).get()).catch((error: unknown) => error)
    expect(failure).toMatchObject({ code: 'permission_denied', cause: { message: expect.any(String) } })
    expect(inspect(failure, { depth: 9, showHidden: true })).not.toContain('5ec7e7')
  } finally {
    vi.doUnmock('@aws-sdk/credential-providers')
  }
})

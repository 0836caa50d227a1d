import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { SftpStorage } from '../../../src/backends/sftp/index.ts'
import { resolveBackend } from '../../../src/config/backends.ts'

/** A storage that reads these settings and this environment, and nothing else. */
function storageOf(
  settings: Record<string, unknown>,
  env: Record<string, string> = {},
  options: Record<string, unknown> = {},
): SftpStorage {
  return new SftpStorage(options, { settings, env })
}

describe('the settings of django-storages', () => {
  it('are read under their names', () => {
    const { options } = storageOf({
      SFTP_STORAGE_HOST: 'files.example.com',
      SFTP_STORAGE_ROOT: '/srv/media/',
      SFTP_STORAGE_PARAMS: { username: 'media', key_filename: '/k' },
      SFTP_STORAGE_INTERACTIVE: true,
      SFTP_STORAGE_FILE_MODE: 0o640,
      SFTP_STORAGE_DIR_MODE: '0750',
      SFTP_STORAGE_UID: 0,
      SFTP_STORAGE_GID: 1000,
      SFTP_KNOWN_HOST_FILE: '/etc/known',
      MEDIA_URL: '/media/',
    })
    expect(options).toMatchObject({
      host: 'files.example.com',
      location: '/srv/media/',
      params: { username: 'media', keyFilename: ['/k'], port: 22 },
      interactive: true,
      fileMode: 0o640,
      dirMode: 0o750,
      uid: 0,
      gid: 1000,
      knownHostFile: '/etc/known',
      baseUrl: '/media/',
    })
  })

  it('have the defaults of the manual where they are safe', () => {
    const { options } = storageOf({})
    expect(options).toMatchObject({
      host: '',
      location: '',
      interactive: false,
      fileMode: null,
      dirMode: null,
      uid: null,
      gid: null,
      knownHostFile: null,
      hostKey: null,
      unknownHosts: 'refuse',
      fileOverwrite: false,
      poolSize: 4,
    })
  })

  it('come from the environment, the parameters as JSON', () => {
    const { options } = storageOf(
      {},
      { SFTP_STORAGE_HOST: 'h', SFTP_STORAGE_PARAMS: '{"port": 2222, "look_for_keys": false}', SFTP_STORAGE_UID: '0' },
    )
    expect(options).toMatchObject({ host: 'h', params: { port: 2222, lookForKeys: false }, uid: 0 })
  })

  it('SFTP_BASE_URL wins over MEDIA_URL', () => {
    expect(storageOf({ SFTP_BASE_URL: '/a/', MEDIA_URL: '/b/' }).options.baseUrl).toBe('/a/')
  })

  it('take the options of OPTIONS in snake case', () => {
    const options = { host: 'h', root_path: 'media', file_mode: 0o600, known_host_file: '/k', dir_mode: 0o700 }
    expect(storageOf({}, {}, options).options).toMatchObject({
      location: 'media',
      fileMode: 0o600,
      knownHostFile: '/k',
      dirMode: 0o700,
    })
  })

  it('name the class by its path', () => {
    expect(resolveBackend('storages.backends.sftpstorage.SFTPStorage').name).toBe('SftpStorage')
  })
})

describe('bad values are refused by the name of the setting', () => {
  it.each([
    ['SFTP_STORAGE_HOST', 'sftp://h/', 'not a URL'],
    ['SFTP_STORAGE_HOST', 'media@h', 'SFTP_STORAGE_PARAMS'],
    ['SFTP_STORAGE_HOST', 'h:2222', 'the port goes into SFTP_STORAGE_PARAMS'],
    ['SFTP_STORAGE_FILE_MODE', '999', 'permission bits'],
    ['SFTP_STORAGE_UID', -1, 'whole number'],
    ['SFTP_HOST_KEY', 'ed25519', 'ssh-keyscan'],
    ['SFTP_UNKNOWN_HOSTS', 'trust', 'refuse, accept'],
    ['SFTP_POOL_SIZE', 0, 'at least 1'],
    ['SFTP_STORAGE_INTERACTIVE', 'perhaps', 'true or false'],
  ])('%s = %j', (key, value, text) => {
    expect(() => storageOf({ [key]: value })).toThrow(
      expect.objectContaining({
        code: 'improperly_configured',
        message: expect.stringMatching(`^[a-z][A-Za-z]+ \\(${key}\\): .*`),
      }),
    )
    expect(() => storageOf({ [key]: value })).toThrow(text)
  })

  it('an unknown option is named, with the one that is meant', () => {
    expect(() => storageOf({}, {}, { hosts: 'h' })).toThrow(
      "Invalid setting 'hosts' for SftpStorage (did you mean 'host'?)",
    )
  })

  it('an IPv6 address is taken with and without brackets', () => {
    for (const host of ['::1', '[::1]']) expect(storageOf({ SFTP_STORAGE_HOST: host }).options.host).toBe('::1')
  })
})

it('no secret is shown, wherever a storage or its options are printed', () => {
  const secrets = ['open-sesame', 'pass-phrase', 'KEY-TEXT']
  const params = { username: 'media', password: secrets[0], passphrase: secrets[1], pkey: secrets[2] }
  const storage = storageOf({ SFTP_STORAGE_PARAMS: params })
  const shown = [
    inspect(storage, { depth: 9 }),
    JSON.stringify(storage),
    inspect(storage.options, { depth: 9 }),
    JSON.stringify(storage.options),
  ].join('\n')
  expect(shown).toContain('media')
  for (const secret of secrets) expect(shown).not.toContain(secret)
  expect(() => storageOf({ SFTP_STORAGE_PARAMS: { password: 7, username: 'open-sesame' } })).toThrow(
    expect.objectContaining({ message: 'params (SFTP_STORAGE_PARAMS): password: expected text.' }),
  )
})

describe('advice', () => {
  const advice = (settings: Record<string, unknown>, env = {}) => SftpStorage.advice({ settings, env }).join('\n')

  it('tells how to move over from a storage that accepts every server', () => {
    expect(advice({ SFTP_STORAGE_HOST: 'files.example.com' })).toContain(
      'ssh-keyscan files.example.com >> ~/.ssh/known_hosts',
    )
  })

  it('says nothing where the server is known by a setting, or none is named', () => {
    expect(advice({})).toBe('')
    expect(advice({ SFTP_STORAGE_HOST: 'h', SFTP_KNOWN_HOST_FILE: '/k' })).toBe('')
    expect(advice({ SFTP_STORAGE_HOST: 'h' }, { SFTP_HOST_KEY: 'SHA256:x' })).toBe('')
  })

  it('warns of accepting every server, and of asking users', () => {
    expect(advice({ SFTP_UNKNOWN_HOSTS: 'accept', SFTP_STORAGE_HOST: 'h' })).toContain('an attacker on the network')
    expect(advice({}, { SFTP_STORAGE_INTERACTIVE: 'True' })).toContain('SFTP_STORAGE_INTERACTIVE')
  })
})

it('a missing host is told at the first call, and so is a missing file of known hosts that is named', async () => {
  const nowhere = storageOf({})
  await expect(nowhere.exists('a')).rejects.toMatchObject({
    code: 'improperly_configured',
    message: expect.stringContaining('SFTP_STORAGE_HOST'),
  })
  const lost = storageOf({ SFTP_STORAGE_HOST: '127.0.0.1', SFTP_KNOWN_HOST_FILE: '/nonexistent/known_hosts' })
  await expect(lost.exists('a')).rejects.toMatchObject({
    code: 'improperly_configured',
    message: expect.stringContaining('SFTP_KNOWN_HOST_FILE'),
  })
})

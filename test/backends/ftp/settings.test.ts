import { inspect } from 'node:util'
import { describe, expect, test } from 'vitest'
import { FtpStorage } from '../../../src/backends/ftp/index.ts'
import { resolveBackend } from '../../../src/config/backends.ts'
import { ImproperlyConfigured } from '../../../src/core/errors.ts'

const LOCATION = 'ftp://user:hidden-word@host:2121/media'

function storage(settings: Record<string, unknown>, options = {}, env: Record<string, string> = {}): FtpStorage {
  return new FtpStorage(options, { settings, env })
}

function refusal(settings: Record<string, unknown>, options = {}, env: Record<string, string> = {}): string {
  try {
    storage(settings, options, env)
  } catch (error) {
    expect(error).toBeInstanceOf(ImproperlyConfigured)
    return (error as Error).message
  }
  throw new Error('it was taken')
}

describe('the location', () => {
  test('is asked for in the words of django-storages', () => {
    expect(refusal({})).toBe('You must set a location at instantiation or at settings.FTP_STORAGE_LOCATION.')
    expect(refusal({ FTP_STORAGE_LOCATION: 'http://u:p@h:21/' })).toContain('Only ftp, aftp, ftps schemes supported')
    expect(refusal({ FTP_STORAGE_LOCATION: 'nonsense' })).toBe(
      'location (FTP_STORAGE_LOCATION): Improperly formatted location URL.',
    )
  })

  test('has the names of the manual in a settings object and in OPTIONS', () => {
    expect(storage({ FTP_STORAGE_LOCATION: LOCATION }).options.location).toBe(LOCATION)
    expect(storage({ LOCATION }).options.location).toBe(LOCATION)
    expect(storage({ LOCATION: 'ftp://h/other', FTP_STORAGE_LOCATION: LOCATION }).options.location).toBe(LOCATION)
    expect(storage({}, { LOCATION }).options.location).toBe(LOCATION)
    expect(storage({}, {}, { FTP_STORAGE_LOCATION: LOCATION }).options.location).toBe(LOCATION)
  })

  test('is not taken from an environment where LOCATION and BASE_URL mean something else', () => {
    expect(refusal({}, {}, { LOCATION })).toContain('You must set a location')
    const { options } = storage({ LOCATION }, {}, { BASE_URL: '/app', MEDIA_URL: '/media/' })
    expect(options.baseUrl).toBe('/media/')
  })

  test('shows no password, wherever it is printed', () => {
    const files = storage({ FTP_STORAGE_LOCATION: LOCATION })
    const message = refusal({ FTP_STORAGE_LOCATION: 'ftp://user:hidden-word@host:port/' })
    for (const shown of [inspect(files), JSON.stringify(files), inspect(files.options), message]) {
      expect(shown).not.toContain('hidden-word')
    }
    expect(inspect(files)).toContain('ftp://***@host:2121/media')
  })
})

describe('the other settings', () => {
  test('have the defaults that the page says', () => {
    expect(storage({ LOCATION }).options).toMatchObject({
      baseUrl: null,
      fileOverwrite: false,
      encoding: 'utf-8',
      tls: null,
      verify: null,
      clientCert: null,
      clientKey: null,
      allowDataHost: false,
      poolSize: 4,
      idleSecs: 30,
      connectTimeoutSecs: 30,
      timeoutSecs: 60,
    })
  })

  test('have the names of django-storages', () => {
    const { options } = storage({
      FTP_STORAGE_LOCATION: LOCATION,
      BASE_URL: 'http://m/x/',
      FTP_STORAGE_ENCODING: 'latin-1',
      FTP_ALLOW_OVERWRITE: true,
    })
    expect(options).toMatchObject({ baseUrl: 'http://m/x/', encoding: 'latin-1', fileOverwrite: true })
    expect(storage({}, { location: LOCATION, allow_overwrite: true, base_url: '/m/' }).options).toMatchObject({
      fileOverwrite: true,
      baseUrl: '/m/',
    })
    expect(resolveBackend('storages.backends.ftp.FTPStorage').name).toBe('FtpStorage')
  })

  test.each([
    ['UTF-8', 'utf-8'],
    ['utf8', 'utf-8'],
    ['latin_1', 'latin-1'],
    ['ISO-8859-1', 'latin-1'],
  ])('takes the encoding %s', (given, encoding) => {
    expect(storage({ LOCATION, FTP_STORAGE_ENCODING: given }).options.encoding).toBe(encoding)
  })

  test('are refused by their names', () => {
    expect(refusal({ LOCATION, FTP_STORAGE_ENCODING: 'koi8-r' })).toBe(
      "encoding (FTP_STORAGE_ENCODING): expected 'utf-8' or 'latin-1', got 'koi8-r'.",
    )
    expect(refusal({ LOCATION, FTP_STORAGE_POOL_SIZE: 0 })).toContain('poolSize (FTP_STORAGE_POOL_SIZE): expected')
    expect(refusal({ LOCATION, FTP_STORAGE_TLS: 'explicit' })).toBe(
      'FTP_STORAGE_TLS: it needs a location that begins with ftps://.',
    )
    expect(refusal({ LOCATION, FTP_STORAGE_CLIENT_KEY: 'key.pem' })).toContain('FTP_STORAGE_CLIENT_KEY: a key needs')
    expect(refusal({ LOCATION }, { foo: 1 })).toContain("Invalid setting 'foo' for FtpStorage")
  })
})

describe('advice', () => {
  const advice = (settings: Record<string, unknown>) => FtpStorage.advice({ settings, env: {} }).join('\n')

  test('warns of passwords in the clear, of active mode and of the other encoding', () => {
    expect(advice({ FTP_STORAGE_LOCATION: 'ftp://u:p@ftp.example.com/' })).toMatch(/in the clear/)
    expect(advice({ FTP_STORAGE_LOCATION: 'aftp://u:p@localhost/' })).toMatch(/active mode/)
    expect(advice({ LOCATION: 'ftps://u:p@ftp.example.com/' })).toMatch(/^FTP_STORAGE_ENCODING: /)
    expect(advice({ LOCATION: 'ftps://u:p@h/', FTP_STORAGE_ENCODING: 'latin-1' })).toBe('')
    expect(advice({ LOCATION: 'nonsense' })).toBe('')
    expect(advice({ FTP_STORAGE_LOCATION: 'ftp://u:hidden@h/' })).not.toContain('hidden')
  })
})

test('the optional package is asked for at the first use, and only then', async () => {
  const files = storage({ LOCATION: 'ftp://u:p@127.0.0.1:1/' }, { maxAttempts: 1 })
  await expect(files.exists('a')).rejects.toMatchObject({ code: 'unavailable', outcome: 'not_applied' })
  await files.close()
})

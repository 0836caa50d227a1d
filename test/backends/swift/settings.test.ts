import { describe, expect, it } from 'vitest'
import { SwiftStorage } from '../../../src/backends/swift/index.ts'

const SETTINGS = {
  SWIFT_AUTH_URL: 'http://127.0.0.1:5000/v2.0',
  SWIFT_USERNAME: 'alice',
  SWIFT_KEY: 'secret',
  SWIFT_TENANT_NAME: 'site',
  SWIFT_REGION_NAME: 'RegionOne',
  SWIFT_CONTAINER_NAME: 'My Pictures',
  SWIFT_AUTO_CREATE_CONTAINER: true,
  SWIFT_AUTO_CREATE_CONTAINER_PUBLIC: 'True',
  SWIFT_AUTO_CREATE_CONTAINER_ALLOW_ORIGIN: '*',
  SWIFT_AUTO_BASE_URL: false,
  SWIFT_BASE_URL: 'http://127.0.0.1:8888/foo/',
  SWIFT_NAME_PREFIX: 'media/',
  SWIFT_AUTO_OVERWRITE: true,
  SWIFT_USE_TEMP_URLS: true,
  SWIFT_TEMP_URL_KEY: 'another secret',
  SWIFT_TEMP_URL_DURATION: 60,
  SWIFT_GZIP_CONTENT_TYPES: ['text/css'],
}

const make = (options: object, env: Record<string, string> = {}) =>
  new SwiftStorage({ containerName: 'media', ...options }, { settings: {}, env })

describe('settings', () => {
  it('take those of django-storage-swift by their names', () => {
    const { options } = new SwiftStorage({}, { settings: SETTINGS, env: {} })
    expect(options).toMatchObject({
      authUrl: 'http://127.0.0.1:5000/v2.0',
      username: 'alice',
      password: 'secret',
      projectName: 'site',
      regionName: 'RegionOne',
      containerName: 'My Pictures',
      autoCreateContainer: true,
      autoCreateContainerPublic: true,
      autoCreateContainerAllowOrigin: '*',
      autoBaseUrl: false,
      baseUrl: 'http://127.0.0.1:8888/foo',
      location: 'media/',
      fileOverwrite: true,
      useTempUrls: true,
      tempUrlKey: 'another secret',
      tempUrlDuration: 60,
      gzipContentTypes: ['text/css'],
    })
  })

  it('take the attributes of its class, and our own names, from options and environment', () => {
    const env = { SWIFT_LARGE_OBJECTS: 'dlo', SWIFT_SEGMENT_SIZE: '1048576', SWIFT_TEMP_URL_DIGEST: 'SHA-512' }
    const { options } = make(
      { container_name: undefined, override_base_url: 'https://cdn.test', segments_container: 's' },
      env,
    )
    expect(options).toMatchObject({
      largeObjects: 'dlo',
      partSize: 1_048_576,
      tempUrlDigest: 'sha512',
      baseUrl: 'https://cdn.test',
      segmentsContainer: 's',
    })
  })

  it.each([
    [{ containerName: 'a/b' }, 'slash'],
    [{ containerName: 'x'.repeat(257) }, '257 bytes'],
    [{ segmentsContainer: '..' }, 'relative path'],
    [{ largeObjects: 'big' }, 'largeObjects'],
    [{ tempUrlDigest: 'md5' }, 'sha256'],
    [{ tempUrlDuration: 0 }, 'tempUrlDuration'],
    [{ baseUrl: 'ftp://x' }, 'http'],
    [{ objectParameters: { color: 'red' } }, "'color'"],
    [{ objectParameters: { deleteAfter: -1 } }, 'deleteAfter'],
    [{ location: '/media' }, 'slash'],
    [{ container: 'a', containerNames: 'b' }, 'containerNames'],
  ])('refuse %j', (options, text) => {
    expect(() => make(options)).toThrow(
      expect.objectContaining({ code: 'improperly_configured', message: expect.stringContaining(text) }),
    )
  })

  it('need a container, and credentials, when they are first used', () => {
    expect(() => make({ containerName: '' }).calls).toThrow('SWIFT_CONTAINER_NAME')
    expect(() => make({}).calls).toThrow(expect.objectContaining({ code: 'improperly_configured' }))
  })

  it('show no secret', () => {
    const shown = JSON.stringify(new SwiftStorage({}, { settings: SETTINGS, env: {} }).options)
    expect(shown).not.toContain('secret')
  })
})

describe('names', () => {
  const storage = make({ token: 't', storageUrl: 'http://swift.test/v1/AUTH_a' })

  it('have at most 1,024 bytes and no NUL', () => {
    expect(storage.keyOf('ü'.repeat(512))).toHaveLength(512)
    expect(() => storage.keyOf('ü'.repeat(513))).toThrow('1024 bytes')
    expect(() => storage.keyOf('a\0b')).toThrow()
  })
})

describe('advice', () => {
  const advice = (settings: Record<string, unknown>): string => SwiftStorage.advice({ settings, env: {} }).join('\n')

  it('names what has no effect, and what to set instead', () => {
    expect(advice({})).toBe('')
    expect(advice(SETTINGS)).toBe('')
    for (const name of [
      'SWIFT_FULL_LISTING',
      'SWIFT_CONTENT_TYPE_FROM_FD',
      'SWIFT_AUTH_TOKEN_DURATION',
      'SWIFT_LAZY_CONNECT',
    ]) {
      expect(advice({ [name]: true })).toMatch(new RegExp(`^${name}: it has no effect`))
    }
    expect(advice({ SWIFT_STATIC_CONTAINER_NAME: 's' })).toContain('containerName in OPTIONS')
    expect(advice({ SWIFT_EXTRA_OPTIONS: {} })).toContain('SWIFT_INTERFACE')
    expect(advice({ SWIFT_NAME_PREFIX: 'media_' })).toContain("begin with 'media_' without a slash")
    expect(advice({ SWIFT_USE_TEMP_URLS: false, SWIFT_TEMP_URL_KEY: 'k' })).toContain('expiresInSecs')
    expect(advice({ SWIFT_AUTO_BASE_URL: 'False' })).toContain('SWIFT_BASE_URL')
    expect(advice({ SWIFT_AUTO_CREATE_CONTAINER_PUBLIC: true })).toContain('setPublic')
  })
})

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { LocalStorage } from '../../../src/backends/local/index.ts'
import { S3Storage } from '../../../src/backends/s3/index.ts'
import type { S3Options } from '../../../src/backends/s3/settings/settings.ts'
import type { Input } from '../../../src/core/settings.ts'
import { scripted } from './scripted.ts'

const GOOD: Input<S3Options> = {
  bucketName: 'bkt',
  regionName: 'us-east-1',
  accessKey: 'AKEXAMPLE',
  secretKey: 'se/cret',
  securityToken: 'token',
}

const make = (options: Record<string, unknown>, settings = {}, env = {}) =>
  new S3Storage({ ...GOOD, ...options } as Input<S3Options>, { settings, env })

const failure = (run: () => unknown): { code: string; message: string } => {
  try {
    run()
  } catch (error) {
    return error as { code: string; message: string }
  }
  throw new Error('nothing was thrown')
}

const WORDS: Readonly<Record<string, string>> = {
  accessKey: 'AKEXAMPLE',
  secretKey: 'se/cret+',
  securityToken: 'tok+/=',
  bucketName: 'bkt',
  regionName: 'eu-west-1',
  endpointUrl: 'https://s3.example.com',
  accountId: 'abc',
  defaultAcl: 'public-read',
  bucketAcl: 'private',
  customDomain: 'cdn.example.com',
  host: 's3.example.com',
  origin: 'EU',
  proxyHost: '10.0.0.1',
}

describe('a copied value', () => {
  test.each(Object.entries(WORDS))('of %s is used without the blanks and line ends around it', (option, value) => {
    for (const [before, after] of [
      ['', '\n'],
      ['', '\r\n'],
      [' ', ''],
      ['\t', ' '],
      ['\u00a0', '\ufeff'],
    ]) {
      expect(make({ [option]: `${before}${value}${after}` }).options[option as 'bucketName']).toBe(value)
    }
  })

  test.each(Object.keys(WORDS))(
    'of %s is refused with a line feed, a NUL or another control character inside',
    option => {
      for (const inner of ['\n', '\r', '\0', '\u001b[31m', '\u007f', '\u0085', '\u2028']) {
        const error = failure(() => make({ [option]: `5ec${inner}7e7` }))
        expect(error).toMatchObject({ code: 'improperly_configured' })
        expect(error.message).toMatch(
          new RegExp(`^${option}: expected text without (line feeds|NUL|control characters)`),
        )
        expect(error.message).not.toMatch(/[\p{Cc}\u2028]/u)
      }
    },
  )

  test.each([
    'accessKey',
    'bucketName',
    'regionName',
    'endpointUrl',
    'defaultAcl',
    'host',
    'proxyHost',
    'securityToken',
  ])('of %s is refused with a blank or an invisible character inside', option => {
    for (const inner of [' ', '\t', '\u00a0', '\u200b', '\u00ad']) {
      expect(failure(() => make({ [option]: `a${inner}b` })).code).toBe('improperly_configured')
    }
  })

  test('is never shown where it may be a secret, and the setting is named as it was written', () => {
    for (const key of ['AWS_S3_SECRET_ACCESS_KEY', 'AWS_ACCESS_KEY_ID', 'AWS_SESSION_TOKEN']) {
      const env = { AWS_ACCESS_KEY_ID: 'A', AWS_SECRET_ACCESS_KEY: 'S', [key]: '5ec\n7e7' }
      const { message } = failure(() => new S3Storage({ bucketName: 'b' }, { settings: {}, env }))
      expect(message).toMatch(new RegExp(`^\\w+ \\(${key}\\): `))
      expect(message).not.toMatch(/5ec|7e7/)
    }
  })

  test('of the environment is checked also where the settings say null', async () => {
    const env = { AWS_ACCESS_KEY_ID: 'A', AWS_SECRET_ACCESS_KEY: '5ec\n7e7' }
    const error = await new S3Storage({ bucketName: 'b', accessKey: null, secretKey: null }, { settings: {}, env })
      .exists('a')
      .catch((thrown: unknown) => thrown as Error & { code: string })
    expect(error).toMatchObject({ code: 'improperly_configured' })
    expect(String(error)).toContain('AWS_SECRET_ACCESS_KEY: expected text without line feeds')
    expect(String(error)).not.toContain('5ec')
  })

  test('of a region is no path', async () => {
    const files = make({ regionName: 'a/b', endpointUrl: 'http://127.0.0.1:9' })
    await expect(files.exists('a')).rejects.toMatchObject({ code: 'improperly_configured' })
  })
})

test('a location has no blanks at its ends on S3 and no control characters anywhere', () => {
  for (const location of [' media', 'media\n', 'me\ndia', 'me\0dia', 'media/ ', '\ud800']) {
    expect(failure(() => make({ location }))).toMatchObject({ code: 'improperly_configured' })
  }
  for (const location of ['/srv/media\n', '/srv/\0', '/srv/\u001b']) {
    const error = failure(() => new LocalStorage({ location }, { settings: {}, env: {} }))
    expect(error).toMatchObject({ code: 'improperly_configured' })
    expect(error.message).toMatch(/^location: /)
  }
  expect(new LocalStorage({ location: '/srv/my media ' }, { settings: {}, env: {} }).options.location).toBe(
    '/srv/my media ',
  )
})

test('proxies, headers and parameters are checked one by one, and the error names the one', () => {
  expect(make({ proxies: { http: ' http://proxy:3128\n' } }).options.proxies).toEqual({ http: 'http://proxy:3128' })
  const proxies = failure(() => make({ proxies: { http: 'http://u:5ec7e7@pro\nxy' } }))
  expect(proxies.message).toBe('proxies: http: expected text without line feeds.')
  expect(failure(() => make({ proxies: { https: 3128 } })).message).toBe('proxies: https: expected text.')
  for (const [name, value] of [
    ['CacheControl', 'max-age=1\r\nx-amz-acl: public-read'],
    ['ContentLanguage', 'é'],
    ['Tagging', 'a=b\nc'],
    ['ACL', 'public\nread'],
    ['SSEKMSEncryptionContext', 'e30=\n'],
    ['WebsiteRedirectLocation', '/\0'],
    ['Metadata', 'text'],
    ['ContentDisposition', 'attachment; filename="\n"'],
    ['SSECustomerKey', 'short 5ec7e7'],
  ]) {
    const error = failure(() => make({}, { AWS_S3_OBJECT_PARAMETERS: { [name!]: value } }))
    expect(error).toMatchObject({ code: 'improperly_configured' })
    expect(error.message).toMatch(
      new RegExp(
        `^objectParameters \\(AWS_S3_OBJECT_PARAMETERS\\): .*${name === 'ContentDisposition' ? 'contentDisposition' : ''}`,
      ),
    )
    expect(error.message).not.toContain('5ec7e7')
  }
  expect(failure(() => make({}, { AWS_HEADERS: { 'cache-control': 'a\nb' } })).message).toMatch(
    /^headers \(AWS_HEADERS\): cache-control: /,
  )
  expect(failure(() => make({ clientConfig: { region_name: 'a\nb' } })).message).toMatch(/^clientConfig.region_name: /)
})

describe('a Content-Disposition outside ASCII', () => {
  const given = 'attachment; filename="東京 – é.pdf"'
  const sent = `attachment; filename="__ _ _.pdf"; filename*=UTF-8''%E6%9D%B1%E4%BA%AC%20%E2%80%93%20%C3%A9.pdf`

  test('goes with an upload in ASCII, from the call, the parameters and extra', async () => {
    const seen: unknown[] = []
    await using server = await scripted((request, response) => {
      if (request.method === 'PUT') seen.push(request.headers['content-disposition'])
      response.setHeader('etag', '"e"').end()
    })
    const options = { endpointUrl: server.url, maxAttempts: 1, fileOverwrite: true }
    await using files = make(options)
    await files.save('a.pdf', 'x', { contentDisposition: given })
    await files.save('a.pdf', 'x', { extra: { ContentDisposition: given } })
    await using fixed = make({ ...options, objectParameters: { ContentDisposition: given } })
    await fixed.save('a.pdf', 'x')
    expect(seen).toEqual([sent, sent, sent])
  })

  test('stands in URLs in ASCII, signed, unsigned and on a domain of one’s own', async () => {
    for (const options of [
      {},
      { querystringAuth: false },
      { customDomain: 'cdn.example.com' },
      { signatureVersion: 's3' },
    ]) {
      for (const how of [{ contentDisposition: given }, { parameters: { ResponseContentDisposition: given } }]) {
        const url = new URL(await make(options).url('a.pdf', how))
        expect(url.searchParams.get('response-content-disposition')).toBe(sent)
      }
    }
  })

  test('stands in a form in ASCII, and in its policy', async () => {
    const { fields } = await make({}).uploadForm('a.pdf', { fields: { 'Content-Disposition': given } })
    expect(fields['Content-Disposition']).toBe(sent)
    expect(Buffer.from(fields['Policy']!, 'base64').toString()).toContain(
      JSON.stringify({ 'Content-Disposition': sent }),
    )
  })
})

test('no URL is signed for a header of the answer that the service would refuse', async () => {
  const files = make({})
  for (const options of [
    { cacheControl: 'é' },
    { contentType: 'text/plain\r\nx: y' },
    { contentLanguage: '日本' },
    { contentDisposition: 'attachment; filename="\n"' },
    { parameters: { ResponseExpires: 'é' } },
  ]) {
    await expect(files.url('a', options)).rejects.toMatchObject({ code: 'invalid_argument' })
  }
})

describe('a profile', () => {
  let folder: string
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 's3-values-'))
  })
  afterAll(() => rmSync(folder, { recursive: true }))

  test('with a bad key says where, not what', async () => {
    writeFileSync(join(folder, 'credentials'), '[default]\naws_access_key_id = A B\naws_secret_access_key = 5ec7e7\n')
    const env = { HOME: folder, AWS_SHARED_CREDENTIALS_FILE: join(folder, 'credentials'), AWS_CONFIG_FILE: '/none' }
    const error = await new S3Storage({ bucketName: 'b' }, { settings: {}, env })
      .exists('a')
      .catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'improperly_configured' })
    expect(String(error)).toContain(
      `The AWS profile 'default' in '${join(folder, 'credentials')}': accessKeyId: expected text without blanks`,
    )
  })
})

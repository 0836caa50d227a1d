import { gunzipSync } from 'node:zlib'
import { expect, it } from 'vitest'
import { MemoryDriver } from '../../src/backends/memory/index.ts'
import type { ObjectParameters, WriteOptions } from '../../src/core/driver.ts'
import { StorageError } from '../../src/core/errors.ts'
import type { Input, SettingsOf } from '../../src/core/settings.ts'
import type { UrlQuery } from '../../src/remote/custom-domain.ts'
import { type AttributeParameters, type ObjectOptions, ObjectStorage } from '../../src/remote/object-storage.ts'
import { locationSetting, uploadSettings, urlPolicySettings } from '../../src/remote/options.ts'
import { commonSettings } from '../../src/storage/common-settings.ts'
import type { UrlOptions } from '../../src/storage/types.ts'

const NAMES: Readonly<Record<string, string>> = {
  cachecontrol: 'cacheControl',
  contenttype: 'contentType',
  tier: 'tier',
}

/** Another service than S3, with names of its own. */
class CloudStorage extends ObjectStorage<ObjectOptions> {
  static override readonly backendName: string = 'cloud'
  static override readonly settings: SettingsOf<ObjectOptions> = {
    ...commonSettings,
    location: locationSetting(['CLOUD_LOCATION']),
    ...uploadSettings(
      { objectParameters: ['CLOUD_PARAMETERS'], gzip: ['CLOUD_GZIP'], gzipContentTypes: ['GZIP_CONTENT_TYPES'] },
      parameters => Object.keys(parameters).forEach(checkName),
    ),
    ...urlPolicySettings({
      querystringAuth: ['CLOUD_QUERYSTRING_AUTH'],
      querystringExpire: ['CLOUD_EXPIRATION'],
      customDomain: ['CLOUD_DOMAIN'],
      urlProtocol: ['CLOUD_PROTOCOL'],
    }),
  }
  readonly written: Array<{ key: string; bytes: Buffer; options: WriteOptions }> = []
  readonly memory: MemoryDriver = new MemoryDriver({})

  protected override connect() {
    const { memory, written } = this
    return Object.assign(Object.create(memory) as MemoryDriver, {
      name: 'cloud',
      features: memory.features,
      async write(...[key, content, options, ctx]: Parameters<MemoryDriver['write']>) {
        const stat = await memory.write(key, content, options, ctx)
        const chunks: Buffer[] = []
        for await (const chunk of content.open()) chunks.push(Buffer.from(chunk as Uint8Array))
        written.push({ key, bytes: Buffer.concat(chunks), options })
        return stat
      },
      publicUrl: (key: string) => `https://cloud.test/${key}`,
      signUrl: async (key: string, { expiresInSecs }: { expiresInSecs: number }) =>
        `https://cloud.test/${key}?life=${expiresInSecs}`,
    })
  }

  protected override get attributeParameters(): AttributeParameters {
    return { cacheControl: 'cacheControl', contentType: 'contentType' }
  }

  protected override parameterName(name: string): string {
    return checkName(name)
  }

  protected override baseParameters(): ObjectParameters {
    return { tier: 'hot' }
  }

  protected override downloadQuery({ contentType }: UrlOptions, isCustom: boolean): UrlQuery {
    return contentType === undefined ? [] : [[isCustom ? 'type' : 'rsct', contentType]]
  }
}

function checkName(name: string): string {
  const found = NAMES[name.toLowerCase()]
  if (found === undefined) throw new StorageError('invalid_argument', `'${name}' is no parameter.`)
  return found
}

const cloud = (options: Input<ObjectOptions> = {}, settings = {}) =>
  new CloudStorage({ fileOverwrite: true, ...options }, { settings, env: {} })

it('sends parameters by the service’s names, those of the file over those of the storage, asked for once', async () => {
  const asked: string[] = []
  const files = cloud({
    objectParameters: name => {
      asked.push(name)
      return name.endsWith('.txt') ? { CacheControl: 'no-store', TIER: 'cold' } : {}
    },
  })
  await files.save('a.txt', 'x')
  expect(asked).toEqual(['a.txt'])
  await files.save('b.bin', 'x')
  const [text, other] = files.written.map(({ options }) => options)
  expect(text).toMatchObject({ objectParameters: { cacheControl: 'no-store', tier: 'cold' }, cacheControl: 'no-store' })
  expect(other).toMatchObject({ objectParameters: { tier: 'hot' }, contentType: 'application/octet-stream' })
  await files.save('c.txt', 'x', { cacheControl: 'max-age=1' })
  expect(files.written[2]!.options.cacheControl, "the caller's own wins").toBe('max-age=1')
})

it('a parameter that no upload has is refused where it enters', async () => {
  const make = () => cloud({}, { CLOUD_PARAMETERS: { Colour: 'red' } })
  expect(make).toThrow(expect.objectContaining({ code: 'improperly_configured' }))
  expect(make).toThrow("objectParameters (CLOUD_PARAMETERS): 'Colour' is no parameter.")
  const files = cloud({ objectParameters: () => ({ Colour: 'red' }) })
  await expect(files.save('a', 'x')).rejects.toMatchObject({ code: 'invalid_argument' })
  expect(files.written).toEqual([])
})

it('compresses by type and gives the bytes back as they were', async () => {
  const files = cloud({ gzip: true })
  await files.save('a.css', 'body {}')
  await files.save('a.bin', 'body {}')
  const [css, bin] = files.written
  expect(gunzipSync(css!.bytes).toString()).toBe('body {}')
  expect(css!.options.contentEncoding).toBe('gzip')
  expect(bin!.bytes.toString()).toBe('body {}')
})

it('makes URLs on the custom domain, signed or public, by the options', async () => {
  expect(await cloud({ querystringExpire: 77 }).url('a b')).toBe('https://cloud.test/a b?life=77')
  const open = cloud({ querystringAuth: false })
  expect(await open.url('a', { contentType: 'text/css' })).toBe('https://cloud.test/a?rsct=text%2Fcss')
  expect(await open.url('a', { method: 'PUT' }), 'an upload is signed').toContain('life=3600')
  const custom = cloud({ customDomain: 'cdn.test/x/', urlProtocol: 'http:', location: 'media' })
  expect(await custom.url('a b', { contentType: 'text/css' })).toBe('http://cdn.test/x/media/a%20b?type=text%2Fcss')
  expect(await custom.url('a', { method: 'DELETE' })).toContain('https://cloud.test/media/a?life=')
})

it('refuses a location with a leading slash', () => {
  expect(() => cloud({ location: '/x' })).toThrow(
    "CloudStorage.location cannot begin with a leading slash. Found '/x'.",
  )
})

import { afterAll, beforeEach, describe, expect, test } from 'vitest'
import { MemoryStorage } from '../../../src/backends/memory/index.ts'
import { type S3ManifestOptions, S3ManifestStaticStorage, S3Storage } from '../../../src/backends/s3/index.ts'
import type { Input } from '../../../src/core/settings.ts'
import { serializeManifest } from '../../../src/core/static-manifest.ts'
import { signedUrlsProblem } from '../../../src/storage/url-signing.ts'
import { startStrictS3 } from '../../servers/strict-s3.ts'

const server = await startStrictS3()
afterAll(() => server.close())
const { accessKeyId: accessKey, secretAccessKey: secretKey } = server.credentials

const NAMES = new Map([['css/a.css', 'css/a.0123456789ab.css']])

function storage(options: Input<S3ManifestOptions> = {}, settings: Record<string, unknown> = {}) {
  const place = { endpointUrl: server.url, bucketName: 'media', accessKey, secretKey, maxAttempts: 1 }
  return new S3ManifestStaticStorage({ ...place, ...options }, { settings, env: {} })
}

const gets = () => server.requests.filter(({ operation }) => operation === 'GetObject').map(({ url }) => url)

beforeEach(async () => {
  server.faults.clear()
  server.bucket().objects.clear()
  const files = storage({ location: 'static', fileOverwrite: true })
  await files.save('staticfiles.json', serializeManifest(NAMES))
  await files.close()
  server.requests.length = 0
})

describe('an S3 storage of static files with a manifest', () => {
  test('makes plain URLs of hashed names, and reads the manifest once, below its location', async () => {
    const files = storage({ location: 'static' })
    expect(server.requests).toEqual([])
    const urls = await Promise.all(['css/a.css', 'css/a.css?x=1#y', 'css/', ''].map(name => files.url(name)))
    const base = `${server.url}/media/static`
    expect(urls).toEqual([
      `${base}/css/a.0123456789ab.css`,
      `${base}/css/a.0123456789ab.css?x=1#y`,
      `${base}/css/`,
      `${base}/`,
    ])
    expect(gets()).toEqual(['/media/static/staticfiles.json'])
    await expect(files.url('nope.css')).rejects.toMatchObject({
      code: 'not_found',
      message: "Missing staticfiles manifest entry for 'nope.css'",
      backend: 's3',
    })
    expect(gets()).toHaveLength(1)
    files.forgetManifest()
    await files.url('css/a.css')
    expect(gets()).toHaveLength(2)
    await files.close()
  })

  test('reads the manifest again after a failure, and takes a missing one for empty', async () => {
    const files = storage({ location: 'static' })
    server.faults.add({ operation: 'GetObject', fault: { do: 'refuse', status: 403, code: 'AccessDenied' } })
    await expect(files.url('css/a.css')).rejects.toMatchObject({ code: 'permission_denied' })
    expect(await files.url('css/a.css')).toContain('0123456789ab')
    await files.close()
    const elsewhere = storage({ location: 'other' })
    await expect(elsewhere.url('css/a.css')).rejects.toMatchObject({ code: 'not_found' })
    await elsewhere.close()
  })

  test('has its URLs on a custom domain, with the parameters of the caller before the fragment', async () => {
    const files = storage({ location: 'static' }, { AWS_S3_CUSTOM_DOMAIN: 'cdn.example.com' })
    expect(await files.url('css/a.css?v=1')).toBe('https://cdn.example.com/static/css/a.0123456789ab.css?v=1')
    const more = await files.url('css/a.css?v=1#x', { parameters: { version: 10 } })
    expect(more).toBe('https://cdn.example.com/static/css/a.0123456789ab.css?version=10&v=1#x')
    await files.close()
  })

  test('keeps a signature whole where URLs are signed all the same', async () => {
    const files = storage({ location: 'static', querystringAuth: true })
    const url = new URL(await files.url('css/a.css?v=1#x'))
    expect([url.pathname, url.hash, url.searchParams.has('v')]).toEqual([
      '/media/static/css/a.0123456789ab.css',
      '#x',
      false,
    ])
    expect((await fetch(url)).status).toBe(404)
    await files.close()
  })

  test('may keep its manifest elsewhere, and asks the service nothing then', async () => {
    const manifestStorage = new MemoryStorage({}, { settings: {}, env: {} })
    await manifestStorage.save('names.json', serializeManifest(NAMES))
    const files = storage({ manifestStorage, manifestName: 'names.json' })
    expect(await files.url('css/a.css')).toBe(`${server.url}/media/css/a.0123456789ab.css`)
    expect(server.requests).toEqual([])
    expect(files.staticFiles.manifest).toMatchObject({ name: 'names.json', storage: manifestStorage, strict: true })
    await files.close()
  })

  test('makes plain names with DEBUG, also for an upload without it', async () => {
    expect(await storage({}, { DEBUG: true }).url('nope.css')).toBe(`${server.url}/media/nope.css`)
    const upload = new URL(await storage().url('new.css', { method: 'PUT' }))
    expect([upload.pathname, upload.searchParams.has('X-Amz-Signature')]).toEqual(['/media/new.css', true])
    expect(server.requests).toEqual([])
  })
})

test('a custom domain with a slash is advised against, and works', async () => {
  const settings = { AWS_S3_CUSTOM_DOMAIN: 'cdn.example.com/static/', AWS_STORAGE_BUCKET_NAME: 'media' }
  expect(S3Storage.advice({ settings, env: {} })).toEqual([
    'AWS_S3_CUSTOM_DOMAIN: it is a host, and must not end in a slash as STATIC_URL does: leave the slash out.',
  ])
  expect(S3Storage.advice({ settings: {}, env: settings })).toHaveLength(1)
  expect(S3Storage.advice({ settings: { ...settings, AWS_S3_CUSTOM_DOMAIN: 'cdn.example.com' }, env: {} })).toEqual([])
  const files = storage({}, { ...settings, DEBUG: true })
  expect(await files.url('a.css')).toBe('https://cdn.example.com/static/a.css')
  expect(signedUrlsProblem(files)).toBeUndefined()
})

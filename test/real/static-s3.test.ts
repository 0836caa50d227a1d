/** Static files in one bucket of a real server, collected by Django with django-storages and by us, from the same sources by the same settings. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { GetObjectCommand } from '@aws-sdk/client-s3'
import { afterAll, afterEach, describe, expect, test } from 'vitest'
import { parseManifest } from '../../src/core/static-manifest.ts'
import { RECORD_NAME } from '../../src/static/record.ts'
import { startRgw } from '../servers/rgw.ts'
import { emptyAndClose } from './backend.ts'
import { keysIn, objectsIn, type Seen } from './django/objects.ts'
import { officialClient, rgwStorage } from './places/rgw.ts'
import { bucketSettings, bucketStorage, makeBucket, type Settings } from './static/bucket.ts'
import { type DjangoStorageName, django, djangoCollects, needDjango } from './static/django.ts'
import { collected, staticFilesOf } from './static/ours.ts'
import { IMMUTABLE } from './static/served.ts'

await needDjango()
const server = await startRgw()
const client = officialClient(server)
const folder = await mkdtemp(join(tmpdir(), 'holdall-static-s3-'))
afterAll(async () => {
  client.destroy()
  await server.close()
  await rm(folder, { recursive: true, force: true })
}, 60_000)
afterEach(() => emptyAndClose(rgwStorage(server, {}, BUCKET)))

const BUCKET = 'static'
await makeBucket(server, BUCKET)

const MANIFEST: DjangoStorageName = 'storages.backends.s3boto3.S3ManifestStaticStorage'
const PLAIN: DjangoStorageName = 'storages.backends.s3boto3.S3StaticStorage'

const FILES: Readonly<Record<string, string | Buffer>> = {
  'css/main.css': `@import "base.css";\n${'.a { background: url(../img/x.png) }\n'.repeat(50)}`,
  'css/base.css': '.b { background: url("../img/sp ace.png") }\n',
  'css/Ümlaut.css': '.c { color: red }\n',
  'js/a.js': 'console.log("a")\n'.repeat(30),
  'js/b.mjs': 'console.log("b")\n',
  'img/x.png': Buffer.from([0x89, 0x50, 0x4e, 0x47]),
  'img/sp ace.png': Buffer.from([1, 2, 3]),
  'img/y.svg': '<svg xmlns="http://www.w3.org/2000/svg"/>\n'.repeat(9),
  'index.html': '<!doctype html><p>text</p>',
  'data.json': '{"a": 1}',
  'text.txt': 'text',
  'packed.css.gz': Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, 3, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
  'nothing.css': '',
  LICENSE: 'free\n',
}
const source = join(folder, 'files')
for (const [name, content] of Object.entries(FILES)) {
  await mkdir(dirname(join(source, name)), { recursive: true })
  await writeFile(join(source, name), content)
}

function siteOf(storage: DjangoStorageName, settings: Settings) {
  return { storage, settings: { ...settings, STATICFILES_DIRS: [source] } }
}

async function ours(isHashed: boolean, settings: Settings): Promise<void> {
  await using storage = bucketStorage(settings)
  const manifest = isHashed ? ({ version: '1.0', javaScript: 'sourceMaps' } as const) : false
  await collected(staticFilesOf([source], storage, { manifest, baseUrl: undefined }))
}

/** What is there of an object but its bytes, which compression may write in more than one way. */
function headersOf(seen: Seen): Seen {
  const { size: _size, sha256: _hash, etag: _etag, ...headers } = seen
  return headers
}

async function bytesOf(key: string): Promise<Buffer> {
  const { Body } = await client.send(new GetObjectCommand({ Bucket: BUCKET, Key: key }))
  return Buffer.from(await Body!.transformToByteArray())
}

/** All objects of the bucket with their headers, and the content of each. */
async function stored(): Promise<{ headers: Record<string, Seen>; contents: Map<string, Buffer> }> {
  const objects = await objectsIn(client, BUCKET)
  const contents = new Map<string, Buffer>()
  for (const key of await keysIn(client, BUCKET)) contents.set(key, await bytesOf(key))
  const headers = Object.fromEntries(Object.entries(objects).map(([key, seen]) => [key, headersOf(seen)]))
  return { headers, contents }
}

const SETTINGS: ReadonlyArray<readonly [title: string, settings: Settings]> = [
  ['as they are', {}],
  ['with AWS_IS_GZIPPED', { AWS_IS_GZIPPED: true }],
  [
    'with GZIP_CONTENT_TYPES',
    { AWS_IS_GZIPPED: true, GZIP_CONTENT_TYPES: ['text/css', 'text/html', 'application/json'] },
  ],
  [
    'with AWS_S3_OBJECT_PARAMETERS and AWS_LOCATION',
    { AWS_S3_OBJECT_PARAMETERS: { CacheControl: 'max-age=86400' }, AWS_LOCATION: 'some/place' },
  ],
]

describe.each([
  ['S3StaticStorage', PLAIN],
  ['S3ManifestStaticStorage', MANIFEST],
] as const)('%s', (_, storage) => {
  const isHashed = storage === MANIFEST

  test.each(SETTINGS)('settings %s: the same keys, headers and content', async (_, more) => {
    const settings = bucketSettings(server, BUCKET, more)
    const location = more['AWS_LOCATION'] === undefined ? '' : `${more['AWS_LOCATION']}/`
    const names = [`${location}staticfiles.json`, `${location}${RECORD_NAME}`]
    await djangoCollects(siteOf(storage, settings))
    const theirs = await stored()
    await emptyAndClose(rgwStorage(server, {}, BUCKET))
    await ours(isHashed, settings)
    const own = await stored()

    const isListed = (key: string): boolean => !names.includes(key)
    expect(Object.keys(own.headers).filter(isListed)).toEqual(Object.keys(theirs.headers).filter(isListed))
    for (const key of Object.keys(theirs.headers).filter(isListed)) {
      const [their, our] = [theirs.headers[key]!, own.headers[key]!]
      const isHashedName = /\.[0-9a-f]{12}(\.|$)/.test(key)
      const expected = {
        ...their,
        // Caches may keep what has a hash in its name for ever, which django-storages does not tell them.
        cacheControl: isHashedName ? IMMUTABLE : their['cacheControl'],
        // The type of `a.css.<hash>.gz` is that of `a.css.gz`, which Python does not know from the hashed name.
        type: isHashedName && key.endsWith('.gz') ? 'text/css' : their['type'],
      }
      expect(our, key).toEqual(expected)
      const [theirBytes, ourBytes] = [theirs.contents.get(key)!, own.contents.get(key)!]
      const isPacked = their['encoding'] === 'gzip' && !key.endsWith('.gz')
      if (!isPacked) {
        expect(ourBytes, key).toEqual(theirBytes)
        continue
      }
      // Neither time nor name of a file: equal sources are equal bytes.
      expect([...ourBytes.subarray(0, 10)], key).toEqual([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, 3])
      expect(gunzipSync(ourBytes), key).toEqual(gunzipSync(theirBytes))
    }
    if (!isHashed) return
    const [ourPaths, theirPaths] = [own, theirs].map(({ contents }) => {
      const bytes = contents.get(names[0]!)!
      const text = (bytes[0] === 0x1f ? gunzipSync(bytes) : bytes).toString()
      return Object.fromEntries(parseManifest(text, names[0]!).paths)
    })
    expect(ourPaths).toEqual(theirPaths)
  })
})

test('Django gives the URLs of our manifest in the bucket, and they are ours', async () => {
  const settings = bucketSettings(server, BUCKET)
  await ours(true, settings)
  await using storage = bucketStorage(settings)
  const files = await staticFilesOf([source], storage, { baseUrl: undefined }).load()
  const names = Object.keys(FILES)
  const urls = await django<Record<string, string>>(siteOf(MANIFEST, settings), 'urls', { names })
  // Django undoes the percent-encoding of URLs with hashes.
  expect(Object.fromEntries(names.map(name => [name, decodeURI(files.url(name))]))).toEqual(urls)
})

test('a run over what Django has collected stores nothing but manifest and record', async () => {
  // Compressed files are left out: Python's zlib makes other bytes of some than that of Node.
  const settings = bucketSettings(server, BUCKET)
  await djangoCollects(siteOf(MANIFEST, settings))
  await using storage = bucketStorage(settings)
  const manifest = { version: '1.0', javaScript: 'sourceMaps' } as const
  const events = await collected(staticFilesOf([source], storage, { manifest, baseUrl: undefined }))
  expect(events.at(-1)).toMatchObject({ copied: 0, unmodified: 14, postProcessed: 0, failed: 0 })
})

/** Static files on every backend, and what their runs ask of a service. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { LocalStorage } from '../../src/backends/local/index.ts'
import { MemoryStorage } from '../../src/backends/memory/index.ts'
import { S3Storage } from '../../src/backends/s3/index.ts'
import { StaticFiles } from '../../src/static/static-files.ts'
import type { AnyStorage } from '../../src/storage/storage.ts'
import { at as dropboxAt, storageWith } from '../backends/dropbox/support.ts'
import { startPlace } from '../backends/ftp/support.ts'
import { startPlaces } from '../backends/libcloud/places.ts'
import { storageOf } from '../backends/libcloud/support.ts'
import { storageAt } from '../backends/sftp/support.ts'
import { startSftpServer } from '../servers/sftp.ts'
import { startStrictDropbox } from '../servers/strict-dropbox.ts'
import { startStrictS3 } from '../servers/strict-s3.ts'
import { collect, namesIn, pathsIn, SourceMap } from './support.ts'

const bare = { settings: {}, env: {} }
const folder = mkdtempSync(join(tmpdir(), 'holdall-static-'))
const s3 = await startStrictS3()
const dropbox = await startStrictDropbox()
const ftp = await startPlace()
const sftp = await startSftpServer()
const places = await startPlaces(['AZURE_BLOBS', 'GOOGLE_STORAGE', 'ATMOS', 'NIMBUS', 'OPENSTACK_SWIFT'])
const s3Options = {
  endpointUrl: s3.url,
  regionName: s3.region,
  bucketName: 'media',
  accessKey: s3.credentials.accessKeyId,
  secretKey: s3.credentials.secretAccessKey,
  querystringAuth: false,
}

const storages: Array<[string, AnyStorage]> = [
  ['local', new LocalStorage({ location: folder, baseUrl: '/static/' }, bare)],
  ['memory', new MemoryStorage({ baseUrl: '/static/' }, bare)],
  ['s3', new S3Storage({ ...s3Options, location: 'static' }, bare)],
  ['s3 with gzip', new S3Storage({ ...s3Options, location: 'packed', gzip: true }, bare)],
  ['dropbox', storageWith(dropboxAt(dropbox))],
  ['ftp', ftp.files],
  ['sftp', storageAt(sftp)],
  ...places.map(({ name, entry }): [string, AnyStorage] => [name, storageOf(entry)]),
]

afterAll(async () => {
  await Promise.all(storages.map(([, storage]) => storage.close()))
  await Promise.all([
    s3.close(),
    dropbox.close(),
    ftp[Symbol.asyncDispose](),
    sftp.close(),
    ...places.map(place => place.close()),
  ])
  rmSync(folder, { recursive: true })
}, 60_000)

/** Counts the calls of a storage's driver. */
function counted(storage: AnyStorage): Record<'write' | 'delete' | 'stat' | 'read', number> & { reset(): void } {
  const counts = {
    write: 0,
    delete: 0,
    stat: 0,
    read: 0,
    reset: () => Object.assign(counts, { write: 0, delete: 0, stat: 0, read: 0 }),
  }
  const driver = storage.calls.driver as unknown as Record<string, (...args: unknown[]) => unknown>
  for (const method of ['write', 'delete', 'stat', 'read'] as const) {
    const plain = driver[method]!
    driver[method] = function (this: unknown, ...args) {
      counts[method]++
      return plain.apply(driver, args)
    }
  }
  return counts
}

describe.each(storages)('on %s', (_, storage) => {
  test('a site is collected, found unchanged, changed, and cleaned up', async () => {
    const calls = counted(storage)
    const long = 'a { color: red }\n'.repeat(200)
    const sources: Record<string, string> = {
      'css/site.css': `@import "base.css";\n${long}`,
      'css/base.css': 'i { background: url("../img/ü x.png") }',
      'img/ü x.png': 'png',
    }
    for (let at = 0; at < 20; at++) sources[`many/f${at}.txt`] = `file ${at}`
    const source = new SourceMap(sources)
    const files = new StaticFiles({ storage, finders: [source], manifest: true, compress: { codings: ['br'] } })

    const first = await collect(files)
    expect(first.failures).toEqual([])
    expect(first.summary).toMatchObject({ copied: 23, postProcessed: 23 })
    const before = await pathsIn(storage)
    expect(await storage.readText(before['css/base.css']!)).toBe(`i { background: url("../${before['img/ü x.png']}") }`)
    expect(await namesIn(storage)).toContain(`${before['css/site.css']}.br`)

    calls.reset()
    const second = await collect(files)
    expect(second.summary).toMatchObject({ copied: 0, unmodified: 23, postProcessed: 0, failed: 0 })
    // The record and the manifest are read; nothing is asked of each file, and nothing is written.
    expect(calls).toMatchObject({ write: 0, delete: 0 })
    expect(calls.stat + calls.read).toBeLessThan(6)

    source.files_['img/ü x.png'] = 'other'
    const third = await collect(files, { deleteStale: true, keep: 0 })
    expect(third.of('copied')).toEqual(['img/ü x.png'])
    expect(third.summary).toMatchObject({ postProcessed: 3, failed: 0, deleted: 4 })
    const after = await pathsIn(storage)
    expect(await storage.exists(before['css/site.css']!)).toBe(false)
    expect(await storage.readText(after['css/site.css']!)).toBe(
      `@import url("${after['css/base.css']!.slice(4)}");\n${long}`,
    )
    expect((await collect(files, { clear: true })).summary).toMatchObject({ failed: 0, copied: 23, unmodified: 0 })
    expect((await collect(files)).summary).toMatchObject({ copied: 0, unmodified: 23 })
  })
})

test('on S3, a second run lists 1,000 files by request, and asks nothing else of a file', async () => {
  await using storage = new S3Storage({ ...s3Options, location: 'many' }, bare)
  const sources = Object.fromEntries(
    Array.from({ length: 1500 }, (_, at) => [`d${at % 7}/f${at}.css`, `a${at} { color: red }`]),
  )
  const files = new StaticFiles({ storage, finders: [new SourceMap(sources)] })
  const requests = async () => {
    const start = s3.requests.length
    const { summary } = await collect(files)
    const counts: Record<string, number> = {}
    for (const { operation } of s3.requests.slice(start)) counts[operation] = (counts[operation] ?? 0) + 1
    return { copied: summary.copied, ...counts }
  }
  // One PUT a file, and that of the record.
  expect(await requests()).toEqual({ copied: 1500, ListObjectsV2: 1, PutObject: 1501, GetObject: 2 })
  expect(await requests()).toEqual({ copied: 0, ListObjectsV2: 2, GetObject: 1 })
})

test('on S3, files that another program has stored are known by their etags, and packed ones too', async () => {
  for (const gzip of [false, true]) {
    await using storage = new S3Storage({ ...s3Options, location: `theirs-${gzip}`, gzip }, bare)
    const sources = { 'a.css': 'a { color: red }', 'b.css': 'b { color: red }', 'c.png': 'c' }
    for (const [name, content] of Object.entries({ ...sources, 'b.css': 'b { color: RED }' }))
      await storage.save(name, content)
    const run = await collect(new StaticFiles({ storage, finders: [new SourceMap(sources)] }))
    expect(run.of('copied')).toEqual(['b.css'])
    expect(run.of('unmodified')).toEqual(['a.css', 'c.png'])
  }
})

test('AWS_IS_GZIPPED packs the types that it names, once, with no time in the header', async () => {
  await using storage = new S3Storage({ ...s3Options, location: 'gzip', gzip: true }, bare)
  const sources = { 'a.css': 'a { color: red }'.repeat(50), 'b.png': 'png', 'c.css.gz': 'packed before' }
  await collect(new StaticFiles({ storage, finders: [new SourceMap(sources)], manifest: true }))
  const plain = new S3Storage({ ...s3Options, location: 'gzip' }, bare)
  const paths = await pathsIn(storage)
  for (const name of ['a.css', paths['a.css']!]) {
    const bytes = await plain.readBytes(name)
    expect([...bytes.subarray(0, 8)]).toEqual([0x1f, 0x8b, 8, 0, 0, 0, 0, 0])
    expect(await plain.stat(name)).toMatchObject({ contentType: 'text/css', contentEncoding: 'gzip' })
    expect(await storage.readText(name)).toBe(sources['a.css'])
  }
  expect(await plain.readText('c.css.gz')).toBe('packed before')
  expect((await plain.stat('b.png')).contentEncoding).toBeUndefined()
  await plain.close()
})

/** Runs of `holdall collectstatic` that are killed, stopped, or at work at the same time, each in a process of its own. */
import { afterAll, afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { hashedName, parseManifest, shortHash } from '../../src/core/static-manifest.ts'
import { RECORD_NAME } from '../../src/static/record.ts'
import { seeded } from '../oracles/seeded.ts'
import { startStrictS3 } from '../servers/strict-s3.ts'
import { ChildError } from '../support/child.ts'
import { MANIFEST, StaticSite } from './static-site.ts'

// Every command is a process of its own.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 60_000 })

const s3 = await startStrictS3()
afterAll(() => s3.close())
afterEach(() => {
  s3.bucket().objects.clear()
  s3.faults.clear()
  s3.requests.length = 0
})

const OPTIONS = {
  bucketName: 'media',
  endpointUrl: s3.url,
  regionName: s3.region,
  accessKey: s3.credentials.accessKeyId,
  secretKey: s3.credentials.secretAccessKey,
  location: 'static',
  customDomain: 'cdn.test',
  querystringAuth: false,
}
const BACKEND = 'storages.backends.s3boto3.S3ManifestStaticStorage'
const STORAGES = { staticfiles: { BACKEND, OPTIONS } }
const PAIRS = 30
/** Whether every moment is tried, and not only some. */
const IS_CI = process.env['HOLDALL_TESTS'] === 'full'
const ROUNDS = IS_CI ? 3 : 1

const site = await StaticSite.make({ STORAGES })
const other = await StaticSite.make({ STORAGES })
const disk = await StaticSite.make(MANIFEST)
await Promise.all([fill(other, 'two'), fill(disk, 'one')])
afterAll(() => Promise.all([site, other, disk].map(each => each[Symbol.asyncDispose]())))
beforeEach(() => fill(site, 'one'))

/** Stylesheets that show a picture each; `version` is in every file. */
async function fill(to: StaticSite, version: string): Promise<void> {
  for (let index = 0; index < PAIRS; index++) {
    await to.write(`src/css/${index}.css`, `.a { background: url(../img/${index}.png) } /* ${version} */`)
    await to.write(`src/img/${index}.png`, `${version} ${index}`)
  }
}

/** What the bucket has below `static/`. */
function stored(): Map<string, string> {
  const objects = [...s3.bucket().objects].map(([key, [object]]) => [
    key.slice('static/'.length),
    object!.body.toString(),
  ])
  return new Map(objects as Array<[string, string]>)
}

/** The entries of the manifest, each of which is there and holds what its name says. */
function checkedManifest(files: ReadonlyMap<string, string> = stored()): ReadonlyMap<string, string> {
  const text = files.get('staticfiles.json')
  if (text === undefined) return new Map()
  const { paths } = parseManifest(text, 'staticfiles.json')
  for (const [name, storedAs] of paths) {
    const content = files.get(storedAs)
    expect(content, `${name} as ${storedAs}`).toBeDefined()
    expect(hashedName(name, shortHash(content!))).toBe(storedAs)
    const [, picture] = /url\("?\.\.\/(img\/[^")]+)"?\)/.exec(content!) ?? []
    if (picture !== undefined) expect(files.has(picture), `${picture} of ${storedAs}`).toBe(true)
  }
  return paths
}

/** The so many-th request of a kind. */
interface Moment {
  readonly operation: string
  readonly key?: string | undefined
  readonly count?: number
}

/** Calls something when a request comes. */
function at({ operation, key, count = 1 }: Moment, call: () => void): void {
  let seen = 0
  const match = (request: { readonly key: string }): boolean => {
    if ((key ?? request.key) === request.key && ++seen === count) call()
    return false
  }
  s3.faults.add({ operation, match })
}

describe('a run that is killed', () => {
  const moments: ReadonlyArray<readonly [string, Moment]> = [
    ['among its files', { operation: 'PutObject', count: 50 }],
    ['when it deletes', { operation: 'DeleteObjects' }],
    ['at its first file', { operation: 'PutObject' }],
    ['at its last file', { operation: 'PutObject', count: 4 * PAIRS }],
    ['at the manifest', { operation: 'PutObject', key: 'static/staticfiles.json' }],
    ['at the record', { operation: 'PutObject', key: `static/${RECORD_NAME}` }],
  ]
  test.each(IS_CI ? moments : moments.slice(0, 2))(
    '%s leaves what its manifest names, and is completed by the next one',
    async (_, moment) => {
      const { operation, key, count = 1 } = moment
      await site.start('collectstatic').done()
      const before = checkedManifest()
      expect(before.size).toBe(2 * PAIRS)
      await fill(site, 'three')
      const killed = site.start('collectstatic', '--delete-stale', '--keep', '0')
      at({ operation, key, count }, () => killed.process.kill('SIGKILL'))
      expect(await killed.ended).toMatchObject({ signal: 'SIGKILL' })
      s3.faults.clear()
      const between = checkedManifest()
      expect(between.size).toBe(2 * PAIRS)
      if (operation === 'PutObject' && key === undefined) expect(between).toEqual(before)
      s3.requests.length = 0
      const { stdout } = await site.start('collectstatic', '--delete-stale', '--keep', '0').done()
      expect(stdout).toContain(', ')
      const after = checkedManifest()
      expect([...after.keys()]).toEqual([...before.keys()])
      for (const [name, storedAs] of after) expect(storedAs).not.toBe(before.get(name))
      // What the killed run has stored is not stored again, but for what was under way.
      const puts = s3.requests.filter(({ operation: name }) => name === 'PutObject')
      expect(puts.length).toBeLessThanOrEqual(4 * PAIRS + 2 - Math.max(0, count - 16))
      // Nothing of the former deploy is left: what was to be deleted is not forgotten.
      expect(stored().size).toBe(4 * PAIRS + 2)
      s3.requests.length = 0
      await site.start('collectstatic').done()
      expect(s3.requests.filter(({ operation: name }) => name !== 'GetObject').map(each => each.operation)).toEqual([
        'ListObjectsV2',
      ])
    },
  )

  test('on local disk leaves at any moment what its manifest names, and no half file', async () => {
    await disk.start('collectstatic').done()
    const random = seeded(20261129)
    for (let round = 1; round <= ROUNDS; round++) {
      await fill(disk, `round ${round}`)
      const start = Object.keys(await disk.files()).length
      const wanted = start + Math.floor(random() * 2 * PAIRS)
      const killed = disk.start('collectstatic')
      await killed
        .until('as many files were there', async () => (await disk.names()).length >= wanted)
        .catch(error => {
          if (!(error instanceof ChildError)) throw error
        })
      await killed.kill('SIGKILL')
      const names = await disk.names()
      const files = new Map(Object.entries(await disk.files()))
      expect(checkedManifest(files).size).toBe(2 * PAIRS)
      expect(names.length).toBeGreaterThanOrEqual(start)
    }
    await disk.start('collectstatic').done()
    const files = new Map(Object.entries(await disk.files()))
    const paths = checkedManifest(files)
    expect(paths.size).toBe(2 * PAIRS)
    for (const [name, storedAs] of paths) {
      for (const each of [name, storedAs]) expect(files.get(each), each).toContain(`round ${ROUNDS}`)
    }
  })
})

describe('a run that is stopped by Ctrl-C', () => {
  test('ends with 130 and the counts until then, and the manifest stays', async () => {
    await site.start('collectstatic').done()
    const before = checkedManifest()
    await fill(site, 'three')
    const child = site.start('collectstatic')
    at({ operation: 'PutObject', count: 20 }, () => child.process.kill('SIGINT'))
    const { stdout, stderr } = await child.done(130)
    const [, done] = /^collectstatic did not finish; so far of 60 found: (\d+) static files? copied/m.exec(stderr)!
    expect(Number(done)).toBeLessThan(60)
    expect(stdout).toBe('')
    expect(checkedManifest()).toEqual(before)
    const json = site.start('--json', 'collectstatic')
    at({ operation: 'PutObject', count: 5 }, () => json.process.kill('SIGINT'))
    const ended = await json.done(130)
    expect(JSON.parse(ended.stdout.trimEnd().split('\n').at(-1)!)).toMatchObject({ summary: { complete: false } })
    expect(await site.start('collectstatic').done()).toMatchObject({ stderr: '' })
  })
})

describe('two runs at the same time', () => {
  /** Whose files the manifest names. */
  const versionsOf = (paths: ReadonlyMap<string, string>, files: ReadonlyMap<string, string>): Set<string> =>
    new Set([...paths.values()].map(name => /one|two/.exec(files.get(name)!)![0]))

  test.each([[[]], [['--delete-stale', '--keep', '0']]])(
    'end with the whole manifest of one of them, with %j',
    async options => {
      for (let round = 1; round <= ROUNDS; round++) {
        await fill(site, `one ${round}`)
        await Promise.all([site, other].map(each => each.start('collectstatic', ...options).done()))
        const paths = checkedManifest()
        expect(paths.size).toBe(2 * PAIRS)
        expect(versionsOf(paths, stored()).size).toBe(1)
      }
    },
  )

  test('on local disk do so as well', async () => {
    const twin = await StaticSite.make({ ...MANIFEST, STATIC_ROOT: disk.path('out') })
    try {
      await fill(twin, 'two')
      for (let round = 1; round <= ROUNDS; round++) {
        await fill(disk, `one ${round}`)
        await Promise.all([disk, twin].map(each => each.start('collectstatic').done()))
        const files = new Map(Object.entries(await disk.files()))
        const paths = checkedManifest(files)
        expect(paths.size).toBe(2 * PAIRS)
        expect(versionsOf(paths, files).size).toBe(1)
      }
    } finally {
      await twin[Symbol.asyncDispose]()
    }
  })
})

test('a second run stores nothing, and asks for no file', async () => {
  await site.start('collectstatic').done()
  s3.requests.length = 0
  const { stdout } = await site.start('collectstatic').done()
  expect(stdout).toBe('\n0 static files copied, 60 unmodified.\n')
  const operations = s3.requests.map(({ operation }) => operation)
  expect(operations).not.toContain('PutObject')
  expect(operations).not.toContain('HeadObject')
  expect(operations.length).toBeLessThan(10)
})

test('a service that refuses is named with the storage, and the exit code is 1', async () => {
  const forever = { times: Number.POSITIVE_INFINITY }
  s3.faults.add({ operation: 'PutObject', ...forever, fault: { do: 'refuse', status: 403 } })
  const { stderr, stdout } = await site.start('collectstatic').done(1)
  expect(stderr).toContain("storage 'staticfiles': ")
  expect(stderr + stdout).not.toContain(OPTIONS.secretKey)
  expect(stored().size).toBe(0)
})

test('one file that is refused is named, and the others are stored without a manifest', async () => {
  s3.faults.add({
    operation: 'PutObject',
    match: ({ key }) => key.includes('img/7.'),
    times: 99,
    fault: { do: 'refuse', status: 403 },
  })
  const { stderr, stdout } = await site.start('collectstatic').done(1)
  expect(stderr).toContain('img/7.png')
  expect(stdout).toMatch(/ failed\.\n$/)
  expect([...stored().keys()]).toContain('img/8.png')
  expect([...stored().keys()]).not.toContain('staticfiles.json')
})

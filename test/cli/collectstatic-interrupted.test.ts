/** Runs of `holdall collectstatic` that are killed, stopped, or at work at the same time, each in a process of its own. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { hashedName, parseManifest, shortHash } from '../../src/core/static-manifest.ts'
import { startStrictS3 } from '../servers/strict-s3.ts'
import { StaticSite } from './static-site.ts'

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
const PAIRS = 60

let site: StaticSite
let other: StaticSite
beforeAll(async () => {
  for (const s of [(site = await StaticSite.make({ STORAGES })), (other = await StaticSite.make({ STORAGES }))]) {
    await fill(s, s === site ? 'one' : 'two')
  }
})
afterAll(async () => {
  await site[Symbol.asyncDispose]()
  await other[Symbol.asyncDispose]()
})
beforeEach(async () => fill(site, 'one'))

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
function checkedManifest(): ReadonlyMap<string, string> {
  const files = stored()
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

/** Calls something when the so many-th file is being written. */
function atPut(count: number, call: () => void): void {
  let puts = 0
  const match = (): boolean => {
    if (++puts === count) call()
    return false
  }
  s3.faults.add({ operation: 'PutObject', match })
}

describe('a run that is killed', () => {
  test('leaves every file that the manifest names, and is completed by the next run', async () => {
    await site.start('collectstatic').done()
    const before = checkedManifest()
    expect(before.size).toBe(2 * PAIRS)
    await fill(site, 'three')
    const sizes: number[] = []
    for (const at of [1, 7, 30, 61, 90, 119]) {
      const killed = site.start('collectstatic', '--delete-stale', '--keep', '0')
      let puts = 0
      atPut(at, () => killed.process.kill('SIGKILL'))
      const { signal } = await killed.ended
      s3.faults.clear()
      puts = stored().size
      sizes.push(puts)
      const now = checkedManifest()
      if (signal === 'SIGKILL') expect(now).toEqual(before)
    }
    await site.start('collectstatic').done()
    const after = checkedManifest()
    expect([...after.keys()]).toEqual([...before.keys()])
    for (const [name, storedAs] of after) expect(storedAs).not.toBe(before.get(name))
    // Nothing is stored again that a killed run has stored.
    s3.requests.length = 0
    await site.start('collectstatic').done()
    expect(s3.requests.filter(({ operation }) => operation === 'PutObject')).toEqual([])
  })
})

describe('a run that is stopped by Ctrl-C', () => {
  test('ends with 130 and the counts until then, and the manifest stays', async () => {
    await site.start('collectstatic').done()
    const before = checkedManifest()
    await fill(site, 'three')
    const child = site.start('collectstatic')
    atPut(20, () => child.process.kill('SIGINT'))
    const { stdout, stderr } = await child.done(130)
    const [, done] = /^collectstatic did not finish; so far of 120 found: (\d+) static files? copied/m.exec(stderr)!
    expect(Number(done)).toBeLessThan(120)
    expect(stdout).toBe('')
    expect(checkedManifest()).toEqual(before)
    const json = site.start('--json', 'collectstatic')
    atPut(5, () => json.process.kill('SIGINT'))
    const ended = await json.done(130)
    expect(JSON.parse(ended.stdout.trimEnd().split('\n').at(-1)!)).toMatchObject({ summary: { complete: false } })
    expect(await site.start('collectstatic').done()).toMatchObject({ stderr: '' })
  })
})

test('two runs at the same time end with the whole manifest of one of them', async () => {
  for (let round = 0; round < 3; round++) {
    s3.bucket().objects.clear()
    await fill(site, `one ${round}`)
    await Promise.all([site, other].map(s => s.start('collectstatic').done()))
    const both = checkedManifest()
    expect(both.size).toBe(2 * PAIRS)
    const texts = new Set([...both.values()].map(name => /one|two/.exec(stored().get(name)!)![0]))
    expect(texts.size).toBe(1)
  }
})

test('a second run stores nothing, and asks for no file', async () => {
  await site.start('collectstatic').done()
  s3.requests.length = 0
  const { stdout } = await site.start('collectstatic').done()
  expect(stdout).toBe('\n0 static files copied, 120 unmodified.\n')
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

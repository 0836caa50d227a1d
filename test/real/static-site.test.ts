/** A whole site in Chromium, as it is collected: on local disk behind our handler, and in a bucket behind its own domain. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test, vi } from 'vitest'
import type { StaticFiles } from '../../src/static/static-files.ts'
import { startChromium } from '../servers/chromium.ts'
import { startRgw } from '../servers/rgw.ts'
import { localFetch } from './places/rgw.ts'
import { bucketSettings, bucketStorage, makeBucket } from './static/bucket.ts'
import { collected, staticFilesOf } from './static/ours.ts'
import { IMMUTABLE, serve } from './static/served.ts'
import { pageWith, QUESTIONS, type SiteOptions, writeSite } from './static/site.ts'
import { answersOf, type Visit, visit } from './static/visit.ts'

// A browser that starts while other servers do may be slow.
vi.setConfig({ testTimeout: 180_000 })

const folder = await mkdtemp(join(tmpdir(), 'holdall-static-site-'))
const browser = await startChromium()
const rgw = await startRgw().catch(async error => {
  await browser.close()
  throw error
})
afterAll(async () => {
  await browser.close()
  await rgw.close()
  await rm(folder, { recursive: true, force: true })
}, 60_000)

/** The sources of a version. */
async function sourcesOf(name: string, options: SiteOptions): Promise<string> {
  const sources = join(folder, `${name}-${options.version}`)
  await writeSite(sources, options)
  return sources
}

/** Everything was answered, and everything below `base` has a name that changes with its content. */
function expectAllHashed({ asked, complaints }: Visit, base: string, files: StaticFiles): void {
  expect(complaints).toEqual([])
  expect(asked.filter(({ status }) => status !== 200)).toEqual([])
  const below = asked.filter(({ url }) => url.startsWith(base))
  const name = (url: string): string => decodeURI(new URL(url).pathname).slice(new URL(base).pathname.length)
  expect(below.filter(({ url }) => !files.isImmutable(name(url))).map(({ url }) => url)).toEqual([])
  expect(below.filter(({ headers }) => headers['cache-control'] !== IMMUTABLE).map(({ url }) => url)).toEqual([])
}

async function expectAnswers({ page }: Visit, more: ReadonlyArray<readonly [string, unknown]>): Promise<void> {
  const questions = [...QUESTIONS, ...more]
  const answers = await answersOf(
    page,
    questions.map(([question]) => question),
  )
  expect(answers).toEqual(Object.fromEntries(questions))
}

describe('on local disk, served with compressed siblings', async () => {
  const target = join(folder, 'target')
  const filesOf = (sources: string): StaticFiles =>
    staticFilesOf([sources], target, { manifest: { html: true }, compress: { codings: ['br', 'gzip', 'zstd'] } })
  const files = filesOf(await sourcesOf('local', { version: 1 }))
  const served = await serve(files)
  const keep = { deleteStale: true, keep: 1 }
  afterAll(() => served.close())

  test('everything that the page asks for has a hashed name, is there and works; pages that are open live through the next deploy', async () => {
    await collected(files)
    await files.load()
    const first = await visit(browser.context, served.origin + files.url('index.html'))
    await expectAnswers(first, [
      ['site.version', 1],
      ['site.worker()', 'at work'],
    ])
    expectAllHashed(first, `${served.origin}/static/`, files)
    expect(first.asked.length).toBeGreaterThan(22)
    const sheets = first.asked.filter(({ url }) => url.endsWith('.css'))
    expect(sheets.length).toBeGreaterThanOrEqual(5)
    for (const { headers } of first.asked) {
      const isText = /^text\//.test(headers['content-type'] ?? '') && Number(headers['content-length']) > 256
      if (isText) expect(headers['content-encoding']).toMatch(/^(br|gzip|zstd)$/)
    }

    const lazy = files.url('js/lazy.js')
    await collected(filesOf(await sourcesOf('local', { version: 2 })), keep)
    await files.load()
    expect(files.url('js/lazy.js')).not.toBe(lazy)
    expect(await first.page.evaluate('site.lazy()')).toBe('lazy 1 part 1')
    expect(first.complaints).toEqual([])
    const second = await visit(browser.context, served.origin + files.url('index.html'))
    await expectAnswers(second, [
      ['site.version', 2],
      ['site.lazy()', 'lazy 2 part 2'],
    ])
    expectAllHashed(second, `${served.origin}/static/`, files)

    await collected(filesOf(await sourcesOf('local', { version: 3 })), keep)
    const gone = await fetch(served.origin + lazy)
    expect([gone.status, gone.headers.get('cache-control')]).toEqual([404, 'no-store'])
    for (const { page } of [first, second]) await page.close()
  })
})

describe('in a bucket behind its own domain', () => {
  const keep = { deleteStale: true, keep: 1 }
  const manifest = { html: true }

  test('a page of the bucket finds everything under hashed names, and lives through the next deploy', async () => {
    await makeBucket(rgw, 'site')
    const gzip = { AWS_IS_GZIPPED: true }
    await using storage = bucketStorage(bucketSettings(rgw, 'site', gzip))
    const filesOf = (sources: string) => staticFilesOf([sources], storage, { manifest, baseUrl: undefined })
    const files = filesOf(await sourcesOf('bucket', { version: 1 }))
    await collected(files)
    await files.load()
    const base = `http://site.localhost:${rgw.port}/`
    expect(files.url('index.html')).toMatch(new RegExp(`^${base}index\\.[0-9a-f]{12}\\.html$`))
    const first = await visit(browser.context, files.url('index.html'))
    await expectAnswers(first, [
      ['site.version', 1],
      ['site.worker()', 'at work'],
    ])
    expectAllHashed(first, base, files)
    for (const { headers, url } of first.asked)
      if (/\.(css|js)$/.test(url)) expect(headers['content-encoding'], url).toBe('gzip')
    const lazy = files.url('js/lazy.js')
    await collected(filesOf(await sourcesOf('bucket', { version: 2 })), keep)
    expect(await first.page.evaluate('site.lazy()')).toBe('lazy 1 part 1')
    expect(first.complaints).toEqual([])
    await collected(filesOf(await sourcesOf('bucket', { version: 3 })), keep)
    // Whoever may not list a bucket is not told which files are missing.
    expect((await localFetch(lazy)).status).toBe(403)
    await first.page.close()
  })

  test('a page of another origin takes sheets, fonts, pictures and modules from the bucket', async () => {
    await makeBucket(rgw, 'others')
    await using storage = bucketStorage(bucketSettings(rgw, 'others', { AWS_LOCATION: 'static/v' }))
    const sources = await sourcesOf('others', { version: 1, worker: false })
    const files = staticFilesOf([sources], storage, { manifest, baseUrl: undefined })
    await collected(files)
    await files.load()
    const served = await serve(undefined)
    try {
      served.page = pageWith(name => files.url(name))
      const seen = await visit(browser.context, `${served.origin}/`)
      await expectAnswers(seen, [
        ['site.version', 1],
        ['site.lazy()', 'lazy 1 part 1'],
      ])
      expectAllHashed(seen, `http://others.localhost:${rgw.port}/static/v/`, files)
      await seen.page.close()
    } finally {
      served.close()
    }
  })
})

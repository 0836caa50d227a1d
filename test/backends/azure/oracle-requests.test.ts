import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { drain } from '../../../src/core/body.ts'
import { bytesContent } from '../../../src/core/content.ts'
import type { PageRequest, WriteOptions } from '../../../src/core/driver.ts'
import { sharedContext } from '../../../src/remote/aftermath.ts'
import { BLOB, both, ENDPOINTS, type Ground } from './ground.ts'
import type { Official, Sent } from './official.ts'
import { Picker } from './sample.ts'

/** Headers that differ by who sends them, or that are ours alone: MD5 of bodies, the version of the protocol. */
const OWN = new Set([
  ...['authorization', 'x-ms-version', 'x-ms-client-request-id', 'user-agent', 'accept', 'content-md5', 'host'],
  ...['content-type', 'x-ms-copy-source', 'content-length'],
])

/** What a request means: names decoded, `x-ms-range` as `range`, nothing of what is never read. */
function meaningOf({ method, url, headers }: Sent) {
  const { pathname, searchParams, origin } = new URL(url)
  const kept = Object.entries(headers).filter(([name, value]) => !OWN.has(name) && value !== '')
  const query = Object.fromEntries([...searchParams].map(([name, value]) => [name.toLowerCase(), value]))
  return {
    ...{ method, origin, path: decodeURIComponent(pathname), query },
    headers: Object.fromEntries(kept.map(([name, value]) => [name === 'x-ms-range' ? 'range' : name, value])),
  }
}

/** Asserts that the official client would sign our request as we do. */
async function checkSignature(official: Official, { method, url, headers }: Sent): Promise<void> {
  const { authorization, ...rest } = headers
  const signed = await official.sign(method, url, rest)
  expect(signed['x-ms-date']).toBe(headers['x-ms-date'])
  expect(authorization, JSON.stringify({ url, rest })).toBe(signed['authorization'])
}

/** A name that Azure takes: no backslash, no dot and no slash at its end; no empty part, which the official client may lose. */
function nameOf(pick: Picker): string {
  for (;;) {
    const name = pick.name().replaceAll('\\', '')
    if (name !== '' && !/[./]$|^\/|\/\//.test(name)) return name
  }
}

function attributesOf(pick: Picker) {
  const word = () => pick.letters('abZ09-=;, ', 6).trim() || 'x'
  const metadata = pick.maybe(() => Object.fromEntries([1, 2, 3].map(() => [`m${pick.letters('ab_9', 4)}`, word()])))
  const ours: WriteOptions = {
    contentType: pick.maybe(() => `text/${pick.letters('abc', 3)}`),
    cacheControl: pick.maybe(word),
    contentLanguage: pick.maybe(() => pick.of(['en', 'de, fr'])),
    contentEncoding: pick.maybe(() => 'gzip'),
    metadata,
    ifAbsent: pick.maybe(() => true),
    extra: { accessTier: 'Cool', tags: { 'a b': 'c+d' } },
    objectParameters: { contentDisposition: 'inline' },
  }
  const headers = {
    blobContentDisposition: 'inline',
    ...(ours.contentType && { blobContentType: ours.contentType }),
    ...(ours.cacheControl && { blobCacheControl: ours.cacheControl }),
    ...(ours.contentLanguage && { blobContentLanguage: ours.contentLanguage }),
    ...(ours.contentEncoding && { blobContentEncoding: ours.contentEncoding }),
  }
  const conditions = ours.ifAbsent ? { conditions: { ifNoneMatch: '*' } } : {}
  const others = { tier: 'Cool', tags: { 'a b': 'c+d' } }
  return { ours, theirs: { blobHTTPHeaders: headers, ...(metadata && { metadata }), ...conditions, ...others } }
}

/** Pairs of calls that ask the same. Each returns how many requests it takes. */
const CALLS: Record<string, (pick: Picker, ground: Ground) => Promise<void>> = {
  async put(pick, { driver, container }) {
    const name = nameOf(pick)
    const { ours, theirs } = attributesOf(pick)
    const bytes = Buffer.from('abcd').subarray(pick.below(5))
    await driver.write(name, bytesContent(bytes), ours, sharedContext())
    await container.getBlockBlobClient(name).upload(bytes, bytes.byteLength, theirs)
  },
  async get(pick, { driver, container }) {
    const name = nameOf(pick)
    const start = pick.below(1000)
    const size = pick.maybe(() => 1 + pick.below(5))
    const range = size === undefined ? {} : { range: { start, end: start + size } }
    await drain(await driver.read(name, range, sharedContext()))
    await container.getBlobClient(name).download(size === undefined ? undefined : start, size)
  },
  async head(pick, { driver, container }) {
    const name = nameOf(pick)
    await driver.stat(name, sharedContext())
    await container.getBlobClient(name).getProperties()
  },
  async delete(pick, { driver, container }) {
    const name = nameOf(pick)
    await driver.delete(name, sharedContext())
    await container.getBlobClient(name).delete()
  },
  async list(pick, { driver, container }) {
    const prefix = pick.maybe(() => nameOf(pick))
    const recursive = pick.random() < 0.5
    const page: PageRequest = { recursive, limit: 1 + pick.below(5000), token: pick.maybe(() => pick.text(6)) }
    await driver.list(prefix ?? '', page, sharedContext())
    const options = { includeMetadata: true, ...(prefix === undefined ? {} : { prefix }) }
    const pages = recursive ? container.listBlobsFlat(options) : container.listBlobsByHierarchy('/', options)
    const token = page.token === undefined ? {} : { continuationToken: page.token }
    await pages.byPage({ maxPageSize: page.limit!, ...token }).next()
  },
  async blocks(pick, { driver, http, container }) {
    const name = nameOf(pick)
    const { ours, theirs } = attributesOf(pick)
    await driver.write(name, bytesContent(Buffer.from('abcdefghi')), ours, sharedContext())
    const client = container.getBlockBlobClient(name)
    const ids: string[] = []
    for (const { url, body } of http.sent.slice(0, 3)) {
      const id = new URL(url).searchParams.get('blockid')!
      ids.push(id)
      await client.stageBlock(id, body, body.byteLength)
    }
    await client.commitBlockList(ids, theirs)
  },
  async container(_, { driver, container }) {
    await driver.createContainer(sharedContext())
    await container.create()
  },
}

describe('our requests', () => {
  beforeAll(() => {
    vi.useFakeTimers({ toFake: ['Date'], now: Date.parse('2026-01-02T03:04:05Z') })
  })
  afterAll(() => {
    vi.useRealTimers()
  })

  test.each(Object.keys(CALLS))('of %s say what those of the official client say, 200 times', async call => {
    const pick = new Picker(31)
    for (let round = 0; round < 200; round++) {
      const ground = both(pick.of(ENDPOINTS))
      await CALLS[call]!(pick, ground)
      const { http, official } = ground
      const theirs = official.sent.map(meaningOf)
      expect(theirs.length).toBeGreaterThan(0)
      expect(http.sent.map(meaningOf)).toEqual(theirs)
      expect(http.sent.map(({ body }) => body.toString('latin1').length > 0)).toEqual(
        official.sent.map(({ body }) => body.byteLength > 0),
      )
      for (const sent of http.sent) await checkSignature(official, sent)
    }
  })

  test('of a copy say what those of the official client say', async () => {
    const pick = new Picker(32)
    for (let round = 0; round < 200; round++) {
      const { driver, http, official, container } = both(pick.of(ENDPOINTS))
      const [from, to] = [nameOf(pick), nameOf(pick)]
      const ifAbsent = pick.maybe(() => true)
      await driver.copy(from, to, { ifAbsent }, sharedContext())
      const [head, copy] = http.sent
      const { 'x-ms-copy-source': source = '', 'x-ms-source-if-match': sourceIfMatch = '' } = copy!.headers
      expect(head!.method).toBe('HEAD')
      expect(sourceIfMatch).toBe(BLOB.etag)
      const { origin, pathname, searchParams } = new URL(source)
      expect(origin + decodeURIComponent(pathname)).toBe(new URL(copy!.url).origin + meaningOf(head!).path)
      expect(searchParams.get('sp')).toBe('r')
      await container.getBlobClient(to).syncCopyFromURL(source, {
        ...{ sourceConditions: { ifMatch: sourceIfMatch } },
        ...(ifAbsent ? { conditions: { ifNoneMatch: '*' } } : {}),
      })
      expect(meaningOf(copy!)).toEqual(meaningOf(official.sent[0]!))
      for (const sent of http.sent) await checkSignature(official, sent)
    }
  })

  test('within a batch are signed as those of the official client', async () => {
    const pick = new Picker(33)
    for (let round = 0; round < 50; round++) {
      const { driver, http, official, container } = both(pick.of(ENDPOINTS))
      const names = [...new Set(Array.from({ length: 1 + pick.below(20) }, () => nameOf(pick)))]
      const results = await driver.deleteMany(names, sharedContext())
      expect(results.filter(({ error }) => error !== undefined)).toEqual([])
      await container.getBlobBatchClient().deleteBlobs(names.map(name => container.getBlobClient(name)))
      const [ours] = http.sent
      const [theirs] = official.sent
      expect(meaningOf(ours!)).toEqual(meaningOf(theirs!))
      await checkSignature(official, ours!)
      const parts = partsOf(ours!)
      expect(parts.map(meaningOf)).toEqual(partsOf(theirs!).map(meaningOf))
      for (const part of parts) {
        expect(part.headers).not.toHaveProperty('x-ms-version')
        await checkSignature(official, part)
      }
    }
  })
})

/** The requests within the body of a batch. */
function partsOf({ url, headers, body }: Sent): Sent[] {
  const boundary = /boundary=(\S+)/.exec(headers['content-type']!)![1]!
  const text = body.toString()
  expect(text.startsWith(`--${boundary}\r\n`)).toBe(true)
  return text
    .split(`--${boundary}`)
    .slice(1, -1)
    .map(part => {
      const [, head = ''] = part.split('\r\n\r\n')
      const [line = '', ...lines] = head.split('\r\n')
      const [method = '', target = ''] = line.split(' ')
      const pairs = lines
        .filter(Boolean)
        .map(each => [each.slice(0, each.indexOf(':')).toLowerCase(), each.slice(each.indexOf(':') + 1).trim()])
      return { method, url: new URL(url).origin + target, headers: Object.fromEntries(pairs), body: Buffer.alloc(0) }
    })
}

/** What goes wrong on the wire while static files are collected: one file's requests fail for good, or the listing does. */
import { afterAll, afterEach, describe, expect, test, vi } from 'vitest'
import { S3Storage } from '../../src/backends/s3/index.ts'
import type { Fault } from '../faults/faults.ts'
import { startStrictS3 } from '../servers/strict-s3.ts'
import { entriesOf, type Seen } from './faults/check.ts'
import { collect, collectWell } from './faults/run.ts'
import { siteOf } from './faults/sources.ts'

vi.mock('node:timers/promises', () => import('../support/short-waits.ts'))

const server = await startStrictS3()
const { accessKeyId: accessKey, secretAccessKey: secretKey } = server.credentials
const storage = new S3Storage(
  {
    endpointUrl: server.url,
    bucketName: 'media',
    regionName: server.region,
    accessKey,
    secretKey,
    querystringAuth: false,
    maxAttempts: 2,
  },
  { settings: {}, env: {} },
)
afterAll(async () => {
  await storage.close()
  await server.close()
})
afterEach(async () => {
  server.faults.clear()
  for await (const { name } of storage.entries('', { recursive: true })) await storage.delete(name)
})

const ALWAYS = 1000

const FAULTS: Readonly<Record<string, Fault>> = {
  'is refused': { do: 'refuse', status: 403, code: 'AccessDenied' },
  'is refused as too much': { do: 'refuse', status: 503, code: 'SlowDown' },
  'fails inside the server': { do: 'refuse', status: 500, code: 'InternalError' },
  'is cut off': { do: 'drop', bytes: 5 },
  'is stored, but the answer is lost': { do: 'drop', at: 'after' },
  'is answered with what is no HTTP': { do: 'garbage' },
  'is said to be stored without an etag, and is not': {
    do: 'lie',
    at: 'before',
    answer: () => ({ status: 200, headers: [], body: Buffer.alloc(0) }),
  },
}

async function seen(): Promise<Seen> {
  const all = new Map<string, string>()
  for await (const { name } of storage.entries('', { recursive: true })) all.set(name, await storage.readText(name))
  return all
}

describe.each(Object.entries(FAULTS))('a file whose upload %s each time', (_, fault) => {
  test.each([
    ['plain', 'img/logo.png'],
    ['hashed', 'js/lazy.745cf1585cc3.js'],
  ])('under its %s name fails, the others are stored, and the next run completes', async (_, key) => {
    await collectWell(storage, siteOf(1))
    const before = await seen()
    server.faults.add({ operation: 'PutObject', key, fault, times: ALWAYS })
    const { summary, events, thrown } = await collect(storage, siteOf(2))
    expect(thrown).toBeUndefined()
    expect(summary).toMatchObject({ failed: 1 })
    expect(events.filter(({ type }) => type === 'failed')).toMatchObject([{ error: { fileName: key } }])
    server.faults.clear()
    const after = await seen()
    expect(after.get('staticfiles.json')).toBe(before.get('staticfiles.json'))
    expect(entriesOf(after)).toEqual(entriesOf(before))
    expect([...after.keys()].filter(name => !before.has(name)).length).toBeGreaterThanOrEqual(5)
    await collectWell(storage, siteOf(2))
    const done = await seen()
    expect(Object.keys(entriesOf(done)!)).toEqual(Object.keys(siteOf(2)).sort())
    expect(done.get(entriesOf(done)!['img/logo.png']!)).toBe('logo of version 2')
  })
})

test.each(
  Object.entries({
    'is refused': FAULTS['is refused']!,
    'is cut off': { do: 'cut', bytes: 200 } satisfies Fault,
    'is no listing': { do: 'lie', answer: truth => ({ ...truth, body: Buffer.from('<html></html>') }) } satisfies Fault,
  }),
)('where the listing %s, the run ends and nothing is changed', async (_, fault) => {
  await collectWell(storage, siteOf(1))
  const before = await seen()
  server.faults.add({ operation: 'ListObjectsV2', fault, times: ALWAYS })
  const { thrown, summary } = await collect(storage, siteOf(2), { deleteStale: true, keep: 0 })
  expect(thrown).toMatchObject({ name: 'StorageError' })
  expect(summary).toBeUndefined()
  server.faults.clear()
  expect(await seen()).toEqual(before)
})

test.each(['staticfiles.json', 'staticfiles.collected.json'])(
  'where %s cannot be written the run says so, and what the former manifest names stays',
  async key => {
    await collectWell(storage, siteOf(1))
    const before = entriesOf(await seen())
    server.faults.add({ operation: 'PutObject', key, fault: FAULTS['is refused']!, times: ALWAYS })
    const { thrown } = await collect(storage, siteOf(2), { deleteStale: true, keep: 1 })
    expect(thrown).toMatchObject({ code: 'permission_denied', fileName: key })
    server.faults.clear()
    const after = await seen()
    entriesOf(after)
    expect(Object.values(before!).filter(name => !after.has(name))).toEqual([])
    await collectWell(storage, siteOf(2), { deleteStale: true, keep: 1 })
    expect(Object.keys(entriesOf(await seen())!)).toEqual(Object.keys(siteOf(2)).sort())
  },
)

test('a target that refuses everything ends the run early, with its error', async () => {
  await collectWell(storage, siteOf(1))
  const before = await seen()
  server.faults.add({ operation: 'PutObject', fault: FAULTS['is refused']!, times: ALWAYS })
  const { thrown, events } = await collect(storage, siteOf(2), { clear: false, concurrency: 1 })
  const failed = events.filter(({ type }) => type === 'failed').length
  expect(failed > 0 || thrown !== undefined).toBe(true)
  server.faults.clear()
  expect(await seen()).toEqual(before)
})

/** Answers that are rare: a lesson within a batch, marks that mean nothing, conditions refused by another status than usual. */
import { ContainerClient, StorageSharedKeyCredential } from '@azure/storage-blob'
import { afterAll, beforeEach, describe, expect, test } from 'vitest'
import type { AzureOptions } from '../../../src/backends/azure/index.ts'
import type { Input } from '../../../src/core/settings.ts'
import { plainContext } from '../../../src/testing/index.ts'
import { withBody } from '../../faults/answers.ts'
import { distinctBytes } from '../../faults/ground.ts'
import { startStrictAzure } from '../../servers/strict-azure.ts'
import { type Scripted, scripted } from './scripted.ts'
import { storageFor } from './strict-storage.ts'
import { storageWith } from './support.ts'

let ahead = 0
const server = await startStrictAzure({ now: () => Date.now() + ahead })
const tokens = await startStrictAzure({ tokens: [{ token: 'ended', until: 1 }, { token: 'fresh' }] })
afterAll(() => Promise.all([server, tokens].map(one => one.close())))
beforeEach(() => {
  ahead = 0
  server.faults.clear()
  for (const key of [...server.container().blobs.keys()]) server.container().blobs.delete(key)
  server.requests.length = 0
})

const PART = 1000
const blocks = { partSize: PART, multipartThreshold: PART }
const bytes = distinctBytes(3 * PART)
const files = (options: Input<AzureOptions> = {}) =>
  storageFor(server, { ...blocks, fileOverwrite: true, maxAttempts: 2, ...options })
const operations = () => server.requests.map(({ operation }) => operation)
const official = new ContainerClient(
  `${server.endpoint}/media`,
  new StorageSharedKeyCredential(server.account, server.accountKey),
)

describe('a batch as the first request', () => {
  test('is signed anew with its parts when the clock is an hour off', async () => {
    for (const name of ['a', 'b']) await official.getBlockBlobClient(name).upload('x', 1)
    ahead = 3_600_000
    expect(await files().deleteMany(['a', 'b'])).toMatchObject({ deleted: 2, errors: [] })
    expect(operations().filter(name => name === 'ContainerBatch')).toHaveLength(2)
    expect(server.container().blobs.size).toBe(0)
  })

  test('gets a new token for its parts, too', async () => {
    const given = ['ended', 'fresh']
    await using media = storageFor(tokens, {
      accountKey: null,
      tokenCredential: {
        getToken: async () => ({ token: given.shift() ?? 'fresh', expiresOnTimestamp: Date.now() + 3_600_000 }),
      },
    })
    expect(await media.deleteMany(['a', 'b'])).toMatchObject({ deleted: 2, errors: [] })
  })
})

test.each([
  [400, 'InvalidQueryParameterValue'],
  [400, 'FeatureVersionMismatch'],
  [405, 'UnsupportedHttpVerb'],
  [501, 'NotImplemented'],
])('a service without batches (%i %s) deletes one by one, and is not asked for a batch again', async (status, code) => {
  const media = files()
  server.faults.add({
    operation: 'ContainerBatch',
    fault: { do: 'refuse', status, code },
    times: 9,
  })
  for (let round = 0; round < 2; round++) {
    for (const name of ['a', 'b']) await media.save(name, 'x')
    expect(await media.deleteMany(['a', 'b', 'missing'])).toMatchObject({ deleted: 3, errors: [] })
  }
  expect(server.container().blobs.size).toBe(0)
  expect(operations().filter(name => name === 'ContainerBatch').length).toBeLessThanOrEqual(1)
  expect(operations().filter(name => name === 'DeleteBlob')).toHaveLength(6)
})

test('a file with bytes is none of a folder, whatever its metadata says', async () => {
  await official.getBlockBlobClient('marked').upload('bytes', 5, { metadata: { hdi_isfolder: 'true' } })
  const media = files()
  expect((await media.page()).entries).toMatchObject([{ name: 'marked', size: 5 }])
  expect((await media.stat('marked')).isDirectory).toBe(false)
  expect(await media.readText('marked')).toBe('bytes')
  expect(await media.readBytes('marked', { start: 1, end: 3 })).toEqual(Buffer.from('yt'))
  expect(await media.copy('marked', 'copy')).toBe('copy')
})

test('a listing shows all that has a name', async () => {
  const media = files()
  for (const name of ['a', 'b', 'c']) await media.save(name, name)
  const answer = (truth: Parameters<typeof withBody>[0]) =>
    withBody(truth, 'application/xml', truth.body.toString().replace('<Name>b</Name>', ''))
  server.faults.add({ operation: 'ListBlobs', fault: { do: 'lie', at: 'after', answer } })
  expect((await media.page()).entries.map(({ name }) => name)).toEqual(['a', 'c'])
})

test('a name that is not encoded as it says stays as it is, and so do the others', async () => {
  const media = files()
  for (const name of ['a', 'b', 'c']) await media.save(name, name)
  const answer = (truth: Parameters<typeof withBody>[0]) => {
    const text = truth.body
      .toString()
      .replace('<Name>a</Name>', '<Name Encoded="true">a%20+%EF%BF%BF</Name>')
      .replace('<Name>b</Name>', '<Name Encoded="true">b%zz%FF</Name>')
    return withBody(truth, 'application/xml', text)
  }
  server.faults.add({ operation: 'ListBlobs', fault: { do: 'lie', at: 'after', answer } })
  expect((await media.page()).entries.map(({ name }) => name)).toEqual(['a +\uffff', 'b%zz%FF', 'c'])
})

test('what a listing shows can be acted on, whatever its name', async () => {
  const media = files()
  await media.save('plain', 'x')
  for (const key of ['odd.', 'dir/odd..', 'x//y', '%41']) {
    server.container().put(key, { ...server.container().blobs.get('plain')! }, Date.now())
  }
  const found = []
  for await (const entry of media.entries('', { recursive: true })) found.push(entry)
  expect(found.map(({ name }) => name).sort()).toEqual(['%41', 'dir/odd..', 'odd.', 'plain', 'x//y'])
  for (const entry of found) {
    expect(await media.readText(entry)).toBe('x')
    expect((await media.stat(entry)).size).toBe(1)
  }
  await media.delete(found.pop()!)
  expect(await media.deleteMany(found)).toMatchObject({ deleted: 4, errors: [] })
  expect([...server.container().blobs.keys()]).toEqual([])
})

test.each(['%FF', '%C3%28x', 'a%2Bb%3D', '%zz'])(
  'a SAS whose signature is %s is taken as it is and not shown',
  async sig => {
    const sasToken = `sv=2021-12-02&sp=r&sig=${sig}`
    const media = storageWith({ accountName: 'a', azureContainer: 'b', sasToken })
    expect(await media.url('x')).toBe('https://a.blob.core.windows.net/b/x')
  },
)

describe('a SAS by an older version of the protocol', () => {
  test.each(['2019-07-07', '2020-12-06'])('%s is one of that version', async apiVersion => {
    const media = files({ apiVersion })
    await official.getBlockBlobClient('a').upload('x', 1)
    const url = await media.url('a', { expiresInSecs: 60 })
    expect(new URL(url).searchParams.get('sv')).toBe(apiVersion)
    expect((await fetch(url)).status).toBe(200)
  })

  test('but by a newer one is the one that emulators know', async () => {
    const url = await files({ apiVersion: '2026-02-06' }).url('a', { expiresInSecs: 60 })
    expect(new URL(url).searchParams.get('sv')).toBe('2021-12-02')
  })
})

test('an archived source is never copied, although a tier for the target would rehydrate it', async () => {
  const media = files({ objectParameters: { access_tier: 'Hot' } })
  await media.save('old', 'x')
  await official.getBlockBlobClient('old').setAccessTier('Archive')
  server.faults.add({
    operation: 'CopyBlobFromURL',
    fault: { do: 'refuse', status: 409, code: 'CannotVerifyCopySource' },
    times: 9,
  })
  const error = await media.copy('old', 'new').catch(reason => reason)
  expect([error.code, error.message]).toEqual(['unsupported', expect.stringContaining('tier Archive')])
  expect(operations()).not.toContain('CopyBlob')
})

describe('a refused condition', () => {
  test('of Put Block List is exists for a new name, by 412 as by 409', async () => {
    const media = files()
    for (const [status, code] of [
      [409, 'BlobAlreadyExists'],
      [412, 'ConditionNotMet'],
      [412, 'LeaseIdMissing'],
    ] as const) {
      for (const operation of ['PutBlob', 'PutBlockList']) {
        server.faults.add({ operation, fault: { do: 'refuse', status, code } })
        const file = await media.open('new', 'x')
        await file.write(operation === 'PutBlob' ? 'x' : bytes)
        await expect(file.close()).rejects.toMatchObject({ code: 'exists' })
      }
    }
  })

  test('of a copy is exists for a new name, by 412 as by 409', async () => {
    const media = files()
    await media.save('from', bytes)
    for (const [status, code] of [
      [409, 'BlobAlreadyExists'],
      [412, 'ConditionNotMet'],
      [412, 'TargetConditionNotMet'],
      [412, 'LeaseIdMissing'],
    ] as const) {
      for (const [operation, attributes] of [
        ['CopyBlobFromURL', {}],
        ['PutBlockList', { contentType: 'text/new' }],
      ] as const) {
        server.faults.add({ operation, fault: { do: 'refuse', status, code } })
        const copy = media.calls.driver.copy!('from', 'to', { ifAbsent: true, ...attributes }, plainContext())
        const error = await copy.catch(reason => reason)
        expect([code, operation, media.calls.driver.classify(error)]).toEqual([code, operation, 'exists'])
      }
    }
  })

  test('that is a lease stays one where the name may be taken, for blocks as for one request', async () => {
    for (const [operation, content] of [
      ['PutBlob', 'x'],
      ['PutBlockList', bytes],
    ] as const) {
      server.faults.add({ operation, fault: { do: 'refuse', status: 412, code: 'LeaseIdMissing' } })
      const error = await files()
        .save('a', content)
        .catch(reason => reason)
      expect([error.code, error.message]).toEqual(['permission_denied', expect.stringContaining('leaseId')])
    }
  })

  test('of the source says nothing about the target', async () => {
    const media = files({ fileOverwrite: false })
    await media.save('from', 'x')
    const fault = { do: 'refuse', status: 412, code: 'SourceConditionNotMet' } as const
    server.faults.add({ operation: 'CopyBlobFromURL', fault, times: 99 })
    await expect(media.copy('from', 'to')).rejects.toMatchObject({ code: 'precondition_failed' })
    expect([...server.container().blobs.keys()]).toEqual(['from'])
  })
})

test('a lost answer to Put Block List of a blob that is gone by then is no missing file', async () => {
  server.faults.add({ operation: 'PutBlockList', fault: { do: 'drop', at: 'after' } })
  server.faults.add({
    operation: 'GetBlockList',
    match: () => {
      server.container().blobs.delete('a')
      server.container().uncommitted.delete('a')
      return false
    },
  })
  const error = await files({ maxAttempts: 1, fileOverwrite: false })
    .save('a', bytes)
    .catch(reason => reason)
  expect(operations()).toContain('GetBlockList')
  expect([error.code, error.outcome]).toEqual(['unavailable', 'unknown'])
})

describe('ids of blocks that the service does not take', () => {
  const refusal = '<?xml version="1.0"?><Error><Code>InvalidBlobOrBlock</Code><Message>bad</Message></Error>'
  const own = { 'x-ms-request-id': 'id', 'x-ms-version': '2025-11-05' }
  const listOf = (length: number): string =>
    `<BlockList><CommittedBlocks/><UncommittedBlocks><Block><Name>${Buffer.alloc(length).toString('base64')}</Name><Size>1</Size></Block></UncommittedBlocks></BlockList>`
  const idIn = (url = ''): Buffer => Buffer.from(new URL(url, 'http://x').searchParams.get('blockid') ?? '', 'base64')
  const save = (service: Scripted) =>
    storageWith({ ...service.options, ...blocks, fileOverwrite: true, uploadConcurrency: 2 }).save('a', bytes)

  test('are changed once', async () => {
    let length = 20
    await using service = await scripted((request, response) => {
      if (request.method === 'GET') response.writeHead(200, own).end(listOf(length++))
      else response.writeHead(400, { ...own, 'x-ms-error-code': 'InvalidBlobOrBlock' }).end(refusal)
    })
    const error = await save(service).catch(reason => reason)
    expect([error.code, error.message]).toEqual(['invalid_argument', expect.stringContaining('another length')])
    expect(service.asked.length).toBeLessThan(10)
  })

  test('are changed for all blocks under way, also for one that is told late', async () => {
    let waiting: (() => void) | undefined
    let refused = 0
    await using service = await scripted((request, response) => {
      const isList = request.url?.includes('comp=blocklist') === true
      if (request.method === 'GET') response.writeHead(200, own).end(listOf(20))
      else if (isList || idIn(request.url).byteLength === 20) {
        response.writeHead(201, { ...own, etag: '"e"', 'last-modified': 'Fri, 02 Jan 2026 03:04:05 GMT' }).end()
        waiting?.()
        waiting = undefined
      } else {
        const refuse = (): void =>
          void response.writeHead(400, { ...own, 'x-ms-error-code': 'InvalidBlobOrBlock' }).end(refusal)
        if (++refused === 1) refuse()
        // Told when another block has gone through.
        else waiting = refuse
      }
    })
    expect(await save(service)).toBe('a')
  })
})

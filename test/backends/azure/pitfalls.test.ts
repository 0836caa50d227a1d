/** What users of other libraries ran into with Azure Blob: one group for each. */
import { randomBytes } from 'node:crypto'
import {
  BlobSASPermissions,
  ContainerClient,
  ContainerSASPermissions,
  generateBlobSASQueryParameters,
  StorageSharedKeyCredential,
} from '@azure/storage-blob'
import { afterAll, beforeEach, describe, expect, test } from 'vitest'
import { BlockIds } from '../../../src/backends/azure/block-ids.ts'
import { withBody } from '../../faults/answers.ts'
import type { Answer } from '../../faults/faults.ts'
import { serveProxy } from '../../http/support.ts'
import { type StrictAzure, startStrictAzure } from '../../servers/strict-azure.ts'
import { storageFor, tokenCredential } from './strict-storage.ts'

const server = await startStrictAzure()
const folders = await startStrictAzure({ hierarchical: true })
const shortKeys = await startStrictAzure({ maxKeySecs: 1200 })
afterAll(() => Promise.all([server, folders, shortKeys].map(one => one.close())))
beforeEach(() => {
  server.faults.clear()
  server.requests.length = 0
  server.plans.emptyPages = 0
})

const PART = 64 * 1024
const blocks = { multipartThreshold: PART, partSize: PART }
const operations = (at = server): string[] => at.requests.map(({ operation }) => operation)
const official = (at = server): ContainerClient =>
  new ContainerClient(`${at.endpoint}/media`, new StorageSharedKeyCredential(at.account, at.accountKey), {
    retryOptions: { maxTries: 1 },
  })
const tokenOf = (at: StrictAzure) => ({ accountKey: null, tokenCredential: tokenCredential(at.token) })
/** All names of a storage. */
async function namesOf(
  files: { entries(path: string, options: { recursive: boolean }): AsyncIterable<{ name: string }> },
  path = '',
): Promise<string[]> {
  const names: string[] = []
  for await (const { name } of files.entries(path, { recursive: true })) names.push(name)
  return names.sort()
}

describe('a signature is made over the path as it goes over the wire', () => {
  const odd = ["!$&'()*,:;=@.txt", 'a b+c', '%', '%2E', '#x?y=z', 'ü/日本 🙂']

  test('in path style, where the account stands in it twice', async () => {
    await using files = storageFor(server, { location: 'path' })
    for (const name of odd) {
      await files.save(name, name)
      expect(await files.readText(name)).toBe(name)
    }
    expect(await namesOf(files)).toEqual([...odd].sort())
    expect(await files.deleteMany(odd)).toMatchObject({ deleted: odd.length, errors: [] })
    expect(server.requests.every(({ status }) => status < 300)).toBe(true)
  })

  test('in host style, where it stands there once', async () => {
    await using proxy = await serveProxy()
    await using files = storageFor(
      { ...server, endpoint: server.hostEndpoint },
      { proxies: { http: proxy.url }, location: 'host' },
    )
    for (const name of odd) {
      await files.save(name, name)
      expect(await files.readText(name)).toBe(name)
    }
    expect(await namesOf(files)).toEqual([...odd].sort())
    expect(server.requests.every(({ status, url }) => status < 300 && !url.includes(server.account))).toBe(true)
    await files.deleteMany(odd)
  })
})

describe('a SAS signs the plain name, and its URL carries the encoded one', () => {
  test.each(['100%', '%2E%2E/x', 'a#b', 'a?b=c', 'a+b c', ' blank ', "!$&'()*,:;=@~"])('%j', async name => {
    for (const options of [{}, tokenOf(server)]) {
      await using files = storageFor(server, options)
      await files.save(name, `this is ${name}`, { overwrite: true })
      const response = await fetch(await files.url(name, { expiresInSecs: 60 }))
      expect([response.status, await response.text()]).toEqual([200, `this is ${name}`])
      await files.delete(name)
    }
  })
})

describe('a SAS token that the user gives is passed on byte for byte', () => {
  const credential = new StorageSharedKeyCredential(server.account, server.accountKey)
  /** One whose signature has a plus sign, which is %2B in the token. */
  const sasWithPlus = (): string => {
    for (let secs = 3600; ; secs++) {
      const expiresOn = new Date(Date.now() + secs * 1000)
      const permissions = ContainerSASPermissions.parse('racwdl')
      const sas = generateBlobSASQueryParameters(
        { containerName: 'media', permissions, expiresOn },
        credential,
      ).toString()
      if (sas.includes('%2B') && sas.endsWith('%3D')) return sas
    }
  }

  test.each(['', '?'])('with %j in front of it', async lead => {
    const sas = sasWithPlus()
    await using files = storageFor(server, { accountKey: null, sasToken: lead + sas, ...blocks })
    await files.save('by sas', Buffer.alloc(3 * PART))
    await files.save('small', 'x')
    expect(await namesOf(files)).toEqual(['by sas', 'small'])
    expect((await files.deleteMany(['by sas', 'small'])).errors).toEqual([])
    expect(operations()).toEqual(
      expect.arrayContaining(['PutBlock', 'PutBlockList', 'PutBlob', 'ListBlobs', 'ContainerBatch']),
    )
    for (const { url, status } of server.requests) {
      expect([url.split(/[?&]/).slice(-sas.split('&').length).join('&'), status < 300]).toEqual([sas, true])
    }
  })
})

describe('clocks a few seconds apart never make a fresh URL fail', () => {
  test('a SAS of a key has no start unless one is asked for', async () => {
    await using files = storageFor(server)
    const query = new URL(await files.url('a', { expiresInSecs: 60 })).searchParams
    expect([query.get('st'), query.get('se')]).toEqual([null, expect.any(String)])
  })

  test('a delegation key starts some minutes back, and its seven days count from there', async () => {
    await using files = storageFor(server, tokenOf(server))
    const query = new URL(await files.url('a', { expiresInSecs: 60 })).searchParams
    const [start, end] = ['skt', 'ske'].map(name => Date.parse(query.get(name) ?? '')) as [number, number]
    expect(query.get('st')).toBeNull()
    expect(Date.now() - start).toBeGreaterThan(60_000)
    expect(end - start).toBeLessThan(7 * 86_400_000)
    expect(server.requests.at(-1)).toMatchObject({ operation: 'GetUserDelegationKey', status: 200 })
  })
})

describe('a user-delegation SAS never ends after the key that signed it', () => {
  test('and one key is enough for many', async () => {
    await using files = storageFor(server, tokenOf(server))
    const urls = await Promise.all(
      Array.from({ length: 20 }, (_, at) => files.url(`f${at}`, { expiresInSecs: 60 + at })),
    )
    expect(operations()).toEqual(['GetUserDelegationKey'])
    for (const url of urls) {
      const query = new URL(url).searchParams
      expect(Date.parse(query.get('se') ?? '')).toBeLessThanOrEqual(Date.parse(query.get('ske') ?? ''))
    }
  })

  test('where the service gives a shorter one than was asked for, too', async () => {
    await using files = storageFor(shortKeys, tokenOf(shortKeys))
    await files.save('a', 'x', { overwrite: true })
    expect((await fetch(await files.url('a', { expiresInSecs: 300 }))).status).toBe(200)
    await expect(files.url('a', { expiresInSecs: 3600 })).rejects.toMatchObject({ code: 'invalid_argument' })
    await expect(files.url('a', { expiresInSecs: 8 * 86_400 })).rejects.toMatchObject({ code: 'invalid_argument' })
  })
})

describe('a missing checksum is never a verified one', () => {
  test('no read asks for a checksum that the service would refuse', async () => {
    await using files = storageFor(server, blocks)
    const large = Buffer.alloc(5 * 1024 * 1024, 'abc')
    await files.save('large', large, { overwrite: true })
    await files.save('empty', '', { overwrite: true })
    expect((await files.readBytes('large')).equals(large)).toBe(true)
    expect((await files.readBytes('large', { start: 10, end: 5_000_000 })).equals(large.subarray(10, 5_000_000))).toBe(
      true,
    )
    expect(await files.readText('empty')).toBe('')
    await files.edit('large', 'rb', async file => {
      await file.seek(4_999_999)
      expect(await file.read(2)).toEqual(large.subarray(4_999_999, 5_000_001))
    })
    const reads = server.requests.filter(({ operation }) => operation === 'GetBlob')
    expect(reads.every(({ status }) => status < 300)).toBe(true)
    expect(reads.some(({ headers }) => Object.keys(headers).some(name => name.startsWith('x-ms-range-get')))).toBe(
      false,
    )
  })

  test('bytes that are not those of a stored MD5 are an error', async () => {
    await using files = storageFor(server)
    await files.save('sum', 'right', { overwrite: true })
    server.faults.add({ operation: 'GetBlob', fault: { do: 'garble', offset: 2 }, times: 9 })
    await expect(files.readText('sum')).rejects.toMatchObject({ code: 'checksum_mismatch', fileName: 'sum' })
  })

  test('nor are those of parts that are read side by side', async () => {
    await using files = storageFor(server)
    const large = randomBytes(1_000_000)
    const options = { parallel: 3, partSize: 300_000 }
    await files.save('parts', large)
    expect((await files.readBytes('parts', options)).equals(large)).toBe(true)
    server.faults.add({ operation: 'GetBlob', fault: { do: 'garble', offset: 2 } })
    await expect(files.readBytes('parts', options)).rejects.toMatchObject({ code: 'checksum_mismatch' })
  })
})

describe('block ids have one length and begin with something random', () => {
  test('from the first to the 50,000th', () => {
    const ids = new BlockIds()
    const all = Array.from({ length: 50_000 }, (_, at) => ids.idOf(at + 1))
    expect(new Set(all).size).toBe(50_000)
    expect(new Set(all.map(id => id.length)).size).toBe(1)
    expect(Buffer.from(all[0]!, 'base64').byteLength).toBeLessThanOrEqual(64)
    expect(new BlockIds().idOf(1)).not.toBe(new BlockIds().idOf(1))
  })

  test('so that two writers of one name never commit blocks of each other', async () => {
    await using one = storageFor(server, blocks)
    await using two = storageFor(server, blocks)
    for (let round = 0; round < 5; round++) {
      const bodies = ['a', 'b'].map(letter => Buffer.alloc(10 * PART, letter)) as [Buffer, Buffer]
      const done = await Promise.allSettled([
        one.save('both', bodies[0], { overwrite: true }),
        two.save('both', bodies[1], { overwrite: true }),
      ])
      expect(done.some(({ status }) => status === 'fulfilled')).toBe(true)
      const stored = server.container().bytes('both')
      expect(bodies.some(body => stored?.equals(body))).toBe(true)
    }
  })

  test('and blocks that others left there, of another length, are no obstacle', async () => {
    const left = official().getBlockBlobClient('leftovers')
    await left.stageBlock(Buffer.from('block-000001').toString('base64'), 'left', 4)
    await using files = storageFor(server, blocks)
    const bytes = Buffer.alloc(4 * PART, 'xyz')
    await files.save('leftovers', bytes, { overwrite: true })
    expect(server.container().bytes('leftovers')?.equals(bytes)).toBe(true)
  })
})

describe('a conditional create whose answer was lost', () => {
  test.each([
    ['one request', 'PutBlob', 1000],
    ['blocks', 'PutBlockList', 3 * PART],
  ])('is not told as exists, and leaves no second copy: %s', async (_, operation, size) => {
    const container = server.container()
    await using files = storageFor(server, { ...blocks, location: `lost ${operation}`, fileOverwrite: false })
    server.faults.add({ operation, fault: { do: 'drop', at: 'after' } })
    const bytes = Buffer.alloc(size, 'l')
    const said = await files.save('new', bytes).catch(error => error)
    if (typeof said === 'string') expect(said).toBe('new')
    else expect(said).toMatchObject({ code: 'unavailable', outcome: 'unknown' })
    const kept = [...container.blobs.keys()].filter(name => name.startsWith(`lost ${operation}/`))
    expect(kept).toEqual([`lost ${operation}/new`])
    expect(container.bytes(kept[0]!)?.equals(bytes)).toBe(true)
  })

  test('is exists where somebody else was there before', async () => {
    await using files = storageFor(server, { fileOverwrite: false })
    await files.save('taken', 'first')
    await expect(files.open('taken', 'x').then(file => file.close())).rejects.toMatchObject({ code: 'exists' })
    expect(await files.save('taken', 'second')).toMatch(/^taken_\w{7}$/)
  })
})

describe('a listing goes on for as long as there is a marker', () => {
  test('however many pages in a row have no entry', async () => {
    await using files = storageFor(server, { location: 'pages' })
    await Promise.all(['a', 'b/c', 'd'].map(name => files.save(name, name)))
    server.plans.emptyPages = 4
    expect(await namesOf(files)).toEqual(['a', 'b/c', 'd'])
    expect(await files.listdir('')).toEqual([['b'], ['a', 'd']])
    expect(operations().filter(name => name === 'ListBlobs').length).toBeGreaterThanOrEqual(10)
  })

  test('and ends with an error where a marker leads to itself', async () => {
    await using files = storageFor(server, { location: 'pages' })
    const same = (truth: Answer): Answer =>
      withBody(
        truth,
        'application/xml',
        truth.body.toString().replace(/<NextMarker ?\/>/, '<NextMarker>again</NextMarker>'),
      )
    const first = { operation: 'ListBlobs', fault: { do: 'lie', at: 'after', answer: same } } as const
    const next = (truth: Answer): Answer =>
      withBody(
        { ...truth, status: 200 },
        'application/xml',
        '<EnumerationResults><Blobs/><NextMarker>again</NextMarker></EnumerationResults>',
      )
    server.faults.add({ ...first, times: 1 })
    server.faults.add({ operation: 'ListBlobs', fault: { do: 'lie', answer: next }, times: 1000 })
    await expect(namesOf(files)).rejects.toMatchObject({ code: 'unavailable' })
  })
})

describe('folders of a hierarchical namespace are no files', () => {
  test('they are not listed, counted, copied or downloaded', async () => {
    await using files = storageFor(folders)
    await files.save('a/b/file', 'text')
    await files.save('a/empty', '')
    expect([...folders.container().blobs.keys()].sort()).toEqual(['a', 'a/b', 'a/b/file', 'a/empty'])
    expect(await namesOf(files)).toEqual(['a/b/file', 'a/empty'])
    expect(await files.listdir('')).toEqual([['a'], []])
    expect(await files.listdir('a')).toEqual([['b'], ['empty']])
    for (const work of [files.readText('a'), files.copy('a', 'copy of a')]) {
      await expect(work).rejects.toMatchObject({ code: 'is_directory' })
    }
    await expect(files.save('a/b', 'over a folder', { overwrite: true })).rejects.toMatchObject({
      code: 'is_directory',
    })
    await files.delete('a/b').catch(error => expect(error).toMatchObject({ code: 'is_directory' }))
    expect(await files.readText('a/b/file')).toBe('text')
  })

  test('nor are the marks of other tools on a flat account, in any case of their name', async () => {
    for (const [name, mark] of [
      ['marks/one', 'hdi_isfolder'],
      ['marks/two', 'Hdi_IsFolder'],
    ] as const) {
      await official()
        .getBlockBlobClient(name)
        .upload('', 0, { metadata: { [mark]: 'true' } })
    }
    await using files = storageFor(server, { location: 'marks' })
    await files.save('honest', '')
    expect(await namesOf(files)).toEqual(['honest'])
    expect(await files.size('honest')).toBe(0)
    await expect(files.readText('one')).rejects.toMatchObject({ code: 'is_directory' })
  })
})

describe('an archived blob', () => {
  test('is an error at once that names the tier and the ways on, and can be looked at and deleted', async () => {
    await using files = storageFor(server, { location: 'cold', maxAttempts: 5 })
    await files.save('old', 'x')
    await official().getBlockBlobClient('cold/old').setAccessTier('Archive')
    server.requests.length = 0
    const ways = [
      () => files.readText('old'),
      () => files.save('old', 'y', { overwrite: true }),
      () => files.copy('old', 'thawed', { overwrite: true }),
    ]
    for (const work of ways) {
      const error = await work().catch(reason => reason)
      expect(error).toMatchObject({ code: 'unsupported', retryable: false })
      expect(error.message).toMatch(/Archive/)
      expect(error.message).toMatch(/tier/)
    }
    // Once each: the copy asks for the bytes where the service does not copy them.
    const counts = ['GetBlob', 'PutBlob', 'CopyBlob'].map(wanted => operations().filter(name => name === wanted).length)
    expect(counts).toEqual([2, 1, 0])
    expect(operations()).not.toContain('SetBlobTier')
    expect(operations()).not.toContain('DeleteBlob')
    expect([await files.exists('old'), await files.size('old'), await namesOf(files)]).toEqual([true, 1, ['old']])
    expect(await files.stat('old')).toMatchObject({ storageClass: 'Archive' })
    await files.delete('old')
    expect(await files.exists('old')).toBe(false)
  })
})

describe('a batch', () => {
  const many = Array.from({ length: 600 }, (_, at) => `é %2F${at}#?.txt`)

  test('holds 256 names at most, each encoded as any path, and begins with its boundary', async () => {
    await using files = storageFor(server, { location: 'batch' })
    const container = server.container()
    await Promise.all(many.slice(0, 20).map(name => files.save(name, 'x')))
    server.requests.length = 0
    expect(await files.deleteMany(many)).toMatchObject({ deleted: 600, errors: [] })
    expect(operations()).toEqual(['ContainerBatch', 'ContainerBatch', 'ContainerBatch'])
    expect(server.requests.every(({ status }) => status === 202)).toBe(true)
    expect([...container.blobs.keys()].filter(name => name.startsWith('batch/'))).toEqual([])
  })

  const told = (change: (body: string) => string) =>
    ({
      operation: 'ContainerBatch',
      fault: {
        do: 'lie',
        at: 'after',
        answer: (truth: Answer) => ({ ...truth, body: Buffer.from(change(truth.body.toString())) }),
      },
    }) as const

  test('whose answer has no ids of parts, and no blank line at its end, is read by place', async () => {
    await using files = storageFor(server, { location: 'batch' })
    await official().getBlockBlobClient('batch/snap').upload('x', 1)
    await official().getBlockBlobClient('batch/snap').createSnapshot()
    await files.save('plain', 'x')
    server.faults.add(told(body => body.replaceAll(/Content-ID:.*\r\n/g, '').trimEnd()))
    const { deleted, errors } = await files.deleteMany(['plain', 'snap', 'missing'])
    expect([deleted, errors.map(({ name }) => name)]).toEqual([2, ['snap']])
    expect(errors[0]?.error).toMatchObject({ code: 'unsupported' })
    expect(errors[0]?.error.message).toContain('AZURE_DELETE_SNAPSHOTS')
    await using bold = storageFor(server, { location: 'batch', deleteSnapshots: true })
    expect(await bold.deleteMany(['snap'])).toMatchObject({ deleted: 1, errors: [] })
  })

  test('with fewer parts than were sent is a failure for all of them', async () => {
    await using files = storageFor(server, { location: 'batch', maxAttempts: 1 })
    server.faults.add(told(body => body.replace(/--batchresponse_[^\r]*\r\n[\s\S]*?(?=--batchresponse_)/, '')))
    const { deleted, errors } = await files
      .deleteMany(['a', 'b', 'c'])
      .catch(error => ({ deleted: 0, errors: [{ error }] }))
    expect(deleted).toBe(0)
    expect(errors[0]?.error).toMatchObject({ code: 'unavailable' })
  })
})

describe('metadata that cannot go over the wire', () => {
  test.each(['with-hyphen', 'with.dot', '1digit', '_x2d_', 'a_b'])(
    'comes back the same under the name %j',
    async name => {
      await using files = storageFor(server)
      await files.save('meta', 'x', { metadata: { [name]: 'value' }, overwrite: true })
      expect((await files.stat('meta')).metadata).toEqual({ [name]: 'value' })
    },
  )

  test.each(['ü', ' blanks ', 'tab\tin', '🙂', '%41', '=?UTF-8?Q?x?='])(
    'comes back the same with the value %j, or is refused before the call',
    async value => {
      await using files = storageFor(server, { maxAttempts: 5 })
      const error = await files.save('meta', 'x', { metadata: { key: value }, overwrite: true }).then(
        () => undefined,
        reason => reason,
      )
      if (error === undefined) expect((await files.stat('meta')).metadata).toEqual({ key: value })
      else {
        expect(error).toMatchObject({ code: 'invalid_argument', retryable: false })
        expect(error.message).toContain('key')
        expect(server.requests).toEqual([])
      }
    },
  )

  test.each(['ü', 'a b', '', 'line\nfeed', 'colon:'])(
    'is refused before the call, with the name told, for the name %j',
    async name => {
      await using files = storageFor(server, { maxAttempts: 5 })
      const work = files.save('meta', 'x', { metadata: { [name]: 'x' }, overwrite: true })
      await expect(work).rejects.toMatchObject({ code: 'invalid_argument', retryable: false })
      expect(server.requests).toEqual([])
    },
  )

  test('is read where another program wrote it', async () => {
    await official()
      .getBlockBlobClient('theirs')
      .upload('x', 1, { metadata: { Plain_Name: 'a b' } })
    await using files = storageFor(server)
    expect((await files.stat('theirs')).metadata).toEqual({ plain_name: 'a b' })
  })
})

test('a URL for an upload is one for a PUT, which says the type of the blob', async () => {
  await using files = storageFor(server)
  const url = await files.url('by url', { method: 'PUT', expiresInSecs: 60 })
  expect((await fetch(url, { method: 'PUT', body: 'x', headers: { 'x-ms-version': '2025-11-05' } })).status).toBe(400)
  const headers = { 'x-ms-version': '2025-11-05', 'x-ms-blob-type': 'BlockBlob' }
  expect((await fetch(url, { method: 'PUT', body: 'sent', headers })).status).toBe(201)
  expect(await files.readText('by url')).toBe('sent')
  expect((await fetch(url)).status).toBe(403)
  expect(BlobSASPermissions.parse(new URL(url).searchParams.get('sp') ?? '').write).toBe(true)
})

/** The cases of the wire protocol, each with its number, against the strict server. */
import { createHash } from 'node:crypto'
import { afterAll, describe, expect, it, vi } from 'vitest'
import { NodeClient } from '../../../src/http/node-client.ts'
import type { HttpClient } from '../../../src/http/request.ts'
import { all } from '../../files/helpers.ts'
import { ask } from '../../servers/strict-atmos/asker.ts'
import { busy, startStrictAtmos } from '../../servers/strict-atmos.ts'
import { at, KIB_64, smallParts, storageWith } from './support.ts'

vi.mock('node:timers/promises', () => import('../../support/short-waits.ts'))

const server = await startStrictAtmos({ pageSize: 4 })
afterAll(() => server.close())

const sum = (algorithm: string, bytes: Buffer): string => createHash(algorithm).update(bytes).digest('hex')
const bytesOf = (size: number): Buffer =>
  Buffer.from(Array.from({ length: size }, (_, at) => (at * 7919 + (at >> 9)) % 251))

/** Operations that the server saw since, of one key. */
const operationsOf = (from: number): string[] => server.requests.slice(from).map(({ operation }) => operation)

describe('case 25: a clock that is off', () => {
  it('by 10 minutes is refused by 1031, and the request is signed once more by the time of the answer', async () => {
    const late = await startStrictAtmos({ now: () => Date.now() + 600_000, credentials: [server.credentials] })
    await using files = storageWith({ ...at(late), fileOverwrite: true, maxAttempts: 1 })
    await files.save('a.txt', 'late')
    const first = late.requests.map(({ operation, code }) => [operation, code])
    expect(first.filter(([, code]) => code === '1031')).toHaveLength(1)
    const before = late.requests.length
    expect(await files.readText('a.txt')).toBe('late')
    // What was learnt stays.
    expect(late.requests.slice(before).map(({ code }) => code)).toEqual([undefined])
    await late.close()
  })

  it('is learnt by a second request where a HEAD is refused without a word', async () => {
    const early = await startStrictAtmos({ now: () => Date.now() - 3_600_000, credentials: [server.credentials] })
    await using files = storageWith({ ...at(early), maxAttempts: 1 })
    expect(await files.exists('missing')).toBe(false)
    expect(early.requests.map(({ operation }) => operation)).toEqual(['HeadObject', 'GetSystemMetadata', 'HeadObject'])
    await early.close()
  })
})

it('case 28: a file is created, read, and replaced by a shorter one without a tail', async () => {
  await using files = smallParts(server, { fileOverwrite: true })
  const long = bytesOf(3 * KIB_64 + 5)
  await files.save('28', long)
  expect((await files.readBytes('28')).equals(long)).toBe(true)
  await files.save('28', 'short')
  expect(await files.readText('28')).toBe('short')
  expect(server.tree.body('media/28')).toEqual(Buffer.from('short'))
})

it('case 30: binary content of unknown length goes in ranges and comes back byte by byte', async () => {
  await using files = smallParts(server)
  const bytes = bytesOf(20 * KIB_64 + 321)
  const from = server.requests.length
  await files.save(
    '30',
    (async function* () {
      for (let start = 0; start < bytes.length; start += 50_001) yield bytes.subarray(start, start + 50_001)
    })(),
  )
  const appends = server.requests.slice(from).filter(({ operation }) => operation === 'UpdateObject')
  expect(appends).toHaveLength(20)
  expect(appends[0]!.headers['range']).toBe(`bytes=${KIB_64}-${2 * KIB_64 - 1}`)
  expect((await files.readBytes('30')).equals(bytes)).toBe(true)
})

it('case 31: a middle part that fails keeps the old file, removes what was sent, and is an error', async () => {
  await using files = smallParts(server, { fileOverwrite: true, maxAttempts: 1 })
  await files.save('31/a', 'old')
  server.faults.add({ operation: 'UpdateObject', times: 1, fault: { do: 'refuse', status: 403, body: 'no' } })
  await expect(files.save('31/a', bytesOf(3 * KIB_64))).rejects.toMatchObject({ code: 'permission_denied' })
  expect(server.tree.paths().filter(path => path.startsWith('media/31/'))).toEqual(['media/31/a'])
  expect(await files.readText('31/a')).toBe('old')
})

it('case 33: listdir gives folders and files of one level, and entries have size and time', async () => {
  await using files = storageWith(at(server))
  for (const name of ['33/b.txt', '33/a.txt', '33/sub/c.txt', '33/sub/deep/d.txt', '33/e', '33/f'])
    await files.save(name, name)
  expect(await files.listdir('33')).toEqual([['sub'], ['a.txt', 'b.txt', 'e', 'f']])
  const entries = await all(files.entries('33'))
  for (const { isDirectory, size, modifiedAt } of entries.filter(entry => !entry.isDirectory)) {
    expect([isDirectory, size > 0, Math.abs(Date.now() - modifiedAt!.getTime()) < 60_000]).toEqual([false, true, true])
  }
  const from = server.requests.length
  const names = (await all(files.entries('33', { recursive: true }))).map(({ name }) => name)
  expect(names).toEqual(['33/a.txt', '33/b.txt', '33/e', '33/f', '33/sub/c.txt', '33/sub/deep/d.txt'])
  // Two pages of the first folder, one of each other; no file is looked at by itself.
  expect(operationsOf(from)).toEqual(Array(4).fill('ListDirectory'))
})

it('case 34: names with & < > quotes and blanks are listed as they are', async () => {
  await using files = storageWith(at(server))
  const names = ['34/a & b.txt', '34/<c> "d"\'.txt', '34/ e  f ', '34/&amp;', '34/é 日本 🙂']
  for (const name of names) await files.save(name, name)
  expect((await all(files.entries('34'))).map(({ name }) => name).toSorted()).toEqual(names.toSorted())
  for (const name of names) expect(await files.readText(name)).toBe(name)
})

describe('case 36: containers', () => {
  it('are made, listed, looked up and deleted; one with files is not_empty, and nothing is removed', async () => {
    await using files = storageWith(at(server))
    await files.driver.createContainer('case 36')
    await expect(files.driver.createContainer('case 36')).rejects.toMatchObject({ code: 'exists' })
    await using there = storageWith({ ...at(server), container: 'case 36' })
    await there.save('a/b.txt', 'b')
    await expect(files.driver.deleteContainer('case 36')).rejects.toMatchObject({ code: 'not_empty' })
    expect(server.tree.body('case 36/a/b.txt')).toBeDefined()
    await there.delete('a/b.txt')
    await there.delete('a')
    await files.driver.deleteContainer('case 36')
    await expect(files.driver.getContainer('case 36')).rejects.toMatchObject({ code: 'not_found' })
    await expect(files.driver.deleteContainer('case 36')).rejects.toMatchObject({ code: 'not_found' })
  })

  it('are not taken for plain files of the same name', async () => {
    await using files = storageWith(at(server))
    await ask(server, 'POST', '/rest/namespace/plain-file', { body: 'x' })
    await expect(files.driver.getContainer('plain-file')).rejects.toMatchObject({ code: 'not_found' })
    await expect(files.driver.deleteContainer('plain-file')).rejects.toMatchObject({ code: 'not_found' })
    await expect(files.driver.createContainer('plain-file')).rejects.toMatchObject({ code: 'exists' })
    expect(server.tree.body('plain-file')).toEqual(Buffer.from('x'))
    const names = (await files.driver.listContainers()).map(({ name }) => name)
    expect(names).not.toContain('plain-file')
    expect(names).toContain('media')
    await using there = storageWith({ ...at(server), container: 'plain-file' })
    await expect(there.createContainer()).rejects.toMatchObject({ code: 'not_a_directory' })
  })

  it('are listed page by page, and have times', async () => {
    await using files = storageWith(at(server))
    const names = Array.from({ length: 9 }, (_, at) => `paged-${at}`)
    for (const name of names) await files.driver.createContainer(name)
    const from = server.requests.length
    const listed = (await files.driver.listContainers()).map(({ name }) => name)
    expect(listed.filter(name => name.startsWith('paged-'))).toEqual(names)
    expect(operationsOf(from).length).toBeGreaterThan(2)
    const { createdAt } = await files.driver.getContainer('paged-0')
    expect(Math.abs(Date.now() - createdAt!.getTime())).toBeLessThan(60_000)
  })

  it('the own container is made by createContainer, and that may be done twice', async () => {
    await using there = storageWith({ ...at(server), container: 'own container' })
    await there.createContainer()
    await there.createContainer()
    expect(server.tree.find('own container')).toMatchObject({ type: 'directory' })
  })
})

it('case 37: a range gives its bytes, is cut at the end, and is refused by 1004 beyond it', async () => {
  await using files = storageWith(at(server))
  await files.save('37', '0123456789')
  expect(await files.readText('37', { start: 2, end: 6 })).toBe('2345')
  expect(await files.readText('37', { start: 8, end: 99 })).toBe('89')
  await expect(files.readText('37', { start: 10 })).rejects.toMatchObject({ code: 'invalid_range', status: 416 })
})

describe('case 39: x-emc-wschecksum', () => {
  it('goes with the creation and each append, of all bytes so far', async () => {
    await using files = smallParts(server)
    const bytes = bytesOf(2 * KIB_64 + 100)
    const from = server.requests.length
    await files.save('39', bytes)
    const sums = server.requests
      .slice(from)
      .map(({ headers }) => headers['x-emc-wschecksum'])
      .filter(Boolean)
    expect(sums).toEqual(
      [KIB_64, 2 * KIB_64, bytes.length].map(size => `SHA1/${size}/${sum('sha1', bytes.subarray(0, size))}`),
    )
    expect((await files.readBytes('39')).equals(bytes)).toBe(true)
  })

  it('of bytes that were damaged on their way is a checksum_mismatch by 1049, and nothing is kept', async () => {
    const inner = new NodeClient()
    const damaging: HttpClient = {
      request(request, ctx) {
        const { body } = request
        const damaged = Array.isArray(body) ? [Buffer.from('X'), body[0].subarray(1), ...body.slice(1)] : body
        return inner.request({ ...request, body: damaged }, ctx)
      },
      close: () => inner.close(),
    }
    await using files = smallParts(server, { maxAttempts: 1 }, { httpClient: damaging })
    const from = server.requests.length
    await expect(files.save('39/damaged', 'bytes')).rejects.toMatchObject({ code: 'checksum_mismatch' })
    expect(server.requests.slice(from).map(({ code }) => code)).toContain('1049')
    expect(server.tree.paths().filter(path => path.startsWith('media/39/'))).toEqual([])
  })

  it('is compared when the file is read, and so is the tag md5 where there is no other', async () => {
    await using files = storageWith({ ...at(server), maxAttempts: 1 })
    for (const headers of [
      { 'x-emc-wschecksum': `SHA1/5/${sum('sha1', Buffer.from('right'))}` },
      { 'x-emc-wschecksum': `MD5/5/${sum('md5', Buffer.from('right'))}` },
      { 'x-emc-meta': `md5=${sum('md5', Buffer.from('right'))}` },
    ] as const) {
      await ask(server, 'DELETE', '/rest/namespace/media/39-read')
      const made = await ask(server, 'POST', '/rest/namespace/media/39-read', {
        body: 'right',
        headers: { ...headers },
      })
      expect(made.status).toBe(201)
      expect(await files.readText('39-read')).toBe('right')
      const node = server.tree.find('media/39-read') as { body: Buffer }
      node.body = Buffer.from('wrong')
      await expect(files.readText('39-read')).rejects.toMatchObject({ code: 'checksum_mismatch' })
      await using lenient = storageWith({ ...at(server), checksums: false })
      expect(await lenient.readText('39-read')).toBe('wrong')
    }
  })

  it('is left out where the service refuses it, for all uploads that follow', async () => {
    const plain = await startStrictAtmos({ refusesChecksums: true, credentials: [server.credentials] })
    await using files = smallParts(plain)
    const bytes = bytesOf(2 * KIB_64)
    await files.save('a', bytes)
    await files.save('b', bytes)
    expect((await files.readBytes('a')).equals(bytes)).toBe(true)
    const sums = plain.requests.map(({ headers }) => headers['x-emc-wschecksum']).filter(Boolean)
    expect(sums).toHaveLength(1)
    await plain.close()
  })
})

it('case 42: 1040, then the answer: the request is made again', async () => {
  await using files = storageWith({ ...at(server), maxAttempts: 2 })
  for (const operation of ['CreateObject', 'Rename', 'ReadObject', 'ListDirectory', 'DeleteObject']) {
    server.faults.add({ operation, times: 1, fault: busy(operation === 'Rename' ? 503 : 500) })
  }
  await files.save('42/a', 'busy')
  expect(await files.readText('42/a')).toBe('busy')
  expect(await files.listdir('42')).toEqual([[], ['a']])
  await files.delete('42/a')
  expect(await files.exists('42/a')).toBe(false)
})

describe('swl-10', () => {
  it('requests for folders end in a slash', async () => {
    await using files = storageWith(at(server))
    const from = server.requests.length
    await files.save('swl-10/a/b', 'b')
    await files.listdir('swl-10')
    await all(files.entries('swl-10', { recursive: true }))
    await files.driver.createContainer('swl-10-container')
    await files.driver.getContainer('swl-10-container')
    await files.driver.deleteContainer('swl-10-container')
    const folders = server.requests.slice(from).filter(({ operation }) => /Directory$/.test(operation))
    expect(folders.length).toBeGreaterThan(4)
    for (const { url } of folders) expect(url).toMatch(/\/$/)
  })

  it('an object a/b shows as folder a in the listing of its parent, although nobody made the folder', async () => {
    await using files = storageWith({ ...at(server), container: 'nobody made this' })
    await files.save('a/b', 'b')
    expect(await files.listdir('')).toEqual([['a'], []])
    expect(await files.listdir('a')).toEqual([[], ['b']])
    expect(await files.stat('a')).toMatchObject({ isDirectory: true })
  })
})

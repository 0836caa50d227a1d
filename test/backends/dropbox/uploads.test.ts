import { Readable } from 'node:stream'
import { afterAll, beforeEach, describe, expect, it, test, vi } from 'vitest'
import { contentHash, refused, startStrictDropbox } from '../../servers/strict-dropbox.ts'
import { at, MIB_4, storageWith } from './support.ts'

vi.mock('node:timers/promises', () => import('../../support/short-waits.ts'))

const server = await startStrictDropbox()
const files = storageWith({ ...at(server), multipartThreshold: MIB_4, partSize: MIB_4 })
afterAll(async () => {
  await files.close()
  await server.close()
})
beforeEach(() => {
  server.clear()
  server.requests.length = 0
})

const bytes = Buffer.alloc(9 * 1024 * 1024, 'a pattern of bytes that has no length of a power of two')
const ops = (): string[] => server.requests.map(({ operation }) => operation.replace('files/', ''))
const args = (): Array<{ cursor?: { offset: number }; content_hash?: string; commit?: object; close?: boolean }> =>
  server.requests.map(({ headers }) => JSON.parse(headers['dropbox-api-arg'] ?? '{}'))
const stored = (path: string): Buffer | undefined => server.file(path)?.revision.body

/** Content that can be read once, of unknown length, in pieces that have nothing to do with parts. */
function once(content: Buffer): Readable {
  return Readable.from(
    (function* () {
      for (let start = 0; start < content.length; start += 300_007) yield content.subarray(start, start + 300_007)
    })(),
    { objectMode: false },
  )
}

const SESSION = 'upload_session/'
describe.each([
  ['of known length', (content: Buffer) => content],
  ['of unknown length', once],
])('D.9 row 208: a file %s', (_, make) => {
  it.each([
    ['of 4 MiB', MIB_4, ['upload'], [undefined]],
    ['of 4 MiB and a byte', MIB_4 + 1, [`${SESSION}start`, `${SESSION}finish`], [undefined, MIB_4]],
    [
      'of 9 MiB',
      bytes.length,
      [`${SESSION}start`, `${SESSION}append_v2`, `${SESSION}finish`],
      [undefined, MIB_4, 2 * MIB_4],
    ],
  ])(
    '%s goes by as many requests as it has parts, each at its offset and with its hash',
    async (__, size, wanted, at) => {
      const content = bytes.subarray(0, size)
      expect(await files.save('dir/file.bin', make(content))).toBe('dir/file.bin')
      expect(ops()).toEqual(wanted)
      expect(args().map(({ cursor }) => cursor?.offset)).toEqual(at)
      const hashes = at.map((offset = 0) => contentHash(content.subarray(offset, offset + MIB_4)))
      expect(args().map(({ content_hash }) => content_hash)).toEqual(hashes)
      expect(stored('/dir/file.bin')?.equals(content)).toBe(true)
      expect(server.file('/dir/file.bin')!.revision.contentHash).toBe(contentHash(content))
    },
  )
})

it('sends an empty file with its type, and a file that is opened and closed', async () => {
  await files.save('empty', Buffer.alloc(0))
  await files.edit('opened', 'wb', () => undefined)
  expect(server.requests.every(({ headers }) => headers['content-type'] === 'application/octet-stream')).toBe(true)
  expect([stored('/empty')?.length, stored('/opened')?.length]).toEqual([0, 0])
})

test('what is written through open() arrives, also bit by bit, appended and changed', async () => {
  await files.edit('a.txt', 'w', async file => {
    await file.write('one ')
    await file.write('two')
  })
  await files.edit('a.txt', 'a', file => file.write(' three'))
  await files.edit('a.txt', 'r+', file => file.write('ONE'))
  expect(stored('/a.txt')?.toString()).toBe('ONE two three')
  await files.edit('big', 'wb', async file => {
    for (let start = 0; start < bytes.length; start += 1_000_003)
      await file.write(bytes.subarray(start, start + 1_000_003))
  })
  expect(stored('/big')?.equals(bytes)).toBe(true)
})

describe('a lost answer', () => {
  it.each([
    ['of the start', `files/${SESSION}start`],
    ['of a part', `files/${SESSION}append_v2`],
    ['of the end', `files/${SESSION}finish`],
  ])('%s leaves one whole file', async (_, operation) => {
    server.faults.add({ operation, fault: { do: 'drop', at: 'after' } })
    await files.save('lost', once(bytes))
    expect(server.faults.size).toBe(0)
    expect(stored('/lost')?.equals(bytes)).toBe(true)
    expect(server.paths()).toEqual(['/lost'])
  })

  it('of a new small file is known by its bytes and never makes a second file', async () => {
    server.faults.add({ operation: 'files/upload', fault: { do: 'drop', at: 'after' } })
    expect(await files.save('new', 'text', { overwrite: false })).toBe('new')
    expect(server.paths()).toEqual(['/new'])
  })
})

it('makes the file again where the service was too busy to commit, and no byte is in it twice', async () => {
  server.contention.add({ route: 'files/upload_session/finish', path: '/busy' })
  await files.save('busy', once(bytes))
  // The service has the bytes of the last part by then, and says so.
  expect(server.requests.at(-1)).toMatchObject({ operation: `files/${SESSION}finish`, bodySize: 0 })
  expect(stored('/busy')?.equals(bytes)).toBe(true)
})

it('fails with no_space, told of the file, and leaves nothing', async () => {
  const full = await startStrictDropbox({ allocated: MIB_4 })
  const small = storageWith({ ...at(full), multipartThreshold: MIB_4, partSize: MIB_4 })
  for (const content of [bytes, once(bytes)]) {
    await expect(small.save('full', content)).rejects.toMatchObject({ code: 'no_space', fileName: 'full' })
  }
  expect(full.paths()).toEqual([])
  await small.close()
  await full.close()
})

it('says what the service says of a hash that is another one', async () => {
  server.faults.add({ operation: 'files/upload', times: 9, fault: refused('content_hash_mismatch') })
  await expect(files.save('x', 'text')).rejects.toMatchObject({ code: 'checksum_mismatch', fileName: 'x' })
  server.faults.clear()
  expect(server.paths()).toEqual([])
})

describe('a session that has gone', () => {
  /** Lets all sessions expire before the first such request. */
  const expireAt = (operation: string): void => {
    let isFirst = true
    const match = (): boolean => {
      if (isFirst) server.sessions.expire()
      isFirst = false
      return false
    }
    server.faults.add({ operation, match })
  }
  const starts = (): number => ops().filter(name => name === `${SESSION}start`).length

  it.each([
    ['at a part', `files/${SESSION}append_v2`, false],
    ['at its end', `files/${SESSION}finish`, true],
  ])('%s is begun again where the bytes are at hand', async (_, operation, overwrite) => {
    expireAt(operation)
    await files.save('again', bytes, { overwrite })
    server.faults.clear()
    expect([starts(), stored('/again')?.equals(bytes)]).toEqual([2, true])
  })

  it('fails where they are not, and leaves nothing', async () => {
    expireAt(`files/${SESSION}append_v2`)
    const saved = files.save('again', once(bytes), { overwrite: true })
    await expect(saved).rejects.toMatchObject({ code: 'unavailable', fileName: 'again' })
    server.faults.clear()
    expect(server.paths()).toEqual([])
  })
})

describe('writeMode', () => {
  test('add keeps what is there, and takes another name', async () => {
    await using adding = storageWith({ ...at(server), writeMode: 'add' })
    server.put('/a.txt', 'old')
    const name = await adding.save('a.txt', 'new')
    expect(name).toMatch(/^a_\w{7}\.txt$/)
    expect([stored('/a.txt'), stored(`/${name}`)].map(String)).toEqual(['old', 'new'])
  })

  test('overwrite replaces, also a file that changes meanwhile', async () => {
    await using overwriting = storageWith({ ...at(server), writeMode: 'overwrite' })
    server.put('/a.txt', 'old')
    const match = () => server.put('/a.txt', 'meanwhile') === undefined
    server.faults.add({ operation: 'files/upload', match })
    expect(await overwriting.save('a.txt', 'new')).toBe('a.txt')
    server.faults.clear()
    expect(String(stored('/a.txt'))).toBe('new')
  })

  test.each([
    ['in one request', 100, 'files/upload'],
    ['by a session', MIB_4 + 5, `files/${SESSION}finish`],
  ])('update replaces only what was there when the save began, %s', async (_, size, operation) => {
    await using updating = storageWith({ ...at(server), writeMode: 'update', multipartThreshold: MIB_4 })
    const content = bytes.subarray(0, size)
    server.put('/a.txt', 'old')
    expect(await updating.save('a.txt', content)).toBe('a.txt')
    expect(stored('/a.txt')?.equals(content)).toBe(true)
    const match = () => server.put('/a.txt', 'meanwhile') === undefined
    server.faults.add({ operation, match })
    const failed = { code: 'precondition_failed', fileName: 'a.txt' }
    await expect(updating.save('a.txt', Buffer.alloc(size))).rejects.toMatchObject(failed)
    server.faults.clear()
    expect(String(stored('/a.txt'))).toBe('meanwhile')
    expect(await updating.save('new.txt', content)).toBe('new.txt')
  })
})

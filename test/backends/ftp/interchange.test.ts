/** Files that go between the storage and others: an independent client, other storages, and a server with other habits. */
import { PassThrough, Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { Client } from 'basic-ftp'
import { afterAll, beforeEach, describe, expect, test } from 'vitest'
import { MemoryStorage } from '../../../src/backends/memory/index.ts'
import { patternBytes } from '../../../src/testing/driver-place.ts'
import { FtpServer } from '../../servers/ftp.ts'
import { startPlace, storageFor } from './support.ts'

const server = await FtpServer.start()
const files = storageFor(server, { path: 'media' })
afterAll(async () => {
  await files.close()
  await server.close()
})
beforeEach(() => server.tree.clear())

const contents: Readonly<Record<string, Buffer>> = {
  'a.txt': Buffer.from('text\r\nwith lines\n'),
  'empty.txt': Buffer.alloc(0),
  'folder/with spaces/ü 😀.bin': patternBytes(300_000),
  'folder/[x] *.txt': Buffer.from('odd'),
}

async function client(): Promise<Client> {
  const other = new Client(0)
  await other.access({ host: server.host, port: server.port, user: 'anna', password: 'secret' })
  return other
}

test('what another client stores is listed, read, copied and deleted', async () => {
  const other = await client()
  for (const [name, bytes] of Object.entries(contents)) {
    const at = `/media/${name}`
    await other.ensureDir(at.slice(0, at.lastIndexOf('/')))
    await other.cd('/')
    await other.uploadFrom(Readable.from([bytes]), at)
  }
  other.close()
  const found: Record<string, number> = {}
  for await (const { name, size } of files.entries('', { recursive: true })) found[name] = size
  expect(found).toEqual(Object.fromEntries(Object.entries(contents).map(([name, bytes]) => [name, bytes.length])))
  for (const [name, bytes] of Object.entries(contents)) {
    expect((await files.readBytes(name)).equals(bytes), name).toBe(true)
    await files.copy(name, `copied/${name}`)
    expect(server.read(`media/copied/${name}`)?.equals(bytes), name).toBe(true)
  }
  expect(await files.deleteMany(Object.keys(contents))).toEqual({ deleted: 4, errors: [] })
  expect(server.files().filter(file => !file.startsWith('media/copied/'))).toEqual([])
})

test('what the storage stores another client lists, reads and deletes', async () => {
  for (const [name, bytes] of Object.entries(contents)) await files.save(name, bytes)
  const other = await client()
  for (const [name, bytes] of Object.entries(contents)) {
    expect(await other.size(`/media/${name}`)).toBe(bytes.length)
    const sink = new PassThrough()
    const [read] = await Promise.all([buffer(sink), other.downloadTo(sink, `/media/${name}`)])
    expect(read.equals(bytes), name).toBe(true)
  }
  await other.cd('/media/folder')
  expect((await other.list()).map(({ name }) => name).sort()).toEqual(['[x] *.txt', 'with spaces'])
  await other.removeDir('/media')
  other.close()
  expect(await files.listdir('')).toEqual([[], []])
})

test('files go to another storage and back, with their bytes', async () => {
  const memory = new MemoryStorage()
  for (const [name, bytes] of Object.entries(contents)) {
    await files.save(name, bytes)
    await files.copy(name, name, { storage: memory })
    await files.delete(name)
    await memory.copy(name, name, { storage: files })
    expect(server.read(`media/${name}`)?.equals(bytes), name).toBe(true)
  }
})

describe('an entry of a listing stands for what was listed', () => {
  test('of all names that the server has', async () => {
    for (const name of ['plain', ' led', 'e\u0301', 'UPPER', 'upper']) server.put(`media/${name}`, name)
    for await (const entry of files.entries('')) {
      expect(await files.readText(entry)).toBe(entry.name)
      expect((await files.stat(entry)).size).toBe(Buffer.byteLength(entry.name))
      await files.delete(entry)
    }
    expect(server.files()).toEqual([])
  })

  test('and a folder, which is deleted when it is empty', async () => {
    server.put('media/folder/a', 'x')
    const [folders] = await files.listdir('')
    expect(folders).toEqual(['folder'])
    await expect(files.delete('folder')).rejects.toMatchObject({ code: 'is_directory' })
    await files.delete('folder/a')
    await files.delete('folder')
    expect(server.folders()).toEqual(['media'])
  })
})

test('two storages of one server are one place, so that a move onto itself deletes nothing', async () => {
  await files.save('a', 'bytes')
  const same = storageFor(server, { path: 'media' })
  await files.move('a', 'a', { storage: same, overwrite: true }).catch(() => {})
  expect(server.read('media/a')?.toString()).toBe('bytes')
  await files.move('a', 'b', { storage: same })
  expect(server.files()).toEqual(['media/b'])
  await same.close()
})

test('many files in many folders are listed in order, page by page', async () => {
  await using place = await startPlace({ latencyMs: 0 })
  const names = Array.from({ length: 120 }, (_, at) => `${String.fromCharCode(97 + (at % 5))}/${at % 7}/${at}`)
  for (const name of names) place.server.put(name, name)
  const found: string[] = []
  let token: string | undefined
  do {
    const page = await place.files.page('', { recursive: true, limit: 7, token })
    expect(page.entries.length).toBeLessThanOrEqual(7)
    found.push(...page.entries.map(({ name }) => name))
    token = page.next
  } while (token !== undefined)
  expect(found).toEqual([...names].sort())
})

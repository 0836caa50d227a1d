/** What FTP and SFTP must do on a real server besides conformance: names, many calls over few connections, and a server that dies. */
import { createHash } from 'node:crypto'
import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { isStorageError } from '../../src/core/errors.ts'
import type { Storage } from '../../src/storage/storage.ts'
import { startTcpProxy } from '../servers/tcp-proxy.ts'
import { aged, emptied, type FileServer, leftBehind, namesOnDisk } from './places/file-server.ts'

const KIB = 1024
const MIB = KIB * KIB

/** Names that servers and clients are known to lose, each as a file and as a folder. */
export const NAMES = [
  ' leading',
  'trailing ',
  'two  blanks',
  'ä ö ü',
  'e\u0301',
  '日本語',
  'emoji 😀',
  '-dash',
  '--double',
  '"quoted"',
  "it's",
  'a;=b',
  'type=dir;size=0; x',
  '[brackets]',
  '[ab]*',
  'star*',
  'question?',
  'percent%20',
  '%d%s',
  'plus+plus',
  '~home',
  '{a,b}',
  'back`tick$(x)',
  'colon:name',
  'arrow -> target',
  'drwxr-xr-x 2 files',
]

/** Names that a server would not keep: at all, or as those of folders. */
export interface OddHabits {
  readonly refusedNames?: readonly string[]
  readonly refusedFolders?: readonly string[]
}

/** Stores, lists, reads and deletes odd names; those that the server would not keep must be refused, and nothing stored. */
export function describeOddNames({ server, storage }: FileServer, habits: OddHabits = {}): void {
  const { refusedNames = [], refusedFolders = [] } = habits
  const kept = NAMES.filter(name => !refusedNames.includes(name))
  const folders = kept.filter(name => !refusedFolders.includes(name))
  const paths = [...kept.map(name => `odd/${name}`), ...folders.map(name => `${name}/odd`)]
  const refused = [
    ...refusedNames.filter(name => NAMES.includes(name)).flatMap(name => [name, `odd/${name}`, `${name}/odd`]),
    ...refusedFolders.filter(name => NAMES.includes(name)).map(name => `${name}/odd`),
  ]

  describe('odd names', () => {
    afterEach(() => emptied(server))

    test('are kept as names of files and of folders', async () => {
      await using files = storage()
      for (const path of paths) expect(await files.save(path, `content of ${path}`)).toBe(path)
      expect(await namesOnDisk(server)).toEqual(paths.toSorted())
      const [listed, none] = await files.listdir()
      expect([listed.toSorted(), none]).toEqual([[...folders, 'odd'].toSorted(), []])
      expect((await files.listdir('odd'))[1].toSorted()).toEqual(kept.toSorted())
      for (const path of paths) {
        expect(await files.size(path)).toBe(Buffer.byteLength(`content of ${path}`))
        await using file = await files.open(path, 'r')
        expect(await file.read()).toBe(`content of ${path}`)
      }
      for (const folder of folders) expect(await files.listdir(folder)).toEqual([[], ['odd']])
      const { errors } = await files.deleteMany(paths)
      expect([errors, await namesOnDisk(server)]).toEqual([[], []])
    })

    if (refused.length === 0) return
    test.each(refused)('%j is refused, and nothing is stored under another name', async path => {
      await using files = storage()
      const error = await files.save(path, 'x').catch((reason: unknown) => reason)
      expect(isStorageError(error, 'invalid_argument', 'suspicious_name', 'unsupported')).toBe(true)
      expect(await namesOnDisk(server)).toEqual([])
    })
  })
}

/** Sixteen saves and reads at once over a pool of four. */
export function describePool({ server, storage }: FileServer): void {
  describe('a pool of four', () => {
    afterEach(() => emptied(server))

    test('serves 16 saves and 16 reads at once, by no more connections', async () => {
      await using proxy = await startTcpProxy(server.port)
      await using files = storage({ poolSize: 4 }, proxy.port)
      const content = (name: string): Buffer => Buffer.alloc(700 * KIB + name.charCodeAt(0), name)
      const [old, fresh] = ['old', 'fresh'].map(kind => Array.from({ length: 16 }, (_, at) => `${kind}/${at}`))
      await Promise.all(old!.map(name => files.save(name, content(name))))
      const saves = fresh!.map(name => files.save(name, pieces(content(name))))
      const reads = old!.map(async name => {
        await using file = await files.open(name)
        return (await file.read()).equals(content(name))
      })
      expect(await Promise.all(reads)).toEqual(old!.map(() => true))
      expect(await Promise.all(saves)).toEqual(fresh)
      for (const name of fresh!) expect((await readFile(join(server.files, name))).equals(content(name))).toBe(true)
      expect(proxy.most).toBeLessThanOrEqual(4)
      expect(await leftBehind(server)).toEqual([])
      await files.close()
      await vi.waitFor(() => expect(proxy.open).toBe(0))
    })
  })
}

/** Kills the server in the middle of 100 MiB up and down. */
export function describeKills({ server, storage }: FileServer): void {
  const size = 100 * MIB
  const old = Buffer.from('what was there before')

  describe('a server that dies in the middle of 100 MiB', () => {
    afterEach(async () => {
      await server.kill()
      await server.start()
      await emptied(server)
    })

    test.each([true, false])('up leaves what was there, old file %s, and no partial one', async isOld => {
      await using files = storage({ fileOverwrite: true })
      if (isOld) await files.save('folder/file', old)
      const strike = (at: number): Promise<void> | undefined => (at === 40 * MIB ? server.kill() : undefined)
      const error = await files.save('folder/file', large(size, strike)).catch((reason: unknown) => reason)
      expect(error).toMatchObject({ name: 'StorageError', code: 'unavailable' })
      await server.start()
      expect(await files.exists('folder/file')).toBe(isOld)
      expect(await files.listdir('folder')).toEqual([[], isOld ? ['file'] : []])
      if (isOld) expect(await readFile(join(server.files, 'folder/file'))).toEqual(old)
      await files.save('folder/file', large(size))
      expect((await stat(join(server.files, 'folder/file'))).size).toBe(size)
      expect(await hashOf(files, 'folder/file')).toBe(await hashOfBytes(large(size)))
      await vi.waitFor(async () => expect(await leftBehind(server)).toEqual([]), { timeout: 10_000 })
    })

    test('down fails for as long as it is down, and the next call works', async () => {
      await using files = storage({ maxAttempts: 2 })
      await files.save('file', large(size))
      await aged(server, 'file')
      await using file = await files.open('file')
      expect((await file.read(20 * MIB)).length).toBe(20 * MIB)
      await server.kill()
      const error = await file.read().catch((reason: unknown) => reason)
      expect(error).toMatchObject({ name: 'StorageError', code: 'unavailable' })
      await server.start()
      expect(await hashOf(files, 'file')).toBe(await hashOfBytes(large(size)))
    })

    test('down goes on where it was, once the server is up again', async () => {
      await using files = storage()
      await files.save('file', large(size))
      await aged(server, 'file')
      const hash = createHash('sha256')
      let read = 0
      let isStruck = false
      for await (const chunk of await files.createReadStream('file')) {
        hash.update(chunk)
        read += chunk.length
        if (isStruck || read < 30 * MIB) continue
        isStruck = true
        await server.kill()
        await server.start()
      }
      expect([read, hash.digest('hex')]).toEqual([size, await hashOfBytes(large(size))])
    })
  })
}

/** Bytes that differ from MiB to MiB; `strike` is awaited before those at each offset. */
async function* large(size: number, strike?: (offset: number) => Promise<void> | undefined): AsyncGenerator<Buffer> {
  const length = MIB / 4
  for (let offset = 0; offset < size; offset += length) {
    await strike?.(offset)
    yield Buffer.alloc(length, `${offset}, `)
  }
}

async function* pieces(bytes: Buffer): AsyncGenerator<Buffer> {
  for (let start = 0; start < bytes.length; start += 60_001) yield bytes.subarray(start, start + 60_001)
}

async function hashOf(files: Storage, name: string): Promise<string> {
  return hashOfBytes(await files.createReadStream(name))
}

async function hashOfBytes(source: AsyncIterable<Uint8Array>): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of source) hash.update(chunk)
  return hash.digest('hex')
}

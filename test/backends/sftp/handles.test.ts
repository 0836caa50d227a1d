/** Random access by handles of the server. */
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { startSftpServer } from '../../servers/sftp.ts'
import { distinct, expectBytes, failure, storageAt } from './support.ts'

const server = await startSftpServer()
const { files, log } = server
const storage = storageAt(server)
afterAll(async () => {
  await storage.close()
  await server.close()
})
beforeEach(() => {
  files.clear()
  log.clear()
})

/** Nothing is open, and only these files are there. */
function expectLeft(...names: readonly string[]): void {
  expect([server.openPaths, files.names('media')]).toEqual([[], [...names].sort()])
}

it('a part in the middle of a large file is read by one small READ of an open handle', async () => {
  const bytes = distinct(3_000_000)
  files.put('media/a', bytes)
  {
    await using file = await storage.open('a', 'rb')
    await file.seek(2_000_000)
    expectBytes(await file.read(10), bytes.subarray(2_000_000, 2_000_010))
    await file.seek(-5, 'end')
    expectBytes(await file.read(), bytes.subarray(-5))
    expect(await file.size()).toBe(3_000_000)
  }
  const read = log.of('READ').reduce((sum, { length = 0 }) => sum + length, 0)
  expect(read).toBeLessThan(2_000_000)
  expect(log.count('OPEN')).toBe(1)
  expectLeft('a')
})

it('a missing file, and a folder, are told at open', async () => {
  files.folder('media/d')
  expect((await failure(storage.open('nope', 'rb'))).code).toBe('not_found')
  expect((await failure(storage.open('nope', 'r+b'))).code).toBe('not_found')
  expect((await failure(storage.open('d', 'rb'))).code).toBe('is_directory')
  expectLeft()
})

describe('writing', () => {
  it('appears at close and not before', async () => {
    files.put('media/a', 'old')
    const file = await storage.open('a', 'wb')
    await file.write(Buffer.from('new'))
    expect(files.text('media/a')).toBe('old')
    await file.close()
    expect(files.text('media/a')).toBe('new')
    expectLeft('a')
  })

  it.each([
    ['r+b', 'abXYef', 2],
    ['w+b', '\0\0XY', 2],
    ['ab', 'abcdefXY', 2],
  ] as const)('%s of an old file', async (mode, wanted, at) => {
    files.put('media/a', 'abcdef', { mode: 0o600 })
    const file = await storage.open('a', mode)
    if (mode !== 'ab') await file.seek(at)
    await file.write(Buffer.from('XY'))
    await file.close()
    expect([files.text('media/a'), files.mode('media/a')]).toEqual([wanted, 0o600])
    expectLeft('a')
  })

  it('and reading by one handle, with truncation', async () => {
    const file = await storage.open('d/a', 'w+b')
    await file.write(distinct(700_000))
    await file.seek(300_000)
    expectBytes(await file.read(8), distinct(700_000).subarray(300_000, 300_008))
    await file.truncate(400_000)
    await file.close()
    expectBytes(files.get('media/d/a'), distinct(700_000).subarray(0, 400_000))
    expectLeft('d/a')
  })

  it('xb refuses a taken name at open, and another that was taken meanwhile at close', async () => {
    files.put('media/a', 'old')
    expect((await failure(storage.open('a', 'xb'))).code).toBe('exists')
    const file = await storage.open('b', 'xb')
    await file.write(Buffer.from('mine'))
    files.put('media/b', 'theirs')
    expect((await failure(file.close())).code).toBe('exists')
    expect(files.text('media/b')).toBe('theirs')
    expectLeft('a', 'b')
  })

  it('that is discarded, or fails in edit, changes nothing', async () => {
    files.put('media/a', 'old')
    const file = await storage.open('a', 'wb')
    await file.write(distinct(600_000))
    await file.discard()
    const failing = storage.edit('a', 'r+b', async opened => {
      await opened.write(Buffer.from('new'))
      throw new Error('changed my mind')
    })
    await expect(failing).rejects.toThrow('changed my mind')
    expect(files.text('media/a')).toBe('old')
    expectLeft('a')
  })

  it('text: characters, lines and positions', async () => {
    await storage.edit('t.txt', 'w', file => file.write('zwölf\nBoxkämpfer\n').then(() => undefined))
    await using file = await storage.open('t.txt', 'r')
    expect([await file.read(4), await file.tell()]).toEqual(['zwöl', 5])
    const lines: string[] = []
    for await (const line of file) lines.push(line)
    expect(lines).toEqual(['zwölf\n', 'Boxkämpfer\n'])
  })
})

it('many small writes are gathered into large requests', async () => {
  const file = await storage.open('a', 'wb')
  for (let count = 0; count < 2000; count++) await file.write(Buffer.alloc(100, count))
  await file.close()
  expect(files.node('media/a')!.size).toBe(200_000)
  expect(log.count('WRITE')).toBeLessThan(200)
})

it('sixteen open files read and write in turns', async () => {
  for (let at = 0; at < 8; at++) files.put(`media/r${at}`, distinct(100_000 + at))
  const readers = await Promise.all(Array.from({ length: 8 }, (_, at) => storage.open(`r${at}`, 'rb')))
  const writers = await Promise.all(Array.from({ length: 8 }, (_, at) => storage.open(`w${at}`, 'wb')))
  for (;;) {
    const parts = await Promise.all(readers.map(file => file.read(30_000)))
    if (parts.every(part => part.length === 0)) break
    await Promise.all(parts.map((part, at) => writers[at]!.write(part)))
  }
  await Promise.all([...readers, ...writers].map(file => file.close()))
  for (let at = 0; at < 8; at++) expectBytes(files.get(`media/w${at}`), distinct(100_000 + at))
  expect(server.openPaths).toEqual([])
})

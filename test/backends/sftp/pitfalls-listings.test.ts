/** sftp-11: servers whose listings and attributes tell little. */
import { afterAll, beforeEach, expect, it } from 'vitest'
import { type AttributePart, habitsOfOpenSsh } from '../../servers/sftp/habits.ts'
import { startSftpServer } from '../../servers/sftp.ts'
import { failure, storageAt } from './support.ts'

const server = await startSftpServer()
const { files, log, habits } = server
const storage = storageAt(server)
afterAll(async () => {
  await storage.close()
  await server.close()
})
beforeEach(() => {
  files.clear()
  files.put('media/a.txt', 'text', { mtime: 1_700_000_000 })
  files.put('media/empty', '')
  files.put('media/d/b.txt', 'more')
  files.link('media/l', 'd')
  log.clear()
  Object.assign(habits, habitsOfOpenSsh())
})

const ALL: readonly AttributePart[] = ['size', 'owner', 'permissions', 'times']

it.each<[string, AttributePart[], boolean]>([
  ['without the bits of the type', ['type'], true],
  ['without modes', ['permissions'], true],
  ['without the bits of the type, nor a long name', ['type'], false],
  ['without modes, nor a long name', ['permissions'], false],
  ['without sizes and times', ['size', 'times'], true],
  ['without anything but the long name', [...ALL], true],
  ['without anything', [...ALL], false],
])('a listing %s tells files from folders, and their sizes', async (_title, unlisted, longNames) => {
  Object.assign(habits, { unlisted, longNames })
  const [directories, names] = await storage.listdir('')
  expect([directories.sort(), names.sort()]).toEqual([
    ['d', 'l'],
    ['a.txt', 'empty'],
  ])
  const found = new Map<string, unknown>()
  for await (const entry of storage.entries('')) found.set(entry.name, [entry.isDirectory, entry.size])
  expect([found.get('a.txt'), found.get('empty'), found.get('d')]).toEqual([
    [false, 4],
    [false, 0],
    [true, 0],
  ])
  const below: string[] = []
  for await (const { name } of storage.entries('', { recursive: true })) below.push(name)
  expect(below).toEqual(expect.arrayContaining(['a.txt', 'd/b.txt', 'empty']))
})

it('the long name spares STAT: a listing with types there asks nothing more', async () => {
  habits.unlisted = ['type']
  files.remove('media/l')
  for await (const _ of storage.entries(''));
  expect(log.count('STAT', 'LSTAT')).toBeLessThanOrEqual(1)
})

it('a size that the server never tells is found by reading, or unknown, and never 0 or NaN', async () => {
  Object.assign(habits, { unlisted: ['size'], unstated: ['size'] })
  expect([4, 'unsupported']).toContain(await storage.size('a.txt').catch(error => error.code))
  const listed = await storage.listdir('').catch(error => error.code)
  if (listed !== 'unsupported') expect(listed[1].sort()).toEqual(['a.txt', 'empty'])
  // Reading needs no size: the end is where the server says so.
  expect(await storage.readText('a.txt')).toBe('text')
})

it('times that the server never tells are absent, and not 1970', async () => {
  Object.assign(habits, { unlisted: ['times'], unstated: ['times'] })
  expect((await storage.stat('a.txt')).modifiedAt).toBeUndefined()
  expect((await failure(storage.getModifiedTime('a.txt'))).code).toBe('unsupported')
})

it('STAT without modes still tells a folder from a file', async () => {
  habits.unstated = ['permissions']
  expect(await storage.exists('a.txt')).toBe(true)
  expect(await storage.readText('a.txt')).toBe('text')
  await expect(storage.readBytes('d')).rejects.toMatchObject({ name: 'StorageError' })
})

it('pages of a listing come to their end where the server gives one name at a time', async () => {
  habits.namesPerAnswer = 1
  const names: string[] = []
  for await (const { name } of storage.entries('', { recursive: true })) names.push(name)
  expect(names.filter(name => !name.startsWith('l/'))).toEqual(['a.txt', 'd/b.txt', 'empty'])
})

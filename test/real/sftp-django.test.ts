/** Python's django-storages and Holdall in one folder of OpenSSH's server, by the same settings. */
import { afterAll, afterEach, describe, expect, test } from 'vitest'
import { SftpStorage } from '../../src/backends/sftp/index.ts'
import { USER_ID } from '../servers/private-daemon.ts'
import { startSshd } from '../servers/sshd.ts'
import { type DjangoSettings, DjangoStorages } from './django/python.ts'
import { emptied, namesOnDisk, treeOnDisk } from './places/file-server.ts'

const server = await startSshd()
const django = await DjangoStorages.start()
afterAll(() => Promise.all([server.close(), django[Symbol.asyncDispose]()]), 60_000)
afterEach(() => emptied(server))

const LOGIN = { port: server.port, username: server.user, allow_agent: false, look_for_keys: false }
const REACHED = {
  SFTP_STORAGE_HOST: '127.0.0.1',
  SFTP_STORAGE_ROOT: `${server.path}/`,
  SFTP_KNOWN_HOST_FILE: server.knownHosts,
  MEDIA_URL: 'https://media.test/m/',
}
const BY_PASSWORD = { ...REACHED, SFTP_STORAGE_PARAMS: { ...LOGIN, password: server.password } }
const BY_KEY = { ...REACHED, SFTP_STORAGE_PARAMS: { ...LOGIN, key_filename: server.keyPath } }

const theirs = <T>(settings: DjangoSettings, op: string, args: Record<string, unknown>): Promise<T> =>
  django.ask(op, { backend: 'sftpstorage.SFTPStorage', settings }, args)
const ours = (settings: DjangoSettings): SftpStorage => new SftpStorage({}, { settings, env: {} })

const NAMES = ['plain.txt', 'd/e/deep.txt', 'ü b/日本 😀.txt', "a+b&c=d%20!*()'.txt", '-dash/[x];y', 'd/empty']
const contentOf = (name: string): Buffer => Buffer.from(name.endsWith('empty') ? '' : `content of ${name}`)

describe.each([
  ['a password', BY_PASSWORD],
  ['a key', BY_KEY],
  ['modes', { ...BY_PASSWORD, SFTP_STORAGE_FILE_MODE: 0o640, SFTP_STORAGE_DIR_MODE: 0o2750 }],
  ['modes for all', { ...BY_PASSWORD, SFTP_STORAGE_FILE_MODE: 0o666, SFTP_STORAGE_DIR_MODE: 0o777 }],
  ['an owner', { ...BY_PASSWORD, SFTP_STORAGE_UID: USER_ID, SFTP_STORAGE_GID: USER_ID }],
  ['a group', { ...BY_PASSWORD, SFTP_STORAGE_GID: USER_ID }],
])('with %s', (_title, settings) => {
  test('both make the same names, modes and owners, and read what the other wrote', async () => {
    await using files = ours(settings)
    for (const name of NAMES) {
      const content = contentOf(name)
      expect(await theirs(settings, 'save', { name: `theirs/${name}`, content })).toBe(`theirs/${name}`)
      expect(await files.save(`ours/${name}`, content)).toBe(`ours/${name}`)
    }
    expect(await treeOnDisk(server, 'ours')).toEqual(await treeOnDisk(server, 'theirs'))
    for (const name of NAMES) {
      await using file = await files.open(`theirs/${name}`)
      expect(await file.read()).toEqual(contentOf(name))
      expect(await theirs(settings, 'read', { name: `ours/${name}`, mode: 'rb' })).toEqual(contentOf(name))
    }
  })
})

test('both list, measure and delete what the other wrote', async () => {
  const settings = BY_PASSWORD
  await using files = ours(settings)
  for (const name of NAMES) {
    await theirs(settings, 'save', { name: `theirs/${name}`, content: contentOf(name) })
    await files.save(`ours/${name}`, contentOf(name))
  }
  for (const folder of ['ours', 'theirs', 'ours/d', 'theirs/d', 'ours/ü b', 'theirs/-dash']) {
    const sorted = (lists: readonly string[][]) => lists.map(list => list.toSorted())
    const listed = sorted(await files.listdir(folder))
    expect(listed).toEqual(sorted(await theirs(settings, 'listdir', { name: folder })))
    expect(listed).not.toEqual([[], []])
  }
  for (const name of NAMES.flatMap(each => [`ours/${each}`, `theirs/${each}`])) {
    expect(await files.size(name)).toBe(await theirs(settings, 'size', { name }))
    expect([await files.exists(name), await theirs(settings, 'exists', { name })]).toEqual([true, true])
    if (name.startsWith('ours')) await theirs(settings, 'delete', { name })
    else await files.delete(name)
    expect([await files.exists(name), await theirs(settings, 'exists', { name })]).toEqual([false, false])
  }
  expect(await namesOnDisk(server)).toEqual([])
})

test('a taken name gets seven characters, whoever took it', async () => {
  await using files = ours(BY_PASSWORD)
  const content = Buffer.from('x')
  const free = expect.stringMatching(/^d\/a b_[A-Za-z0-9]{7}\.txt$/)
  expect(await theirs(BY_PASSWORD, 'save', { name: 'd/a b.txt', content })).toBe('d/a b.txt')
  expect(await files.save('d/a b.txt', content)).toEqual(free)
  expect(await theirs(BY_PASSWORD, 'save', { name: 'd/a b.txt', content })).toEqual(free)
  expect((await namesOnDisk(server)).length).toBe(3)
})

test('URLs are equal, but ours are encoded', async () => {
  await using files = ours(BY_PASSWORD)
  for (const name of ['a.txt', 'd/e/f.txt'])
    expect(await files.url(name)).toBe(await theirs(BY_PASSWORD, 'url', { name }))
  expect(await theirs(BY_PASSWORD, 'url', { name: 'a b.txt' })).toBe('https://media.test/m/a b.txt')
  expect(await files.url('a b.txt')).toBe('https://media.test/m/a%20b.txt')
})

test('theirs leaves the root by `..`, ours does not', async () => {
  const settings = { ...BY_PASSWORD, SFTP_STORAGE_ROOT: `${server.path}/below/` }
  await using outside = ours(BY_PASSWORD)
  await outside.save('secret', 'secret')
  await outside.save('below/inside', 'x')
  await using files = ours(settings)
  expect(await theirs(settings, 'read', { name: '../secret', mode: 'rb' })).toEqual(Buffer.from('secret'))
  await expect(files.open('../secret')).rejects.toMatchObject({ code: 'suspicious_name' })
})

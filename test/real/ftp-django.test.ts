/** Python's django-storages and Holdall in one folder of each FTP server, by the same settings. */
import { afterAll, afterEach, describe, expect, test } from 'vitest'
import { FtpStorage } from '../../src/backends/ftp/index.ts'
import { startProftpd } from '../servers/proftpd.ts'
import { startPureFtpd } from '../servers/pure-ftpd.ts'
import { startVsftpd } from '../servers/vsftpd.ts'
import { type DjangoSettings, DjangoStorages } from './django/python.ts'
import { emptied, namesOnDisk, treeOnDisk } from './places/file-server.ts'

// Theirs takes no password that a URL must encode.
const password = 'plain'
const servers = {
  vsftpd: await startVsftpd({ password }),
  proftpd: await startProftpd({ password }),
  'pure-ftpd': await startPureFtpd({ password }),
}
const django = await DjangoStorages.start()
afterAll(async () => {
  await Promise.all(Object.values(servers).map(server => server.close()))
  await django[Symbol.asyncDispose]()
}, 60_000)

const theirs = <T>(settings: DjangoSettings, op: string, args: Record<string, unknown>): Promise<T> =>
  django.ask(op, { backend: 'ftp.FTPStorage', settings }, args)
const ours = (settings: DjangoSettings): FtpStorage => new FtpStorage({}, { settings, env: {} })

const NAMES = ['d/plain.txt', 'd/e/deep.txt', 'ü/日本😀.txt', "d/a+b&c=d%20!()'.txt", 'd/x;y', 'd/empty']
/** Names that theirs can store and read and not list. */
const UNLISTED = ['words/two words.txt', 'words in/a folder of words']
const contentOf = (name: string): Buffer => Buffer.from(name.endsWith('empty') ? '' : `content of ${name}`)

describe.each(Object.entries(servers))('on %s', (_title, server) => {
  afterEach(() => emptied(server))
  const settings = {
    FTP_STORAGE_LOCATION: `${server.url}/files`,
    FTP_STORAGE_ENCODING: 'utf-8',
    MEDIA_URL: 'https://media.test/m/',
  }

  test('each reads, lists, measures and deletes what the other wrote', async () => {
    await using files = ours(settings)
    for (const name of [...NAMES, ...UNLISTED]) {
      const content = contentOf(name)
      expect(await theirs(settings, 'save', { name: `theirs/${name}`, content })).toBe(`theirs/${name}`)
      expect(await files.save(`ours/${name}`, content)).toBe(`ours/${name}`)
    }
    expect(await treeOnDisk(server, 'ours')).toEqual(await treeOnDisk(server, 'theirs'))
    expect((await namesOnDisk(server)).length).toBe(2 * [...NAMES, ...UNLISTED].length)
    for (const name of [...NAMES, ...UNLISTED]) {
      await using file = await files.open(`theirs/${name}`)
      expect(await file.read()).toEqual(contentOf(name))
      expect(await theirs(settings, 'read', { name: `ours/${name}`, mode: 'rb' })).toEqual(contentOf(name))
    }
    for (const name of NAMES.flatMap(each => [`ours/${each}`, `theirs/${each}`])) {
      expect(await files.size(name)).toBe(await theirs(settings, 'size', { name }))
      expect([await files.exists(name), await theirs(settings, 'exists', { name })]).toEqual([true, true])
    }
    const sorted = (lists: readonly string[][]) => lists.map(list => list.toSorted())
    for (const folder of ['ours/d/e', 'theirs/d/e', 'ours/ü', 'theirs/ü']) {
      const listed = sorted(await files.listdir(folder))
      expect(listed).toEqual(sorted(await theirs(settings, 'listdir', { name: folder })))
      expect(listed).not.toEqual([[], []])
    }
    expect(sorted(await files.listdir('theirs/d'))).toEqual(sorted(await files.listdir('ours/d')))
    for (const name of [...NAMES, ...UNLISTED]) {
      await files.delete(`theirs/${name}`)
      await theirs(settings, 'delete', { name: `ours/${name}` })
    }
    expect(await namesOnDisk(server)).toEqual([])
  })

  test('a taken name gets seven characters, whoever took it', async () => {
    await using files = ours(settings)
    const content = Buffer.from('x')
    const free = expect.stringMatching(/^d\/ab_[A-Za-z0-9]{7}\.txt$/)
    expect(await theirs(settings, 'save', { name: 'd/ab.txt', content })).toBe('d/ab.txt')
    expect(await files.save('d/ab.txt', content)).toEqual(free)
    expect(await theirs(settings, 'save', { name: 'd/ab.txt', content })).toEqual(free)
  })

  test('URLs are equal, but ours are encoded', async () => {
    await using files = ours(settings)
    for (const name of ['a.txt', 'd/e/f.txt'])
      expect(await files.url(name)).toBe(await theirs(settings, 'url', { name }))
    expect(await theirs(settings, 'url', { name: 'a b.txt' })).toBe('https://media.test/m/a b.txt')
    expect(await files.url('a b.txt')).toBe('https://media.test/m/a%20b.txt')
  })

  // Pure-FTPd takes bytes that are no UTF-8 for what they are, too.
  test('names in Latin-1, the default of theirs', async () => {
    const latin = { ...settings, FTP_STORAGE_ENCODING: 'latin-1' }
    await using files = ours(latin)
    await theirs(latin, 'save', { name: 'd/gräßlich.txt', content: Buffer.from('x') })
    await files.save('d/schön.txt', 'y')
    expect((await files.listdir('d'))[1].toSorted()).toEqual(['gräßlich.txt', 'schön.txt'])
    expect(await theirs(latin, 'read', { name: 'd/schön.txt', mode: 'rb' })).toEqual(Buffer.from('y'))
    await using file = await files.open('d/gräßlich.txt', 'r')
    expect(await file.read()).toBe('x')
    await files.deleteMany(['d/gräßlich.txt', 'd/schön.txt'])
    expect(await namesOnDisk(server)).toEqual([])
  })
})

/** Names that are odd, names that lead out of the root, and links. */
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { habitsOfOpenSsh } from '../../servers/sftp/habits.ts'
import { startSftpServer } from '../../servers/sftp.ts'
import { failure, storageAt } from './support.ts'

const server = await startSftpServer()
const { files, log, habits } = server
const storage = storageAt(server, { fileOverwrite: true, baseUrl: 'http://m/x/' })
afterAll(async () => {
  await storage.close()
  await server.close()
})
beforeEach(() => {
  files.clear()
  Object.assign(habits, habitsOfOpenSsh())
  log.clear()
})

async function listed(path = ''): Promise<{ files: string[]; directories: string[] }> {
  const [directories, names] = await storage.listdir(path)
  return { files: names.sort(), directories: directories.sort() }
}

it.each([
  'a b',
  ' leading',
  'trailing ',
  '-rf',
  "it's",
  '"quoted"',
  'a;b|c&d$e`f',
  '*?[x]',
  'zwölf',
  'zwo\u0308lf',
  '漢字\u{1f4c4}',
  '~',
  '#hash%41+',
  `${'x'.repeat(250)}.txt`,
])('a file named %j is saved, listed, read, moved and deleted under that name', async name => {
  const folder = 'd d'
  await storage.save(`${folder}/${name}`, 'text')
  expect(files.names('media')).toEqual([`${folder}/${name}`])
  expect((await listed(folder)).files).toEqual([name])
  await using file = await storage.open(`${folder}/${name}`, 'r')
  expect(await file.read()).toBe('text')
  await storage.copy(`${folder}/${name}`, `e/${name}`)
  await storage.move(`e/${name}`, `f/${name}`)
  await storage.delete(`${folder}/${name}`)
  expect(files.names('media')).toEqual([`f/${name}`])
})

it('a name that is too long for the server is an error and leaves nothing', async () => {
  await failure(storage.save('x'.repeat(256), 'text'))
  expect(files.names('media')).toEqual([])
})

it('urls are made of the base URL and the quoted name', async () => {
  expect(await storage.url('a b/ü.txt')).toBe('http://m/x/a%20b/%C3%BC.txt')
})

describe('D.9 225: a name that leads out of the root is refused before the server is asked', () => {
  it('and a listing of the root is one of the storage', async () => {
    files.put('../../etc/hostname', 'secret')
    expect(await storage.listdir('/')).toEqual([[], []])
    expect((await failure(storage.listdir('../..'))).code).toBe('suspicious_name')
  })

  it.each(['../../etc/hostname', '/etc/hostname', 'a/../../x', '..', 'd/../../media2/x'])('%s', async name => {
    files.put('../../etc/hostname', 'secret')
    for (const call of [
      () => storage.open(name, 'rb'),
      () => storage.exists(name),
      () => storage.stat(name),
      () => storage.delete(name),
      () => storage.save(name, 'text'),
      () => storage.copy(name, 'here'),
      () => storage.move(name, 'here'),
      () => storage.copy('here', name),
    ]) {
      expect((await failure(call())).code).toBe('suspicious_name')
    }
    expect(log.requests).toEqual([])
  })
})

describe('a link', () => {
  beforeEach(() => {
    files.put('outside/secret.txt', 'secret')
    files.put('media/inside/kept.txt', 'kept')
    files.link('media/out', '../outside')
    files.link('media/out.txt', '../outside/secret.txt')
    files.link('media/abs', '/home/media/outside')
    files.link('media/in', 'inside')
    files.link('media/in.txt', 'inside/kept.txt')
    files.link('media/inside/up', '..')
    files.link('media/broken', 'nowhere')
    files.link('media/loop', 'loop')
    files.link('media/hop', 'out')
  })

  it.each([
    'out/secret.txt',
    'out.txt',
    'abs/secret.txt',
    'hop/secret.txt',
    'inside/up/out/secret.txt',
    'in/up/out.txt',
  ])('out of the root is refused: %s', async name => {
    for (const call of [
      () => storage.open(name, 'rb'),
      () => storage.open(name, 'r+b'),
      () => storage.stat(name),
      () => storage.exists(name),
      () => storage.copy(name, 'copy'),
    ]) {
      expect((await failure(call())).code).toBe('suspicious_name')
    }
    expect(files.text('outside/secret.txt')).toBe('secret')
    expect(files.names('outside')).toEqual(['secret.txt'])
  })

  it.each(['out/new.txt', 'abs/d/new.txt', 'hop/new.txt'])('out of the root is not written through: %s', async name => {
    expect((await failure(storage.save(name, 'text'))).code).toBe('suspicious_name')
    expect((await failure(storage.move('inside/kept.txt', name))).code).toBe('suspicious_name')
    expect(files.names('outside')).toEqual(['secret.txt'])
  })

  it('in the place of a file is replaced by a save, and what it leads to is left alone', async () => {
    for (const name of ['out.txt', 'in.txt']) await storage.save(name, 'new')
    expect([files.node('media/out.txt')?.kind, files.text('outside/secret.txt')]).toEqual(['file', 'secret'])
    expect([files.node('media/in.txt')?.kind, files.text('media/inside/kept.txt')]).toEqual(['file', 'kept'])
  })

  it('within the root is followed', async () => {
    await using file = await storage.open('in.txt', 'r')
    expect(await file.read()).toBe('kept')
    await storage.save('in/new.txt', 'new')
    expect(files.text('media/inside/new.txt')).toBe('new')
    expect((await listed('in')).files).toContain('kept.txt')
  })

  it('that leads nowhere, or in a circle, is no file, and is no hindrance to a listing', async () => {
    for (const name of ['broken', 'loop']) {
      expect(await storage.exists(name)).toBe(false)
      expect((await failure(storage.open(name, 'rb'))).code).toBe('not_found')
    }
    const { files: names, directories } = await listed()
    expect(directories).toContain('inside')
    expect(names).not.toContain('loop')
  })

  it('itself is removed by delete, and not what it leads to', async () => {
    await storage.delete('in.txt')
    expect(files.node('media/in.txt')).toBeUndefined()
    expect(files.text('media/inside/kept.txt')).toBe('kept')
  })

  it('out of the root is not descended into, nor listed', async () => {
    const names: string[] = []
    for await (const entry of storage.entries('', { recursive: true })) names.push(entry.name)
    expect(names.filter(name => name.includes('secret'))).toEqual([])
    expect((await failure(listed('out'))).code).toBe('suspicious_name')
  })
})

it('the root itself may be a link, and may be anywhere', async () => {
  files.put('../../srv/store/a.txt', 'text')
  files.link('store', '/srv/store')
  for (const location of ['store', '/srv/store', '/srv/store/', '/home/media/store/', './store']) {
    const other = storageAt(server, { location })
    expect((await other.listdir(''))[1]).toEqual(['a.txt'])
    expect(await other.exists('a.txt')).toBe(true)
    await other.close()
  }
})

it('one odd entry does not poison a listing', async () => {
  files.put('media/a.txt', 'text')
  files.put('media/..dots', 'text')
  files.put('media/back\\slash', 'text')
  files.put('media/line\nfeed', 'text')
  files.make('media/pipe', 'pipe', 0o600)
  files.raw('media', Buffer.from([0x66, 0xff, 0xfe]))
  files.folder('media/folder')
  const { files: names, directories } = await listed()
  expect(names).toEqual(expect.arrayContaining(['..dots', 'a.txt']))
  expect(names).not.toContain('pipe')
  expect(directories).toEqual(['folder'])
  const entries: string[] = []
  for await (const { name } of storage.entries('', { recursive: true })) entries.push(name)
  expect(entries).toEqual(expect.arrayContaining(['..dots', 'a.txt']))
})

it('D.9 229: a listing, sizes and times are as the server has them; a missing folder is empty', async () => {
  files.put('media/d/a.txt', 'text', { mtime: 1_700_000_000 })
  files.node('media/d/a.txt')!.atime = 1_700_000_500
  files.put('media/d/e/b.txt', '')
  expect(await listed('d')).toEqual({ files: ['a.txt'], directories: ['e'] })
  expect(await storage.listdir('nope')).toEqual([[], []])
  expect([await storage.size('d/a.txt'), await storage.size('d/e/b.txt')]).toEqual([4, 0])
  expect(await storage.getModifiedTime('d/a.txt')).toEqual(new Date(1_700_000_000_000))
  expect(await storage.getAccessedTime('d/a.txt')).toEqual(new Date(1_700_000_500_000))
  expect((await failure(storage.getCreatedTime('d/a.txt'))).code).toBe('unsupported')
  expect((await failure(storage.size('d/nope'))).code).toBe('not_found')
  expect([await storage.exists('d'), await storage.exists('d/a.txt'), await storage.exists('d/nope')]).toEqual([
    true,
    true,
    false,
  ])
  await storage.delete('d/nope')
  expect((await failure(Promise.resolve().then(() => storage.path('d/a.txt')))).code).toBe('unsupported')
})

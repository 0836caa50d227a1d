/** The SFTP server of the tests, asked by ssh2's own client. */
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { sessionOf, sftpClient } from './sftp/client.ts'
import { EXTENSIONS } from './sftp/habits.ts'
import { OPEN } from './sftp/protocol.ts'
import { startSftpServer } from './sftp.ts'

const server = await startSftpServer()
const client = await sftpClient(server)
const { files, log } = server
afterAll(async () => {
  await client[Symbol.asyncDispose]()
  await server.close()
})
beforeEach(() => {
  files.clear()
  log.clear()
})

const { READ, WRITE, APPEND, CREATE, TRUNCATE, EXCLUSIVE } = OPEN
const bytes = (text: string): Buffer => Buffer.from(text)

describe('OPEN', () => {
  it.each([
    ['READ of a missing file', READ, undefined, 2],
    ['WRITE of a missing file without CREATE', WRITE, undefined, 2],
    ['CREATE of a missing file', WRITE | CREATE, undefined, 0],
    ['EXCLUSIVE of a missing file', WRITE | CREATE | EXCLUSIVE, undefined, 0],
    ['EXCLUSIVE of an existing file', WRITE | CREATE | EXCLUSIVE, 'old', 4],
    ['CREATE of an existing file', WRITE | CREATE, 'old', 0],
  ])('%s', async (_title, flags, old, status) => {
    if (old !== undefined) files.put('f', old)
    const opened = client.open('f', flags)
    if (status === 0) await client.close(await opened)
    else await expect(opened).rejects.toMatchObject({ code: status })
    expect(files.text('f')).toBe(status === 0 ? (old ?? '') : old)
    expect(server.openPaths).toEqual([])
  })

  it('TRUNCATE empties, WRITE alone keeps, APPEND writes at the end whatever the offset', async () => {
    files.put('f', 'abcdef')
    const kept = await client.open('f', WRITE)
    await client.write(kept, 2, bytes('XY'))
    await client.close(kept)
    expect(files.text('f')).toBe('abXYef')
    const appended = await client.open('f', WRITE | APPEND)
    await client.write(appended, 0, bytes('end'))
    await client.close(appended)
    expect(files.text('f')).toBe('abXYefend')
    await client.close(await client.open('f', WRITE | TRUNCATE))
    expect(files.text('f')).toBe('')
  })

  it('gives the mode that is asked for, without the umask, to a new file only', async () => {
    await client.close(await client.open('new', WRITE | CREATE, 0o666))
    expect(files.mode('new')).toBe(0o644)
    files.put('old', '', { mode: 0o600 })
    await client.close(await client.open('old', WRITE | CREATE, 0o666))
    expect(files.mode('old')).toBe(0o600)
  })

  it('refuses to write by a handle for reading, and to read by one for writing', async () => {
    files.put('f', 'abc')
    const [reading, writing] = [await client.open('f', READ), await client.open('f', WRITE)]
    await expect(client.write(reading, 0, bytes('x'))).rejects.toMatchObject({ code: 4 })
    await expect(client.read(writing, 0, 3)).rejects.toMatchObject({ code: 4 })
    await client.close(reading)
    await client.close(writing)
    await expect(client.read(reading, 0, 3)).rejects.toMatchObject({ code: 4 })
  })
})

it('reads up to the end, and then says so', async () => {
  files.put('f', 'abcdef')
  const handle = await client.open('f', READ)
  expect(String(await client.read(handle, 4, 10))).toBe('ef')
  // The client reports the end as no bytes.
  expect(await client.read(handle, 6, 10)).toHaveLength(0)
  expect(log.of('READ').map(({ result }) => result)).toEqual(['DATA', '1'])
  await client.close(handle)
})

it('fills a gap with zeros, and truncates and extends by size', async () => {
  const handle = await client.open('f', WRITE | CREATE)
  await client.write(handle, 3, bytes('x'))
  await client.call((sftp, done) => sftp.fsetstat(handle, { size: 2 } as never, done as () => void))
  await client.call((sftp, done) => sftp.fsetstat(handle, { size: 5 } as never, done as () => void))
  await client.close(handle)
  expect(files.get('f')).toEqual(Buffer.alloc(5))
})

it('keeps modes, owners and times', async () => {
  files.put('f', 'abc')
  files.link('l', 'f')
  const change = { mode: 0o600, uid: 0, gid: 7, atime: 1000, mtime: 2000 }
  await client.call((sftp, done) => sftp.setstat('l', change, done as () => void))
  const stat = await client.call<object>((sftp, done) => sftp.stat('f', done))
  expect(stat).toMatchObject({ ...change, mode: 0o100600, size: 3 })
  const link = await client.call<object>((sftp, done) => sftp.lstat('l', done))
  expect(link).toMatchObject({ mode: 0o120777, size: 1 })
})

it('lists with links as such, in several answers, dots among them', async () => {
  for (let at = 0; at < 150; at++) files.put(`d/${at}`, 'x')
  files.link('d/link', 'nowhere')
  files.make('d/pipe', 'pipe', 0o600)
  const list = await client.call<Array<{ filename: string; longname: string; attrs: { mode: number } }>>((sftp, done) =>
    sftp.readdir('d', done),
  )
  // ssh2 leaves the dots out.
  expect(list).toHaveLength(152)
  const found = Object.fromEntries(list.map(({ filename, longname, attrs }) => [filename, [longname[0], attrs.mode]]))
  expect([found['0'], found['link'], found['pipe']]).toEqual([
    ['-', 0o100644],
    ['l', 0o120777],
    ['p', 0o010600],
  ])
  expect(log.count('READDIR')).toBe(3)
  expect(server.openPaths).toEqual([])
})

it('makes and removes folders, and refuses what is not empty or no folder', async () => {
  files.put('d/f', '')
  const status = (work: Parameters<typeof client.status>[0]) => client.status(work)
  expect(await status((sftp, done) => sftp.mkdir('d', done as () => void))).toBe(4)
  expect(await status((sftp, done) => sftp.mkdir('x/y', done as () => void))).toBe(2)
  expect(await status((sftp, done) => sftp.mkdir('e', { mode: 0o777 }, done as () => void))).toBe(0)
  expect(files.mode('e')).toBe(0o755)
  expect(await status((sftp, done) => sftp.rmdir('d', done as () => void))).toBe(4)
  expect(await status((sftp, done) => sftp.rmdir('d/f', done as () => void))).toBe(2)
  expect(await status((sftp, done) => sftp.rmdir('e', done as () => void))).toBe(0)
  expect(await status((sftp, done) => sftp.unlink('d', done as () => void))).toBe(4)
  expect(await status((sftp, done) => sftp.unlink('d/f', done as () => void))).toBe(0)
  expect(await status((sftp, done) => sftp.unlink('d/f', done as () => void))).toBe(2)
})

it('RENAME refuses what is taken, posix-rename replaces it', async () => {
  files.put('a', 'one')
  files.put('b', 'two')
  expect(await client.status((sftp, done) => sftp.rename('a', 'b', done as () => void))).toBe(4)
  await client.call((sftp, done) => sftp.ext_openssh_rename('a', 'b', done as () => void))
  expect([files.names(), files.text('b')]).toEqual([['b'], 'one'])
  await client.call((sftp, done) => sftp.rename('b', 'c', done as () => void))
  expect(files.names()).toEqual(['c'])
  files.put('d/e', '')
  expect(await client.status((sftp, done) => sftp.rename('d', 'd/e2', done as () => void))).toBe(5)
  expect(await client.status((sftp, done) => sftp.ext_openssh_rename('c', 'd', done as () => void))).toBe(4)
  await client.call((sftp, done) => sftp.ext_openssh_rename('d', 'moved', done as () => void))
  expect(files.names()).toEqual(['c', 'moved/e'])
})

it('links hard and soft, and finds the true path', async () => {
  files.put('d/f', 'abc')
  await client.call((sftp, done) => sftp.ext_openssh_hardlink('d/f', 'h', done as () => void))
  expect(await client.status((sftp, done) => sftp.ext_openssh_hardlink('d/f', 'h', done as () => void))).toBe(4)
  files.put('h', 'changed')
  expect(files.text('d/f')).toBe('changed')
  await client.call((sftp, done) => sftp.symlink('d', 'soft', done as () => void))
  expect(await client.call<string>((sftp, done) => sftp.readlink('soft', done))).toBe('d')
  expect(await client.call<string>((sftp, done) => sftp.realpath('soft/../soft/./new', done))).toBe('/home/media/d/new')
  expect(await client.status((sftp, done) => sftp.realpath('soft/no/new', done as never))).toBe(2)
  files.link('loop', 'loop')
  expect(await client.status((sftp, done) => sftp.stat('loop', done as never))).toBe(2)
})

it('keeps names of bytes', async () => {
  const handle = await client.open('zwölf \u{1f4c4} "x" \\', WRITE | CREATE)
  await client.close(handle)
  expect(files.names()).toEqual(['zwölf \u{1f4c4} "x" \\'])
  expect(await client.status((sftp, done) => sftp.open('x'.repeat(256), 'w', done as never))).toBe(5)
})

it('copies data between handles, fsyncs, and tells about limits and the disk', async () => {
  files.put('from', 'abcdef')
  const [from, to] = [await client.open('from', READ), await client.open('to', WRITE | CREATE)]
  await client.call((sftp, done) => sftp.ext_copy_data(from, 2, 0, to, 1, done as () => void))
  await client.call((sftp, done) => sftp.ext_openssh_fsync(to, done as () => void))
  expect(files.text('to')).toBe('\0cdef')
  const disk = await client.call<object>((sftp, done) => sftp.ext_openssh_statvfs('.', done as never))
  expect(disk).toMatchObject({ f_bsize: 4096, f_blocks: 2000, f_namemax: 255 })
  await client.call((sftp, done) => sftp.ext_openssh_lsetstat('to', { mode: 0o600 } as never, done as () => void))
  expect(files.mode('to')).toBe(0o600)
  await client.close(from)
  await client.close(to)
  expect(log.count('fsync@openssh.com', 'copy-data')).toBe(2)
})

it('announces what it has, and has nothing that it does not announce', async () => {
  const announced = (client.sftp as unknown as { _extensions: object })._extensions
  expect(announced).toEqual(Object.fromEntries(EXTENSIONS))
  await using bare = await startSftpServer({ habits: { extensions: [] } })
  await using other = await sftpClient(bare)
  expect((other.sftp as unknown as { _extensions: object })._extensions).toEqual({})
  bare.files.put('a', '')
  expect(() => other.sftp.ext_openssh_rename('a', 'b', () => {})).toThrow('does not support')
  expect(await other.status((sftp, done) => sftp.rename('a', 'b', done as () => void))).toBe(0)
})

it('counts the files that a session has open, and closes them with the session', async () => {
  files.put('f', '')
  const sftp = await sessionOf(client.ssh)
  await new Promise(resolve => sftp.open('f', 'r', resolve))
  expect(server.openPaths).toEqual(['f'])
  await new Promise<void>(resolve => sftp.once('close', resolve).end())
  expect(server.openPaths).toEqual([])
})

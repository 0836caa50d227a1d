/** Servers that refuse what others allow: STAT, LIST, RENAME, parents that nobody may look at. */
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { habitsOfOpenSsh } from '../../servers/sftp/habits.ts'
import { startSftpServer } from '../../servers/sftp.ts'
import { distinct, failure, withStorage } from './support.ts'

const server = await startSftpServer()
const { files, log, faults, habits } = server
afterAll(() => server.close())
beforeEach(() => {
  files.clear()
  faults.clear()
  log.clear()
  Object.assign(habits, habitsOfOpenSsh())
})

const LOOKS = ['STAT', 'LSTAT', 'OPENDIR', 'READDIR', 'REALPATH', 'READLINK', 'fstatvfs@openssh.com'] as const
const RENAMES = ['RENAME', 'posix-rename@openssh.com', 'hardlink@openssh.com'] as const

describe('sftp-3: in direct-write mode', () => {
  const direct = { directWrite: true, fileOverwrite: true } as const

  it.each([
    ['STAT and LIST are refused', [...LOOKS], 3],
    ['STAT and LIST are unsupported', [...LOOKS], 8],
    ['FSTAT is refused as well', [...LOOKS, 'FSTAT'], 3],
    ['renames are refused', [...RENAMES], 3],
    ['all of these are refused', [...LOOKS, ...RENAMES, 'FSTAT', 'SETSTAT', 'FSETSTAT', 'REMOVE'], 3],
  ])('a save counts as done where %s', async (_title, on, code) => {
    faults.add({ on, times: 1000, fault: { do: 'refuse', code } })
    await withStorage(server, direct, async storage => {
      files.folder('media/in')
      expect(await storage.save('in/a.txt', distinct(70_000))).toBe('in/a.txt')
      expect(await storage.save('in/a.txt', 'short')).toBe('in/a.txt')
    })
    expect(files.text('media/in/a.txt')).toBe('short')
  })

  it('a save counts as done where a program on the server takes the file away after CLOSE', async () => {
    habits.takesAway = true
    await withStorage(server, direct, async storage => {
      expect(await storage.save('a.txt', distinct(70_000))).toBe('a.txt')
    })
    expect(log.of('CLOSE').map(({ result }) => result)).toEqual(['0'])
    expect(files.names('media')).toEqual([])
  })

  it('the size is checked on the open handle, so that a file that came short is an error', async () => {
    faults.add({
      on: 'FSTAT',
      times: 10,
      fault: { do: 'lie', answer: () => ({ type: 'ATTRS', attributes: { size: 5 } }) },
    })
    await withStorage(server, { ...direct, maxAttempts: 1 }, async storage => {
      const error = await failure(storage.save('a.txt', distinct(70_000)))
      expect(error.message).toMatch(/70,?000/)
    })
  })
})

describe('sftp-3: with a temporary name', () => {
  it('a server that refuses every rename fails the save with an error that names the setting for such servers', async () => {
    faults.add({ on: RENAMES, times: 1000, fault: { do: 'refuse', code: 3 } })
    await withStorage(server, { fileOverwrite: true }, async storage => {
      const error = await failure(storage.save('a.txt', 'text'))
      expect([error.code, error.message]).toEqual(['permission_denied', expect.stringContaining('SFTP_DIRECT_WRITE')])
    })
    expect(files.names('media')).toEqual([])
  })
})

describe('sftp-9: parents that can be neither listed, looked at nor made', () => {
  /** Refuses to look at `media` and at these folders in it, and to make them. */
  function guard(...names: readonly string[]): void {
    const path = new RegExp(`(^|/)media(/(${names.join('|')}))?/?$`)
    faults.add({ on: [...LOOKS, 'MKDIR'], path, times: 1000, fault: { do: 'refuse', code: 3 } })
  }

  it('are gone down through, and what is below is made', async () => {
    files.folder('media/a')
    guard('a')
    await withStorage(server, { fileOverwrite: true }, storage => storage.save('a/b/c/x.txt', 'text'))
    expect(files.names('media')).toEqual(['a/b/c/x.txt'])
  })

  it('also for two saves at once', async () => {
    files.folder('media/a')
    guard('a')
    await withStorage(server, { fileOverwrite: true }, async storage => {
      await Promise.all(['x', 'y', 'z', 'w'].map(name => storage.save(`a/b/c/${name}`, name)))
    })
    expect(files.names('media')).toEqual(['a/b/c/w', 'a/b/c/x', 'a/b/c/y', 'a/b/c/z'])
  })

  it('fail the save with the error of the last MKDIR, and after few requests', async () => {
    files.folder('media/a')
    guard('a', 'a/b', 'a/b/c')
    await withStorage(server, { fileOverwrite: true }, async storage => {
      const error = await failure(storage.save('a/b/c/x.txt', 'text'))
      expect(error.code).toBe('permission_denied')
    })
    expect(files.names('media')).toEqual([])
    expect(log.count('MKDIR')).toBeLessThanOrEqual(8)
  })

  it('without guards, many saves into new folders at once make them', async () => {
    await withStorage(server, { fileOverwrite: true }, async storage => {
      await Promise.all(Array.from({ length: 16 }, (_, at) => storage.save(`p/q/r/${at}`, 'text')))
    })
    expect(files.names('media')).toHaveLength(16)
  })

  it('a file in the place of a folder is an error at once', async () => {
    files.put('media/a', 'text')
    await withStorage(server, { fileOverwrite: true }, async storage => {
      expect((await failure(storage.save('a/b/x.txt', 'text'))).code).toMatch(/not_a_directory|exists/)
    })
    expect(files.text('media/a')).toBe('text')
  })
})

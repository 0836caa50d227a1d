/** Permissions and owners of files and folders: those of the settings, and what is kept where they say nothing. */
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import type { SftpOptions, SftpStorage } from '../../../src/backends/sftp/index.ts'
import type { Input } from '../../../src/core/settings.ts'
import { EXTENSIONS, habitsOfOpenSsh } from '../../servers/sftp/habits.ts'
import { startSftpServer } from '../../servers/sftp.ts'
import { failure, withStorage } from './support.ts'

const server = await startSftpServer()
const { files, log, habits } = server
afterAll(() => server.close())
beforeEach(() => {
  files.clear()
  log.clear()
  server.faults.clear()
  Object.assign(habits, habitsOfOpenSsh())
})

const CHANGES = ['SETSTAT', 'FSETSTAT', 'lsetstat@openssh.com'] as const

async function saved(options: Input<SftpOptions>, name = 'd/e/a.txt', text = 'text'): Promise<void> {
  await withStorage(server, { fileOverwrite: true, ...options }, storage => storage.save(name, text))
}

function ownerOf(path: string): readonly (number | undefined)[] {
  const node = files.node(path)
  return [node?.uid, node?.gid]
}

describe.each([
  ['as OpenSSH', [...EXTENSIONS.keys()]],
  ['without extensions', []],
] as const)('at a server %s', (_title, extensions) => {
  beforeEach(() => {
    habits.extensions = extensions
  })

  it('D.9 223: dirMode and fileMode are set on each new folder and file', async () => {
    await saved({ dirMode: 0o750, fileMode: 0o640 })
    expect([files.mode('media/d'), files.mode('media/d/e'), files.mode('media/d/e/a.txt')]).toEqual([
      0o750, 0o750, 0o640,
    ])
    files.folder('media/old').mode = 0o700
    await saved({ dirMode: 0o750, fileMode: 0o640 }, 'old/a.txt')
    expect(files.mode('media/old')).toBe(0o700)
  })

  it('modes that the umask of the server would take away are set as well', async () => {
    await saved({ dirMode: 0o2777, fileMode: 0o666 })
    expect([files.mode('media/d'), files.mode('media/d/e/a.txt')]).toEqual([0o2777, 0o666])
  })

  it('fileMode counts also for a file that is replaced, and for files written by open, copy and move', async () => {
    files.put('media/a', 'old', { mode: 0o600 })
    await withStorage(server, { fileMode: 0o640, fileOverwrite: true }, async storage => {
      await storage.save('a', 'new')
      expect(files.mode('media/a')).toBe(0o640)
      await storage.edit('b', 'w', file => file.write('text').then(() => undefined))
      await storage.copy('b', 'c')
      expect([files.mode('media/b'), files.mode('media/c')]).toEqual([0o640, 0o640])
    })
  })

  it('without fileMode a replaced file keeps its mode, and a new one has the mode of the server', async () => {
    files.put('media/a', 'old', { mode: 0o600 })
    files.put('media/b', 'old', { mode: 0o4755 })
    await withStorage(server, { fileOverwrite: true }, async storage => {
      for (const name of ['a', 'new']) await storage.save(name, 'new')
      await storage.edit('a', 'r+b', file => file.write(Buffer.from('X')).then(() => undefined))
      await storage.edit('b', 'a', file => file.write('more').then(() => undefined))
    })
    expect([files.text('media/a'), files.mode('media/a')]).toEqual(['Xew', 0o600])
    expect([files.text('media/b'), files.mode('media/b')! & 0o777]).toEqual(['oldmore', 0o755])
    expect(files.mode('media/new')).toBe(0o644)
  })

  it('uid and gid are set on the file and on each new folder', async () => {
    await saved({ uid: 5, gid: 6 })
    for (const path of ['media/d', 'media/d/e', 'media/d/e/a.txt']) expect(ownerOf(path)).toEqual([5, 6])
  })

  it('uid 0 and gid 0 are honoured', async () => {
    await saved({ uid: 0, gid: 0 })
    for (const path of ['media/d', 'media/d/e', 'media/d/e/a.txt']) expect(ownerOf(path)).toEqual([0, 0])
  })

  it.each([
    [{ uid: 0 }, [0, 1000]],
    [{ uid: 7 }, [7, 1000]],
    [{ gid: 0 }, [1000, 0]],
    [{ gid: 7 }, [1000, 7]],
  ])('%o alone keeps the other one', async (options, wanted) => {
    await saved(options)
    for (const path of ['media/d', 'media/d/e', 'media/d/e/a.txt']) expect(ownerOf(path)).toEqual(wanted)
  })
})

describe('sftp-2', () => {
  it.each([
    ['save', (storage: SftpStorage) => storage.save('d/e/a.txt', 'text')],
    [
      'edit',
      (storage: SftpStorage) => storage.edit('d/e/a.txt', 'w', file => file.write('text').then(() => undefined)),
    ],
  ] as const)('%s of a new file without modes and owners sends no SETSTAT and no FSETSTAT', async (_title, work) => {
    await withStorage(server, {}, work)
    expect(files.text('media/d/e/a.txt')).toBe('text')
    expect(log.count(...CHANGES)).toBe(0)
  })

  it.each([8, 3])('at a server that refuses them with code %d files are saved and replaced', async code => {
    server.faults.add({ on: CHANGES, times: 100, fault: { do: 'refuse', code } })
    await withStorage(server, { fileOverwrite: true }, async storage => {
      await storage.save('d/a.txt', 'one')
      await storage.save('d/a.txt', 'two')
      await storage.copy('d/a.txt', 'b.txt')
      await storage.move('b.txt', 'e/c.txt')
    })
    expect([files.text('media/d/a.txt'), files.text('media/e/c.txt')]).toEqual(['two', 'two'])
    expect(files.names('media')).toEqual(['d/a.txt', 'e/c.txt'])
  })

  it.each([
    [{ fileMode: 0o640 }, 'SFTP_STORAGE_FILE_MODE'],
    [{ dirMode: 0o750 }, 'SFTP_STORAGE_DIR_MODE'],
    [{ uid: 0 }, 'SFTP_STORAGE_UID'],
    [{ gid: 0 }, 'SFTP_STORAGE_GID'],
  ])('the refusal of %o names the setting, and leaves neither a file nor a temporary one', async (options, setting) => {
    for (const code of [8, 3]) {
      server.faults.add({ on: CHANGES, times: 100, fault: { do: 'refuse', code } })
      const error = await failure(saved(options))
      expect(error.message).toContain(setting)
      expect(error.code).toBe(code === 3 ? 'permission_denied' : 'unsupported')
      expect(files.names('media')).toEqual([])
      server.faults.clear()
    }
  })
})

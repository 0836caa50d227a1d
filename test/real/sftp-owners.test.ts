/** Owners, groups and modes on OpenSSH's server, with a login that may set them all and with one that may not. */
import { chmod, chown, mkdir, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, describe, expect, test } from 'vitest'
import { USER_ID } from '../servers/private-daemon.ts'
import { startSshd } from '../servers/sshd.ts'
import { emptied } from './places/file-server.ts'
import { sshdOptions, sshdStorage } from './places/sshd.ts'

const server = await startSshd({ lines: ['AllowUsers root', 'PermitRootLogin yes'] })
afterAll(() => server.close(), 60_000)
afterEach(() => emptied(server))

const OTHER_ID = USER_ID + 1

/** A storage of somebody who logs in by the key. */
function storageOf(username: string, options: Parameters<typeof sshdStorage>[1]) {
  const { password: _password, ...params } = sshdOptions(server).params
  return sshdStorage(server, { ...options, params: { ...params, username, keyFilename: server.keyPath } } as never)
}

async function ownersOf(...names: string[]): Promise<Array<[number, number]>> {
  const stats = await Promise.all(names.map(name => stat(join(server.files, name))))
  return stats.map(({ uid, gid }) => [uid, gid])
}

describe.each([
  ['nothing', {}, [0, USER_ID]],
  ['uid 0 and gid 0', { uid: 0, gid: 0 }, [0, 0]],
  ['gid 0', { gid: 0 }, [0, 0]],
  ['uid 0', { uid: 0 }, [0, USER_ID]],
  ['uid', { uid: OTHER_ID }, [OTHER_ID, USER_ID]],
  ['gid', { gid: OTHER_ID }, [0, OTHER_ID]],
  ['uid and gid 0', { uid: OTHER_ID, gid: 0 }, [OTHER_ID, 0]],
  ['uid 0 and gid', { uid: 0, gid: OTHER_ID }, [0, OTHER_ID]],
])('with %s', (_title, options, owner) => {
  test('new files and folders have it, and one alone keeps the other', async () => {
    // What is made in here has the group of the folder.
    const folder = join(server.files, 'shared')
    await mkdir(folder)
    await chown(folder, 0, USER_ID)
    await chmod(folder, 0o2775)
    await using files = storageOf('root', { ...options, fileOverwrite: true })
    await files.save('shared/d/e/stored', 'x')
    await files.edit('shared/opened', 'w', file => file.write('x').then(() => undefined))
    await files.copy('shared/opened', 'shared/f/copied')
    const names = ['d', 'd/e', 'd/e/stored', 'opened', 'f', 'f/copied'].map(name => `shared/${name}`)
    expect(await ownersOf(...names)).toEqual(names.map(() => owner))
    await files.save('shared/d/e/stored', 'replaced')
    expect(await ownersOf('shared/d/e/stored')).toEqual([owner])
  })
})

test.each([
  [{ uid: 0 }, 'SFTP_STORAGE_UID'],
  [{ gid: 0 }, 'SFTP_STORAGE_GID'],
])(
  '%j that the server does not allow is an error with the name of the setting, and leaves no file',
  async (options, name) => {
    await using files = storageOf(server.user, options)
    await expect(files.save('a.txt', 'x')).rejects.toMatchObject({
      code: 'permission_denied',
      message: expect.stringContaining(name),
    })
    expect(await readdir(server.files)).toEqual([])
  },
)

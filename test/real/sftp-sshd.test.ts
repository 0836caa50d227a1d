/** OpenSSH's server, chrooted and not: conformance, names, many calls at once. */
import { chown, mkdir, readFile, stat, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, describe, expect, test } from 'vitest'
import { isStorageError } from '../../src/core/errors.ts'
import { USER_ID } from '../servers/private-daemon.ts'
import { startSshd } from '../servers/sshd.ts'
import { startTcpProxy } from '../servers/tcp-proxy.ts'
import { describeConformance } from './backend.ts'
import { describeOddNames, describePool } from './file-server.ts'
import { conformanceOf, emptied, namesOnDisk } from './places/file-server.ts'
import { sshdOptions, sshdPlace, sshdStorage } from './places/sshd.ts'

const server = await startSshd()
const open = await startSshd({ chroot: false })
afterAll(() => Promise.all([server.close(), open.close()]), 60_000)

const expects = { features: { ranges: true, exclusiveCreate: true, metadata: false, listRange: true } }
const chrooted = conformanceOf(sshdPlace(server), { expects, keeps: ['modifiedAt'] })
const plain = conformanceOf(sshdPlace(open), { expects, locations: [''] })
afterAll(() => Promise.all([chrooted.close(), plain.close()]))
describeConformance(
  {
    'the driver of SFTP on OpenSSH, chrooted': chrooted.driver,
    'the driver of SFTP on OpenSSH, not chrooted': plain.driver,
  },
  { 'the storage of SFTP on OpenSSH': chrooted.storage },
)
describeOddNames(sshdPlace(server))
describePool(sshdPlace(server))

describe('OpenSSH', () => {
  afterEach(() => Promise.all([emptied(server), emptied(open)]))

  test('lets in by a key, by a password, and nobody by a wrong one; the error has no secret', async () => {
    const { params, ...rest } = sshdOptions(server)
    const { password, ...keyless } = params
    await using byKey = sshdStorage(server, { ...rest, params: { ...keyless, keyFilename: server.keyPath } } as never)
    expect(await byKey.listdir()).toEqual([[], []])
    await using refused = sshdStorage(server, { ...rest, params: { ...keyless, password: `${password}?` } } as never)
    const error = await refused.listdir().catch((reason: unknown) => reason)
    expect(isStorageError(error, 'permission_denied')).toBe(true)
    expect(String((error as Error).stack)).not.toContain(password)
  })

  test('is refused when its key is not the known one', async () => {
    const file = join(server.files, '../wrong_hosts')
    await writeFile(file, server.hostKeys.rsa.replace(/ AAAA\S+/, open.hostKeys.rsa.match(/ AAAA\S+/)![0]))
    await using files = sshdStorage(server, { knownHostFile: file })
    const error = await files.listdir().catch((reason: unknown) => reason)
    expect(error).toMatchObject({
      name: 'StorageError',
      message: expect.stringMatching(/shows another key/),
      retryable: false,
    })
  })

  test.each(['ed25519', 'rsa', 'ecdsa'] as const)('is known by its %s key alone', async type => {
    const file = join(server.files, `../known_${type}`)
    await writeFile(file, server.hostKeys[type])
    await using files = sshdStorage(server, { knownHostFile: file })
    expect(await files.listdir()).toEqual([[], []])
  })

  test('sets the modes of new files and folders, and keeps that of an old file', async () => {
    await using files = sshdStorage(server, { fileMode: 0o640, dirMode: 0o750, fileOverwrite: true })
    await files.save('d/e/a.txt', 'x')
    const modes = async (...names: string[]) =>
      Promise.all(names.map(async name => (await stat(join(server.files, name))).mode & 0o7777))
    expect(await modes('d', 'd/e', 'd/e/a.txt')).toEqual([0o750, 0o750, 0o640])
    await using plain = sshdStorage(server, { fileOverwrite: true })
    await plain.save('d/e/a.txt', 'y')
    expect(await modes('d/e/a.txt')).toEqual([0o640])
  })

  test('a group of one alone keeps the owner', async () => {
    await using files = sshdStorage(server, { gid: USER_ID })
    await files.save('a.txt', 'x')
    const { uid, gid } = await stat(join(server.files, 'a.txt'))
    expect([uid, gid]).toEqual([USER_ID, USER_ID])
  })

  test('gives nothing outside of the root', async () => {
    await writeFile(join(open.files, 'secret'), 'secret')
    await using files = sshdStorage(open, { location: 'below' })
    for (const name of ['../secret', '/etc/hostname', '../../etc/hostname']) {
      await expect(files.open(name)).rejects.toMatchObject({ code: 'suspicious_name' })
    }
  })

  test('follows no link out of the root, and shows nothing of what is there', async () => {
    await mkdir(join(open.files, 'below'))
    await writeFile(join(open.files, 'secret'), 'secret')
    await symlink('../secret', join(open.files, 'below/out.txt'))
    await symlink('..', join(open.files, 'below/up'))
    await symlink('inside.txt', join(open.files, 'below/in.txt'))
    await writeFile(join(open.files, 'below/inside.txt'), 'inside')
    await chown(join(open.files, 'below'), USER_ID, USER_ID)
    await using files = sshdStorage(open, { location: 'below', fileOverwrite: true })
    for (const name of ['out.txt', 'up/secret', 'up/below/inside.txt']) {
      for (const call of [files.open(name), files.readBytes(name), files.size(name), files.copy(name, 'copied')])
        await expect(call).rejects.toMatchObject({ code: 'suspicious_name' })
    }
    await expect(files.save('up/new', 'x')).rejects.toMatchObject({ code: 'suspicious_name' })
    await expect(files.listdir('up')).rejects.toMatchObject({ code: 'suspicious_name' })
    expect(await files.readText('in.txt')).toBe('inside')
    expect(await readFile(join(open.files, 'secret'), 'utf8')).toBe('secret')
    expect((await namesOnDisk(open)).filter(name => /new|copied/.test(name))).toEqual([])
  })

  test('copies on the server: the bytes do not pass through us', async () => {
    await using proxy = await startTcpProxy(server.port)
    await using files = sshdStorage(server, {}, proxy.port)
    const bytes = Buffer.alloc(3 * 1024 * 1024, 'copied ')
    await files.save('from', bytes)
    const before = proxy.up + proxy.down
    await files.copy('from', 'folder/to')
    expect(proxy.up + proxy.down - before).toBeLessThan(20_000)
    expect((await readFile(join(server.files, 'folder/to'))).equals(bytes)).toBe(true)
  })
})

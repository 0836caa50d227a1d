/** Keys, agents and files of known hosts as OpenSSH's own programs make them, on OpenSSH's server. */
import { appendFile, copyFile, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { SftpStorage } from '../../src/backends/sftp/index.ts'
import { startSshd } from '../servers/sshd.ts'
import { Child, runChild } from '../support/child.ts'
import { sshdOptions, sshdStorage } from './places/sshd.ts'

const server = await startSshd()
afterAll(() => server.close(), 60_000)

const folder = join(server.keyPath, '..')
const { password, ...keyless } = sshdOptions(server).params
const PHRASE = 'words of a key'

/** A new key that the server takes. */
async function madeKey(title: string, ...words: string[]): Promise<string> {
  const file = join(folder, title)
  await runChild('ssh-keygen', ['-q', '-C', title, '-f', file, ...words])
  await appendFile(`${server.keyPath}.pub`, await readFile(`${file}.pub`))
  return file
}

function withKey(params: object, options = {}) {
  return sshdStorage(server, { ...options, params: { ...keyless, ...params } } as never)
}

describe.each([
  ['ed25519', ['-t', 'ed25519']],
  ['rsa', ['-t', 'rsa', '-b', '2048']],
  ['rsa-pem', ['-t', 'rsa', '-b', '2048', '-m', 'PEM']],
  ['ecdsa', ['-t', 'ecdsa', '-b', '384']],
])('a key of ssh-keygen, %s', (title, words) => {
  test('logs in, as a path, as a text, and with a passphrase', async () => {
    const open = await madeKey(title, ...words, '-N', '')
    const locked = await madeKey(`${title}-locked`, ...words, '-N', PHRASE)
    const pkey = await readFile(open, 'utf8')
    for (const login of [{ keyFilename: open }, { pkey }, { keyFilename: locked, passphrase: PHRASE }]) {
      await using files = withKey(login)
      expect(await files.listdir()).toEqual([[], []])
    }
    await using wrong = withKey({ keyFilename: locked, passphrase: 'others' })
    const error = await wrong.listdir().catch((reason: unknown) => reason)
    expect(error).toMatchObject({ name: expect.stringMatching(/StorageError|ImproperlyConfigured/) })
    expect(String((error as Error).stack)).not.toContain('others')
  })
})

test('ssh-agent gives its keys, where that is wished', async () => {
  const socket = join(folder, 'agent')
  const agent = new Child('ssh-agent', ['-D', '-a', socket])
  try {
    await agent.printed(/SSH_AUTH_SOCK=/)
    const env = { SSH_AUTH_SOCK: socket, PATH: process.env['PATH'] }
    await runChild('ssh-add', ['-q', await madeKey('agents', '-t', 'ed25519', '-N', '')], { env })
    const { location, knownHostFile, host } = sshdOptions(server)
    const logins = [true, false].map(allowAgent => {
      const params = { ...keyless, allowAgent }
      return new SftpStorage({ host, location, knownHostFile, params }, { settings: {}, env })
    })
    expect(await logins[0]!.listdir()).toEqual([[], []])
    await expect(logins[1]!.listdir()).rejects.toMatchObject({ code: 'permission_denied' })
    for (const files of logins) await files.close()
  } finally {
    await agent.kill('SIGKILL')
  }
})

test('a packed connection carries bytes both ways', async () => {
  const bytes = Buffer.from(Array.from({ length: 300_000 }, (_, at) => (at * 31) ^ (at >> 9)))
  await using files = withKey({ password, compress: true })
  await files.save('packed', bytes)
  expect((await readFile(join(server.files, 'packed'))).equals(bytes)).toBe(true)
  await using file = await files.open('packed')
  expect((await file.read()).equals(bytes)).toBe(true)
  await files.delete('packed')
})

describe('known hosts', () => {
  test('that ssh-keygen has hashed, or that ssh itself has written, let the server in', async () => {
    const hashed = join(folder, 'hashed')
    await copyFile(server.knownHosts, hashed)
    await runChild('ssh-keygen', ['-q', '-H', '-f', hashed])
    expect(await readFile(hashed, 'utf8')).toMatch(/^\|1\|/)
    const written = join(folder, 'written')
    const trust = ['StrictHostKeyChecking=accept-new', `UserKnownHostsFile=${written}`].flatMap(each => ['-o', each])
    const words = ['-q', '-b', '-', '-i', server.keyPath, '-P', String(server.port), ...trust]
    await runChild('sftp', [...words, `${server.user}@127.0.0.1`], { input: `ls ${server.path}\n` })
    for (const knownHostFile of [hashed, written]) {
      await using files = withKey({ password }, { knownHostFile })
      expect(await files.listdir()).toEqual([[], []])
    }
  })

  test('lack the server: it is refused, unless told otherwise', async () => {
    const knownHostFile = join(folder, 'none')
    await writeFile(knownHostFile, '')
    await using refused = withKey({ password }, { knownHostFile })
    await expect(refused.listdir()).rejects.toMatchObject({
      name: 'ImproperlyConfigured',
      message: expect.stringContaining('SHA256:'),
      retryable: false,
    })
    await using accepted = withKey({ password }, { knownHostFile, unknownHosts: 'accept' })
    expect(await accepted.listdir()).toEqual([[], []])
  })

  test('have it revoked: it is refused, even where unknown ones are accepted', async () => {
    const knownHostFile = join(folder, 'revoked')
    const lines = Object.values(server.hostKeys).map(line => `@revoked ${line}`)
    await writeFile(knownHostFile, lines.join(''))
    await using files = withKey({ password }, { knownHostFile, unknownHosts: 'accept' })
    await expect(files.listdir()).rejects.toMatchObject({
      name: 'StorageError',
      message: expect.stringMatching(/revoked/),
    })
  })
})

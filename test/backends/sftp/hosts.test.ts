/** Which servers are trusted: known_hosts, a key in the settings, and what is done with the others. */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, beforeEach, expect, it, vi } from 'vitest'
import type { SftpOptions } from '../../../src/backends/sftp/index.ts'
import type { Input } from '../../../src/core/settings.ts'
import { type KnownHost, knownHostLine, makeKey, sharedKey } from '../../servers/sftp/keys.ts'
import { startSftpServer } from '../../servers/sftp.ts'
import { Folder, failure, storageAt, withStorage } from './support.ts'

const [ed25519, rsa, ecdsa] = [sharedKey('ed25519'), sharedKey('rsa'), sharedKey('ecdsa')]
const other = makeKey()
const server = await startSftpServer({ hostKeys: [ed25519, rsa, ecdsa] })
const folder = await Folder.make()
const here: KnownHost = { host: server.host, port: server.port }
const name = `[${server.host}]:${server.port}`

afterAll(async () => {
  await folder[Symbol.asyncDispose]()
  await server.close()
})
beforeEach(() => {
  server.access.tries.length = 0
  server.negotiated.length = 0
})
afterEach(() => void vi.unstubAllEnvs())

/** Asks for a file with this text as known_hosts: 'in', or the error's code. */
async function outcome(text: string, options: Input<SftpOptions> = {}): Promise<string> {
  const knownHostFile = await folder.write('known', text)
  return withStorage(server, { knownHostFile, ...options }, async files => {
    const asked = files.exists('x')
    if (
      await asked.then(
        () => true,
        () => false,
      )
    )
      return 'in'
    const { code } = await failure(asked)
    // Neither name nor password went to a server that is not the right one.
    expect(server.access.tries).toEqual([])
    return code
  })
}

const lineOf = (hosts: string, key = ed25519): string => `${hosts} ${key.publicKey}\n`

it.each<[string, string, string]>([
  ['an empty file', '', 'improperly_configured'],
  ['the name and port', knownHostLine(here, ed25519), 'in'],
  ['a hash of them', knownHostLine({ ...here, hashed: true }, ed25519), 'in'],
  ['the name with another port', knownHostLine({ ...here, port: server.port + 1 }, ed25519), 'improperly_configured'],
  ['another name', knownHostLine({ ...here, host: '127.0.0.2' }, ed25519), 'improperly_configured'],
  ['a list of names', lineOf(`files.test,${name},[::1]:22`), 'in'],
  ['an asterisk', lineOf(`[127.0.*]:${server.port}`), 'in'],
  ['a question mark', lineOf(`[127.0.0.?]:${server.port}`), 'in'],
  ['an asterisk alone', lineOf('*'), 'in'],
  ['a pattern that excludes it', lineOf(`*,!${name}`), 'improperly_configured'],
  ['a pattern that excludes it first', lineOf(`!${name},*`), 'improperly_configured'],
  ['a pattern that excludes others', lineOf(`!files.test,${name}`), 'in'],
  ['another key', lineOf(name, other), 'permission_denied'],
  ['another key for an asterisk', lineOf('*', other), 'permission_denied'],
  ['the key after another one', lineOf(name, other) + lineOf(name), 'in'],
  ['the key marked as revoked', `@revoked ${lineOf('*')}`, 'permission_denied'],
  ['the key, marked as revoked elsewhere', `${lineOf(name)}@revoked ${lineOf(name)}`, 'permission_denied'],
  ['another key marked as revoked', `@revoked ${lineOf('*', other)}${lineOf(name)}`, 'in'],
  ['a certificate authority', `@cert-authority ${lineOf('*')}`, 'improperly_configured'],
  [
    'comments, blanks and lines that mean nothing',
    `# ${lineOf(name, other)}\n \nnonsense\n|1|x|y ssh\n${lineOf(name)}`,
    'in',
  ],
  ['Windows line ends', lineOf(name).replaceAll('\n', '\r\n'), 'in'],
  ['no line end', lineOf(name).trimEnd(), 'in'],
])('a known_hosts with %s: %#', async (_title, text, wanted) => {
  expect(await outcome(text)).toBe(wanted)
})

it('D.9 228: an unknown server is refused, and the error says which key it showed and how to add it', async () => {
  const knownHostFile = await folder.write('known', '# nothing\n')
  await withStorage(server, { knownHostFile }, async files => {
    const error = await failure(files.open('x', 'rb'))
    expect(error.code).toBe('improperly_configured')
    for (const said of [ed25519.fingerprint, 'ssh-keyscan', `-p ${server.port}`, knownHostFile]) {
      expect(error.message).toContain(said)
    }
  })
})

it('a file that is named and missing is an error that names the setting', async () => {
  const knownHostFile = join(folder.path, 'missing')
  await withStorage(server, { knownHostFile, unknownHosts: 'accept' }, async files => {
    const error = await failure(files.exists('x'))
    expect([error.code, error.message]).toEqual([
      'improperly_configured',
      expect.stringContaining('SFTP_KNOWN_HOST_FILE'),
    ])
  })
})

it('a server that is not known is accepted where that is wished; one with a changed or revoked key never', async () => {
  const accept = { unknownHosts: 'accept' } as const
  expect(await outcome('', accept)).toBe('in')
  server.access.tries.length = 0
  expect(await outcome(lineOf(name, other), accept)).toBe('permission_denied')
  expect(await outcome(`@revoked ${lineOf('*')}`, accept)).toBe('permission_denied')
})

it('the changed key is shown by its fingerprint, and nothing was logged in', async () => {
  const knownHostFile = await folder.write('known', lineOf(name, other))
  await withStorage(server, { knownHostFile }, async files => {
    const { message } = await failure(files.exists('x'))
    expect(message).toContain(ed25519.fingerprint)
  })
  expect(server.access.tries).toEqual([])
})

it('~/.ssh/known_hosts counts unless another file is named, and may be missing', async () => {
  vi.stubEnv('HOME', folder.path)
  await mkdir(join(folder.path, '.ssh'), { recursive: true })
  const ask = (): Promise<boolean> => withStorage(server, { knownHostFile: null }, files => files.exists('x'))
  expect((await failure(ask())).code).toBe('improperly_configured')
  await folder.write('.ssh/known_hosts', lineOf(name))
  expect(await ask()).toBe(false)
})

it('a key that was added meanwhile counts at the next call of the same storage', async () => {
  const knownHostFile = await folder.write('known', '')
  await withStorage(server, { knownHostFile }, async files => {
    expect((await failure(files.exists('x'))).code).toBe('improperly_configured')
    await folder.write('known', lineOf(name))
    expect(await files.exists('x')).toBe(false)
  })
})

it.each([
  ['a key', ed25519.publicKey, 'in'],
  ['a key with a comment', `${ed25519.publicKey} somebody@somewhere`, 'in'],
  ['a fingerprint', ed25519.fingerprint, 'in'],
  ['another key', other.publicKey, 'permission_denied'],
  ['another fingerprint', other.fingerprint, 'permission_denied'],
])('the settings may name %s instead of a file', async (_title, hostKey, wanted) => {
  for (const unknownHosts of ['refuse', 'accept'] as const) {
    const files = storageAt(server, { hostKey, unknownHosts })
    const asked = files.exists('x')
    expect(
      await asked.then(
        () => 'in',
        error => error.code,
      ),
    ).toBe(wanted)
    await files.close()
  }
})

it.each([
  ['rsa', rsa, 'rsa-sha2-512'],
  ['ecdsa', ecdsa, 'ecdsa-sha2-nistp256'],
  ['ed25519', ed25519, 'ssh-ed25519'],
] as const)(
  'sftp-7: of a server with three keys of which %s is known, that one is asked for',
  async (_type, key, algorithm) => {
    for (const hashed of [false, true]) {
      const noise = lineOf('files.test', other)
      expect(await outcome(noise + knownHostLine({ ...here, hashed }, key))).toBe('in')
    }
    await withStorage(server, { hostKey: key.publicKey }, files => files.exists('x'))
    expect(server.negotiated).toEqual([algorithm, algorithm, algorithm])
  },
)

it('sftp-7: a server that lost the key that is known and shows one of another type is not trusted', async () => {
  await using renewed = await startSftpServer({ hostKeys: [ed25519] })
  const knownHostFile = await folder.write('known', knownHostLine({ host: renewed.host, port: renewed.port }, rsa))
  await withStorage(renewed, { knownHostFile }, async files => {
    expect((await failure(files.exists('x'))).code).toBe('permission_denied')
  })
  expect(renewed.access.tries).toEqual([])
})

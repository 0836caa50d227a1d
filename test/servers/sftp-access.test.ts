/** Who may log in to the SFTP server of the tests, and which host keys it shows. */
import ssh2, { type ConnectConfig, type KeyboardInteractiveAuthMethod, type ParsedKey } from 'ssh2'
import { expect, it } from 'vitest'
import type { Account } from './sftp/access.ts'
import { sftpClient } from './sftp/client.ts'
import { knownHostLine, makeKey, sharedKey } from './sftp/keys.ts'
import { PASSWORD, type SftpServer, startSftpServer, USERNAME } from './sftp.ts'

const key = makeKey()
const other = makeKey('ecdsa')
const locked = makeKey('rsa', 'open sesame')

function serverFor(account: Account): Promise<SftpServer> {
  return startSftpServer({ accounts: { [USERNAME]: account } })
}

/** Whether this client gets in, and by which methods it tried. */
async function login(account: Account, config: ConnectConfig): Promise<{ isIn: boolean; tried: string[] }> {
  await using server = await serverFor(account)
  const isIn = await sftpClient(server, config).then(
    async client => {
      await client[Symbol.asyncDispose]()
      return true
    },
    () => false,
  )
  return { isIn, tried: [...new Set(server.access.tries.map(({ method }) => method))] }
}

it.each<[string, Account, ConnectConfig, boolean, string]>([
  ['the password', { password: 'right' }, { password: 'right' }, true, 'password'],
  ['another password', { password: 'right' }, { password: 'wrong' }, false, 'password'],
  ['an empty password where none is set', {}, { password: '' }, false, 'password'],
  ['a key', { keys: [other.publicKey, key.publicKey] }, { privateKey: key.privateKey }, true, 'publickey'],
  ['another key', { keys: [key.publicKey] }, { privateKey: other.privateKey }, false, 'publickey'],
  [
    'an encrypted RSA key',
    { keys: [locked.publicKey] },
    { privateKey: locked.privateKey, passphrase: 'open sesame' },
    true,
    'publickey',
  ],
  ['nothing at all', { open: true }, {}, true, 'none'],
])('an account is entered, or not, by %s', async (_title, account, config, isIn, method) => {
  const result = await login(account, config)
  expect(result.isIn).toBe(isIn)
  expect(result.tried.at(-1)).toBe(method)
})

it('a key that its client shows, but signs with another one, opens nothing', async () => {
  const [shown, signing] = [key, makeKey()].map(({ privateKey }) => ssh2.utils.parseKey(privateKey) as ParsedKey)
  const forged = Object.assign(shown!, { sign: signing!.sign.bind(signing) })
  const method = { type: 'publickey', username: USERNAME, key: forged }
  const { isIn, tried } = await login({ keys: [key.publicKey] }, { authHandler: [method] as never })
  expect([isIn, tried.at(-1)]).toEqual([false, 'publickey'])
})

it('asks in rounds, and wants each answer', async () => {
  const rounds = [
    [
      { prompt: 'Name: ', echo: true, answer: 'Ada' },
      { prompt: 'Password: ', echo: false, answer: 'right' },
    ],
    [{ prompt: 'Code: ', echo: true, answer: '123' }],
  ]
  for (const [answers, isIn] of [
    [['Ada', 'right', '123'], true],
    [['Ada', 'right', '124'], false],
    [['Ada', 'wrong', '123'], false],
  ] as const) {
    await using server = await serverFor({ rounds, instruction: 'Who are you?' })
    const asked: unknown[] = []
    const left = [...answers]
    const method: KeyboardInteractiveAuthMethod = {
      type: 'keyboard-interactive',
      username: USERNAME,
      prompt: (_name, instruction, _language, prompts, finish) => {
        asked.push([instruction, ...prompts])
        finish(prompts.map(() => left.shift()!))
      },
    }
    // The types know no list of methods with options.
    const trying = sftpClient(server, {
      tryKeyboard: true,
      authHandler: [method] as never,
    })
    if (isIn) await (await trying)[Symbol.asyncDispose]()
    else await expect(trying).rejects.toThrow('authentication')
    expect(asked[0]).toEqual(['Who are you?', ...rounds[0]!.map(({ prompt, echo }) => ({ prompt, echo }))])
    expect(server.access.tries.map(({ method, accepted }) => [method, accepted])).toEqual([
      ['keyboard-interactive', isIn],
    ])
  }
})

it('may want a key and then a password', async () => {
  const account = { keys: [key.publicKey], password: 'right', both: true }
  const right = { privateKey: key.privateKey, password: 'right' }
  const authHandler = ['none', 'publickey', 'password'] as const
  const entered = await login(account, { ...right, authHandler: [...authHandler] })
  expect(entered).toEqual({ isIn: true, tried: authHandler })
  expect((await login(account, { privateKey: key.privateKey })).isIn).toBe(false)
  expect((await login(account, { password: 'right' })).isIn).toBe(false)
})

it('shows the host key that its client prefers among its own', async () => {
  const keys = (['ed25519', 'rsa', 'ecdsa'] as const).map(type => sharedKey(type))
  await using server = await startSftpServer({ hostKeys: keys })
  const shown: Buffer[] = []
  const names = ['ssh-ed25519', 'rsa-sha2-512', 'ecdsa-sha2-nistp256'] as const
  for (const name of names) {
    const hostVerifier = (blob: Buffer): boolean => shown.push(blob) > 0
    await using _client = await sftpClient(server, {
      password: PASSWORD,
      algorithms: { serverHostKey: [name] },
      hostVerifier,
    })
  }
  expect(server.negotiated).toEqual(names)
  expect(shown.map(blob => blob.toString('base64'))).toEqual(keys.map(({ publicKey }) => publicKey.split(' ')[1]))
})

it('writes lines of known_hosts, plain and hashed', () => {
  const [, blob] = key.publicKey.split(' ')
  expect(knownHostLine({ host: 'a.test' }, key)).toBe(`a.test ssh-ed25519 ${blob}\n`)
  expect(knownHostLine({ host: 'a.test', port: 2222, marker: '@revoked' }, key)).toMatch(
    /^@revoked \[a\.test\]:2222 ssh/,
  )
  expect(knownHostLine({ host: 'a.test', hashed: true }, key)).toMatch(/^\|1\|[\w+/]{27}=\|[\w+/]{27}= ssh-ed25519 /)
})

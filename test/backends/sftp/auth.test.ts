/** How a storage logs in: keys, agent, password, questions of the server, questions to a person. */

import { mkdir } from 'node:fs/promises'
import { createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest'
import type { SftpOptions } from '../../../src/backends/sftp/index.ts'
import { StorageError } from '../../../src/core/errors.ts'
import type { Input } from '../../../src/core/settings.ts'
import type { Account } from '../../servers/sftp/access.ts'
import { startAgent } from '../../servers/sftp/agent.ts'
import { makeKey, sharedKey } from '../../servers/sftp/keys.ts'
import { PASSWORD, type SftpServer, startSftpServer, USERNAME } from '../../servers/sftp.ts'
import { ALONE, Folder, failure, storageAt } from './support.ts'

const key = makeKey()
const locked = makeKey('ed25519', 'open sesame')
const rsa = sharedKey('rsa')
const server = await startSftpServer()
const folder = await Folder.make()
afterAll(async () => {
  await folder[Symbol.asyncDispose]()
  await server.close()
})
afterEach(() => void vi.unstubAllEnvs())

interface Login {
  /** The methods that were tried, as often as they were, with `none` left out. */
  readonly tried: readonly string[]
  readonly error: Awaited<ReturnType<typeof failure>> | undefined
}

/** Lets a storage with these parameters look for a file at an account. */
async function login(
  account: Account,
  params: Record<string, unknown>,
  options: Input<SftpOptions> = {},
  env: Record<string, string> = {},
): Promise<Login> {
  server.access.accounts[USERNAME] = account
  server.access.tries.length = 0
  const given = { port: server.port, username: USERNAME, ...ALONE, ...params }
  const files = storageAt(server, { params: given as never, ...options }, { env })
  const asked = files.exists('x')
  const isIn = await asked.then(
    () => true,
    () => false,
  )
  const error = isIn ? undefined : await failure(asked, 'open sesame', key.privateKey.split('\n')[2]!)
  await files.close()
  return { error, tried: server.access.tries.map(({ method }) => method).filter(method => method !== 'none') }
}

const both: Account = { keys: [key.publicKey, locked.publicKey, rsa.publicKey], password: PASSWORD }

describe('keys', () => {
  it.each([
    ['pkey', { pkey: key.privateKey }],
    ['pkey, an RSA key', { pkey: rsa.privateKey }],
    ['pkey, encrypted', { pkey: locked.privateKey, passphrase: 'open sesame' }],
    ['pkey, encrypted, whose passphrase is the password', { pkey: locked.privateKey, password: 'open sesame' }],
  ])('%s', async (_title, params) => {
    const { error, tried } = await login(both, params)
    expect([error, new Set(tried)]).toEqual([undefined, new Set(['publickey'])])
  })

  it.each(['key_filename', 'keyFilename'])('%s, one path or several', async name => {
    const [wrong, right] = [
      await folder.write('wrong', makeKey().privateKey),
      await folder.write('right', key.privateKey),
    ]
    expect((await login(both, { [name]: right })).error).toBeUndefined()
    expect((await login(both, { [name]: [wrong, right] })).error).toBeUndefined()
    expect((await login({ keys: [key.publicKey] }, { [name]: [wrong] })).error).toMatchObject({
      code: 'permission_denied',
    })
  })

  it('of ~/.ssh are tried where that is wished', async () => {
    vi.stubEnv('HOME', folder.path)
    await mkdir(join(folder.path, '.ssh'), { recursive: true })
    await folder.write('.ssh/id_ed25519', key.privateKey)
    expect((await login(both, { lookForKeys: true })).error).toBeUndefined()
    expect((await login(both, { look_for_keys: false })).error).toMatchObject({ code: 'permission_denied' })
  })

  it('of the agent are tried where that is wished', async () => {
    await using agent = await startAgent(join(folder.path, 'agent'), [makeKey(), key])
    const env = { SSH_AUTH_SOCK: agent.path }
    expect((await login(both, { allowAgent: true }, {}, env)).error).toBeUndefined()
    expect(agent.signed).toBe(1)
    expect((await login(both, { allow_agent: false }, {}, env)).error).toMatchObject({ code: 'permission_denied' })
    expect(agent.signed).toBe(1)
  })

  it('an agent that is not there is no hindrance', async () => {
    const env = { SSH_AUTH_SOCK: join(folder.path, 'nobody') }
    expect((await login(both, { allowAgent: true, password: PASSWORD }, {}, env)).error).toBeUndefined()
  })

  it.each([
    ['a file that is missing', { key_filename: '/nowhere/id' }, 'key_filename'],
    ['text that is no key', { pkey: 'no key' }, 'pkey'],
    ['an encrypted key without a passphrase', { pkey: locked.privateKey }, 'passphrase'],
    ['another passphrase', { pkey: locked.privateKey, passphrase: 'open barley' }, 'passphrase'],
    ['a public key', { pkey: key.publicKey }, 'pkey'],
  ])('%s is an error that names the parameter', async (_title, params, named) => {
    const { error, tried } = await login(both, params)
    expect([error?.code, error?.message, tried]).toEqual(['improperly_configured', expect.stringContaining(named), []])
  })

  it('and a password, both of which the server wants', async () => {
    const account = { ...both, both: true }
    expect((await login(account, { pkey: key.privateKey, password: PASSWORD })).error).toBeUndefined()
    expect((await login(account, { password: PASSWORD })).error).toMatchObject({ code: 'permission_denied' })
  })
})

describe('a password', () => {
  it('that is wrong is offered once, is an error that says which methods there are, and is not remembered', async () => {
    const { error, tried } = await login({ password: 'another one' }, { password: PASSWORD })
    expect([error?.code, tried]).toEqual(['permission_denied', ['password']])
    expect(error!.message).toContain(USERNAME)
    expect((await login({ password: PASSWORD }, { password: PASSWORD })).error).toBeUndefined()
  })

  it('is not needed by an account that is open', async () => {
    expect((await login({ open: true }, {})).tried).toEqual([])
  })

  it('that a storage had wrong can be right at its next call', async () => {
    server.access.accounts[USERNAME] = { password: 'later' }
    const files = storageAt(server)
    expect((await failure(files.exists('x'))).code).toBe('permission_denied')
    server.access.accounts[USERNAME] = { password: PASSWORD }
    expect(await files.exists('x')).toBe(false)
    await files.close()
  })
})

const hidden = { prompt: 'Password: ', echo: false, answer: PASSWORD }
const code = { prompt: 'Verification code: ', echo: true, answer: '314159' }

describe('questions of the server', () => {
  it('sftp-8: the one hidden prompt of a server without a method for passwords is answered by the password', async () => {
    const { error, tried } = await login({ rounds: [[hidden]] }, { password: PASSWORD })
    expect([error, tried]).toEqual([undefined, ['keyboard-interactive']])
  })

  it('sftp-8: other prompts go to the callback', async () => {
    const asked: unknown[] = []
    const interactive: NonNullable<Input<SftpOptions>['interactive']> = async question => {
      asked.push(question)
      return question.prompts.map(({ prompt }) => (prompt === code.prompt ? '314159' : 'Ada'))
    }
    const name = { prompt: 'Name: ', echo: true, answer: 'Ada' }
    const account = { rounds: [[hidden], [code, name]], instruction: 'Once more' }
    const { error } = await login(account, { password: PASSWORD }, { interactive })
    expect(error).toBeUndefined()
    const prompts = [code, name].map(({ prompt, echo }) => ({ prompt, echo }))
    expect(asked).toEqual([{ name: 'Login', instructions: 'Once more', prompts }])
  })

  it('that nobody can answer fail the login at once, and the error says what was asked', async () => {
    const { error } = await login({ rounds: [[hidden], [code]] }, { password: PASSWORD })
    expect([error?.code, error?.message]).toEqual(['permission_denied', expect.stringContaining('Verification code')])
  })

  it('are not answered by the password when it was refused as such', async () => {
    const { error } = await login({ password: 'other', rounds: [[code]] }, { password: PASSWORD })
    expect(error?.code).toBe('permission_denied')
  })
})

describe('INTERACTIVE', () => {
  const asking = (answer: string) => vi.fn(async () => [answer])

  it('asks for a password where there is none and no key was taken, once for all connections', async () => {
    const interactive = asking(PASSWORD)
    server.access.accounts[USERNAME] = { password: PASSWORD, keys: [key.publicKey] }
    const params = { port: server.port, username: USERNAME, ...ALONE, pkey: makeKey().privateKey }
    const files = storageAt(server, { interactive, params })
    await Promise.all(Array.from({ length: 8 }, (_, count) => files.exists(`x${count}`)))
    server.drop()
    expect(await files.exists('x')).toBe(false)
    expect(interactive).toHaveBeenCalledTimes(1)
    const prompt = `${USERNAME}@${server.host}'s password: `
    const question = { name: '', instructions: '', prompts: [{ prompt, echo: false }] }
    expect(interactive).toHaveBeenCalledWith(question, { signal: expect.any(AbortSignal) })
    await files.close()
  })

  it('asks nobody where a key is taken, or where the settings have a password', async () => {
    const interactive = asking('wrong')
    expect((await login(both, { pkey: key.privateKey }, { interactive })).error).toBeUndefined()
    expect((await login(both, { password: PASSWORD }, { interactive })).error).toBeUndefined()
    expect(interactive).not.toHaveBeenCalled()
  })

  it('asks nobody unless it is on', async () => {
    const { error, tried } = await login(both, {}, { interactive: false })
    expect([error?.code, tried]).toEqual(['permission_denied', []])
  })

  it('waits for no answer where there is no terminal', async () => {
    // The workers of the tests have none.
    expect(process.stdin.isTTY).not.toBe(true)
    const { error } = await login(both, {}, { interactive: true })
    expect(error?.code).toBe('permission_denied')
  })

  it.each([
    ['wrong', async () => ['wrong'], 'permission_denied'],
    ['none', () => Promise.reject(new StorageError('aborted', 'No answer was given.')), 'aborted'],
  ] as const)('asks once for all calls that wait, when the answer is %s, too', async (_title, answer, code) => {
    server.access.accounts[USERNAME] = { password: PASSWORD }
    const interactive = vi.fn(answer)
    const files = storageAt(server, { interactive, params: { port: server.port, username: USERNAME, ...ALONE } })
    const calls = Array.from({ length: 16 }, (_, count) => failure(files.exists(`x${count}`)))
    expect(new Set((await Promise.all(calls)).map(error => error.code))).toEqual(new Set([code]))
    expect(interactive).toHaveBeenCalledTimes(1)
    await files.close()
  })

  it('does not keep a wrong answer, and fails as the callback fails', async () => {
    server.access.accounts[USERNAME] = { password: PASSWORD }
    const params = { port: server.port, username: USERNAME, ...ALONE }
    const interactive = vi.fn(async () => ['wrong']).mockResolvedValueOnce(['open sesame'])
    const files = storageAt(server, { interactive, params })
    expect((await failure(files.exists('x'), 'open sesame')).code).toBe('permission_denied')
    interactive.mockRejectedValueOnce(new Error('nobody there'))
    expect((await failure(files.exists('x'))).code).toBe('permission_denied')
    interactive.mockResolvedValueOnce([PASSWORD])
    expect(await files.exists('x')).toBe(false)
    await files.close()
  })
})

describe('a server that', () => {
  /** A service that is no SSH server. */
  async function rudeServer(greet: (socket: Socket) => void): Promise<AsyncDisposable & { server: SftpServer }> {
    const sockets = new Set<Socket>()
    let count = 0
    const rude = createServer(socket => {
      count++
      sockets.add(socket.on('error', () => {}))
      greet(socket)
    })
    await new Promise<void>(resolve => rude.listen(0, '127.0.0.1', resolve))
    const port = (rude.address() as { port: number }).port
    return {
      server: {
        host: '127.0.0.1',
        port,
        get connections() {
          return count
        },
      } as SftpServer,
      async [Symbol.asyncDispose]() {
        for (const socket of sockets) socket.destroy()
        await new Promise(resolve => rude.close(resolve))
      },
    }
  }

  it.each<[string, (socket: Socket) => void, string, string]>([
    ['says nothing', () => {}, 'timeout', 'banner_timeout'],
    ['speaks HTTP', socket => void socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'), 'unavailable', ''],
    ['closes at once', socket => void socket.destroy(), 'unavailable', ''],
    ['stops after its name', socket => void socket.write('SSH-2.0-Slow\r\n'), 'timeout', 'banner_timeout'],
  ])('%s is an error, and is asked a few times at most', async (_title, greet, wanted, named) => {
    await using rude = await rudeServer(greet)
    const params = { port: rude.server.port, username: USERNAME, password: PASSWORD, bannerTimeout: 0.1, ...ALONE }
    const files = storageAt(rude.server, { params, maxAttempts: 2 })
    const error = await failure(files.exists('x'))
    expect([error.code, error.message]).toEqual([wanted, expect.stringContaining(named)])
    expect(rude.server.connections).toBeLessThanOrEqual(2)
    await files.close()
  })

  it('D.9 226: is not there is an error and not a missing file, and is asked a few times at most', async () => {
    const gone = await startSftpServer()
    await gone.close()
    const files = storageAt(gone, { maxAttempts: 2 })
    for (const call of [() => files.exists('x'), () => files.save('x', 'text'), () => files.getAvailableName('x')]) {
      expect((await failure(call())).code).toBe('unavailable')
    }
    await files.close()
  })
})

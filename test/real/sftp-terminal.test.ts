/** A storage that asks a person, on a real pseudo terminal, for the password that OpenSSH's server takes. */
import { join } from 'node:path'
import { afterAll, afterEach, describe, expect, test } from 'vitest'
import { startSshd } from '../servers/sshd.ts'
import { Child, runChild } from '../support/child.ts'
import { emptied, namesOnDisk } from './places/file-server.ts'
import { sshdOptions } from './places/sshd.ts'

const server = await startSshd()
const { user, password } = server
afterAll(() => server.close(), 60_000)
afterEach(() => emptied(server))

const foreignKey = join(server.files, '../foreign')
await runChild('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', foreignKey])

const script = join(import.meta.dirname, 'asker.child.ts')
const PROMPT = `${user}@127.0.0.1's password: `
const ENTER = '\r'

function environment(login: object, interactive = true): NodeJS.ProcessEnv {
  const { params, ...options } = sshdOptions(server)
  const { password: _password, ...keyless } = params
  const asker = { ...options, params: { ...keyless, ...login }, interactive }
  return { ...process.env, ASKER: JSON.stringify(asker) }
}

/** A process whose terminal is one of its own; what it shows is the standard output. */
function atTerminal(login: object, interactive?: boolean): Child {
  const command = `'${process.execPath}' '${script}'`
  return new Child('script', ['-qec', command, '/dev/null'], { env: environment(login, interactive) })
}

async function asked(child: Child, typed: string): Promise<string> {
  await child.printed(/password: /)
  child.process.stdin.write(typed)
  await child.printed(/DONE|FAILED/)
  child.process.stdin.end()
  return (await child.done()).stdout.replaceAll('\r', '')
}

describe('INTERACTIVE, at a terminal', () => {
  test.each([
    ['no key and no password', {}],
    ['a key that the server does not know', { keyFilename: foreignKey }],
  ])('with %s: asks once, and what is typed logs in and is not shown', async (_title, login) => {
    const shown = await asked(atTerminal(login), password + ENTER)
    expect(shown).toBe(`${PROMPT}\nDONE content of b\n`)
    expect(await namesOnDisk(server)).toEqual(['a', 'b'])
  })

  test('with the right key nobody is asked', async () => {
    const child = atTerminal({ keyFilename: server.keyPath })
    await child.printed(/DONE|FAILED/)
    child.process.stdin.end()
    expect((await child.done()).stdout.replaceAll('\r', '')).toBe('DONE content of b\n')
  })

  test('unless it is set nobody is asked', async () => {
    const child = atTerminal({ keyFilename: foreignKey }, false)
    await child.printed(/DONE|FAILED/)
    child.process.stdin.end()
    expect((await child.done()).stdout).toMatch(/^FAILED permission_denied: /)
  })

  test('a wrong password is refused, shown nowhere, and nothing is stored', async () => {
    const shown = await asked(atTerminal({}), `not ${password}${ENTER}`)
    expect(shown).toMatch(/FAILED permission_denied: /)
    expect(shown).not.toContain(password)
    expect(await namesOnDisk(server)).toEqual([])
  })

  test.each([
    ['Ctrl+C', '\u0003'],
    ['Ctrl+D', '\u0004'],
  ])('%s ends the call and not the process', async (_title, typed) => {
    expect(await asked(atTerminal({}), typed)).toMatch(/FAILED (?:aborted|permission_denied): .*[Nn]o answer/)
  })
})

test.each([
  ['no key and no password', {}],
  ['a key that the server does not know', { keyFilename: foreignKey }],
])('INTERACTIVE, without a terminal, with %s: fails at once and asks nothing', async (_title, login) => {
  // Its standard input stays open: who asked would wait.
  const child = new Child(process.execPath, [script], { env: environment(login) })
  const { stdout, stderr } = await child.done()
  expect(stdout).toMatch(/^FAILED permission_denied: /)
  expect(stdout + stderr).not.toContain('password: ')
})

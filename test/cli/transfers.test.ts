import { execFileSync } from 'node:child_process'
import { lstat, mkdir, mkdtemp, readdir, readFile, realpath, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { isHidden } from '../../src/core/hidden-names.ts'
import { letStrangersWrite } from '../config/strangers.ts'
import { runChild } from '../support/child.ts'
import { runCli, startCli } from './run-cli.ts'

// Every command is a process of its own.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

let dir: string
beforeEach(async () => {
  dir = await realpath(await mkdtemp(join(tmpdir(), 'holdall-transfers-')))
  await mkdir(join(dir, 'theirs'))
  await put('secret', 'private key')
  await put('theirs/a.txt', 'alpha')
})
afterEach(() => rm(dir, { recursive: true }))

const put = (name: string, text: string) => writeFile(join(dir, name), text)
const text = (name: string) => readFile(join(dir, name), 'utf8')
const cli = (...args: string[]) => runCli(dir, args)
const local = { BACKEND: 'local', OPTIONS: { location: 'public' } }

/** Configures the alias `odd` as a class of this body, which extends `MemoryStorage`. */
const configure = async (body: string) => {
  const memory = pathToFileURL(join(import.meta.dirname, '../../src/backends/memory/index.ts'))
  await put(
    'odd.mjs',
    `import { MemoryStorage } from '${memory}'\nexport class Odd extends MemoryStorage { ${body} }\n`,
  )
  const STORAGES = { default: local, odd: { BACKEND: './odd.mjs#Odd' } }
  await put('holdall.config.json', JSON.stringify({ STORAGES }))
}

describe('a folder of somebody else', () => {
  beforeEach(async () => {
    await put('holdall.config.json', JSON.stringify({ STORAGES: { default: local } }))
    await symlink('../secret', join(dir, 'theirs/logo.png'))
    await symlink('a.txt', join(dir, 'theirs/b.txt'))
  })

  test('is stored without what its links lead to outside, unless --follow', async () => {
    const { code, stdout, stderr } = await cli('put', '-r', 'theirs', 'default:')
    expect([code, stdout.split('\n').sort()]).toEqual([1, ['', 'default:a.txt', 'default:b.txt']])
    expect(stderr).toContain("'theirs/logo.png' is left out: it leads out of the folder; --follow would store it")
    expect((await readdir(join(dir, 'public'))).sort()).toEqual(['a.txt', 'b.txt'])
    expect(await cli('put', '-r', '--follow', 'theirs', ':all')).toMatchObject({ code: 0, stderr: '3 files stored\n' })
    expect([await text('public/all/logo.png'), await text('public/all/b.txt')]).toEqual(['private key', 'alpha'])
  })

  test('is served without what its links lead to outside, unless --follow', async () => {
    const names = async (...args: string[]) => {
      const { stdout, stderr } = await cli('serve', 'theirs', '--once', '--json', ...args)
      const { served } = JSON.parse(stdout) as { served: { name: string }[] }
      return { names: served.map(({ name }) => name), stderr }
    }
    const safe = await names()
    expect(safe.names).toEqual(['a.txt', 'b.txt'])
    expect(safe.stderr).toContain('logo.png')
    expect(await names('--follow')).toEqual({ names: ['a.txt', 'b.txt', 'logo.png'], stderr: '' })
  })

  test.runIf(process.platform !== 'win32')('does not block by a pipe', async () => {
    execFileSync('mkfifo', [join(dir, 'theirs/pipe')])
    const result = await cli('put', '-r', 'theirs', ':')
    expect(result.stderr).toContain("'theirs/pipe' is left out: it is no file")
    expect(await cli('put', 'theirs/pipe', ':')).toMatchObject({ code: 1, stderr: expect.stringContaining('put -') })
  })
})

describe('get', () => {
  test('takes no name of a hostile server out of the folder', async () => {
    await configure(`
      async *entries() {
        for (const name of ['../secret', 'a/../../secret', '/secret', 'x\\0y', 'link/secret', 'good'])
          yield { name, size: 3, isDirectory: false }
      }
      createReadStream() { return [Buffer.from('new')] }`)
    await mkdir(join(dir, 'in'))
    await symlink('..', join(dir, 'in/link'))
    const { code, stdout, stderr } = await cli('get', '-r', '--overwrite', 'odd:', 'in')
    expect([code, stdout.split('\n').sort()]).toEqual([1, ['', join(dir, 'in/good'), join(dir, 'in/secret')]])
    const messages = stderr.trim().split('\n')
    expect([messages.length, messages[4]]).toEqual([5, '2 files copied, 4 failed'])
    expect([await text('secret'), (await readdir(join(dir, 'in'))).sort()]).toEqual([
      'private key',
      ['good', 'link', 'secret'],
    ])
  })

  describe('of a file that does not end', () => {
    beforeEach(() =>
      configure(`
        async *createReadStream(name, { signal }) {
          yield Buffer.alloc(100_000)
          signal.throwIfAborted()
          const waiting = setInterval(() => {}, 1000)
          await new Promise((_, reject) =>
            signal.addEventListener('abort', () => reject(signal.reason, clearInterval(waiting))))
        }`),
    )

    const started = async () => {
      const child = startCli(dir, ['get', 'odd:x', 'in/'])
      const parts = () => readdir(join(dir, 'in')).catch(() => [])
      await child.until('a part was there', async () => (await parts()).length > 0)
      expect((await parts()).every(isHidden)).toBe(true)
      return child
    }

    test.each([
      ['SIGINT', 130],
      ['SIGTERM', 143],
    ] as const)('leaves nothing after %s', async (signal, code) => {
      const child = await started()
      child.process.kill(signal)
      await child.done(code)
      expect(await readdir(join(dir, 'in'))).toEqual([])
    })

    test('leaves a hidden part when it is killed, which the next one removes', async () => {
      const child = await started()
      await child.kill('SIGKILL')
      const [part] = await readdir(join(dir, 'in'))
      expect(isHidden(part!)).toBe(true)
      const config = { STORAGES: { default: local, in: { BACKEND: 'local', OPTIONS: { location: 'in' } } } }
      await put('holdall.config.json', JSON.stringify(config))
      expect((await cli('ls', '-r', 'in:')).stdout).toBe('')
      expect((await cli('put', '-r', 'in', 'theirs', ':')).stdout).toBe('default:theirs/a.txt\n')
      expect(await cli('get', 'default:theirs/a.txt', 'in')).toMatchObject({ code: 0, stderr: '' })
      expect(await readdir(join(dir, 'in'))).toEqual(['a.txt'])
    })
  })
})

test('compiled code is kept in a folder of the user alone', async () => {
  const env = { NODE_COMPILE_CACHE: undefined, HOME: join(dir, 'home'), TMPDIR: join(dir, 'tmp') }
  await mkdir(join(dir, 'tmp'))
  const kept = async () => {
    await startCli(dir, ['--version'], { env }).done()
    expect(await readdir(join(dir, 'tmp'))).toEqual([])
    return readdir(join(dir, 'home/.cache/holdall'))
  }
  const inside = await kept()
  expect(inside).not.toEqual([])
  if (process.platform === 'win32') return
  for (const name of inside) await rm(join(dir, 'home/.cache/holdall', name), { recursive: true })
  await letStrangersWrite(join(dir, 'home/.cache'))
  expect(await kept()).toEqual([])
})

test('a user of a container without a home starts the command', async () => {
  await put(
    'homeless.mjs',
    `import os from 'node:os'
     import { syncBuiltinESMExports } from 'node:module'
     os.homedir = () => { throw new Error('uv_os_homedir returned ENOENT') }
     syncBuiltinESMExports()`,
  )
  const NODE_OPTIONS = `--import=${pathToFileURL(join(dir, 'homeless.mjs'))}`
  await startCli(dir, ['--version'], { env: { NODE_COMPILE_CACHE: undefined, NODE_OPTIONS } }).done()
})

describe('init', () => {
  test('replaces a link, and does not write through it', async () => {
    await symlink('secret', join(dir, 'holdall.config.json'))
    expect(await cli('init', '--format', 'json')).toMatchObject({ code: 1 })
    expect(await cli('init', '--format', 'json', '--force')).toMatchObject({ code: 0 })
    expect(await text('secret')).toBe('private key')
    expect((await lstat(join(dir, 'holdall.config.json'))).isFile()).toBe(true)
  })

  test.runIf(process.platform !== 'win32')('writes a file that only its owner can change', async () => {
    const bin = join(import.meta.dirname, '../../src/cli/bin.ts')
    const run = async (mask: string, name: string) => {
      const line = `umask ${mask}; exec "$0" "$1" init --config ${name}.json --force`
      const env = { PATH: process.env['PATH'], NODE_DISABLE_COMPILE_CACHE: '1' }
      await runChild('sh', ['-c', line, process.execPath, bin], { cwd: dir, env })
      return stat(join(dir, `${name}.json`))
    }
    expect((await run('000', 'open')).mode & 0o777).toBe(0o644)
    expect((await run('077', 'closed')).mode & 0o777).toBe(0o600)
  })
})

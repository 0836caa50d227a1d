import { mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { FOREIGN, letStrangersWrite } from '../config/strangers.ts'
import { runCli } from './run-cli.ts'

// Every command is a process of its own.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

let dir: string
let mine: string
beforeEach(async () => {
  dir = await realpath(await mkdtemp(join(tmpdir(), 'holdall-strangers-')))
  mine = join(dir, 'mine')
  await mkdir(mine)
})
afterEach(() => rm(dir, { recursive: true }))

const put = (name: string, text: string) => writeFile(join(dir, name), text)
const cli = (...args: string[]) => runCli(mine, args)
/** Code that shows whether it was run. */
const RUN = "console.log('it was run')\n"
const module = (name: string) => put(name, `${RUN}exports.Own = class { save() {} open() {} }`)

describe.runIf(process.platform !== 'win32')('what strangers can write is not run:', () => {
  const refused = async (file: string, ...args: string[]) => {
    const result = await cli(...args)
    expect(result).toMatchObject({ stdout: '', stderr: expect.stringMatching(FOREIGN) })
    expect(result.stderr).toContain(`${join(dir, file)} is not used`)
    expect(result.code).toBeGreaterThan(0)
  }

  test('a configuration above', async () => {
    await put('holdall.config.mjs', `${RUN}export default {}`)
    expect((await cli('ls')).stdout).toMatch(/^it was run\n/)
    await letStrangersWrite(join(dir, 'holdall.config.mjs'))
    await refused('holdall.config.mjs', 'ls')
    await refused('holdall.config.mjs', '--config', '../holdall.config.mjs', 'check')
  })

  test('a configuration in a folder of theirs', async () => {
    await put('holdall.config.mjs', `${RUN}export default {}`)
    await letStrangersWrite(dir)
    await refused('holdall.config.mjs', 'ls')
  })

  test('a module of BACKEND', async () => {
    await put('mine/holdall.config.json', '{"DEFAULT_FILE_STORAGE": "../x.cjs#Own"}')
    await module('x.cjs')
    expect((await cli('ls')).stdout).toMatch(/^it was run\n/)
    await letStrangersWrite(join(dir, 'x.cjs'))
    await refused('x.cjs', 'ls')
    await refused('x.cjs', 'settings', '../x.cjs#Own')
  })

  test.each(['import', 'require'])('a module that the configuration gets by %s', async way => {
    await module('x.cjs')
    const get =
      way === 'import'
        ? "import '../x.cjs'"
        : "import { createRequire } from 'node:module'\ncreateRequire(import.meta.url)('../x.cjs')"
    await put('mine/holdall.config.mjs', `${get}\nexport default {}`)
    expect((await cli('ls')).stdout).toMatch(/^it was run\n/)
    await letStrangersWrite(join(dir, 'x.cjs'))
    await refused('x.cjs', 'ls')
  })

  test('a package in a folder above', async () => {
    await mkdir(join(dir, 'node_modules/holdall'), { recursive: true })
    await put('node_modules/holdall/index.js', `${RUN}exports.defineConfig = c => c`)
    await put('mine/holdall.config.mjs', "import { defineConfig } from 'holdall'\nexport default defineConfig({})")
    expect((await cli('ls')).stdout).toMatch(/^it was run\n/)
    await letStrangersWrite(join(dir, 'node_modules'))
    await refused('node_modules/holdall/index.js', 'ls')
  })
})

describe('the configuration in use', () => {
  test('is told on stderr by --verbose', async () => {
    await put('holdall.config.json', '{"DEFAULT_FILE_STORAGE": "memory"}')
    await put('.env', 'X=1\n')
    await symlink('../holdall.config.json', join(mine, 'link.json'))
    expect(await cli('--verbose', 'ls')).toMatchObject({
      code: 0,
      stdout: '',
      stderr: `configuration: ${join(dir, 'holdall.config.json')}\nenvironment file: ${join(dir, '.env')}\n`,
    })
    expect((await cli('ls', '--verbose', '--config', 'link.json')).stderr).toContain(join(mine, 'link.json'))
    expect(await cli('ls')).toMatchObject({ code: 0, stderr: '' })
  })

  test('has a .env only beside it, or a named one', async () => {
    await put('mine/.env', 'DEFAULT_FILE_STORAGE=memory\n')
    await mkdir(join(mine, 'media'))
    await put('mine/media/a.txt', 'a')
    const alone = await cli('ls', '--verbose')
    expect(alone.stderr).toContain('configuration: none\nenvironment file: none\n')
    expect(alone.stderr).toContain(
      "the .env here is not read: there is no configuration beside it ('--env-file .env' reads it)",
    )
    expect(alone.stdout).toBe('a.txt\n')
    expect(await cli('ls', '--env-file', '.env')).toMatchObject({ code: 0, stdout: '', stderr: '' })
    // Node itself looks for the file as well, and may be the one that complains.
    const absent = await cli('ls', '--env-file', 'absent')
    expect(absent.code).toBeGreaterThan(0)
    expect(absent.stderr).toContain('absent')
  })
})

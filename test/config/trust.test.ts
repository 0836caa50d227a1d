import { execFileSync } from 'node:child_process'
import { chmod, chown, mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { loadConfig } from '../../src/config/load.ts'
import { refuseForeign } from '../../src/config/trust.ts'
import { FOREIGN, letStrangersWrite } from './strangers.ts'

let dir: string
let file: string
beforeEach(async () => {
  dir = await realpath(await mkdtemp(join(tmpdir(), 'holdall-trust-')))
  await mkdir(join(dir, 'a/b'), { recursive: true })
  file = join(dir, 'a/b/holdall.config.json')
  await writeFile(file, '{}', { mode: 0o644 })
  await mkdir(join(dir, 'links'))
})
afterEach(() => rm(dir, { recursive: true }))

const refused = (path = file): string => {
  try {
    refuseForeign(path)
    return 'used'
  } catch (error) {
    expect(error).toMatchObject({ code: 'improperly_configured' })
    return (error as Error).message
  }
}

describe.runIf(process.platform !== 'win32')('a file that is to be run', () => {
  test('is used where nobody else can write', async () => {
    expect(refused()).toBe('used')
    await symlink('../a/b/holdall.config.json', join(dir, 'links/relative'))
    await symlink(file, join(dir, 'links/absolute'))
    await symlink('.././a', join(dir, 'links/folder'))
    expect(refused(join(dir, 'links/relative'))).toBe('used')
    expect(refused(join(dir, 'links/absolute'))).toBe('used')
    expect(refused(join(dir, 'links/folder/b/holdall.config.json'))).toBe('used')
  })

  test.each(['a/b/holdall.config.json', 'a/b', 'a'])(
    'is refused when strangers can write to %s, by name',
    async part => {
      const path = join(dir, part)
      await letStrangersWrite(path)
      const message = refused()
      expect(message).toMatch(FOREIGN)
      expect(message).toMatch(/^\/.*holdall\.config\.json is not used: /)
      expect(message).toContain(part === 'a/b/holdall.config.json' ? ': it ' : `: the folder ${path} `)
      expect(message).toMatch(/: (chown|chmod) .* '\//)
    },
  )

  test.each([
    ['the link', ''],
    ['what it leads to', 'a/b'],
    ['the folder of the link', 'links'],
  ])('is refused behind a link when strangers can change %s', async (_what, part) => {
    const link = join(dir, 'links/config.json')
    await symlink('../a/b/holdall.config.json', link)
    if (part !== '') await letStrangersWrite(join(dir, part))
    else if (process.getuid?.() === 0) execFileSync('chown', ['-h', '12345', link])
    else await chmod(file, 0o646) // Only root can give a link away: then it is its target that is changed.
    expect(refused(link)).toMatch(FOREIGN)
  })

  test('may lie below a sticky folder like /tmp, not in it', async () => {
    await chmod(join(dir, 'a'), 0o1777)
    expect(refused()).toBe('used')
    await chmod(join(dir, 'a/b'), 0o1777)
    expect(refused()).toContain('is writable by all users')
    await writeFile(join(dir, 'links/real.json'), '{}')
    await symlink('../../links/real.json', join(dir, 'a/b/link.json'))
    expect(refused(join(dir, 'a/b/link.json'))).toContain('is writable by all users')
  })

  test('may be written to by a group of this user alone', async () => {
    const isRoot = process.getuid?.() === 0
    const idOf = (what: string) => execFileSync('id', [what], { encoding: 'utf8' }).trim()
    await chmod(file, 0o664)
    expect(refused()).toMatch(isRoot || idOf('-gn') === idOf('-un') ? /^used$/ : /is writable by group/)
    if (isRoot) await chown(file, 0, 12_345)
    else await chmod(file, 0o666)
    expect(refused()).toMatch(/is writable by (group 12345; fix it: chmod g-w|all users)/)
  })

  test('ends a circle of links', async () => {
    await symlink('y', join(dir, 'links/x'))
    await symlink('x', join(dir, 'links/y'))
    expect(refused(join(dir, 'links/x'))).toContain('is behind too many links')
  })
})

describe.runIf(process.platform !== 'win32')('loadConfig', () => {
  const load = (onlyOwn: boolean) => loadConfig({ cwd: join(dir, 'a/b'), env: {}, onlyOwn })

  test('refuses a foreign configuration, found or named, only when asked to', async () => {
    await letStrangersWrite(file)
    await expect(load(true)).rejects.toThrow(FOREIGN)
    await expect(loadConfig({ file, env: {}, onlyOwn: true })).rejects.toThrow(FOREIGN)
    expect(await load(false)).toMatchObject({ file })
  })

  test('refuses a foreign .env, beside it or named', async () => {
    const envFile = join(dir, 'a/b/.env')
    await writeFile(envFile, 'X=1\n')
    await letStrangersWrite(envFile)
    await expect(load(true)).rejects.toThrow(FOREIGN)
    await expect(loadConfig({ cwd: dir, envFile, env: {}, onlyOwn: true })).rejects.toThrow(FOREIGN)
    expect(await load(false)).toMatchObject({ envFile })
  })
})

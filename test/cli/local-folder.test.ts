import { spawnSync } from 'node:child_process'
import {
  chown,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  realpath,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { LocalFolder } from '../../src/cli/local-folder.ts'

let dir: string
let folder: LocalFolder
beforeEach(async () => {
  dir = await realpath(await mkdtemp(join(tmpdir(), 'holdall-folder-')))
  await mkdir(join(dir, 'outside'))
  await writeFile(join(dir, 'outside/mine'), 'mine')
  folder = new LocalFolder(join(dir, 'in'))
})
afterEach(() => rm(dir, { recursive: true }))

const { signal } = new AbortController()
const text = (name: string) => readFile(join(dir, name), 'utf8')
async function* bytes(of = 'new'): AsyncGenerator<Uint8Array> {
  yield Buffer.from(of)
}
const write = (name: string, overwrite = false, body = () => bytes()) => folder.write(name, body, { overwrite, signal })

describe('a file', () => {
  test('is written below the folder, with the permissions of the umask', async () => {
    expect(await write('a/b.txt')).toBe(join(dir, 'in/a/b.txt'))
    expect(await text('in/a/b.txt')).toBe('new')
    expect((await stat(join(dir, 'in/a/b.txt'))).mode & 0o777).toBe(0o666 & ~process.umask())
    await write('//a///c//d')
    expect(await text('in/a/c/d')).toBe('new')
  })

  test('is replaced only when that is wanted, and a folder never', async () => {
    await write('x')
    await expect(write('x', false, () => bytes('2'))).rejects.toMatchObject({
      code: 'exists',
      message: expect.stringContaining('--overwrite'),
    })
    await write('x', true, () => bytes('3'))
    expect(await text('in/x')).toBe('3')
    await mkdir(join(dir, 'in/folder'))
    for (const overwrite of [false, true]) {
      await expect(write('folder', overwrite)).rejects.toMatchObject({ code: 'exists' })
    }
  })

  test('takes the place of a link, and is not written through it', async () => {
    await mkdir(join(dir, 'in'))
    await symlink('../outside/mine', join(dir, 'in/link'))
    await symlink('../outside/absent', join(dir, 'in/broken'))
    await expect(write('link')).rejects.toMatchObject({ code: 'exists' })
    await expect(write('broken')).rejects.toMatchObject({ code: 'exists' })
    await write('link', true)
    await write('broken', true)
    expect([(await lstat(join(dir, 'in/link'))).isFile(), await text('in/broken')]).toEqual([true, 'new'])
    expect([await text('outside/mine'), await readdir(join(dir, 'outside'))]).toEqual(['mine', ['mine']])
  })

  test.each([
    ['..'],
    ['../outside/new'],
    ['a/../../outside/new'],
    ['/../outside/new'],
    ['a/./b'],
    ['link/new'],
    ['link/mine'],
    ['a\0b'],
    ['a/.holdall-1-ab.tmp'],
    ['x'.repeat(300)],
  ])('named %j is refused, and nothing is written', async name => {
    await mkdir(join(dir, 'in'))
    await symlink('../outside', join(dir, 'in/link'))
    await expect(write(name, true)).rejects.toMatchObject({ code: 'suspicious_name' })
    expect([await readdir(dir), await readdir(join(dir, 'outside'))]).toEqual([['in', 'outside'], ['mine']])
    expect(await text('outside/mine')).toBe('mine')
    expect(await readdir(join(dir, 'in'))).toEqual(['link'])
  })

  test.runIf(process.platform !== 'win32')('keeps a name that is odd elsewhere', async () => {
    await write('..\\a b\\?.txt ')
    expect(await readdir(join(dir, 'in'))).toEqual(['..\\a b\\?.txt '])
  })

  test.each(['its bytes', 'the call'])('leaves nothing when %s end early', async what => {
    const stop = new AbortController()
    async function* failing(): AsyncGenerator<Uint8Array> {
      yield Buffer.from('half')
      if (what === 'its bytes') throw new Error('on purpose')
      stop.abort(new Error('on purpose'))
      yield Buffer.from('more')
    }
    const work = folder.write('x', failing, { overwrite: false, signal: stop.signal })
    await expect(work).rejects.toThrow(what === 'its bytes' ? 'on purpose' : 'aborted')
    // An aborted call does not wait for its end.
    while ((await readdir(join(dir, 'in'))).length > 0) await new Promise(resolve => setImmediate(resolve))
    expect(await readdir(join(dir, 'in'))).toEqual([])
  })
})

test('what killed processes left is removed from the folders that are written to, and nothing else', async () => {
  const dead = spawnSync(process.execPath, ['--version']).pid
  const random = '0123456789abcdef0123456789abcdef'
  const left = `.holdall-${dead}-${random}.tmp`
  const kept = [
    `.holdall-${process.pid}-${random}.tmp`,
    `.holdall-${dead}-${random}.tmp.txt`,
    `.holdall-${dead}-notes.tmp`,
    `holdall-${dead}-${random}.tmp`,
    'other.tmp',
  ]
  await mkdir(join(dir, 'in/sub'), { recursive: true })
  for (const name of [left, ...kept, `sub/${left}`]) await writeFile(join(dir, 'in', name), 'half')
  await symlink('../outside/mine', join(dir, `in/.holdall-${dead}-1.tmp`))
  await mkdir(join(dir, `in/.holdall-${dead}-2.tmp`))
  await writeFile(join(dir, `in/.holdall-${dead}-3.tmp`), 'of somebody else')
  const isRoot = process.getuid?.() === 0
  if (isRoot) await chown(join(dir, `in/.holdall-${dead}-3.tmp`), 12_345, 12_345)
  await write('x')
  const links = [`.holdall-${dead}-1.tmp`, `.holdall-${dead}-2.tmp`, ...(isRoot ? [`.holdall-${dead}-3.tmp`] : [])]
  expect((await readdir(join(dir, 'in'))).sort()).toEqual([...kept, ...links, 'sub', 'x'].sort())
  expect(await readdir(join(dir, 'in/sub'))).toEqual([left])
  await write('sub/y')
  expect(await readdir(join(dir, 'in/sub'))).toEqual(['y'])
  expect(await text('outside/mine')).toBe('mine')
})

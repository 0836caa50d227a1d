import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Ended } from '../support/child.ts'
import { runCli, startCli } from './run-cli.ts'

// Every command is a process of its own.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

/** What a command with several files writes on stderr, at most. */
const SUMMARY = /^(?:\d+ files? (?:stored|copied|moved)\n)?$/

let dir: string
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'holdall-cli-'))
  const local = (location: string) => ({ BACKEND: 'local', OPTIONS: { location, baseUrl: `/${location}/` } })
  await put('holdall.config.json', JSON.stringify({ STORAGES: { default: local('media'), backup: local('backup') } }))
  await put('a.txt', 'alpha')
  await mkdir(join(dir, 'tree/sub'), { recursive: true })
  await put('tree/one.txt', '1')
  await put('tree/sub/grüße.txt', '22')
})
afterEach(() => rm(dir, { recursive: true }))

const put = (name: string, text: string) => writeFile(join(dir, name), text)
const text = (name: string) => readFile(join(dir, name), 'utf8')
const cli = (...args: string[]) => runCli(dir, args)
const lines = (result: Ended) => result.stdout.split('\n').filter(Boolean).sort()
const done = async (...args: string[]) => {
  const result = await cli(...args)
  expect(result).toMatchObject({ code: 0, stderr: expect.stringMatching(SUMMARY) })
  return result
}

describe('put', () => {
  test('stores a file and prints the name that it got', async () => {
    expect((await done('put', 'a.txt', 'default:docs/')).stdout).toBe('default:docs/a.txt\n')
    expect(await text('media/docs/a.txt')).toBe('alpha')
    const second = await done('put', 'a.txt', 'default:docs/a.txt')
    expect(second.stdout).toMatch(/^default:docs\/a_[a-zA-Z0-9]{7}\.txt\n$/)
    expect((await done('put', '--overwrite', 'a.txt', ':docs/a.txt')).stdout).toBe('default:docs/a.txt\n')
  })

  test('stores folders with what is below them', async () => {
    expect(lines(await done('put', '-r', 'tree', 'backup:in'))).toEqual([
      'backup:in/one.txt',
      'backup:in/sub/grüße.txt',
    ])
    expect(await text('backup/in/sub/grüße.txt')).toBe('22')
    expect(await cli('put', 'tree', 'backup:in')).toMatchObject({ code: 2, stderr: expect.stringContaining('use -r') })
  })

  test('stores stdin', async () => {
    const result = await runCli(dir, ['put', '-', 'default:from-stdin.bin'], Buffer.from([0, 255, 10]))
    expect(result).toMatchObject({ code: 0, stdout: 'default:from-stdin.bin\n' })
    expect(await readFile(join(dir, 'media/from-stdin.bin'))).toEqual(Buffer.from([0, 255, 10]))
  })

  test('does nothing but talk in a dry run', async () => {
    expect((await done('--dry-run', 'put', 'a.txt', 'default:')).stdout).toBe('would store default:a.txt\n')
    expect(await readdir(dir)).not.toContain('media')
  })

  test('fails when the file is missing', async () => {
    expect(await cli('put', 'absent.txt', 'default:')).toMatchObject({
      code: 1,
      stdout: '',
      stderr: "holdall: 'absent.txt' does not exist.\n",
    })
  })

  test('of several things each keeps its own name', async () => {
    await mkdir(join(dir, 'other'))
    await put('other/one.txt', '11')
    expect(lines(await done('put', '-R', 'tree', 'other', 'a.txt', 'default:all'))).toEqual([
      'default:all/a.txt',
      'default:all/other/one.txt',
      'default:all/tree/one.txt',
      'default:all/tree/sub/grüße.txt',
    ])
  })

  test('goes on with the others when one cannot be stored, and says so', async () => {
    await symlink('nowhere', join(dir, 'tree/broken'))
    await symlink('sub', join(dir, 'tree/folder'))
    const folder = await cli('put', '-r', 'tree', 'default:t')
    expect([folder.code, lines(folder)]).toEqual([1, ['default:t/one.txt', 'default:t/sub/grüße.txt']])
    expect(folder.stderr).toContain("'tree/broken' is left out: the link leads nowhere")
    expect(folder.stderr).toContain("'tree/folder' is left out: links to folders are not followed")
    const several = await cli('put', 'absent.txt', 'a.txt', 'default:')
    expect(several).toMatchObject({ code: 1, stdout: 'default:a.txt\n', stderr: expect.stringContaining('absent.txt') })
  })

  test('stopped by Ctrl-C it leaves no half file', async () => {
    const child = startCli(dir, ['put', '--overwrite', '-', 'default:half.bin'])
    child.process.stdin.write(Buffer.alloc(3_000_000))
    const names = () => readdir(join(dir, 'media')).catch(() => [])
    await child.until('a file was there', async () => (await names()).length > 0)
    child.process.kill('SIGINT')
    await child.done(130)
    expect(await names()).toEqual([])
  })
})

describe('reading', () => {
  beforeEach(() => done('put', '-r', 'tree', 'default:t'))

  test('ls lists a folder, or all files below it', async () => {
    expect(lines(await done('ls'))).toEqual(['t/'])
    expect(lines(await done('ls', 'default:t'))).toEqual(['t/one.txt', 't/sub/'])
    expect(lines(await done('ls', '-r', 't'))).toEqual(['t/one.txt', 't/sub/grüße.txt'])
    expect((await done('ls', '-l', 't')).stdout).toMatch(/ 1 B {2}\d{4}-\d\d-\d\d \d\d:\d\d {2}t\/one\.txt/)
    const json = (await done('ls', '-r', '--json')).stdout
      .trim()
      .split('\n')
      .map(line => JSON.parse(line))
    expect(json).toHaveLength(2)
    expect(json).toContainEqual(expect.objectContaining({ name: 't/sub/grüße.txt', size: 2, isDirectory: false }))
  })

  test('a place that is a file is listed and counted, one with nothing is an error', async () => {
    expect((await done('ls', 't/one.txt')).stdout).toBe('t/one.txt\n')
    expect((await done('ls', '-R', 'default:t/sub/')).stdout).toBe('t/sub/grüße.txt\n')
    expect((await done('du', 't/one.txt')).stdout).toMatch(/1 B +1 file +default:t\/one\.txt\n/)
    await done('get', '-r', 'default:t/one.txt', 'alone')
    expect(await readdir(join(dir, 'alone'))).toEqual(['one.txt'])
    for (const args of [
      ['ls', 'typo'],
      ['du', 'typo'],
      ['get', '-r', 'default:typo', 'x'],
      ['cp', '-r', ':typo', ':x'],
    ]) {
      expect([args, await cli(...args)]).toMatchObject([
        args,
        { code: 1, stdout: '', stderr: "holdall: There is nothing at 'default:typo'.\n" },
      ])
    }
  })

  test('cat writes the bytes', async () => {
    expect((await done('cat', 'default:t/one.txt', 't/sub/grüße.txt')).stdout).toBe('122')
    expect(await cli('cat', 't/one.txt', 'absent', 't/sub/grüße.txt')).toMatchObject({ code: 1, stdout: '122' })
    const missing = await cli('cat', 'default:nothing')
    expect(missing).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('nothing') })
    const json = JSON.parse((await cli('--json', 'cat', 'default:nothing')).stderr)
    expect(json.error).toMatchObject({ code: 'not_found', backend: 'local' })
  })

  test('stat and du count', async () => {
    expect(JSON.parse((await done('stat', '--json', 't/one.txt')).stdout)).toMatchObject({ size: 1, name: 't/one.txt' })
    expect((await done('stat', 't/one.txt')).stdout).toMatch(/^size +1$/m)
    expect(JSON.parse((await done('du', '--json', '--folders', 't')).stdout)).toEqual({
      place: 'default:t',
      files: 2,
      bytes: 3,
      folders: [{ place: 'default:t/sub', files: 1, bytes: 2 }],
    })
    expect((await done('du')).stdout).toMatch(/3 B +2 files +default:\n/)
  })

  test('url prints the address', async () => {
    expect((await done('url', 't/sub/grüße.txt')).stdout).toBe('/media/t/sub/gr%C3%BC%C3%9Fe.txt\n')
    expect(await cli('url', 't/one.txt', '--expires', 'soon')).toMatchObject({ code: 2 })
  })

  test('get copies files and folders, and replaces nothing unasked', async () => {
    expect((await done('get', 'default:t/one.txt')).stdout.trim()).toMatch(/\/one\.txt$/)
    expect(await text('one.txt')).toBe('1')
    expect(await cli('get', 'default:t/one.txt', 'a.txt')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('--overwrite'),
    })
    expect(await text('a.txt')).toBe('alpha')
    await done('get', '--overwrite', 'default:t/one.txt', 'a.txt')
    expect(await text('a.txt')).toBe('1')
    await done('get', '-r', 'default:t', 'out')
    expect(await text('out/sub/grüße.txt')).toBe('22')
    expect((await done('get', 'default:t/one.txt', '-')).stdout).toBe('1')
    await done('get', '--overwrite', 't/one.txt')
    expect(await cli('get', 'default:absent', 'x')).toMatchObject({
      code: 1,
      stderr: "holdall: There is nothing at 'default:absent'.\n",
    })
    expect(await cli('get', 'default:t/one.txt', 'default:absent', 'backup:b', 'many/')).toMatchObject({ code: 1 })
    expect(await readdir(join(dir, 'many'))).toEqual(['one.txt'])
    expect(await cli('get', 'default:t', 'x')).toMatchObject({ code: 2, stderr: expect.stringContaining('use -r') })
    await done('get', '-r', 'default:t/sub', 'default:t', 'both')
    expect((await readdir(join(dir, 'both'))).sort()).toEqual(['sub', 't'])
    expect((await readdir(dir)).filter(name => name === 'x' || name.startsWith('.holdall'))).toEqual([])
  })

  test('a reader that has enough ends the listing quietly', async () => {
    const child = startCli(dir, ['ls', '-r'])
    child.process.stdout.destroy()
    const { code, stderr } = await child.ended
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  })
})

describe('changing', () => {
  beforeEach(() => done('put', '-r', 'tree', 'default:t'))

  test('cp and mv work between storages', async () => {
    expect((await done('cp', 'default:t/one.txt', 'backup:copies/')).stdout).toBe('backup:copies/one.txt\n')
    expect(await text('backup/copies/one.txt')).toBe('1')
    await done('mv', '-r', 'default:t', 'backup:moved')
    expect(await text('backup/moved/sub/grüße.txt')).toBe('22')
    expect((await done('ls', '-r')).stdout).toBe('')
    expect(await cli('cp', 'a.txt', 'backup:')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("'holdall put a.txt backup:' stores it"),
    })
    expect(await cli('cp', '-r', 'backup:moved', 'backup:moved/again')).toMatchObject({ code: 2 })
    for (const folder of ['backup:moved', 'backup:']) {
      expect(await cli('cp', folder, 'default:x')).toMatchObject({ code: 2, stderr: expect.stringContaining('use -r') })
    }
  })

  test('rm removes files, folders, and everything only with --yes', async () => {
    await done('--quiet', 'rm', 'default:t/one.txt')
    await done('--quiet', 'rm', '-f', 'default:t/one.txt')
    expect(lines(await done('ls', '-r'))).toEqual(['t/sub/grüße.txt'])
    expect(lines(await done('--dry-run', 'rm', '-r', 'default:'))).toEqual(['would remove default:t/sub/grüße.txt'])
    for (const root of ['default:', 'default:t/..', 'default:./']) {
      expect(await cli('rm', '-r', root)).toMatchObject({ code: 2, stderr: expect.stringContaining('--yes') })
    }
    expect(await cli('rm', 'default:t')).toMatchObject({ code: 1, stderr: expect.stringContaining('use -r') })
    expect(await text('media/t/sub/grüße.txt')).toBe('22')
    const { stdout } = await done('--json', '--quiet', 'rm', '-r', 'default:t')
    expect(JSON.parse(stdout)).toEqual({ place: 'default:t', deleted: 1, failed: 0 })
    expect(await readdir(join(dir, 'media'))).toEqual([])
  })

  test('rm never empties the current folder because nothing is configured', async () => {
    await rm(join(dir, 'holdall.config.json'))
    expect(await cli('rm', '-r', '--yes', 'default:')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('no folder is configured'),
    })
    expect(await text('a.txt')).toBe('alpha')
  })
})

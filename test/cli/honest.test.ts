import { mkdir, mkdtemp, readdir, readFile, realpath, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { S3Storage } from '../../src/backends/s3/index.ts'
import { registerBackend } from '../../src/config/backends.ts'
import { bytesContent } from '../../src/core/content.ts'
import { type StrictS3, startStrictS3 } from '../servers/strict-s3.ts'
import { type InProcess, inProcess } from './in-process.ts'

// Else Node would load it, and the core a second time.
registerBackend('s3', S3Storage)

let dir: string
let server: StrictS3
let bucket: S3Storage
beforeAll(async () => {
  server = await startStrictS3()
})
afterAll(() => server.close())
beforeEach(async () => {
  dir = await realpath(await mkdtemp(join(tmpdir(), 'holdall-honest-')))
  server.bucket().objects.clear()
  server.requests.length = 0
  const { accessKeyId: accessKey, secretAccessKey: secretKey } = server.credentials
  const OPTIONS = { bucketName: 'media', endpointUrl: server.url, regionName: server.region, accessKey, secretKey }
  bucket = new S3Storage(OPTIONS, { settings: {}, env: {} })
  const local = (location: string) => ({ BACKEND: 'local', OPTIONS: { location } })
  const STORAGES = {
    default: local('media'),
    again: local('media'),
    part: local('media/t'),
    s3: { BACKEND: 's3', OPTIONS },
    s3again: { BACKEND: 's3', OPTIONS: { ...OPTIONS, location: 't' } },
  }
  await put('holdall.config.json', JSON.stringify({ STORAGES }))
  await put('media/t/a.txt', 'alpha')
  await put('media/t/sub/b.txt', 'beta')
  await put('media/top.txt', 'top')
  for (const key of ['t/a.txt', 't/sub/b.txt', 'top.txt']) await store(key, `at ${key}`)
})
afterEach(async () => {
  await bucket.close()
  await rm(dir, { recursive: true })
})

const put = async (name: string, text: string) => {
  await mkdir(join(dir, name, '..'), { recursive: true })
  await writeFile(join(dir, name), text)
}
const store = (key: string, content: string | Buffer) =>
  bucket.calls.driver.write(key, bytesContent(Buffer.from(content)), {}, bucket.calls.context())
const text = (name: string) => readFile(join(dir, name), 'utf8')
const run = (args: readonly string[], options?: InProcess) => inProcess(dir, args, options)
const cli = (...args: string[]) => run(args)
const keys = () => [...server.bucket().objects.keys()].sort()
const files = async (folder: string) =>
  (await readdir(join(dir, folder), { recursive: true, withFileTypes: true }))
    .filter(entry => entry.isFile())
    .map(entry => join(entry.parentPath, entry.name).slice(join(dir, folder).length + 1))
    .sort()

describe.each(['default', 's3'])('rm on %s', alias => {
  test('reports what is not there, and removes nothing else', async () => {
    for (const args of [['absent'], ['t/absent'], ['-r', 'absent'], ['-r', 't/abs']]) {
      const place = `${alias}:${args.at(-1)}`
      for (const dry of [[], ['--dry-run']]) {
        expect(await cli(...dry, 'rm', ...args.slice(0, -1), place)).toEqual({
          code: 1,
          stdout: '',
          stderr: `holdall: There is nothing at '${place}'.\n`,
        })
      }
      expect(await cli('rm', '-f', ...args.slice(0, -1), place)).toEqual({ code: 0, stdout: '', stderr: '' })
    }
    expect([keys(), await files('media')]).toEqual([
      ['t/a.txt', 't/sub/b.txt', 'top.txt'],
      ['t/a.txt', 't/sub/b.txt', 'top.txt'],
    ])
  })

  test('removes no folder without -r', async () => {
    for (const place of [`${alias}:t`, `${alias}:t/`, `${alias}:t/sub`]) {
      expect(await cli('rm', place)).toMatchObject({
        code: 1,
        stdout: '',
        stderr: `holdall: '${place}' is a folder; use -r.\n`,
      })
    }
    expect(await cli('--dry-run', 'rm', `${alias}:t`)).toMatchObject({ code: 1, stdout: '' })
  })

  test('of several names removes those that are there', async () => {
    const { code, stderr } = await cli('rm', `${alias}:top.txt`, `${alias}:absent`, `${alias}:t/a.txt`, `${alias}:t`)
    expect([code, stderr.trim().split('\n').sort()]).toEqual([
      1,
      [
        `holdall: '${alias}:t' is a folder; use -r.`,
        `holdall: There is nothing at '${alias}:absent'.`,
        `removed ${alias}:t/a.txt`,
        `removed ${alias}:top.txt`,
      ],
    ])
    expect(alias === 's3' ? keys() : await files('media')).toEqual(['t/sub/b.txt'])
  })

  test('-r counts what it removed', async () => {
    expect(await cli('rm', '-r', `${alias}:t`)).toEqual({
      code: 0,
      stdout: '',
      stderr: `removed 2 files below ${alias}:t\n`,
    })
    expect(alias === 's3' ? keys() : await files('media')).toEqual(['top.txt'])
  })
})

test('rm asks one question a name, and removes many names by one request', async () => {
  for (let i = 0; i < 12; i++) await store(`n${i}`, 'x')
  server.requests.length = 0
  expect(await cli('rm', ...Array.from({ length: 12 }, (_, i) => `s3:n${i}`))).toMatchObject({ code: 0 })
  const methods = server.requests.map(({ method }) => method)
  expect([methods.filter(m => m === 'HEAD').length, methods.filter(m => m !== 'HEAD')]).toEqual([12, ['POST']])
})

describe.each(['default', 's3'])('a source that is missing in %s', alias => {
  test.each([
    ['get', [], ['out']],
    ['get', ['-r'], ['out']],
    ['cp', [], ['default:new']],
    ['cp', ['-r'], ['default:new']],
    ['mv', [], ['default:new']],
    ['mv', ['-r'], ['default:new']],
  ])('is an error of %s %j', async (command, flags, to) => {
    for (const dry of [[], ['--dry-run']]) {
      const result = await cli(...dry, command, ...flags, `${alias}:absent`, ...to)
      expect(result.stderr).toContain(`There is nothing at '${alias}:absent'.`)
      expect([result.code, result.stdout]).toEqual([1, ''])
    }
    expect([(await files('media')).length, (await readdir(dir)).includes('out')]).toEqual([3, false])
  })

  test('does not stop get -r of the others', async () => {
    const { code, stderr } = await cli('get', '-r', `${alias}:absent`, `${alias}:t`, 'out')
    expect([code, await files('out')]).toEqual([1, ['t/a.txt', 't/sub/b.txt']])
    expect(stderr).toContain(`There is nothing at '${alias}:absent'.`)
    expect(stderr).toContain('2 files copied')
  })

  test('is a folder where -r is left out', async () => {
    for (const args of [
      ['get', `${alias}:t`, 'out'],
      ['cp', `${alias}:t`, 'default:new'],
      ['mv', `${alias}:t`, ':n'],
    ]) {
      for (const dry of [[], ['--dry-run']]) {
        const result = await cli(...dry, ...args)
        expect(result).toEqual({
          code: 2,
          stdout: '',
          stderr: `holdall: ${args[0]}: '${alias}:t' is a folder; use -r.\n`,
        })
      }
    }
  })
})

describe('a dry run', () => {
  test('of put reports a missing file, and names that are taken', async () => {
    await put('a.txt', 'new')
    expect(await cli('--dry-run', 'put', 'absent.txt', ':')).toMatchObject({ code: 1, stdout: '' })
    const plan = async (...args: string[]) => (await cli('--dry-run', 'put', ...args)).stdout
    for (const alias of ['default', 's3']) {
      expect(await plan('a.txt', `${alias}:t/`)).toBe(`would store ${alias}:t/a.txt under another name: it exists\n`)
      expect(await plan('--overwrite', 'a.txt', `${alias}:t/`)).toBe(`would replace ${alias}:t/a.txt\n`)
      expect(await plan('--skip-existing', 'a.txt', `${alias}:t/`)).toBe(
        `would leave out ${alias}:t/a.txt: it exists\n`,
      )
      expect(await plan('a.txt', `${alias}:`)).toBe(`would store ${alias}:a.txt\n`)
    }
  })

  test('of cp and mv reports names that are taken', async () => {
    const plan = async (...args: string[]) => (await cli('--dry-run', ...args)).stdout
    expect(await plan('cp', ':t/a.txt', ':top.txt')).toBe(
      'would copy default:t/a.txt to default:top.txt under another name: it exists\n',
    )
    expect(await plan('mv', '--overwrite', 's3:t/a.txt', ':top.txt')).toBe(
      'would move s3:t/a.txt to default:top.txt, which is replaced\n',
    )
    expect(await plan('cp', '-r', 's3:t', ':t')).toContain('under another name')
    expect(await files('media')).toEqual(['t/a.txt', 't/sub/b.txt', 'top.txt'])
  })

  test('of get reports what it would refuse', async () => {
    await put('out/a.txt', 'mine')
    const refused = await cli('--dry-run', 'get', 's3:t/a.txt', 'out/')
    expect(refused).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('use --overwrite') })
    expect((await cli('--dry-run', 'get', '--overwrite', 's3:t/a.txt', 'out/')).stdout).toMatch(/^would replace .*out/)
    const tree = await cli('--dry-run', 'get', '-r', 's3:t', 'out')
    expect(tree).toMatchObject({ code: 1, stderr: expect.stringContaining('1 file would be copied, 1 failed') })
    expect(await files('out')).toEqual(['a.txt'])
  })
})

describe('a copy onto itself is refused', () => {
  test.each([
    [':t/a.txt', ':t/a.txt'],
    [':t/a.txt', ':./t/a.txt'],
    [':t/a.txt', ':t/'],
    [':t/a.txt', 'again:t/a.txt'],
    [':t/a.txt', 'part:a.txt'],
    ['s3:t/a.txt', 's3again:a.txt'],
    ['s3:top.txt', 's3:'],
  ])('%s to %s', async (from, to) => {
    for (const command of ['cp', 'mv']) {
      for (const options of [[], ['--overwrite'], ['-r', '--overwrite'], ['--dry-run']]) {
        const { code, stdout, stderr } = await cli(command, ...options, from, to)
        expect([command, options, code, stdout, stderr]).toEqual([
          command,
          options,
          2,
          '',
          expect.stringMatching(/same file|both source and target|is inside/),
        ])
      }
    }
    expect([keys().length, await files('media')]).toEqual([3, ['t/a.txt', 't/sub/b.txt', 'top.txt']])
  })

  test.each([
    [':t', ':t'],
    [':t', ':t/new'],
    [':t', 'again:t/new'],
    [':t', 'part:'],
    [':', 'part:sub'],
    [':t', ':link/new'],
    ['s3:t', 's3:t/new'],
    ['s3:', 's3again:'],
  ])('the folder %s to %s', async (from, to) => {
    await symlink('t', join(dir, 'media/link'))
    for (const args of [
      ['cp', '-r'],
      ['mv', '-r'],
      ['cp', '-r', '--resume'],
      ['--dry-run', 'cp', '-r'],
    ]) {
      const { code, stderr } = await cli(...args, from, to)
      expect([args, code, stderr]).toEqual([args, 2, expect.stringMatching(/is inside|both source and target/)])
    }
    expect([keys().length, (await files('media')).length]).toEqual([3, 3])
  })

  test('but not a folder whose name only begins alike', async () => {
    expect(await cli('cp', '-r', ':t', ':t2')).toMatchObject({ code: 0 })
    expect(await cli('cp', '-r', ':t/sub', ':t')).toMatchObject({ code: 0 })
    expect(await files('media/t')).toEqual(['a.txt', 'b.txt', 'sub/b.txt'])
  })

  test('put -r stores no folder in itself', async () => {
    for (const [path, place] of [
      ['.', 'default:'],
      ['media', ':'],
      ['media/t', 'part:deep/er'],
    ] as const) {
      expect(await cli('put', '-r', path, place)).toMatchObject({
        code: 2,
        stdout: '',
        stderr: expect.stringContaining(`is inside the folder '${path}'`),
      })
    }
    expect((await files('media')).length).toBe(3)
  })
})

describe('a place without an alias', () => {
  test('is in default for every command that takes places', async () => {
    expect((await cli('cat', 'top.txt')).stdout).toBe('top')
    expect((await cli('ls', 't')).stdout).toContain('t/a.txt\n')
    expect((await cli('get', 'top.txt', '-')).stdout).toBe('top')
    expect(await cli('get', 't/a.txt')).toMatchObject({ code: 0, stdout: `${join(dir, 'a.txt')}\n` })
    expect(await cli('get', 't/a.txt', 'here.txt')).toMatchObject({ code: 0 })
    expect([await text('a.txt'), await text('here.txt')]).toEqual(['alpha', 'alpha'])
    expect((await cli('cp', 'top.txt', 'copy.txt')).stdout).toBe('default:copy.txt\n')
    expect((await cli('mv', 'copy.txt', 'moved.txt')).stdout).toBe('default:moved.txt\n')
    expect(await cli('rm', 'moved.txt')).toMatchObject({ code: 0, stderr: 'removed default:moved.txt\n' })
    expect((await cli('stat', '--json', 'top.txt')).stdout).toContain('"size": 3')
    expect((await cli('put', 'here.txt')).stdout).toBe('default:here.txt\n')
  })

  test('is named where a file of this machine is meant', async () => {
    await put('mine.txt', 'x')
    expect((await cli('cp', 'mine.txt', 'docs/')).stderr).toContain("'holdall put mine.txt default:docs/' stores it")
    expect((await cli('put', 'mine.txt', 'docs/')).stderr).toContain("is written 'default:docs/'")
    expect((await cli('put', 's3:top.txt', ':')).stderr).toContain('use cp between storages')
  })

  test('put explains a colon in a name', async () => {
    await put('2026:report.txt', 'x')
    for (const args of [['2026:report.txt'], ['media/top.txt', '2026:report.txt']]) {
      const { code, stderr } = await cli('put', ...args)
      expect([code, stderr]).toEqual([
        2,
        "holdall: put: '2026:report.txt' is read as a place in the storage '2026': write './2026:report.txt' for the file of this machine.\n",
      ])
    }
    expect((await cli('put', './2026:report.txt', ':')).stdout).toBe('default:2026:report.txt\n')
    expect((await cli('put', 'top.txt', '2025:x')).stderr).toContain(
      "Could not find config for '2025' in settings.STORAGES. Known: default, again, part, s3, s3again",
    )
  })
})

describe.runIf(process.platform !== 'win32')('a name with a backslash', () => {
  test('is refused, and makes no folder', async () => {
    await put('tree/back\\slash.txt', 'x')
    await put('tree/plain.txt', 'y')
    const one = await cli('put', 'tree/back\\slash.txt', 's3:')
    expect(one).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('has a backslash') })
    const tree = await cli('put', '-r', 'tree', 's3:new')
    expect(tree).toMatchObject({ code: 1, stdout: 's3:new/plain.txt\n' })
    expect(tree.stderr).toContain('1 file stored, 1 failed')
    for (const command of [
      ['put', 'tree/plain.txt'],
      ['cp', ':top.txt'],
      ['mv', ':top.txt'],
    ]) {
      expect(await cli(...command, 's3:x\\y')).toMatchObject({
        code: 1,
        stderr: expect.stringContaining('has a backslash'),
      })
    }
    expect((await cli('put', 'tree/back\\slash.txt', 's3:other.txt')).stdout).toBe('s3:other.txt\n')
    expect(keys()).toEqual(['new/plain.txt', 'other.txt', 't/a.txt', 't/sub/b.txt', 'top.txt'])
  })

  test('of a bucket is copied under no other name', async () => {
    await store('t/back\\slash', 'x')
    expect(await cli('cp', '-r', 's3:t', ':copy')).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/has a backslash[\s\S]*2 files copied, 1 failed/),
    })
    expect(await files('media/copy')).toEqual(['a.txt', 'sub/b.txt'])
  })
})

describe('what strangers ran into', () => {
  test('an alias without its colon is no name', async () => {
    for (const args of [
      ['cp', 'top.txt', 's3'],
      ['ls', 's3'],
      ['get', 's3'],
      ['rm', '-r', 's3'],
    ]) {
      expect(await cli(...args)).toMatchObject({ code: 2, stderr: expect.stringContaining("write 's3:' for it") })
    }
    expect((await cli('cp', 'top.txt', ':s3')).stdout).toBe('default:s3\n')
  })

  test('a folder where a file is expected is named as one', async () => {
    for (const alias of ['default', 's3']) {
      expect((await cli('cat', `${alias}:t`)).stderr).toMatch(/is a (?:folder|directory)/)
      expect((await cli('cat', `${alias}:absent`)).stderr).toContain(`There is nothing at '${alias}:absent'`)
      expect((await cli('cat', `${alias}:top.txt/`)).stderr).toContain('leave the slash out')
      expect((await cli('get', `${alias}:t/`, 'out/')).stderr).toContain(`'${alias}:t/' is a folder; use -r.`)
      expect(JSON.parse((await cli('--json', 'stat', `${alias}:t`)).stdout)).toMatchObject({ isDirectory: true })
      expect((await cli('stat', `${alias}:absent`)).stderr).toContain('There is nothing at')
    }
  })

  test('put stores nothing where one of its sources cannot be', async () => {
    expect(await cli('put', 'media/top.txt', 'media', 's3:new/')).toMatchObject({ code: 2, stdout: '' })
    expect(keys()).toHaveLength(3)
  })

  test('mv -r leaves no empty folders, and keeps what it did not move', async () => {
    await put('media/odd/deep/back\\slash', 'x')
    await put('media/odd/deep/er/plain', 'x')
    expect(await cli('mv', '-r', ':t', 's3:moved')).toMatchObject({ code: 0 })
    expect(await readdir(join(dir, 'media'))).toEqual(['odd', 'top.txt'])
    expect(await cli('mv', '-r', ':odd', 's3:odd')).toMatchObject({ code: process.platform === 'win32' ? 0 : 1 })
  })

  test('containers --create reports what was there', async () => {
    const again = await cli('containers', 's3', '--create', 'media')
    expect(again).toEqual({ code: 1, stdout: '', stderr: "holdall: 'media' is there already.\n" })
    expect((await cli('containers', 's3', '--create', 'fresh')).stderr).toBe('created fresh\n')
    expect((await cli('containers', 's3', '--create')).stderr).toBe('the container of the storage is there now\n')
  })
})

test('nothing is replaced without --overwrite, also where the storage would', async () => {
  await put('top.txt', 'other')
  const { code, stdout } = await cli('put', 'top.txt', 's3:')
  expect([code, stdout]).toEqual([0, expect.stringMatching(/^s3:top_\w{7}\.txt\n$/)])
  expect((await cli('cat', 's3:top.txt')).stdout).toBe('at top.txt')
  const copied = await cli('cp', '-r', ':', 's3:')
  expect(copied.stderr).toBe('3 files copied, 3 of them under another name\n')
  expect((await cli('cat', 's3:t/a.txt')).stdout).toBe('at t/a.txt')
})

describe('--skip-existing', () => {
  test('leaves out what is there, and counts it', async () => {
    await put('tree/a.txt', 'new')
    await put('tree/n.txt', 'new')
    const stored = await cli('put', '-r', '--skip-existing', 'tree', 's3:t')
    expect(stored).toEqual({ code: 0, stdout: 's3:t/n.txt\n', stderr: '1 file stored, 1 left out since they exist\n' })
    const again = await cli('--json', 'put', '-r', '--skip-existing', 'tree', 's3:t')
    expect(
      again.stdout
        .trim()
        .split('\n')
        .map(line => JSON.parse(line))
        .at(-1),
    ).toEqual({
      summary: { stored: 0, renamed: 0, skipped: 2, failed: 0 },
    })
    const copied = await cli('cp', '-r', '--skip-existing', 's3:t', ':t')
    expect(copied).toMatchObject({ code: 0, stdout: 'default:t/n.txt\n' })
    expect(copied.stderr).toContain('1 file copied, 2 left out')
    await put('out/a.txt', 'mine')
    expect((await cli('get', '-r', '--skip-existing', 's3:t', 'out')).stderr).toBe(
      '2 files copied, 1 left out since they exist\n',
    )
    expect([await text('out/a.txt'), await text('media/t/a.txt')]).toEqual(['mine', 'alpha'])
    expect(await cli('get', '--skip-existing', 's3:t/a.txt', 'out/a.txt')).toMatchObject({ code: 0, stdout: '' })
    expect(await cli('cp', '--skip-existing', 's3:t/a.txt', ':t/')).toMatchObject({ code: 0, stdout: '' })
    expect(await cli('put', '--skip-existing', '--overwrite', 'tree/a.txt', ':')).toMatchObject({ code: 2 })
  })

  test('looks by one listing where there are many', async () => {
    for (let i = 0; i < 40; i++) await put(`tree/${i}.txt`, 'x')
    expect(await cli('put', '-r', '--skip-existing', '--concurrency', '16', 'tree', 's3:many')).toMatchObject({
      code: 0,
      stderr: '40 files stored\n',
    })
    server.requests.length = 0
    expect((await cli('put', '-r', '--skip-existing', 'tree', 's3:many')).stderr).toBe(
      '0 files stored, 40 left out since they exist\n',
    )
    const methods = server.requests.map(({ method }) => method)
    expect([methods.filter(m => m === 'HEAD').length, methods.filter(m => m !== 'HEAD')]).toEqual([4, ['GET']])
  })
})

describe('get', () => {
  test('reads a large file by several requests at a time, and a small one by one', async () => {
    const large = Buffer.alloc(17 * 1024 * 1024, 'large file ')
    await store('big/large.bin', large)
    await store('big/empty', '')
    server.requests.length = 0
    expect(await cli('get', '-r', 's3:big', 'all')).toMatchObject({ code: 0 })
    const gets = server.requests.filter(({ operation }) => operation === 'GetObject').map(({ key }) => key)
    expect(gets.sort()).toEqual(['big/empty', ...Array(3).fill('big/large.bin')])
    expect(large.equals(await readFile(join(dir, 'all/large.bin')))).toBe(true)
    expect(await cli('get', 's3:big/empty', 'none')).toMatchObject({ code: 0 })
    expect(await text('none')).toBe('')
  })
})

describe('on a terminal', () => {
  beforeEach(async () => {
    for (let i = 0; i < 12; i++) await put(`tree/f${i}.txt`, 'x')
  })
  const terminal = { isTerminal: true }
  // The bar is drawn each 50 ms: here that much passes with each look at the clock.
  const hurry = () => {
    let now = Date.now()
    return vi.spyOn(Date, 'now').mockImplementation(() => (now += 51))
  }

  test('a folder is one bar and one line, not a line a file', async () => {
    for (const [args, line] of [
      [['put', '-r', 'tree', 'default:many'], '12 files stored'],
      [['get', '-r', 'default:many', 'out'], '12 files copied'],
      [['cp', '-r', 'default:many', 's3:many'], '12 files copied'],
      [['mv', '-r', 'default:many', 'again:moved'], '12 files moved'],
      [['rm', '-r', 's3:many'], 'removed 12 files below s3:many'],
    ] as const) {
      const clock = hurry()
      const { code, stdout, stderr } = await run(args, terminal).finally(() => clock.mockRestore())
      expect([args, code, stdout]).toEqual([args, 0, ''])
      expect(stderr.endsWith(`${line}\n`), stderr).toBe(true)
      expect(stderr).toContain(' of 12 files')
    }
  })

  test('--verbose and --json name each file', async () => {
    const verbose = await run(['--verbose', 'put', '-r', 'tree', 'default:v'], terminal)
    expect(verbose.stdout.trim().split('\n')).toHaveLength(12)
    const json = await run(['--json', 'get', '-r', 'default:v', 'out'], terminal)
    expect(json.stdout.trim().split('\n')).toHaveLength(13)
    expect((await run(['--dry-run', 'rm', '-r', 'default:v'], terminal)).stdout.trim().split('\n')).toHaveLength(12)
  })
})

describe('Ctrl-C reports what was done', () => {
  beforeEach(async () => {
    for (let i = 0; i < 25; i++) await put(`media/many/f${i}.txt`, 'x')
  })
  /** Presses Ctrl-C when so many lines were printed. */
  const pressedAfter = (count: number): InProcess => {
    let lines = 0
    return {
      onWrite: () => {
        lines++
        if (lines === count) process.emit('SIGINT')
      },
    }
  }

  test.each([
    [['get', '-r', ':many', 'out'], 'copied'],
    [['put', '-r', 'media/many', 's3:new'], 'stored'],
    [['cp', '-r', ':many', 's3:new'], 'copied'],
    [['mv', '-r', ':many', ':new'], 'moved'],
  ])('%j', async (args, verb) => {
    const { code, stdout, stderr } = await run(args, pressedAfter(7))
    const done = stdout.trim().split('\n').length
    expect([code, done < 25]).toEqual([130, true])
    // The walk of a folder of this machine may still be under way.
    expect(stderr.replace(/\d+ files (?=stored)/, `${done} of 25 files `)).toBe(
      `interrupted: ${done} of 25 files ${verb}\n`,
    )
  })

  test('also of ls', async () => {
    const ls = await run(['ls', '-r', ':'], pressedAfter(3))
    expect(ls).toMatchObject({ code: 130, stderr: `interrupted: ${ls.stdout.trim().split('\n').length} listed\n` })
  })
})

describe('a duration', () => {
  const expires = async (value: string) => {
    const { stdout } = await cli('url', 's3:top.txt', '--expires', value)
    return new URL(stdout.trim()).searchParams.get('X-Amz-Expires')
  }
  test.each([
    ['90', '90'],
    ['90s', '90'],
    ['10m', '600'],
    ['1h', '3600'],
    ['7d', '604800'],
  ])('%s is %s seconds', async (given, seconds) => {
    expect(await expires(given)).toBe(seconds)
  })

  test.each(['1.5', '10 minutes', '-5', '0', '1e3', '', '10M', '5w', '99999999999999999d'])(
    '%j is refused',
    async given => {
      expect(await cli('url', 's3:top.txt', `--expires=${given}`)).toMatchObject({
        code: 2,
        stdout: '',
        stderr: expect.stringMatching(
          /^holdall: --expires: expected whole seconds, or a duration as 90s, 10m, 1h or 7d/,
        ),
      })
    },
  )

  test('is understood by serve and orphans', async () => {
    expect(await cli('--dry-run', 'serve', 'media', '--expires', '2h')).toMatchObject({ code: 0 })
    expect(await cli('--dry-run', 'serve', 'media', '--expires', '1.5')).toMatchObject({ code: 2 })
    expect(await cli('orphans', 'models.mjs', '--grace', 'soon')).toMatchObject({ code: 2 })
  })
})

/** `holdall migrate` on one machine, with folders of this machine and a bucket. */
import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest'
import { startStrictS3 } from '../servers/strict-s3.ts'
import type { Child } from '../support/child.ts'
import { inProcess, type Printed } from './in-process.ts'
import { startCli } from './run-cli.ts'

const s3 = await startStrictS3()
const folder = await mkdtemp(join(tmpdir(), 'holdall-migrate-cli-'))
const before = { state: process.env['XDG_STATE_HOME'], fleet: process.env['HOLDALL_FLEET_URL'] }

afterAll(async () => {
  await rm(folder, { recursive: true })
  await s3.close()
})

let at = 0
let here: string
beforeEach(async () => {
  here = join(folder, String(at++))
  await mkdir(join(here, 'from/sub'), { recursive: true })
  process.env['XDG_STATE_HOME'] = join(here, 'state')
  delete process.env['HOLDALL_FLEET_URL']
  const location = (name: string) => ({ BACKEND: 'local', OPTIONS: { location: join(here, name) } })
  const bucket = {
    BACKEND: 's3',
    OPTIONS: {
      bucketName: 'media',
      location: `run-${at}`,
      endpointUrl: s3.url,
      regionName: s3.region,
      accessKey: s3.credentials.accessKeyId,
      secretKey: s3.credentials.secretAccessKey,
    },
  }
  const STORAGES = { default: location('media'), old: location('from'), new: location('to'), bucket }
  await writeFile(join(here, 'holdall.config.json'), JSON.stringify({ STORAGES }))
})
afterEach(() => {
  for (const [name, value] of [
    ['XDG_STATE_HOME', before.state],
    ['HOLDALL_FLEET_URL', before.fleet],
  ] as const) {
    if (value === undefined) delete process.env[name]
    else process.env[name] = value
  }
})

const cli = (...args: string[]): Promise<Printed> => inProcess(here, args)
/** A process of its own: the modules of a backend, which the configuration loads, are others here than those of the command line. */
const started = (...args: string[]): Child =>
  startCli(here, args, { env: { XDG_STATE_HOME: join(here, 'state') }, input: '' })
const proc = async (...args: string[]): Promise<Printed> => {
  const { code, stdout, stderr } = await started(...args).ended
  return { code: code ?? -1, stdout, stderr }
}
const put = async (name: string, text: string, place = 'from'): Promise<void> => {
  const path = join(here, place, name)
  await mkdir(dirname(path), { recursive: true })
  await writeFile(path, text)
}
const text = (name: string, place = 'to'): Promise<string> => readFile(join(here, place, name), 'utf8')
const linesOf = ({ stdout }: Printed): Array<Record<string, unknown>> =>
  stdout
    .trim()
    .split('\n')
    .map(line => JSON.parse(line))
const ledgers = (): Promise<string[]> => readdir(join(here, 'state/holdall/migrations'))

describe('migrate', () => {
  it('copies, compares, and says beforehand what is compared and what stays behind', async () => {
    await put('a.txt', 'a')
    await put('sub/b.txt', 'bb')
    const run = await proc('migrate', 'old:', 'bucket:')
    expect(run.code).toBe(0)
    expect(run.stdout).toBe('')
    const lines = run.stderr.split('\n')
    expect(lines[0]).toBe('compared after the copies: names and sizes, and digests where both listings have them')
    expect(lines).toContain('modification times stay behind: s3 cannot set them')
    expect(lines.at(-2)).toBe(
      '2 copied (3 B), 0 unchanged, 0 failed; verified 2: 0 different, contents of 0 compared; 2 had no comparable digest: 2 by size only',
    )
    expect(await ledgers()).toContainEqual(expect.stringMatching(/^[0-9a-f]{32}\.sqlite$/))
    const again = await proc('migrate', 'old:', 'bucket:')
    expect(again).toMatchObject({ code: 0, stderr: expect.stringContaining('0 copied (0 B), 2 unchanged, 0 failed') })
  })

  it('carries times between folders of this machine, unless it should not', async () => {
    await put('a.txt', 'a')
    const time = new Date('2020-01-02T03:04:05Z')
    await utimes(join(here, 'from/a.txt'), time, time)
    expect(await cli('migrate', './from', './to')).toMatchObject({ code: 0 })
    // A local disk moves the time of a replaced file by less than a second, so that its etag is another one.
    const secondOf = async (name: string): Promise<string> =>
      (await stat(join(here, name))).mtime.toISOString().slice(0, 19)
    expect(await secondOf('to/a.txt')).toBe('2020-01-02T03:04:05')
    expect(await cli('migrate', './from', './other', '--no-times')).toMatchObject({ code: 0 })
    expect(await secondOf('other/a.txt')).not.toBe('2020-01-02T03:04:05')
  })

  it('prints each file with --verbose', async () => {
    await put('a.txt', 'a')
    const run = await cli('migrate', 'old:', 'new:', '--verbose')
    expect(run).toMatchObject({ code: 0, stdout: 'copied new:a.txt\n' })
  })

  it('prints JSON: plan, passes, files and a summary', async () => {
    await put('a.txt', 'a')
    const run = await proc('--json', 'migrate', 'old:', 'bucket:www', '--no-count')
    expect(run).toMatchObject({ code: 0, stderr: '' })
    const lines = linesOf(run)
    expect(lines[0]).toEqual({
      type: 'plan',
      source: 'old:',
      target: 'bucket:www',
      verify: 'size',
      ledger: expect.stringMatching(/\/state\/holdall\/migrations\/[0-9a-f]{32}\.sqlite$/),
    })
    expect(lines).toContainEqual({ type: 'leftBehind', attribute: 'modifiedAt', lackedBy: 'target' })
    expect(lines).toContainEqual({ type: 'copied', name: 'a.txt', place: 'bucket:www/a.txt', size: 1 })
    expect(lines.filter(({ type }) => type === 'pass').map(({ pass }) => pass)).toEqual(['copy', 'verify'])
    expect(lines.at(-1)).toMatchObject({
      summary: {
        source: 'old:',
        target: 'bucket:www',
        state: 'done',
        isDone: true,
        counts: { copied: 1, verified: 1 },
      },
    })
    expect(lines.at(-1)).not.toHaveProperty('summary.failedFiles')
  })

  it('prints what would be done with --dry-run, and stores nothing', async () => {
    await put('a.txt', 'a')
    const run = await cli('--dry-run', 'migrate', 'old:', 'new:')
    expect(run).toMatchObject({ code: 0, stdout: 'would copy new:a.txt\n' })
    expect(run.stderr).toContain('1 would be copied (1 B), 0 unchanged, 0 failed\n')
    expect(await readdir(here)).toEqual(['from', 'holdall.config.json'])
    const json = linesOf(await cli('--dry-run', '--json', 'migrate', 'old:', 'new:'))
    expect(json).toContainEqual({ dryRun: true, type: 'copied', name: 'a.txt', place: 'new:a.txt', size: 1 })
    expect(json.at(-1)).toMatchObject({ summary: { dryRun: true } })
  })

  it('selects names, and counts what is older than --since as skipped', async () => {
    for (const name of ['a.txt', 'b.tmp', 'sub/c.txt', 'sub/d.bak']) await put(name, 'x')
    const old = new Date(Date.now() - 10 * 86_400_000)
    await utimes(join(here, 'from/a.txt'), old, old)
    const run = await cli(
      ...'migrate old: new: --include *.txt --include *.tmp --exclude *.tmp --since 7d --no-verify'.split(' '),
    )
    expect(run.code).toBe(0)
    expect(run.stderr).toMatch(
      /^nothing is compared after the copies\nonly files modified since \d{4}-\d\d-\d\d \d\d:\d\d UTC\n/,
    )
    expect(run.stderr).toContain('1 copied (1 B), 0 unchanged, 1 skipped, 0 failed')
    expect(await readdir(join(here, 'to'), { recursive: true })).toEqual(['sub', 'sub/c.txt'])
  })

  it('takes --since last from the ledger, and all files before the first run', async () => {
    await put('a.txt', 'a')
    const old = new Date(Date.now() - 10 * 86_400_000)
    await utimes(join(here, 'from/a.txt'), old, old)
    const first = await cli('migrate', 'old:', 'new:', '--since', 'last')
    expect(first.stderr).toContain('--since last: no run between these places has finished yet; all files take part')
    expect(first.stderr).toContain('1 copied (1 B)')
    await put('b.txt', 'b')
    const next = await cli('migrate', 'old:', 'new:', '--since', 'last')
    expect(next).toMatchObject({ code: 0, stderr: expect.stringContaining('1 copied (1 B), 0 unchanged, 1 skipped') })
  })

  it('deletes after a clean comparison only, and says why not', async () => {
    await put('a.txt', 'a')
    for (const name of ['x', 'y', 'z']) await put(name, name, 'to')
    const held = await cli('migrate', 'old:', 'new:', '--delete')
    expect(held.code).toBe(1)
    expect(held.stderr).toContain(
      '3 files that only the target has are not deleted, because they are more of the target',
    )
    const done = await cli('migrate', 'old:', 'new:', '--delete', '--max-delete', '80', '--verbose')
    expect(done).toMatchObject({ code: 0, stdout: expect.stringContaining('deleted new:x\n') })
    expect(await readdir(join(here, 'to'))).toEqual(['a.txt'])
    await mkdir(join(here, 'empty'))
    const empty = await cli('migrate', './empty', 'new:', '--delete')
    expect(empty).toMatchObject({ code: 1, stderr: expect.stringContaining('--allow-empty-source deletes them') })
    expect(await readdir(join(here, 'to'))).toEqual(['a.txt'])
    const args = ['--delete', '--allow-empty-source', '--max-delete', '100']
    expect(await cli('migrate', './empty', 'new:', ...args)).toMatchObject({ code: 0 })
    expect(await readdir(join(here, 'to'))).toEqual([])
  })

  it('deletes nothing if links of the source were left out', async () => {
    await put('a.txt', 'a')
    await put('b.txt', 'b', 'to')
    await symlink('/etc/passwd', join(here, 'from/b.txt'))
    const run = await cli('migrate', './from', './to', '--delete')
    expect(run.code).toBe(1)
    expect(run.stderr).toContain("from/b.txt' is left out: it leads out of the folder")
    expect(run.stderr).toContain('nothing is deleted, because links of the source were left out')
    expect(await text('b.txt')).toBe('b')
  })

  it('finds differences with --verify full, which size does not show', async () => {
    await put('a.txt', 'aaa')
    expect(await cli('migrate', 'old:', 'new:')).toMatchObject({ code: 0 })
    const run = await cli('migrate', 'old:', 'new:', '--verify', 'full')
    expect(run.stderr).toContain('compared after the copies: the contents of all files')
    expect(run.stderr).toContain('verified 1: 0 different, contents of 1 compared')
  })

  it('keeps its ledger where it should', async () => {
    await put('a.txt', 'a')
    const ledger = join(here, 'own.sqlite')
    expect(await cli('migrate', 'old:', 'new:', '--ledger', ledger)).toMatchObject({ code: 0 })
    expect((await stat(ledger)).size).toBeGreaterThan(0)
    expect(await readdir(here)).not.toContain('state')
    const inside = await cli('migrate', 'old:', 'new:', '--ledger', './from/own.sqlite')
    expect(inside).toMatchObject({ code: 1, stderr: expect.stringContaining('lies in the source. Choose a path') })
    await writeFile(join(here, 'foreign.txt'), 'a')
    const foreign = await cli('migrate', 'old:', 'new:', '--ledger', './foreign.txt')
    expect(foreign).toMatchObject({ code: 1, stderr: expect.stringContaining('is no ledger') })
    await writeFile(join(here, 'state'), '')
    const refused = await cli('migrate', 'old:', 'new:')
    expect(refused.code).toBe(1)
    expect(refused.stderr).toContain('The ledger of this migration cannot be stored: ')
    expect(refused.stderr).toContain('--ledger names another file.')
  })

  it('has one ledger for one pair of places, whatever the aliases', async () => {
    await put('a.txt', 'a')
    await cli('migrate', './from', './to')
    await cli('migrate', './/from/', join(here, 'to'))
    expect((await ledgers()).filter(name => name.endsWith('.sqlite'))).toHaveLength(1)
    await cli('migrate', './from', 'new:sub')
    expect((await ledgers()).filter(name => name.endsWith('.sqlite'))).toHaveLength(2)
  })
})

describe('an interrupted migration', () => {
  it('says how far it came, ends with 130, and the next run continues', async () => {
    for (let n = 0; n < 40; n++) await put(`file-${String(n).padStart(2, '0')}`, 'x')
    // Two uploads wait for ever.
    const held = new Promise<void>(resolve => {
      let left = 2
      const onHold = (): void => void (--left === 0 && resolve())
      const match = ({ key }: { readonly key?: string }): boolean => /file-2[01]$/.test(key ?? '')
      s3.faults.add({ operation: 'PutObject', match, times: 2, fault: { do: 'hold', onHold } })
    })
    const child = started('migrate', 'old:', 'bucket:', '--concurrency', '2')
    await held
    child.process.kill('SIGINT')
    const ended = await child.ended
    expect(ended.code).toBe(130)
    expect(ended.stderr).toMatch(/interrupted: \d+( of 40)? files; run the same command again to continue\n$/)
    const status = await proc('--json', 'migrate', 'status', 'old:', 'bucket:')
    expect(linesOf(status)).toEqual([expect.objectContaining({ state: 'interrupted', pass: 'copy' })])
    s3.requests.length = 0
    const next = await proc('migrate', 'old:', 'bucket:')
    expect(next).toMatchObject({ code: 0, stderr: expect.stringMatching(/verified 40: 0 different/) })
    const copied = s3.requests.filter(({ operation }) => operation === 'PutObject').length
    expect(copied).toBeGreaterThan(0)
    expect(copied).toBeLessThan(25)
    const other = await proc('migrate', 'old:', 'bucket:', '--verify', 'full', '--restart')
    expect(other).toMatchObject({ code: 0 })
  })

  it('is begun anew with --restart only, if its options are others', async () => {
    for (let n = 0; n < 4; n++) await put(`file-${n}`, 'x')
    const held = new Promise<void>(resolve => {
      const match = ({ key }: { readonly key?: string }): boolean => /file-2$/.test(key ?? '')
      s3.faults.add({ operation: 'PutObject', match, times: 1, fault: { do: 'hold', onHold: resolve } })
    })
    const child = started('--json', 'migrate', 'old:', 'bucket:', '--concurrency', '1')
    await held
    child.process.kill('SIGINT')
    const ended = await child.ended
    expect(ended.code).toBe(130)
    expect(JSON.parse(ended.stderr.trim().split('\n').at(-1)!).error).toMatchObject({ name: 'Interrupted' })
    const other = await proc('migrate', 'old:', 'bucket:', '--verify', 'full')
    expect(other).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('has an unfinished run with other options'),
    })
    const anew = await proc('migrate', 'old:', 'bucket:', '--verify', 'full', '--restart')
    expect(anew).toMatchObject({ code: 0, stderr: expect.stringContaining('verified 4: 0 different') })
  })
})

describe('failures', () => {
  const refuse = (name: string, times: number): void =>
    s3.faults.add({
      operation: 'PutObject',
      match: ({ key }: { readonly key?: string }) => key?.endsWith(name) === true,
      times,
      fault: { do: 'refuse', status: 403, code: 'AccessDenied' },
    })

  it('are listed by name, make the exit code 1, and are processed again by retry', async () => {
    await put('a.txt', 'a')
    await put('bad.txt', 'bad')
    refuse('bad.txt', 100)
    const run = await proc('migrate', 'old:', 'bucket:')
    expect(run.code).toBe(1)
    // One line for the file, whatever the number of attempts, and then the counts.
    const lines = run.stderr.trim().split('\n')
    expect(lines.filter(line => line.includes('bad.txt'))).toEqual([lines.at(-2)])
    expect(lines.at(-1)).toMatch(/^1 copied .*, 1 failed; /)
    await put('line\nfeed', 'bad')
    refuse('line\nfeed', 100)
    const odd = await proc('migrate', 'old:', 'bucket:')
    expect(odd.stderr).toMatch(/^holdall: .*line\\x0afeed/m)
    expect(odd.stderr).not.toMatch(/^feed/m)
    await rm(join(here, 'from/line\nfeed'))
    const verbose = await proc('--verbose', 'migrate', 'old:', 'bucket:')
    expect(verbose.stderr.match(/^attempt failed: .*bad\.txt/gm)?.length).toBeGreaterThan(1)
    const shown = await proc('migrate', 'status', 'old:', 'bucket:', '--failures')
    expect(shown.code).toBe(1)
    expect(shown.stdout).toMatch(/^old: -> bucket:\n {2}id +\w+\n {2}state +failed\n/)
    expect(shown.stdout).toMatch(/\n {2}permission_denied bad\.txt: /)
    const [status, failure] = linesOf(await proc('--json', 'migrate', 'status', '--failures'))
    expect(status).toMatchObject({ source: 'old:', target: 'bucket:', state: 'failed' })
    expect(failure).toMatchObject({
      type: 'failed',
      migration: status!['id'],
      name: 'bad.txt',
      code: 'permission_denied',
    })
    const planned = await proc('--dry-run', 'migrate', 'retry')
    expect(planned.stdout).toMatch(/^would process again permission_denied bad\.txt: /)
    // The fleet of the environment, which does not answer here, has no such id.
    process.env['HOLDALL_FLEET_URL'] = 'postgres://127.0.0.1:1/none'
    const beside = await cli('--dry-run', 'migrate', 'retry', String(status!['id']))
    delete process.env['HOLDALL_FLEET_URL']
    expect(beside).toMatchObject({ code: 0, stdout: planned.stdout })
    s3.faults.clear()
    s3.requests.length = 0
    const again = await proc('migrate', 'retry', String(status!['id']))
    expect(again).toMatchObject({ code: 0 })
    expect(s3.requests.filter(({ operation }) => operation === 'PutObject').map(({ key }) => key)).toEqual([
      expect.stringMatching(/bad\.txt$/),
    ])
    expect(await proc('migrate', 'status', 'old:', 'bucket:')).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/state +done/),
    })
    expect(await proc('migrate', 'retry', 'old:', 'bucket:')).toMatchObject({
      code: 0,
      stderr: expect.stringContaining('no failed names in '),
    })
  })
})

describe('status', () => {
  it('shows all ledgers, one by its id, one by a file, and says if there is none', async () => {
    expect(await cli('migrate', 'status')).toMatchObject({
      code: 0,
      stdout: '',
      stderr: expect.stringMatching(/^no migrations in .*state\/holdall\/migrations\n$/),
    })
    await put('a.txt', 'a')
    await cli('migrate', 'old:', 'new:')
    await cli('migrate', 'old:', './other')
    await cli('migrate', 'old:', './third', '--ledger', './own.sqlite')
    const all = linesOf(await cli('--json', 'migrate', 'status'))
    expect(all.map(({ target }) => target)).toEqual([join(here, 'other'), 'new:'])
    const [first] = all
    expect(linesOf(await cli('--json', 'migrate', 'status', String(first!['id'])))).toEqual([first])
    const own = linesOf(await cli('--json', 'migrate', 'status', '--ledger', './own.sqlite'))
    expect(own.map(({ target }) => target)).toEqual([join(here, 'third')])
    expect(await proc('migrate', 'status', 'old:', 'bucket:')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("There is no migration from 'old:' to 'bucket:' in "),
    })
    expect(await cli('migrate', 'status', '--watch')).toMatchObject({ code: 0 })
  })
})

describe('the command line of migrate', () => {
  it.each([
    [['migrate'], "missing required argument 'source'"],
    [['migrate', 'old:'], "missing required argument 'target'"],
    [['migrate', './nowhere', 'new:'], "'./nowhere' does not exist."],
    [['migrate', 'old:', 'new:', '--verify', 'all'], '--verify: expected'],
    [['migrate', 'old:', 'new:', '--delete', '--no-verify'], '--delete needs the comparison'],
    [['migrate', 'old:', 'new:', '--detach'], '--detach needs --fleet.'],
    [['migrate', 'old:', 'new:', '--no-work'], '--no-work needs --fleet.'],
    [['migrate', 'old:', 'new:', '--fleet', 'mysql://me:pa55@host/a'], '--fleet: expected the URL'],
    [
      ['migrate', 'old:', 'new:', '--fleet', 'postgres://h/d', '--ledger', 'x'],
      '--ledger and --fleet exclude each other',
    ],
    [['migrate', 'status', 'old:'], "'old:' is a place: name source and target, or the id"],
    [['migrate', 'status', '--delete'], "'migrate status' has no option '--delete'."],
    [['migrate', 'status', 'a', 'b', 'c'], 'got 3'],
    [['migrate', 'status', '--fleet', 'http://h/d'], '--fleet: expected the URL'],
    [['migrate', 'retry', '--concurrency', '0'], '--concurrency: expected'],
    [['migrate', 'worker'], '--fleet'],
    [['--dry-run', 'migrate', 'old:', 'new:', '--restart'], '--restart and --dry-run exclude each other'],
  ])('%j is a usage error', async (args, message) => {
    const run = await cli(...args)
    expect([run.code, run.stdout]).toEqual([2, ''])
    expect(run.stderr).toContain(message)
    expect(run.stderr).not.toContain('pa55')
  })

  it('takes :status for a place of this name', async () => {
    await put('status/a.txt', 'a', 'media')
    expect(await cli('migrate', ':status', 'new:')).toMatchObject({ code: 0 })
    expect(await text('a.txt')).toBe('a')
  })

  it('shows the options of each subcommand', async () => {
    const help = await cli('migrate', '--help')
    expect(help.code).toBe(0)
    for (const word of ['status', 'retry', 'worker', '--verify', '--since', '--fleet', '--ledger']) {
      expect(help.stdout).toContain(word)
    }
    const status = await cli('migrate', 'status', '--help')
    expect(status).toMatchObject({ code: 0, stdout: expect.stringContaining('--failures') })
    expect(status.stdout).not.toContain('--verify')
  })
})

/** `holdall migrate --fleet` and its subcommands, each in a process of its own, on PostgreSQL. */
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { Client } from 'pg'
import { afterAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { startCli } from '../cli/run-cli.ts'
import { startPostgres } from '../servers/postgres.ts'
import { builtPackage } from '../support/built.ts'
import { Child, type Ended } from '../support/child.ts'

vi.setConfig({ testTimeout: 60_000, hookTimeout: 120_000 })

const postgres = await startPostgres()
const root = await mkdtemp(join(tmpdir(), 'holdall-fleet-cli-'))
afterAll(async () => {
  await rm(root, { recursive: true })
  await postgres.close()
})

let at = 0
let here: string
let url: string
beforeEach(async () => {
  here = join(root, String(at++))
  await mkdir(join(here, 'from'), { recursive: true })
  url = await postgres.createDatabase()
  await configure(here)
})

async function configure(folder: string, aliases: readonly string[] = ['old', 'new', 'third']): Promise<void> {
  const places: Readonly<Record<string, string>> = { old: 'from', new: 'to', third: 'third' }
  const storage = (alias: string) => [alias, { BACKEND: 'local', OPTIONS: { location: join(here, places[alias]!) } }]
  await mkdir(folder, { recursive: true })
  await writeFile(
    join(folder, 'holdall.config.json'),
    JSON.stringify({ STORAGES: Object.fromEntries(aliases.map(storage)) }),
  )
}

const started = (folder: string, ...args: string[]): Child =>
  startCli(folder, args, {
    env: { HOLDALL_FLEET_URL: url, XDG_STATE_HOME: join(here, 'state'), LC_ALL: 'C.UTF-8' },
    input: '',
  })
const cli = (...args: string[]): Promise<Ended> => started(here, ...args).ended
const put = async (count: number, text = (n: number) => `content ${n}`): Promise<void> => {
  for (let n = 0; n < count; n++) await writeFile(join(here, 'from', `f-${String(n).padStart(4, '0')}`), text(n))
}
const linesOf = ({ stdout }: Ended): Array<Record<string, unknown>> =>
  stdout
    .trim()
    .split('\n')
    .filter(line => line !== '')
    .map(line => JSON.parse(line))
const same = async (): Promise<void> => {
  const names = await readdir(join(here, 'from'))
  expect(await readdir(join(here, 'to'))).toEqual(names)
  for (const name of names) {
    expect(await readFile(join(here, 'to', name))).toEqual(await readFile(join(here, 'from', name)))
  }
}

describe('migrate --fleet', () => {
  it('plans, works, watches, and reports', async () => {
    await put(600)
    const run = await cli('migrate', 'old:', 'new:')
    expect(run).toMatchObject({ code: 0, stdout: '' })
    expect(run.stderr).toContain('compared after the copies: names and sizes')
    expect(run.stderr).toContain('600 copied (')
    expect(run.stderr).toContain('verified 600: 0 different')
    await same()
    const again = await cli('--json', 'migrate', 'old:', 'new:', '--since', 'last')
    const lines = linesOf(again)
    expect(lines[0]).toMatchObject({ type: 'plan', source: 'old:', target: 'new:', since: expect.any(String) })
    expect(lines).toContainEqual({ type: 'planned', id: expect.any(String), source: 'old:', target: 'new:' })
    expect(lines.at(-1)).toMatchObject({ summary: { state: 'done', isDone: true, counts: { seen: 600, copied: 0 } } })
    expect(await readdir(here)).not.toContain('state')
  })

  it('leaves the work to workers with --detach and --no-work', async () => {
    await put(50)
    const planned = await cli('migrate', 'old:', 'new:', '--detach')
    expect(planned).toMatchObject({ code: 0, stdout: expect.stringMatching(/^[0-9a-f-]{36}\n$/) })
    const id = planned.stdout.trim()
    const [status] = linesOf(await cli('--json', 'migrate', 'status', id))
    expect(status).toMatchObject({ id, state: 'interrupted', counts: { seen: 0 } })
    const watching = started(here, 'migrate', 'old:', 'new:', '--no-work')
    await watching.complained(new RegExp(`the unfinished migration ${id} goes on`))
    const worker = await cli('migrate', 'worker', '--once', '--verbose')
    expect(worker.code).toBe(0)
    expect(worker.stderr).toMatch(/^worker .+ on postgres:\/\/127\.0\.0\.1:\d+\/d[0-9a-f]+\n/)
    expect(worker.stderr).toContain(`works on old: -> new: (${id})\n`)
    expect(worker.stderr).toContain('done: old: -> new: (50 copied (')
    expect(worker.stderr).toMatch(/this worker: 50 files copied \(\d+ B\), 0 deleted, 0 failed attempts\n$/)
    expect(worker.stdout.match(/^copied f-\d+$/gm)).toHaveLength(50)
    const watched = await watching.ended
    expect(watched).toMatchObject({ code: 0, stderr: expect.stringContaining('50 copied (') })
    await same()
  })

  it('is shown with the ledgers of this machine, unless an option names one of both', async () => {
    await put(1)
    await cli('migrate', 'old:', 'new:')
    await cli('migrate', 'old:', 'third:', '--ledger', join(here, 'state/holdall/migrations/one.sqlite'))
    const targets = async (...args: string[]): Promise<unknown[]> =>
      linesOf(await cli('--json', 'migrate', 'status', ...args)).map(({ target }) => target)
    expect(await targets()).toEqual(['third:', 'new:'])
    expect(await targets('--fleet', url)).toEqual(['new:'])
    expect(await targets('--ledger', join(here, 'state/holdall/migrations/one.sqlite'))).toEqual(['third:'])
    expect(await cli('migrate', 'status', 'nothing')).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/the id 'nothing' in postgres:.* and in .*migrations\.\n$/),
    })
  })

  it('shows what would be done with --dry-run, and plans nothing', async () => {
    await put(2)
    const run = await cli('--dry-run', 'migrate', 'old:', 'new:')
    expect(run).toMatchObject({ code: 0, stdout: 'would copy new:f-0000\nwould copy new:f-0001\n' })
    expect(linesOf(await cli('--json', 'migrate', 'status'))).toEqual([])
    expect(await readdir(here)).toEqual(['from', 'holdall.config.json'])
  })

  it('ends with 130 when it is interrupted, and the same command continues', async () => {
    await put(40)
    const run = started(here, '--verbose', 'migrate', 'old:', 'new:', '--bandwidth', '100', '--concurrency', '1')
    await run.printed(/^copied new:f-/m)
    run.process.kill('SIGINT')
    const ended = await run.ended
    expect(ended.code).toBe(130)
    expect(ended.stderr).toMatch(
      /interrupted: \d+( of \d+)? files; other workers go on; run the same command again to continue\n$/,
    )
    const worker = await cli('migrate', 'worker', '--once', '--concurrency', '16')
    expect(worker.code).toBe(0)
    await same()
  })

  it('deletes after a clean comparison, and says why not', async () => {
    await put(4)
    await mkdir(join(here, 'to'))
    for (const name of ['x', 'y', 'z', 'q', 'r', 's']) await writeFile(join(here, 'to', name), name)
    const held = await cli('migrate', 'old:', 'new:', '--delete')
    expect(held).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('6 files that only the target has are not deleted'),
    })
    const shown = await cli('migrate', 'status')
    expect(shown).toMatchObject({
      code: 1,
      stdout: expect.stringMatching(/\n {2}state +done\n[\s\S]*\n {2}deleted +nothing, because they are more of/),
    })
    const done = await cli('migrate', 'old:', 'new:', '--delete', '--max-delete', '90')
    expect(done).toMatchObject({ code: 0, stderr: expect.stringContaining('6 only at the target, 6 deleted') })
    await same()
  })
})

describe('migrate status and retry of a fleet', () => {
  it('list failed names, and give them back to the workers', async () => {
    await put(5)
    await mkdir(join(here, 'to/f-0002/in-the-way'), { recursive: true })
    const run = await cli('migrate', 'old:', 'new:')
    expect(run.code).toBe(1)
    const lines = run.stderr.trim().split('\n')
    expect(lines.filter(line => line.includes('f-0002'))).toEqual([lines.at(-2)])
    expect(lines.at(-1)).toMatch(/^4 copied .*, 1 failed; /)
    const shown = await cli('migrate', 'status', 'old:', 'new:', '--failures')
    expect(shown.code).toBe(1)
    expect(shown.stdout).toMatch(/^old: -> new:\n {2}id +[0-9a-f-]{36}\n {2}state +failed\n/)
    expect(shown.stdout).toMatch(/\n {2}pages +0 waiting, 0 running, 0 failed\n/)
    expect(shown.stdout).toMatch(/\n {2}\w+ +f-0002: .+\n$/)
    const planned = await cli('--dry-run', 'migrate', 'retry')
    expect(planned.stdout).toBe('would give back to the workers: 1 failed names, 0 failed pages of old: -> new:\n')
    await rm(join(here, 'to/f-0002'), { recursive: true })
    const given = await cli('migrate', 'retry', 'old:', 'new:')
    expect(given).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^given back to the workers: 1 failed names/),
    })
    expect(await cli('migrate', 'worker', '--once')).toMatchObject({ code: 0 })
    const watched = await cli('migrate', 'status', '--watch')
    expect(watched).toMatchObject({ code: 0, stdout: expect.stringMatching(/state +done/) })
    await same()
    const nothing = await cli('migrate', 'retry')
    expect(nothing).toMatchObject({ code: 0, stderr: expect.stringMatching(/^no failed names and pages in postgres:/) })
  })

  it('show workers that were not heard of, and pages whose retries are used up', async () => {
    await put(1)
    const id = (await cli('migrate', 'old:', 'new:', '--detach')).stdout.trim()
    const client = new Client(url)
    await client.connect()
    try {
      await client.query(
        `INSERT INTO holdall_fleet.workers (migration, name, seen_at, files, bytes, files_per_sec, bytes_per_sec)
         VALUES ($1, 'lost', now() - interval '2 minutes', 7, 1000, 1, 1), ($1, 'alive', now(), 8, 2000, 4, 1)`,
        [id],
      )
      await client.query(
        `INSERT INTO holdall_fleet.pages (id, migration, stage, items, size, first, last, state, error)
         VALUES (gen_random_uuid(), $1, 'copy', '', 500, 'a', 'z', 'failed', 'the alias is missing')`,
        [id],
      )
    } finally {
      await client.end()
    }
    const shown = await cli('migrate', 'status', id)
    expect(shown).toMatchObject({ code: 0, stderr: '' })
    expect(shown.stdout).toContain('  state     running, copying\n')
    expect(shown.stdout).toMatch(
      / {2}pages +0 waiting, 0 running, 1 failed \(their retries are used up; 'holdall migrate retry'/,
    )
    expect(shown.stdout).toContain("500 names, 'a' to 'z': the alias is missing\n")
    expect(shown.stdout).toMatch(/ {2}worker +lost: 7 files, 1\.0 kB, not heard of for 2m 0\ds\n/)
    expect(shown.stdout).toContain('  worker    alive: 8 files, 2.0 kB, 4.0 files/s\n')
  })

  it('say if there is no such migration', async () => {
    expect(await cli('migrate', 'status')).toMatchObject({
      code: 0,
      stderr: expect.stringMatching(/^no migrations in postgres:\/\/127/),
    })
    for (const command of ['status', 'retry']) {
      const run = await cli('migrate', command, 'old:', 'new:')
      expect(run).toMatchObject({
        code: 1,
        stderr: expect.stringContaining("There is no migration from 'old:' to 'new:'"),
      })
    }
    const ledgers = await cli('migrate', 'status', '--ledger', './absent.sqlite')
    expect(ledgers).toMatchObject({ code: 0, stderr: 'no migrations in ./absent.sqlite\n' })
  })
})

describe('migrate worker', () => {
  it('names an alias that it lacks, works on other migrations, and another worker does the rest', async () => {
    await put(3)
    await mkdir(join(here, 'third'))
    await writeFile(join(here, 'third/t'), 't')
    const other = join(here, 'other')
    await configure(other, ['new', 'third'])
    await cli('migrate', 'old:', 'new:sub', '--detach')
    await cli('migrate', 'third:', 'new:', '--detach')
    const worker = started(other, 'migrate', 'worker')
    await worker.complained(/This worker cannot use 'old:'.*Could not find config for 'old'/)
    await worker.until('the other migration ended', async () => {
      const all = linesOf(await cli('--json', 'migrate', 'status'))
      return all.some(({ source, state }) => source === 'third:' && state === 'done')
    })
    expect(await readFile(join(here, 'to/t'), 'utf8')).toBe('t')
    expect(await cli('migrate', 'worker', '--once')).toMatchObject({ code: 0 })
    expect(await readdir(join(here, 'to/sub'))).toHaveLength(3)
    worker.process.kill('SIGINT')
    const ended = await worker.ended
    expect(ended.code).toBe(130)
    expect(ended.stderr).toMatch(
      /interrupted: 1 files copied \(1 B\), 0 deleted, 0 failed attempts; other workers continue/,
    )
    // It is reported once, not at each attempt.
    expect(ended.stderr.match(/This worker cannot use/g)).toHaveLength(1)
  })

  it('prints JSON', async () => {
    await put(2)
    await cli('migrate', 'old:', 'new:', '--detach')
    const lines = linesOf(await cli('--json', 'migrate', 'worker', '--once'))
    expect(lines[0]).toMatchObject({ type: 'works', source: 'old:', target: 'new:' })
    expect(lines).toContainEqual(
      expect.objectContaining({ type: 'copied', name: 'f-0000', migration: lines[0]!['migration'] }),
    )
    expect(lines.at(-1)).toEqual({ summary: { copied: 2, deleted: 0, failedAttempts: 0, bytes: 18 } })
  })
})

describe('the database', () => {
  it('is never printed with its password, also if it cannot be reached', async () => {
    const secret = url.replace('postgres@', 'someone:pa55word@')
    const run = await startCli(here, ['migrate', 'status', '--fleet', secret.replace(/\/d[0-9a-f]+$/, '/absent')], {
      input: '',
    }).ended
    expect(run.code).toBe(1)
    expect(run.stderr).toContain('use HOLDALL_FLEET_URL instead')
    expect(run.stdout + run.stderr).not.toContain('pa55word')
    const args = ['migrate', 'worker', '--once', '--fleet', 'postgres://me:pa55word@127.0.0.1:1/x']
    const closed = await startCli(here, args, { input: '' }).ended
    expect(closed).toMatchObject({ code: 1, stderr: expect.stringContaining('ECONNREFUSED') })
    expect(JSON.stringify(closed)).not.toContain('pa55word')
  })

  it('needs two packages, which the error names', async () => {
    const built = await builtPackage()
    const folder = join(here, 'package')
    await cp(join(built, 'dist'), join(folder, 'dist'), { recursive: true })
    await cp(join(built, 'package.json'), join(folder, 'package.json'))
    const { dependencies } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as {
      readonly dependencies: Readonly<Record<string, string>>
    }
    for (const name of Object.keys(dependencies)) {
      await mkdir(dirname(join(folder, 'node_modules', name)), { recursive: true })
      await symlink(join(import.meta.dirname, '../../node_modules', name), join(folder, 'node_modules', name))
    }
    const args = [join(folder, 'dist/cli/bin.js'), 'migrate', 'status']
    const run = await new Child(process.execPath, args, {
      cwd: here,
      input: '',
      env: { PATH: process.env['PATH'], HOLDALL_FLEET_URL: url },
    }).ended
    expect(run.code).toBe(1)
    expect(run.stderr).toMatch(/needs the package 'pg'\. Install it: npm i pg/)
  })
})

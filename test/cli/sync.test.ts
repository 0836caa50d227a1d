/** `holdall sync` and `holdall check SOURCE TARGET`, each command in a process of its own. */
import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { startStrictS3 } from '../servers/strict-s3.ts'
import type { Ended } from '../support/child.ts'
import { startCli } from './run-cli.ts'

const s3 = await startStrictS3()
const folder = await mkdtemp(join(tmpdir(), 'holdall-sync-cli-'))
afterAll(async () => {
  await rm(folder, { recursive: true })
  await s3.close()
})
await writeFile(
  join(folder, 'holdall.config.json'),
  JSON.stringify({
    STORAGES: {
      default: { BACKEND: 'local', OPTIONS: { location: 'stored' } },
      bucket: {
        BACKEND: 's3',
        OPTIONS: {
          bucketName: 'media',
          endpointUrl: s3.url,
          regionName: s3.region,
          accessKey: s3.credentials.accessKeyId,
          secretKey: s3.credentials.secretAccessKey,
        },
      },
    },
  }),
)
const site = join(folder, 'site')
await mkdir(join(site, 'sub'), { recursive: true })

const cli = (...args: string[]): Promise<Ended> =>
  startCli(folder, args, { env: { XDG_CACHE_HOME: join(folder, 'cache') }, input: '' }).ended
const put = (name: string, text: string): Promise<void> => writeFile(join(site, name), text)
const keys = (): string[] => [...s3.bucket().objects.keys()].filter(key => s3.bucket().current(key)).sort()
const last = ({ stdout }: Ended): unknown => JSON.parse(stdout.trim().split('\n').at(-1)!)

it('copies what changed, says what it did, and asks for nothing but a listing when nothing changed', async () => {
  await put('a.txt', 'a')
  await put('sub/b.txt', 'b')
  await put('sub/c.map', 'c')
  const planned = await cli('--dry-run', 'sync', './site', 'bucket:www')
  expect(planned).toMatchObject({ code: 0, stderr: expect.stringMatching(/^3 would be copied \(3 B\), 0 unchanged/) })
  expect(planned.stdout).toContain('would copy bucket:www/sub/b.txt\n')
  expect(keys()).toEqual([])
  const first = await cli('sync', './site', 'bucket:www', '--exclude', '*.map')
  expect(first).toMatchObject({ code: 0, stderr: '2 copied (2 B), 0 unchanged, 0 deleted, 0 failed\n' })
  expect(first.stdout.trim().split('\n').sort()).toEqual(['copied bucket:www/a.txt', 'copied bucket:www/sub/b.txt'])
  expect(keys()).toEqual(['www/a.txt', 'www/sub/b.txt'])
  s3.requests.length = 0
  const second = await cli('sync', './site', 'bucket:www', '--exclude', '*.map')
  expect(second).toMatchObject({
    code: 0,
    stdout: '',
    stderr: '0 copied (0 B), 2 unchanged, 0 deleted, 0 failed; unchanged 2 as at the last run\n',
  })
  expect(s3.requests.map(({ operation }) => operation)).toEqual(['ListObjectsV2'])
  expect(await readdir(join(folder, 'cache/holdall/sync'))).toHaveLength(1)
})

it('holds deletions back, and deletes with the flag that allows it', async () => {
  const held = await cli('sync', './site/sub', 'bucket:www', '--delete', '--max-delete', '20', '--no-record')
  expect(held).toMatchObject({ code: 1, stderr: expect.stringContaining('--max-delete') })
  expect(keys()).toEqual(['www/a.txt', 'www/b.txt', 'www/c.map', 'www/sub/b.txt'])
  const done = await cli('--json', 'sync', './site/sub', 'bucket:www', '--delete', '--no-record')
  expect(done).toMatchObject({ code: 0, stderr: '' })
  expect(last(done)).toMatchObject({ summary: { copied: 0, unchanged: 2, deleted: 2, inSync: true } })
  expect(keys()).toEqual(['www/b.txt', 'www/c.map'])
  await mkdir(join(folder, 'empty'))
  const empty = await cli('sync', './empty', 'bucket:www', '--delete')
  expect(empty).toMatchObject({ code: 1, stderr: expect.stringContaining('--allow-empty-source') })
  expect(keys()).toEqual(['www/b.txt', 'www/c.map'])
})

it('names links that lead out of the folder, and deletes nothing then', async () => {
  await mkdir(join(folder, 'linked'))
  await writeFile(join(folder, 'linked/b.txt'), 'b')
  await symlink('/etc/passwd', join(folder, 'linked/c.map'))
  const run = await cli('sync', './linked', 'bucket:www', '--delete')
  expect(run.code).toBe(1)
  expect(run.stderr).toContain("linked/c.map' is left out: it leads out of the folder")
  expect(run.stderr).toContain('nothing is deleted')
  expect(keys()).toEqual(['www/b.txt', 'www/c.map'])
})

it('compares two places, and the exit code says what was found', async () => {
  const equal = await cli('check', './site/sub', 'bucket:www')
  expect(equal).toMatchObject({ code: 0, stdout: '', stderr: expect.stringMatching(/^2 files: 2 equal, 0 missing/) })
  await put('sub/b.txt', 'x')
  await put('sub/new.txt', 'new')
  const differs = await cli('check', './site/sub', 'bucket:www', '--exclude', '*.map')
  expect(differs.code).toBe(1)
  expect(differs.stdout.trim().split('\n').sort()).toEqual(['content  bucket:www/b.txt', 'missing  bucket:www/new.txt'])
  const sizes = await cli('--json', 'check', './site/sub', 'bucket:www', '--include', 'b.txt', '--size-only')
  expect(sizes.code).toBe(3)
  expect(last(sizes)).toMatchObject({ summary: { checked: 1, equal: 1, compared: { size: 1 }, isEqual: true } })
})

it('says what was done when it is interrupted, and deletes nothing', async () => {
  await mkdir(join(folder, 'many'))
  for (let at = 0; at < 40; at++) await writeFile(join(folder, 'many', `file-${at}`), 'x')
  // Two uploads wait for ever.
  const held = new Promise<void>(resolve => {
    let left = 2
    const onHold = (): void => void (--left === 0 && resolve())
    const match = ({ key }: { readonly key?: string }): boolean => /file-[56]$/.test(key ?? '')
    s3.faults.add({ operation: 'PutObject', match, times: 2, fault: { do: 'hold', onHold } })
  })
  const env = { XDG_CACHE_HOME: join(folder, 'cache') }
  const child = startCli(folder, ['sync', './many', 'bucket:www', '--delete', '--concurrency', '2'], { env, input: '' })
  await held
  child.process.kill('SIGINT')
  const ended = await child.ended
  expect(ended.code).toBe(130)
  expect(ended.stderr).toMatch(/^\d+ copied \(\d+ B\), 0 unchanged, 0 deleted, 0 failed; not finished\n/)
  expect(keys()).toContain('www/b.txt')
})

it('goes on without a record where the cache cannot be written, and says that a name without a colon is no folder here', async () => {
  await writeFile(join(folder, 'file'), '')
  await mkdir(join(folder, 'copy'))
  const env = { XDG_CACHE_HOME: join(folder, 'file') }
  const run = await startCli(folder, ['sync', 'bucket:www', 'copy'], { env, input: '' }).ended
  expect(run).toMatchObject({ code: 0 })
  expect(run.stderr).toContain('no record of this run is kept: ENOTDIR')
  expect(run.stderr).toContain("'copy' is a path in 'default'; the folder here is './copy'\n")
  expect(await readdir(join(folder, 'copy'))).toEqual([])
  const foreign = await cli('sync', './site', 'bucket:www', '--record', join(site, 'a.txt'))
  expect(foreign).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('is no record of sync, and is not replaced'),
  })
})

it('refuses what it does not understand with 2', async () => {
  for (const [args, text] of [
    [['sync', './nowhere', 'bucket:x'], "'./nowhere' does not exist."],
    [['sync', './site', 'bucket:x', '--max-delete', 'x'], '--max-delete: expected a percentage'],
    [['sync', './site', 'bucket:x', '--checksum', '--size-only'], 'exclude each other'],
    [['check', './site', 'bucket:x', '--sample', '0'], '--sample: expected'],
    [['check', './site'], "check: './site' is a place: name two to compare them"],
    [['check', 'bucket:', 'bucket:a/b', 'bucket:c'], "check: 'bucket:a/b' is a place"],
    [['sync', './site'], "missing required argument 'target'; see 'holdall sync --help'"],
    [['sync', 'a', 'b', 'c'], "got 3: a, b, c; see 'holdall sync --help'"],
    [['check', './site', './site/a.txt'], "'./site/a.txt' is no folder."],
  ] as const) {
    const run = await cli(...args)
    expect(run.stderr).toContain(text)
    expect(run.code).toBe(2)
  }
  const inside = await cli('sync', './site', './site/copy')
  expect(inside).toMatchObject({ code: 1, stderr: 'holdall: The target lies in the source.\n' })
})

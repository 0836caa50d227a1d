import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  realpathSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { LocalStorage } from '../../../src/backends/local/index.ts'
import { bytesContent } from '../../../src/core/content.ts'
import { runChild } from '../../support/child.ts'
import { allFiles, ctx, localDriver, temporaryFolder } from './fixture.ts'
import { before, systemError, warningsDuring } from './hooks.ts'

const LEFTOVER = '.holdall-4194999-abcdef.tmp'

interface Failure {
  readonly code: string
  readonly message: string
  readonly retryable: boolean
  readonly outcome: string
}

interface Limited {
  readonly results: Record<string, unknown>
  readonly warnings: string[]
}

async function limited(limit: 'user' | 'descriptors', location: string): Promise<Limited> {
  const program = join(import.meta.dirname, 'limited.child.ts')
  const shell = ['-c', 'ulimit -n 64; exec "$0" "$@"', process.execPath, program, limit, location]
  return JSON.parse((await runChild('sh', shell)).stdout)
}

function grow(root: string): void {
  for (const name of ['shut', 'unsearchable', 'open', 'z']) mkdirSync(join(root, name), { recursive: true })
  for (const name of ['file', 'unreadable', 'shut/file', 'unsearchable/file', 'open/file', 'z/file'])
    writeFileSync(join(root, name), 'old')
  for (const name of ['', 'shut', 'open', 'z']) writeFileSync(join(root, name, LEFTOVER), '')
}

test('who may not read a folder is told so, and gets all the rest', async () => {
  using folder = temporaryFolder()
  const root = join(folder.path, 'root')
  grow(root)
  for (const path of [folder.path, root]) chmodSync(path, 0o755)
  for (const name of ['open', 'z']) chmodSync(join(root, name), 0o777)
  chmodSync(join(root, 'unsearchable'), 0o744)
  for (const name of ['shut', 'unreadable']) chmodSync(join(root, name), 0)
  // The owner may leave the modes of what is his: only another user can be shut out.
  const { results, warnings } = await limited('user', root)
  chmodSync(join(root, 'shut'), 0o755)
  expect(results['list']).toEqual(['file', 'open/file', 'unreadable', 'z/file'])
  expect(warnings.slice(0, 2).sort()).toEqual([
    '"shut/" is left out: EACCES: permission denied.',
    '"unsearchable/file" is left out: EACCES: permission denied.',
  ])
  expect(results['sweep']).toBe(2)
  expect(['open', 'z', 'shut', ''].map(name => existsSync(join(root, name, LEFTOVER)))).toEqual([
    false,
    false,
    true,
    true,
  ])
  for (const call of ['listShut', 'read', 'save', 'saveInto', 'copy', 'change', 'delete']) {
    const failure = results[call] as Failure
    expect(failure, call).toMatchObject({ code: 'permission_denied', retryable: false, outcome: 'not_applied' })
    expect(failure.message, call).not.toMatch(/\/proc\/|\.holdall-/)
  }
})

test('a process without descriptors is told to try again, and nothing was done', async () => {
  using folder = temporaryFolder()
  grow(folder.path)
  const before = readdirSync(folder.path, { recursive: true }).sort()
  const { results, warnings } = await limited('descriptors', realpathSync(folder.path))
  // Removing a name needs no descriptor where the location is no link.
  const { delete: deleted, ...refused } = results
  expect(deleted).toBeUndefined()
  for (const [call, failure] of Object.entries(refused)) {
    expect(failure, call).toMatchObject({ code: 'unavailable', retryable: true, outcome: 'not_applied' })
    expect((failure as Failure).message, call).not.toMatch(/\/proc\/|\.holdall-/)
  }
  expect(warnings).toEqual([])
  expect(readdirSync(folder.path, { recursive: true }).sort()).toEqual(before.filter(name => name !== 'file'))
})

test('names that are not UTF-8 are reported, and never taken for those of other files', async () => {
  using folder = temporaryFolder()
  const raw = (name: string) => Buffer.concat([Buffer.from(`${folder.path}/`), Buffer.from(name, 'latin1')])
  for (const name of ['caf\xe9', 'twin\xe9', 'twin\xff', 'd\xe9/f']) {
    if (name.includes('/')) mkdirSync(raw(name.slice(0, -2)))
    writeFileSync(raw(name), 'raw')
  }
  writeFileSync(join(folder.path, 'twin\ufffd'), 'proper')
  writeFileSync(join(folder.path, 'file'), '')
  const storage = new LocalStorage({ location: folder.path, fsync: false }, { settings: {}, env: {} })
  for (const recursive of [false, true]) {
    const seen: string[] = []
    const warnings = await warningsDuring(async () => {
      for await (const { name } of storage.entries('', { recursive })) seen.push(name)
    })
    expect(seen.sort()).toEqual(['file', 'twin\ufffd'])
    expect(warnings.filter(text => text.endsWith('is left out: its name is not UTF-8.'))).toHaveLength(4)
  }
  await warningsDuring(() => storage.deleteMany(storage.entries('', { recursive: true })))
  expect(readdirSync(folder.path, 'latin1').sort()).toEqual(['caf\xe9', 'd\xe9', 'twin\xe9', 'twin\xff'])
})

test('an entry that cannot be looked at is reported, and the rest is listed', async () => {
  using folder = temporaryFolder()
  const driver = localDriver(folder.path)
  for (let n = 0; n < 40; n++) await driver.write(`d/${n}`, bytesContent(Buffer.from('x')), {}, ctx)
  symlinkSync('loop', join(folder.path, 'loop'))
  symlinkSync('nowhere', join(folder.path, 'broken'))
  const failing = (code: string, ...names: string[]) =>
    before('lstat', path => {
      if (names.some(name => String(path).endsWith(`/${name}`))) throw systemError(code, 'i/o error', 'lstat')
    })
  {
    using _ = failing('EIO', '7')
    const warnings = await warningsDuring(async () => expect(await allFiles(driver)).toHaveLength(39))
    expect(warnings).toEqual(['"d/7" is left out: EIO: i/o error.'])
  }
  {
    using _ = failing('ENOENT', '8')
    expect(await warningsDuring(async () => expect(await allFiles(driver)).toHaveLength(39))).toEqual([])
  }
  {
    using _ = failing('ESTALE', ...Array.from({ length: 30 }, (_, n) => `${n}`))
    const warnings = await warningsDuring(async () => expect(await allFiles(driver)).toHaveLength(10))
    expect(warnings).toHaveLength(11)
    expect(warnings.at(-1)).toBe('More files or folders are left out.')
  }
  {
    // What the process lacks is no file's fault: a listing that is silently short would be a lie.
    using _ = failing('EMFILE', '9')
    await expect(allFiles(driver)).rejects.toMatchObject({ code: 'EMFILE' })
    await driver.close()
  }
})

test('a temporary file with the number of this process that is older than the process is swept', async () => {
  using folder = temporaryFolder()
  const driver = localDriver(folder.path)
  const name = `.holdall-${process.pid}-abcdef.tmp`
  writeFileSync(join(folder.path, name), '')
  expect(await driver.sweep({ prefix: '', minAgeMs: 0, dryRun: false }, ctx)).toBe(0)
  using uptime = vi.spyOn(process, 'uptime').mockReturnValue(-10)
  using origin = vi.spyOn(performance, 'timeOrigin', 'get').mockReturnValue(Date.now() + 10_000)
  expect(await driver.sweep({ prefix: '', minAgeMs: 0, dryRun: false }, ctx)).toBe(1)
  expect([uptime, origin].every(each => each.mock.calls.length > 0)).toBe(true)
})

test('a sweep removes regular files with exactly the names of the storage, whatever their time', async () => {
  using folder = temporaryFolder()
  const at = (name: string) => join(folder.path, name)
  const own = [
    LEFTOVER,
    `.holdall-${'0'.repeat(40)}.claim`,
    `.holdall-${'a'.repeat(32)}-1-1.meta`,
    `.holdall-99999999999-ab.tmp`,
  ]
  const others = ['.holdall-notes.tmp', '.holdall-1.claim', '.holdall-x-1-1.meta', `.holdall-${process.pid}-ab.tmp`]
  const odd = ['.holdall-4194998-aa.tmp', '.holdall-4194998-bb.tmp', '.holdall-4194998-cc.tmp']
  for (const name of [...own, ...others]) writeFileSync(at(name), '')
  mkdirSync(at(odd[0]!))
  symlinkSync(at('.holdall-notes.tmp'), at(odd[1]!))
  expect(spawnSync('mkfifo', [at(odd[2]!)]).status).toBe(0)
  const storage = new LocalStorage({ location: folder.path }, { settings: {}, env: {} })
  expect(await storage.sweep()).toBe(0)
  // The clock was a year ahead when they were written.
  for (const name of [...own, ...others]) utimesSync(at(name), Date.now() / 1000 + 3e7, Date.now() / 1000 + 3e7)
  {
    using _ = before('unlink', path => {
      if (String(path).endsWith(own[3]!)) throw systemError('EPERM', 'not permitted', 'unlink')
    })
    const warnings = await warningsDuring(async () => expect(await storage.sweep()).toBe(3))
    expect(warnings).toEqual(['".holdall-99999999999-ab.tmp" is left out: EPERM: not permitted.'])
  }
  expect(await storage.sweep()).toBe(1)
  expect(readdirSync(folder.path).sort()).toEqual([...others, ...odd].sort())
  expect(await allFiles(localDriver(folder.path))).toEqual([])
})

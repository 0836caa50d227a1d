/** The runner of CI, on small test files of its own. */
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { Child, type Ended } from '../support/child.ts'

const ROOT = join(import.meta.dirname, '../..')
let root: string
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'holdall-runner-'))
  await symlink(join(ROOT, 'node_modules'), join(root, 'node_modules'))
  await put('good', `test('adds', () => expect(1 + 1).toBe(2))\ntest('holds', () => {})`)
})
afterEach(() => rm(root, { recursive: true, force: true }))

const put = (name: string, code: string) =>
  writeFile(
    join(root, `${name}.test.ts`),
    `import { existsSync, writeFileSync } from 'node:fs'\nimport { expect, test } from 'vitest'
     const first = mark => { const was = existsSync(mark); writeFileSync(mark, ''); return !was }\n${code}\n`,
  )

/** Runs `good` as the plain part and the others as the real one. */
function run(real: string | undefined, limitMs = 40_000): Promise<Ended> {
  const part = (word: string) => ({ title: `the ${word} part`, words: [word], limitMs })
  const script = `
    import { runAll } from '${pathToFileURL(join(ROOT, 'scripts/ci-tests.ts'))}'
    const good = await runAll(${JSON.stringify(part('good'))}, ${JSON.stringify(real && part(real))}, process.cwd())
    process.exitCode = good ? 0 : 1`
  const env = {
    ...process.env,
    NO_COLOR: '1',
    VITEST: undefined,
    VITEST_POOL_ID: undefined,
    VITEST_WORKER_ID: undefined,
  }
  return new Child(process.execPath, ['--input-type=module', '-e', script], { cwd: root, env, input: '' }).ended
}

const lastOf = (text: string): string[] => text.slice(text.lastIndexOf('\n\n')).trim().split('\n')

test('the counts are the last line', async () => {
  const { code, stdout } = await run(undefined)
  expect([code, lastOf(stdout)]).toEqual([0, ['2 passed, 0 failed']])
})

test('what passes only by itself is listed as flaky before the counts, and the run is green', async () => {
  await put('real', `test('is odd', () => expect(first('mark')).toBe(false))\ntest('is good', () => {})`)
  const { code, stdout } = await run('real')
  expect([code, lastOf(stdout)]).toEqual([0, ['flaky: real.test.ts > is odd', '4 passed, 0 failed']])
})

test('a server that starts only at the second run is flaky as a whole file', async () => {
  await put('real', `if (first('mark')) throw new Error('the port is taken')\ntest('is good', () => {})`)
  const { code, stdout, stderr } = await run('real')
  expect([code, lastOf(stdout)]).toEqual([0, ['flaky: real.test.ts', '3 passed, 0 failed']])
  expect(stdout + stderr).toContain('the port is taken')
})

test('what fails twice fails the run, with its log, and what passed the second time is flaky', async () => {
  await put(
    'real',
    `test('is bad', () => { throw new Error('radosgw ended with 1: no monitors') })
     test('is odd', () => expect(first('mark')).toBe(false))`,
  )
  const { code, stdout, stderr } = await run('real')
  const last = ['failed: real.test.ts > is bad', 'flaky: real.test.ts > is odd', '3 passed, 1 failed']
  expect([code, lastOf(stdout)]).toEqual([1, last])
  expect(stdout + stderr).toContain('radosgw ended with 1: no monitors')
})

test('a server that never starts fails the run', async () => {
  await put('real', `throw new Error('Unable to locate package ceph')`)
  const { code, stdout, stderr } = await run('real')
  expect([code, lastOf(stdout)]).toEqual([1, ['failed: real.test.ts', '2 passed, 1 failed']])
  expect((stdout + stderr).split('Error: Unable to locate package ceph').length).toBeGreaterThan(2)
})

test('a part that does not end in time fails the run', async () => {
  await put('real', `test('hangs', () => new Promise(() => {}), 90_000)`)
  const { code, stdout } = await run('real', 8000)
  expect(code).toBe(1)
  expect(lastOf(stdout).at(-1)).toMatch(/^2 passed, [12] failed$/)
  expect(stdout).toContain('failed: the real part > did not end within')
})

test('what fails and then ends without a report is no flaky test', async () => {
  await put(
    'real',
    `test('is bad', () => { if (first('mark')) throw new Error('first'); process.kill(process.ppid, 'SIGKILL') })`,
  )
  const { code, stdout } = await run('real')
  expect(code).toBe(1)
  expect(stdout).toContain('failed: real.test.ts > is bad')
  expect(stdout).not.toContain('flaky:')
})

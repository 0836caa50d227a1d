/** The runner of CI, on small test files of its own. */
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { describe, expect, test } from 'vitest'
import { Child, compilingOnce, type Ended } from '../support/child.ts'

const ROOT = join(import.meta.dirname, '../..')

const LIMIT_MS = 40_000
const HEAD = `import { existsSync, writeFileSync } from 'node:fs'
import { expect, test } from 'vitest'
const first = mark => { const was = existsSync(mark); writeFileSync(mark, ''); return !was }
`
const GOOD = `test('adds', () => expect(1 + 1).toBe(2))\ntest('holds', () => {})`

/** Runs a good file as the plain part and another one as the real part, in a folder of their own. */
async function run(real?: string, limitMs = LIMIT_MS): Promise<Ended> {
  const root = await mkdtemp(join(tmpdir(), 'holdall-runner-'))
  try {
    await symlink(join(ROOT, 'node_modules'), join(root, 'node_modules'))
    await writeFile(join(root, 'good.test.ts'), HEAD + GOOD)
    if (real !== undefined) await writeFile(join(root, 'real.test.ts'), HEAD + real)
    return await runParts(root, real !== undefined, limitMs)
  } finally {
    await rm(root, { recursive: true, force: true })
  }
}

function runParts(root: string, hasReal: boolean, limitMs: number): Promise<Ended> {
  const part = (word: string, limitMs: number) => ({ title: `the ${word} part`, words: [word], limitMs })
  const [good, real] = [part('good', LIMIT_MS), hasReal ? part('real', limitMs) : undefined]
  const script = `
    import { runAll } from '${pathToFileURL(join(ROOT, 'scripts/ci-tests.ts'))}'
    const good = await runAll(${JSON.stringify(good)}, ${JSON.stringify(real)}, process.cwd())
    process.exitCode = good ? 0 : 1`
  const env = {
    ...compilingOnce(),
    NO_COLOR: '1',
    VITEST: undefined,
    VITEST_POOL_ID: undefined,
    VITEST_WORKER_ID: undefined,
  }
  return new Child(process.execPath, ['--input-type=module', '-e', script], { cwd: root, env, input: '' }).ended
}

const lastOf = (text: string): string[] => text.slice(text.lastIndexOf('\n\n')).trim().split('\n')

// Side by side: one waits until its time is up.
describe.concurrent('the runner', () => {
  test('the counts are the last line', async () => {
    const { code, stdout } = await run()
    expect([code, lastOf(stdout)]).toEqual([0, ['2 passed, 0 failed']])
  })

  test('what passes only by itself is listed as flaky before the counts, and the run is green', async () => {
    const { code, stdout } = await run(
      `test('is odd', () => expect(first('mark')).toBe(false))\ntest('is good', () => {})`,
    )
    expect([code, lastOf(stdout)]).toEqual([0, ['flaky: real.test.ts > is odd', '4 passed, 0 failed']])
  })

  test('a server that starts only at the second run is flaky as a whole file', async () => {
    const { code, stdout, stderr } = await run(
      `if (first('mark')) throw new Error('the port is taken')\ntest('is good', () => {})`,
    )
    expect([code, lastOf(stdout)]).toEqual([0, ['flaky: real.test.ts', '3 passed, 0 failed']])
    expect(stdout + stderr).toContain('the port is taken')
  })

  test('what fails twice fails the run, with its log, and what passed the second time is flaky', async () => {
    const { code, stdout, stderr } = await run(
      `test('is bad', () => { throw new Error('radosgw ended with 1: no monitors') })
     test('is odd', () => expect(first('mark')).toBe(false))`,
    )
    const last = ['failed: real.test.ts > is bad', 'flaky: real.test.ts > is odd', '3 passed, 1 failed']
    expect([code, lastOf(stdout)]).toEqual([1, last])
    expect(stdout + stderr).toContain('radosgw ended with 1: no monitors')
  })

  test('a server that never starts fails the run', async () => {
    const { code, stdout, stderr } = await run(`throw new Error('Unable to locate package ceph')`)
    expect([code, lastOf(stdout)]).toEqual([1, ['failed: real.test.ts', '2 passed, 1 failed']])
    expect((stdout + stderr).split('Error: Unable to locate package ceph').length).toBeGreaterThan(2)
  })

  test('a part that does not end in time fails the run', async () => {
    const { code, stdout } = await run(`test('hangs', () => new Promise(() => {}), 90_000)`, 8000)
    expect(code).toBe(1)
    expect(lastOf(stdout).at(-1)).toMatch(/^2 passed, [12] failed$/)
    expect(stdout).toContain('failed: the real part > did not end within')
  })

  test('what fails and then ends without a report is no flaky test', async () => {
    const { code, stdout } = await run(
      `test('is bad', () => { if (first('mark')) throw new Error('first'); process.kill(process.ppid, 'SIGKILL') })`,
    )
    expect(code).toBe(1)
    expect(stdout).toContain('failed: real.test.ts > is bad')
    expect(stdout).not.toContain('flaky:')
  })
})

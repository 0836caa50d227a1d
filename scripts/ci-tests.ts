/**
 * Runs all tests, the real servers last: `node scripts/ci-tests.ts`, with REAL_SERVERS=0 without them. A file of the real part that
 * fails is run once more by itself; what passes only then is listed as flaky. The last line is `N passed, N failed`.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'

/** The tests of a run, and how long they may take. */
export interface Part {
  readonly title: string
  /** What vitest is told: filters and options. */
  readonly words: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  readonly limitMs: number
}

/** One failed test, or a file that failed as a whole. */
export interface Failure {
  /** From the root. */
  readonly file: string
  /** Empty for a whole file. */
  readonly test: string
}

/** What came of a part. */
export interface Outcome {
  readonly passed: number
  readonly failures: readonly Failure[]
}

interface JsonReport {
  readonly testResults: ReadonlyArray<{
    readonly name: string
    readonly status: string
    readonly assertionResults: ReadonlyArray<{ readonly fullName: string; readonly status: string }>
  }>
}

/** Counts a report of vitest's JSON reporter; a file that failed without a failed test counts as one failure. */
export function outcomeOf(report: JsonReport, root: string): Outcome {
  let passed = 0
  const failures: Failure[] = []
  for (const { name, status, assertionResults } of report.testResults) {
    const file = relative(root, name)
    const failed = assertionResults.filter(each => each.status === 'failed')
    passed += assertionResults.filter(each => each.status === 'passed').length
    failures.push(...failed.map(({ fullName }) => ({ file, test: fullName })))
    if (status === 'failed' && failed.length === 0) failures.push({ file, test: '' })
  }
  return { passed, failures }
}

/** Runs a part; what it prints goes to our own output. A run that is late or broken counts as one failure of its own. */
export async function runPart(part: Part, root: string): Promise<Outcome> {
  const folder = mkdtempSync(join(tmpdir(), 'holdall-ci-'))
  const file = join(folder, 'report.json')
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${file}`]
  const vitest = join(import.meta.dirname, '../node_modules/vitest/vitest.mjs')
  const child = spawn(process.execPath, [vitest, 'run', '--root', root, ...reporters, ...part.words], {
    cwd: root,
    env: { ...process.env, ...part.env },
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  try {
    const isLate = await endOf(child, part.limitMs)
    const broken = { file: part.title, test: isLate ? `did not end within ${Math.ceil(part.limitMs / 1000)} s` : '' }
    try {
      const outcome = outcomeOf(JSON.parse(readFileSync(file, 'utf8')), root)
      // An error outside of tests fails the run, though every test passed.
      const isBroken = isLate || (child.exitCode !== 0 && outcome.failures.length === 0)
      return isBroken ? { ...outcome, failures: [...outcome.failures, broken] } : outcome
    } catch {
      return { passed: 0, failures: [broken] }
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Waits for the end; interrupts a late one, which ends its servers, and kills it 30 s later. */
async function endOf(child: ChildProcess, limitMs: number): Promise<boolean> {
  let isLate = false
  const interrupt = setTimeout(() => {
    isLate = true
    child.kill('SIGINT')
  }, limitMs)
  const kill = setTimeout(() => child.kill('SIGKILL'), limitMs + 30_000)
  await new Promise(resolve => child.once('close', resolve).once('error', resolve))
  clearTimeout(interrupt)
  clearTimeout(kill)
  return isLate
}

/** What came of a part whose failed files were run once more. */
export interface Repeated extends Outcome {
  /** What failed first and then passed. */
  readonly flaky: readonly Failure[]
}

/** Runs a part, and each of its failed files once more by itself; the limit is that of all of it. */
export async function runTwice(part: Part, root: string): Promise<Repeated> {
  const end = performance.now() + part.limitMs
  const first = await runPart(part, root)
  let { passed } = first
  const failures: Failure[] = []
  const flaky: Failure[] = []
  for (const file of new Set(first.failures.map(failure => failure.file))) {
    const before = first.failures.filter(failure => failure.file === file)
    if (file === part.title) {
      failures.push(...before)
      continue
    }
    console.log(`\n${file} failed; it is run once more by itself.`)
    const again = await runPart({ ...part, words: [file], limitMs: Math.max(1000, end - performance.now()) }, root)
    failures.push(...again.failures)
    // A run that was late or broken shows nothing.
    if (again.failures.some(failure => failure.file === part.title)) {
      failures.push(...before)
      continue
    }
    flaky.push(
      ...before.filter(({ test }) => !again.failures.some(failure => failure.test === test || failure.test === '')),
    )
    // Tests that failed count by their second run, all those of a file that failed as a whole too.
    const isWhole = before.some(({ test }) => test === '')
    passed += isWhole
      ? again.passed
      : before.length - again.failures.filter(({ test }) => before.some(each => each.test === test)).length
  }
  return { passed, failures, flaky }
}

function shown({ file, test }: Failure): string {
  return test === '' ? file : `${file} > ${test}`
}

/** Runs the parts, prints what failed and what is flaky, and then the counts; true when nothing failed twice. */
export async function runAll(plain: Part, real: Part | undefined, root: string): Promise<boolean> {
  const first = await runPart(plain, root)
  const second = real === undefined ? { passed: 0, failures: [], flaky: [] } : await runTwice(real, root)
  const failures = [...first.failures, ...second.failures]
  console.log()
  for (const failure of failures) console.log(`failed: ${shown(failure)}`)
  for (const failure of second.flaky) console.log(`flaky: ${shown(failure)}`)
  console.log(`${first.passed + second.passed} passed, ${failures.length} failed`)
  return failures.length === 0
}

if (import.meta.main) {
  const MINUTE = 60_000
  // Besides what vitest.config.ts leaves out: a file whose tests are more with real servers.
  const more = 'test/servers/real-s3.test.ts'
  const REAL = ['test/real/', 'test/bundlers/', 'test/runtimes/', more]
  const wanted = process.env['REAL_SERVERS'] !== '0'
  // Tests with many repetitions make fewer of them in `npm test`.
  const full = { HOLDALL_TESTS: 'full' }
  const plain = {
    title: 'the tests without real servers',
    words: wanted ? ['--exclude', more] : [],
    env: { ...full, REAL_SERVERS: '0' },
  }
  const real = { title: 'the tests with real servers', words: REAL, env: { ...full, REAL_SERVERS: '1' } }
  const root = join(import.meta.dirname, '..')
  const good = await runAll(
    { ...plain, limitMs: 16 * MINUTE },
    wanted ? { ...real, limitMs: 24 * MINUTE } : undefined,
    root,
  )
  process.exitCode = good ? 0 : 1
}

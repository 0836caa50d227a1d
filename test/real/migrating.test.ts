/**
 * The runbook of docs/changing-storage.md, from the local disk to a real S3 server: an application of two processes is restarted with the settings of
 * each step, one process after the other, while clients read and write through both and while the files are migrated.
 */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, expect, it } from 'vitest'
import { LocalStorage } from '../../src/backends/local/index.ts'
import type { Answer, Server } from '../backends/migrating/application.ts'
import {
  type Direction,
  NORMAL,
  type PassOptions,
  runbook,
  STEPS,
  type StepName,
  type World,
} from '../backends/migrating/runbook.ts'
import { runCli } from '../cli/run-cli.ts'
import { startRgw } from '../servers/rgw.ts'
import { Child } from '../support/child.ts'
import { rgwOptions, rgwStorage } from './places/rgw.ts'

const folder = await mkdtemp(join(tmpdir(), 'holdall-migrating-'))
const rgw = await startRgw()
const program = join(import.meta.dirname, '../backends/migrating/app.child.ts')
afterAll(async () => {
  await rgw.close()
  await rm(folder, { recursive: true, force: true })
}, 60_000)

const LOCAL = { location: join(folder, 'media'), keepMetadata: true }

/** Writes the settings of a step and returns their file. */
async function settingsOf(step: StepName): Promise<string> {
  const mode = STEPS[step]
  const old = { BACKEND: 'local', OPTIONS: LOCAL }
  const fresh = { BACKEND: 's3', OPTIONS: rgwOptions(rgw) }
  const both = { BACKEND: 'migrating', OPTIONS: { from: 'old', to: 'new', ...(typeof mode === 'string' ? {} : mode) } }
  const media = mode === 'old' ? old : mode === 'new' ? fresh : both
  const place = join(folder, step.replaceAll(/\W+/g, '-'))
  await mkdir(place, { recursive: true })
  const file = join(place, 'holdall.config.json')
  await writeFile(file, JSON.stringify({ STORAGES: { old, new: fresh, media } }), { mode: 0o600 })
  return file
}

async function start(step: StepName): Promise<Server> {
  const child = new Child(process.execPath, [program, await settingsOf(step)], { timeoutMs: 280_000 })
  const answers = new Map<number, (answer: Answer) => void>()
  await child.printed(/^ready$/m)
  createInterface({ input: child.process.stdout }).on('line', line => {
    if (!line.startsWith('{')) return
    const { id, answer } = JSON.parse(line)
    answers.get(id)?.(answer)
    answers.delete(id)
  })
  let count = 0
  const isEnded = child.ended.then(({ stderr }): Answer => ({ error: `the process ended: ${stderr}` }))
  return {
    ask(request) {
      const id = count++
      const { promise, resolve } = Promise.withResolvers<Answer>()
      answers.set(id, resolve)
      child.process.stdin.write(`${JSON.stringify({ id, request })}\n`)
      return Promise.race([promise, isEnded])
    },
    async end() {
      child.process.stdin.end()
      const { code, stderr } = await child.ended
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    },
  }
}

/** The real command line: `holdall migrate old: new:` with the options of a step. */
async function pass(_: World, direction: Direction, options: PassOptions = {}): Promise<void> {
  const place = dirname(await settingsOf('both, read old'))
  const { code, stdout, stderr } = await runCli(place, [
    'migrate',
    ...(direction === 'forth' ? ['old:', 'new:'] : ['new:', 'old:']),
    ...['--ledger', join(folder, `${direction}.sqlite`), '--json'],
    ...(options.delete === true ? ['--delete', '--max-delete', '100'] : []),
    ...(options.sinceLast === true ? ['--since', 'last'] : []),
    ...(options.isFull === true ? ['--verify', 'full'] : []),
  ])
  const errors = stderr.split('\n').filter(line => line !== '')
  // The application deletes and changes files meanwhile.
  expect(errors.filter(line => !NORMAL.includes(JSON.parse(line).error?.code))).toEqual([])
  expect(code, stdout).toBeLessThanOrEqual(1)
  passes.push({ ...options, code })
}

const passes: Array<PassOptions & { readonly code: number | null }> = []

it('moves an application from the local disk to RGW and back while it works', { timeout: 290_000 }, async () => {
  const to = rgwStorage(rgw)
  await to.createContainer()
  const world: World = {
    from: new LocalStorage(LOCAL, { settings: {}, env: {} }),
    to,
    start,
    pass,
    pause: 40,
    pace: { clients: 3, rest: 50 },
  }
  const { counts } = await runbook(world)
  for (const kind of ['read', 'write', 'append', 'delete', 'saveNew', 'list'])
    expect(counts[kind], kind).toBeGreaterThan(20)
  // The first passes are undisturbed enough to end without a failure of any file, or repeat what failed.
  expect(passes.map(({ code, ...options }) => options).slice(0, 3)).toEqual([
    {},
    { sinceLast: true },
    { delete: true, isFull: false },
  ])
  expect(passes.some(({ code }) => code === 0)).toBe(true)
  await to.close()
})

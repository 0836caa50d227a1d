import { setTimeout as sleep } from 'node:timers/promises'
import type { Child } from '../../test/support/child.ts'
import { machine, median } from '../harness.ts'
import { judge } from '../static/run.ts'
import { cpuSecs, familyCpuSecs } from './cpu.ts'
import { emptyBucket, type Ground, type Sink, started, startSink } from './run.ts'

const TEAMS = [1, 2, 4]
/** Time that workers have to start. */
const START_MS = 4000

/** What one run of a team took, in seconds. */
interface Taken {
  readonly wall: number
  readonly workers: number
  readonly database: number
  readonly sink: number
}

/** Files per second of 1, 2 and 4 workers against a server that answers a fixed time after each request. */
export async function scaling(ground: Ground, files: number, rounds: number, delayMs: number): Promise<void> {
  console.log(
    `\n## Scaling: ${machine()}; ${files} files of 0.5 to 4 KiB to a server that answers after ${delayMs} ms\n`,
  )
  const source = ground.source(files)
  const taken = new Map<number, Taken[]>()
  const sink = await startSink(delayMs)
  try {
    for (let round = 0; round < rounds; round++) {
      for (const team of TEAMS) {
        const bucket = `team-${team}-${round}`
        await emptyBucket(sink, bucket)
        const one = await run(ground, source, sink, bucket, team)
        taken.set(team, [...(taken.get(team) ?? []), one])
        console.error(team, one)
      }
    }
  } finally {
    sink.stop()
  }
  const of = (team: number, key: keyof Taken): number => median(taken.get(team)!.map(one => one[key]))
  console.log('| Workers | s | files/s | of linear | cores: workers | PostgreSQL | server |')
  console.log('| ---: | ---: | ---: | ---: | ---: | ---: | ---: |')
  const linear = (team: number): number => of(1, 'wall') / of(team, 'wall') / team
  for (const team of TEAMS) {
    const wall = of(team, 'wall')
    const cores = (['workers', 'database', 'sink'] as const).map(key => (of(team, key) / wall).toFixed(2))
    console.log(
      `| ${[team, wall.toFixed(1), Math.round(files / wall), linear(team).toFixed(2), ...cores].join(' | ')} |`,
    )
  }
  console.log('')
  for (const team of TEAMS.slice(1)) judge(`${team} workers, share of linear`, linear(team), 0.8)
}

/** The workers are started before, and wait for the migration. */
async function run(ground: Ground, source: string, sink: Sink, bucket: string, team: number): Promise<Taken> {
  const database = await ground.postgres.createDatabase()
  const command = await ground.commands(sink.endpoint, bucket)
  const watcher = command('migrate', source, 'target:', '--no-verify', '--fleet', database, '--no-work', '--json')
  const worker = command('migrate', 'worker', '--fleet', database)
  const workers: Child[] = []
  for (let index = 0; index < team; index++) workers.push(started(worker))
  try {
    await sleep(START_MS)
    const postgres = ground.postgres.pids[0]!
    const cpu = (): Omit<Taken, 'wall'> => ({
      workers: workers.reduce((sum, { process: { pid } }) => sum + (cpuSecs(pid!) ?? Number.NaN), 0),
      database: familyCpuSecs(postgres),
      sink: cpuSecs(sink.pid) ?? Number.NaN,
    })
    const before = cpu()
    await started(watcher).done()
    const after = cpu()
    const { stdout } = await started(command('--json', 'migrate', 'status', '--fleet', database)).done()
    // By the ledger: from the plan to the end of the last file.
    const { startedAt, finishedAt } = JSON.parse(stdout) as Record<'startedAt' | 'finishedAt', string>
    const wall = (Date.parse(finishedAt) - Date.parse(startedAt)) / 1000
    return {
      wall,
      workers: after.workers - before.workers,
      database: after.database - before.database,
      sink: after.sink - before.sink,
    }
  } finally {
    await Promise.all(workers.map(child => child.kill()))
  }
}

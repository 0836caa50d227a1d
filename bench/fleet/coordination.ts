import { machine, median } from '../harness.ts'
import { judge } from '../static/run.ts'
import { timed } from '../static/turns.ts'
import { familyCpuSecs } from './cpu.ts'
import { emptyBucket, type Ground, startSink } from './run.ts'

/** What one run took, in seconds. */
interface Taken {
  readonly wall: number
  /** Of the processes of Holdall. */
  readonly own: number
  /** Of PostgreSQL. */
  readonly database: number
}

/**
 * What the coordination of a fleet costs: the processor time of a fleet of one process and of PostgreSQL, minus that of one `holdall sync` of the
 * same tree, as a share of sync's. Neither compares anything after the copies.
 */
export async function coordination(ground: Ground, files: number, rounds: number): Promise<void> {
  console.log(`\n## Coordination: ${machine()}; ${files} files of 0.5 to 4 KiB to a server in its own process\n`)
  const source = ground.source(files)
  const sink = await startSink(0)
  const { postgres } = ground
  const taken = new Map<string, Taken[]>()
  try {
    for (let round = 0; round < rounds; round++) {
      const database = await postgres.createDatabase()
      const ways: Readonly<Record<string, readonly string[]>> = {
        sync: ['sync', source, 'target:'],
        migrate: ['migrate', source, 'target:', '--no-verify'],
        'migrate --fleet': ['migrate', source, 'target:', '--no-verify', '--fleet', database],
      }
      for (const [way, words] of Object.entries(ways)) {
        const bucket = `${way.replaceAll(/\W+/g, '-')}-${round}`
        await emptyBucket(sink, bucket)
        const command = await ground.commands(sink.endpoint, bucket)
        const before = familyCpuSecs(postgres.pids[0]!)
        const { wallMs, cpuMs } = await timed(command(...words))
        const used = familyCpuSecs(postgres.pids[0]!) - before
        const one = { wall: wallMs / 1000, own: cpuMs / 1000, database: used }
        taken.set(way, [...(taken.get(way) ?? []), one])
        console.error(way, one)
      }
    }
  } finally {
    sink.stop()
  }
  const of = (way: string, key: keyof Taken): number => median(taken.get(way)!.map(one => one[key]))
  console.log('| Run | s | CPU s of Holdall | CPU s of PostgreSQL |')
  console.log('| --- | ---: | ---: | ---: |')
  for (const way of taken.keys())
    console.log(
      `| ${[way, ...(['wall', 'own', 'database'] as const).map(key => of(way, key).toFixed(2))].join(' | ')} |`,
    )
  const sum = of('migrate --fleet', 'own') + of('migrate --fleet', 'database')
  const share = sum / of('sync', 'own') - 1
  console.log(`\ncoordination: ${(share * 100).toFixed(1)} % of the CPU of sync`)
  judge('CPU of sync in relation to that of the fleet', of('sync', 'own') / sum, 1 / 1.05)
}

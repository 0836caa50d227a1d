import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from 'pg'
import { machine, median } from '../harness.ts'
import { judge } from '../static/run.ts'
import { emptyBucket, type Ground, started, startSink } from './run.ts'

const TARGET_SECS = 30
const LOOK_MS = 50
const FILES = 20_000

/** A page that a worker has, by its lease. */
interface Held {
  readonly id: string
  readonly lease: string
  readonly worker: string
}

/** The time from the SIGKILL of one of three workers until others have taken all its pages. */
export async function deadWorker(ground: Ground, rounds: number): Promise<void> {
  console.log(`\n## A killed worker: ${machine()}; 3 workers, a server that answers after 50 ms\n`)
  const source = ground.source(FILES)
  const sink = await startSink(50)
  const secs: number[] = []
  try {
    for (let round = 0; round < rounds; round++) {
      const bucket = `dead-${round}`
      await emptyBucket(sink, bucket)
      const database = await ground.postgres.createDatabase()
      const command = await ground.commands(sink.endpoint, bucket)
      const team = [0, 1, 2].map(() => started(command('migrate', 'worker', '--fleet', database)))
      const watcher = started(command('migrate', source, 'target:', '--no-verify', '--fleet', database, '--no-work'))
      const client = new Client(database)
      await client.connect()
      try {
        const held = async (): Promise<readonly Held[]> => {
          const text = 'SELECT id::text, lease::text, worker FROM holdall_fleet.pages WHERE lease IS NOT NULL'
          return (await client.query<Held>(text).catch(() => ({ rows: [] as Held[] }))).rows
        }
        const victim = team[0]!
        const isOfVictim = ({ worker }: Held): boolean => worker.split(/\D+/).includes(String(victim.process.pid))
        let before: readonly Held[] = []
        while (before.length === 0) {
          await sleep(LOOK_MS)
          before = (await held()).filter(isOfVictim)
        }
        await victim.kill('SIGKILL')
        const killed = performance.now()
        before = (await held()).filter(isOfVictim)
        const isLeft = async (): Promise<boolean> => {
          const now = await held()
          const { rows } = await client.query<{ id: string }>('SELECT id::text FROM holdall_fleet.pages')
          // A page that is gone was finished by another worker; one that waits has no lease and is not taken yet.
          return before.some(
            ({ id, lease }) =>
              rows.some(row => row.id === id) && !now.some(page => page.id === id && page.lease !== lease),
          )
        }
        while (await isLeft()) await sleep(LOOK_MS)
        secs.push((performance.now() - killed) / 1000)
        console.error(`${before.length} pages of the killed worker were taken after ${secs.at(-1)!.toFixed(1)} s`)
        await watcher.done()
      } finally {
        await client.end()
        await Promise.all([...team, watcher].map(child => child.kill('SIGKILL')))
      }
    }
  } finally {
    sink.stop()
  }
  console.log(`all pages of the killed worker were taken after ${secs.map(one => one.toFixed(1)).join(', ')} s`)
  judge(`30 s in relation to the median of ${median(secs).toFixed(1)} s`, TARGET_SECS / median(secs), 1)
}

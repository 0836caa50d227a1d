/**
 * `holdall migrate --fleet`: what its coordination costs, how it scales, and how fast the pages of a killed worker are taken by others. PostgreSQL
 * comes from Debian's packages.
 *
 *     node scripts/build.ts && node bench/fleet.ts              # all
 *     node bench/fleet.ts coordination --files 60000            # processor time compared with `holdall sync`
 *     node bench/fleet.ts scaling --files 24000 --delay 50      # 1, 2 and 4 workers, and a server that answers after 50 ms
 *     node bench/fleet.ts scaling --delay 0                     # the same where the processor is the limit
 *     node bench/fleet.ts dead
 *     BENCH_ROUNDS=1 node bench/fleet.ts                        # fewer rounds than three
 */
import { coordination } from './fleet/coordination.ts'
import { deadWorker } from './fleet/dead-worker.ts'
import { Ground } from './fleet/run.ts'
import { scaling } from './fleet/scaling.ts'

// An interruption ends the processes that were started.
process.once('SIGINT', () => process.exit(130))

function after(flag: string): string | undefined {
  const at = process.argv.indexOf(flag)
  return at < 0 ? undefined : process.argv[at + 1]
}

const rounds = Number(process.env['BENCH_ROUNDS'] ?? 3)
const part = process.argv[2]?.startsWith('--') === false ? process.argv[2] : undefined
const files = after('--files')
const delay = after('--delay')
const ground = await Ground.make()
try {
  if (part === undefined || part === 'coordination') await coordination(ground, Number(files ?? 60_000), rounds)
  if (part === undefined || part === 'scaling') {
    for (const each of delay === undefined ? [50, 0] : [Number(delay)])
      await scaling(ground, Number(files ?? 24_000), rounds, each)
  }
  if (part === undefined || part === 'dead') await deadWorker(ground, rounds)
} finally {
  await ground.close()
}

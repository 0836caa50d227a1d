/**
 * The judged migration of `test/real/migrate-kills.test.ts` at full size: 200,000 files of 1 to 64 KiB, half of them below 8 KiB, and odd names, from
 * local disk to Ceph RADOS Gateway by four workers, one of which is killed every 5 s, with faults in 5 % of all requests. It needs 4 GB of disk and
 * 12 GB of memory. Gateway and PostgreSQL come from Debian's packages.
 *
 *     node bench/migrate-kills.ts                     # all
 *     node bench/migrate-kills.ts --files 20000       # fewer files
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { judgedFleet } from '../test/real/migrate/judged.ts'
import { ODD_NAMES } from '../test/real/migrate/odd-names.ts'
import { planTree, writeTree } from '../test/real/migrate/tree.ts'
import { startPostgres } from '../test/servers/postgres.ts'
import { startRgw } from '../test/servers/rgw.ts'
import { machine } from './harness.ts'

// An interruption ends the processes that were started.
process.once('SIGINT', () => process.exit(130))

const SEED = 14
const KILL_EVERY_MS = 5000
const MOST_SECS = 7200

const at = process.argv.indexOf('--files')
const count = at < 0 ? 200_000 : Number(process.argv[at + 1])
const folder = await mkdtemp(join(tmpdir(), 'holdall-bench-'))
const [rgw, postgres] = await Promise.all([startRgw({ memoryGib: 16 }), startPostgres()])
try {
  const files = planTree({ seed: SEED, files: count, odd: ODD_NAMES })
  const source = join(folder, 'source')
  writeTree(source, SEED, files)
  const gib = files.reduce((sum, { size }) => sum + size, 0) / 2 ** 30
  console.log(`${machine()}; ${count} files, ${gib.toFixed(2)} GiB, ${ODD_NAMES.length} odd names`)
  const place = { rgw, postgres, folder, name: 'target' }
  const work = { seed: SEED, source, files, killEveryMs: KILL_EVERY_MS, mostSecs: MOST_SECS }
  const { wrong, code, status, kills, secs, requests, puts, struck, bucket, traffic } = await judgedFleet(place, work)
  bucket.close()
  await traffic.close()
  const faults = Object.values(struck).reduce((sum, times) => sum + times, 0)
  console.log(`exit code ${code} after ${secs.toFixed(0)} s, ${kills} workers killed`)
  console.log(`${requests} requests, ${puts} of them uploads, ${faults} with faults`, struck)
  console.log(status.state, status.counts)
  console.log(wrong.length === 0 ? 'nothing is wrong' : wrong.join('\n'))
  process.exitCode = wrong.length === 0 ? 0 : 1
} finally {
  await Promise.all([rgw.close(), postgres.close()])
  await rm(folder, { recursive: true, force: true })
}

/**
 * `holdall sync` against `rclone sync`, a first and a second run: whole processes in turns, each into a new bucket of Ceph RADOS Gateway. Gateway and
 * rclone come from Debian's packages.
 *
 *     node scripts/build.ts && node bench/sync.ts     # 10,000 files of 3 KB, three rounds
 *     node bench/sync.ts --files 1000                 # fewer files
 *     node bench/sync.ts --count                      # the requests of each run, counted by a proxy, and no times
 *     BENCH_ROUNDS=1 node bench/sync.ts               # fewer rounds
 */
import { rclone, WIDE } from './static/contenders.ts'
import type { Contender } from './static/place.ts'
import { comparedTransfers, type Judged, transferring } from './static/transfers.ts'

const RUNS = ['first', 'second', '--checksum']
const OTHERS = ['rclone', 'rclone, 16 at a time']

const CONTENDERS: readonly Contender[] = [
  {
    name: 'holdall',
    runs: [
      ['first', place => transferring(place, 'sync')],
      ['second', place => transferring(place, 'sync')],
      ['--checksum', place => transferring(place, 'sync', '--checksum')],
    ],
  },
  {
    name: 'rclone',
    runs: [
      ['first', place => rclone(place, 'sync')],
      ['second', place => rclone(place, 'sync')],
      ['--checksum', place => rclone(place, 'sync', '--checksum')],
    ],
  },
  {
    name: 'rclone, 16 at a time',
    runs: [
      ['first', place => rclone(place, 'sync', ...WIDE)],
      ['second', place => rclone(place, 'sync', ...WIDE)],
      ['--checksum', place => rclone(place, 'sync', ...WIDE, '--checksum')],
    ],
  },
]

await comparedTransfers(
  CONTENDERS,
  RUNS.flatMap(run => OTHERS.map((other): Judged => [`holdall, ${run}`, `${other}, ${run}`])),
)

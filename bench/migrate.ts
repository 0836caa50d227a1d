/**
 * `holdall migrate` against `rclone copy`, a first and a second run: whole processes in turns, each into a new bucket of Ceph RADOS Gateway. Gateway
 * and rclone come from Debian's packages.
 *
 * What each verifies: both compare the checksum of every upload with the service's. `holdall migrate` then compares names and sizes of both
 * listings (`--verify size`, its default), and `rclone copy` compares no more; `and check` is `rclone copy` and then `rclone check --size-only`,
 * which compares the same. `--no-verify` is `holdall migrate` without that pass. `--verify full` reads and compares all contents, as
 * `rclone check --download` does.
 *
 *     node scripts/build.ts && node bench/migrate.ts  # 10,000 files of 3 KB, three rounds
 *     node bench/migrate.ts --files 1000              # fewer files
 *     node bench/migrate.ts --count                   # the requests of each run, counted by a proxy, and no times
 *     BENCH_ROUNDS=1 node bench/migrate.ts            # fewer rounds
 */
import { rclone, WIDE } from './static/contenders.ts'
import type { Command, Contender, Place } from './static/place.ts'
import { comparedTransfers, type Judged, transferring } from './static/transfers.ts'

/** One program after the other; the second only if the first succeeded. */
function both(first: Command, second: Command): Command {
  const { env } = first
  const count = String(first.words.length + 1)
  // biome-ignore lint/suspicious/noTemplateCurlyInString: bash expands it.
  const script = 'count=$1; shift; "${@:1:count}" && "${@:count+1}"'
  const words = ['-c', script, 'both', count, first.program, ...first.words, second.program, ...second.words]
  return { program: 'bash', words, ...(env !== undefined && { env }) }
}

const checked = (place: Place, ...more: string[]): Command =>
  both(rclone(place, 'copy', ...WIDE), rclone(place, 'check', ...WIDE, ...more))

const CONTENDERS: readonly Contender[] = [
  {
    name: 'holdall',
    runs: [
      ['first', place => transferring(place, 'migrate')],
      ['second', place => transferring(place, 'migrate')],
      ['second, --verify full', place => transferring(place, 'migrate', '--verify', 'full')],
    ],
  },
  {
    name: 'holdall, --no-verify',
    runs: [
      ['first', place => transferring(place, 'migrate', '--no-verify')],
      ['second', place => transferring(place, 'migrate', '--no-verify')],
    ],
  },
  {
    name: 'rclone',
    runs: [
      ['first', place => rclone(place, 'copy')],
      ['second', place => rclone(place, 'copy')],
    ],
  },
  {
    name: 'rclone, 16 at a time',
    runs: [
      ['first', place => rclone(place, 'copy', ...WIDE)],
      ['second', place => rclone(place, 'copy', ...WIDE)],
    ],
  },
  {
    name: 'rclone, 16 at a time, and check',
    runs: [
      ['first', place => checked(place, '--size-only')],
      ['second', place => checked(place, '--size-only')],
      ['second, --verify full', place => checked(place, '--download')],
    ],
  },
]

const others = ['rclone', 'rclone, 16 at a time', 'rclone, 16 at a time, and check']
await comparedTransfers(CONTENDERS, [
  ...['first', 'second'].flatMap(run => others.map((other): Judged => [`holdall, ${run}`, `${other}, ${run}`])),
  ['holdall, second, --verify full', 'rclone, 16 at a time, and check, second, --verify full'],
])

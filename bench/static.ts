/**
 * `holdall collectstatic` against a bare loop of uploads, rclone and Django with django-storages: whole processes in turns, each into a
 * new bucket of Ceph RADOS Gateway. Gateway, rclone and Django come from Debian's packages.
 *
 *     node scripts/build.ts && node bench/static.ts     # 10,000 files; three rounds, of Django one, which takes four minutes
 *     node bench/static.ts --without django             # those whose name does not contain the text
 *     node bench/static.ts --hashed                     # hashed names and a manifest; the sheets import one another
 *     node bench/static.ts --files 1000                 # fewer files
 *     node bench/static.ts --count                      # the requests of each run, counted by a proxy, and no times
 *     node bench/static.ts memory                       # peak memory with 100,000 files, local disk and S3
 *     BENCH_ROUNDS=1 node bench/static.ts               # fewer rounds
 */
import { memory } from './static/memory.ts'
import { compared } from './static/run.ts'

function after(flag: string): string | undefined {
  const at = process.argv.indexOf(flag)
  return at < 0 ? undefined : process.argv[at + 1]
}

if (process.argv.includes('memory')) await memory(Number(after('--files') ?? 100_000))
else
  await compared({
    files: Number(after('--files') ?? 10_000),
    without: after('--without'),
    isHashed: process.argv.includes('--hashed'),
    isCounted: process.argv.includes('--count'),
  })

/**
 * `holdall sync` against `rclone sync`, a first and a second run: whole processes in turns, each into a new bucket of Ceph RADOS Gateway. Gateway and
 * rclone come from Debian's packages.
 *
 *     node scripts/build.ts && node bench/sync.ts     # 10,000 files of 3 KB, three rounds
 *     node bench/sync.ts --files 1000                 # fewer files
 *     node bench/sync.ts --count                      # the requests of each run, counted by a proxy, and no times
 *     BENCH_ROUNDS=1 node bench/sync.ts               # fewer rounds
 */
import { mkdtemp, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { needPrograms } from '../test/servers/debian.ts'
import { startRgw } from '../test/servers/rgw.ts'
import { machine, median } from './harness.ts'
import { CLI, rclone, WIDE } from './static/contenders.ts'
import { startCountingProxy } from './static/counting-proxy.ts'
import type { Command, Contender, Place } from './static/place.ts'
import { judge, newPlace, type Times, turn } from './static/run.ts'
import { writeTree } from './static/tree.ts'

async function holdall(
  { endpoint, bucket, accessKey, secretKey, source, folder }: Place,
  ...more: string[]
): Promise<Command> {
  const config = join(folder, 'holdall.config.json')
  const options = { endpointUrl: endpoint, bucketName: bucket, accessKey, secretKey }
  await writeFile(config, JSON.stringify({ STORAGES: { place: { BACKEND: 's3', OPTIONS: options } } }))
  const words = [CLI, '--quiet', '--config', config, 'sync', source, 'place:', ...more]
  return { program: process.execPath, words: [...words], env: { XDG_CACHE_HOME: join(folder, 'cache') } }
}

const CONTENDERS: readonly Contender[] = [
  {
    name: 'holdall',
    runs: [
      ['first', place => holdall(place)],
      ['second', place => holdall(place)],
      ['--checksum', place => holdall(place, '--checksum')],
    ],
  },
  {
    name: 'rclone',
    runs: [
      ['first', place => rclone(place)],
      ['second', place => rclone(place)],
      ['--checksum', place => rclone(place, '--checksum')],
    ],
  },
  {
    name: 'rclone, 16 at a time',
    runs: [
      ['first', place => rclone(place, ...WIDE)],
      ['second', place => rclone(place, ...WIDE)],
      ['--checksum', place => rclone(place, ...WIDE, '--checksum')],
    ],
  },
]

function after(flag: string): string | undefined {
  const at = process.argv.indexOf(flag)
  return at < 0 ? undefined : process.argv[at + 1]
}

const files = Number(after('--files') ?? 10_000)
const isCounted = process.argv.includes('--count')
await needPrograms(['rclone'], ['rclone'])
const folder = await mkdtemp(join(tmpdir(), 'holdall-bench-'))
const server = await startRgw()
const proxy = isCounted ? await startCountingProxy(server.port) : undefined
try {
  const source = join(folder, 'files')
  await writeTree(source, files, false)
  await utimes(source, 1_700_000_000, 1_700_000_000)
  console.log(`${machine()}; ${files} files of 3 KB to Ceph RADOS Gateway\n`)
  const taken: Times = new Map()
  const rounds = isCounted ? 1 : Number(process.env['BENCH_ROUNDS'] ?? 3)
  for (let round = 0; round < rounds; round++) {
    for (const [index, contender] of CONTENDERS.entries()) {
      const place = await newPlace(server, proxy, { name: `${round}-${index}`, source, folder, isHashed: false })
      await turn(contender, place, proxy, taken)
    }
  }
  if (!isCounted) report(taken)
} finally {
  proxy?.close()
  await server.close()
  await rm(folder, { recursive: true, force: true })
}

function report(taken: Times): void {
  const secs = (key: string, of: 'wallMs' | 'cpuMs'): number =>
    median((taken.get(key) ?? []).map(one => one[of] / 1000))
  console.log('| Run | s | CPU s |')
  console.log('| --- | ---: | ---: |')
  for (const key of taken.keys())
    console.log(`| ${key} | ${secs(key, 'wallMs').toFixed(2)} | ${secs(key, 'cpuMs').toFixed(2)} |`)
  console.log('')
  for (const run of ['first', 'second', '--checksum']) {
    for (const other of ['rclone', 'rclone, 16 at a time']) {
      judge(`${run}, speed of ${other}`, secs(`${other}, ${run}`, 'wallMs') / secs(`holdall, ${run}`, 'wallMs'), 1)
    }
  }
}

import { mkdtemp, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { needPrograms } from '../../test/servers/debian.ts'
import { startRgw } from '../../test/servers/rgw.ts'
import { machine, median } from '../harness.ts'
import { CLI } from './contenders.ts'
import { startCountingProxy } from './counting-proxy.ts'
import type { Command, Contender, Place } from './place.ts'
import { judge, newPlace, type Times, turn } from './run.ts'
import { writeTree } from './tree.ts'

/** A command of Holdall from the folder to the bucket: `sync`, `migrate`. */
export async function transferring(place: Place, command: string, ...more: string[]): Promise<Command> {
  const { endpoint, bucket, accessKey, secretKey, source, folder } = place
  const config = join(folder, 'holdall.config.json')
  const options = { endpointUrl: endpoint, bucketName: bucket, accessKey, secretKey }
  await writeFile(config, JSON.stringify({ STORAGES: { place: { BACKEND: 's3', OPTIONS: options } } }))
  const words = [CLI, '--quiet', '--config', config, command, source, 'place:', ...more]
  const env = { XDG_CACHE_HOME: join(folder, 'cache'), XDG_STATE_HOME: join(folder, 'state') }
  return { program: process.execPath, words, env }
}

/** Two runs whose times are compared: the speed of the first, relative to the second's, should be at least 1. */
export type Judged = readonly [ours: string, others: string]

/**
 * Runs all contenders in turns, from 10,000 files of 3 KB (`--files` for another number) to new buckets of Ceph RADOS Gateway, and prints
 * medians and ratios; with `--count` requests instead of times.
 */
export async function comparedTransfers(contenders: readonly Contender[], judged: readonly Judged[]): Promise<void> {
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
      for (const [index, contender] of contenders.entries()) {
        const place = await newPlace(server, proxy, { name: `${round}-${index}`, source, folder, isHashed: false })
        await turn(contender, place, proxy, taken)
      }
    }
    if (!isCounted) report(taken, judged)
  } finally {
    proxy?.close()
    await server.close()
    await rm(folder, { recursive: true, force: true })
  }
}

function report(taken: Times, judged: readonly Judged[]): void {
  const secs = (key: string, of: 'wallMs' | 'cpuMs'): number =>
    median((taken.get(key) ?? []).map(one => one[of] / 1000))
  console.log('| Run | s | CPU s |')
  console.log('| --- | ---: | ---: |')
  for (const key of taken.keys())
    console.log(`| ${key} | ${secs(key, 'wallMs').toFixed(2)} | ${secs(key, 'cpuMs').toFixed(2)} |`)
  console.log('')
  for (const [ours, others] of judged)
    judge(`${ours}, speed of ${others}`, secs(others, 'wallMs') / secs(ours, 'wallMs'), 1)
}

function after(flag: string): string | undefined {
  const at = process.argv.indexOf(flag)
  return at < 0 ? undefined : process.argv[at + 1]
}

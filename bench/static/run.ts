import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { needPackages, needPrograms } from '../../test/servers/debian.ts'
import { type RgwServer, startRgw } from '../../test/servers/rgw.ts'
import { machine, median } from '../harness.ts'
import { built } from '../remote/holdall.ts'
import { CONTENDERS } from './contenders.ts'
import { type CountingProxy, startCountingProxy } from './counting-proxy.ts'
import type { Contender, Place } from './place.ts'
import { writeTree } from './tree.ts'
import { type Taken, timed } from './turns.ts'

const ROUNDS = 3
const PYTHON = ['python3-django', 'python3-django-storages', 'python3-django-storages-boto3', 'python3-boto3']

/** What the command line says. */
export interface Choice {
  readonly files: number
  /** Contenders whose name contains this are left out. */
  readonly without: string | undefined
  readonly isHashed: boolean
  /** Whether requests are counted, and no times told. */
  readonly isCounted: boolean
}

/** What each run took, by contender and run. */
export type Times = Map<string, Taken[]>

/** Runs all contenders in turns and prints what they took, or how many requests they made. */
export async function compared(choice: Choice): Promise<void> {
  const contenders = CONTENDERS.filter(({ name }) => choice.without === undefined || !name.includes(choice.without))
  const others = choice.isHashed ? contenders.filter(({ name }) => !name.startsWith('rclone')) : contenders
  await needPrograms(['rclone'], ['rclone'])
  if (others.some(({ name }) => name === 'django')) await needPackages(PYTHON)
  const folder = await mkdtemp(join(tmpdir(), 'holdall-bench-'))
  const server = await startRgw()
  const proxy = choice.isCounted ? await startCountingProxy(server.port) : undefined
  try {
    const source = join(folder, 'files')
    await writeTree(source, choice.files, choice.isHashed)
    console.log(
      `${machine()}; ${choice.files} files of 3 KB to Ceph RADOS Gateway ${choice.isHashed ? '(hashed names) ' : ''}\n`,
    )
    const rounds = choice.isCounted ? 1 : Number(process.env['BENCH_ROUNDS'] ?? ROUNDS)
    const taken: Times = new Map()
    for (let round = 0; round < rounds; round++) {
      for (const contender of others) {
        if (round >= (contender.rounds ?? rounds)) continue
        const name = `${round}-${others.indexOf(contender)}`
        const place = await newPlace(server, proxy, { name, source, folder, isHashed: choice.isHashed })
        await turn(contender, place, proxy, taken)
      }
    }
    if (proxy === undefined) report(others, taken)
  } finally {
    proxy?.close()
    await server.close()
    await rm(folder, { recursive: true, force: true })
  }
}

type Wanted = Pick<Place, 'source' | 'folder' | 'isHashed'> & { readonly name: string }

/** A new bucket, and a folder for what is written for its runs. */
export async function newPlace(server: RgwServer, proxy: CountingProxy | undefined, wanted: Wanted): Promise<Place> {
  const { S3Storage }: typeof import('../../src/backends/s3/index.ts') = await import(built('backends/s3/index.js'))
  const { name, source, isHashed } = wanted
  const bucket = `bench-${name}`
  const { accessKeyId: accessKey, secretAccessKey: secretKey } = server.credentials
  const reached = { endpointUrl: server.url, accessKey, secretKey, bucketName: bucket }
  await using storage = new S3Storage(reached, { settings: {}, env: {} })
  await storage.createContainer()
  const folder = join(wanted.folder, name)
  await mkdir(folder)
  return { endpoint: proxy?.url ?? server.url, bucket, accessKey, secretKey, source, folder, isHashed }
}

/** Runs the processes of a contender one after the other, and keeps what they took. */
export async function turn(
  { name, runs }: Contender,
  place: Place,
  proxy: CountingProxy | undefined,
  taken: Times,
): Promise<void> {
  for (const [title, make] of runs) {
    const done = await timed(await make(place))
    const key = `${name}, ${title}`
    taken.set(key, [...(taken.get(key) ?? []), done])
    const counted = proxy === undefined ? '' : JSON.stringify(proxy.counts())
    console.error(`${key}: ${(done.wallMs / 1000).toFixed(2)} s ${counted} ${done.printed.trim().slice(-300)}`)
  }
}

/** A row for each run, with its ratio to the bare loop, and the targets. */
function report(contenders: readonly Contender[], taken: Times): void {
  console.log('| Run | s | CPU s | of the bare loop |')
  console.log('| --- | ---: | ---: | ---: |')
  const wall = (key: string): number => median((taken.get(key) ?? []).map(({ wallMs }) => wallMs / 1000))
  const bare = wall('bare PUT loop, first')
  for (const { name, runs } of contenders) {
    for (const [title] of runs) {
      const key = `${name}, ${title}`
      const cpu = median(taken.get(key)!.map(({ cpuMs }) => cpuMs / 1000))
      console.log(`| ${[key, wall(key).toFixed(2), cpu.toFixed(2), (wall(key) / bare).toFixed(2)].join(' | ')} |`)
    }
  }
  console.log('')
  const [first, second] = [wall('holdall, first'), wall('holdall, second')]
  judge('first run, speed of the bare loop', bare / first, 0.9)
  judge('first run, speed of rclone', wall('rclone, first') / first, 1)
  judge('second run, speed of rclone --checksum', wall('rclone, --checksum') / second, 1)
}

/** Prints whether a ratio reaches its target. */
export function judge(what: string, ratio: number, target: number): void {
  if (Number.isFinite(ratio))
    console.log(`${ratio >= target ? 'met' : 'MISSED'}: ${what} ${ratio.toFixed(2)}, at least ${target}`)
}

/** A migration of files of this machine to the gateway by workers that are killed, with faults on the way; and everything that must hold after it. */
import { join } from 'node:path'
import type { MigrationStatus } from '../../../src/core/migration-status.ts'
import type { PostgresServer } from '../../servers/postgres.ts'
import type { RgwServer } from '../../servers/rgw.ts'
import { Bucket, differences } from './bucket.ts'
import { Commands } from './commands.ts'
import { killedFleet } from './fleet.ts'
import { leftovers, miscounts } from './ledger.ts'
import { Traffic } from './traffic.ts'
import type { PlannedFile } from './tree.ts'

const WORKERS = 4

/** Where a migration happens. */
export interface JudgedPlace {
  readonly rgw: RgwServer
  readonly postgres: PostgresServer
  /** A temporary folder. */
  readonly folder: string
  /** Of the bucket, and of a folder for settings. */
  readonly name: string
}

/** What is migrated. */
export interface JudgedWork {
  readonly seed: number
  /** The folder with the files, and the files in it. */
  readonly source: string
  readonly files: readonly PlannedFile[]
  readonly killEveryMs: number
  /** Uploads between two kills; default 0. */
  readonly killEveryUploads?: number
  readonly mostSecs?: number
  /** Names that cannot be copied: the gateway refuses those that `isForbidden` names, the others are refused by Holdall. */
  readonly failing?: readonly string[]
  readonly isForbidden?: (key: string) => boolean
  /** Options of `holdall migrate`. */
  readonly words?: readonly string[]
}

/** What came of it. */
export interface Verdict {
  /** Everything that is wrong; nothing, if all is well. */
  readonly wrong: readonly string[]
  readonly code: number | null
  readonly status: MigrationStatus
  readonly kills: number
  readonly secs: number
  readonly requests: number
  readonly puts: number
  /** Faults by kind. */
  readonly struck: Readonly<Record<string, number>>
  readonly commands: Commands
  readonly bucket: Bucket
  readonly traffic: Traffic
  readonly url: string
}

/** Migrates, and looks at everything; the bucket and the traffic stay open. */
export async function judgedFleet({ rgw, postgres, folder, name }: JudgedPlace, work: JudgedWork): Promise<Verdict> {
  const {
    seed,
    source,
    files,
    killEveryMs,
    killEveryUploads = 0,
    mostSecs,
    failing = [],
    isForbidden,
    words = [],
  } = work
  const bucket = await Bucket.make(rgw, name)
  const traffic = await Traffic.start(rgw.url, seed, isForbidden)
  const commands = await Commands.make(join(folder, name), rgw, traffic.url, { target: name })
  const url = await postgres.createDatabase()
  const kill = { everyMs: killEveryMs, everyUploads: killEveryUploads, uploads: () => traffic.puts }
  const fleet = { url, workers: WORKERS, kill, seed, ...(mostSecs !== undefined && { mostSecs }) }
  const { ended, kills, strayed, secs } = await killedFleet(commands, ['migrate', source, 'target:', ...words], fleet)
  await traffic.quiet()
  const status = await statusOf(commands, url)
  const wrong = [
    ...strayed.map(text => `a worker ended by itself: ${text}`),
    ...(ended.code === (failing.length === 0 ? 0 : 1) ? [] : [`the exit code is ${ended.code}: ${ended.stderr}`]),
    ...miscounts(status, files, failing),
    ...(await leftovers(url)),
    ...(await differences(
      bucket,
      seed,
      files.filter(file => !failing.includes(file.name)),
    )),
  ]
  const { requests, puts, struck } = traffic
  return { wrong, code: ended.code, status, kills, secs, requests, puts, struck, commands, bucket, traffic, url }
}

/** The only migration of a fleet. */
export async function statusOf(commands: Commands, url: string): Promise<MigrationStatus> {
  const { stdout } = await commands.run('--json', 'migrate', 'status', '--fleet', url)
  return JSON.parse(stdout) as MigrationStatus
}

import type {
  MigrationCounts,
  MigrationHeldBack,
  MigrationStatus,
  MigrationWorkerStatus,
} from '../core/migration-status.ts'
import { type FailedFile, failuresAfter } from './failures.ts'
import { withLedger } from './fleet.ts'
import { checkUuid } from './ids.ts'
import type { Database } from './postgres.ts'
import { ALIVE_SECS } from './reports.ts'
import { PASSES, type Stage } from './stages.ts'
import { unescaped } from './texts.ts'

/** Number of failed files that are read at a time. */
const FAILURES = 1000
/** Seconds since its last report for which a worker is shown; one that ends by itself removes its reports. */
const SHOWN_SECS = 3600

/** A page whose retries are used up. */
export interface FailedPage {
  readonly first: string
  readonly last: string
  readonly size: number
  readonly error: string
}

/** The status of a fleet's migration. */
export interface FleetStatus extends MigrationStatus {
  /** Pages whose retries are used up, at most the first 100. */
  readonly failedPages: readonly FailedPage[]
}

type Numbers = Readonly<Record<string, string>>

interface Row {
  readonly id: string
  readonly source: string
  readonly target: string
  readonly stage: Stage
  readonly state: 'running' | 'done' | 'failed'
  readonly held_back: MigrationHeldBack | null
  readonly begun_at: Date
  readonly updated_at: Date
  readonly finished_at: Date | null
  readonly is_listing: boolean
  readonly left_out: boolean
}

/** Returns the status of a migration, or of all of them, the newest first. An id that the ledger does not have gives an empty list. */
export async function fleetStatus(url: string, id?: string | undefined): Promise<FleetStatus[]> {
  if (id !== undefined) checkUuid(id)
  return withLedger(url, database => statuses(database, id))
}

export async function statuses(database: Database, id?: string | undefined): Promise<FleetStatus[]> {
  const rows = await database.query<Row & Numbers>(
    `SELECT m.*, EXISTS (SELECT 1 FROM holdall_fleet.ranges r WHERE r.migration = m.id AND r.stage = 'copy') AS is_listing
     FROM holdall_fleet.migrations m WHERE $1::uuid IS NULL OR m.id = $1 ORDER BY begun_at DESC`,
    [id ?? null],
  )
  return Promise.all(rows.map(row => statusOf(database, row)))
}

async function statusOf(database: Database, row: Row & Numbers): Promise<FleetStatus> {
  const { id, stage, held_back } = row
  const failures = await database.query<{ code: string; count: string }>(
    'SELECT code, count(*) AS count FROM holdall_fleet.failures WHERE migration = $1 GROUP BY code ORDER BY code',
    [id],
  )
  const pages = await database.query<{ state: string; count: string }>(
    'SELECT state, count(*) AS count FROM holdall_fleet.pages WHERE migration = $1 GROUP BY state',
    [id],
  )
  const broken = await database.query<{ first: string; last: string; size: number; error: string | null }>(
    `SELECT first, last, size, error FROM holdall_fleet.pages WHERE migration = $1 AND state = 'failed'
     UNION ALL
     SELECT COALESCE(after, ''), COALESCE(until, ''), 0, error FROM holdall_fleet.ranges WHERE migration = $1 AND state = 'failed'
     LIMIT 100`,
    [id],
  )
  const known = row.state === 'running' ? await workersOf(database, id) : []
  const workers = known.filter(({ isAlive }) => isAlive)
  const sum = (name: 'files' | 'bytes'): number => workers.reduce((total, worker) => total + worker.rates[name], 0)
  const failed = failures.reduce((total, { count }) => total + Number(count), 0)
  const number = (name: string): number => Number(row[name])
  const count = (state: string): number => Number(pages.find(page => page.state === state)?.count ?? 0)
  const counts: MigrationCounts = {
    seen: number('seen'),
    copied: number('copied'),
    unchanged: number('unchanged'),
    skipped: number('skipped'),
    failed,
    verified: number('verified'),
    different: Math.max(0, number('different')),
    compared: number('compared'),
    withoutDigest: number('without_digest'),
    sizeOnly: number('size_only'),
    extra: number('extra'),
    deleted: number('deleted'),
    bytes: number('bytes'),
  }
  const pass = PASSES[stage]
  const isComplete = !row.is_listing
  const total = { files: number('listed'), bytes: number('listed_bytes'), isComplete }
  const left = total.files - (pass === 'copy' ? counts.seen : counts.verified)
  const filesPerSec = sum('files')
  const hasEta = row.state === 'running' && isComplete && filesPerSec > 0 && pass !== 'delete'
  const slowed = workers.flatMap(({ slowedTo }) => (slowedTo === null ? [] : [slowedTo]))
  return {
    id,
    source: unescaped(row.source),
    target: unescaped(row.target),
    state: row.state === 'running' && workers.length === 0 ? 'interrupted' : row.state,
    pass,
    startedAt: row.begun_at,
    updatedAt: row.updated_at,
    finishedAt: row.finished_at ?? undefined,
    counts,
    total,
    filesPerSec,
    bytesPerSec: sum('bytes'),
    etaSecs: hasEta ? Math.max(0, left) / filesPerSec : undefined,
    failures: Object.fromEntries(failures.map(failure => [failure.code, Number(failure.count)])),
    pages: {
      waiting: count('waiting'),
      running: count('running'),
      failed: broken.length < 100 ? broken.length : count('failed'),
    },
    workers: known.map(({ status }) => status),
    slowedTo: slowed.length === 0 ? undefined : Math.min(...slowed) * workers.length,
    heldBack: held_back ?? undefined,
    ...(row.left_out && { hasLeftOut: true }),
    failedPages: broken.map(({ first, last, size, error }) => ({
      first: unescaped(first),
      last: unescaped(last),
      size,
      error: error === null ? 'The worker was lost.' : unescaped(error),
    })),
  }
}

interface KnownWorker {
  readonly status: MigrationWorkerStatus
  readonly rates: { readonly files: number; readonly bytes: number }
  readonly slowedTo: number | null
  readonly isAlive: boolean
}

async function workersOf(database: Database, id: string): Promise<readonly KnownWorker[]> {
  const rows = await database.query<{
    name: string
    seen_at: Date
    files: string
    bytes: string
    files_per_sec: number
    bytes_per_sec: number
    slowed_to: number | null
    error: string | null
    is_alive: boolean
  }>(
    `SELECT *, error IS NULL AND seen_at > now() - interval '${ALIVE_SECS} seconds' AS is_alive FROM holdall_fleet.workers
     WHERE migration = $1 AND seen_at > now() - interval '${SHOWN_SECS} seconds' ORDER BY name`,
    [id],
  )
  return rows.map(({ name, seen_at, files, bytes, files_per_sec, bytes_per_sec, slowed_to, error, is_alive }) => ({
    status: {
      name,
      seenAt: seen_at,
      files: Number(files),
      bytes: Number(bytes),
      filesPerSec: files_per_sec,
      ...(error !== null && { error: unescaped(error) }),
    },
    rates: { files: files_per_sec, bytes: bytes_per_sec },
    slowedTo: slowed_to,
    isAlive: is_alive,
  }))
}

/** Returns every failed file of a migration. */
export async function* fleetFailures(url: string, id: string): AsyncGenerator<FailedFile> {
  checkUuid(id)
  let after: string | undefined
  do {
    const page = await withLedger(url, database => failuresAfter(database, id, after, FAILURES))
    yield* page.files
    after = page.last
  } while (after !== undefined)
}

import { existsSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { DatabaseSync } from 'node:sqlite'
import { errnoOf } from '../../core/errno.ts'
import { isStorageError } from '../../core/errors.ts'
import type { MigrationStatus } from '../../core/migration-status.ts'
import { warnOnce } from '../../core/warn.ts'
import { type FailureRow, FailureTable } from './failure-table.ts'
import { endedState, statusOf } from './progress.ts'
import { type FinishedRun, RunTable } from './run-table.ts'
import { LedgerLock, naming, openLedger } from './sqlite.ts'
import { TABLES } from './tables.ts'

/** The ending of ledgers in a folder of ledgers. */
const ENDING = '.sqlite'
/** Number of failures that are read at a time. */
const PAGE = 1000

/** The status of a migration, and the path of its ledger. */
export interface LedgerStatus extends MigrationStatus {
  readonly ledger: string
}

/** A file that failed, and still does. */
export type LedgerFailure = Omit<FailureRow, 'isRefused'>

/**
 * Returns the status of the migration of a ledger, also while a process works on it; undefined if there is no such file, or
 * its only run ended before the first file. `invalid_argument`: the file is no ledger.
 * @example
 * const status = await readStatus('media.sqlite')
 * console.log(status?.state, status?.counts.copied)
 */
export async function readStatus(path: string): Promise<MigrationStatus | undefined> {
  if (!existsSync(path)) return undefined
  return reading(path, database => {
    const runs = new RunTable(database, readOnly)
    const run = runs.newest()
    if (run === undefined) return undefined
    const failures = new FailureTable(database, readOnly)
    const isRunning = LedgerLock.isTaken(path)
    // A first run that ended before its first file, as with a misspelt place, is no migration.
    const isEnded = runs.lastFinished() !== undefined
    const isBegun = isRunning || isEnded || run.counts.seen > 0 || failures.count > 0
    if (!isBegun && database.prepare('SELECT 1 FROM files LIMIT 1').get() === undefined) return undefined
    return statusOf(run, failures, isRunning ? 'running' : endedState(run, failures.count))
  })
}

/**
 * Returns the status of every ledger in a folder (`*.sqlite`), the newest first. A file that cannot be read as a ledger is left out with a
 * process warning that names it. A folder that does not exist has none.
 */
export async function listLedgers(folder: string): Promise<readonly LedgerStatus[]> {
  const names = await readdir(folder).catch((error: unknown): readonly string[] => {
    if (errnoOf(error) === 'ENOENT') return []
    throw error
  })
  const found: LedgerStatus[] = []
  for (const name of names.filter(each => each.endsWith(ENDING))) {
    const ledger = join(folder, name)
    try {
      const status = await readStatus(ledger)
      if (status !== undefined) found.push({ ...status, ledger })
    } catch (error) {
      if (!isStorageError(error)) throw error
      warnOnce(error.message, 'HOLDALL_LEFT_OUT')
    }
  }
  return found.sort((one, other) => +other.updatedAt - +one.updatedAt)
}

/** Returns the files that failed and still do, in the order of their names. A file that does not exist has none. */
export async function* ledgerFailures(path: string): AsyncGenerator<LedgerFailure> {
  for (let after: string | undefined; existsSync(path); ) {
    const rows = reading(path, database => new FailureTable(database, readOnly).page({ after }, PAGE))
    for (const { isRefused: _, ...row } of rows) yield row
    if (rows.length < PAGE) return
    after = rows.at(-1)!.name
  }
}

/** Returns the last run of a ledger that ended, for `since`: what was modified after its begin may be missing at the target. */
export async function lastFinishedRun(path: string): Promise<FinishedRun | undefined> {
  if (!existsSync(path)) return undefined
  return reading(path, database => new RunTable(database, readOnly).lastFinished())
}

function reading<T>(path: string, read: (database: DatabaseSync) => T): T {
  return naming(path, () => {
    const database = openLedger(path, true, TABLES)
    try {
      return read(database)
    } finally {
      database.close()
    }
  })
}

function readOnly(): void {
  throw new TypeError('The ledger is only read.')
}

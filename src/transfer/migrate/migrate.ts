import { existsSync } from 'node:fs'
import { never } from '../../core/abort.ts'
import { isStorageError, StorageError } from '../../core/errors.ts'
import type { AnyStorage } from '../../storage/storage.ts'
import { Places } from '../places.ts'
import { checkMigrateOptions, checkRetryOptions } from './checked-options.ts'
import { SqliteLedger } from './ledger.ts'
import { refuseInPlace } from './ledger-place.ts'
import { MigrationRun } from './migration-run.ts'
import { checkSamePlan, placesId, planOf, titleOf } from './plan.ts'
import { RunContext } from './run-context.ts'
import type { RunRow } from './run-table.ts'
import { namedError, naming, TEMPORARY } from './sqlite.ts'
import type { MigrateOptions, MigrationReport, RetryOptions } from './types.ts'

/**
 * Copies every file of the source to the target, then compares both, and with `delete` deletes what only the target has. With a `ledger` an
 * interrupted run is continued by the next call with the same options. If the process was killed, only the files in progress at that moment
 * are copied again, and where the listings have no digests also those of the last 50 ms. After a finished run, the next call copies what has
 * changed since. The ledger grows with the number of files, memory does not.
 *
 * An error of one file is reported by `onEvent`, is named in the ledger, and the others are still copied. A listing that fails ends the run
 * with its error; nothing is deleted, and the next call continues. `invalid_argument`: the two places overlap; the ledger is that of other
 * places, or has an unfinished run with other options. `exists`: another process works on the ledger. `not_found`: there is nothing at
 * `sourcePath`. `aborted`: the signal fired.
 * @example
 * const report = await migrate(new LocalStorage({ location: 'media' }), storages.get('new'), {
 *   ledger: 'media.sqlite',
 *   onProgress: ({ pass, counts, filesPerSec }) => console.log(pass, counts.copied, filesPerSec),
 * })
 * for (const { name, message } of report.failedFiles) console.error(name, message)
 */
export async function migrate(
  source: AnyStorage,
  target: AnyStorage,
  options: MigrateOptions = {},
): Promise<MigrationReport> {
  checkMigrateOptions(options)
  return withRun(
    source,
    target,
    options,
    async places => {
      if (options.ledger !== undefined) await refuseInPlace(options.ledger, places)
    },
    (ledger, places, id) => begun(ledger, places, id, options),
    run => run.run(),
  )
}

/**
 * Copies again the files that failed in the run of the ledger, and compares them; nothing else is copied, and files that the target cannot
 * have are left out. A deletion that failed is left to the next `migrate`. An unfinished run stays unfinished. `invalid_argument`: there is
 * no ledger, or it has no run.
 * @example
 * const report = await retryFailures(source, target, { ledger: 'media.sqlite' })
 * console.log(report.counts.failed)
 */
export async function retryFailures(
  source: AnyStorage,
  target: AnyStorage,
  options: RetryOptions,
): Promise<MigrationReport> {
  checkRetryOptions(options)
  const { ledger: path } = options
  if (path === undefined) throw new StorageError('invalid_argument', 'retryFailures needs a ledger.')
  if (!existsSync(path)) {
    throw new StorageError('invalid_argument', `ledger: there is no file '${path}'.`, { fileName: path })
  }
  return withRun(
    source,
    target,
    options,
    async () => undefined,
    (ledger, _places, id) => {
      const run = ledger.runs.newest()
      if (run === undefined)
        throw new StorageError('invalid_argument', `ledger: '${path}' has no run.`, { fileName: path })
      checkSamePlaces(path, run, id)
      return run
    },
    run => run.retry(),
  )
}

/** Checks both places and opens the ledger, does the work, and closes both. */
async function withRun(
  source: AnyStorage,
  target: AnyStorage,
  options: MigrateOptions,
  check: (places: Places) => Promise<void>,
  begin: (ledger: SqliteLedger, places: Places, id: string) => RunRow,
  work: (run: MigrationRun) => Promise<MigrationReport>,
): Promise<MigrationReport> {
  const { signal = never(), dryRun = false, ledger: path } = options
  const places = await Places.of(source, target, options, { signal, isWriting: true, dryRun })
  try {
    await check(places)
    const id = await placesId(places.source, places.target, signal)
    const ledger = naming(path ?? TEMPORARY, () => (dryRun ? SqliteLedger.forDryRun(path) : SqliteLedger.open(path)))
    try {
      const run = begin(ledger, places, id)
      ledger.commit()
      return await work(new MigrationRun(new RunContext(places, ledger, run, options, signal)))
    } finally {
      ledger.close()
    }
  } catch (caught) {
    const error = namedError(path ?? TEMPORARY, caught)
    if (!signal.aborted || isStorageError(error)) throw error
    throw new StorageError('aborted', 'The migration was aborted.', { cause: signal.reason })
  } finally {
    places.end()
  }
}

/** Returns the unfinished run of the ledger, or a new one. */
function begun(ledger: SqliteLedger, places: Places, id: string, options: MigrateOptions): RunRow {
  const { restart = false, titles } = options
  const plan = planOf(options)
  const newest = ledger.runs.newest()
  // A run that ended before its first file, as with a misspelt folder, binds nothing.
  const isBegun = newest !== undefined && (newest.finishedAt !== undefined || newest.counts.seen > 0 || !ledger.isEmpty)
  if (isBegun) checkSamePlaces(ledger.path, newest, id)
  if (isBegun && newest.finishedAt === undefined && !restart) {
    checkSamePlan(ledger.path, newest.plan, plan)
    return newest
  }
  ledger.failures.reset()
  const { source = titleOf(places.source), target = titleOf(places.target) } = titles ?? {}
  const run = ledger.runs.add({ places: id, source, target, plan })
  const last = ledger.runs.lastFinished()
  if (last !== undefined) {
    // An estimate.
    run.total = { files: last.counts.seen, bytes: last.total?.bytes ?? last.counts.bytes, isComplete: false }
  }
  return run
}

function checkSamePlaces(path: string, { places, source, target }: RunRow, id: string): void {
  if (places === id) return
  const text = `ledger: '${path}' is that of another migration: ${source} to ${target}.`
  throw new StorageError('invalid_argument', text, { fileName: path })
}

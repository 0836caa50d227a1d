import { migrate, retryFailures } from '../transfer/index.ts'
import { lastFinishedRun } from '../transfer/migrate/status.ts'
import type { MigrateOptions, MigrationReport } from '../transfer/migrate/types.ts'
import { type CliContext, UsageError } from './context.ts'
import { ledgerPathOf, makeLedgerFolder } from './ledger-path.ts'
import { globalMeter } from './meter.ts'
import type { MigrateJob } from './migrate-job.ts'
import { MigratePrinter } from './migrate-printer.ts'
import { MigrateProgress } from './migrate-progress.ts'
import type { MigrationPlaces } from './migration-book.ts'

/** Options of a run that the command line always sets. */
type RunOptions = Pick<MigrateOptions, 'sourcePath' | 'targetPath' | 'signal' | 'onEvent' | 'onProgress'>

/** Migrates in this process, with a ledger of this machine; a dry run of a fleet has none. */
export async function migrateHere(
  context: CliContext,
  job: MigrateJob,
  file: string | undefined,
  fleet: string | undefined,
): Promise<void> {
  const { places, wish } = job
  const { plan, concurrency, bandwidth, count, restart } = wish
  const dryRun = context.options.dryRun === true
  if (dryRun && restart) throw new UsageError('--restart and --dry-run exclude each other.')
  const ledger = fleet === undefined ? (file ?? (await ledgerPathOf(places))) : undefined
  if (file === undefined && !dryRun) await makeLedgerFolder()
  const printer = new MigratePrinter(context, places)
  const since = wish.since === 'last' ? await lastBegin(places, ledger, fleet) : wish.since
  if (wish.since === 'last' && since === undefined) printer.noLastRun()
  await printer.plan({ verify: plan.verify, since: since?.toISOString() }, dryRun ? undefined : ledger)
  const titles = { source: places.source.title, target: places.target.title }
  await followed(context, places, printer, async options =>
    migrate(places.source.storage, places.target.storage, {
      ...options,
      ...plan,
      since,
      concurrency,
      bandwidth,
      count,
      restart,
      dryRun,
      ledger,
      titles,
      meter: await globalMeter(),
    }),
  )
}

/** Processes the failed names of a ledger again. */
export async function retryHere(
  context: CliContext,
  places: MigrationPlaces,
  ledger: string,
  concurrency: number,
): Promise<void> {
  const printer = new MigratePrinter(context, places)
  await followed(context, places, printer, options =>
    retryFailures(places.source.storage, places.target.storage, { ...options, concurrency, ledger }),
  )
}

/** Runs work, and prints its progress, its events, and its result. */
async function followed(
  context: CliContext,
  { source, target }: MigrationPlaces,
  printer: MigratePrinter,
  work: (options: RunOptions) => Promise<MigrationReport>,
): Promise<void> {
  const progress = new MigrateProgress(context)
  progress.whenInterrupted()
  let isReported = false
  try {
    const report = await work({
      sourcePath: source.path,
      targetPath: target.path,
      signal: context.signal,
      onEvent: event => printer.event(event),
      onProgress: status => progress.show(status),
    })
    await progress.end()
    isReported = true
    await printer.report(report)
  } finally {
    await progress.end()
    if (!isReported && progress.latest !== undefined) await printer.unfinished(progress.latest)
  }
}

/** Returns when the last finished run between both places began; undefined if there was none. */
async function lastBegin(
  places: MigrationPlaces,
  ledger: string | undefined,
  fleet: string | undefined,
): Promise<Date | undefined> {
  if (ledger !== undefined) return (await lastFinishedRun(ledger))?.begunAt
  if (fleet === undefined) return undefined
  const { FleetBook } = await import('./fleet-commands.ts')
  return (await new FleetBook(fleet).find(places)).find(({ state }) => state === 'done')?.startedAt
}

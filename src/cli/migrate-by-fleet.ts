import { setTimeout as pause } from 'node:timers/promises'
import { type ErrorCode, isStorageError, StorageError } from '../core/errors.ts'
import { isMigrationDone } from '../core/migration-status.ts'
import { type FleetStatus, fleetFailures, fleetStatus, planMigration, runWorker } from '../fleet/index.ts'
import { leftBehind } from '../transfer/migrate/left-behind.ts'
import { MigrationMeters } from '../transfer/migrate/meters.ts'
import type { CliContext } from './context.ts'
import { FleetBook } from './fleet-book.ts'
import { fleetPlaces } from './fleet-places.ts'
import { globalMeter } from './meter.ts'
import type { MigrateJob } from './migrate-job.ts'
import { MigratePrinter } from './migrate-printer.ts'
import { MigrateProgress } from './migrate-progress.ts'

/** Interval in milliseconds in which the state of the migration is read. */
const WATCH_EVERY_MS = 1000

/** What this process does for a migration of a fleet. */
export interface FleetPart {
  /** Whether it is a worker as well. */
  readonly isWorker: boolean
  /** Whether it ends when the migration is planned. */
  readonly isDetached: boolean
}

/** Plans a migration, and takes part in it until it has ended. */
export async function migrateByFleet(
  context: CliContext,
  { places, wish }: MigrateJob,
  url: string,
  { isWorker, isDetached }: FleetPart,
): Promise<void> {
  const { out, signal } = context
  const { plan, concurrency, bandwidth, restart } = wish
  const { source, target } = places
  const earlier = await new FleetBook(url).find(places)
  const unfinished = earlier.find(({ state }) => state === 'running' || state === 'interrupted')
  const isNew = unfinished === undefined || restart
  const last = wish.since === 'last' ? earlier.find(({ state }) => state === 'done')?.startedAt : wish.since
  const printer = new MigratePrinter(context, places)
  if (isNew) {
    if (wish.since === 'last' && last === undefined) printer.noLastRun()
    await printer.plan({ verify: plan.verify, since: last?.toISOString() }, undefined)
  } else {
    out.log(`the unfinished migration ${unfinished.id} goes on, with the options with which it was planned`)
  }
  await printer.leftBehind(leftBehind(source.storage, target.storage, plan))
  const titles = { source: source.title, target: target.title }
  const placeOf = fleetPlaces(context)
  const { id } = await planMigration(url, { ...titles, ...plan, since: last, bandwidth, restart, placeOf, signal })
  if (isDetached) return out.record({ type: 'planned', id, ...titles }, id)
  if (out.json) await out.record({ type: 'planned', id, ...titles }, '')
  const progress = new MigrateProgress(context)
  progress.whenInterrupted('; other workers go on')
  const stop = new AbortController()
  const meter = await globalMeter()
  const working = isWorker
    ? runWorker(url, {
        placeOf,
        concurrency,
        signal: AbortSignal.any([signal, stop.signal]),
        meter,
        onEvent: async ({ migration, ...event }) => {
          if (migration !== id) return
          if (event.type === 'refused') out.warn(`this process cannot work on the migration: ${event.error.message}`)
          else await printer.event(event)
        },
      })
    : undefined
  working?.catch(() => {})
  try {
    const status = await ended(context, url, id, progress, working)
    stop.abort()
    await working
    await progress.end()
    await reportFailures(url, id, printer)
    new MigrationMeters(meter, titles).add({
      failures: status.failures,
      counts: { different: status.counts.different },
    })
    await printer.report({ ...status, failedFiles: [], isDone: isMigrationDone(status) })
  } finally {
    stop.abort()
    await working?.catch(() => {})
    await progress.end()
  }
}

/** Prints the files that failed for good, whichever worker has processed them. */
async function reportFailures(url: string, id: string, printer: MigratePrinter): Promise<void> {
  for await (const { name, code, message } of fleetFailures(url, id)) {
    const error = new StorageError(code as ErrorCode, message, { operation: 'copy', fileName: name })
    await printer.event({ type: 'failed', name, error })
  }
}

/** Waits until a migration has ended, and shows its progress. A database that does not answer is waited for. */
async function ended(
  { out, signal }: CliContext,
  url: string,
  id: string,
  progress: MigrateProgress,
  working: Promise<void> | undefined,
): Promise<FleetStatus> {
  let isWarned = false
  for (;;) {
    signal.throwIfAborted()
    try {
      const [status] = await fleetStatus(url, id)
      isWarned = false
      if (status === undefined) throw new StorageError('not_found', `The migration ${id} was removed from the fleet.`)
      progress.show(status)
      if (status.state === 'done' || status.state === 'failed') return status
    } catch (error) {
      if (!isStorageError(error, 'unavailable', 'timeout')) throw error
      if (!isWarned) out.warn(error.message)
      isWarned = true
    }
    const waited = pause(WATCH_EVERY_MS, undefined, { signal })
    // A worker that failed ends the wait.
    await Promise.race([waited, working?.then(() => waited) ?? waited])
  }
}

import { StorageError } from '../core/errors.ts'
import { checkKnownOptions, type KnownOptions } from '../core/known-options.ts'
import type { MeterLike, MigrateEvent } from '../transfer/migrate/types.ts'
import type { HeartbeatTimes } from './heartbeat.ts'
import type { QueueTimes } from './queue.ts'
import type { PlaceOf } from './work.ts'

/**
 * What happened to a file of a migration; `refused`: this worker cannot open its places, because of a setting or of the places themselves,
 * and leaves the migration to others. It tries again every minute, and reports the same error once.
 */
export type FleetEvent = (MigrateEvent | { readonly type: 'refused'; readonly error: StorageError }) & {
  readonly migration: string
}

/** Options of a worker. */
export interface WorkerOptions {
  /** Returns the place that a text such as `alias:path` names, with the worker's own settings. */
  readonly placeOf: PlaceOf
  /** Maximum number of files in parallel; default 16. */
  readonly concurrency?: number | undefined
  /** Whether the worker ends when no migration is unfinished; default false: it waits for the next one. */
  readonly once?: boolean | undefined
  /** Ends the worker: its pages are given back at once. */
  readonly signal?: AbortSignal | undefined
  /** Called for each file that was copied, deleted or failed, and for a migration that this worker cannot open. */
  readonly onEvent?: ((event: FleetEvent) => void | Promise<void>) | undefined
  /** A meter of OpenTelemetry, for counters of files, bytes and failures. */
  readonly meter?: MeterLike | undefined
}

const WORKER_OPTIONS: KnownOptions<WorkerOptions> = {
  placeOf: true,
  concurrency: true,
  once: true,
  signal: true,
  onEvent: true,
  meter: true,
}

/** Intervals that tests shorten. */
export interface WorkerTimes extends HeartbeatTimes, QueueTimes {}

/** Rejects options of a worker that are unknown or invalid with `invalid_argument`. */
export function checkWorkerOptions(options: WorkerOptions): void {
  checkKnownOptions('runWorker', options, WORKER_OPTIONS)
  const { placeOf, concurrency } = options
  const reject = (text: string): never => {
    throw new StorageError('invalid_argument', `runWorker: ${text}`, { operation: 'fleet' })
  }
  if (typeof placeOf !== 'function') reject('placeOf: expected a function.')
  if (concurrency !== undefined && !(Number.isSafeInteger(concurrency) && concurrency > 0)) {
    reject(`concurrency: expected an integer above 0, got '${String(concurrency)}'.`)
  }
}

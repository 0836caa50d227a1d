import { StorageError } from '../core/errors.ts'
import { CarriedAttributes } from '../storage/carried-attributes.ts'
import type { AnyStorage } from '../storage/storage.ts'
import { nameFilter } from '../transfer/checked-options.ts'
import { Bandwidth } from '../transfer/migrate/bandwidth.ts'
import { MigrationEngine } from '../transfer/migrate/engine.ts'
import type { Pacer } from '../transfer/migrate/engine-options.ts'
import { MigrationMeters } from '../transfer/migrate/meters.ts'
import { Pace } from '../transfer/migrate/pace.ts'
import type { LeftBehind, MeterLike } from '../transfer/migrate/types.ts'
import { Places } from '../transfer/places.ts'
import type { FleetPlan } from './migrations.ts'
import type { Sql } from './postgres.ts'
import { unescaped } from './texts.ts'

/** A storage, and a folder of it. */
export interface Place {
  readonly storage: AnyStorage
  readonly path: string
}

/** Returns the place that a text such as `alias:path` names. Every worker has its own settings; the ledger has only the texts. */
export type PlaceOf = (text: string) => Place | Promise<Place>

/** A migration that a worker takes part in. */
export interface Work {
  readonly id: string
  readonly plan: FleetPlan
  readonly places: Places
  readonly engine: MigrationEngine
  /** Compares files that were copied again: all of them, where the verify pass compares a sample. */
  readonly recheck: MigrationEngine
  readonly pace: Pace
  readonly bandwidth: Bandwidth | undefined
  readonly meters: MigrationMeters
  readonly isWanted: (name: string) => boolean
}

/** Options of taking part in a migration. */
export interface WorkOptions {
  readonly placeOf: PlaceOf
  readonly concurrency: number
  readonly signal: AbortSignal
  readonly meter?: MeterLike | undefined
  onLeftBehind?(migration: string, leftBehind: LeftBehind): void | Promise<void>
  /** A service asked to slow down. */
  onThrottled?(): void
}

/** Opens the places of a migration; undefined if the ledger has no such migration. */
export async function openWork(sql: Sql, id: string, options: WorkOptions): Promise<Work | undefined> {
  const [row] = await sql.query<{ source: string; target: string; plan: string }>(
    'SELECT source, target, plan FROM holdall_fleet.migrations WHERE id = $1',
    [id],
  )
  if (row === undefined) return undefined
  const plan = JSON.parse(row.plan) as FleetPlan
  const { placeOf, concurrency, signal, meter, onLeftBehind, onThrottled } = options
  const titles = { source: unescaped(row.source), target: unescaped(row.target) }
  const places = await openPlaces(titles.source, titles.target, plan, { placeOf, signal })
  const pace = new Pace()
  const bandwidth = plan.bandwidth === undefined ? undefined : new Bandwidth(plan.bandwidth)
  const carried = new CarriedAttributes(places.source.storage, places.target.storage, {
    ...plan,
    onLeftBehind: left => onLeftBehind?.(id, left),
  })
  const meters = new MigrationMeters(meter, titles)
  const pacer: Pacer = {
    take: signal => pace.take(signal),
    throttled: retryAfterMs => {
      meters.add({ throttled: 1 })
      pace.throttled(retryAfterMs)
      onThrottled?.()
    },
  }
  const engineOptions = { concurrency, pacer, bandwidth, carried }
  return {
    id,
    plan,
    places,
    engine: new MigrationEngine(places, plan, engineOptions),
    recheck: new MigrationEngine(places, plan.verify === 'sample' ? { ...plan, verify: 'full' } : plan, engineOptions),
    pace,
    bandwidth,
    meters,
    isWanted: nameFilter(plan),
  }
}

/**
 * Opens both places for a fleet. `unsupported` if the target treats different names as one: such names are recognised only where one process
 * sees all of them.
 */
export async function openPlaces(
  source: string,
  target: string,
  { include, exclude }: Pick<FleetPlan, 'include' | 'exclude'>,
  { placeOf, signal }: Pick<WorkOptions, 'placeOf' | 'signal'>,
): Promise<Places> {
  const [from, to] = [await placeOf(source), await placeOf(target)]
  const options = { sourcePath: from.path, targetPath: to.path, include, exclude, signal }
  const places = await Places.of(from.storage, to.storage, options, { signal, isWriting: true, dryRun: false })
  if (!places.isFolded) return places
  places.end()
  const text = `fleet: '${target}' treats names that differ only in letter case as one, and pages of names cannot show this. Migrate on one machine.`
  throw new StorageError('unsupported', text, { operation: 'fleet' })
}

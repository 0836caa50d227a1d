import type { StorageError } from '../../core/errors.ts'
import { isPart } from '../item.ts'
import { isInSource, isRecent } from '../late-files.ts'
import type { Places } from '../places.ts'
import { deleteExtras, heldBack } from '../removal.ts'
import type { SqliteLedger } from './ledger.ts'
import { pairsOf } from './pairs.ts'
import type { MigrationHeldBack, MigrationPlan } from './types.ts'

/** What the delete pass needs. */
export interface DeletePassOptions {
  readonly signal: AbortSignal
  readonly dryRun: boolean
  /** Whether an earlier listing of the source left out entries. */
  readonly hasLeftOut: boolean
  deleted(name: string): Promise<void>
  failed(name: string, error: StorageError): Promise<void>
}

/**
 * Deletes files that only the target has. Both sides are listed again; nothing is deleted before both listings are complete, so that an
 * error in one of them deletes nothing. Run again, it lists again. A file that an application stores in both places between the two listings
 * is not deleted: recent files are looked up in the source. Returns why nothing was deleted.
 */
export async function deletePass(
  places: Places,
  plan: MigrationPlan,
  ledger: SqliteLedger,
  options: DeletePassOptions,
): Promise<MigrationHeldBack | undefined> {
  const { signal, dryRun, hasLeftOut } = options
  if (ledger.failures.different > 0) return 'differences'
  if (ledger.failures.count > 0) return 'failures'
  ledger.clearExtras()
  const begun = Date.now()
  let wanted = 0
  let atTarget = 0
  let extra = 0
  for await (const { source, target } of pairsOf(places.listSource(), places.listTarget())) {
    if (source !== undefined && isPart(source)) wanted++
    if (target === undefined || !isPart(target)) continue
    atTarget++
    if (source !== undefined || (isRecent(target, begun) && (await isInSource(places, target.name, signal)))) continue
    extra++
    ledger.addExtra({ name: target.name, etag: target.entry.etag })
  }
  ledger.commit()
  await places.settled()
  const isIncomplete = hasLeftOut || places.hasLeftOut
  const why = heldBack({ failed: 0, wanted, atTarget, extra, isIncomplete }, plan)
  if (why !== undefined) return why
  for (const page of ledger.extras()) {
    await deleteExtras(places.target, page, { dryRun, signal, isFolded: places.isFolded }, options)
  }
  ledger.clearExtras()
  return undefined
}

import { serializeManifest } from '../core/static-manifest.ts'
import type { AnyStorage } from '../storage/storage.ts'
import type { ManifestPlan } from './options.ts'
import { RECORD_NAME } from './record.ts'
import type { RunReport } from './report.ts'
import type { Store } from './store.ts'
import { hashOf, type Target } from './target.ts'

/** What a run leaves behind. */
export interface FinishOptions {
  readonly plan: ManifestPlan | undefined
  /** Entries of the new manifest; undefined where none is made. */
  readonly paths: ReadonlyMap<string, string> | undefined
  /** Whether a plain name is one of this run. */
  readonly isWanted: (name: string) => boolean
  readonly clear: boolean
  readonly deleteStale: boolean
  /** Former deploys whose hashed files stay; undefined: all. */
  readonly keep: number | undefined
  readonly signal: AbortSignal
}

/**
 * Ends a run when all files are there: the manifest is written, then what no deploy needs is removed, and last the record is written. Where a
 * file has failed, the manifest stays as it was and nothing is removed.
 */
export async function finish(target: Target, store: Store, report: RunReport, options: FinishOptions): Promise<void> {
  const { plan, paths, signal } = options
  const isWhole = !report.hasFailed
  const text =
    plan === undefined || paths === undefined || !isWhole ? undefined : serializeManifest(paths, plan.version)
  const hash = text === undefined ? undefined : hashOf(text)
  if (hash !== undefined && hash !== target.manifestHash && !report.dryRun) {
    await save(plan!.storage, plan!.name, text!, signal)
  }
  const { record } = store
  record.manifest = hash ?? target.record.manifest
  // A run may have ended between its manifest and its record.
  record.deploy = target.record.deploy + (record.manifest === target.record.manifest ? 0 : 1)
  const deploy = Math.max(1, record.deploy)
  for (const name of record.names()) {
    const file = record.get(name)!
    if (file.deploy !== 0 && file.deploy !== deploy) record.set(name, { ...file, deploy })
  }
  const stale = isWhole ? staleNames(target, store, { ...options, deploy }) : []
  const isOurs = stale.length === 0 || hash === undefined || report.dryRun || (await isUnchanged(plan!, hash, signal))
  if (isOurs) await removeAll(target, stale, report, signal)
  else report.warning('another run has written the manifest meanwhile: nothing is removed')
  for (const name of target.record.names()) {
    if (!record.has(name) && target.listed.has(name)) record.set(name, target.record.get(name)!)
  }
  const recordText = record.toText()
  // Where listings have no etags, the time of the record has to be later than those of the files.
  const isChanged = hashOf(recordText) !== target.recordHash || store.hasWritten
  if (isChanged && !report.dryRun) await save(target.storage, RECORD_NAME, recordText, signal)
}

/** Files of former runs that no deploy needs, or with `clear` all that are not of this run. */
function staleNames(target: Target, store: Store, options: FinishOptions & { readonly deploy: number }): string[] {
  const { plan, clear, deleteStale, keep, deploy, isWanted } = options
  const own = new Set([RECORD_NAME, ...(plan !== undefined && plan.storage === target.storage ? [plan.name] : [])])
  const others = [...(clear ? target.listed.keys() : target.record.names())].filter(
    name => target.listed.has(name) && !store.record.has(name) && !isWanted(name) && !own.has(name),
  )
  if (clear) return others
  return others.filter(name => {
    const file = target.record.get(name)
    if (file === undefined) return false
    if (file.deploy === 0) return deleteStale || file.siblingOf !== ''
    return keep !== undefined && file.deploy < deploy - keep
  })
}

/** Whether the manifest in its storage is still this one. */
async function isUnchanged(plan: ManifestPlan, hash: string, signal: AbortSignal): Promise<boolean> {
  return hashOf(await plan.storage.readText(plan.name, { signal })) === hash
}

async function save(storage: AnyStorage, name: string, text: string, signal: AbortSignal): Promise<void> {
  await storage.save(name, text, {
    overwrite: true,
    contentType: 'application/json',
    cacheControl: 'no-cache',
    signal,
  })
}

/** Removes files, and reports those that went and those that could not. */
export async function removeAll(
  target: Target,
  names: readonly string[],
  report: RunReport,
  signal: AbortSignal,
): Promise<void> {
  const { dryRun } = report
  if (names.length === 0) return
  const entries = names.map(name => target.listed.get(name)!.address)
  const failures = dryRun ? [] : (await target.storage.deleteMany(entries, { signal })).errors
  const failed = new Map(failures.map(({ name, error }) => [name, error]))
  for (const name of names) {
    const error = failed.get(name)
    if (error !== undefined) report.failed(name, error)
    else {
      target.forget(name)
      report.event({ type: 'deleted', name, dryRun })
    }
  }
}

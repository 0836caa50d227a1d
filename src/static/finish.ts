import { serializeManifest } from '../core/static-manifest.ts'
import type { ManifestPlan } from './options.ts'
import { withoutOtherSpellings } from './other-spellings.ts'
import { othersAreDone } from './others.ts'
import { RECORD_NAME } from './record.ts'
import { removeAll } from './removal.ts'
import type { RunReport } from './report.ts'
import type { Store } from './store.ts'
import { hashOf, saveText, type Target } from './target.ts'

/** The state that a run leaves in the target. */
export interface FinishOptions {
  readonly plan: ManifestPlan | undefined
  /** The manifest's name in the target; undefined where it is stored elsewhere. */
  readonly manifestName: string | undefined
  /** Entries of the new manifest; undefined where none is written. */
  readonly paths: ReadonlyMap<string, string> | undefined
  /** Plain names of this run. */
  readonly wanted: ReadonlySet<string>
  readonly clear: boolean
  readonly deleteStale: boolean
  /** Number of former deploys whose hashed files stay; undefined: all. */
  readonly keep: number | undefined
  readonly signal: AbortSignal
}

/**
 * Ends a run after all files are stored: writes the manifest, removes files that no deploy needs, and writes the record last. If a file has
 * failed, the manifest does not change and nothing is removed. Returns false where another run has changed the target meanwhile: files that
 * this run relies on may be missing, and everything must be checked again.
 *
 * Two runs cannot miss each other: a run that removes files announces it in the record and then reads the manifest; the other one writes
 * its manifest and then reads the record.
 */
export async function finish(
  target: Target,
  store: Store,
  report: RunReport,
  options: FinishOptions,
): Promise<boolean> {
  const { plan, paths, signal } = options
  const { dryRun } = report
  const isWhole = !report.hasFailed
  const text =
    plan === undefined || paths === undefined || !isWhole ? undefined : serializeManifest(paths, plan.version)
  const hash = text === undefined ? undefined : hashOf(text)
  const isNew = hash !== undefined && hash !== target.manifestHash && !dryRun
  if ((isNew || store.hasWritten) && !(await othersAreDone(target, signal))) return false
  if (isNew) {
    await saveText(plan!.storage, plan!.name, text!, { signal })
    if (!(await othersAreDone(target, signal))) return false
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
  const others = isWhole ? staleNames(target, store, { ...options, deploy }) : []
  const stale = dryRun
    ? others
    : await withoutOtherSpellings(target, [...store.record.names(), ...options.wanted], others, signal)
  if (stale.length > 0 && !dryRun) {
    // Files to be removed stay in the record until they are removed: this run may be killed before that.
    keepOthers(target, store)
    record.removingSinceMs = Date.now()
    await saveText(target.storage, RECORD_NAME, record.toText(), { signal })
    record.removingSinceMs = 0
  }
  const isOurs = stale.length === 0 || hash === undefined || dryRun || (await isUnchanged(plan!, hash, signal))
  if (isOurs) await removeAll(target, stale, report, signal)
  else report.warning('another run has written the manifest meanwhile: nothing is removed')
  for (const name of stale) if (!target.listed.has(name)) record.delete(name)
  keepOthers(target, store)
  const recordText = record.toText()
  // Where listings have no etags, the time of the record must be later than those of the files.
  const isChanged = hashOf(recordText) !== target.recordHash || store.hasWritten || stale.length > 0
  if (isChanged && !dryRun) await saveText(target.storage, RECORD_NAME, recordText, { signal })
  return true
}

/** Returns files of former runs that no deploy needs, or with `clear` all that are not of this run. */
function staleNames(target: Target, store: Store, options: FinishOptions & { readonly deploy: number }): string[] {
  const { plan, manifestName, clear, deleteStale, keep, deploy, wanted } = options
  const own = new Set([RECORD_NAME, manifestName])
  const others = [...(clear ? target.listed.keys() : target.record.names())].filter(
    name => target.listed.has(name) && !store.record.has(name) && !wanted.has(name) && !own.has(name),
  )
  if (clear) return others
  // The former manifest may be that of a run that ended before it wrote the record.
  const former = new Set(keep === 0 ? [] : target.manifest.paths.values())
  return others.filter(name => {
    const file = target.record.get(name)
    if (file === undefined) return false
    if (file.deploy === 0) return deleteStale || file.siblingOf !== ''
    // A run without a manifest does not know which hashed files are in use.
    if (plan === undefined || keep === undefined || former.has(file.siblingOf || name)) return false
    return file.deploy < deploy - keep
  })
}

/** Copies the entries of former runs whose files still exist to the record of this run. */
function keepOthers(target: Target, { record }: Store): void {
  for (const name of target.record.names()) {
    if (record.has(name) || !target.listed.has(name)) continue
    if (target.record.get(name) !== undefined) record.take(name, target.record)
  }
}

/** Whether the manifest in its storage is still this one. */
async function isUnchanged(plan: ManifestPlan, hash: string, signal: AbortSignal): Promise<boolean> {
  return hashOf(await plan.storage.readText(plan.name, { signal })) === hash
}

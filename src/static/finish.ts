import { StorageError } from '../core/errors.ts'
import { parseManifest, serializeManifest, shortHash } from '../core/static-manifest.ts'
import type { ManifestPlan } from './options.ts'
import { RECORD_NAME, type StoredFile } from './record.ts'
import type { RunReport } from './report.ts'
import type { Store } from './store.ts'
import { readText, saveText, Target } from './target.ts'

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
  /** Stores files of this run again that are no longer in the target. */
  readonly restore: (missing: ReadonlySet<string>) => Promise<void>
}

/**
 * Ends a run when all files are there: the manifest is written, then the record, and last what no deploy needs is removed. Where a file
 * has failed, the manifest stays as it was and nothing is removed.
 */
export async function finish(first: Target, store: Store, report: RunReport, options: FinishOptions): Promise<void> {
  const { plan, paths, clear, signal } = options
  const { dryRun } = report
  const text = plan === undefined || paths === undefined ? undefined : serializeManifest(paths, plan.version)
  let target = first
  if (text !== undefined && text !== first.manifestText && !report.hasFailed && !dryRun) {
    await saveText(plan!.storage, plan!.name, text, { signal })
    target = await undisturbed(first, store, report, options)
  }
  const isWhole = !report.hasFailed
  const last = target.record
  const manifest = text === undefined || !isWhole ? last.manifest : shortHash(text)
  // A run may have ended between its manifest and its record. One that clears leaves another record in any case.
  const deploy = last.deploy + (manifest === last.manifest && !clear ? 0 : 1)
  const { kept, stale } = split(target, store, { ...options, deploy: Math.max(1, deploy), isWhole })
  const files = new Map(kept)
  for (const [name, file] of store.record)
    files.set(name, file.deploy === 0 ? file : { ...file, deploy: Math.max(1, deploy) })
  if (!dryRun) {
    // What is to go stays in the record until it is gone, for a run that begins meanwhile or after this one was killed.
    const all = new Map(files)
    for (const name of stale) carry(target, name, all)
    // Where listings have no etags, the time of the record has to be later than those of the files.
    await target.writeRecord({ deploy, manifest, files: all }, { always: store.hasWritten, signal })
  }
  if (stale.length === 0) return
  if (!dryRun && text !== undefined && !(await isUnchanged(plan!, text, signal))) {
    report.warning('another run has written the manifest meanwhile: nothing is removed')
    return
  }
  const removed = await removeAll(target, stale, report, signal)
  if (dryRun) return
  for (const name of stale) if (!removed.has(name)) carry(target, name, files)
  await target.writeRecord({ deploy, manifest, files }, { signal })
  if (text !== undefined) await reportNeeded(target, removed, report, { plan: plan!, text, signal })
}

/** Times that files are stored again because other runs have removed them. */
const MAX_REPAIRS = 3

/**
 * The target as it is now that the manifest is written. A run that has removed files since this one has listed them has changed the
 * record: what is missing is then stored again.
 */
async function undisturbed(first: Target, store: Store, report: RunReport, options: FinishOptions): Promise<Target> {
  const { plan, signal, restore } = options
  let target = first
  for (let repairs = 0; repairs < MAX_REPAIRS && (await target.isDisturbed({ signal })); repairs++) {
    target = await Target.read(first.storage, plan, { signal })
    const missing = [...store.record.keys()].filter(name => !target.listed.has(name))
    if (missing.length === 0) continue
    report.warning(`another run has removed ${missing.length} files of this one meanwhile: they are stored again`)
    await restore(new Set(missing))
  }
  return target
}

/** Reports what was removed although the manifest of another run, written at the same moment, names it. */
async function reportNeeded(
  target: Target,
  removed: ReadonlySet<string>,
  report: RunReport,
  { plan, text, signal }: { readonly plan: ManifestPlan; readonly text: string; readonly signal: AbortSignal },
): Promise<void> {
  const now = await readText(plan.storage, plan.name, { signal })
  if (now === text || now === '') return
  for (const name of new Set(parseManifest(now, plan.name).paths.values())) {
    // The other run may have noticed, and stored it again.
    if (!removed.has(name) || (await target.storage.exists(name, { signal }))) continue
    const reason = `'${name}' was removed while another run began to need it: collect that run's files again.`
    report.failed(name, new StorageError('precondition_failed', reason, { fileName: name }))
  }
}

/** Which files of former runs stay, and which go. */
function split(
  target: Target,
  store: Store,
  options: FinishOptions & { readonly deploy: number; readonly isWhole: boolean },
): { readonly kept: Map<string, StoredFile>; readonly stale: string[] } {
  const { plan, clear, deleteStale, keep, deploy, isWhole } = options
  const isCurrent = (name: string): boolean => store.record.has(name) || options.isWanted(name)
  const kept = new Map<string, StoredFile>()
  const stale: string[] = []
  const own = new Set([RECORD_NAME, ...(plan !== undefined && plan.storage === target.storage ? [plan.name] : [])])
  if (clear && isWhole) {
    for (const name of target.listed.keys()) if (!isCurrent(name) && !own.has(name)) stale.push(name)
    return { kept, stale }
  }
  for (const [name, file] of target.record.files) {
    if (!target.listed.has(name) || store.record.has(name)) continue
    const isPlainSibling = file.siblingOf !== '' && file.deploy === 0
    const isStale =
      file.deploy === 0 ? deleteStale || isPlainSibling : keep !== undefined && file.deploy < deploy - keep
    if (isWhole && !isCurrent(name) && isStale) stale.push(name)
    else kept.set(name, file)
  }
  return { kept, stale }
}

function carry(target: Target, name: string, files: Map<string, StoredFile>): void {
  const file = target.record.files.get(name)
  if (file !== undefined) files.set(name, file)
}

/** Whether the manifest in its storage is still this one. */
async function isUnchanged(plan: ManifestPlan, text: string, signal: AbortSignal): Promise<boolean> {
  return (await readText(plan.storage, plan.name, { signal })) === text
}

/** Removes files, and reports those that went and those that could not; returns the names of the former. */
export async function removeAll(
  target: Target,
  names: readonly string[],
  report: RunReport,
  signal: AbortSignal,
): Promise<ReadonlySet<string>> {
  const { dryRun } = report
  const removed = new Set<string>()
  if (names.length === 0) return removed
  const entries = names.map(name => target.listed.get(name)!)
  const failures = dryRun ? [] : (await target.storage.deleteMany(entries, { signal })).errors
  const failed = new Map(failures.map(({ name, error }) => [name, error]))
  for (const name of names) {
    const error = failed.get(name)
    if (error !== undefined) report.failed(name, error)
    else {
      target.forget(name)
      removed.add(name)
      report.event({ type: 'deleted', name, dryRun })
    }
  }
  return removed
}

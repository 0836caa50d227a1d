import { StorageError } from '../core/errors.ts'
import { parseManifest, serializeManifest } from '../core/static-manifest.ts'
import type { ManifestPlan } from './options.ts'
import { RECORD_NAME } from './record.ts'
import type { RunReport } from './report.ts'
import type { Store } from './store.ts'
import { hashOf, readText, saveText, Target } from './target.ts'

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
 * Ends a run when all files are there: the manifest is written, then what no deploy needs is removed, and last the record is written. Where a
 * file has failed, the manifest stays as it was and nothing is removed.
 */
export async function finish(first: Target, store: Store, report: RunReport, options: FinishOptions): Promise<void> {
  const { plan, paths, signal } = options
  const { dryRun } = report
  const text =
    plan === undefined || paths === undefined || report.hasFailed ? undefined : serializeManifest(paths, plan.version)
  const hash = text === undefined ? undefined : hashOf(text)
  let target = first
  if (hash !== undefined && hash !== first.manifestHash && !dryRun) {
    await saveText(plan!.storage, plan!.name, text!, { signal })
    target = await undisturbed(first, store, report, options)
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
  const stale = report.hasFailed ? [] : staleNames(target, store, { ...options, deploy })
  const isOurs = stale.length === 0 || hash === undefined || dryRun || (await isUnchanged(plan!, hash, signal))
  const removed = await removeAll(target, isOurs ? stale : [], report, signal)
  if (!isOurs) report.warning('another run has written the manifest meanwhile: nothing is removed')
  for (const name of target.record.names()) {
    if (!record.has(name) && target.listed.has(name)) record.set(name, target.record.get(name)!)
  }
  const recordText = record.toText()
  // Where listings have no etags, the time of the record has to be later than those of the files.
  const isChanged = hashOf(recordText) !== target.recordHash || store.hasWritten
  if (isChanged && !dryRun) await target.writeRecord(recordText, { signal })
  if (hash !== undefined && removed.size > 0) await reportNeeded(target, removed, report, { plan: plan!, hash, signal })
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
    const missing = [...store.record.names()].filter(name => !target.listed.has(name))
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
  { plan, hash, signal }: { readonly plan: ManifestPlan; readonly hash: string; readonly signal: AbortSignal },
): Promise<void> {
  if (report.dryRun) return
  const now = await readText(plan.storage, plan.name, { signal })
  if (now === '' || hashOf(now) === hash) return
  for (const name of new Set(parseManifest(now, plan.name).paths.values())) {
    // The other run may have noticed, and stored it again.
    if (!removed.has(name) || (await target.storage.exists(name, { signal }))) continue
    const reason = `'${name}' was removed while another run began to need it: collect that run's files again.`
    report.failed(name, new StorageError('precondition_failed', reason, { fileName: name }))
  }
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
  return hashOf(await readText(plan.storage, plan.name, { signal })) === hash
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
  const entries = names.map(name => target.listed.get(name)!.address)
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

import { serializeManifest, shortHash } from '../core/static-manifest.ts'
import type { AnyStorage } from '../storage/storage.ts'
import type { ManifestPlan } from './options.ts'
import { RECORD_NAME, type StoredFile, serializeRecord } from './record.ts'
import type { RunReport } from './report.ts'
import type { Store } from './store.ts'
import type { Target } from './target.ts'

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
 * Ends a run when all files are there: the manifest is written, then the record, and last what no deploy needs is removed. Where a file
 * has failed, the manifest stays as it was and nothing is removed.
 */
export async function finish(target: Target, store: Store, report: RunReport, options: FinishOptions): Promise<void> {
  const { plan, paths, signal } = options
  const isWhole = !report.hasFailed
  const text = plan === undefined || paths === undefined ? undefined : serializeManifest(paths, plan.version)
  const isNew = text !== undefined && text !== target.manifestText
  if (isNew && isWhole && !report.dryRun) await save(plan!.storage, plan!.name, text, signal)
  const last = target.record
  const manifest = text === undefined || !isWhole ? last.manifest : shortHash(text)
  // A run may have ended between its manifest and its record.
  const deploy = last.deploy + (manifest === last.manifest ? 0 : 1)
  const { kept, stale } = split(target, store, { ...options, deploy: Math.max(1, deploy), isWhole })
  const isOurs = stale.length === 0 || text === undefined || report.dryRun || (await isUnchanged(plan!, text, signal))
  if (!isOurs) report.warning('another run has written the manifest meanwhile: nothing is removed')
  const files = new Map(kept)
  if (!isOurs) for (const name of stale) carry(target, name, files)
  for (const [name, file] of store.record)
    files.set(name, file.deploy === 0 ? file : { ...file, deploy: Math.max(1, deploy) })
  const record = serializeRecord({ deploy, manifest, files })
  // Where listings have no etags, the time of the record has to be later than those of the files.
  const isChanged = record !== target.recordText || store.hasWritten
  if (isChanged && !report.dryRun) await save(target.storage, RECORD_NAME, record, signal)
  if (isOurs) await removeAll(target, stale, report, signal)
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
  return (await plan.storage.readText(plan.name, { signal })) === text
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
  const entries = names.map(name => target.listed.get(name)!)
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

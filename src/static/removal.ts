import { unlink } from 'node:fs/promises'
import { linksBelow } from './links.ts'
import type { RunReport } from './report.ts'
import type { Target } from './target.ts'

/** Removes files of the target; reports the removed ones and those that could not be removed. */
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

/** Removes all files in the target, except for `left`. The record announces this to other runs. */
export async function clearTarget(
  target: Target,
  left: ReadonlySet<string>,
  report: RunReport,
  signal: AbortSignal,
): Promise<void> {
  const { storage, listed } = target
  const { dryRun } = report
  const names = [...listed.keys()].filter(name => !left.has(name))
  if (names.length > 0 && !dryRun) await target.announceClearing(left, { signal })
  await removeAll(target, names, report, signal)
  if (!storage.supports('path')) return
  for (const name of linksBelow(storage.path(''))) {
    if (!dryRun) await unlink(storage.path(name))
    report.event({ type: 'deleted', name, dryRun })
  }
}

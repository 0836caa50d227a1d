import type { RunReport } from './report.ts'
import type { Target } from './target.ts'

/** Removes files of the target, and reports those that went and those that could not. */
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

import { caseClashes } from '../core/case-clashes.ts'
import { ImproperlyConfigured, StorageError } from '../core/errors.ts'
import { RECORD_NAME } from './record.ts'
import type { RunReport } from './report.ts'
import type { Target } from './target.ts'
import type { CollectOptions, Finder, IsIgnored, StaticFile } from './types.ts'

/** Options for gathering the sources. */
export interface SourceOptions {
  readonly isIgnored: IsIgnored
  /** Name of the manifest in the target, which no file may have. */
  readonly manifestName: string | undefined
  /** Whether the run deletes files that it does not find. */
  readonly deletes: boolean
  readonly signal: AbortSignal
}

/** Whether a run deletes files that it does not find. */
export function isDeleting({ clear, deleteStale, keep }: CollectOptions): boolean {
  return clear === true || deleteStale === true || keep !== undefined
}

/**
 * Whether a run may change the target: not if it begins by deleting everything, and a source cannot be read. A run without any file that
 * would empty the manifest, or delete existing files, is `improperly_configured`: a setting has a wrong name, or a build is missing.
 */
export function mayChange(
  target: Target,
  sources: ReadonlyMap<string, StaticFile>,
  report: RunReport,
  options: CollectOptions,
): boolean {
  if (report.hasFailed) return options.clear !== true
  if (sources.size > 0) return true
  const text = 'no static files were found; set STATICFILES_DIRS or STATICFILES_PACKAGES'
  const isLoss = target.manifest.paths.size > 0 || (isDeleting(options) && target.listed.size > 0)
  if (isLoss) throw new ImproperlyConfigured(`${text}. Files of former runs are there, so nothing was changed.`)
  report.warning(text)
  return true
}

/** Returns all files to collect by their names: the first one of a name is used, and the others are reported. */
export async function gatherSources(
  finders: readonly Finder[],
  report: RunReport,
  { isIgnored, manifestName, deletes, signal }: SourceOptions,
): Promise<Map<string, StaticFile>> {
  const sources = new Map<string, StaticFile>()
  const onSkipped = (path: string, reason: string, isFailure: boolean): void => {
    if (isFailure)
      report.unreadable(path, new StorageError('source_failed', `'${path}' cannot be collected: ${reason}.`))
    else report.warning(`'${path}' is left out: ${reason}`)
  }
  const taken = new Set([RECORD_NAME, manifestName])
  for (const finder of finders) {
    for await (const file of finder.files({ isIgnored, onSkipped, mustExist: deletes, signal })) {
      signal.throwIfAborted()
      const first = sources.get(file.name)
      if (taken.has(file.name)) {
        report.warning(`'${file.origin}' is left out: '${file.name}' is reserved for the run itself`, file.name)
      } else if (first === undefined) sources.set(file.name, file)
      else report.event({ type: 'duplicate', name: file.name, origin: file.origin, first: first.origin })
    }
  }
  for (const names of caseClashes(sources.keys())) {
    const shown = names.map(name => `'${name}'`).join(' and ')
    report.warning(
      `${shown} differ only in letter case: Dropbox, macOS and Windows can hold only one of them`,
      names[0],
    )
  }
  return sources
}

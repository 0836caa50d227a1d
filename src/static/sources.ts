import { StorageError } from '../core/errors.ts'
import { caseClashes } from './case-clashes.ts'
import { RECORD_NAME } from './record.ts'
import type { RunReport } from './report.ts'
import type { Finder, IsIgnored, StaticFile } from './types.ts'

/** How sources are gathered. */
export interface SourceOptions {
  readonly isIgnored: IsIgnored
  /** Name of the manifest in the target, which is not free for files. */
  readonly manifestName: string | undefined
  readonly signal: AbortSignal
}

/** All files to collect by their names: the first one of a name is meant, and the others are reported. */
export async function gatherSources(
  finders: readonly Finder[],
  report: RunReport,
  { isIgnored, manifestName, signal }: SourceOptions,
): Promise<Map<string, StaticFile>> {
  const sources = new Map<string, StaticFile>()
  const onSkipped = (path: string, reason: string, isFailure: boolean): void => {
    if (isFailure)
      report.unreadable(path, new StorageError('source_failed', `'${path}' cannot be collected: ${reason}.`))
    else report.warning(`'${path}' is left out: ${reason}`)
  }
  const taken = new Set([RECORD_NAME, manifestName])
  for (const finder of finders) {
    for await (const file of finder.files({ isIgnored, onSkipped, signal })) {
      signal.throwIfAborted()
      const first = sources.get(file.name)
      if (taken.has(file.name)) {
        report.warning(`'${file.origin}' is left out: '${file.name}' is a name that the run itself writes`, file.name)
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

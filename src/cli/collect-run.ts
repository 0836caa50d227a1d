import type { CollectEvent, CollectOptions, CollectSummary } from '../static/types.ts'
import type { AnyStorage } from '../storage/storage.ts'
import { CollectCounts } from './collect-counts.ts'
import { CollectPrinter } from './collect-printer.ts'
import { confirmCollecting } from './collect-question.ts'
import type { CliContext } from './context.ts'
import type { Verbosity } from './options.ts'
import { Progress } from './progress.ts'
import { inStorage } from './shown-error.ts'

const MISSING =
  "Nothing was stored: each reference must lead to a file. 'lenientFor' of STATICFILES_MANIFEST excepts files of vendors by patterns."

/** The part of `StaticFiles` that is used here. */
export interface Collectable {
  readonly storage: AnyStorage
  collect(options: CollectOptions): AsyncGenerator<CollectEvent, CollectSummary | undefined>
}

/** The options of a `collectstatic` call. */
export interface CollectCall {
  readonly alias: string
  readonly isInteractive: boolean
  readonly verbosity: Verbosity
  readonly options: Omit<CollectOptions, 'signal'>
}

/**
 * Collects the files and prints the events. A file that fails makes the exit code 1. An error that ends the run is thrown, after the counts
 * so far were printed; it names the storage.
 */
export async function runCollect(context: CliContext, files: Collectable, call: CollectCall): Promise<void> {
  const { out, signal } = context
  const { alias, isInteractive, verbosity, options } = call
  const counts = new CollectCounts()
  const { dryRun = false, clear = false, deleteStale = false, keep, link = false } = options
  const deletesOld = deleteStale || keep !== undefined
  const plan = { alias, storage: files.storage, isInteractive, dryRun, clear, deletesOld }
  await confirmCollecting(plan, signal).catch((error: unknown) => {
    throw inStorage(alias, error)
  })
  const progress = new Progress(out, 0, { unit: 'files', isWanted: verbosity === 1 })
  const printer = new CollectPrinter(out, counts, { verbosity, progress, alias })
  try {
    for await (const event of files.collect({ ...options, signal })) await printer.print(event)
  } catch (error) {
    // An error that fails one file after the other ends the run; it is already printed.
    if (error !== printer.lastError) throw inStorage(alias, error)
  } finally {
    progress.end()
    if (counts.failed > 0) context.exitCode = 1
    if (printer.hasMissing && verbosity >= 1 && !out.json) out.log(MISSING)
    if (out.json) await out.record({ summary: counts }, '')
    else if (!counts.isOver && counts.found !== undefined) out.log(counts.textSoFar(link))
    else if (counts.isOver && verbosity >= 1) await out.line(`\n${counts.text(link)}`)
  }
}

import type { CollectEvent, CollectOptions, CollectSummary } from '../static/types.ts'
import type { AnyStorage } from '../storage/storage.ts'
import { CollectCounts } from './collect-counts.ts'
import { CollectPrinter } from './collect-printer.ts'
import { confirmCollecting } from './collect-question.ts'
import type { CliContext } from './context.ts'
import type { Verbosity } from './options.ts'
import { Progress } from './progress.ts'
import { inStorage } from './shown-error.ts'

/** What can be collected: a `StaticFiles`. */
export interface Collectable {
  readonly storage: AnyStorage
  collect(options: CollectOptions): AsyncGenerator<CollectEvent, CollectSummary | undefined>
}

/** How `collectstatic` was called. */
export interface CollectCall {
  readonly alias: string
  readonly isInteractive: boolean
  readonly verbosity: Verbosity
  readonly options: Omit<CollectOptions, 'signal'>
}

/**
 * Collects the files and prints what happens. A file that fails makes the exit code 1. An error that ends the run is thrown, after the counts of
 * what was done until then were printed; it names the storage.
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
    // What one file after the other fails by ends the run, and is printed by then.
    if (error !== printer.lastError) throw inStorage(alias, error)
  } finally {
    progress.end()
    if (counts.failed > 0) context.exitCode = 1
    if (out.json) await out.record({ summary: counts }, '')
    else if (!counts.isOver) out.log(counts.textSoFar(link))
    else if (verbosity >= 1) await out.line(`\n${counts.text(link)}`)
  }
}

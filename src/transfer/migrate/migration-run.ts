import { compareKeys } from '../../core/key-order.ts'
import { isMigrationDone, type MigrationPass } from '../../core/migration-status.ts'
import { hasFolders } from '../folding.ts'
import { countSource } from './counting.ts'
import { deletePass } from './delete-pass.ts'
import type { EngineHooks } from './engine-options.ts'
import { leftBehind } from './left-behind.ts'
import { LowWater } from './low-water.ts'
import { type Pair, pairsOf } from './pairs.ts'
import { endedState } from './progress.ts'
import { retryFiles } from './retry-files.ts'
import type { RunContext } from './run-context.ts'
import type { MigrationReport } from './types.ts'

/** Number of attempts of a file, over all runs. */
const MAX_ATTEMPTS = 3
/** Maximum number of failures in a report. */
const MAX_REPORTED = 1000

/** One run of a migration: all passes, or what is left of them. */
export class MigrationRun {
  readonly #context: RunContext
  readonly #isRepeated: boolean
  /** Whether the source has any file, including files that do not take part. */
  #hasSource = false

  constructor(context: RunContext) {
    this.#context = context
    this.#isRepeated = context.run.checkpoint !== undefined
  }

  /** Runs the passes that are left. */
  async run(): Promise<MigrationReport> {
    const context = this.#context
    const { run, isDryRun } = context
    const { plan } = run
    const { source, target } = context.places
    try {
      for (const left of leftBehind(source.storage, target.storage, plan)) {
        await context.tell({ type: 'leftBehind', leftBehind: left })
      }
      if (run.pass === 'copy') {
        await this.#counted(() => this.#listed('copy'))
        if (!isDryRun) await retryFiles(context, { pass: 'copy', attemptsBelow: MAX_ATTEMPTS, isRefused: false }, false)
        await this.#next('verify')
      }
      if (run.pass === 'verify' && plan.verify !== false && !isDryRun) {
        await this.#listed('verify')
        await retryFiles(context, { pass: 'verify' }, true)
      }
      if (plan.delete) {
        if (run.pass !== 'delete') await this.#next('delete')
        await this.#delete()
      }
      return await this.#finished()
    } catch (error) {
      context.unfinished()
      throw error
    }
  }

  /** Tries all files again that failed, whatever the number of attempts; nothing else. */
  async retry(): Promise<MigrationReport> {
    const context = this.#context
    const { plan, finishedAt } = context.run
    context.begin()
    try {
      await retryFiles(context, { pass: 'copy', isRefused: false }, plan.verify !== false)
      await retryFiles(context, { pass: 'verify' }, true)
      if (finishedAt !== undefined) return await this.#finished()
      context.commit()
      return await this.#reported()
    } catch (error) {
      context.unfinished()
      throw error
    }
  }

  /** A pass over both listings, from its checkpoint. */
  async #listed(pass: 'copy' | 'verify'): Promise<void> {
    const context = this.#context
    const { run, ledger, places } = context
    const { checkpoint } = run
    await context.tell({ type: 'pass', pass })
    context.begin()
    const low = new LowWater(checkpoint, run.counts)
    ledger.onCommit = () => {
      run.checkpoint = low.mark
      context.store()
    }
    const shared = context.hooks(pass)
    const hooks: EngineHooks = {
      ...shared,
      seen: run.counts.seen,
      isRepeated: this.#isRepeated || shared.isRepeated,
      taken: key => low.taken(key),
      settled: (key, counts) => {
        low.settled(key, counts)
        ledger.touch()
      },
    }
    await context.engine(pass).run(pass, this.#pairs(checkpoint), hooks)
    low.end()
    run.checkpoint = low.mark
    context.begin()
    if (checkpoint === undefined && !this.#hasSource) await places.checkEmptySource()
  }

  /** Does the work of a pass, and counts the source meanwhile if that is wanted. */
  async #counted(work: () => Promise<void>): Promise<void> {
    const { run, options, places } = this.#context
    if (options.count !== true || run.total?.isComplete === true) return work()
    const counting = new AbortController()
    const signal = AbortSignal.any([this.#context.signal, counting.signal])
    const counted = countSource(places, signal, total => {
      run.total = total
    })
    // It is awaited at the end.
    counted.catch(() => undefined)
    try {
      await work()
    } finally {
      counting.abort()
      await counted
    }
  }

  /**
   * Returns the pairs behind the checkpoint. Where the target has folders, the source is listed from its beginning: a name before the
   * checkpoint may be the folder of one behind it.
   */
  async *#pairs(checkpoint: string | undefined): AsyncGenerator<Pair> {
    const range = { after: checkpoint }
    const { places } = this.#context
    const sources = places.listSource(hasFolders(places.target) ? undefined : range)
    for await (const pair of pairsOf(sources, places.listTarget(range))) {
      if (pair.source !== undefined) this.#hasSource = true
      if (checkpoint === undefined || compareKeys(pair.key, checkpoint) > 0) yield pair
    }
  }

  async #delete(): Promise<void> {
    const context = this.#context
    const { run, ledger } = context
    await context.tell({ type: 'pass', pass: 'delete' })
    context.begin()
    run.heldBack = await deletePass(context.places, run.plan, ledger, {
      signal: context.signal,
      dryRun: context.isDryRun,
      hasLeftOut: run.hasLeftOut,
      deleted: async name => {
        run.counts.deleted++
        ledger.forget(name)
        ledger.mend(name)
        await context.tell({ type: 'deleted', name })
      },
      failed: (name, error) => context.failed(name, 'delete', error, false),
    })
  }

  async #next(pass: MigrationPass): Promise<void> {
    const context = this.#context
    await context.places.settled()
    context.run.pass = pass
    context.run.checkpoint = undefined
    context.commit()
  }

  async #finished(): Promise<MigrationReport> {
    const context = this.#context
    await context.places.settled()
    context.run.checkpoint = undefined
    context.run.finishedAt = new Date()
    context.commit()
    return this.#reported()
  }

  async #reported(): Promise<MigrationReport> {
    const { run, ledger, progress } = this.#context
    const { failures } = ledger
    await this.#context.reportFailures()
    const status = progress.end(endedState(run, failures.count))
    const failedFiles = failures.page({}, MAX_REPORTED).map(({ name, code, message }) => ({ name, code, message }))
    return { ...status, failedFiles, isDone: isMigrationDone(status) }
  }
}

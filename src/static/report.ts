import { isStorageError, messageOf, StorageError } from '../core/errors.ts'
import type { Channel } from './channel.ts'
import type { CollectEvent, CollectSummary } from './types.ts'

/** Number of successive errors of unrelated files that ends a run: the target does not answer, or rejects everything. */
const MAX_IN_A_ROW = 10
const OF_THE_TARGET: ReadonlySet<string> = new Set([
  'permission_denied',
  'unavailable',
  'timeout',
  'throttled',
  'unsupported',
  'no_space',
])

/** Events that a run reports for each file. */
const OF_FILES: ReadonlySet<CollectEvent['type']> = new Set(['copied', 'linked', 'unmodified', 'postProcessed'])

type Counts = { -readonly [K in keyof Omit<CollectSummary, 'type' | 'dryRun' | 'destination'>]: CollectSummary[K] }

/** Sends the events of a run, and counts them. */
export class RunReport {
  readonly dryRun: boolean
  /** Whether the target is processed again: the events of each file were reported before. */
  isRepeated = false
  readonly #channel: Channel<CollectEvent>
  readonly #counts: Counts = {
    copied: 0,
    linked: 0,
    unmodified: 0,
    postProcessed: 0,
    deleted: 0,
    failed: 0,
    warnings: 0,
  }
  #inARow = 0

  constructor(channel: Channel<CollectEvent>, dryRun: boolean) {
    this.#channel = channel
    this.dryRun = dryRun
  }

  /** Whether a file has failed so far. */
  get hasFailed(): boolean {
    return this.#counts.failed > 0
  }

  /** Sends an event. */
  event(event: CollectEvent): void {
    if (this.isRepeated && OF_FILES.has(event.type)) return
    const counts = this.#counts
    switch (event.type) {
      case 'copied':
      case 'linked':
      case 'unmodified':
      case 'deleted':
      case 'failed':
        counts[event.type]++
        break
      case 'postProcessed':
        if (event.isNew) counts.postProcessed++
        break
      case 'warning':
        counts.warnings++
        break
    }
    if (event.type !== 'failed' && event.type !== 'warning') this.#inARow = 0
    this.#channel.send(event)
  }

  /** Reports a problem that does not stop the run. */
  warning(message: string, name?: string, line?: number): void {
    this.event({ type: 'warning', message, name, line })
  }

  /** Reports a source that could not be read; their number is not limited. Throws an error of the configuration. */
  unreadable(name: string, error: unknown, line?: number): void {
    this.#failure(name, error, line)
  }

  /** Reports a file that could not be collected. Throws an error of the configuration, and one of the target that keeps occurring. */
  failed(name: string, error: unknown): void {
    const failure = this.#failure(name, error)
    this.#inARow = OF_THE_TARGET.has(failure.code) ? this.#inARow + 1 : 0
    if (this.#inARow >= MAX_IN_A_ROW) throw failure
  }

  #failure(name: string, error: unknown, line?: number): StorageError {
    if (isStorageError(error, 'improperly_configured')) throw error
    const failure = isStorageError(error)
      ? error
      : new StorageError('unknown', `'${name}' cannot be collected: ${messageOf(error)}`, {
          cause: error,
          fileName: name,
        })
    this.event({ type: 'failed', name, error: failure, line })
    return failure
  }

  /** Returns the last event. */
  summary(destination: string | undefined): CollectSummary {
    return { type: 'summary', ...this.#counts, dryRun: this.dryRun, destination }
  }
}

import { never } from '../core/abort.ts'
import { isStorageError, type StorageError } from '../core/errors.ts'
import { forEachParallel } from '../core/parallel.ts'
import type { TransferProgress } from '../storage/types.ts'
import { BROKEN, MAX_IN_A_ROW } from './broken.ts'
import { SyncCounts } from './counts.ts'
import { Equality } from './equality.ts'
import { FileCopy } from './file-copy.ts'
import { type Item, isPart } from './item.ts'
import { isRecent, stillExtra } from './late-files.ts'
import { type Keyed, mergeSorted } from './merge.ts'
import { CONCURRENCY, matched, type Places, sourceOf } from './places.ts'
import { type RecordedPair, type Slot, SyncRecord, settledState, stateOf } from './record.ts'
import { clashError, spellingError } from './refusal.ts'
import { deleteExtras, type Extra, heldBack } from './removal.ts'
import type { SyncEvent, SyncOptions, SyncReport } from './types.ts'

/** A file to be compared or copied. */
interface Task {
  readonly source: Item
  readonly target: Item | undefined
  readonly slot: Slot | undefined
  /** The last run's record of the file, if a listing without exact times does not show whether it still applies. */
  readonly recorded: RecordedPair | undefined
}

/** A file of the target to be deleted, if it is not in the source by now. */
interface LateExtra extends Extra {
  readonly isRecent: boolean
}

/** One run of `sync`. */
export class SyncRun {
  readonly #places: Places
  readonly #options: SyncOptions
  readonly #signal: AbortSignal
  readonly #counts = new SyncCounts()
  readonly #equality: Equality
  readonly #copy: FileCopy
  readonly #record: SyncRecord | undefined
  readonly #isSourceLocal: boolean
  readonly #isTargetLocal: boolean
  /** Files of the target to be deleted. */
  readonly #extras: LateExtra[] = []
  readonly #begunMs: number = Date.now()
  #inARow = 0
  /** Whether the source has any file, including files that do not take part. */
  #hasSource = false

  constructor(places: Places, options: SyncOptions) {
    const { signal = never(), sizeOnly = false, checksum = false, read = true, dryRun = false, record } = options
    this.#places = places
    this.#options = options
    this.#signal = signal
    const mode = sizeOnly ? 'size' : checksum ? 'content' : 'listing'
    this.#equality = new Equality(places.source, places.target, { signal, mode, mayRead: read })
    const order = places.isFolded ? 'folded' : 'bytes'
    this.#record = record === undefined ? undefined : new SyncRecord(record, order, dryRun)
    this.#copy = new FileCopy(places.source, places.target, { signal, isRecorded: record !== undefined })
    this.#isSourceLocal = places.source.storage.supports('path')
    this.#isTargetLocal = places.target.storage.supports('path')
  }

  async run(): Promise<SyncReport> {
    let isComplete = false
    try {
      const { concurrency = CONCURRENCY } = this.#options
      await forEachParallel(this.#tasks(), { limit: concurrency, signal: this.#signal }, task => this.#attempt(task))
      if (!this.#hasSource) await this.#places.checkEmptySource()
      isComplete = true
    } finally {
      await this.#record?.finish(isComplete)
    }
    return this.#finished()
  }

  async #finished(): Promise<SyncReport> {
    const counts = this.#counts
    const { delete: deletes = false, dryRun, signal } = this.#options
    await this.#places.settled()
    const extras = deletes ? await stillExtra(this.#places, this.#extras, this.#signal) : this.#extras
    const extra = extras.length
    const why = deletes
      ? heldBack({ ...counts, extra, isIncomplete: this.#places.hasLeftOut }, this.#options)
      : undefined
    if (deletes && why === undefined) {
      const { target, isFolded } = this.#places
      await deleteExtras(
        target,
        extras,
        { dryRun, signal, isFolded },
        {
          deleted: async name => {
            counts.deleted++
            await this.#tell({ type: 'deleted', name })
          },
          failed: (name, error) => this.#failed(name, error),
        },
      )
    }
    const { checked, copied, unchanged, deleted, failed, bytes, compared, withoutDigest, excluded, failures } = counts
    const done = { checked, copied, unchanged, deleted, failed, bytes }
    const inSync = failed === 0 && why === undefined && !this.#places.hasLeftOut
    return {
      ...done,
      compared: { ...compared },
      withoutDigest,
      extra: extra - deleted,
      excluded,
      heldBack: why,
      failures,
      inSync,
    }
  }

  /** Returns the files to be compared or copied; files that the listings and the record decide are only counted. */
  async *#tasks(): AsyncGenerator<Task> {
    const places = this.#places
    const sides: ReadonlyArray<AsyncIterable<Keyed>> = [
      places.listSource(),
      places.listTarget(),
      // With `checksum` the record is not used, but written again.
      ...(this.#record === undefined ? [] : [this.#record.read()]),
    ]
    for await (const [ours, theirs, recorded] of mergeSorted(sides)) {
      const clashing = (ours as Item[]).filter(item => item.clash !== undefined && isPart(item))
      if (ours!.length > 0) this.#hasSource = true
      if (clashing.length > 0) {
        for (const item of clashing) await this.#failed(item.name, clashError(item), true)
        this.#counts.atTarget += theirs!.length
        continue
      }
      const source = sourceOf(ours as Item[])
      const { target, others } = matched(theirs as Item[], source)
      for (const other of others) await this.#takesPart(undefined, other)
      if (await this.#takesPart(source, target)) {
        const task = this.#decided(source!, target, recorded?.[0] as RecordedPair | undefined)
        if (task !== undefined) yield task
        await this.#record?.room()
      }
    }
  }

  /**
   * Whether there is a file of the source to be copied or compared. Counts files that do not take part, and files that only the target has.
   */
  async #takesPart(source: Item | undefined, target: Item | undefined): Promise<boolean> {
    const counts = this.#counts
    const { deleteExcluded = false } = this.#options
    if (target !== undefined && target.odd === undefined) {
      const isWanted = target.isExcluded !== true
      if (isWanted || deleteExcluded) counts.atTarget++
      // If names are folded, an excluded file may be the target of a copy under its other name.
      const isExtra = isWanted ? source === undefined : deleteExcluded && (source === undefined || !isPart(source))
      // An excluded file may be in the source as well.
      const isLate = isExtra && isWanted && isRecent(target, this.#begunMs)
      if (isExtra) this.#extras.push({ name: target.name, etag: target.entry.etag, isRecent: isLate })
    }
    if (source === undefined) return false
    if (source.isExcluded === true) counts.excluded++
    else if (source.odd === 'spelling') await this.#failed(source.name, spellingError(source), true)
    return isPart(source)
  }

  #decided(source: Item, target: Item | undefined, recorded: RecordedPair | undefined): Task | undefined {
    const counts = this.#counts
    counts.wanted++
    counts.checked++
    const record = this.#record
    if (target !== undefined && recorded !== undefined && this.#isAsRecorded(source, target, recorded)) {
      record?.add(source.key, recorded.source, recorded.target)
      counts.add({ isEqual: true, by: 'record' })
      this.#report()
      return undefined
    }
    const isRough = source.entry.isRoughTime === true || target?.entry.isRoughTime === true
    return { source, target, slot: record?.reserve(source.key), recorded: isRough ? recorded : undefined }
  }

  #isAsRecorded({ entry: source }: Item, { entry: target }: Item, recorded: RecordedPair): boolean {
    if (!this.#isRecordUsed) return false
    const isSame = stateOf(source, this.#isSourceLocal) === recorded.source
    return isSame && stateOf(target, this.#isTargetLocal) === recorded.target
  }

  get #isRecordUsed(): boolean {
    const { checksum = false, sizeOnly = false } = this.#options
    return !checksum && !sizeOnly
  }

  /** The same for listings without exact times, as those of FTP servers without MLSD: it requests the time of each file. */
  async #isStillAsRecorded({ source, target, recorded }: Task): Promise<boolean> {
    if (recorded === undefined || target === undefined || !this.#isRecordUsed) return false
    const sides = [
      [this.#places.source.storage, source.entry, recorded.source, this.#isSourceLocal],
      [this.#places.target.storage, target.entry, recorded.target, this.#isTargetLocal],
    ] as const
    for (const [storage, entry, state, isLocal] of sides) {
      if (!state.startsWith(`${entry.size} `)) return false
      const found = entry.isRoughTime === true ? await storage.stat(entry, { signal: this.#signal }) : entry
      if (stateOf(found, isLocal) !== state) return false
    }
    return true
  }

  async #attempt(task: Task): Promise<void> {
    const { source, slot } = task
    const { key, name } = source
    try {
      const states = await this.#worked(task)
      if (slot !== undefined) this.#record?.fill(slot, key, states.source, states.target)
      this.#inARow = 0
    } catch (error) {
      if (slot !== undefined) this.#record?.fill(slot, key)
      if (this.#signal.aborted || !isStorageError(error)) throw error
      await this.#failed(name, error)
      this.#inARow = BROKEN.has(error.code) ? this.#inARow + 1 : 0
      if (this.#inARow >= MAX_IN_A_ROW) throw error
    }
    this.#report()
  }

  /** Compares and copies a file; returns the states to be recorded. */
  async #worked(task: Task): Promise<{ readonly source?: string | undefined; readonly target?: string | undefined }> {
    const { source, target, recorded } = task
    const counts = this.#counts
    if (await this.#isStillAsRecorded(task)) {
      counts.add({ isEqual: true, by: 'record' })
      return recorded!
    }
    const { entry, name } = source
    if (target !== undefined && target.odd === undefined) {
      // Taken before anything is read: a later change has another time.
      const state = settledState(entry, this.#isSourceLocal)
      const verdict = await this.#equality.of(entry, target.entry)
      counts.add(verdict)
      // Equal sizes do not prove equality, and are not recorded as such.
      if (verdict.isEqual && verdict.by === 'size') return {}
      if (verdict.isEqual) return { source: state, target: stateOf(target.entry, this.#isTargetLocal) }
    }
    if (this.#options.dryRun === true) {
      counts.copied++
      counts.bytes += Number.isNaN(entry.size) ? 0 : entry.size
      await this.#tell({ type: 'copied', name, size: entry.size })
      return {}
    }
    let seen = 0
    const onProgress = ({ loaded }: TransferProgress): void => {
      counts.bytes += Math.max(0, loaded - seen)
      seen = Math.max(seen, loaded)
      this.#report()
    }
    const copied = await this.#copy.copy(source, onProgress)
    counts.copied++
    counts.bytes += Math.max(0, copied.size - seen)
    await this.#tell({ type: 'copied', name, size: copied.size })
    return copied
  }

  async #failed(name: string, error: StorageError, isNew = false): Promise<void> {
    if (isNew) this.#counts.checked++
    this.#counts.fail(name, error)
    await this.#tell({ type: 'failed', name, error })
  }

  async #tell(event: SyncEvent): Promise<void> {
    await this.#options.onEvent?.(event)
  }

  #report(): void {
    this.#options.onProgress?.(this.#counts.progress)
  }
}

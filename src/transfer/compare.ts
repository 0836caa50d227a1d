import { never } from '../core/abort.ts'
import { isStorageError } from '../core/errors.ts'
import { forEachParallel } from '../core/parallel.ts'
import type { AnyStorage } from '../storage/storage.ts'
import { checkCompareOptions } from './checked-options.ts'
import { ComparedCounts } from './counts.ts'
import { Equality } from './equality.ts'
import type { Item } from './item.ts'
import { mergeSorted } from './merge.ts'
import { CONCURRENCY, matched, Places, sourceOf } from './places.ts'
import type { CompareEvent, CompareOptions, CompareReport } from './types.ts'

/** A file of equal size in both places. */
interface Both {
  readonly source: Item
  readonly target: Item
}

/**
 * Compares two places by one listing of each: names and sizes of all files, and the contents of those of equal size. Contents are compared
 * by digests in both listings; if these do not decide, by reading one or both files, unless `read` is false. Changes nothing.
 *
 * Differences are reported by `onEvent`; the report counts them, and how the files were compared. A listing that fails is an error.
 * @example
 * const report = await compare(storages.get('old'), storages.get('new'), {
 *   sample: '5%',
 *   onEvent: event => console.log(`${event.type}: ${event.name}`),
 * })
 * if (!report.isEqual) process.exitCode = 1
 */
export async function compare(
  source: AnyStorage,
  target: AnyStorage,
  options: CompareOptions = {},
): Promise<CompareReport> {
  const sample = checkCompareOptions(options)
  const { signal = never() } = options
  const places = await Places.of(source, target, options, { signal, isWriting: false, dryRun: true })
  try {
    return await new Comparison(places, options, sample).run()
  } finally {
    places.end()
  }
}

class Comparison {
  readonly #places: Places
  readonly #options: CompareOptions
  readonly #sample: { readonly count?: number; readonly share?: number }
  readonly #signal: AbortSignal
  readonly #equality: Equality
  readonly #compared = new ComparedCounts()
  /** Whether the source has any file, including files that do not take part. */
  #hasSource = false
  readonly #counts = {
    checked: 0,
    equal: 0,
    missing: 0,
    extra: 0,
    differentSize: 0,
    differentContent: 0,
    failed: 0,
    excluded: 0,
    withoutDigest: 0,
  }

  constructor(places: Places, options: CompareOptions, sample: { readonly count?: number; readonly share?: number }) {
    const { signal = never(), sizeOnly = false, read = true } = options
    this.#places = places
    this.#options = options
    this.#sample = sample
    this.#signal = signal
    const mode = sizeOnly ? 'size' : 'content'
    this.#equality = new Equality(places.source, places.target, { signal, mode, mayRead: read })
  }

  async run(): Promise<CompareReport> {
    const { concurrency = CONCURRENCY } = this.#options
    const options = { limit: concurrency, signal: this.#signal }
    await forEachParallel(this.#chosen(), options, both => this.#attempt(both))
    if (!this.#hasSource) await this.#places.checkEmptySource()
    await this.#places.settled()
    const { missing, extra, differentSize, differentContent, failed } = this.#counts
    const differences = missing + extra + differentSize + differentContent
    const isEqual = differences === 0 && failed === 0 && !this.#places.hasLeftOut
    return { ...this.#counts, compared: { ...this.#compared }, isEqual }
  }

  /**
   * Returns the pairs whose contents are compared: all, each with a probability, or a fixed number, where every choice is equally likely.
   * (Vitter, 1985, algorithm R)
   */
  async *#chosen(): AsyncGenerator<Both> {
    const { count, share } = this.#sample
    const kept: Both[] = []
    let seen = 0
    for await (const both of this.#pairs()) {
      if (count === undefined) {
        if (share === undefined || Math.random() < share) yield both
        else this.#unchosen()
        continue
      }
      const place = seen < count ? seen : Math.floor(Math.random() * (seen + 1))
      seen++
      if (place < count) kept[place] = both
      if (seen > count) this.#unchosen()
    }
    yield* kept
  }

  /** Counts a pair of equal size whose contents are not compared. */
  #unchosen(): void {
    this.#counts.equal++
    this.#compared.size++
  }

  async *#pairs(): AsyncGenerator<Both> {
    const counts = this.#counts
    const sides = [this.#places.listSource(), this.#places.listTarget()]
    for await (const [ours, theirs] of mergeSorted<Item>(sides)) {
      if (ours!.length > 0) this.#hasSource = true
      const given = sourceOf(ours!)
      const { target: found, others } = matched(theirs!, given)
      const source = taking(given)
      const extras = [...(source === undefined ? [found] : []), ...others].filter(item => taking(item) !== undefined)
      for (const { name } of extras as Item[]) {
        this.#count()
        counts.extra++
        await this.#tell({ type: 'extra', name })
      }
      if (source === undefined) {
        if (extras.length === 0) counts.excluded += Math.max(ours!.length, theirs!.length)
        continue
      }
      this.#count()
      const target = taking(found)
      if (target !== undefined) {
        yield { source, target }
        continue
      }
      counts.missing++
      await this.#tell({ type: 'missing', name: source.name })
    }
  }

  #count(): void {
    const checked = ++this.#counts.checked
    this.#options.onProgress?.({ checked })
  }

  async #attempt({ source, target }: Both): Promise<void> {
    const counts = this.#counts
    const { name } = source
    try {
      const { isEqual, by, lacksDigest = false } = await this.#equality.of(source.entry, target.entry)
      if (!isEqual && by === 'size') {
        counts.differentSize++
        await this.#tell({ type: 'size', name, sourceSize: source.entry.size, targetSize: target.entry.size })
        return
      }
      if (lacksDigest) counts.withoutDigest++
      if (by !== undefined) this.#compared[by]++
      if (isEqual) {
        counts.equal++
        return
      }
      counts.differentContent++
      await this.#tell({ type: 'content', name })
    } catch (error) {
      if (this.#signal.aborted || !isStorageError(error)) throw error
      counts.failed++
      await this.#tell({ type: 'failed', name, error })
    }
  }

  async #tell(event: CompareEvent): Promise<void> {
    await this.#options.onEvent?.(event)
  }
}

/** Returns a file that takes part: an object that represents a folder does not, a file with an odd name does. */
function taking(item: Item | undefined): Item | undefined {
  return item === undefined || item.odd === 'folder' || item.isExcluded === true ? undefined : item
}

import type { Stat } from '../../core/driver.ts'
import type { AnyStorage } from '../../storage/storage.ts'
import type { Entry, TransferProgress } from '../../storage/types.ts'
import { Equality } from '../equality.ts'
import { FileCopy } from '../file-copy.ts'
import { type Item, isPart } from '../item.ts'
import type { Places } from '../places.ts'
import { settledState, stateOf } from '../record.ts'
import type { EngineHooks, EngineOptions, KnownStates } from './engine-options.ts'
import type { Pair } from './pairs.ts'
import { PassWork, type Task } from './pass-work.ts'
import type { Tally } from './tally.ts'
import type { MigrationPlan } from './types.ts'

/** The copy pass: copies the files that the target lacks or has in another version. */
export class CopyWork extends PassWork {
  readonly #places: Places
  readonly #carried: EngineOptions['carried']
  readonly #equality: Equality
  readonly #copy: FileCopy
  readonly #areLocal: { readonly source: boolean; readonly target: boolean }

  constructor(places: Places, plan: MigrationPlan, options: EngineOptions, hooks: EngineHooks) {
    super(places, plan, hooks)
    const { source, target } = places
    this.#places = places
    const { signal } = hooks
    this.#equality = new Equality(source, target, { signal, mode: 'listing', mayRead: true })
    const { bandwidth, carried } = options
    this.#carried = carried
    this.#copy = new FileCopy(source, target, { signal, isRecorded: hooks.known !== undefined, bandwidth, carried })
    this.#areLocal = { source: source.storage.supports('path'), target: target.storage.supports('path') }
  }

  protected override async isWanted({ source, target }: Pair, isRefused: boolean, counts: Tally): Promise<boolean> {
    if (source === undefined || (!isPart(source) && !isRefused)) return false
    counts.seen++
    if (isRefused) return true
    if (this.isOld(source)) {
      counts.skipped++
      return false
    }
    // No task is made for a file that is known to be unchanged.
    if (target === undefined || target.odd !== undefined) return true
    const known = this.hooks.known?.(source.name)
    if (known === undefined || !this.#isAsKnown(known, source.entry, target.entry)) return true
    await this.#unchanged(source, known, counts)
    return false
  }

  protected override async work({ source, target, counts }: Task): Promise<void> {
    const { tally, hooks } = this
    const { name, entry } = source
    if (target !== undefined && target.odd === undefined && (await this.#isUnchanged(source, target, counts))) return
    if (hooks.dryRun === true) {
      counts.copied++
      counts.bytes += Number.isNaN(entry.size) ? 0 : entry.size
      await hooks.copied?.(name, entry.size, undefined)
      return
    }
    let seen = 0
    let refusal: { readonly error: unknown } | undefined
    const onProgress = ({ loaded }: TransferProgress): void => {
      tally.bytes += Math.max(0, loaded - seen)
      seen = Math.max(seen, loaded)
      try {
        hooks.progress?.(tally)
      } catch (error) {
        refusal = { error }
        throw error
      }
    }
    try {
      const { size, ...states } = await this.#copy.copy(source, onProgress)
      counts.bytes += size
      counts.copied++
      const areKnown = states.source !== undefined && states.target !== undefined
      await hooks.copied?.(name, size, areKnown ? { source: states.source!, target: states.target! } : undefined)
      await hooks.mended?.(name, true)
    } catch (error) {
      // The caller ended the run: the storage has wrapped the error as one of this file.
      throw refusal === undefined ? error : (refusal as { readonly error: unknown }).error
    } finally {
      // They are added with the counts of the file.
      tally.bytes -= seen
    }
  }

  async #isUnchanged(source: Item, { entry: target }: Item, counts: Tally): Promise<boolean> {
    const { hooks } = this
    const { name, entry } = source
    const known = hooks.known?.(name)
    if (known !== undefined && (await this.#isStillAsKnown(known, entry, target))) {
      await this.#unchanged(source, known, counts)
      return true
    }
    // Taken before anything is read: a later change has another time.
    const state = settledState(entry, this.#areLocal.source)
    if (!(await this.#equality.of(entry, target)).isEqual) return false
    // Earlier work may have ended before it set the attributes.
    const isUnknown = hooks.known !== undefined && known === undefined
    const visibility = hooks.isRepeated === true || isUnknown
    const isChanged =
      hooks.dryRun !== true &&
      ((await this.#carried?.catchUp(entry, target, { visibility, signal: hooks.signal })) ?? false)
    const theirs = isChanged ? undefined : stateOf(target, this.#areLocal.target)
    if (state !== undefined && theirs !== undefined) await hooks.equal?.(name, { source: state, target: theirs })
    await this.#unchanged(source, undefined, counts)
    return true
  }

  async #unchanged({ name, entry }: Item, known: KnownStates | undefined, counts: Tally): Promise<void> {
    if (known?.isOwn === true) {
      counts.copied++
      counts.bytes += Number.isNaN(entry.size) ? 0 : entry.size
    } else {
      counts.unchanged++
    }
    await this.hooks.mended?.(name, true)
  }

  #isAsKnown({ source: ours, target: theirs }: KnownStates, source: Stat, target: Stat): boolean {
    return stateOf(source, this.#areLocal.source) === ours && stateOf(target, this.#areLocal.target) === theirs
  }

  /** The same for listings without exact times, as those of FTP servers without MLSD: it requests the time of each file. */
  async #isStillAsKnown(known: KnownStates, source: Entry, target: Entry): Promise<boolean> {
    if (source.isRoughTime !== true && target.isRoughTime !== true) return false
    if (!known.source.startsWith(`${source.size} `) || !known.target.startsWith(`${target.size} `)) return false
    const { signal } = this.hooks
    const exact = (storage: AnyStorage, entry: Entry): Promise<Stat> | Entry =>
      entry.isRoughTime === true ? storage.stat(entry, { signal }) : entry
    const { source: from, target: to } = this.#places
    return this.#isAsKnown(known, await exact(from.storage, source), await exact(to.storage, target))
  }
}

import type { TransferProgress } from '../../storage/types.ts'
import { Equality } from '../equality.ts'
import { FileCopy } from '../file-copy.ts'
import { type Item, isPart } from '../item.ts'
import type { Places } from '../places.ts'
import { stateOf } from '../record.ts'
import type { EngineHooks, EngineOptions } from './engine-options.ts'
import type { Pair } from './pairs.ts'
import { PassWork, type Task } from './pass-work.ts'
import type { MigrationPlan } from './types.ts'

/** Time in milliseconds by which the time of a listing without exact times may be wrong: it may be in another time zone. */
const ROUGH_MS = 86_400_000

/** The copy pass: copies the files that the target lacks or has in another version. */
export class CopyWork extends PassWork {
  readonly #sinceMs: number
  readonly #options: EngineOptions
  readonly #equality: Equality
  readonly #copy: FileCopy
  readonly #areLocal: { readonly source: boolean; readonly target: boolean }

  constructor({ source, target }: Places, { since }: MigrationPlan, options: EngineOptions, hooks: EngineHooks) {
    super(hooks)
    const { signal } = hooks
    this.#sinceMs = since === undefined ? Number.NEGATIVE_INFINITY : Date.parse(since)
    this.#options = options
    this.#equality = new Equality(source, target, { signal, mode: 'listing', mayRead: true })
    this.#copy = new FileCopy(source, target, { signal, isRecorded: hooks.known !== undefined })
    this.#areLocal = { source: source.storage.supports('path'), target: target.storage.supports('path') }
  }

  protected override async isWanted({ source }: Pair, isRefused: boolean): Promise<boolean> {
    if (source === undefined || (!isPart(source) && !isRefused)) return false
    this.tally.seen++
    if (isRefused || !this.#isOld(source)) return true
    this.tally.skipped++
    return false
  }

  protected override async work({ source, target }: Task): Promise<void> {
    const { tally, hooks } = this
    const { name, entry } = source
    if (target !== undefined && target.odd === undefined && (await this.#isUnchanged(source, target))) {
      tally.unchanged++
      await hooks.mended?.(name)
      return
    }
    if (hooks.dryRun === true) {
      tally.copied++
      tally.bytes += Number.isNaN(entry.size) ? 0 : entry.size
      await hooks.copied?.(name, entry.size, undefined)
      return
    }
    let seen = 0
    const onProgress = ({ loaded }: TransferProgress): void => {
      tally.bytes += Math.max(0, loaded - seen)
      seen = Math.max(seen, loaded)
      hooks.progress?.(tally)
    }
    const { size, ...states } = await this.#copy.copy(source, onProgress)
    await this.#options.carry?.(source, hooks.signal)
    tally.bytes += Math.max(0, size - seen)
    tally.copied++
    const areKnown = states.source !== undefined && states.target !== undefined
    await hooks.copied?.(name, size, areKnown ? { source: states.source!, target: states.target! } : undefined)
    await hooks.mended?.(name)
  }

  async #isUnchanged({ name, entry }: Item, target: Item): Promise<boolean> {
    const known = this.hooks.known?.(name)
    const isAsKnown =
      known !== undefined &&
      stateOf(entry, this.#areLocal.source) === known.source &&
      stateOf(target.entry, this.#areLocal.target) === known.target
    return isAsKnown || (await this.#equality.of(entry, target.entry)).isEqual
  }

  /** Whether a file was last modified before the plan's `since`. */
  #isOld({ entry }: Item): boolean {
    const { modifiedAt, isRoughTime = false } = entry
    if (modifiedAt === undefined) return false
    return modifiedAt.getTime() + (isRoughTime ? ROUGH_MS : 0) < this.#sinceMs
  }
}

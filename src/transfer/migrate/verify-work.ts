import { StorageError } from '../../core/errors.ts'
import { Equality } from '../equality.ts'
import { isPart } from '../item.ts'
import type { Places } from '../places.ts'
import type { EngineHooks } from './engine-options.ts'
import type { Pair } from './pairs.ts'
import { PassWork, type Task } from './pass-work.ts'
import type { Tally } from './tally.ts'
import type { MigrationPlan } from './types.ts'

/** Share of the files whose contents are compared in a sample, and the least number of them. */
const SAMPLE_SHARE = 0.01
const LEAST_SAMPLE = 100

/** The verify pass: compares the files of both places. */
export class VerifyWork extends PassWork {
  readonly #listed: Equality
  readonly #content: Equality
  readonly #share: number

  constructor(places: Places, plan: MigrationPlan, hooks: EngineHooks) {
    super(places, plan, hooks)
    const { source, target } = places
    const { verify } = plan
    const { signal, seen = 0 } = hooks
    this.#listed = new Equality(source, target, { signal, mode: 'listed', mayRead: true })
    this.#content = new Equality(source, target, { signal, mode: 'content', mayRead: true })
    const sample = Math.max(SAMPLE_SHARE, LEAST_SAMPLE / Math.max(1, seen))
    this.#share = verify === 'full' ? 1 : verify === 'sample' ? sample : 0
  }

  protected override isWanted({ source, target }: Pair, isRefused: boolean, counts: Tally): boolean {
    if (target !== undefined && isPart(target)) {
      counts.atTarget++
      if (source === undefined) counts.extra++
    }
    if (source === undefined || (!isPart(source) && !isRefused)) return false
    // What the copy pass has skipped need not be at the target.
    if (!isRefused && this.isOld(source)) return false
    counts.verified++
    return true
  }

  protected override async work({ source, target, counts }: Task): Promise<void> {
    const { name } = source
    if (target === undefined || target.odd !== undefined)
      return this.#differs(name, counts, 'not_found', 'is missing at the target')
    let verdict = this.#share === 1 ? undefined : await this.#listed.of(source.entry, target.entry)
    if (verdict === undefined || (verdict.isEqual && verdict.by === 'size' && Math.random() < this.#share)) {
      verdict = await this.#content.of(source.entry, target.entry)
    }
    if (!verdict.isEqual) {
      const what = verdict.by === 'size' ? 'has another size' : 'has other content'
      return this.#differs(name, counts, 'checksum_mismatch', `${what} at the target`)
    }
    const isCompared = verdict.by !== 'size'
    if (isCompared) counts.compared++
    else counts.sizeOnly++
    if (verdict.lacksDigest === true) counts.withoutDigest++
    await this.hooks.mended?.(name, isCompared)
  }

  async #differs(name: string, counts: Tally, code: 'not_found' | 'checksum_mismatch', what: string): Promise<void> {
    counts.different++
    const error = new StorageError(code, `'${name}' ${what}.`, { operation: 'verify', fileName: name })
    await this.hooks.failed(name, error, false)
  }
}

import type { CallContext } from '../../core/call.ts'
import { StorageError } from '../../core/errors.ts'
import { detached } from '../../remote/aftermath.ts'
import type { Segments } from './segments.ts'

/** How a write treats what is there. */
export interface ReplacedOptions {
  /** The key must be free: code `exists` where it is not. */
  readonly isNew: boolean
  /** Whether the segments of an old large object stay, so that nothing need be asked. */
  readonly leaveSegments: boolean
}

/**
 * What a write replaces. It is looked at once, before the new object stands; then the old one's own segments are deleted. (Swift leaves them: its PUT and
 * DELETE know the manifest only.)
 */
export class Replaced {
  readonly #segments: Segments
  readonly #key: string
  readonly #options: ReplacedOptions
  #own: readonly string[] | undefined

  constructor(segments: Segments, key: string, options: ReplacedOptions) {
    this.#segments = segments
    this.#key = key
    this.#options = options
  }

  /** Looks at what is there, once. Not asked where the write itself is under the condition that nothing is there. */
  async look(ctx: CallContext, { underCondition = false }: { readonly underCondition?: boolean } = {}): Promise<void> {
    const { isNew, leaveSegments } = this.#options
    if (this.#own !== undefined || (isNew ? underCondition : leaveSegments)) return
    if (!isNew) {
      this.#own = await ctx.step('lookAtOld', true, step => this.#segments.ownSegments(this.#key, step))
      return
    }
    const found = await ctx.step('lookAtOld', true, step => this.#segments.head(this.#key, step))
    if (found !== undefined) throw new StorageError('exists', 'The key is taken.')
    this.#own = []
  }

  /** Deletes the old segments. */
  async discard(ctx: CallContext): Promise<void> {
    const own = this.#own ?? []
    this.#own = []
    if (own.length > 0) await this.#segments.discard(this.#key, own, detached(ctx))
  }
}

import type { CallContext } from '../../core/call.ts'
import { StorageError } from '../../core/errors.ts'
import { detached } from '../../remote/aftermath.ts'
import type { Segments } from './segments.ts'

/** How a write treats the existing object. */
export interface ReplacedOptions {
  /** Whether the key must be free: code `exists` if it is not. */
  readonly isNew: boolean
  /** Whether the segments of an old large object are kept, so that no look-up is needed. */
  readonly leaveSegments: boolean
}

/**
 * The object that a write replaces. It is looked up once, before the new object exists; afterwards its own segments are deleted. (Swift
 * does not delete them: its PUT and DELETE affect only the manifest.)
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

  /** Looks up the existing object, once. Skipped if the write itself has the condition that there is none. */
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

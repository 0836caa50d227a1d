import { PageProgress } from '../storage/page-progress.ts'
import { type Item, isPart } from '../transfer/item.ts'
import { type Pair, pairsOf } from '../transfer/migrate/pairs.ts'
import type { Places } from '../transfer/places.ts'
import { ALL_FILES, type NameRange } from '../transfer/side.ts'

/** Number of names after which a checkpoint is stored even if none of them takes part. */
const MAX_SCANNED = 20_000

/** Names that were listed together. */
export interface Batch {
  readonly pairs: readonly Pair[]
  /** The last name, or the token of the next page: where the listing continues. */
  readonly after?: string | undefined
  readonly token?: string | undefined
  readonly isEnd: boolean
}

/** A listing that can be continued by another process. */
export interface Listing {
  next(count: number): Promise<Batch>
  close(): Promise<void>
}

/** Whether both places list ranges of names in one order, so that they can be merged. */
export function areOrdered({ source, target }: Places): boolean {
  return source.storage.supports('listRange') && target.storage.supports('listRange')
}

/** Lists a range of the source, or of both places, in the order of the names. */
export class OrderedListing implements Listing {
  readonly #pairs: AsyncGenerator<Pair>

  constructor(places: Places, range: NameRange, isMerged: boolean) {
    this.#pairs = isMerged
      ? pairsOf(places.listSource(range), places.listTarget(range))
      : sourcesOf(places.listSource(range))
  }

  async next(count: number): Promise<Batch> {
    const pairs: Pair[] = []
    let after: string | undefined
    for (let scanned = 0; pairs.length < count && scanned < MAX_SCANNED; scanned++) {
      const { done, value } = await this.#pairs.next()
      if (done === true) return { pairs, after, isEnd: true }
      after = value.key
      if (takesPart(value)) pairs.push(value)
    }
    return { pairs, after, isEnd: false }
  }

  async close(): Promise<void> {
    await this.#pairs.return(undefined)
  }
}

/** Lists a source in its own order, from the token of a page. */
export class TokenListing implements Listing {
  readonly #places: Places
  readonly #isWanted: (name: string) => boolean
  readonly #signal: AbortSignal
  readonly #progress: PageProgress
  #token: string | undefined

  constructor(
    places: Places,
    token: string | undefined,
    { isWanted, signal }: { readonly isWanted: (name: string) => boolean; readonly signal: AbortSignal },
  ) {
    this.#places = places
    this.#token = token
    this.#isWanted = isWanted
    this.#signal = signal
    this.#progress = new PageProgress({ operation: 'list', fileName: places.source.folder }, token)
  }

  async next(count: number): Promise<Batch> {
    const { source } = this.#places
    const pairs: Pair[] = []
    for (let scanned = 0; pairs.length < count && scanned < MAX_SCANNED; ) {
      const page = await source.storage.page(source.folder, {
        ...ALL_FILES,
        token: this.#token,
        limit: count,
        signal: this.#signal,
      })
      for (const entry of page.entries) {
        scanned++
        if (entry.isDirectory) continue
        const item = source.itemOf(entry, { isFolded: false, isWanted: this.#isWanted })
        const pair = { key: item.key, source: item, target: undefined }
        if (takesPart(pair)) pairs.push(pair)
      }
      this.#progress.check({
        files: page.entries.map(({ name }) => ({ key: name, size: 0 })),
        directories: [],
        next: page.next,
      })
      this.#token = page.next
      if (page.next === undefined) return { pairs, isEnd: true }
    }
    return { pairs, token: this.#token, isEnd: false }
  }

  async close(): Promise<void> {}
}

async function* sourcesOf(items: AsyncIterable<Item>): AsyncGenerator<Pair> {
  for await (const source of items) yield { key: source.key, source, target: undefined }
}

/** Whether there is something to do for a pair, or a name to be refused. */
function takesPart({ source, target }: Pair): boolean {
  if (source !== undefined && (isPart(source) || (source.odd === 'spelling' && source.isExcluded !== true))) return true
  return target !== undefined && isPart(target)
}

import type { Item } from '../item.ts'
import { mergeSorted } from '../merge.ts'
import { matched, sourceOf } from '../places.ts'

/** The files of both places under one key; at least one of the two is there. */
export interface Pair {
  readonly key: string
  readonly source: Item | undefined
  readonly target: Item | undefined
}

/** Matches the items of both places, each in the order of its keys. Every name that is only at the target is a pair of its own. */
export async function* pairsOf(sources: AsyncIterable<Item>, targets: AsyncIterable<Item>): AsyncGenerator<Pair> {
  for await (const [ours, theirs] of mergeSorted<Item>([sources, targets])) {
    const { key } = (ours![0] ?? theirs![0])!
    const clashing = ours!.filter(({ clash }) => clash !== undefined)
    if (clashing.length > 0) {
      for (const source of clashing) yield { key, source, target: undefined }
      continue
    }
    const source = sourceOf(ours!)
    const { target, others } = matched(theirs!, source)
    for (const other of others) yield { key, source: undefined, target: other }
    if (source !== undefined || target !== undefined) yield { key, source, target }
  }
}

import { compareKeys } from '../core/key-order.ts'

/** An item with a position in the order of keys. */
export interface Keyed {
  readonly key: string
}

/** Merges several iterations, each in the order of keys: returns for each key the items of every iteration, in their order. */
export async function* mergeSorted<T extends Keyed>(
  sources: ReadonlyArray<AsyncIterable<T>>,
): AsyncGenerator<readonly T[][]> {
  const iterators = sources.map(source => source[Symbol.asyncIterator]())
  const heads: Array<T | undefined> = []
  const advance = async (index: number): Promise<void> => {
    const next = await iterators[index]!.next()
    heads[index] = next.done === true ? undefined : next.value
  }
  try {
    await Promise.all(iterators.map((_, index) => advance(index)))
    for (;;) {
      let least: string | undefined
      for (const head of heads) {
        if (head !== undefined && (least === undefined || compareKeys(head.key, least) < 0)) least = head.key
      }
      if (least === undefined) return
      const found: T[][] = heads.map(() => [])
      for (let index = 0; index < heads.length; index++) {
        for (let head = heads[index]; head !== undefined && head.key === least; head = heads[index]) {
          found[index]!.push(head)
          await advance(index)
        }
      }
      yield found
    }
  } finally {
    await Promise.all(iterators.map(iterator => iterator.return?.()))
  }
}

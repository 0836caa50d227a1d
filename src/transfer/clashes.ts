import { compareKeys } from '../core/key-order.ts'
import type { Item } from './item.ts'

/** Maximum number of files that wait until it is known whether there is a folder of the same name. */
const MAX_WAITING = 10_000

/**
 * Marks files that have the name of a folder, and the files of that folder: `a` and `a/b`. No disk can store both. Items come in the order
 * of their keys, in which `a-c` and `a.txt` are between the two, so that files wait until the folder would have come. At most 10,000 wait
 * at a time; for names that are further apart, only the file in the folder is marked.
 */
export async function* withClashes(items: AsyncIterable<Item>): AsyncGenerator<Item> {
  const waiting: Item[] = []
  /** Names that the next ones may begin with, each a prefix of the one behind it. */
  const open: Item[] = []
  const marked = new Map<Item, string>()
  const marks = (item: Item): Item => {
    const clash = marked.get(item)
    marked.delete(item)
    return clash === undefined ? item : { ...item, clash }
  }
  for await (const item of items) {
    while (open.length > 0 && !item.key.startsWith(open.at(-1)!.key)) open.pop()
    for (const file of item.isExcluded ? [] : open) {
      // A zero-byte object `a/` represents a folder: it clashes with the file `a` like `a/b` does.
      if (!item.key.startsWith(`${file.key}/`)) continue
      if (waiting.includes(file) && !marked.has(file)) marked.set(file, item.name)
      if (!marked.has(item)) marked.set(item, file.name)
    }
    waiting.push(item)
    if (!item.isExcluded && !item.key.endsWith('/')) open.push(item)
    while (waiting.length > 0 && (isPast(waiting[0]!, item) || waiting.length > MAX_WAITING)) {
      yield marks(waiting.shift()!)
    }
  }
  for (const item of waiting) yield marks(item)
}

/** Whether no folder of the file's name can follow any more. */
function isPast(file: Item, newest: Item): boolean {
  return file !== newest && (!newest.key.startsWith(file.key) || compareKeys(newest.key, `${file.key}/`) >= 0)
}

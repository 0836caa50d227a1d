import type { Stat } from '../core/driver.ts'
import { isHidden } from '../core/hidden-names.ts'
import { compareKeys } from '../core/key-order.ts'
import { NOT_UTF8, type OddItems } from '../core/odd-items.ts'

/** Maximum number of items of one folder in memory. A larger folder is read again for each further group of items. */
const MAX_ITEMS = 65_536

/** One name in a folder, as the server lists it. */
export interface FolderItem {
  readonly name: string
  readonly isDirectory: boolean
  /**
   * What the listing contains about a file. Absent for links and for listings without sizes: then it is requested when the file is listed.
   */
  readonly stat?: Stat | undefined
}

/** An item with its place in the order of keys: its name, with a slash for a folder. */
export interface PlacedItem extends FolderItem {
  readonly place: string
}

/** The first items of a folder after a place in the order of keys. */
export interface FolderItems {
  readonly items: readonly PlacedItem[]
  /** Whether there are no more items after them. */
  readonly isOver: boolean
}

/**
 * The first items of a folder after `after`. Servers list names in no order, so all names are read; at most twice `max` are in memory. Left
 * out: temporary files of the storage, invalid names, and duplicates.
 */
export async function firstItems(
  batches: AsyncIterable<readonly FolderItem[]>,
  prefix: string,
  after: string,
  odd: OddItems,
  max: number = MAX_ITEMS,
): Promise<FolderItems> {
  let items: PlacedItem[] = []
  let isOver = true
  const cut = (): void => {
    items.sort((a, b) => compareKeys(a.place, b.place))
    items = items.filter(({ place }, at) => {
      if (at === 0 || place !== items[at - 1]!.place) return true
      odd.report(prefix + place, NOT_UTF8)
      return false
    })
    if (items.length <= max) return
    isOver = false
    items.length = max
  }
  for await (const batch of batches) {
    for (const item of batch) {
      if (!isListedName(item.name)) continue
      const place = item.isDirectory ? `${item.name}/` : item.name
      if (compareKeys(place, after) <= 0) continue
      if (items.push({ ...item, place }) >= 2 * max) cut()
    }
  }
  cut()
  return { items, isOver }
}

/** Whether a server's name for an item is valid: one component of a key, and not a temporary file of the storage. */
export function isListedName(name: string): boolean {
  return name !== '' && name !== '.' && name !== '..' && !/[/\0]/.test(name) && !isHidden(name)
}

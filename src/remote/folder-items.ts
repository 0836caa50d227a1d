import type { Stat } from '../core/driver.ts'
import { isHidden } from '../core/hidden-names.ts'
import { compareKeys } from '../core/key-order.ts'
import { NOT_UTF8, type OddItems } from '../core/odd-items.ts'

/** Items of one folder that are kept in memory at once. A larger folder is read again for each further lot. */
const MAX_ITEMS = 65_536

/** One name in a folder, as the server lists it. */
export interface FolderItem {
  readonly name: string
  readonly isDirectory: boolean
  /** What the listing tells of a file. Absent: it is asked for when the file is listed (links, sizes that a listing does not have). */
  readonly stat?: Stat | undefined
}

/** An item with its place in the order of keys: its name, and with a slash for a folder. */
export interface PlacedItem extends FolderItem {
  readonly place: string
}

/** The first items of a folder behind some place, in the order of keys. */
export interface FolderItems {
  readonly items: readonly PlacedItem[]
  /** Whether there are no more behind them. */
  readonly isOver: boolean
}

/**
 * The first items of a folder behind `after`. Servers give names in no order, so all are read, and at most twice `max` are held. Files of the
 * storage's own, what is no name, and names that come twice are left out.
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

/** Whether a server's name for an item is a name: one component of a key, and none of the storage's own files. */
export function isListedName(name: string): boolean {
  return name !== '' && name !== '.' && name !== '..' && !/[/\0]/.test(name) && !isHidden(name)
}

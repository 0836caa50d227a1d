import { compareKeys } from '../core/key-order.ts'
import { mapParallel } from '../core/parallel.ts'
import type { Item } from '../transfer/item.ts'
import type { Side } from '../transfer/side.ts'
import { statedFile } from '../transfer/stated-file.ts'

/** Number of names up to which one request for each is cheaper than a listing. */
const FEW = 8
/** Maximum number of listed files for each name that is looked for, and besides. Then the names are looked up one by one. */
const MAX_LISTED = 2
const MAX_OTHERS = 1000

/** Options of looking up names. */
export interface LookupOptions {
  readonly signal: AbortSignal
  /** Number of requests in parallel. */
  readonly concurrency: number
}

/** Returns the files with these names, each at the position of its name; undefined where there is none. */
export async function lookUp(
  side: Side,
  names: readonly string[],
  { signal, concurrency }: LookupOptions,
): Promise<ReadonlyArray<Item | undefined>> {
  return mapParallel(names, { limit: concurrency, signal }, name => stated(side, name, signal))
}

/**
 * The same for names in the order of a listing: by a listing of their range, if the storage can list ranges, as long as it does not have
 * many other names.
 */
export async function lookUpRange(
  side: Side,
  names: readonly string[],
  options: LookupOptions,
): Promise<ReadonlyArray<Item | undefined>> {
  const { storage } = side
  // On this machine a look at each file costs less than to sort its folder.
  const isCheap = storage.supports('path') || storage.calls.driver.name === 'memory'
  if (isCheap || names.length <= FEW || !storage.supports('listRange')) return lookUp(side, names, options)
  const { signal } = options
  const [first, last] = [names[0]!, names.at(-1)!]
  const wanted = new Set(names)
  const found = new Map<string, Item>()
  let listed = 0
  let reached = last
  const range = { after: first, until: last }
  for await (const item of side.list({ signal, isFolded: false, isWanted: () => true, range })) {
    if (wanted.has(item.name)) found.set(item.name, item)
    if (++listed <= MAX_LISTED * names.length + MAX_OTHERS) continue
    reached = item.name
    break
  }
  // The bounds are exclusive, and a listing that was ended shows nothing about later names.
  const others = names.filter(name => name === first || name === last || compareKeys(name, reached) > 0)
  const rest = await lookUp(side, others, options)
  others.forEach((name, at) => {
    const item = rest[at]
    if (item !== undefined) found.set(name, item)
  })
  return names.map(name => found.get(name))
}

/** A name that the storage refuses is no file there; the copy reports the reason. */
async function stated(side: Side, name: string, signal: AbortSignal): Promise<Item | undefined> {
  const entry = await statedFile(side, name, signal)
  return entry && side.itemOf(entry, { isFolded: false, isWanted: () => true })
}

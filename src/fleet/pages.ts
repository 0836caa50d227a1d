import { deflateRawSync, inflateRawSync } from 'node:zlib'
import type { Checksums } from '../core/driver.ts'
import { keptKey, listedEntry } from '../storage/entry-keys.ts'
import type { Entry } from '../storage/types.ts'
import type { Item } from '../transfer/item.ts'
import type { Pair } from '../transfer/migrate/pairs.ts'
import type { Places } from '../transfer/places.ts'
import type { Side } from '../transfer/side.ts'

/** The parts of a listed file that are stored. Times are in milliseconds. */
interface StoredEntry {
  /** Size; null if the listing has none. */
  readonly s: number | null
  readonly m?: number | undefined
  readonly c?: number | undefined
  readonly e?: string | undefined
  readonly v?: string | undefined
  readonly k?: Checksums | undefined
  readonly r?: 1 | undefined
  /** The key, where the name does not lead to it. */
  readonly K?: string | undefined
  readonly odd?: Item['odd']
  readonly clash?: string | undefined
}

/** A pair, as it is stored: name, file of the source, file of the target. 0: there is none, or it is still to be looked up. */
type StoredPair = readonly [name: string, source?: StoredEntry | 0, target?: StoredEntry | 0]

/** Returns pairs, compressed. A thousand names take about 20 KB. */
export function storedPairs(pairs: readonly Pair[], { source, target }: Places): Buffer {
  const rows = pairs.map((pair): StoredPair => {
    const name = (pair.source ?? pair.target)!.name
    const ours = pair.source === undefined ? 0 : storedItem(pair.source, source)
    return pair.target === undefined ? [name, ours] : [name, ours, storedItem(pair.target, target)]
  })
  return compressed(rows)
}

/** The same for names whose files are still to be looked up. */
export function storedNames(names: readonly string[]): Buffer {
  return compressed(names.map(name => [name]))
}

export function pairsIn(stored: Uint8Array, { source, target }: Places): readonly Pair[] {
  return rowsIn(stored).map(([name, ours, theirs]) => ({
    key: name,
    source: ours ? itemIn(name, ours, source) : undefined,
    target: theirs ? itemIn(name, theirs, target) : undefined,
  }))
}

export function namesIn(stored: Uint8Array): readonly string[] {
  return rowsIn(stored).map(([name]) => name)
}

function compressed(rows: readonly StoredPair[]): Buffer {
  return deflateRawSync(JSON.stringify(rows), { level: 1 })
}

function rowsIn(stored: Uint8Array): readonly StoredPair[] {
  return JSON.parse(inflateRawSync(stored).toString()) as readonly StoredPair[]
}

function storedItem({ entry, odd, clash }: Item, { storage }: Side): StoredEntry {
  const { size, modifiedAt, createdAt, etag, versionId, checksums, isRoughTime } = entry
  return {
    s: Number.isNaN(size) ? null : size,
    m: modifiedAt?.getTime(),
    c: createdAt?.getTime(),
    e: etag,
    v: versionId,
    k: checksums,
    r: isRoughTime === true ? 1 : undefined,
    K: keptKey(storage, entry),
    odd,
    clash,
  }
}

function itemIn(name: string, { s, m, c, e, v, k, r, K, odd, clash }: StoredEntry, { storage, folder }: Side): Item {
  const stat = {
    size: s ?? Number.NaN,
    ...(m !== undefined && { modifiedAt: new Date(m) }),
    ...(c !== undefined && { createdAt: new Date(c) }),
    ...(e !== undefined && { etag: e }),
    ...(v !== undefined && { versionId: v }),
    ...(k !== undefined && { checksums: k }),
    ...(r === 1 && { isRoughTime: true }),
  }
  const entry: Entry =
    K === undefined
      ? { ...stat, name: folder + name, isDirectory: false }
      : listedEntry(storage, { ...stat, key: K }, false)
  return { key: name, name, entry, ...(odd !== undefined && { odd }), ...(clash !== undefined && { clash }) }
}

import type { ListedFile, Stat } from '../core/driver.ts'
import { withKeptDigest } from './kept-digest.ts'
import type { Entry, NameOrEntry } from './types.ts'

/** What of a storage tells keys from names. */
interface Names {
  keyOf(name: string): string
  nameOf(key: string): string
}

interface Origin {
  readonly storage: Names
  readonly key: string
}

/** The keys of entries whose name alone would lead to another key, or to none. Copies of an entry have none, and are taken by their name. */
const origins = new WeakMap<Entry, Origin>()

/** An entry of a listing. It remembers its key where the name does not lead to it. */
export function listedEntry(storage: Names, { key, ...stat }: ListedFile, isDirectory: boolean): Entry {
  const entry: Entry = { ...withKeptDigest(stat), name: storage.nameOf(key), isDirectory }
  if (!isKeyOf(storage, entry.name, key)) origins.set(entry, { storage, key })
  return entry
}

/** An entry for what was asked about; it stands for the same object as the one that was given. */
export function statEntry(storage: Names, given: NameOrEntry, key: string, stat: Stat): Entry {
  const entry: Entry = { ...withKeptDigest(stat), name: storage.nameOf(key), isDirectory: stat.isDirectory ?? false }
  if (keptKey(storage, given) !== undefined) origins.set(entry, { storage, key })
  return entry
}

/** Whether the name leads to the key. */
function isKeyOf(storage: Names, name: string, key: string): boolean {
  try {
    return storage.keyOf(name) === key
  } catch {
    return false
  }
}

/** The key that an entry of this storage remembers; another storage's entry is taken by its name. */
export function keptKey(storage: Names, given: NameOrEntry): string | undefined {
  const origin = typeof given === 'object' && given !== null ? origins.get(given) : undefined
  return origin?.storage === storage ? origin.key : undefined
}

/** The name in what a caller gave. */
export function nameIn(given: NameOrEntry): string {
  return typeof given === 'object' && given !== null ? given.name : given
}

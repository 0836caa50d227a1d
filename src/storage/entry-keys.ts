import type { ListedFile, Stat } from '../core/driver.ts'
import { withKeptDigest } from './kept-digest.ts'
import type { Entry, NameOrEntry } from './types.ts'

/** The parts of a storage that map keys to names and back. */
interface Names {
  keyOf(name: string): string
  nameOf(key: string): string
}

interface Origin {
  readonly storage: Names
  readonly key: string
}

/** The keys of entries whose name alone leads to another key, or to none. A copy of an entry has no key here and is used by its name. */
const origins = new WeakMap<Entry, Origin>()

/** Returns an entry of a listing. It remembers its key where the name does not lead to that key. */
export function listedEntry(storage: Names, { key, ...stat }: ListedFile, isDirectory: boolean): Entry {
  const entry: Entry = { ...withKeptDigest(stat), name: storage.nameOf(key), isDirectory }
  if (!isKeyOf(storage, entry.name, key)) origins.set(entry, { storage, key })
  return entry
}

/** Returns the entry of a `stat`. It refers to the same object as the argument of the call. */
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

/** Returns the key that an entry of this storage remembers. An entry of another storage is used by its name. */
export function keptKey(storage: Names, given: NameOrEntry): string | undefined {
  const origin = typeof given === 'object' && given !== null ? origins.get(given) : undefined
  return origin?.storage === storage ? origin.key : undefined
}

/** Returns the name in an argument. */
export function nameIn(given: NameOrEntry): string {
  return typeof given === 'object' && given !== null ? given.name : given
}

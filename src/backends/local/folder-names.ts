import { opendir } from 'node:fs/promises'
import { isHidden } from '../../core/hidden-names.ts'
import { compareKeys, sortKeys } from '../../core/key-order.ts'

/** Maximum number of names of one folder in memory. A larger folder is read again for each further group of names. */
const MAX_NAMES = 65_536

/** The wanted names. */
export interface NamesWanted {
  /** Names up to and including this one are left out; a folder's name ends with a slash. */
  readonly after: string
  /** Whether only folders are wanted. */
  readonly onlyFolders: boolean
  readonly max?: number | undefined
}

/** The first names of a folder after a place, in the order of keys; names of folders end with a slash. */
export interface FolderNames {
  readonly names: string[]
  /** Names of symbolic links among them. */
  readonly links: ReadonlySet<string>
  /** Duplicate names: different system names that are not UTF-8 can decode to the same text. */
  readonly repeated: readonly string[]
  /** Whether there are no more after them. */
  readonly isOver: boolean
  /** Whether the folder has internal files of the storage. */
  readonly hasHidden: boolean
}

/**
 * Reads a folder and returns the first names after `after`. The system returns names in no order, so all of them are read; at most twice
 * `max` are in memory.
 */
export async function readNames(path: string, wanted: NamesWanted): Promise<FolderNames> {
  const { after, onlyFolders, max = MAX_NAMES } = wanted
  const links = new Set<string>()
  const repeated: string[] = []
  let names: string[] = []
  let isOver = true
  let hasHidden = false
  const cut = (): void => {
    names = distinct(sortKeys(names), repeated)
    if (names.length <= max) return
    isOver = false
    for (const name of names.splice(max)) links.delete(name)
  }
  for await (const entry of await opendir(path, { bufferSize: 1024 })) {
    const isFolder = entry.isDirectory()
    if (isHidden(entry.name)) {
      hasHidden ||= !isFolder
      continue
    }
    if (onlyFolders && !isFolder) continue
    const name = isFolder ? `${entry.name}/` : entry.name
    if (compareKeys(name, after) <= 0) continue
    if (entry.isSymbolicLink()) links.add(name)
    if (names.push(name) >= 2 * max) cut()
  }
  cut()
  return { names, links, repeated, isOver, hasHidden }
}

/** Sorted names without duplicates. */
function distinct(sorted: readonly string[], repeated: string[]): string[] {
  return sorted.filter((name, at) => {
    if (at === 0 || name !== sorted[at - 1]) return true
    repeated.push(name)
    return false
  })
}

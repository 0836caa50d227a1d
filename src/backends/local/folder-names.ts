import { opendir } from 'node:fs/promises'
import { isHidden } from '../../core/hidden-names.ts'
import { compareKeys, sortKeys } from '../../core/key-order.ts'

/** Names of one folder that are kept in memory at once. A larger folder is read again for each further lot. */
const MAX_NAMES = 65_536

/** Which names are wanted. */
export interface NamesWanted {
  /** Names up to this one are left out; a folder's name stands with its slash. */
  readonly after: string
  /** Whether only folders are wanted. */
  readonly onlyFolders: boolean
  readonly max?: number | undefined
}

/** The first names of a folder after some place, in the order of keys; those of folders with a slash. */
export interface FolderNames {
  readonly names: string[]
  /** Names of symbolic links among them. */
  readonly links: ReadonlySet<string>
  /** Names that occurred again: the system's names that are not UTF-8 can be read as the same text. */
  readonly repeated: readonly string[]
  /** Whether there are no more after them. */
  readonly isOver: boolean
  /** Whether the folder has files of the storage's own. */
  readonly hasHidden: boolean
}

/**
 * Reads a folder and gives the first names after `after`. The system gives names in no order, so all of them have to be read; no more than
 * twice `max` are held.
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

/** Sorted names, each once. */
function distinct(sorted: readonly string[], repeated: string[]): string[] {
  return sorted.filter((name, at) => {
    if (at === 0 || name !== sorted[at - 1]) return true
    repeated.push(name)
    return false
  })
}

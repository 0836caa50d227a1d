import type { Stat } from '../../core/driver.ts'
import { guessType, packedType } from '../../core/mime.ts'
import type { Attributes } from '../../remote/ssh/ssh2.ts'

const TYPE_BITS = 0o170000
/** Age in milliseconds from which the time of a file is no other version's. */
const SETTLED_MS = 2000
/** Bits of a mode that a file hands on to the one that replaces it; those that run it with other rights are not. */
export const MODE_BITS = 0o777

/** What a path leads to; undefined where the server does not tell. */
export type Kind = 'file' | 'folder' | 'link' | 'other'

const KINDS: ReadonlyMap<number, Kind> = new Map([
  [0o100000, 'file'],
  [0o040000, 'folder'],
  [0o120000, 'link'],
])
const LETTERS: Readonly<Record<string, Kind>> = { '-': 'file', d: 'folder', l: 'link' }

/** The kind by the type bits of the mode, or by the first letter of a line as `ls -l` shows it. */
export function kindOf({ mode = 0 }: Attributes, longname = ''): Kind | undefined {
  const type = mode & TYPE_BITS
  if (type !== 0) return KINDS.get(type) ?? 'other'
  if (!/^[-a-z][-rwxsStT]{9}/.test(longname)) return undefined
  return LETTERS[longname[0]!] ?? 'other'
}

/** The size, where the server tells one that is none of chance. */
export function sizeIn({ size }: Attributes): number | undefined {
  return typeof size === 'number' && Number.isSafeInteger(size) && size >= 0 ? size : undefined
}

/** What is told of a file besides its size; its type is guessed from its name. */
export function describe({ mtime, atime }: Attributes, name: string): Omit<Stat, 'size'> {
  return {
    contentType: packedType(name) ?? guessType(name).contentType,
    ...timesOf('modifiedAt', mtime),
    ...timesOf('accessedAt', atime),
  }
}

function timesOf(field: 'modifiedAt' | 'accessedAt', secs: number | undefined): Partial<Stat> {
  return typeof secs === 'number' && Number.isSafeInteger(secs) && secs >= 0 ? { [field]: new Date(secs * 1000) } : {}
}

/** What is told of a folder. */
export function folderStat({ mtime, atime }: Attributes): Stat {
  return { size: 0, ...timesOf('modifiedAt', mtime), ...timesOf('accessedAt', atime), isDirectory: true }
}

/**
 * Whether size and time tell a version from all that come after it: times are whole seconds, so that a file which was written just now may be
 * written again in the same one.
 */
export function isSettled({ size, mtime }: Attributes): boolean {
  return size !== undefined && mtime !== undefined && Date.now() - mtime * 1000 >= SETTLED_MS
}

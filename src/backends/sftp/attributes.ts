import type { Stat } from '../../core/driver.ts'
import { guessType, packedType } from '../../core/mime.ts'
import type { Attributes } from '../../remote/ssh/ssh2.ts'

const TYPE_BITS = 0o170000
/** Age in milliseconds from which a file's time is certainly different from that of other versions. */
const SETTLED_MS = 2000
/** Mode bits that a file passes to its replacement; not the bits that run it with other rights. */
export const MODE_BITS = 0o777

/** The kind of the file at a path; undefined if the server does not report it. */
export type Kind = 'file' | 'folder' | 'link' | 'other'

const KINDS: ReadonlyMap<number, Kind> = new Map([
  [0o100000, 'file'],
  [0o040000, 'folder'],
  [0o120000, 'link'],
])
const LETTERS: Readonly<Record<string, Kind>> = { '-': 'file', d: 'folder', l: 'link' }

/** The kind from the type bits of the mode, or from the first letter of a line in the format of `ls -l`. */
export function kindOf({ mode = 0 }: Attributes, longname = ''): Kind | undefined {
  const type = mode & TYPE_BITS
  if (type !== 0) return KINDS.get(type) ?? 'other'
  if (!/^[-a-z][-rwxsStT]{9}/.test(longname)) return undefined
  return LETTERS[longname[0]!] ?? 'other'
}

/** The size, if the server reports a reliable one. */
export function sizeIn({ size }: Attributes): number | undefined {
  return typeof size === 'number' && Number.isSafeInteger(size) && size >= 0 ? size : undefined
}

/** The attributes of a file besides its size; its type is guessed from its name. */
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

/** The attributes of a folder. */
export function folderStat({ mtime, atime }: Attributes): Stat {
  return { size: 0, ...timesOf('modifiedAt', mtime), ...timesOf('accessedAt', atime), isDirectory: true }
}

/**
 * Whether size and time distinguish a version from all later ones. Times are whole seconds, so a file that was just written may be written
 * again in the same second.
 */
export function isSettled({ size, mtime }: Attributes): boolean {
  return size !== undefined && mtime !== undefined && Date.now() - mtime * 1000 >= SETTLED_MS
}

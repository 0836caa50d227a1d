import type { Stat } from '../../core/driver.ts'
import type { FolderItem } from '../../remote/folder-items.ts'
import { timeIn } from './replies.ts'

/** One line of MLSD or MLST: facts about a name. (RFC 3659, section 7) */
export interface FactLine {
  readonly name: string
  /** Names in lower case. */
  readonly facts: ReadonlyMap<string, string>
}

/** Parses a line: `type=file;size=4;modify=20261128190102; a name`. The first blank ends the facts. Undefined for any other line. */
export function parseFacts(line: string): FactLine | undefined {
  // Blanks in facts are not allowed, but occur in the names of owners.
  const found = /^((?:[^=;\s]+=[^;\s]*;)*) (.+)$/s.exec(line) ?? /^((?:[^=;\s]+=[^;]*;)+) (.+)$/s.exec(line)
  if (found === null) return undefined
  const facts = new Map<string, string>()
  for (const fact of found[1]!.split(';')) {
    const at = fact.indexOf('=')
    if (at > 0) facts.set(fact.slice(0, at).toLowerCase(), fact.slice(at + 1))
  }
  return { name: found[2]!, facts }
}

/** The stat from the facts; undefined if it is neither a file nor a folder. A link (`isLink`) must be looked up. */
export function statIn({
  facts,
}: FactLine): (Omit<Stat, 'size'> & { readonly size?: number; readonly isLink?: true }) | undefined {
  const type = facts.get('type')?.toLowerCase() ?? 'file'
  if (type === 'dir' || type === 'cdir' || type === 'pdir') return { isDirectory: true, size: 0 }
  if (/^os\.unix=s(?:ym)?link/.test(type)) return { isLink: true }
  if (type !== 'file') return undefined
  const [digits, modify, unique] = ['size', 'modify', 'unique'].map(name => facts.get(name))
  const size = digits !== undefined && /^\d+$/.test(digits) ? Number(digits) : undefined
  const modifiedAt = modify === undefined ? undefined : timeIn(modify)
  const known = { ...(size !== undefined && { size }), ...(modifiedAt !== undefined && { modifiedAt }) }
  // The etag is weak: overwriting a file in place within the same second changes none of these values.
  const etag = unique && modifiedAt && size !== undefined ? `W/"${etagText(unique)}-${size}-${modify}"` : undefined
  return { ...known, ...(etag !== undefined && { etag }) }
}

function etagText(unique: string): string {
  return unique.replaceAll(/[^!#-~]/g, '_')
}

/** An entry of a folder; undefined for the folder itself, its parent, and items that are neither files nor folders. */
export function itemIn(line: FactLine): FolderItem | undefined {
  const type = line.facts.get('type')?.toLowerCase()
  if (type === 'cdir' || type === 'pdir') return undefined
  const stat = statIn(line)
  if (stat === undefined) return undefined
  const { isLink, size, isDirectory = false, ...rest } = stat
  const known = isLink || size === undefined ? undefined : { ...rest, size }
  return { name: line.name, isDirectory, ...(!isDirectory && known && { stat: known }) }
}
